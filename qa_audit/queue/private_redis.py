"""A Redis of our own for one machine: on a unix socket, without a port, gone with whoever began it."""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from qa_audit.errors import Invalid, Temporary

ADDRESS_FILE = "redis-url"
"""The file in the data folder that holds the running private Redis' address."""

PROGRAMS = ("redis-server", "valkey-server")
SOCKET_LIMIT = 107
"""Bytes of a unix socket's path; redis-server cuts a longer one without a word and listens elsewhere."""

FOLDER_PREFIX = "qa-redis-"
START_SECONDS = 15.0
_PR_SET_PDEATHSIG = 1


def find_program() -> Path:
    """Return a Redis or Valkey server: one on PATH, else the one in this Python environment.

    Raises Invalid that names the package to install.
    """
    here = Path(sys.executable).parent
    for name in PROGRAMS:
        found = shutil.which(name) or shutil.which(name, path=str(here))
        if found:
            return Path(found)
    raise Invalid(
        "No Redis is to be had here: install the package redis-server (Debian, Ubuntu) or redis (Fedora, "
        "macOS), or set QA_AUDIT_REDIS_URL."
    )


@contextmanager
def running(data_dir: Path, log: Path | None = None) -> Iterator[str]:
    """Run a private Redis and yield its address, which also stands in `<data_dir>/redis-url` meanwhile.

    It keeps nothing on disk (the database knows what is to be done), refuses writes rather than forget hints
    when its memory is full, and listens on a socket in a private folder only. Raises Invalid when there is no
    program, Temporary when it does not answer.
    """
    _sweep_up(data_dir)
    folder = Path(tempfile.mkdtemp(prefix=FOLDER_PREFIX, dir=_short_folder()))
    address_file = data_dir / ADDRESS_FILE
    process: subprocess.Popen[bytes] | None = None
    try:
        socket = folder / "s"
        process = _start(find_program(), folder, socket, log)
        address = f"unix://{socket}"
        _wait(address, process, log)
        _write_private(address_file, address)
        yield address
    finally:
        _forget(address_file, folder)
        if process is not None:
            _stop(process)
        shutil.rmtree(folder, ignore_errors=True)


def private_url(data_dir: Path) -> str | None:
    """Return the address of the private Redis of this data folder, or None when none answers."""
    try:
        address = (data_dir / ADDRESS_FILE).read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return None
    return address if address and answers(address) else None


def answers(address: str) -> bool:
    """Say whether a Redis answers at the address within a second."""
    import redis

    try:
        client = redis.Redis.from_url(address, socket_timeout=1, socket_connect_timeout=1)
        with contextlib.closing(client):
            return bool(client.ping())
    except (redis.RedisError, OSError, ValueError):
        return False


def die_with_parent() -> Callable[[], None] | None:
    """Return what a child must run before its program so that the kernel ends it when this process dies.

    For `subprocess.Popen(preexec_fn=…)`, called from the main thread: the kernel watches the thread that
    forked. None where the system cannot do it (other than Linux).
    """
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None, use_errno=True)
    parent = os.getpid()

    def in_child() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    return in_child


def _short_folder() -> str | None:
    """Return a folder short enough for a socket's path; None lets tempfile choose its own."""
    longest = SOCKET_LIMIT - len(f"/{FOLDER_PREFIX}12345678/s")
    for folder in (tempfile.gettempdir(), "/tmp"):
        if len(os.fsencode(folder)) < longest and os.access(folder, os.W_OK):
            return folder
    return None


def _start(program: Path, folder: Path, socket: Path, log: Path | None) -> subprocess.Popen[bytes]:
    if len(os.fsencode(socket)) >= SOCKET_LIMIT:
        raise Invalid("The folder for temporary files has too long a name: set TMPDIR to a short one.")
    options = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "save": "",
        "appendonly": "no",
        "maxmemory-policy": "noeviction",
        "dir": str(folder),
        "daemonize": "no",
    }
    command = [str(program)]
    for name, value in options.items():
        command += [f"--{name}", value]
    with (log or Path(os.devnull)).open("wb") as output:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=die_with_parent(),
        )


def _wait(address: str, process: subprocess.Popen[bytes], log: Path | None) -> None:
    until = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < until:
        if answers(address):
            return
        time.sleep(0.02)
    where = f" Its words are in {log}." if log else ""
    raise Temporary(f"The private Redis did not start.{where}")


def _write_private(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(text + "\n")
    temporary.replace(path)


def _sweep_up(data_dir: Path) -> None:
    """Remove what a private Redis left that was killed together with its starter."""
    with contextlib.suppress(OSError, UnicodeDecodeError):
        address = (data_dir / ADDRESS_FILE).read_text(encoding="ascii").strip()
        folder = Path(address.removeprefix("unix://")).parent
        if folder.name.startswith(FOLDER_PREFIX) and not answers(address):
            shutil.rmtree(folder, ignore_errors=True)


def _forget(address_file: Path, folder: Path) -> None:
    """Remove the address file if it still names this Redis."""
    with contextlib.suppress(OSError):
        if str(folder) in address_file.read_text(encoding="ascii"):
            address_file.unlink()


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
