"""What a rubric is made of: sections, criteria, scales, and the calls it is for."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from functools import cached_property
from typing import Annotated, Final, Literal

from pydantic import BeforeValidator, Field, StringConstraints, WithJsonSchema, model_validator
from pydantic.json_schema import SkipJsonSchema

from qa_audit.domain.checks import CheckSpec
from qa_audit.domain.checks.acoustic import AcousticSpec
from qa_audit.domain.checks.conditions import Condition, NotFor
from qa_audit.domain.checks.model import Model
from qa_audit.domain.rubric.scales import (
    Line,
    NumberScale,
    Prose,
    Scale,
    answers_of,
    best_of,
    fails,
    label_of,
    share_of,
    worst_of,
)

SCHEMA: Final = "qa-audit/rubric@1"
SCALED_KINDS = {"levels": frozenset({"manual", "judge"}), "numbers": frozenset({"manual", "acoustic"})}
"""Kinds of check that can answer on a scale of levels, and on one of numbers."""

CALL_VARIABLES = frozenset({"vendor_name"})
"""Variables that every call brings along, so that a rubric need not define them."""

Identifier = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,39}$")]
Value = str | int | float | tuple[str, ...]


def _answer_text(value: object) -> object:
    """Write an answer as text: YAML reads a bare yes or no as true or false, and a level as a number."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, (int, float)) else value


Spoken = Annotated[str, StringConstraints(min_length=1, max_length=1000)]
Answers = Annotated[
    Line,
    BeforeValidator(_answer_text),
    WithJsonSchema({"type": ["string", "boolean", "number"], "minLength": 1, "maxLength": 250}),
]


class Example(Model):
    """A few turns of a made-up call, and what the criterion must answer to them (see `domain.script`)."""

    lines: tuple[Spoken, ...] = Field(min_length=1, max_length=60, description="'A: …' agent, 'C: …' caller.")
    answer: Answers = Field(
        description="yes, no, a level, or not_applicable, unsure, not_assessed; several with ' or '."
    )
    why: Line | None = None
    agent: Line | None = Field(default=None, description="The agent's name on file.")
    facts: dict[str, Value | bool] = Field(
        default_factory=dict,
        description="Facts on file; vendor, queue, direction and the rubric's variables too.",
    )


