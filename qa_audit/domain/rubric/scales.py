"""How a criterion can be answered: yes or no, labelled levels, or a number that falls into ranges."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from qa_audit.domain.checks.model import Model

Line = Annotated[str, StringConstraints(min_length=1, max_length=250)]
Prose = Annotated[str, StringConstraints(max_length=2000)]


_ALL, _NOTHING = Fraction(1), Fraction(0)


class Level(Model):
    """One labelled level of a scale; its answer is the value written out."""

    value: int | float = Field(ge=0, le=1000)
    label: Line
    passes: bool | None = Field(
        default=None,
        description="Counts as passed where only pass or fail matters; by default all but the lowest do.",
    )
    guidance: Prose = Field(default="", description="When to choose this level.")

    @property
    def answer(self) -> str:
        """Return the answer that chooses this level."""
        return f"{self.value:g}"


class Range(Model):
    """Numbers up to a bound (included), and which share of the points they earn."""

    up_to: float | None = Field(default=None, description="The highest number; the last range has none.")
    percent: float = Field(ge=0, le=100, description="Share of the points.")
    label: Line | None = None
    passes: bool | None = Field(default=None, description="By default a range passes that earns something.")


class NumberScale(Model):
    """A number as the answer, from `least` to `most`, scored by the range into which it falls."""

    unit: Line = Field(description="What is counted: seconds, times, minutes.")
    least: float = 0
    most: float
    ranges: tuple[Range, ...] = Field(min_length=2, max_length=11)

    @model_validator(mode="after")
    def _sound(self) -> NumberScale:
        if self.most <= self.least:
            raise ValueError("'most' must be greater than 'least'")
        bounds = [part.up_to for part in self.ranges]
        if bounds[-1] is not None or None in bounds[:-1]:
            raise ValueError("every range but the last needs 'up_to', and the last has none")
        known = [bound for bound in bounds if bound is not None]
        if any(a >= b for a, b in pairwise(known)):
            raise ValueError("the ranges must rise: each 'up_to' greater than the one before")
        if known[0] < self.least or known[-1] >= self.most:
            raise ValueError("each 'up_to' must lie between 'least' and 'most'")
        return self

    def range_of(self, answer: str) -> Range:
        """Return the range of a number; raises ValueError for what is none, or lies outside."""
        try:
            number = float(answer)
        except ValueError:
            number = math.nan
        if not self.least <= number <= self.most:
            raise ValueError(f"the answer must be a number from {self.least:g} to {self.most:g}")
        return next(part for part in self.ranges if part.up_to is None or number <= part.up_to)


Levels = Annotated[tuple[Level, ...], Field(min_length=2, max_length=11)]
Scale = Literal["yes_no"] | Levels | NumberScale


def answers_of(scale: Scale) -> tuple[str, ...]:
    """Return the answers one can choose from, lowest first for levels; none for numbers, which are typed in."""
    if isinstance(scale, NumberScale):
        return ()
    if scale == "yes_no":
        return ("yes", "no")
    return tuple(level.answer for level in sorted(scale, key=lambda level: level.value))


def share_of(scale: Scale, answer: str) -> Fraction:
    """Return which part of the points an answer earns: for levels (value - lowest) / (highest - lowest).

    Raises ValueError for an answer that the scale does not have.
    """
    if isinstance(scale, NumberScale):
        return Fraction(str(scale.range_of(answer).percent)) / 100
    if answer not in answers_of(scale):
        raise ValueError(f"'{answer}' is none of {', '.join(answers_of(scale))}")
    if scale == "yes_no":
        return _ALL if answer == "yes" else _NOTHING
    values = [Fraction(str(level.value)) for level in scale]
    return (Fraction(answer) - min(values)) / (max(values) - min(values))


def fails(scale: Scale, answer: str) -> bool:
    """Say whether an answer fails where only pass or fail matters; raises ValueError as `share_of` does."""
    share = share_of(scale, answer)
    passes: bool | None = None
    if isinstance(scale, NumberScale):
        passes = scale.range_of(answer).passes
    elif scale != "yes_no":
        passes = next(level.passes for level in scale if level.answer == answer)
    return share == 0 if passes is None else not passes


def label_of(scale: Scale, answer: str) -> str | None:
    """Return the words for an answer that is a level or falls into a range with a label; else None."""
    if isinstance(scale, NumberScale):
        return scale.range_of(answer).label
    if scale == "yes_no":
        return None
    return next((level.label for level in scale if level.answer == answer), None)


def worst_of(scale: Scale) -> str:
    """Return an answer that earns least, and fails where any of these does."""
    return min(_samples(scale), key=lambda answer: (share_of(scale, answer), not fails(scale, answer)))


def best_of(scale: Scale) -> str:
    """Return an answer that earns most, and passes where any of these does."""
    return max(_samples(scale), key=lambda answer: (share_of(scale, answer), not fails(scale, answer)))


def _samples(scale: Scale) -> tuple[str, ...]:
    """Return one answer of every kind: for numbers one in each range."""
    if not isinstance(scale, NumberScale):
        return answers_of(scale)
    return tuple(f"{scale.most if part.up_to is None else part.up_to:g}" for part in scale.ranges)
