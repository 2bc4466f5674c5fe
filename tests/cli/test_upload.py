"""`qa-audit upload` against a real server: everything arrives once, and every refusal has its reason."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from sqlalchemy import select
from sqlmodel import col

from qa_audit.errors import Refused
from qa_audit.media.fakes import ScriptedRecordings
from qa_audit.runtime import Runtime
from qa_audit.services import accounts
from qa_audit.services import ingest as ingest_service
from qa_audit.storage.tables import Agent, ApiToken, Call, Recording
from tests.api.helping import add_vendors, counted, files_of, wav
from tests.cli.serving import run, serving

VTT = "WEBVTT\n\n00:00.010 --> 00:00.150\n<v Agent>Hello\n"


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


class Picky(ScriptedRecordings):
    """Refuses what does not begin like a WAV file, as the real door would."""

    def probe(self, path: Path, filename: str) -> Any:
        if not filename.endswith(".wav"):
            raise Refused("not_audio", "The file's name is none of a recording.")
        data = path.read_bytes()
        if not data.startswith(b"RIFF"):
            raise Refused(
                "not_audio" if data else "broken", "This is no recording." if data else "It is empty."
            )
        return super().probe(path, filename)


@pytest.fixture
def server(runtime: Runtime) -> Iterator[str]:
    """A server with the vendors acme and zenith, at this address."""
    runtime.recordings = Picky()  # type: ignore[misc]
    add_vendors(runtime, "acme", "zenith")
    with serving(runtime) as url:
        yield url


@pytest.fixture
def calls(tmp_path: Path) -> Path:
    """A folder with three recordings, one of them deeper down, and things that are none."""
    folder = tmp_path / "calls"
    (folder / "deeper").mkdir(parents=True)
    (folder / ".hidden").mkdir()
    for number, name in enumerate(("a.wav", "b.wav", "deeper/c.wav", ".hidden/d.wav", "deeper/._e.wav")):
        (folder / name).write_bytes(wav(number))
    (folder / "README.md").write_text("notes")
    return folder


def upload(runtime: Runtime, server: str, *arguments: object, **variables: str) -> Result:
    return run(runtime, "upload", *map(str, arguments), "--vendor", "acme", "--url", server, **variables)


def counts(result: Result) -> dict[str, int]:
    document = json.loads(result.stdout)
    return {name: document[name] for name in ("accepted", "existing", "skipped", "refused")}


def test_a_folder_is_uploaded_whole_and_again_sends_nothing(
    runtime: Runtime, server: str, calls: Path
) -> None:
    first = upload(runtime, server, calls, "--json")
    assert first.exit_code == 0, first.output
    assert counts(first) == {"accepted": 3, "existing": 0, "skipped": 2, "refused": 0}
    skipped = [file["file"] for file in json.loads(first.stdout)["files"] if file["result"] == "skipped"]
    assert [Path(name).name for name in skipped] == ["README.md", "._e.wav"]
    probe = runtime.recordings
    runtime.recordings = None  # type: ignore[misc,assignment]
    again = upload(runtime, server, calls, "--json")
    runtime.recordings = probe  # type: ignore[misc]
    assert (again.exit_code, counts(again)["existing"], counts(again)["accepted"]) == (0, 3, 0)
    assert counted(runtime, Call) == [3]
    assert len(files_of(runtime)) == 3


def test_words_say_what_became_of_everything(runtime: Runtime, server: str, calls: Path) -> None:
    (calls / "empty.wav").touch()
    (calls / "picture.wav").write_bytes(b"\xff\xd8\xff")
    result = upload(runtime, server, calls)
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert lines[-4:] == ["accepted       3", "already there  0", "skipped        2", "refused        2"]
    assert any(line.startswith("refused") and "empty.wav: It is empty." in line for line in lines)
    assert any(line.startswith("refused") and "picture.wav: This is no recording." in line for line in lines)
    assert any(line.startswith("skipped") and "README.md: no audio" in line for line in lines)
    assert result.stderr.count("accepted ") == 3


def test_a_file_that_is_named_and_refused_counts_as_refused(
    runtime: Runtime, server: str, calls: Path
) -> None:
    result = upload(runtime, server, calls / "README.md", calls / "a.wav", "--json")
    assert (result.exit_code, counts(result)["refused"], counts(result)["accepted"]) == (1, 1, 1)


def test_a_manifest_tells_about_each_call_and_bad_rows_are_named(
    runtime: Runtime, server: str, calls: Path, tmp_path: Path
) -> None:
    manifest = tmp_path / "calls.csv"
    manifest.write_text(
        "file;agent;started_at;custom.csat\n"
        "a.wav;Dana;2026-11-02T09:00:00+01:00;5\n"
        "b.wav;Tom;yesterday;\n"
        "missing.wav;Tom;;\n"
        "deeper/c.wav;Tom;;\n"
        "a.wav;Dana;;\n",
        "utf-8-sig",
    )
    result = upload(runtime, server, calls, "--manifest", manifest, "--json")
    assert result.exit_code == 1
    assert counts(result) == {"accepted": 2, "existing": 0, "skipped": 2, "refused": 3}
    files = json.loads(result.stdout)["files"]
    refused = {file["row"]: file["reason"] for file in files if file["result"] == "refused"}
    assert "started_at" in refused[3]
    assert "no such file" in refused[4]
    assert "row 2" in refused[6]
    assert [file["row"] for file in files if file["result"] == "accepted"] == [2, 5]
    with runtime.db.read() as session:
        rows = session.execute(select(col(Agent.name), col(Call.custom)).join(Call).order_by(col(Agent.name)))
        assert [tuple(row) for row in rows] == [("Dana", {"csat": "5"}), ("Tom", {})]


def test_with_a_manifest_what_has_no_row_is_skipped(runtime: Runtime, server: str, calls: Path) -> None:
    manifest = calls / "calls.csv"
    manifest.write_text("file,agent\na.wav,Dana\n")
    result = upload(runtime, server, calls, "--manifest", manifest, "--json")
    assert counts(result) == {"accepted": 1, "existing": 0, "skipped": 4, "refused": 0}
    reasons = {Path(file["file"]).name: file["reason"] for file in json.loads(result.stdout)["files"]}
    assert reasons["b.wav"] == "no row in the manifest"
    assert "calls.csv" not in reasons


def test_a_manifest_alone_is_enough(runtime: Runtime, server: str, calls: Path) -> None:
    manifest = calls / "calls.csv"
    manifest.write_text("file\na.wav\ndeeper/c.wav\n")
    result = upload(runtime, server, "--manifest", manifest, "--json")
    assert (result.exit_code, counts(result)["accepted"]) == (0, 2)


def test_what_is_stored_otherwise_is_said_and_left(runtime: Runtime, server: str, calls: Path) -> None:
    manifest = calls / "calls.csv"
    for agent in ("Dana", "Tom"):
        manifest.write_text(f"file,agent,queue\na.wav,{agent},q\n")
        result = upload(runtime, server, "--manifest", manifest)
    assert "already there  a.wav (row 2): stored otherwise, and left so: agent" in result.stdout
    assert counted(runtime, Call, Agent) == [1, 1]


def test_the_same_bytes_twice_in_one_run_are_sent_once(runtime: Runtime, server: str, tmp_path: Path) -> None:
    folder = tmp_path / "twins"
    folder.mkdir()
    for name in ("a.wav", "b.wav", "c.wav"):
        (folder / name).write_bytes(wav())
    result = upload(runtime, server, folder, "--parallel", "3", "--json")
    assert (result.exit_code, counts(result)["accepted"], counts(result)["existing"]) == (0, 1, 2)
    files = json.loads(result.stdout)["files"]
    assert len({file["id"] for file in files}) == 1
    for name in ("x.wav", "y.wav"):
        (folder / name).write_bytes(b"no sound")
    result = upload(runtime, server, folder, "--json")
    assert counts(result)["refused"] == 2


def test_many_files_in_parallel_all_arrive(runtime: Runtime, server: str, tmp_path: Path) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(25):
        (folder / f"{number:02}.wav").write_bytes(wav(number))
    result = upload(runtime, server, folder, "--parallel", "8", "--json")
    assert counts(result)["accepted"] == 25
    assert [Path(file["file"]).name for file in json.loads(result.stdout)["files"]] == [
        f"{number:02}.wav" for number in range(25)
    ]


def test_names_of_every_script_and_none_at_all_arrive(runtime: Runtime, server: str, tmp_path: Path) -> None:
    folder = tmp_path / "names"
    folder.mkdir()
    for number, name in enumerate(
        (b"Gr\xc3\xbc\xc3\x9fe \xe9\x80\x9a\xe8\xaf\x9d.wav", b"\xff\xfe.wav", b'q"uo;te.wav')
    ):
        Path(str(folder), name.decode("utf-8", "surrogateescape")).write_bytes(wav(number))
    assert counts(upload(runtime, server, folder, "--json"))["accepted"] == 3


def test_the_operator_of_this_machine_needs_no_token_and_none_is_left(
    runtime: Runtime, server: str, calls: Path
) -> None:
    assert upload(runtime, server, calls / "a.wav").exit_code == 0
    with runtime.db.read() as session:
        (token,) = session.scalars(select(ApiToken)).all()
    assert (token.scope, token.vendor_id is None, token.revoked_at is None) == ("upload", False, False)


def test_a_token_given_is_used_and_none_is_made(runtime: Runtime, server: str, calls: Path) -> None:
    token = accounts.create_token(runtime, "upload", "acme")
    nowhere = {"QA_AUDIT_DATA_DIR": str(runtime.settings.data_dir / "none"), "QA_AUDIT_DATABASE_URL": ""}
    assert upload(runtime, server, calls / "a.wav", "--token", token, **nowhere).exit_code == 0
    assert upload(runtime, server, calls / "b.wav", QA_AUDIT_TOKEN=token, **nowhere).exit_code == 0
    assert counted(runtime, Call, ApiToken) == [2, 1]


def wrong(runtime: Runtime, *arguments: object, **variables: str) -> Result:
    result = run(runtime, "upload", *map(str, arguments), **variables)
    assert result.exit_code == 2
    assert "Traceback" not in result.output
    return result


def test_wrong_usage_is_said_in_one_line_and_exits_2(runtime: Runtime, server: str, calls: Path) -> None:
    here = ("--url", server)
    assert "manifest" in wrong(runtime, "--vendor", "acme", *here).output
    assert "--vendor" in wrong(runtime, calls, *here).output
    assert "nobody" in wrong(runtime, calls, "--vendor", "nobody", *here).output
    assert "does not exist" in wrong(runtime, calls / "none", "--vendor", "acme", *here).output
    assert "token" in wrong(runtime, calls, "--vendor", "acme", "--token", "qa_wrong", *here).output
    assert "token create" in wrong(runtime, calls, "--vendor", "acme", "--url", "https://example.org").output
    assert "http://" in wrong(runtime, calls, "--vendor", "acme", "--url", "example.org").output
    bad = calls / "bad.csv"
    bad.write_text("agent\nDana\n")
    assert "bad.csv" in wrong(runtime, calls, "--vendor", "acme", "--manifest", bad, *here).output
    nowhere = {"QA_AUDIT_DATA_DIR": str(calls / "x"), "QA_AUDIT_DATABASE_URL": ""}
    assert "token create" in wrong(runtime, calls, "--vendor", "acme", *here, **nowhere).output
    assert not (calls / "x").exists()
    assert counted(runtime, Call) == [0]


def test_a_token_that_names_another_vendor_or_may_not_upload_is_wrong_usage(
    runtime: Runtime, server: str, calls: Path
) -> None:
    foreign = accounts.create_token(runtime, "upload", "zenith")
    assert (
        "There is no vendor"
        in wrong(runtime, calls, "--vendor", "acme", "--url", server, "--token", foreign).output
    )
    reader = accounts.create_token(runtime, "read", "acme")
    assert "token" in wrong(runtime, calls, "--vendor", "acme", "--url", server, "--token", reader).output


def test_a_server_that_is_away_is_named_and_exits_1(runtime: Runtime, server: str, calls: Path) -> None:
    result = upload(runtime, "http://127.0.0.1:9", calls)
    assert result.exit_code == 1
    assert "cannot be reached" in result.stderr


def test_ctrl_c_stops_cleanly_and_the_next_run_goes_on(
    runtime: Runtime, server: str, calls: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    accept, begun = ingest_service.accept, threading.Event()

    def slow(*args: Any) -> Any:
        if begun.is_set():
            time.sleep(1.0)
        begun.set()
        return accept(*args)

    monkeypatch.setattr(ingest_service, "accept", slow)
    is_alive = threading.Thread.is_alive

    def interrupt(thread: threading.Thread) -> bool:
        if begun.is_set() and threading.current_thread() is threading.main_thread() and not interrupted:
            interrupted.append(True)
            raise KeyboardInterrupt
        return is_alive(thread)

    interrupted: list[bool] = []
    monkeypatch.setattr(threading.Thread, "is_alive", interrupt)
    stopped = upload(runtime, server, calls, "--parallel", "1", "--json")
    monkeypatch.undo()
    assert stopped.exit_code == 130
    assert "Run the same command again" in stopped.stderr
    assert json.loads(stopped.stdout)["stopped"]
    again = upload(runtime, server, calls, "--json")
    assert again.exit_code == 0
    assert counts(again)["accepted"] + counts(again)["existing"] == 3
    assert counted(runtime, Call) == [3]


def test_the_help_has_an_example(runtime: Runtime) -> None:
    assert "Example: qa-audit upload" in run(runtime, "upload", "--help").output


def test_a_manifest_names_transcripts_from_its_own_folder_on(
    runtime: Runtime, server: str, calls: Path, tmp_path: Path
) -> None:
    (tmp_path / "words").mkdir()
    good, other = VTT.encode(), VTT.replace("Hello", "Good day").encode()
    (tmp_path / "words" / "a.vtt").write_bytes(good)
    (calls / "b.srt").write_text("no transcript at all")
    manifest = tmp_path / "calls.csv"
    manifest.write_text(
        "file,transcript\na.wav,words/a.vtt\nb.wav,calls/b.srt\ndeeper/c.wav,words/none.vtt\n"
    )
    result = upload(runtime, server, calls, "--manifest", manifest, "--json")
    files = json.loads(result.stdout)["files"]
    assert (result.exit_code, counts(result)["accepted"]) == (1, 1)
    refused = {file["row"]: file["reason"] for file in files if file["result"] == "refused"}
    assert set(refused) == {3, 4}
    assert "transcript: the file: is none of the formats" in refused[3]
    assert "column 'transcript'" in refused[4]
    assert not [file for file in files if file["file"].endswith((".srt", ".vtt"))]
    with runtime.db.read() as session:
        (sha256,) = session.scalars(select(col(Recording.transcript_sha256)))
    assert sha256 == hashlib.sha256(good).hexdigest()
    (tmp_path / "words" / "a.vtt").write_bytes(other)
    manifest.write_text("file,transcript\na.wav,words/a.vtt\n")
    again = json.loads(upload(runtime, server, "--manifest", manifest, calls / "a.wav", "--json").stdout)
    assert [(file["result"], file["differences"]) for file in again["files"]] == [
        ("existing", ["transcript"])
    ]


def test_in_a_folder_no_transcript_is_guessed(runtime: Runtime, server: str, calls: Path) -> None:
    (calls / "a.vtt").write_text(VTT)
    result = upload(runtime, server, calls, "--json")
    assert (result.exit_code, counts(result)["accepted"]) == (0, 3)
    with runtime.db.read() as session:
        assert set(session.scalars(select(col(Recording.transcript_sha256)))) == {None}
