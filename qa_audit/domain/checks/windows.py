"""Where a check looks, and whether a miss there can be believed."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from difflib import get_close_matches
from statistics import median
from typing import Annotated, Any, Literal, NamedTuple, get_args

from pydantic import BeforeValidator, Field, GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue

from qa_audit.domain.acoustics import merge, overlaps
from qa_audit.domain.call import Span
from qa_audit.domain.checks.events import Event
from qa_audit.domain.checks.heard import Heard, Turn, plausible_seconds
from qa_audit.domain.checks.model import Model, Phrases
from qa_audit.domain.transcript import Speaker

MISS_WORDS = 5
MISS_PROBABILITY = 0.7
MISS_OVERLAP = 0.1
"""A miss is sure in a window of at least so many words, so probable by the median, so little overlapped."""
_UNHEARD_SECONDS = 0.6
_UNHEARD_SHARE = 0.1
_SWALLOWED_SECONDS = 0.6
_CLEAR_PROBABILITY = 0.6
_STUTTER_WORDS = 3
_STUTTER_MOST = 8


Who = Literal["agent", "customer", "either"]
"""Whose words: either means both, also where it is not known who is who."""


class Anchor(Model):
    """A moment that a window is measured from: something that happens, or words that are said."""

    event: Event | None = Field(default=None, description="Something that happens on the call.")
    said: Phrases | None = Field(default=None, description="One of these is said …")
    by: Who = Field(default="agent", description="… by this speaker.")

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: Any, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        phrases = {"type": "array", "items": {"type": "string"}, "minItems": 1}
        return {"anyOf": [{"type": "string", "enum": list(get_args(Event))}, phrases, handler(core_schema)]}

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: object) -> object:
        if isinstance(value, str):
            if value not in get_args(Event):
                near = get_close_matches(value, get_args(Event), n=1)
                hint = f"did you mean '{near[0]}'? " if near else ""
                raise ValueError(f"'{value}' is no event; {hint}words that are said go into a list")
            return {"event": value}
        return {"said": value} if isinstance(value, (list, tuple)) else value

    @model_validator(mode="after")
    def _exactly_one(self) -> Anchor:
        if (self.event is None) == (not self.said):
            raise ValueError("give either 'event' or 'said'")
        return self


class Window(Model):
    """A part of one speaker's words; every limit given must hold, none means the whole call."""

    first_turn: bool = Field(default=False, description="Only the speaker's first turn.")
    first_seconds: float | None = Field(
        default=None, gt=0, description="Seconds from the first agent word on."
    )
    last_turns: int | None = Field(default=None, ge=1, description="Only so many last turns of the speaker.")
    last_seconds: float | None = Field(
        default=None, gt=0, description="The last seconds of the speaker's own talking."
    )
    after: Anchor | None = Field(default=None, description="After an event, or words that are said …")
    before: Anchor | None = Field(default=None, description="Before the first such event or words …")
    seconds: float | None = Field(
        default=None, gt=0, description="… within so many seconds of it; default: no limit."
    )

    @property
    def anchors(self) -> tuple[Anchor, ...]:
        """Return the moments that the window is measured from."""
        return tuple(anchor for anchor in (self.after, self.before) if anchor is not None)

    @model_validator(mode="after")
    def _not_both_ends(self) -> Window:
        if self.seconds is not None and not self.anchors:
            raise ValueError("'seconds' goes with 'after' or 'before'; else say 'first_seconds'")
        if self.first_turn and self.last_turns:
            raise ValueError("'first_turn' and 'last_turns' cannot both hold in one window")
        return self


