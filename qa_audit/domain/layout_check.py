"""Compare what is said on the two channels of a stereo call with the setting of which one is the agent's.

Only signs that seldom deceive are used, in English; where they are few or disagree, nothing is said. Nobody's
role is ever changed by this: it ends in words for a person.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from qa_audit.domain.acoustics import merge, overlaps
from qa_audit.domain.call import Span
from qa_audit.domain.text import normal_text
from qa_audit.domain.transcript import Layout, Note, Segment, Transcript

DOUBT = "layout_doubt"
HINT = "layout_hint"
"""Kinds of notes: the words contradict the setting; the words tell where there is no setting."""

GREETING_SECONDS = 60.0
"""Greetings and the brand's name count within this time of the first word."""

GREETING_TURNS = 2
"""The brand's name counts in so many first turns of a channel: later, customers say it too."""

LEAST_SIGNS = 2
LEAST_COUNT = 3
"""So many kinds of signs must agree, seen so often together, and none may contradict."""

CLEARLY = 3
"""A sign seen on both channels counts for the one where it is seen this many times as often."""

GREETS = (
    "thank you for calling",
    "thanks for calling",
    "how can i help you",
    "how may i help",
    "how can i assist",
    "how may i assist",
    "what can i do for you today",
    "you are speaking with",
    "you are through to",
)
SERVES = (
    "can i have your",
    "may i have your",
    "could i have your",
    "can i get your",
    "can you confirm your",
    "could you confirm your",
    "to verify your",
    "for security",
    "call is recorded",
    "call may be recorded",
    "call is being recorded",
    "calls are recorded",
    "recorded for quality",
    "put you on hold",
    "place you on hold",
    "put you on a brief hold",
    "place you on a brief hold",
    "thank you for holding",
    "thank you for waiting",
    "anything else i can",
    "let me pull up",
    "let me look that up",
    "i can see your",
    "i will transfer you",
    "i am going to transfer you",
)
COMPLAINS = (
    "i want my money",
    "i want a refund",
    "i want the money back",
    "i want that money back",
    "i need a refund",
    "i am calling because",
    "i am calling about",
    "i was calling about",
    "i am very angry",
    "i am upset",
    "i am really upset",
    "i would like to cancel",
    "i want to cancel",
    "i have a problem with",
    "i have a question about",
    "nobody answers",
    "nobody called me",
    "i have been waiting",
    "i have waited",
    "you charged me",
    "i was charged",
    "my bill is",
    "is not working",
    "can you help me",
)

CHANNELS = ("left", "right")
AGENT_CHANNEL: Mapping[Layout, int] = {"stereo-agent-left": 0, "stereo-agent-right": 1}


@dataclass(frozen=True)
class Sign:
    """How often one kind of thing was said on each channel; `agent` says whose words they are."""

    name: str
    agent: bool
    counts: tuple[int, int]

    @property
    def agent_channel(self) -> int | None:
        """Return the channel that this makes the agent's, None when it does not tell."""
        most = 0 if self.counts[0] > self.counts[1] else 1
        few = self.counts[1 - most]
        if not self.counts[most] or self.counts[most] < CLEARLY * few:
            return None
        return most if self.agent else 1 - most


@dataclass(frozen=True)
class Finding:
    """The channel that the words make the agent's, and the signs that say so."""

    agent_channel: int
    signs: tuple[Sign, ...]


def find(
    transcript: Transcript, speech: Sequence[Sequence[Span]] = (), brands: Iterable[str] = ()
) -> Finding | None:
    """Return which channel of a stereo call is the agent's by its words; None unless several signs agree.

    `speech` has each channel's measured stretches in seconds; it tells the channel of words whose speaker is
    unknown. `brands` are names that the agent says when greeting.
    """
    if not transcript.layout.startswith("stereo") or not transcript.language.startswith("en"):
        return None
    sides = _by_channel(transcript, speech)
    told = tuple(sign for sign in _signs(sides, brands) if sign.agent_channel is not None)
    channels = {sign.agent_channel for sign in told}
    seen = sum(max(sign.counts) for sign in told)
    if len(channels) != 1 or len(told) < LEAST_SIGNS or seen < LEAST_COUNT:
        return None
    (channel,) = channels
    return Finding(channel, told) if channel is not None else None


def note_of(transcript: Transcript, finding: Finding | None) -> Note | None:
    """Return the words for a reader: a doubt, a hint where nothing is set, or None when all is well."""
    if finding is None or AGENT_CHANNEL.get(transcript.layout) == finding.agent_channel:
        return None
    side = CHANNELS[finding.agent_channel]
    counted = "; ".join(_in_words(sign) for sign in finding.signs)
    if transcript.layout == "stereo-unknown":
        text = (
            f"The {side} channel is probably the agent's: {counted}. Nothing was scored by this. If it is right, "
            f"set the channels of the vendor or the call to agent-{side} and transcribe the call again."
        )
        return Note(kind=HINT, text=text)
    text = (
        f"By the settings the {CHANNELS[1 - finding.agent_channel]} channel is the agent's, but the words say "
        f"otherwise: {counted}. Listen to the first turns. If agent and customer are exchanged, set the "
        f"channels of the vendor, or of the call, to agent-{side} and transcribe the call again."
    )
    return Note(kind=DOUBT, text=text)


def _in_words(sign: Sign) -> str:
    most = 0 if sign.counts[0] > sign.counts[1] else 1
    times = "once" if sign.counts[most] == 1 else f"{sign.counts[most]} times"
    return f"somebody on the {CHANNELS[most]} channel {sign.name} ({times})"


def _signs(sides: tuple[list[Segment], list[Segment]], brands: Iterable[str]) -> tuple[Sign, ...]:
    begin = min((own[0].start for own in sides if own), default=0.0)
    early = tuple([one for one in own if one.start <= begin + GREETING_SECONDS] for own in sides)
    first = tuple(own[:GREETING_TURNS] for own in early)
    names = tuple(name for name in (normal_text(brand) for brand in brands) if name)
    return (
        Sign("greets as agents do", True, _counts(early, GREETS)),
        Sign("gives the brand's name first", True, _counts(first, names)),
        Sign("asks and offers what agents do", True, _counts(sides, SERVES)),
        Sign("asks or complains as customers do", False, _counts(sides, COMPLAINS)),
    )


def _counts(sides: Sequence[Sequence[Segment]], phrases: Sequence[str]) -> tuple[int, int]:
    left, right = (
        sum(f" {phrase} " in f" {normal_text(one.text)} " for one in own for phrase in phrases)
        for own in sides
    )
    return left, right


def _by_channel(
    transcript: Transcript, speech: Sequence[Sequence[Span]]
) -> tuple[list[Segment], list[Segment]]:
    """Sort the segments to the channels: by speaker where roles are set, else by who was heard then."""
    sides: tuple[list[Segment], list[Segment]] = ([], [])
    agent = AGENT_CHANNEL.get(transcript.layout)
    heard = [merge(spans) for spans in speech]
    for segment in transcript.segments:
        if agent is not None:
            if segment.speaker != "unknown":
                sides[agent if segment.speaker == "agent" else 1 - agent].append(segment)
        elif len(heard) == 2:
            left, right = (_shared(segment, own) for own in heard)
            if max(left, right) > 2 * min(left, right):
                sides[0 if left > right else 1].append(segment)
    return sides


def _shared(segment: Segment, spans: Sequence[Span]) -> float:
    return sum(end - start for start, end in overlaps([(segment.start, segment.end)], spans))
