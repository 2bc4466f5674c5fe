"""A call made ready for checking: tokens, turns, speech, and the moments that windows are measured from."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate, pairwise
from operator import attrgetter

from qa_audit.domain.acoustics import speech_of
from qa_audit.domain.call import Call, CallFacts, Span
from qa_audit.domain.checks.patterns import LONGEST_WORD
from qa_audit.domain.checks.speech import Speech
from qa_audit.domain.text import Token, tokens_of, word_set
from qa_audit.domain.transcript import Speaker, Transcript

BACK_CHANNELS = word_set("mhm mm hmm uh huh uhhuh aha ah yes yeah yep yup okay right sure i see")
TURN_PAUSE = 1.5
"""Seconds of silence that end a turn."""
_BURST_PAUSE = 0.6
_SENTENCE_PAUSE = 0.8
_STOP_PROBABILITY = 0.6
_LEAN = 0.1


@dataclass(frozen=True)
class Turn:
    """What one speaker said until the other said more than a back-channel, or a pause came."""

    index: int
    speaker: Speaker
    tokens: tuple[Token, ...]
    back_channel: bool = False
    whole: Speech | None = field(default=None, compare=False, repr=False)

    @cached_property
    def speech(self) -> Speech:
        """Return all that the speaker says on the call; a turn of no call is all there is."""
        if self.whole is not None:
            return self.whole
        alone = Speech()
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

    @cached_property
    def texts(self) -> tuple[str, ...]:
        """Return the tokens' texts."""
        return tuple([token.text for token in self.tokens])

    @cached_property
    def starts(self) -> tuple[float, ...]:
        """Return when each token begins, in seconds, rising."""
        return tuple([token.start for token in self.tokens])

    @cached_property
    def digit_places(self) -> tuple[int, ...]:
        """Return where the words that begin with a digit stand."""
        return tuple(place for place, text in enumerate(self.texts) if text[:1].isdigit())

    @cached_property
    def places(self) -> Mapping[str, tuple[int, ...]]:
        """Return for each word where it stands in `texts`."""
        found: dict[str, tuple[int, ...]] = {}
        for place, text in enumerate(self.texts):
            found[text] = (*found.get(text, ()), place)
        return found

    @cached_property
    def joined(self) -> tuple[tuple[str, ...], ...]:
        """Return the words, and every two and every three of them, without spaces between."""
        one = self.texts
        two = tuple(a + b for a, b in pairwise(one))
        return one, two, tuple(a + b for a, b in zip(two, one[2:], strict=False))

    @cached_property
    def text(self) -> str:
        """Return the normalised words as one string."""
        return " ".join(self.texts)

    @cached_property
    def offsets(self) -> tuple[int, ...]:
        """Return where each token begins in `text`."""
        offsets, at = [], 0
        for text in self.texts:
            offsets.append(at)
            at += len(text) + 1
        return tuple(offsets)

    @cached_property
    def shortened(self) -> tuple[Sequence[str], Sequence[int]]:
        """Return the words cut to a length that bounds what a pattern can try, and where each begins in their text."""
        if max(map(len, self.texts)) <= LONGEST_WORD:
            return self.texts, self.offsets
        texts = [text[:LONGEST_WORD] for text in self.texts]
        return texts, [0, *accumulate(len(text) + 1 for text in texts[:-1])]

    def token_at(self, offset: int) -> int:
        """Return the index of the token at a place in `text`."""
        return max(0, bisect_right(self.offsets, offset) - 1)

    @cached_property
    def sentence(self) -> tuple[int, ...]:
        """Return for each token the number of its sentence within the turn."""
        numbers, number = [], 0
        for place, token in enumerate(self.tokens):
            numbers.append(number)
            following = self.tokens[place + 1] if place + 1 < len(self.tokens) else None
            stops = token.stop in (".", "?") and token.probability >= _STOP_PROBABILITY
            if following and (stops or following.start - token.end >= _SENTENCE_PAUSE):
                number += 1
        return tuple(numbers)

    def sentence_range(self, place: int) -> tuple[int, int]:
        """Return first and last token index of the sentence that holds token `place`."""
        number = self.sentence[place]
        return bisect_left(self.sentence, number), bisect_right(self.sentence, number) - 1


