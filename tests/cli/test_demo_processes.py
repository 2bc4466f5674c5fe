"""The demo as one family of processes: they start together, serve, and are gone together."""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.house.processes import Program, alive, free_port, wait_until

REPOSITORY = Path(__file__).resolve().parents[2]
READY = "Ctrl-C stops all of it."

SCRIPT = """
import dataclasses, sys
from qa_audit.services import bundled_calls
wanted, bundle = sys.argv.pop(1).split(","), bundled_calls.load_bundle()
chosen = dataclasses.replace(bundle, calls=tuple(call for call in bundle.calls if call.id in wanted))
bundled_calls.load_bundle = lambda: chosen
from qa_audit.cli.main import main
main(prog_name="qa-audit")
"""
"""The real command, with only some of the bundled calls."""

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="looks at processes through /proc"),
    pytest.mark.faults,
]

Start = Callable[..., Program]


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Start demos that are certainly gone after the test."""
    monkeypatch.setenv("QA_AUDIT_DATA_DIR", str(tmp_path / "data"))
    programs: list[Program] = []

    def begin(*options: str, calls: str = "") -> Program:
        command = [sys.executable, "-c", SCRIPT, calls, "demo", "--no-sample-history", *options]
        program = Program(command, tmp_path / f"said-{len(programs)}", cwd=REPOSITORY)
        programs.append(program)
        return program

    yield begin
    for program in programs:
        program.end()


def is_complete(demo: Program) -> bool:
    """Say whether Redis, web, sweep, supervisor and both of its workers are there."""
    return len(alive(demo.family())) >= 7


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_no_process_outlives_the_demo(start: Start, number: signal.Signals) -> None:
    demo = start("--port", str(free_port()))
    assert demo.says(READY), demo.words
    check_the_end(demo, number)


def test_a_second_ctrl_c_ends_everything_at_once(start: Start) -> None:
    demo = start("--port", str(free_port()))
    assert demo.says(READY), demo.words
    assert wait_until(lambda: is_complete(demo))
    worker = next(pid for pid in alive(demo.family()) if b"workers.worker" in command_of(pid))
    os.kill(worker, signal.SIGSTOP)  # so that it cannot end by itself
    demo.process.send_signal(signal.SIGINT)
    assert demo.says("Stopping.")
    demo.process.send_signal(signal.SIGINT)
    demo.process.wait(timeout=15)
    assert wait_until(lambda: not alive(demo.seen), 15), alive(demo.seen)
    assert demo.process.returncode == 128 + signal.SIGINT


def test_the_printed_sign_ins_work_until_it_is_ended_and_a_second_demo_is_refused_in_one_line(
    start: Start, tmp_path: Path
) -> None:
    port = str(free_port())
    demo = start("--port", port)
    assert demo.says(READY), demo.words
    address = re.search(r"Ready: (http://\S+)", demo.words)
    people = re.findall(r"^  ([a-z]+) +(\S+@\S+) +(\S+)   \S.*$", demo.words, re.MULTILINE)
    assert address is not None
    assert [role for role, _, _ in people] == ["admin", "reviewer", "viewer", "manager", "lead", "agent"]
    for role, email, password in people:
        with httpx.Client(base_url=address[1], headers={"Origin": address[1]}) as browser:
            page = browser.get("/login").text
            hidden = dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', page))
            answer = browser.post("/login", data={**hidden, "email": email, "password": password})
            assert answer.status_code == 303, answer.text
            of_vendor = role in ("manager", "lead", "agent")
            assert browser.get("/calls").status_code == (404 if of_vendor else 200)
            assert browser.get("/scorecards").status_code == 200
    assert httpx.get(f"{address[1]}/readyz").json()["redis"] == "ok"
    second = start("--port", str(free_port()))
    assert second.process.wait(timeout=90) == 2
    assert second.words.count("\n") == 1
    assert "running" in second.words
    assert "--data-dir" in second.words
    third = start("--port", port, "--data-dir", str(tmp_path / "other"))
    assert third.process.wait(timeout=90) == 2
    assert third.words.count("\n") == 1
    assert f"Port {port} is taken" in third.words
    assert demo.process.poll() is None
    check_the_end(demo, signal.SIGTERM)


def test_the_death_of_one_process_ends_the_demo_and_names_its_log(start: Start) -> None:
    demo = start("--port", str(free_port()))
    assert demo.says(READY), demo.words
    web = next(pid for pid in alive(demo.family()) if b"gunicorn" in command_of(pid))
    os.kill(web, signal.SIGKILL)
    demo.process.wait(timeout=90)
    assert demo.process.returncode == 1
    assert re.search(r"qa-audit: The web process ended \(exit -9\). See \S+web.log", demo.words)
    assert wait_until(lambda: not alive(demo.seen), 15)


@pytest.mark.slow
def test_once_scores_a_bundled_call_prints_it_and_finds_it_again(start: Start) -> None:
    demo = start("--once", calls="call-05,broken-14")
    assert demo.process.wait(timeout=170) == 0, demo.words
    assert re.search(r"call-05 +Sollent +48\.\d +\d+ +[\d.]+ +[\d.]+ +\d+ +\d+ +0$", demo.words, re.MULTILINE)
    assert "opposite 0 (0.0 %), of 20" in demo.words
    assert re.search(r"Only shown: broken-14: (silent|received)", demo.words)
    assert not alive(demo.family())
    again = start("--once", calls="call-05")
    assert again.process.wait(timeout=90) == 0, again.words
    assert "1 bundled, 0 of them new" in again.words


def check_the_end(demo: Program, number: signal.Signals) -> None:
    """End a demo by a signal and check that it says so, where it can, and leaves nothing running."""
    assert wait_until(lambda: is_complete(demo)), demo.family()
    demo.process.send_signal(number)
    demo.process.wait(timeout=90)
    assert wait_until(lambda: not alive(demo.seen), 15), alive(demo.seen)
    if number != signal.SIGKILL:
        assert demo.process.returncode == 0
        assert demo.words.rstrip().endswith("Stopping.")


def command_of(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()
