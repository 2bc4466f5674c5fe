"""The doorbell's twin: whoever rings does the work, at once. For tests and one-off commands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class InlineJobs:
    """Run each task when it is rung for; `rung` lists every ring as (queue, task, attempt, ring)."""

    run: Callable[[int], object]
    rung: list[tuple[str, int, int, int]] = field(default_factory=list)

    def ring(self, queue: str, task_id: int, attempt: int, ring: int) -> bool:
        """Work on the task; what it raises is raised."""
        self.rung.append((queue, task_id, attempt, ring))
        self.run(task_id)
        return True

    def waiting(self, queue: str) -> int | None:
        """Say that nothing waits: everything was done when it was rung for."""
        return 0

    def ping(self) -> bool:
        """Say that the bell works."""
        return True
