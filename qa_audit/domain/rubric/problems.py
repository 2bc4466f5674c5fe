"""What can be wrong with a rubric, told with its place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from qa_audit.errors import Invalid

Path = tuple[str | int, ...]
"""A place in the data: names of fields and numbers of list items."""


_LONGEST_NAME = 80

Severity = Literal["error", "warning"]
Remark = tuple[Path, Severity, str]
"""A place in a rubric, how grave it is, and what is wrong there."""


@dataclass(frozen=True)
class Problem:
    """One thing wrong with a rubric: where (path and line, both may be unknown) and what.

    With a warning the rubric can be used; it probably does not do what its author wants.
    """

    path: str
    line: int | None
    message: str
    severity: Severity = "error"

    def __str__(self) -> str:
        place = f"line {self.line}: " if self.line else ""
        place += "warning: " if self.severity == "warning" else ""
        return f"{place}{self.path}: {self.message}" if self.path else f"{place}{self.message}"


class RubricError(Invalid):
    """A rubric is not usable; `problems` holds everything wrong with it, in order of lines."""

    def __init__(self, source: str, problems: Sequence[Problem]) -> None:
        self.source = source
        self.problems = tuple(sorted(problems, key=lambda problem: (problem.line or 0, problem.path)))
        lines = "\n".join(f"{source}: {problem}" for problem in self.problems)
        super().__init__(lines, {problem.path or source: problem.message for problem in self.problems})


def path_text(path: Path) -> str:
    """Write a place as people do: `sections[0].criteria[2].check`; of a very long name only the beginning."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{_short(part)}" for part in path)
    return text.removeprefix(".")


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME]}…"


def line_of(path: Path, lines: Mapping[Path, int]) -> int | None:
    """Return the line of a place, or of the nearest place around it whose line is known."""
    return next((lines[path[:size]] for size in range(len(path), -1, -1) if path[:size] in lines), None)
