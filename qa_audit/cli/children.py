"""Child processes that start together, write into log files of their own, and end together."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from qa_audit.queue.private_redis import die_with_parent


@dataclass(frozen=True)
class Ended:
    """A child that ended by itself, with its exit status (negative: the signal that ended it)."""

    name: str
    status: int
    log: Path


class Children:
    """The processes of one installation. Each leads a group of its own, which can be ended as a whole."""

    def __init__(self, logs: Path) -> None:
        logs.mkdir(parents=True, exist_ok=True)
        self._logs = logs
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, command: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        """Start a program; `environment` adds to this process's own. Its words go to `<name>.log`."""
        with self.log(name).open("wb") as output:
            self._running[name] = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(environment or {})},
                start_new_session=True,
                preexec_fn=die_with_parent(),
            )

    def log(self, name: str) -> Path:
        """Return where a child's words go."""
        return self._logs / f"{name}.log"

    def ended(self) -> Ended | None:
        """Return a child that is no longer running, if there is one."""
        for name, child in self._running.items():
            status = child.poll()
            if status is not None:
                return Ended(name, status, self.log(name))
        return None

    def stop(self, seconds: float) -> None:
        """Ask all of them to end, then end those that have not after so many seconds."""
        self._signal(signal.SIGTERM)
        until = time.monotonic() + seconds
        while time.monotonic() < until and any(child.poll() is None for child in self._running.values()):
            time.sleep(0.05)
        self.kill()

    def kill(self) -> None:
        """End all of them at once, with everything that they started in their groups."""
        self._signal(signal.SIGKILL)
        for child in self._running.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(timeout=5)

    def _signal(self, number: signal.Signals) -> None:
        for child in self._running.values():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                if number == signal.SIGKILL:
                    os.killpg(child.pid, number)
                elif child.poll() is None:
                    child.send_signal(number)
