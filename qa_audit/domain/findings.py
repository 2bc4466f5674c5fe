"""What the machine found: evidence, findings, and the pre-score made of them (JSON form in `PreScore`)."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from qa_audit.domain.transcript import Speaker

SCHEMA: Literal["qa-audit/prescore@1"] = "qa-audit/prescore@1"

Status = Literal["decided", "unsure", "manual", "not_applicable", "not_assessed"]
Certainty = Literal["sure", "fairly_sure"]
EvidenceKind = Literal["words", "span", "searched"]
Outcome = Literal["pass", "fail", "undetermined"]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Evidence(_Frozen):
    """Something one can play: words (verbatim within one segment), a measured span, or a searched window.

    Times in seconds. `first_word`/`last_word` index the segment's words while a finding travels inside the
    process; they let masking replace the quote, and they never leave (`exclude`).
    """

    kind: EvidenceKind
    start: float
    end: float
    segment: int | None = None
    speaker: Speaker | None = None
    quote: str | None = None
    value: float | None = None
    unit: str | None = None
    first_word: int | None = Field(default=None, exclude=True)
    last_word: int | None = Field(default=None, exclude=True)


class Finding(_Frozen):
    """A check's result. `answer` is set only when decided, or as the machine's leaning when unsure."""

    status: Status
    answer: str | None = None
    certainty: Certainty | None = None
    reason: str
    evidence: tuple[Evidence, ...] = ()
    flags: tuple[str, ...] = ()


class CriterionResult(_Frozen):
    """One criterion's line in a pre-score; points count only when decided."""

    id: str
    status: Status
    answer: str | None = None
    points: float | None = None
    possible: float | None = None
    certainty: Certainty | None = None
    reason: str
    evidence: tuple[Evidence, ...] = ()
    flags: tuple[str, ...] = ()


class SectionScore(_Frozen):
    """One section's part of a score; `weight` is its true share (0 to 1) of what counts on this call."""

    id: str
    percent: float | None
    points: float
    possible: float
    weight: float


class Score(_Frozen):
    """A rubric's total; `percent` is null when nothing is decided, `open` counts lines still to answer.

    `critical_percent` is the score over the critical lines alone.
    """

    percent: float | None
    percent_without_fatal: float | None
    points: float
    possible: float
    outcome: Outcome
    suspected_fatal: tuple[str, ...] = ()
    suspected_fatal_for_section: tuple[str, ...] = ()
    suspected_critical: tuple[str, ...] = ()
    critical_percent: float | None = None
    sections: tuple[SectionScore, ...] = ()
    open: int = 0


class RubricRef(_Frozen):
    """Which rubric version an answer was given under; `sha256` is of the rubric's YAML text."""

    id: str
    version: int
    sha256: str


class PreScore(_Frozen):
    """All machine answers of one call under one rubric version."""

    schema_: Literal["qa-audit/prescore@1"] = Field(default=SCHEMA, alias="schema")
    rubric: RubricRef
    score: Score
    criteria: tuple[CriterionResult, ...]

    def to_json(self) -> dict[str, object]:
        """Return the JSON form as plain data."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=False)
