"""Take rights away from the current process before it opens untrusted bytes."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import sys

_PR_SET_PDEATHSIG = 1
_PR_SET_NO_NEW_PRIVS = 38
_CLONE_NEWUSER = 0x10000000
_CLONE_NEWNET = 0x40000000
_CAPABILITY_VERSION_3 = 0x20080522


def confine(*, memory_bytes: int, cpu_seconds: int, file_bytes: int, parent: int) -> None:
    """Limit memory, processor time, file sizes and open files; leave the network; die with the parent.

    `parent` is the process id that started this one: if it is gone already, exit at once. What a system does
    not offer (other than Linux, or a container that forbids it) is left out; the limits always hold on Linux.
    """
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_NOFILE, 64)
    _limit(resource.RLIMIT_CPU, cpu_seconds, spare=5)
    _limit(resource.RLIMIT_FSIZE, file_bytes)
    _limit(resource.RLIMIT_AS, memory_bytes)
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        _leave_network(libc)
        libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def _limit(which: int, value: int, spare: int = 0) -> None:
    """Set the limit; with `spare` the hard limit lies higher, so that the signal tells which limit it was."""
    with contextlib.suppress(ValueError, OSError):
        _, hard = resource.getrlimit(which)
        wanted = [value, value + spare]
        soft, hard = wanted if hard == resource.RLIM_INFINITY else (min(number, hard) for number in wanted)
        resource.setrlimit(which, (soft, hard))


def _leave_network(libc: ctypes.CDLL) -> None:
    """Move into an empty network namespace where that is allowed; failing is no error.

    Without root this takes a user namespace, whose capabilities are then given up. It must come before the
    signal for the parent's death is asked for, because a change of credentials forgets that signal.
    """
    if os.geteuid() == 0:
        libc.unshare(_CLONE_NEWNET)
    elif libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET) == 0:
        header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
        libc.capset(header, (ctypes.c_uint32 * 6)())
