"""A warm worker: one process that keeps its model and works on one task at a time.

It hears of work by the bell, or finds it in the database. The supervisor starts it as
`python -m workers.worker --queues NAME`.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

from qa_audit import logs
from qa_audit.config import Settings
from qa_audit.runtime import build_runtime
from qa_audit.services import rubrics, sweeping, tasks
from qa_audit.services.ports import Ports
from qa_audit.storage import tasks as store
from workers import jobs
from workers.bell import Listener, Overtime
from workers.heart import Heart
from workers.parent import end_with_parent
from workers.startup import start

WORN_OUT = 75
"""Exit code of a worker that wants to be replaced by a fresh one."""

log = logs.get("workers.worker")


class WarmWorker:
    """Works on the tasks of some queues, until it is told to stop or there is nothing left (burst)."""

    def __init__(self, ports: Ports, queues: Sequence[str], heart: Heart) -> None:
        self._ports = ports
        self._queues = tuple(queues)
        self._stages = tuple(stage for queue in queues for stage in sweeping.stages_of(queue))
        self._heart = heart
        self._listener: Listener | None = None

    def run(self, task_id: int) -> bool:
        """Work on one task unless the process is to stop; leave the process when it is worn out.

        Returns whether the database answered.
        """
        if self._heart.stopping:
            return True
        try:
            ran = tasks.run(self._ports, task_id, watch=self._heart)
        except (MemoryError, Overtime) as error:
            log.error("worn out", task=task_id, error=type(error).__name__)
            _leave(WORN_OUT)
        except Exception as error:
            log.error("task not worked on", task=task_id, error=type(error).__name__)
            return False
        if ran == "broken":
            _leave(WORN_OUT)
        return True

    def run_due(self) -> None:
        """Work on all tasks that are due, whether or not a bell rang for them."""
        while not self._heart.stopping:
            task_id = self._next_due()
            if task_id is None or not self.run(task_id):
                return

    def serve(self) -> None:
        """Hear the bell while there is one, and look into the database every sweep while there is none."""
        pause = self._ports.settings.sweep_seconds
        while not self._heart.stopping:
            self._listen(pause)
            self.run_due()
            self._heart.pause(pause)

    def stop(self) -> None:
        """Stop soon: called by a signal handler, in the middle of anything."""
        self._heart.stop()
        if self._listener is not None:
            self._listener.interrupt()

    def _next_due(self) -> int | None:
        try:
            with self._ports.db.read() as session:
                due = store.due(session, self._stages, now=self._ports.db.now(session))
        except Exception as error:
            log.warning("the database does not answer", error=type(error).__name__)
            return None
        return due[0] if due else None

    def _listen(self, pause: float) -> None:
        url = self._ports.settings.redis_url
        if not url:
            return
        try:
            self._listener = Listener(
                url, self._queues[0], pause=pause, idle=self.run_due, stopping=lambda: self._heart.stopping
            )
            self._listener.work(logging_level="CRITICAL")
        except Exception as error:
            log.warning("the bell is out of order", error=type(error).__name__)
        finally:
            self._listener = None


def main(argv: Sequence[str] | None = None, build: Callable[[Settings], Ports] = build_runtime) -> int:
    """Run one warm worker; `build` makes its ports (tests put twins there)."""
    options = _options(argv)
    end_with_parent(options.parent)
    settings = start()
    ports = build(settings)
    heart = Heart(settings, pipe=options.pipe, parent=options.parent)
    worker = WarmWorker(ports, options.queues.split(","), heart)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: worker.stop())
    signal.set_wakeup_fd(heart.wakeup_fd, warn_on_full_buffer=False)
    heart.start()
    try:
        rubrics.sync_bundled(ports)
    except Exception as error:
        log.error("the bundled rubrics were not published", error=str(error))
    jobs.serve(worker.run)
    if options.burst:
        worker.run_due()
    else:
        worker.serve()
    heart.finish()
    return 0


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m workers.worker", description=__doc__)
    parser.add_argument("--queues", required=True, help="one queue; with --burst also several, with commas")
    parser.add_argument("--burst", action="store_true", help="end when nothing is due")
    parser.add_argument("--parent", type=int, help="the supervisor's process id")
    parser.add_argument("--pipe", type=int, help="the file descriptor on which the supervisor listens")
    return parser.parse_args(argv)


def _leave(code: int) -> NoReturn:
    """End the process here and now, without the clean-up of libraries in an unknown state."""
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    _leave(main())
