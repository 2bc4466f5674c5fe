"""Kind `acoustic`: what was measured rather than said: silence, hold, talking over, shares, speed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from pydantic import Field, model_validator

from qa_audit.domain.acoustics import DEAD_AIR
from qa_audit.domain.checks.base import Context, decided, not_assessed, searched, unsure
from qa_audit.domain.checks.dead_air import dead_air
from qa_audit.domain.checks.measures import MEASURES, Measured
from qa_audit.domain.checks.model import Model, Phrases
from qa_audit.domain.checks.talking_over import talk_over
from qa_audit.domain.findings import Finding

Measure = Literal[
    "dead_air", "talk_over", "hold", "interruptions", "overtalk", "talk_share", "speed", "monologue"
]
Take = Literal["longest", "count", "total", "share", "seconds"]

_JUDGED = frozenset({"dead_air", "talk_over"})
"""Measures that weigh what was said besides; every other is a number with limits."""
_TAKES: dict[str, tuple[Take, ...]] = {
    "dead_air": ("longest", "count", "total"),
    "hold": ("longest", "count", "total"),
    "overtalk": ("seconds", "share"),
}
_ON_TWO_CHANNELS = frozenset({"dead_air", "talk_over", "hold", "interruptions", "overtalk"})


class AcousticSpec(Model):
    """Yes when the measure stays within its limits."""

    kind: Literal["acoustic"]
    measure: Measure
    take: Take | None = Field(
        default=None,
        description="What of it: hold and dead_air longest (else count, total), overtalk seconds (else share).",
    )
    by: Literal["agent", "customer"] = Field(
        default="agent", description="Who interrupts, talks, speaks so fast, or speaks alone."
    )
    at_least: float | None = Field(
        default=None, ge=0, description="No less: seconds, times, percent, words …"
    )
    at_most: float | None = Field(default=None, ge=0, description="No more: … a minute.")
    seconds: float = Field(
        default=DEAD_AIR, gt=0, description="dead_air: so long without speech is dead air."
    )
    announced: Phrases = Field(default=(), description="dead_air: words of the agent that explain a silence.")
    announced_within: float = Field(
        default=10, gt=0, description="dead_air: so many seconds before it begins."
    )
    maybe: Phrases = Field(default=(), description="dead_air: words that may be a misheard announcement.")
    caller_searches: Phrases = Field(default=(), description="dead_air: the caller is looking for something.")
    longest: float = Field(default=60, gt=0, description="dead_air: no announced silence may be longer.")
    allowed: int = Field(default=1, ge=0, description="talk_over: so many interruptions are no fault.")
    spoken: float = Field(
        default=1.0, gt=0, description="talk_over, interruptions: the other had been speaking so long."
    )
    both: float = Field(default=1.5, gt=0, description="talk_over, interruptions: both then go on so long.")
    words: int = Field(default=3, ge=1, description="talk_over, interruptions: so many words are said.")
    rightly: Phrases = Field(
        default=(), description="talk_over, interruptions: interrupting with these words is right."
    )

    @model_validator(mode="after")
    def _sound(self) -> AcousticSpec:
        takes = _TAKES.get(self.measure, ())
        if self.take is not None and self.take not in takes:
            known = f"known are {', '.join(takes)}" if takes else "leave it out"
            raise ValueError(f"'take: {self.take}' means nothing for '{self.measure}'; {known}")
        if self.at_least is not None and self.at_most is not None and self.at_least > self.at_most:
            raise ValueError("'at_least' must not be greater than 'at_most'")
        return self

    @property
    def has_limits(self) -> bool:
        """Say whether there are numbers to compare the measure with."""
        return self.at_least is not None or self.at_most is not None

    @property
    def has_verdict(self) -> bool:
        """Say whether the check can answer yes or no: by its limits, or by rules of its own."""
        return self.has_limits or (self.measure in _JUDGED and self.take is None)


def check(spec: AcousticSpec, context: Context) -> Finding:
    """Measure, and compare with the limits."""
    barred = _barred(spec, context)
    if barred is not None:
        return barred
    if spec.has_limits or spec.measure not in _JUDGED:
        finding = _within_limits(spec, context)
    else:
        finding = dead_air(spec, context) if spec.measure == "dead_air" else talk_over(spec, context)
    return _as_measured(finding, context)


def answer_number(
    spec: AcousticSpec, least: float, most: float, range_of: Callable[[str], object], context: Context
) -> Finding:
    """Answer with the measured number, cut to the scale; unsure where it may fall into another range."""
    barred = _barred(spec, context)
    if barred is not None:
        return barred
    measured = MEASURES[spec.measure](spec, context)
    if isinstance(measured, str):
        return not_assessed(measured)
    low, answer, high = (
        f"{round(min(most, max(least, value)), 1):g}"
        for value in (measured.low, measured.value, measured.high)
    )
    reason = f"Measured: {measured.words}."
    if range_of(low) is not range_of(high) or measured.doubt:
        why = measured.doubt or "it is close to the limit of a range"
        return unsure(f"{reason} But {why}.", measured.evidence, answer)
    return _as_measured(decided(answer, reason, measured.evidence, "sure"), context)


def _barred(spec: AcousticSpec, context: Context) -> Finding | None:
    heard = context.heard
    if spec.measure in _ON_TWO_CHANNELS and not heard.two_channels:
        return not_assessed("The speakers were not recorded on two channels, so this cannot be measured.")
    if not heard.speech:
        return not_assessed("Nothing was measured of this recording.")
    return None


def _within_limits(spec: AcousticSpec, context: Context) -> Finding:
    measured = MEASURES[spec.measure](spec, context)
    if isinstance(measured, str):
        return not_assessed(measured)
    verdicts = {_keeps(spec, value) for value in (measured.low, measured.value, measured.high)}
    keeps = _keeps(spec, measured.value)
    reason = f"Measured: {measured.words}; {_limits(spec, measured)}."
    evidence = measured.evidence or searched(0.0, context.heard.facts.duration, None)
    answer = "yes" if keeps else "no"
    if len(verdicts) > 1 or measured.doubt:
        why = measured.doubt or "it is close to the limit"
        return unsure(f"{reason} But {why}.", evidence, answer)
    return decided(answer, reason, evidence, "sure")


def _keeps(spec: AcousticSpec, value: float) -> bool:
    return (spec.at_least is None or value >= spec.at_least) and (
        spec.at_most is None or value <= spec.at_most
    )


def _limits(spec: AcousticSpec, measured: Measured) -> str:
    parts = []
    if spec.at_least is not None:
        parts.append(f"at least {spec.at_least:g}")
    if spec.at_most is not None:
        parts.append(f"at most {spec.at_most:g}")
    return f"wanted is {' and '.join(parts)}"


def _as_measured(finding: Finding, context: Context) -> Finding:
    """Be only fairly sure where speech was not measured but made from the times of words."""
    if not context.heard.measured and finding.certainty == "sure":
        return finding.model_copy(update={"certainty": "fairly_sure"})
    return finding