@dataclass(frozen=True)
class Heard:
    """A call's turns in time order, and each speaker's tokens and stretches of speech."""

    transcript: Transcript
    facts: CallFacts
    tokens: Mapping[Speaker, tuple[Token, ...]]
    turns: tuple[Turn, ...]
    speech: Mapping[Speaker, tuple[Span, ...]]
    measured: bool
    known: dict[object, object] = field(default_factory=dict, compare=False, repr=False)
    """What was worked out before of this call and may be asked for again."""

    @cached_property
    def zero(self) -> float:
        """Return time zero: the first agent word (after the fact `answered_at`, where it is known)."""
        answered = self.facts.facts.get("answered_at")
        floor = float(answered) if isinstance(answered, (int, float)) else 0.0
        agent = self.tokens.get("agent", ())
        return next((token.start for token in agent if token.start >= floor - 0.5), floor)

    @cached_property
    def two_channels(self) -> bool:
        """Say whether agent and customer were recorded apart, so that overlap can be measured."""
        return self.transcript.layout in ("stereo-agent-left", "stereo-agent-right")

    @cached_property
    def roles_known(self) -> bool:
        """Say whether it is known who the agent is."""
        unknown = sum(
            len(segment.timed_words()) for segment in self.transcript.segments if _is_unknown(segment)
        )
        known = sum(len(tokens) for speaker, tokens in self.tokens.items() if speaker != "unknown")
        return bool(self.tokens.get("agent")) and unknown <= 0.1 * known

    def turns_of(self, speaker: Speaker) -> tuple[Turn, ...]:
        """Return one speaker's turns, back-channels included."""
        return self._turns_by_speaker.get(speaker, ())

    @cached_property
    def _turns_by_speaker(self) -> Mapping[Speaker, tuple[Turn, ...]]:
        grouped: dict[Speaker, list[Turn]] = {}
        for turn in self.turns:
            grouped.setdefault(turn.speaker, []).append(turn)
        return {speaker: tuple(turns) for speaker, turns in grouped.items()}

    def spoken_between(self, speaker: Speaker, start: float, end: float) -> list[Span]:
        """Return how long the tokens that begin in [start, end] plausibly last at most (see `plausible_seconds`)."""
        if speaker not in self.tokens:
            return []
        starts = self._starts[speaker]
        return self._plausible[speaker][bisect_left(starts, start) : bisect_right(starts, end)]

    @cached_property
    def _plausible(self) -> Mapping[Speaker, list[Span]]:
        return {
            speaker: [
                (token.start, max(token.end, token.start + plausible_seconds(token))) for token in tokens
            ]
            for speaker, tokens in self.tokens.items()
        }

    def words_between(self, speaker: Speaker, start: float, end: float) -> tuple[Token, ...]:
        """Return one speaker's tokens that begin in [start, end]."""
        tokens = self.tokens.get(speaker, ())
        starts = self._starts[speaker] if tokens else []
        return tokens[bisect_left(starts, start) : bisect_right(starts, end)]

    @cached_property
    def _starts(self) -> Mapping[Speaker, list[float]]:
        return {speaker: [token.start for token in tokens] for speaker, tokens in self.tokens.items()}

    def speech_seconds(self, speaker: Speaker, start: float, end: float) -> float:
        """Measure how long one speaker's speech lasts within [start, end]."""
        return sum(
            max(0.0, min(end, last) - max(start, first)) for first, last in self.speech.get(speaker, ())
        )


def plausible_seconds(token: Token) -> float:
    """Return how long a token plausibly lasts at most when spoken slowly, in seconds."""
    words = token.last - token.first + 1
    return max(0.45 * words, 0.11 * len(token.text))


def hear(call: Call) -> Heard:
    """Make a call ready for checking; cost grows linearly with its words."""
    transcript = call.transcript
    by_speaker: dict[Speaker, list[Token]] = {}
    for segment, tokens in zip(transcript.segments, tokens_of(transcript), strict=True):
        by_speaker.setdefault(segment.speaker, []).extend(tokens)
    tokens_by = {
        speaker: tuple(sorted(tokens, key=attrgetter("start", "segment", "first")))
        for speaker, tokens in by_speaker.items()
    }
    return Heard(
        transcript=transcript,
        facts=call.facts,
        tokens=tokens_by,
        turns=_turns(tokens_by),
        speech=speech_of(call),
        measured=bool(call.facts.speech),
    )


def _is_unknown(segment: object) -> bool:
    return getattr(segment, "speaker", None) == "unknown"


def _turns(tokens_by: Mapping[Speaker, Sequence[Token]]) -> tuple[Turn, ...]:
    bursts = {speaker: _bursts(tokens) for speaker, tokens in tokens_by.items()}
    found: list[tuple[float, Speaker, tuple[Token, ...], bool]] = []
    for speaker, own in bursts.items():
        interruptions = sorted(
            burst[0].start
            for other, theirs in bursts.items()
            if other != speaker
            for burst in theirs
            if not is_back_channel(burst)
        )
        for run in _joined(own, interruptions):
            found.append((run[0].start, speaker, run, is_back_channel(run)))
    found.sort(key=lambda item: item[0])
    speeches = {speaker: Speech() for speaker in bursts}
    turns = tuple(
        Turn(index, speaker, tokens, back, speeches[speaker])
        for index, (_, speaker, tokens, back) in enumerate(found)
    )
    for speaker, speech in speeches.items():
        speech.turns = tuple(turn for turn in turns if turn.speaker == speaker)
    return turns


def _bursts(tokens: Sequence[Token]) -> list[tuple[Token, ...]]:
    """Split one speaker's tokens where a short pause comes."""
    bursts: list[list[Token]] = []
    for token in tokens:
        if bursts and token.start - bursts[-1][-1].end < _BURST_PAUSE:
            bursts[-1].append(token)
        else:
            bursts.append([token])
    return [tuple(burst) for burst in bursts]


def _joined(bursts: Sequence[tuple[Token, ...]], interruptions: Sequence[float]) -> list[tuple[Token, ...]]:
    """Join bursts into turns unless a long pause or a start of the other speaker lies between."""
    turns: list[tuple[Token, ...]] = []
    for burst in bursts:
        if turns and burst[0].start - turns[-1][-1].end < TURN_PAUSE:
            since = bisect_left(interruptions, turns[-1][-1].end - _LEAN)
            if since >= len(interruptions) or interruptions[since] >= burst[0].start + _LEAN:
                turns[-1] += burst
                continue
        turns.append(burst)
    return turns


def is_back_channel(tokens: Sequence[Token]) -> bool:
    """Say whether this is only a sign of listening: at most two such words in one second."""
    return (
        len(tokens) <= 2
        and tokens[-1].end - tokens[0].start <= 1.0
        and all(token.text in BACK_CHANNELS for token in tokens)
    )
