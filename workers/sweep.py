"""`python -m workers.sweep`: sweep again and again, and have the work done where nobody else does.

Safe in several copies. Without a doorbell and without workers, it starts workers for what is due.
"""

from __future__ import annotations

import argparse
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence

from qa_audit import logs
from qa_audit.config import Settings
from qa_audit.runtime import build_runtime
from qa_audit.services import mails, sweeping
from qa_audit.services.ports import Ports
from qa_audit.services.sweeping import Sweeper
from workers.startup import start

SUPERVISOR = "workers"

log = logs.get("workers.sweep")


class SweepLoop:
    """Passes of the sweep until stopped, and at most one burst of workers beside them."""

    def __init__(self, ports: Ports, supervisor: str = SUPERVISOR) -> None:
        self._ports = ports
        self._supervisor = supervisor
        self._sweeper = Sweeper()
        self._burst: subprocess.Popen[bytes] | None = None
        self._stop_read, self._stop_write = os.pipe()
        self._stopping = False

    def stop(self) -> None:
        """Stop soon; safe in a signal handler."""
        self._stopping = True
        os.write(self._stop_write, b".")

    def run(self, *, once: bool = False) -> None:
        """Make a pass every sweep interval; `once`: make one, and wait for the burst it may start."""
        while not self._stopping:
            try:
                swept = sweeping.sweep_once(self._ports, self._sweeper)
                if not swept.bell:
                    self._work_off(patiently=not once)
            except Exception as error:
                log.error("the sweep failed; trying again", error=type(error).__name__)
            self._send_mails()
            if once:
                break
            select.select([self._stop_read], [], [], self._ports.settings.sweep_seconds)
        self._end_burst(self._stopping)

    def _send_mails(self) -> None:
        try:
            mails.send_due(self._ports)
        except Exception as error:
            log.error("mails could not be sent; trying again", error=type(error).__name__)

    def _work_off(self, *, patiently: bool) -> None:
        """Start a burst for the queues that nobody works on, unless one runs."""
        if self._burst is not None and self._burst.poll() is None:
            return
        queues = sweeping.idle_queues(self._ports, patiently=patiently)
        if queues:
            command = [sys.executable, "-m", self._supervisor, "--burst", "--parent", str(os.getpid())]
            self._burst = subprocess.Popen([*command, "--queues", ",".join(queues)], process_group=0)
            log.info("nobody works and no bell rings: working off what is due", queues=queues)

    def _end_burst(self, stopping: bool) -> None:
        if self._burst is None:
            return
        if stopping and self._burst.poll() is None:
            self._burst.terminate()
        self._burst.wait()


def main(
    argv: Sequence[str] | None = None,
    build: Callable[[Settings], Ports] = build_runtime,
    supervisor: str = SUPERVISOR,
) -> int:
    """Sweep until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="python -m workers.sweep", description=__doc__)
    parser.add_argument("--once", action="store_true", help="make one pass and end")
    options = parser.parse_args(argv)
    loop = SweepLoop(build(start()), supervisor)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: loop.stop())
    loop.run(once=options.once)
    return 0


if __name__ == "__main__":
    sys.exit(main())