class _OneOrMany:
    """Tell the JSON schema that one window may stand without a list around it."""

    def __get_pydantic_json_schema__(
        self, core_schema: Any, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        many = handler(core_schema)
        return {"anyOf": [many["items"], many]}


Windows = Annotated[
    tuple[Window, ...],
    BeforeValidator(lambda value: (value,) if isinstance(value, dict) else value),
    _OneOrMany(),
]
"""One window, or several of which any counts."""


class Stretch(NamedTuple):
    """Tokens `low`..`high` (both included) of a turn."""

    turn: Turn
    low: int
    high: int

    @property
    def start(self) -> float:
        """Return the first word's start in seconds."""
        return self.turn.tokens[self.low].start

    @property
    def end(self) -> float:
        """Return the last word's end in seconds."""
        return self.turn.tokens[self.high].end


Moments = Callable[[Anchor], Sequence[Span]]
"""Tells when something that a window is measured from happened, in seconds."""


class Quality(NamedTuple):
    """Whether a miss can be believed, and if not, why."""

    sure: bool
    why: str = ""


def whole(turns: Iterable[Turn]) -> list[Stretch]:
    """Return whole turns as stretches."""
    return [Stretch(turn, 0, len(turn.tokens) - 1) for turn in turns]


def whole_of(heard: Heard, who: Who) -> list[Stretch]:
    """Return all turns of a speaker, or of everybody, as stretches."""
    known = heard.known.get(("whole", who))
    if not isinstance(known, list):
        known = heard.known["whole", who] = whole(turns_by(heard, who))
    return known.copy()


def said_within(heard: Heard, speaker: Speaker, start: float, end: float) -> list[Stretch]:
    """Return a speaker's words that begin in [start, end] seconds."""
    if speaker not in heard.said:
        return []
    return [Stretch(*part) for part in heard.said[speaker].parts_between(start, end)]


def turns_by(heard: Heard, who: Who) -> tuple[Turn, ...]:
    """Return the turns of a speaker, or of everybody."""
    return heard.turns if who == "either" else heard.turns_of(who)


def select(
    heard: Heard, who: Who, windows: Sequence[Window], moments: Moments | None = None
) -> list[Stretch]:
    """Return the stretches of a speaker's words in any of the windows (all when none is given).

    `moments` tells when something that a window is measured from happened (see `anchors`).
    """
    if not windows:
        return whole_of(heard, who)
    chosen: dict[int, tuple[int, int]] = {}
    for window in windows:
        for stretch in _in_window(heard, who, window, moments):
            low, high = chosen.get(stretch.turn.index, (stretch.low, stretch.high))
            chosen[stretch.turn.index] = (min(low, stretch.low), max(high, stretch.high))
    return [Stretch(heard.turns[index], *chosen[index]) for index in sorted(chosen)]


def _in_window(heard: Heard, who: Who, window: Window, moments: Moments | None) -> list[Stretch]:
    turns = turns_by(heard, who)
    if who == "agent":
        zero = heard.zero
        turns = tuple([turn for turn in turns if turn.end > zero])
    if window.first_turn:
        turns = turns[:1]
    if window.last_turns:
        turns = tuple([turn for turn in turns if not turn.back_channel])[-window.last_turns :]
    stretches = whole(turns)
    if window.first_seconds is not None:
        stretches = between(stretches, heard.zero, heard.zero + window.first_seconds)
    if window.last_seconds is not None:
        start = _talking_back(turns_by(heard, who), window.last_seconds)
        stretches = between(stretches, start, float("inf"))
    return _around(stretches, window, moments) if window.anchors else stretches


def _around(stretches: Sequence[Stretch], window: Window, moments: Moments | None) -> list[Stretch]:
    """Keep of stretches what lies after (and before) the moments that a window is measured from."""
    reach = window.seconds if window.seconds is not None else float("inf")
    kept = list(stretches)
    if window.after is not None:
        starts = [end for _, end in moments(window.after)] if moments else []
        kept = [part for start in starts for part in between(kept, start, start + reach)]
    if window.before is not None:
        first = min((start for start, _ in moments(window.before)), default=None) if moments else None
        kept = [] if first is None else _ended_by(between(kept, first - reach, first), first)
    return kept


def _ended_by(stretches: Iterable[Stretch], end: float) -> list[Stretch]:
    return [stretch for stretch in stretches if stretch.turn.tokens[stretch.low].start < end]


def between(stretches: Iterable[Stretch], start: float, end: float) -> list[Stretch]:
    """Cut stretches to the words that begin in [start, end]."""
    kept = []
    for turn, low, high in stretches:
        starts = turn.starts
        if starts[high] < start or starts[low] > end:
            continue
        first = bisect_left(starts, start, low, high + 1)
        last = bisect_right(starts, end, low, high + 1) - 1
        if first <= last:
            kept.append(Stretch(turn, first, last))
    return kept


def _talking_back(turns: Sequence[Turn], seconds: float) -> float:
    """Return when the last `seconds` of a speaker's own talking begin."""
    left = seconds
    for turn in reversed(turns):
        if turn.end - turn.start >= left:
            return turn.end - left
        left -= turn.end - turn.start
    return 0.0


def miss_quality(heard: Heard, who: Who, stretches: Sequence[Stretch]) -> Quality:
    """Say whether something not found in these stretches was surely not said there.

    Sure means: five words or more (or a shorter turn that is complete and all clear), a median word
    probability of at least .7, under a tenth of it overlapped by the other speaker, no clipping, and no
    speech without words. Where either speaker may have said it, the words of each must be heard so well.
    """
    if "clipped" in heard.facts.warnings:
        return Quality(False, "the recording is clipped")
    if who != "either":
        return _known_quality(heard, who, stretches)
    speakers = dict.fromkeys(stretch.turn.speaker for stretch in stretches)
    found = [_known_quality(heard, one, [s for s in stretches if s.turn.speaker == one]) for one in speakers]
    doubts = [quality for quality in found if not quality.sure]
    return doubts[0] if doubts else Quality(bool(found), "no words were heard there")


def _known_quality(heard: Heard, speaker: Speaker, stretches: Sequence[Stretch]) -> Quality:
    asked = (speaker, *[(turn.index, low, high) for turn, low, high in stretches])
    known = heard.known.get(asked)
    if not isinstance(known, Quality):
        known = heard.known[asked] = _quality_of(heard, speaker, stretches)
    return known


def _quality_of(heard: Heard, speaker: Speaker, stretches: Sequence[Stretch]) -> Quality:
    tokens = [token for turn, low, high in stretches for token in turn.tokens[low : high + 1]]
    several = [token for token in tokens if token.last > token.first]
    probabilities = [token.probability for token in tokens]
    probabilities += [token.probability for token in several for _ in range(token.last - token.first)]
    if not probabilities:
        return Quality(False, "no words were heard there")
    if len(probabilities) < MISS_WORDS and not _short_but_clear(heard, stretches, probabilities):
        return Quality(False, "too few words were heard there")
    if median(probabilities) < MISS_PROBABILITY:
        return Quality(False, "the words there were not heard well enough")
    spans = merge([(turn.tokens[low].start, turn.tokens[high].end) for turn, low, high in stretches])
    length = sum([end - start for start, end in spans])
    talked_over = sum([end - start for start, end in overlaps(spans, heard.others(speaker))])
    if length > 0 and talked_over / length >= MISS_OVERLAP:
        return Quality(False, "both spoke at the same time there")
    start, end = stretches[0].start, stretches[-1].end
    unheard = unheard_seconds(heard, speaker, start, end)
    if unheard > max(_UNHEARD_SECONDS, _UNHEARD_SHARE * length) or _unheard_stretch(
        heard, speaker, start, end
    ):
        return Quality(False, "there is speech in it that was not understood")
    if any(_stutters(turn.texts[low : high + 1]) for turn, low, high in stretches):
        return Quality(False, "the recogniser repeated itself there")
    return Quality(True)


def _unheard_stretch(heard: Heard, speaker: Speaker, start: float, end: float) -> bool:
    """Say whether a whole stretch of measured speech within [start, end] has no words at all."""
    return heard.measured and any(
        start <= begin < end and stop - begin >= _UNHEARD_SECONDS and _wordless(heard, speaker, begin, stop)
        for begin, stop in heard.speech.get(speaker, ())
    )


def _wordless(heard: Heard, speaker: Speaker, begin: float, stop: float) -> bool:
    said = heard.said.get(speaker)
    if said is not None and said.has_words(begin - 0.3, stop):
        return False
    return not any(token.end > begin + 0.2 for token in heard.words_between(speaker, begin - 5, begin))


def _stutters(texts: Sequence[str]) -> bool:
    """Say whether three words and more come twice in a row, as recognisers do when they lose their place."""
    if len(set(texts)) > len(texts) - _STUTTER_WORDS:
        return False
    if len(set(zip(texts, texts[1:], texts[2:], strict=False))) >= len(texts) - 2:
        return False
    for size in range(_STUTTER_WORDS, min(_STUTTER_MOST, len(texts) // 2) + 1):
        for at in range(len(texts) - 2 * size + 1):
            part = texts[at : at + size]
            if part == texts[at + size : at + 2 * size] and not any(text[:1].isdigit() for text in part):
                return True
    return False


def poorly_heard(heard: Heard) -> bool:
    """Say whether the words of the agent or of the caller were recognised badly over the whole call."""
    if "poorly heard" not in heard.known:
        heard.known["poorly heard"] = any(
            tokens and median([token.probability for token in tokens]) < MISS_PROBABILITY
            for tokens in (heard.tokens.get("agent", ()), heard.tokens.get("customer", ()))
        )
    return bool(heard.known["poorly heard"])


def unheard_seconds(heard: Heard, speaker: Speaker, start: float, end: float) -> float:
    """Measure speech of a speaker within [start, end] that no words were recognised for.

    Recognisers often crush the last word before a pause, so a word is given the time that it plausibly takes.
    """
    words = heard.spoken_between(speaker, start - 30, end)
    speech = [(max(a, start), min(b, end)) for a, b in heard.speech.get(speaker, ()) if b > start and a < end]
    spoken = sum([b - a for a, b in speech])
    return spoken - sum([b - a for a, b in overlaps(speech, words)])


def swallowed(heard: Heard, speaker: Speaker, start: float, end: float) -> bool:
    """Say whether words may have been lost within [start, end] seconds.

    A word that lasts far too long, or a hole in measured speech, is where a recogniser left something out.
    """
    if not heard.measured:
        return False
    tokens = heard.words_between(speaker, start, end)
    for place, token in enumerate(tokens):
        following = tokens[place + 1].start if place + 1 < len(tokens) else min(end, token.end)
        reach = max(token.end, following)
        spoken = heard.speech_seconds(speaker, token.start, reach)
        if spoken - plausible_seconds(token) >= _SWALLOWED_SECONDS:
            return True
    return False


def _short_but_clear(heard: Heard, stretches: Sequence[Stretch], probabilities: Sequence[float]) -> bool:
    """Say whether a window of a few words is one complete turn in which every word was heard clearly."""
    if len(stretches) != 1 or min(probabilities) < _CLEAR_PROBABILITY:
        return False
    turn, low, high = stretches[0]
    after = heard.turns[turn.index + 1] if turn.index + 1 < len(heard.turns) else None
    complete = low == 0 and high == len(turn.tokens) - 1
    answered = after is not None and after.speaker != turn.speaker
    within = 0.6 * len(probabilities) + 0.6 >= turn.end - turn.start
    return (
        complete and answered and within and unheard_seconds(heard, turn.speaker, turn.start, turn.end) < 0.4
    )
