"""Run the decoder in a limited child process and turn whatever becomes of it into an answer or an error."""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qa_audit.errors import Permanent, Refused, Temporary

PACKAGE_ROOT = Path(__file__).resolve().parents[2]

MAX_ANSWER_BYTES = 1 << 16
"""More than this on the child's standard output is no answer; an honest one takes a twentieth."""


@dataclass(frozen=True)
class Limits:
    """What a child may use: bytes of address space and of each output file, seconds, and hours of sound.

    A look at the door gets `probe_seconds`. Longer work gets `base_seconds` and one more second for each
    `bytes_per_second` of the file, up to `most_seconds`: five times what two busy cores take for the most
    compressed speech, so that a slow machine is not mistaken for a bad file.
    """

    memory_bytes: int = 1 << 30
    probe_seconds: float = 20.0
    base_seconds: float = 25.0
    bytes_per_second: int = 10_000
    most_seconds: float = 1_800.0
    max_hours: float = 4.0

    @property
    def max_seconds(self) -> float:
        """Return the longest sound that is decoded, in seconds."""
        return self.max_hours * 3600

    @property
    def file_bytes(self) -> int:
        """Return the most that one output file needs: a channel of float32 at 16 kHz, and a margin."""
        return int(self.max_seconds * 64_000) + (16 << 20)

    def deadline(self, size: int) -> float:
        """Return the seconds that decoding a file of `size` bytes may take."""
        return min(self.most_seconds, self.base_seconds + size / self.bytes_per_second)


class ChildDied(Temporary):
    """The child ended without an answer.

    `cause` is `deadline`, `memory`, `cpu`, `killed`, `output` or `crashed`. Worth one more try, because a
    busy machine can be the reason; a second death on the same recording means that the recording is.
    """

    def __init__(self, cause: str, message: str) -> None:
        super().__init__(message)
        self.cause = cause

    def as_permanent(self) -> Permanent:
        """Return the failure to report when this happened again with the same recording."""
        return Permanent("undecodable", self.message)


def run(
    operation: str,
    request: Mapping[str, Any],
    *,
    limits: Limits,
    seconds: float,
    progress: Callable[[float], None] = lambda fraction: None,
) -> dict[str, Any]:
    """Let a child do `operation` (see `decoder.OPERATIONS`) within `seconds` and return its result.

    `progress` gets fractions from 0 to 1; what it raises ends the child and is raised here. Raises Refused
    and Permanent as the child says, ChildDied when it ended without an answer, Temporary on a full disk.
    """
    deadline = time.monotonic() + seconds
    with _started() as process:
        _send(process, {**request, "operation": operation, "limits": _limits_for(limits, seconds)})
        answer: dict[str, Any] | None = None
        for line in _lines(process, deadline):
            said = _parsed(line)
            if said is not None and isinstance(said.get("progress"), float):
                progress(said["progress"])
            elif said is not None:
                answer = said
        if answer is None:
            raise _died(process, deadline, seconds)
    return _result(answer, limits)


@contextmanager
def _started() -> Iterator[subprocess.Popen[bytes]]:
    """Start the child in a session of its own, and leave nothing of it behind."""
    try:
        process = subprocess.Popen(
            [sys.executable, "-s", "-P", "-m", "qa_audit.media.decoder"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=_environment(),
            start_new_session=True,
        )
    except OSError as error:
        raise Temporary(
            f"The process that decodes recordings cannot be started: {error.strerror}."
        ) from error
    try:
        yield process
    finally:
        # Until it is waited for, the process id cannot belong to anybody else, even when the child is dead.
        if process.returncode is None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                with suppress(OSError):
                    stream.close()


def _environment() -> dict[str, str]:
    """Return the child's whole environment: nothing of ours, and few threads, which take address space."""
    installed = PACKAGE_ROOT.name in ("site-packages", "dist-packages")
    return {
        # Not where the package is installed: there it would put other packages before the standard library.
        **({} if installed else {"PYTHONPATH": str(PACKAGE_ROOT)}),
        "LANG": "C.UTF-8",
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "MALLOC_ARENA_MAX": "2",
    }


def _limits_for(limits: Limits, seconds: float) -> dict[str, int]:
    return {
        "memory_bytes": limits.memory_bytes,
        "cpu_seconds": int(seconds) + 1,
        "file_bytes": limits.file_bytes,
        "parent": os.getpid(),
    }


def _send(process: subprocess.Popen[bytes], request: Mapping[str, Any]) -> None:
    assert process.stdin is not None
    with suppress(BrokenPipeError):
        process.stdin.write(json.dumps(request).encode())
        process.stdin.close()


def _lines(process: subprocess.Popen[bytes], deadline: float) -> Iterator[bytes]:
    """Yield the lines that the child writes until it closes its output, or until the deadline."""
    assert process.stdout is not None
    rest, total = b"", 0
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while (left := deadline - time.monotonic()) > 0:
            if not selector.select(left):
                return
            data = os.read(process.stdout.fileno(), 65_536)
            total += len(data)
            if total > MAX_ANSWER_BYTES:
                raise ChildDied("crashed", "The process that decoded the recording went out of control.")
            if not data:
                return
            *lines, rest = (rest + data).split(b"\n")
            yield from lines


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        said = json.loads(line)
    except ValueError:
        return None
    return said if isinstance(said, dict) else None


def _died(process: subprocess.Popen[bytes], deadline: float, seconds: float) -> ChildDied:
    with suppress(subprocess.TimeoutExpired):
        process.wait(timeout=max(0.0, min(1.0, deadline - time.monotonic())))
    if process.returncode is None and time.monotonic() >= deadline:
        return ChildDied(
            "deadline", f"Decoding the recording took longer than {seconds:.0f} seconds and was stopped."
        )
    if process.returncode == -signal.SIGXCPU:
        return ChildDied(
            "cpu", f"Decoding the recording used more than {seconds:.0f} seconds of processor time."
        )
    if process.returncode == -signal.SIGKILL:
        return ChildDied(
            "killed",
            "The process that decoded the recording was killed. Mostly the machine was out of memory.",
        )
    return ChildDied("crashed", "The process that decoded the recording crashed.")


def _result(answer: Mapping[str, Any], limits: Limits) -> dict[str, Any]:
    message = str(answer.get("message", ""))
    if "refused" in answer:
        raise Refused(str(answer["refused"]), message)
    if "failure" in answer:
        raise Permanent(str(answer["failure"]), message)
    trouble = answer.get("trouble")
    if trouble == "disk":
        raise Temporary("The disk is too full to decode the recording. Make room; it is tried again.")
    if trouble == "memory":
        megabytes = limits.memory_bytes >> 20
        raise ChildDied("memory", f"Decoding the recording needed more than {megabytes} MB of memory.")
    if trouble == "output":
        raise ChildDied("output", "Decoding the recording produced more sound than is allowed.")
    result = answer.get("result")
    if not isinstance(result, dict):
        raise ChildDied("crashed", f"The process that decoded the recording failed ({message}).")
    return result
