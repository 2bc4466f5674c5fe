"""What came of running a rubric over calls with labels: how many answers were decided, and how many of them right."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from qa_audit.domain.agreement import Agreement, AnswerFigures, agreement, answer_figures
from qa_audit.domain.findings import Status
from qa_audit.domain.statistics import Rate

NOT_APPLICABLE: Final = "not_applicable"
_MAIN = ("yes", "no", NOT_APPLICABLE)


@dataclass(frozen=True)
class Outcome:
    """One labelled line of one call: the label, and what the machine made of it."""

    call: str
    file: str
    criterion: str
    expected: str
    status: Status
    answer: str | None
    reason: str

    @property
    def found(self) -> str:
        """Return the decided answer, of which 'not applicable' is one, else the status."""
        return self.answer if self.status == "decided" and self.answer else self.status

    @property
    def is_decided(self) -> bool:
        """Say whether the machine gave an answer."""
        return self.status in ("decided", NOT_APPLICABLE)

    @property
    def is_wrong(self) -> bool:
        """Say whether the machine gave another answer than the label's."""
        return self.is_decided and self.found != self.expected


@dataclass(frozen=True)
class Figures:
    """How right the machine was over some labelled lines; a line that only a person answers is none of them.

    `right` is of the decided answers. `together` holds yes and no as one: of the decided answers yes and no
    those that are right, and of the decided answers to labels yes and no those that are right.
    """

    labelled: int
    manual: int
    decided: Rate
    unsure: Rate
    not_assessed: Rate
    right: Rate
    answers: tuple[AnswerFigures, ...]
    together: AnswerFigures
    agreement: Agreement


@dataclass(frozen=True)
class Evaluation:
    """A rubric's figures over a folder of labelled calls, criterion by criterion and pooled.

    `ignored` counts labels of criteria that the rubric does not have.
    """

    calls: int
    ignored: int
    pooled: Figures
    criteria: tuple[tuple[str, Figures], ...]
    wrong: tuple[Outcome, ...]


def evaluation(
    outcomes: Sequence[Outcome], criteria: Iterable[str], *, calls: int, ignored: int
) -> Evaluation:
    """Sum outcomes up, for each of the criteria that has a label and over all."""
    per = {id: [outcome for outcome in outcomes if outcome.criterion == id] for id in criteria}
    return Evaluation(
        calls=calls,
        ignored=ignored,
        pooled=figures(outcomes),
        criteria=tuple((id, figures(own)) for id, own in per.items() if own),
        wrong=tuple(outcome for outcome in outcomes if outcome.is_wrong),
    )


def figures(outcomes: Sequence[Outcome]) -> Figures:
    """Count what was decided and what was right."""
    asked = [outcome for outcome in outcomes if outcome.status != "manual"]
    decided = [outcome for outcome in asked if outcome.is_decided]
    pairs = [(outcome.expected, outcome.found) for outcome in decided]
    others = sorted({answer for pair in pairs for answer in pair} - set(_MAIN))

    def rate(of: Iterable[bool]) -> Rate:
        return Rate(sum(of), len(asked))

    return Figures(
        labelled=len(asked),
        manual=len(outcomes) - len(asked),
        decided=rate(outcome.is_decided for outcome in asked),
        unsure=rate(outcome.status == "unsure" for outcome in asked),
        not_assessed=rate(outcome.status == "not_assessed" for outcome in asked),
        right=Rate(sum(label == found for label, found in pairs), len(pairs)),
        answers=tuple(answer_figures(pairs, answer) for answer in (*_MAIN, *others)),
        together=_together(pairs),
        agreement=agreement(pairs),
    )


def _together(pairs: Sequence[tuple[str, str]]) -> AnswerFigures:
    verdicts = ("yes", "no")
    right = sum(label == found and found in verdicts for label, found in pairs)
    said = sum(found in verdicts for _, found in pairs)
    labelled = sum(label in verdicts for label, _ in pairs)
    return AnswerFigures("yes or no", Rate(right, said), Rate(right, labelled))
