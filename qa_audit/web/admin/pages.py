"""What the templates of the administration get."""

from __future__ import annotations

from dataclasses import dataclass

from qa_audit.web.pages import Tone


@dataclass(frozen=True)
class Figure:
    """A number with its name."""

    label: str
    value: str
    tone: Tone


@dataclass(frozen=True)
class TaskLine:
    """One stage of work that is not done; `age` in seconds."""

    id: str
    address: str
    title: str
    vendor: str
    stage: str
    state: str
    tone: Tone
    age: float
    tries: str
    words: str
    retry: str | None


@dataclass(frozen=True)
class TasksPage:
    """Template admin/tasks.html. `poll` is its own address while something is being worked on."""

    figures: tuple[Figure, ...]
    rows: tuple[TaskLine, ...]
    trouble: str
    model: str
    poll: str | None
    demo_model: bool
