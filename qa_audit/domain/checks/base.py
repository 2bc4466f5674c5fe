"""What every check gets and gives: its context, and small makers of evidence and findings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

from qa_audit.domain.checks.heard import Heard
from qa_audit.domain.checks.model import ByLanguage
from qa_audit.domain.checks.phrases import Hit, PhraseSet, Variables, phrase_set
from qa_audit.domain.checks.tools import NO_TOOLS, Tools
from qa_audit.domain.checks.windows import Stretch, Who
from qa_audit.domain.findings import Certainty, Evidence, Finding
from qa_audit.domain.text import Token
from qa_audit.domain.transcript import Segment, Speaker, Transcript

SURE_PROBABILITY = 0.8


@dataclass(frozen=True)
class Context:
    """One call under one rubric: what was heard, what the variables stand for, what was found so far.

    `language` picks phrases that are written by language (none: all of them), `masked` is the transcript
    without personal data, `tools` are the models that some checks ask.
    """

    heard: Heard
    variables: Variables
    findings: Mapping[str, Finding] = field(default_factory=dict)
    language: str = ""
    tools: Tools = NO_TOOLS
    masked: Transcript | None = None
    _compiled: dict[tuple[int, int], tuple[object, object, PhraseSet]] = field(
        default_factory=dict, compare=False, repr=False
    )

    def phrases(self, phrases: Iterable[str], patterns: Iterable[str] = ()) -> PhraseSet:
        """Compile phrases in the call's language with its variables, and patterns beside them."""
        key = id(phrases), id(patterns)
        known = self._compiled.get(key)
        if known is not None:
            return known[2]
        chosen = phrases.spoken(self.language) if isinstance(phrases, ByLanguage) else tuple(phrases)
        compiled = phrase_set(chosen, self.variables, patterns)
        self._compiled[key] = phrases, patterns, compiled  # kept with it, so that no other gets their ids
        return compiled

    def number(self, value: int | float | str) -> float:
        """Return a number given in the rubric, or the one that its variable stands for."""
        if isinstance(value, str):
            return float(self.variables[value.strip("{}")][0])
        return float(value)


def said(heard: Heard, tokens: Sequence[Token]) -> tuple[Evidence, ...]:
    """Cite tokens of one speaker: one item for each segment they lie in; the quote is filled in later."""
    by_segment: dict[int, list[Token]] = {}
    for token in tokens:
        by_segment.setdefault(token.segment, []).append(token)
    return tuple([_words(heard.transcript.segments[place], own) for place, own in by_segment.items()])


def _words(segment: Segment, tokens: Sequence[Token]) -> Evidence:
    return Evidence(
        kind="words",
        start=round(min([token.start for token in tokens]), 3),
        end=round(max([token.end for token in tokens]), 3),
        segment=segment.id,
        speaker=segment.speaker,
        first_word=min([token.first for token in tokens]),
        last_word=max([token.last for token in tokens]),
    )


def cite(heard: Heard, *hits: Hit) -> tuple[Evidence, ...]:
    """Cite hits, in the order given."""
    return tuple([item for hit in hits for item in said(heard, hit.turn.tokens[hit.first : hit.last + 1])])


def span(start: float, end: float, value: float, unit: str, speaker: Speaker | None = None) -> Evidence:
    """Cite a measured stretch with its value."""
    return Evidence(
        kind="span",
        start=round(start, 3),
        end=round(end, 3),
        value=round(value, 2),
        unit=unit,
        speaker=speaker,
    )


def searched(start: float, end: float, speaker: Who | None = "agent") -> tuple[Evidence, ...]:
    """Cite the window in which something was looked for and not found."""
    whose = None if speaker == "either" else speaker
    return (Evidence(kind="searched", start=round(start, 3), end=round(max(start, end), 3), speaker=whose),)


def searched_stretches(stretches: Sequence[Stretch], speaker: Who = "agent") -> tuple[Evidence, ...]:
    """Cite the stretches in which something was looked for, as one window."""
    if not stretches:
        return ()
    starts = [turn.tokens[low].start for turn, low, _ in stretches]
    ends = [turn.tokens[high].end for turn, _, high in stretches]
    return searched(min(starts), max(ends), speaker)


def certainty_of(*hits: Hit) -> Certainty:
    """Say in words how sure hits are: sure when every one is exact and clearly heard."""
    clear = all(hit.probability >= SURE_PROBABILITY and hit.ratio >= 95 for hit in hits)
    return "sure" if clear else "fairly_sure"


def miss_certainty(stretches: Sequence[Stretch]) -> Certainty:
    """Say in words how sure a believed miss is."""
    heard = [t.probability for turn, low, high in stretches for t in turn.tokens[low : high + 1]]
    return "sure" if len(heard) >= 8 and median(heard) >= SURE_PROBABILITY else "fairly_sure"


def decided(
    answer: str,
    reason: str,
    evidence: tuple[Evidence, ...],
    certainty: Certainty,
    flags: tuple[str, ...] = (),
) -> Finding:
    """Decide a criterion."""
    return Finding(
        status="decided", answer=answer, certainty=certainty, reason=reason, evidence=evidence, flags=flags
    )


def unsure(
    reason: str, evidence: tuple[Evidence, ...] = (), leaning: str | None = None, flags: tuple[str, ...] = ()
) -> Finding:
    """Leave a criterion to a person, with what the machine leans to."""
    return Finding(status="unsure", answer=leaning, reason=reason, evidence=evidence, flags=flags)


def not_applicable(reason: str, evidence: tuple[Evidence, ...] = ()) -> Finding:
    """Take a criterion out of this call."""
    return Finding(status="not_applicable", reason=reason, evidence=evidence)


def not_assessed(reason: str) -> Finding:
    """Say that the machine cannot look at a criterion on this call."""
    return Finding(status="not_assessed", reason=reason)
