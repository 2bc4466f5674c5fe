"""A call made ready for checking: tokens, turns, speech, and the moments that windows are measured from."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from operator import attrgetter, itemgetter
from typing import NamedTuple

from qa_audit.domain.acoustics import merge, speech_of
from qa_audit.domain.call import Call, CallFacts, Span
from qa_audit.domain.checks.patterns import LONGEST_WORD
from qa_audit.domain.checks.speech import Speech
from qa_audit.domain.checks.speech import plausible_seconds as plausible_seconds
from qa_audit.domain.digits import Digits, digit_runs, has_digits
from qa_audit.domain.lazy import lazy
from qa_audit.domain.text import MONTHS, Token, tokens_of, word_set
from qa_audit.domain.transcript import Speaker, Transcript

BACK_CHANNELS = word_set("mhm mm hmm uh huh uhhuh aha ah yes yeah yep yup okay right sure i see")
TURN_PAUSE = 1.5
"""Seconds of silence that end a turn."""
_DATE_WORDS = MONTHS | {"the"}
_BURST_PAUSE = 0.6
_SENTENCE_PAUSE = 0.8
_STOPS = (".", "?")
_STOP_PROBABILITY = 0.6
_LEAN = 0.1
_START = attrgetter("start")
_Range = tuple[int, int]
"""Where tokens begin and where they end (not included)."""


class Shortened(NamedTuple):
    """The words of a turn with long ones cut, as one string, and where in it each begins and ends."""

    text: str
    starts: Sequence[int]
    ends: Sequence[int]


@dataclass(frozen=True)
class Turn:
    """What one speaker said until the other said more than a back-channel, or a pause came."""

    index: int
    speaker: Speaker
    tokens: tuple[Token, ...]
    back_channel: bool = False
    whole: Speech | None = field(default=None, compare=False, repr=False)

    @lazy
    def speech(self) -> Speech:
        """Return all that the speaker says on the call; a turn of no call is all there is."""
        if self.whole is not None:
            return self.whole
        alone = Speech(self.tokens)
        alone.turns = (self,)
        return alone

    @property
    def start(self) -> float:
        """Return the first word's start in seconds."""
        return self.tokens[0].start

    @property
    def end(self) -> float:
        """Return the last word's end in seconds."""
        return self.tokens[-1].end

    @lazy
    def texts(self) -> tuple[str, ...]:
        """Return the tokens' texts."""
        return tuple([token.text for token in self.tokens])

    @lazy
    def starts(self) -> tuple[float, ...]:
        """Return when each token begins, in seconds, rising."""
        return tuple([token.start for token in self.tokens])

    @lazy
    def digit_places(self) -> tuple[int, ...]:
        """Return where the words that begin with a digit stand."""
        return tuple([place for place, text in enumerate(self.texts) if text[:1].isdigit()])

    @lazy
    def date_places(self) -> tuple[int, ...]:
        """Return where the words stand with which a date may begin."""
        return tuple(
            [place for place, text in enumerate(self.texts) if text in _DATE_WORDS or text[:1].isdigit()]
        )

    @lazy
    def has_digits(self) -> bool:
        """Say whether there is a digit, or a masked word that may be one."""
        return has_digits(self.text)

    @lazy
    def digit_runs(self) -> tuple[Digits, ...]:
        """Return the numbers said digit by digit."""
        return tuple(digit_runs(self.tokens)) if self.has_digits else ()

    @lazy
    def joined(self) -> tuple[tuple[str, ...], ...]:
        """Return the words, and every two and every three of them, without spaces between."""
        one = self.texts
        two = tuple(a + b for a, b in pairwise(one))
        return one, two, tuple(a + b for a, b in zip(two, one[2:], strict=False))

    @lazy
    def text(self) -> str:
        """Return the normalised words as one string."""
        return " ".join(self.texts)

    @lazy
    def offsets(self) -> tuple[int, ...]:
        """Return where each token begins in `text`."""
        return tuple(accumulate([len(text) + 1 for text in self.texts[:-1]], initial=0))

    @lazy
    def shortened(self) -> Shortened:
        """Return the words cut to a length that bounds what a pattern can try."""
        if max(map(len, self.texts)) <= LONGEST_WORD:
            return Shortened(self.text, self.offsets, self.ends)
        texts = [text[:LONGEST_WORD] for text in self.texts]
        starts = list(accumulate([len(text) + 1 for text in texts[:-1]], initial=0))
        ends = [start + len(text) for start, text in zip(starts, texts, strict=True)]
        return Shortened(" ".join(texts), starts, ends)

    @lazy
    def ends(self) -> tuple[int, ...]:
        """Return where each token ends in `text`."""
        return (*[offset - 1 for offset in self.offsets[1:]], len(self.text))

    def token_at(self, offset: int) -> int:
        """Return the index of the token at a place in `text`."""
        return max(0, bisect_right(self.offsets, offset) - 1)

    @lazy
    def sentences(self) -> tuple[tuple[int, int], ...]:
        """Return first and last token index of each sentence."""
        ends = [
            place
            for place, (token, following) in enumerate(pairwise(self.tokens))
            if (token.stop in _STOPS and token.probability >= _STOP_PROBABILITY)
            or following.start - token.end >= _SENTENCE_PAUSE
        ]
        return tuple(zip([0, *[end + 1 for end in ends]], [*ends, len(self.tokens) - 1], strict=True))

    @lazy
    def sentence(self) -> tuple[int, ...]:
        """Return for each token the number of its sentence within the turn."""
        numbers: list[int] = []
        for number, (first, last) in enumerate(self.sentences):
            numbers += [number] * (last - first + 1)
        return tuple(numbers)

    def sentence_range(self, place: int) -> tuple[int, int]:
        """Return first and last token index of the sentence that holds token `place`."""
        return self.sentences[self.sentence[place]]


