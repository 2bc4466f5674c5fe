"""What RQ calls by name (`qa_audit.queue.names.RUN_TASK`): names and parameters only ever grow."""

from __future__ import annotations

from collections.abc import Callable

_runs: list[Callable[[int], object]] = []


def serve(run: Callable[[int], object]) -> None:
    """Say who works on tasks in this process."""
    _runs[:] = [run]


def run_task(task_id: int, attempt: int, ring: int) -> None:
    """Work on a task whose bell rang; the other numbers only tell hints apart."""
    if not _runs:
        raise RuntimeError("Hints are for the workers of QA Audit: start them with 'qa-audit worker'.")
    _runs[0](task_id)
