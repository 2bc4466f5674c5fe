"""What can be wrong with a rubric, told with its place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from qa_audit.errors import Invalid

Path = tuple[str | int, ...]
"""A place in the data: names of fields and numbers of list items."""


@dataclass(frozen=True)
class Problem:
    """One thing wrong with a rubric: where (path and line, both may be unknown) and what."""

    path: str
    line: int | None
    message: str

    def __str__(self) -> str:
        place = f"line {self.line}: " if self.line else ""
        return f"{place}{self.path}: {self.message}" if self.path else f"{place}{self.message}"


class RubricError(Invalid):
    """A rubric is not usable; `problems` holds everything wrong with it, in order of lines."""

    def __init__(self, source: str, problems: Sequence[Problem]) -> None:
        self.source = source
        self.problems = tuple(sorted(problems, key=lambda problem: (problem.line or 0, problem.path)))
        lines = "\n".join(f"{source}: {problem}" for problem in self.problems)
        super().__init__(lines, {problem.path or source: problem.message for problem in self.problems})


def path_text(path: Path) -> str:
    """Write a place as people do: `sections[0].criteria[2].check`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")