@dataclass(frozen=True)
class Heard:
    """A call's turns in time order, and each speaker's tokens, stretches of speech and all that is said."""

    transcript: Transcript
    facts: CallFacts
    tokens: Mapping[Speaker, tuple[Token, ...]]
    turns: tuple[Turn, ...]
    speech: Mapping[Speaker, tuple[Span, ...]]
    said: Mapping[Speaker, Speech]
    measured: bool
    known: dict[object, object] = field(default_factory=dict, compare=False, repr=False)
    """What was worked out before of this call and may be asked for again."""

    @lazy
    def zero(self) -> float:
        """Return time zero: the first agent word (after the fact `answered_at`, where it is known)."""
        answered = self.facts.facts.get("answered_at")
        floor = float(answered) if isinstance(answered, (int, float)) else 0.0
        agent = self.tokens.get("agent", ())
        return next((token.start for token in agent if token.start >= floor - 0.5), floor)

    @lazy
    def two_channels(self) -> bool:
        """Say whether agent and customer were recorded apart, so that overlap can be measured."""
        return self.transcript.layout in ("stereo-agent-left", "stereo-agent-right")

    @lazy
    def roles_known(self) -> bool:
        """Say whether it is known who the agent is."""
        unknown = sum(
            len(segment.timed_words()) for segment in self.transcript.segments if _is_unknown(segment)
        )
        known = sum(len(tokens) for speaker, tokens in self.tokens.items() if speaker != "unknown")
        return bool(self.tokens.get("agent")) and unknown <= 0.1 * known

    def turns_of(self, speaker: Speaker) -> tuple[Turn, ...]:
        """Return one speaker's turns, back-channels included."""
        return self.said[speaker].turns if speaker in self.said else ()

    @lazy
    def speaking(self) -> Mapping[Speaker, tuple[Turn, ...]]:
        """Return each speaker's turns that say more than a back-channel."""
        return {
            speaker: tuple([turn for turn in speech.turns if not turn.back_channel])
            for speaker, speech in self.said.items()
        }

    def last_before(self, turn: Turn, speaker: Speaker, count: int = 1) -> tuple[Turn, ...]:
        """Return a speaker's last turns before another that say more than a back-channel."""
        speaking = self.speaking.get(speaker, ())
        end = bisect_left(speaking, turn.index, key=attrgetter("index"))
        return speaking[max(0, end - count) : end]

    def next_after(self, turn: Turn, speaker: Speaker) -> Turn | None:
        """Return a speaker's first turn after another that says more than a back-channel."""
        speaking = self.speaking.get(speaker, ())
        place = bisect_right(speaking, turn.index, key=attrgetter("index"))
        return speaking[place] if place < len(speaking) else None

    def turns_during(self, speaker: Speaker, start: float, end: float) -> Iterable[Turn]:
        """Return one speaker's turns that last at `start` (seconds) or later and begin by `end`."""
        return self.said[speaker].turns_during(start, end) if speaker in self.said else ()

    def spoken_between(self, speaker: Speaker, start: float, end: float) -> list[Span]:
        """Return how long the tokens that begin in [start, end] plausibly last at most, joined where they are close."""
        return self.said[speaker].spoken_between(start, end) if speaker in self.said else []

    def words_between(self, speaker: Speaker, start: float, end: float) -> tuple[Token, ...]:
        """Return one speaker's tokens that begin in [start, end]."""
        if speaker not in self.said:
            return ()
        said = self.said[speaker]
        return said.tokens[bisect_left(said.starts, start) : bisect_right(said.starts, end)]

    def others(self, speaker: Speaker) -> list[Span]:
        """Return when anybody but this speaker speaks, merged."""
        known = self._others
        if speaker not in known:
            known[speaker] = merge(
                span for who, theirs in self.speech.items() if who != speaker for span in theirs
            )
        return known[speaker]

    @lazy
    def _others(self) -> dict[Speaker, list[Span]]:
        return {}

    def forget(self) -> None:
        """Let go of the turns, with which nothing can be searched any more.

        They and what is known of their speakers hold each other; let go, their memory is free at once and need not
        wait to be found by the collector, which would look through all other calls for it.
        """
        for speech in self.said.values():
            speech.turns = ()
            speech.known.clear()

    def speech_seconds(self, speaker: Speaker, start: float, end: float) -> float:
        """Measure how long one speaker's speech lasts within [start, end]."""
        spans = self.speech.get(speaker, ())
        begin = bisect_right(spans, start, key=itemgetter(1))
        stop = bisect_left(spans, end, key=itemgetter(0))
        return sum([max(0.0, min(end, last) - max(start, first)) for first, last in spans[begin:stop]])