class Criterion(Model):
    """One line of a scorecard: the question, its points, and how a machine may answer it."""

    id: Identifier
    code: Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9]{0,4}$")] | None = None
    title: Line
    points: float = Field(gt=0, le=1000)
    bonus: bool = Field(default=False, description="Its points only add: they are not among the possible.")
    fatal: bool = Field(default=False, description="A confirmed no fails the whole audit.")
    fatal_for_section: bool = Field(default=False, description="A confirmed no leaves its section nothing.")
    critical: bool = Field(default=False, description="Counts in the critical score besides.")
    incident: bool = Field(default=False, description="A confirmed no opens an incident.")
    scale: Scale = "yes_no"
    comment: Literal["optional", "on_fail", "always"] = Field(
        default="optional", description="When a person has to write a note."
    )
    key: Annotated[str, StringConstraints(pattern=r"^[a-z0-9]$")] | None = Field(
        default=None, description="The key that leads to this line on the audit page."
    )
    guidance: Prose = ""
    guidance_for: dict[str, Prose] = Field(
        default_factory=dict, description="When to give which answer: yes, no, a level, not_applicable."
    )
    policy: Prose = Field(default="", description="The policy text behind the question.")
    na: Prose = Field(default="", description="When it does not apply, in words for people.")
    na_when: tuple[Condition, ...] = Field(default=(), description="When it does not apply, for the machine.")
    when: tuple[Condition, ...] = Field(default=(), description="Applies only when all of these hold.")
    not_assessed_when: tuple[Condition, ...] = ()
    examples: tuple[Example, ...] = Field(default=(), max_length=50)
    check: CheckSpec

    @model_validator(mode="after")
    def _sound(self) -> Criterion:
        if self.critical and (self.fatal or self.fatal_for_section):
            raise ValueError("a criterion is either fatal or critical, not both")
        if self.fatal and self.fatal_for_section:
            raise ValueError("a criterion is fatal for the audit or for its section, not both")
        if self.bonus and self.is_grave:
            raise ValueError("a bonus cannot be fatal or critical")
        if self.scale != "yes_no":
            if not isinstance(self.scale, NumberScale):
                values = [level.value for level in self.scale]
                if len(set(values)) != len(values):
                    raise ValueError("the levels of a scale need different values")
            kinds = "numbers" if isinstance(self.scale, NumberScale) else "levels"
            if self.check.kind not in SCALED_KINDS[kinds]:
                known = " or ".join(f"'{kind}'" for kind in sorted(SCALED_KINDS[kinds], reverse=True))
                raise ValueError(f"a scale of {kinds} needs a check of kind {known}")
        if isinstance(self.check, AcousticSpec):
            if self.scale != "yes_no" and self.check.has_limits:
                raise ValueError("a scale of numbers has ranges: leave out 'at_least' and 'at_most'")
            if self.scale == "yes_no" and not self.check.has_verdict:
                raise ValueError("give the measure 'at_least' or 'at_most', or a scale of numbers")
        return self

    @property
    def answers(self) -> tuple[str, ...]:
        """Return the answers one can choose from, best last for levels; none for a number."""
        return answers_of(self.scale)

    @property
    def is_grave(self) -> bool:
        """Say whether a no weighs more than its points: fatal, for all or for its section, or critical."""
        return self.fatal or self.fatal_for_section or self.critical

    def share(self, answer: str) -> Fraction:
        """Return which part of the points an answer earns.

        Raises ValueError for an answer that the scale does not have.
        """
        try:
            return share_of(self.scale, answer)
        except ValueError as error:
            raise ValueError(f"'{answer}' is no answer to '{self.id}': {error}") from error

    def fails(self, answer: str) -> bool:
        """Say whether an answer fails where only pass or fail matters; raises ValueError as `share` does."""
        self.share(answer)
        return fails(self.scale, answer)

    def label(self, answer: str) -> str | None:
        """Return the words for an answer that has some of its own: a level, a range of numbers."""
        return label_of(self.scale, answer)

    @property
    def worst(self) -> str:
        """Return an answer that earns least, and fails where any does."""
        return worst_of(self.scale)

    @property
    def best(self) -> str:
        """Return an answer that earns most."""
        return best_of(self.scale)

    @cached_property
    def exact_points(self) -> Fraction:
        """The points as an exact number."""
        return Fraction(str(self.points))


class Section(Model):
    """Criteria that belong together."""

    id: Identifier
    title: Line
    weight: float | None = Field(
        default=None, ge=0, le=1000, description="Its share of the score; all sections have one, or none has."
    )
    criteria: tuple[Criterion, ...] = Field(min_length=1, max_length=100)


class AppliesTo(Model):
    """Which calls a rubric is for; an empty list means any."""

    vendor: tuple[str, ...] = ()
    queue: tuple[str, ...] = ()
    language: tuple[str, ...] = ()
    direction: tuple[Literal["inbound", "outbound"], ...] = ()
    least_seconds: float = Field(default=0, ge=0, description="Shorter calls are not for it.")


class VariablesFor(Model):
    """Values of variables for the calls of one vendor, brand, queue, or line of business."""

    vendor: Line | None = None
    brand: Line | None = None
    queue: Line | None = None
    line_of_business: Line | None = None
    set: dict[str, Value] = Field(min_length=1)

    @model_validator(mode="after")
    def _for_something(self) -> VariablesFor:
        if not any((self.vendor, self.brand, self.queue, self.line_of_business)):
            raise ValueError("say for which 'vendor', 'brand', 'queue' or 'line_of_business'")
        return self


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
    variables_for: tuple[VariablesFor, ...] = Field(
        default=(), max_length=200, description="Other values for some calls; the last that fits wins."
    )
    sections: tuple[Section, ...] = Field(min_length=1, max_length=50)
    sha256: SkipJsonSchema[str] = ""

    @model_validator(mode="after")
    def _weighted(self) -> Rubric:
        weights = [section.weight for section in self.sections]
        if any(weight is not None for weight in weights):
            if None in weights:
                raise ValueError("give every section a 'weight', or none")
            if not any(weights):
                raise ValueError("at least one section needs a 'weight' above 0")
        return self

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
