"""`serve`, `worker` and `sweep`: the commands they become, and what they refuse."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from qa_audit.cli import processes
from qa_audit.config import Settings
from qa_audit.errors import Invalid
from qa_audit.runtime import Runtime
from tests.house.processes import Program, free_port, wait_until

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def installation(tmp_path: Path, sqlite_template: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder with an up-to-date database that the commands find."""
    (tmp_path / "qa_audit.sqlite3").write_bytes(sqlite_template.read_bytes())
    monkeypatch.setenv("QA_AUDIT_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("QA_AUDIT_SWEEP_SECONDS", "0.2")
    return tmp_path


@pytest.fixture
def programs(tmp_path: Path) -> Iterator[list[Program]]:
    """Programs that are certainly gone after the test."""
    started: list[Program] = []
    yield started
    for program in started:
        program.end()


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "qa_audit.cli.main", *words]


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*words), cwd=REPOSITORY, capture_output=True, text=True, timeout=60)


def test_the_web_command_binds_where_it_is_told_and_logs_no_query() -> None:
    words = processes.web_command(Settings(port=8100, grace_seconds=50), "127.0.0.1", processes=3, threads=4)
    options = dict(zip(words[3:-2:2], words[4:-2:2], strict=True))
    assert options["--bind"] == "127.0.0.1:8100"
    assert (options["--workers"], options["--threads"]) == ("3", "4")
    assert options["--graceful-timeout"] == "50"
    assert words[-1] == "qa_audit.web.app:create_app()"
    for personal in ("%(q)s", "%(r)s", "%(h)s", "%(f)s", "%(a)s", "%(u)s"):
        assert personal not in options["--access-logformat"]
    assert "--bind [::1]:9000" in " ".join(processes.web_command(Settings(), "::1", 9000))


@pytest.mark.parametrize(
    ("listed", "chosen"),
    [
        (None, ("default", "transcription")),
        ("transcription", ("transcription",)),
        (" default , transcription,default", ("default", "transcription")),
    ],
)
def test_queues_are_chosen_by_name(listed: str | None, chosen: tuple[str, ...]) -> None:
    assert processes.queue_names(listed) == chosen


@pytest.mark.parametrize("listed", ["", ",", "default,nonsense"])
def test_an_unknown_queue_is_refused_with_the_names_there_are(listed: str) -> None:
    with pytest.raises(Invalid, match="The queues are default, transcription"):
        processes.queue_names(listed)


@pytest.mark.parametrize("name", ["serve", "worker", "sweep"])
def test_a_database_that_is_not_up_to_date_is_refused_with_the_command_that_helps(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QA_AUDIT_DATA_DIR", str(tmp_path))
    done = run(name, *(["--check"] if name != "serve" else []))
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "qa-audit db upgrade" in done.stderr


def test_serve_answers_and_stops_on_sigterm_without_logging_what_was_searched(
    installation: Path, programs: list[Program]
) -> None:
    port = free_port()
    server = Program(
        command("serve", "--port", str(port), "--processes", "1"), installation / "said", cwd=REPOSITORY
    )
    programs.append(server)
    assert server.says("Booting worker"), server.words
    answer = httpx.get(f"http://127.0.0.1:{port}/login?next=/calls%3Fq%3Dsecret-name")
    assert answer.status_code == 200
    assert wait_until(lambda: "GET /login 200" in server.words)
    assert "secret-name" not in server.words
    assert "127.0.0.1 -" not in server.words
    assert "QA_AUDIT_REDIS_URL" in server.words
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(timeout=20) == 0


def test_sweep_makes_passes_until_sigterm(installation: Path, programs: list[Program]) -> None:
    runtime = Runtime(Settings(data_dir=installation))
    old = runtime.media.incoming() / "old.part"
    old.write_bytes(b"left by an upload that broke off")
    subprocess.run(["touch", "-d", "2 hours ago", str(old)], check=True)
    sweep = Program(command("sweep"), installation / "said", cwd=REPOSITORY)
    programs.append(sweep)
    assert wait_until(lambda: not old.exists(), 30), sweep.words
    assert sweep.process.poll() is None
    sweep.process.send_signal(signal.SIGTERM)
    assert sweep.process.wait(timeout=20) == 0


def test_one_pass_of_the_sweep_ends_by_itself(installation: Path) -> None:
    assert run("sweep", "--once").returncode == 0


@pytest.mark.parametrize("name", ["worker", "sweep"])
def test_a_health_check_ends_at_once_and_says_yes(name: str, installation: Path) -> None:
    assert run(name, "--check").returncode == 0


def test_a_worker_in_a_burst_ends_when_nothing_is_due(installation: Path) -> None:
    done = run("worker", "--burst", "--queues", "default")
    assert done.returncode == 0, done.stderr
    assert "QA_AUDIT_REDIS_URL" in done.stderr


def test_a_reader_that_has_enough_ends_a_command_without_a_word() -> None:
    asked = command(
        "rubric", "check", *(str(path) for path in sorted((REPOSITORY / "rubrics").glob("*.yaml")))
    )
    with subprocess.Popen(asked, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as begun:
        assert begun.stdout is not None
        assert begun.stderr is not None
        begun.stdout.close()
        assert begun.stderr.read() == b""
        assert begun.wait(60) == 1
