"""The doorbell: telling workers that there is a task. The database, not the bell, knows what is to be done."""

from __future__ import annotations

from typing import Protocol


class Jobs(Protocol):
    """A way to ring for a task. Ringing is a hint: it never raises, and losing it costs a sweep."""

    def ring(self, queue: str, task_id: int, attempt: int, ring: int) -> bool:
        """Tell workers of `queue` about the task; False when the bell could not be rung."""
        ...

    def waiting(self, queue: str) -> int | None:
        """Count the hints waiting in `queue`; None when the bell is out of order."""
        ...

    def ping(self) -> bool:
        """Say whether the bell works."""
        ...
