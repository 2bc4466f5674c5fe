"""The web process is killed, or its client goes away, in the middle of uploads: nothing is lost or left."""

from __future__ import annotations

import hashlib
import os
import pkgutil
import random
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select
from sqlmodel import col

from qa_audit.config import Settings
from qa_audit.media.fakes import ScriptedRecordings
from qa_audit.runtime import Runtime
from qa_audit.services import accounts, consistency
from qa_audit.services.sweeping import sweep_once
from qa_audit.storage.tables import Call, Recording, Task, Upload
from tests.api.helping import add_vendors, counted, files_of, take, wav

KILLS = 4
UPLOADERS = 6
LONG_AGO = 100_000.0
SECONDS = 3
"""Length of each recording: about 48 kB, sent in pieces that take half a second together."""
VTT = b"WEBVTT\n\n00:00.010 --> 00:00.150\n<v Agent>Hello\n"

pytestmark = [pytest.mark.faults, pytest.mark.slow]


class Web:
    """Gunicorn with the real application, started anew after every kill."""

    def __init__(self, settings: Settings) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("QA_AUDIT_")},
            "QA_AUDIT_DATA_DIR": str(settings.data_dir),
            "QA_AUDIT_DATABASE_URL": settings.database_url,
            "QA_AUDIT_SECRET_KEY": settings.secret_key,
        }
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start and wait until requests are answered."""
        command = [sys.executable, "-m", "gunicorn", "qa_audit.web.app:create_app()", "--threads", "8"]
        command += ["--bind", f"127.0.0.1:{self.port}", "--log-level", "critical", "--no-control-socket"]
        self._process = subprocess.Popen(
            command, env=self._environment, start_new_session=True, stderr=subprocess.DEVNULL
        )
        until = time.monotonic() + 60
        while time.monotonic() < until:
            try:
                if (
                    httpx.get(f"{self.url}/api/v1/openapi.json", timeout=5, trust_env=False).status_code
                    == 200
                ):
                    return
            except httpx.TransportError:
                time.sleep(0.05)
        raise TimeoutError("the web process does not answer")

    def kill(self) -> None:
        """Kill master and worker at once, as a power cut would."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None


class Uploader(threading.Thread):
    """Sends one recording after the other, slowly, each until it is answered with 201 or 200."""

    def __init__(self, number: int, url: str, token: str, stop: threading.Event) -> None:
        super().__init__(daemon=True)
        self.answered: dict[str, tuple[bytes, int]] = {}
        self.unexpected: list[str] = []
        self.broken = 0
        self._stop_soon = stop
        self._numbers = iter(range(number, 1_000_000, UPLOADERS))
        self._client = httpx.Client(
            base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=30, trust_env=False
        )

    def run(self) -> None:
        while not self._stop_soon.is_set():
            self._deliver(wav(next(self._numbers), SECONDS))

    def _deliver(self, data: bytes) -> None:
        headers = {
            "Idempotency-Key": hashlib.sha256(data).hexdigest(),
            "Content-Type": "multipart/form-data; boundary=b",
        }
        while True:
            try:
                response = self._client.post("/api/v1/calls", content=slowly(data), headers=headers)
            except httpx.TransportError:
                self.broken += 1
                time.sleep(0.1)
                continue
            if response.status_code in (200, 201):
                self.answered[response.json()["id"]] = (data, response.status_code)
                return
            if response.status_code != 409 or "Retry-After" not in response.headers:
                self.unexpected.append(f"{response.status_code}: {response.text[:200]}")
                return
            time.sleep(0.2)


def slowly(data: bytes) -> Iterator[bytes]:
    """Yield a form with a recording in pieces, with pauses between them."""
    for piece in pieces(data):
        yield piece
        time.sleep(random.uniform(0.0, 0.1))


def pieces(data: bytes) -> Iterator[bytes]:
    """Yield a form with a recording, the recording in ten pieces."""
    yield b'--b\r\nContent-Disposition: form-data; name="vendor"\r\n\r\nacme\r\n'
    yield b'--b\r\nContent-Disposition: form-data; name="audio"; filename="call.wav"\r\n\r\n'
    step = len(data) // 10
    for start in range(0, len(data), step):
        yield data[start : start + step]
    yield b"\r\n--b--\r\n"


