"""The call as the checks see it: words, speech, and facts, all frozen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from qa_audit.domain.transcript import Speaker, Transcript

Span = tuple[float, float]


@dataclass(frozen=True)
class CallFacts:
    """What is known about a call besides its sound.

    `speech` holds the measured stretches of speech of each speaker, in seconds; `facts` the call's custom
    facts (`transferred`, `verified_by_ivr`, `customer_name`, …); `variables` what a rubric's `{brand}` and
    the like stand for on this call; `warnings` the measured troubles (`clipped`, `truncated`, `dual_mono`,
    …).
    """

    duration: float
    speech: Mapping[Speaker, tuple[Span, ...]] = field(default_factory=dict)
    vendor: str = ""
    queue: str | None = None
    direction: str | None = None
    language: str = "en"
    agent_name: str | None = None
    agent_aliases: tuple[str, ...] = ()
    facts: Mapping[str, object] = field(default_factory=dict)
    variables: Mapping[str, object] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Call:
    """A transcript with what is known about its call: the one input of every check."""

    transcript: Transcript
    facts: CallFacts
