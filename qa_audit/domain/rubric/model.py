"""What a rubric is made of: sections, criteria, scales, and the calls it is for."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from typing import Annotated, Final, Literal

from pydantic import Field, StringConstraints, model_validator
from pydantic.json_schema import SkipJsonSchema

from qa_audit.domain.checks import CheckSpec
from qa_audit.domain.checks.conditions import Condition, NotFor
from qa_audit.domain.checks.model import Model

SCHEMA: Final = "qa-audit/rubric@1"
CALL_VARIABLES = frozenset({"vendor_name"})
"""Variables that every call brings along, so that a rubric need not define them."""

Identifier = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,39}$")]
Line = Annotated[str, StringConstraints(min_length=1, max_length=250)]
Prose = Annotated[str, StringConstraints(max_length=2000)]
Value = str | int | float | tuple[str, ...]


class Level(Model):
    """One labelled level of a scale."""

    value: int = Field(ge=0, le=10)
    label: Line
    passes: bool | None = Field(default=None, description="Counts as passed where only pass or fail matters.")


class Criterion(Model):
    """One line of a scorecard: the question, its points, and how a machine may answer it."""

    id: Identifier
    code: Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9]{0,4}$")] | None = None
    title: Line
    points: float = Field(gt=0, le=1000)
    fatal: bool = Field(default=False, description="A confirmed no fails the whole audit.")
    critical: bool = Field(default=False, description="A no is counted in the critical-error rate.")
    incident: bool = Field(default=False, description="A confirmed no opens an incident.")
    scale: Literal["yes_no"] | tuple[Level, ...] = "yes_no"
    guidance: Prose = ""
    policy: Prose = Field(default="", description="The policy text behind the question.")
    na: Prose = Field(default="", description="When it does not apply, in words for people.")
    na_when: tuple[Condition, ...] = Field(default=(), description="When it does not apply, for the machine.")
    when: tuple[Condition, ...] = Field(default=(), description="Applies only when all of these hold.")
    not_assessed_when: tuple[Condition, ...] = ()
    check: CheckSpec

    @model_validator(mode="after")
    def _sound(self) -> Criterion:
        if self.fatal and self.critical:
            raise ValueError("a criterion is either fatal or critical, not both")
        if self.scale != "yes_no":
            values = [level.value for level in self.scale]
            if len(values) < 2 or len(set(values)) != len(values):
                raise ValueError("a scale needs two or more levels with different values")
            if self.check.kind != "manual":
                raise ValueError("a scale of levels needs a check of kind 'manual'")
        return self

    @property
    def answers(self) -> tuple[str, ...]:
        """Return the answers one can give, best last for scales of levels."""
        if self.scale == "yes_no":
            return ("yes", "no")
        return tuple(str(level.value) for level in sorted(self.scale, key=lambda level: level.value))

    def share(self, answer: str) -> Fraction:
        """Return which part of the points an answer earns: (value - lowest) / (highest - lowest).

        Raises ValueError for an answer that the scale does not have.
        """
        if answer not in self.answers:
            raise ValueError(f"'{answer}' is no answer to '{self.id}'")
        if self.scale == "yes_no":
            return Fraction(answer == "yes")
        values = [level.value for level in self.scale]
        return Fraction(int(answer) - min(values), max(values) - min(values))

    @property
    def exact_points(self) -> Fraction:
        """Return the points as an exact number."""
        return Fraction(str(self.points))


class Section(Model):
    """Criteria that belong together."""

    id: Identifier
    title: Line
    criteria: tuple[Criterion, ...] = Field(min_length=1, max_length=100)


class AppliesTo(Model):
    """Which calls a rubric is for; an empty list means any."""

    vendor: tuple[str, ...] = ()
    queue: tuple[str, ...] = ()
    language: tuple[str, ...] = ()
    direction: tuple[Literal["inbound", "outbound"], ...] = ()


class Rubric(Model):
    """One version of a rubric; `sha256` is of the text it was read from."""

    schema_: Literal["qa-audit/rubric@1"] = Field(default=SCHEMA, alias="schema")
    id: Identifier
    version: int = Field(ge=1)
    title: Line
    description: Prose = ""
    effective_from: date
    pass_mark: float = Field(ge=0, le=100)
    fatal_score: Literal["zero", "kept"] = Field(
        default="zero", description="What a fatal no makes of the percent."
    )
    applies_to: AppliesTo = AppliesTo()
    not_for: NotFor = NotFor()
    variables: dict[str, Value] = Field(default_factory=dict)
    sections: tuple[Section, ...] = Field(min_length=1, max_length=50)
    sha256: SkipJsonSchema[str] = ""

    @property
    def criteria(self) -> tuple[Criterion, ...]:
        """Return all criteria in the order of the sections."""
        return tuple(criterion for section in self.sections for criterion in section.criteria)

    def criterion(self, id: str) -> Criterion:
        """Return one criterion; raises KeyError."""
        for criterion in self.criteria:
            if criterion.id == id:
                return criterion
        raise KeyError(id)
