"""Kind `fact`: what is on file about a call, such as its number of transfers, compared with what is wanted."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from qa_audit.domain.call import CallFacts
from qa_audit.domain.checks.base import Context, decided, not_assessed
from qa_audit.domain.checks.events import same
from qa_audit.domain.checks.model import Model
from qa_audit.domain.findings import Finding

Wanted = bool | int | float | Annotated[str, StringConstraints(max_length=250)]
_OWN = frozenset({"vendor", "queue", "direction", "language", "duration"})


class FactSpec(Model):
    """Yes when a fact on file is as wanted; a fact that is not on file is not assessed."""

    kind: Literal["fact"]
    fact: str = Field(
        min_length=1,
        max_length=80,
        description="Its name: one of the call's own facts, or vendor, queue, direction, language, duration.",
    )
    equals: Wanted | None = Field(default=None, description="It must be this …")
    one_of: tuple[Wanted, ...] = Field(default=(), max_length=200, description="… or one of these …")
    at_least: float | None = Field(default=None, description="… or a number no smaller than this …")
    at_most: float | None = Field(default=None, description="… and no greater than this.")

    @model_validator(mode="after")
    def _one_way(self) -> FactSpec:
        limits = self.at_least is not None or self.at_most is not None
        if (self.equals is not None) + bool(self.one_of) + limits != 1:
            raise ValueError("give one of 'equals', 'one_of', or limits ('at_least', 'at_most')")
        if self.at_least is not None and self.at_most is not None and self.at_least > self.at_most:
            raise ValueError("'at_least' must not be greater than 'at_most'")
        return self


def check(spec: FactSpec, context: Context) -> Finding:
    """Compare the fact on file."""
    name = spec.fact.replace("_", " ")
    value = _on_file(spec.fact, context.heard.facts)
    if value is None or value == "":
        return not_assessed(f"The call's file does not say: {name}.")
    if spec.at_least is None and spec.at_most is None:
        wanted = (spec.equals,) if spec.equals is not None else spec.one_of
        right = any(same(value, one) for one in wanted)
        reason = f"The call's file says so: {name}." if right else f"The call's file says otherwise: {name}."
        return decided("yes" if right else "no", reason, (), "sure")
    number = _number(value)
    if number is None:
        return not_assessed(f"What the call's file says is no number: {name}.")
    right = (spec.at_least is None or number >= spec.at_least) and (
        spec.at_most is None or number <= spec.at_most
    )
    return decided("yes" if right else "no", f"The call's file says {number:g}: {name}.", (), "sure")


def _on_file(name: str, facts: CallFacts) -> object:
    if name in facts.facts:
        return facts.facts[name]
    return getattr(facts, name) if name in _OWN else None


def _number(value: object) -> float | None:
    """Read a number; a truth value is none, and neither is what is not finite."""
    if isinstance(value, bool):
        return None
    try:
        number = float(str(value).strip())
    except ValueError:
        return None
    return number if abs(number) < float("inf") else None