@pytest.fixture
def web(runtime: Runtime, settings: Settings) -> Iterator[Web]:
    add_vendors(runtime, "acme")
    web = Web(settings)
    web.start()
    yield web
    web.kill()


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_what_was_answered_is_kept_whole_however_often_the_web_process_is_killed(
    runtime: Runtime, web: Web
) -> None:
    token = accounts.create_token(runtime, "upload", "acme")
    stop = threading.Event()
    uploaders = [Uploader(number, web.url, token, stop) for number in range(UPLOADERS)]
    for uploader in uploaders:
        uploader.start()
    for _ in range(KILLS):
        time.sleep(random.uniform(0.0, 1.2))
        wait_for_an_upload_on_its_way(runtime)
        web.kill()
        free_keys(runtime)
        web.start()
    stop.set()
    for uploader in uploaders:
        uploader.join(60)
    web.kill()
    answered = {id: found for uploader in uploaders for id, found in uploader.answered.items()}
    broken = sum(uploader.broken for uploader in uploaders)
    print(f"{KILLS} kills, {broken} uploads broken off, {len(answered)} recordings answered")
    assert [problem for uploader in uploaders for problem in uploader.unexpected] == []
    assert broken >= KILLS / 2
    assert stored(runtime) == {id: data for id, (data, _) in answered.items()}
    assert counted(runtime, Call, Recording, Task) == [len(answered)] * 3
    assert_the_rest_is_swept_away(runtime)


def wait_for_an_upload_on_its_way(runtime: Runtime) -> None:
    """Return while a recording is half on the disk: left to chance, a slow machine may be killed between two."""
    folder, until = runtime.media.incoming(), time.monotonic() + 30
    while time.monotonic() < until:
        if any(folder.iterdir()):
            return
        time.sleep(0.005)
    raise TimeoutError("no upload is on its way")


def assert_the_rest_is_swept_away(runtime: Runtime) -> None:
    kept = set(paths_of_rows(runtime))
    left = set(files_of(runtime)) - kept
    assert left
    for path in files_of(runtime):
        os.utime(path, (time.time() - LONG_AGO, time.time() - LONG_AGO))
    assert sweep_once(runtime).removed == len(left)
    assert set(files_of(runtime)) == kept
    assert consistency.check(runtime).is_sound


CRASH_POINTS = {
    "before the bytes are synced": ("qa_audit.services.receiving.os.fsync", False),
    "before the file is where it stays": ("qa_audit.media.store.LocalMediaStore.put_file", False),
    "after the file is where it stays": ("qa_audit.media.store.LocalMediaStore.put_file", True),
    "before the transcript is where it stays": ("qa_audit.media.store.LocalMediaStore.put_bytes", False),
    "after the transcript is where it stays": ("qa_audit.media.store.LocalMediaStore.put_bytes", True),
    "before the first row": ("qa_audit.storage.uploads.add_call", False),
    "after call and recording are written": ("qa_audit.storage.uploads.add_call", True),
    "after the task is written": ("qa_audit.storage.tasks.add", True),
    "before the commit": ("qa_audit.storage.uploads.finish_key", True),
    "after the commit": ("qa_audit.services.tasks.ring", False),
    "before the answer": ("qa_audit.services.tasks.ring", True),
}


@pytest.mark.parametrize("point", CRASH_POINTS)
def test_an_upload_that_dies_at_any_point_can_be_repeated_and_is_there_once(
    runtime: Runtime, point: str
) -> None:
    runtime.recordings = ScriptedRecordings()  # type: ignore[misc]
    add_vendors(runtime, "acme")
    runtime.media.incoming()
    runtime.db.dispose()
    crash_at(*CRASH_POINTS[point], runtime)
    free_keys(runtime)
    halves = counted(runtime, Call, Recording, Task)
    assert halves in ([0, 0, 0], [1, 1, 1])
    again = take(runtime, wav(), key="k", transcript=VTT)
    assert stored(runtime) == {again.id: wav()}
    assert counted(runtime, Call, Recording, Task) == [1, 1, 1]
    for path in files_of(runtime):
        os.utime(path, (time.time() - LONG_AGO, time.time() - LONG_AGO))
    sweep_once(runtime)
    assert sorted(path.read_bytes() for path in files_of(runtime)) == sorted([wav(), VTT])
    assert consistency.check(runtime).is_sound


