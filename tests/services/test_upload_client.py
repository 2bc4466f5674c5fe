"""The uploader's side of the API: patient where that helps, plain where it does not."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from qa_audit.cli import upload as command
from qa_audit.errors import Invalid, Stopped, Temporary
from qa_audit.services.bulk_upload import Item, Outcome, Plan
from qa_audit.services.upload_client import TRIES, Answer, Server, is_loopback

STORED = {"id": "abc", "agent": "Dana", "started_at": "2026-11-02T09:00:00+01:00", "queue": None}
Step = httpx.Response | Exception | Callable[[httpx.Request], httpx.Response]


class Scripted:
    """Answers requests by a script, step by step, and keeps what was asked and how long was waited."""

    def __init__(self, *steps: Step) -> None:
        self.steps = list(steps)
        self.requests: list[httpx.Request] = []
        self.waits: list[float] = []

    def answer(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self.requests.append(request)
        step = self.steps.pop(0) if len(self.steps) > 1 else self.steps[0]
        if isinstance(step, Exception):
            raise step
        return step if isinstance(step, httpx.Response) else step(request)

    def wait(self, seconds: float) -> bool:
        self.waits.append(seconds)
        return False

    def server(self, url: str = "http://qa.example") -> Server:
        return Server(url, "qa_token", "acme", wait=self.wait, transport=httpx.MockTransport(self.answer))


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "call.wav"
    path.write_bytes(b"x" * 200_000)
    return path


def accepted(status: int = 201, **more: object) -> httpx.Response:
    return httpx.Response(status, json={"id": "abc", "status": "received", "sha256": "0", **more})


def test_a_transcript_is_sent_whole_beside_the_recording_at_every_try(recording: Path) -> None:
    scripted = Scripted(httpx.ConnectError("no"), accepted())
    scripted.server().send(recording, "f" * 64, {}, lambda done: None, b"WEBVTT\n\n1")
    (request,) = scripted.requests[1:]
    assert b'name="transcript"; filename="transcript"' in request.content
    assert b"WEBVTT\n\n1\r\n--" in request.content


def problem(status: int, headers: dict[str, str] | None = None, **more: object) -> httpx.Response:
    return httpx.Response(status, json={"detail": "Because.", **more}, headers=headers)


def send(scripted: Scripted, path: Path) -> tuple[Answer, list[int]]:
    sent: list[int] = []
    return scripted.server().send(path, "f" * 64, {"agent": "Dana"}, sent.append), sent


def test_a_recording_is_sent_with_its_fields_its_token_and_a_key_of_its_bytes(recording: Path) -> None:
    scripted = Scripted(accepted())
    answer, sent = send(scripted, recording)
    assert answer == Answer("accepted", "abc")
    (request,) = scripted.requests
    assert request.headers["Authorization"] == "Bearer qa_token"
    assert b'name="vendor"\r\n\r\nacme' in request.content
    assert b'name="agent"\r\n\r\nDana' in request.content
    assert b'filename="call.wav"' in request.content
    assert (sent[0], sent[-1], len(sent) > 3) == (0, 200_000, True)
    send(scripted, recording)
    assert len({request.headers["Idempotency-Key"] for request in scripted.requests}) == 1


@pytest.mark.parametrize(
    "hiccup",
    [
        httpx.ConnectError("refused"),
        httpx.ReadError("reset"),
        httpx.ReadTimeout("slow"),
        problem(503),
        problem(502),
        problem(409, {"Retry-After": "5"}),
        problem(429, {"Retry-After": "7"}),
    ],
    ids=lambda step: type(step).__name__ if isinstance(step, Exception) else str(step.status_code),
)
def test_what_passes_is_tried_again_from_the_first_byte(recording: Path, hiccup: Step) -> None:
    scripted = Scripted(hiccup, hiccup, accepted())
    answer, sent = send(scripted, recording)
    assert answer.result == "accepted"
    assert len(scripted.requests) == 3
    assert sent.count(0) >= 3
    assert scripted.requests[0].content[-1000:] != b""
    later = hiccup.headers.get("Retry-After") if isinstance(hiccup, httpx.Response) else None
    assert min(scripted.waits) >= float(later or 0.3)


def test_pauses_grow_and_end_after_some_tries(recording: Path) -> None:
    scripted = Scripted(httpx.ConnectError("refused"))
    with pytest.raises(Temporary, match=r"qa\.example cannot be reached: refused"):
        send(scripted, recording)
    assert len(scripted.requests) == TRIES
    assert len(scripted.waits) == TRIES - 1
    assert scripted.waits[-1] > 10 * scripted.waits[0]
    assert 25 < sum(scripted.waits) < 60


@pytest.mark.parametrize("status", [400, 404, 413, 415, 422, 500, 507])
def test_what_cannot_get_better_is_refused_at_once_with_the_servers_words(
    recording: Path, status: int
) -> None:
    errors = [{"field": "agent", "message": "is odd"}, {"field": "audio", "message": "Because."}]
    scripted = Scripted(problem(status, errors=errors))
    answer, _ = send(scripted, recording)
    assert answer == Answer("refused", reason="Because. agent: is odd")
    assert scripted.waits == []


def test_a_key_that_was_used_otherwise_leads_to_the_call_that_is_there(recording: Path) -> None:
    scripted = Scripted(problem(409), httpx.Response(200, json={"calls": [STORED]}))
    assert send(scripted, recording)[0] == Answer("existing", "abc")
    scripted = Scripted(problem(409), httpx.Response(200, json={"calls": []}))
    assert send(scripted, recording)[0] == Answer("refused", reason="Because.")


def test_bytes_that_are_there_already_are_compared_with_what_is_said(recording: Path) -> None:
    scripted = Scripted(httpx.Response(200, json={"calls": [STORED]}))
    said = {"agent": "Tom", "started_at": "2026-11-02T08:00:00+00:00", "queue": "q", "custom.x": "1"}
    assert scripted.server().find("f" * 64, said) == Answer("existing", "abc", differences=("agent", "queue"))
    assert Scripted(httpx.Response(200, json={"calls": []})).server().find("f" * 64, {}) is None
    again = Scripted(accepted(200, differences=[{"field": "queue", "stored": None, "sent": "q"}]))
    assert send(again, recording)[0] == Answer("existing", "abc", None, ("queue",))


@pytest.mark.parametrize("status", [401, 403])
def test_a_token_that_is_not_accepted_ends_everything(recording: Path, status: int) -> None:
    with pytest.raises(Invalid, match="does not accept the token"):
        send(Scripted(problem(status)), recording)
    with pytest.raises(Invalid, match="does not accept the token"):
        Scripted(problem(status)).server().check()


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, text="<html>"),
        httpx.Response(200, json=[1]),
        httpx.Response(301),
        httpx.Response(500),
    ],
)
def test_a_server_that_is_something_else_is_named(answer: httpx.Response) -> None:
    with pytest.raises(Temporary, match="does not answer as QA Audit does"):
        Scripted(answer).server().check()


def test_stopping_ends_a_running_send(recording: Path) -> None:
    stop = threading.Event()
    scripted = Scripted(accepted())
    server = Server(
        "http://qa.example", "t", "acme", stop=stop, transport=httpx.MockTransport(scripted.answer)
    )

    def sent(done: int) -> None:
        if done > 100_000:
            stop.set()

    with pytest.raises(Stopped):
        server.send(recording, "f" * 64, {}, sent)


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("http://127.0.0.1:8000", True),
        ("http://localhost", True),
        ("http://[::1]:80", True),
        ("http://127.example.org", False),
        ("http://10.0.0.1", False),
        ("https://localhost.example.org", False),
    ],
)
def test_only_this_machine_is_this_machine(url: str, local: bool) -> None:
    assert is_loopback(url) is local


def test_a_bar_shows_files_and_bytes_on_a_terminal(recording: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("sys.stderr", terminal := Terminal())
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    plan = Plan((Item(recording, "call.wav"), Item(recording, "b.wav")), ())
    with command._watching(plan, quiet=False) as watcher:
        watcher.advance(150_000)
        watcher.advance(-150_000)
        watcher.advance(200_000)
        watcher.settled(Outcome("call.wav", "accepted"))
    shown = terminal.getvalue()
    assert "1 of 2 files" in shown
    assert "200.0/400.0 kB" in shown
