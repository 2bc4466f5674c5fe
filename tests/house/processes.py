"""Look at processes and their descendants through /proc, for tests that start and kill real ones."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path


def descendants(pid: int) -> set[int]:
    """Return the ids of all processes below this one, whatever group or session they are in."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            fields = _fields(int(entry.name))
            if fields:
                parents[int(entry.name)] = int(fields[1])
    found: set[int] = set()
    level = {pid}
    while level:
        level = {child for child, parent in parents.items() if parent in level} - found
        found |= level
    return found


def alive(pids: set[int]) -> set[int]:
    """Return those that still run (a zombie does not)."""
    return {pid for pid in pids if (fields := _fields(pid)) and fields[0] != "Z"}


def wait_until(happened: Callable[[], object], seconds: float = 20.0) -> bool:
    """Wait until something is true; says whether it became so in time."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if happened():
            return True
        time.sleep(0.05)
    return bool(happened())


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Program:
    """A program whose words are collected in a file while it runs."""

    def __init__(self, command: list[str], output: Path, **options: object) -> None:
        self.output = output
        with output.open("wb") as file:
            self.process = subprocess.Popen(  # type: ignore[call-overload]
                command, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT, **options
            )
        self.seen: set[int] = set()

    @property
    def words(self) -> str:
        """Everything it has said so far."""
        return self.output.read_text(encoding="utf-8", errors="replace")

    def says(self, words: str, seconds: float = 60.0) -> bool:
        """Wait until it has said something, or has ended."""
        wait_until(lambda: words in self.words or self.process.poll() is not None, seconds)
        return words in self.words

    def family(self) -> set[int]:
        """Return the ids of the processes below it, and remember them."""
        self.seen |= descendants(self.process.pid)
        return self.seen

    def end(self) -> None:
        """Kill it and everything seen below it."""
        for pid in {self.process.pid, *self.family()}:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()


def _fields(pid: int) -> list[str]:
    """Return a process' state, parent and so on, or nothing when it is gone."""
    try:
        return (
            Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rsplit(")", 1)[1].split()
        )
    except OSError:
        return []