def crash_at(name: str, after: bool, runtime: Runtime) -> None:
    """Upload in a process of its own, which dies without a word before or after a function is called."""
    child = os.fork()
    if child == 0:
        owner = pkgutil.resolve_name(name.rpartition(".")[0])
        function = getattr(owner, name.rpartition(".")[2])

        def dying(*args: Any, **named: Any) -> None:
            if after:
                function(*args, **named)
            os.kill(os.getpid(), signal.SIGKILL)

        setattr(owner, name.rpartition(".")[2], dying)
        try:
            mine = Runtime(runtime.settings)
            mine.recordings = ScriptedRecordings()  # type: ignore[misc]
            take(mine, wav(), key="k", transcript=VTT)
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WTERMSIG(status) == signal.SIGKILL, "the crash point was never reached"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_uploads_that_the_client_breaks_off_leave_nothing(runtime: Runtime, web: Web) -> None:
    token = accounts.create_token(runtime, "upload", "acme")
    for number in range(24):
        break_off(web.port, token, wav(number), (0.0, 0.01, 0.5, 0.99)[number % 4], chunked=number % 3 == 0)
    until = time.monotonic() + 20
    while files_of(runtime) and time.monotonic() < until:
        time.sleep(0.05)
    assert files_of(runtime) == []
    assert counted(runtime, Call, Recording, Task, Upload) == [0] * 4
    response = httpx.post(
        f"{web.url}/api/v1/calls",
        data={"vendor": "acme"},
        files={"audio": ("call.wav", wav())},
        headers={"Authorization": f"Bearer {token}"},
        trust_env=False,
    )
    assert response.status_code == 201


def break_off(port: int, token: str, data: bytes, share: float, *, chunked: bool) -> None:
    """Send the beginning of an upload and go away, half of the time without a word."""
    body = b"".join(pieces(data))
    sent = body[: int(len(body) * share)]
    length = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: %d" % len(body)
    lines = (
        b"POST /api/v1/calls HTTP/1.1",
        b"Host: 127.0.0.1",
        b"Authorization: Bearer " + token.encode(),
        b"Content-Type: multipart/form-data; boundary=b",
        b"Idempotency-Key: broken",
        length,
    )
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        if random.random() < 0.5:
            linger = struct.pack("ii", 1, 0)  # closing sends a reset instead of an orderly end
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        connection.sendall(b"\r\n".join(lines) + b"\r\n\r\n")
        connection.sendall(b"%x\r\n" % len(body) + sent if chunked else sent)
        time.sleep(0.05)


def free_keys(runtime: Runtime) -> None:
    """Let the keys of dead uploads run out now: half a minute is longer than this test wants to wait."""
    with runtime.db.write() as session:
        for row in session.scalars(select(Upload).where(col(Upload.state) == "running")):
            row.running_until = 0.0


def stored(runtime: Runtime) -> dict[str, bytes]:
    """Return the bytes of every call, each checked against its row's hash."""
    with runtime.db.read() as session:
        query = select(col(Call.public_id), Recording).join(Recording, col(Recording.call_id) == col(Call.id))
        found: dict[str, bytes] = {}
        for id, recording in session.execute(query):
            data = runtime.media.open(recording.media_key).read()
            assert hashlib.sha256(data).hexdigest() == recording.sha256
            found[id] = data
        return found


def paths_of_rows(runtime: Runtime) -> list[Path]:
    with runtime.db.read() as session:
        keys: list[Any] = list(session.scalars(select(col(Recording.media_key))))
    return [runtime.media.local_path(key) for key in keys]
