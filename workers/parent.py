"""Let no process outlive the one that looks after it."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def end_with_parent(parent: int | None, number: signal.Signals = signal.SIGKILL) -> None:
    """Have the kernel send this process a signal when its parent, whose id is `parent`, ends.

    Exits at once when the parent is gone already. Linux only: elsewhere `has_parent` has to be asked now and
    then. The kernel watches the thread that started us, so parents start children from their main thread.
    """
    if parent is None:
        return
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0)
    if not has_parent(parent):
        os._exit(1)


def has_parent(parent: int | None) -> bool:
    """Say whether the process that started this one still lives (True when nobody is to be watched)."""
    return parent is None or os.getppid() == parent