def hear(call: Call) -> Heard:
    """Make a call ready for checking; cost grows linearly with its words."""
    transcript = call.transcript
    by_speaker: dict[Speaker, list[Token]] = {}
    for segment, tokens in zip(transcript.segments, tokens_of(transcript), strict=True):
        by_speaker.setdefault(segment.speaker, []).extend(tokens)
    # sorting keeps tokens that begin together as they are: by segment and place
    tokens_by = {speaker: tuple(sorted(own, key=_START)) for speaker, own in by_speaker.items()}
    said = {speaker: Speech(tokens) for speaker, tokens in tokens_by.items()}
    return Heard(
        transcript=transcript,
        facts=call.facts,
        tokens=tokens_by,
        turns=_turns(said),
        speech=speech_of(call),
        said=said,
        measured=bool(call.facts.speech),
    )


def _is_unknown(segment: object) -> bool:
    return getattr(segment, "speaker", None) == "unknown"


def _turns(said: Mapping[Speaker, Speech]) -> tuple[Turn, ...]:
    """Split what is said into turns; each speaker's own are kept with what that speaker says."""
    bursts = {speaker: _bursts(speech) for speaker, speech in said.items()}
    begun = {
        speaker: [
            speech.starts[begin]
            for begin, end in bursts[speaker]
            if not is_back_channel(speech.tokens[begin:end])
        ]
        for speaker, speech in said.items()
    }
    found: list[tuple[float, Speaker, tuple[Token, ...]]] = []
    for speaker, speech in said.items():
        interruptions = sorted(start for other in begun if other != speaker for start in begun[other])
        for begin, end in _joined(bursts[speaker], speech, interruptions):
            found.append((speech.starts[begin], speaker, speech.tokens[begin:end]))
    found.sort(key=itemgetter(0))
    turns = tuple(
        [
            Turn(index, speaker, tokens, is_back_channel(tokens), said[speaker])
            for index, (_, speaker, tokens) in enumerate(found)
        ]
    )
    for speaker, speech in said.items():
        speech.turns = tuple([turn for turn in turns if turn.speaker == speaker])
    return turns


def _bursts(speech: Speech) -> list[_Range]:
    """Split one speaker's tokens where a short pause comes."""
    ends = [token.end for token in speech.tokens]
    cuts = [
        place
        for place, (start, before) in enumerate(zip(speech.starts[1:], ends, strict=False), 1)
        if start - before >= _BURST_PAUSE
    ]
    return list(zip([0, *cuts], [*cuts, len(speech.tokens)], strict=True)) if speech.tokens else []


def _joined(bursts: Sequence[_Range], speech: Speech, interruptions: Sequence[float]) -> list[_Range]:
    """Join bursts into turns unless a long pause or a start of the other speaker lies between."""
    turns: list[_Range] = []
    for begin, end in bursts:
        if turns:
            start, before = speech.starts[begin], speech.tokens[begin - 1].end
            since = bisect_left(interruptions, before - _LEAN)
            free = since >= len(interruptions) or interruptions[since] >= start + _LEAN
            if free and start - before < TURN_PAUSE:
                turns[-1] = turns[-1][0], end
                continue
        turns.append((begin, end))
    return turns


def is_back_channel(tokens: Sequence[Token]) -> bool:
    """Say whether this is only a sign of listening: at most two such words in one second."""
    return (
        len(tokens) <= 2
        and tokens[-1].end - tokens[0].start <= 1.0
        and all(token.text in BACK_CHANNELS for token in tokens)
    )
