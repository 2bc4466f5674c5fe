"""A reviewer's audit of one call under one rubric: people's answers beside the machine's, and what they add up to.

The machine's answer and the person's stay two things for ever. A line counts only by a person's answer, which may be
the machine's that a person accepted; the machine's own suspicion of a fatal or critical no counts nowhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from qa_audit.domain.findings import CriterionResult, PreScore, Score
from qa_audit.domain.rubric import Criterion, Rubric
from qa_audit.domain.score import Answer, points_of, rounded, total

Origin = Literal["human", "accepted"]
NOT_APPLICABLE = "na"
LONGEST_NOTE = 2000


@dataclass(frozen=True)
class HumanAnswer:
    """What a person answered to one criterion: one of the scale's answers, `na`, or None while only notes are there.

    `origin` is `accepted` when it is the machine's answer, taken over by a person. `note` is for the vendor,
    `private_note` for the coach alone. `pin` is the moment that a person heard, from and to in seconds.
    `version` grows with every change, so that a stale page cannot overwrite a newer answer.
    """

    criterion: str
    answer: str | None
    origin: Origin = "human"
    note: str = ""
    private_note: str = ""
    pin: tuple[float, float] | None = None
    by: str = ""
    at: datetime | None = None
    batch: str | None = None
    version: int = 0


@dataclass(frozen=True)
class Line:
    """One criterion of an audit: what the machine found and what a person answered, each or both missing."""

    criterion: Criterion
    machine: CriterionResult | None
    human: HumanAnswer | None

    @property
    def is_answered(self) -> bool:
        """Say whether a person answered this line or took the machine's answer over."""
        return self.human is not None and self.human.answer is not None

    @property
    def machine_answer(self) -> str | None:
        """Return the machine's answer as a person would give it; None when it has none that is settled."""
        if self.machine is None:
            return None
        if self.machine.status == "not_applicable":
            return NOT_APPLICABLE
        return self.machine.answer if self.machine.status == "decided" else None

    @property
    def is_suspected(self) -> bool:
        """Say whether the machine suspects a fatal or critical no, sure of it or not."""
        machine = self.machine
        return (
            self.criterion.is_grave
            and machine is not None
            and machine.status in ("decided", "unsure")
            and machine.answer == "no"
        )

    @property
    def is_sure(self) -> bool:
        """Say whether the machine's answer may be accepted with others in one act: sure, no grave no, no note due."""
        if self.machine_answer is None or self.is_suspected or self.machine is None:
            return False
        if needs_note(self.criterion, self.machine_answer):
            return False
        return self.machine.status == "not_applicable" or self.machine.certainty == "sure"

    @property
    def is_grave_no(self) -> bool:
        """Say whether a person's answer fails a fatal or critical line."""
        if self.human is None or self.human.answer in (None, NOT_APPLICABLE):
            return False
        return self.criterion.is_grave and self.criterion.fails(self.human.answer)

    @property
    def standing(self) -> Answer:
        """Return what counts: the person's answer, or an open line."""
        if self.human is None or self.human.answer is None:
            return Answer("unsure")
        if self.human.answer == NOT_APPLICABLE:
            return Answer("not_applicable")
        return Answer("decided", self.human.answer)

    @property
    def points(self) -> tuple[float, float] | None:
        """Return points got and possible, rounded; None when the line counts on neither side."""
        counted = points_of(self.criterion, self.standing)
        if counted is None:
            return None
        return rounded(counted[0]) or 0.0, rounded(counted[1]) or 0.0


@dataclass(frozen=True)
class Blocker:
    """Why an audit cannot be published yet: the line, and what is missing in words."""

    criterion: str
    missing: str


def lines_of(
    rubric: Rubric, prescore: PreScore | None, answers: Mapping[str, HumanAnswer]
) -> tuple[Line, ...]:
    """Put rubric, pre-score and people's answers side by side, in the order of the rubric."""
    machine = {result.id: result for result in prescore.criteria} if prescore else {}
    return tuple(
        Line(criterion, machine.get(criterion.id), answers.get(criterion.id)) for criterion in rubric.criteria
    )


def score_so_far(rubric: Rubric, lines: Sequence[Line]) -> Score:
    """Add up people's answers; open lines count on neither side, `suspected_fatal` are the confirmed ones."""
    return total(rubric, {line.criterion.id: line.standing for line in lines})


def blockers(lines: Sequence[Line]) -> tuple[Blocker, ...]:
    """Return what keeps an audit from being published.

    A no on a fatal or critical line needs a person's own answer, a pinned moment and a note for the vendor. A no
    that the machine suspects there needs a person's decision either way. Where the rubric asks for a comment, the
    answer needs a note for the vendor.
    """
    found = []
    for line in lines:
        if line.is_suspected and not line.is_answered:
            found.append(Blocker(line.criterion.id, "the machine suspects a no: a person has to decide"))
        elif line.is_grave_no:
            missing = _missing(line.human) if line.human else ()
            if missing:
                found.append(Blocker(line.criterion.id, f"a no here needs {' and '.join(missing)}"))
        elif line.human and needs_note(line.criterion, line.human.answer) and not line.human.note.strip():
            found.append(Blocker(line.criterion.id, "this answer needs a note for the vendor"))
    return tuple(found)


def needs_note(criterion: Criterion, answer: str | None) -> bool:
    """Say whether the rubric asks for a note beside this answer; an open line needs none."""
    if answer is None or criterion.comment == "optional":
        return False
    return criterion.comment == "always" or (answer != NOT_APPLICABLE and criterion.fails(answer))


def check_answer(criterion: Criterion, answer: str | None) -> None:
    """Raise ValueError unless a criterion can be answered this way (None takes an answer back)."""
    if answer is None or answer == NOT_APPLICABLE:
        return
    criterion.share(answer)


def _missing(answer: HumanAnswer) -> tuple[str, ...]:
    needs = (
        (answer.origin == "human", "a person's own answer"),
        (answer.pin is not None, "the moment it was heard, pinned"),
        (bool(answer.note.strip()), "a note for the vendor"),
    )
    return tuple(name for there, name in needs if not there)
