"""Kind `readback`: a number the caller gave is repeated by the agent, digit for digit.

Works on the unmasked words; what it says never shows a digit, only whether the two are the same.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from pydantic import Field
from rapidfuzz.distance import Levenshtein

from qa_audit.domain.checks.base import (
    Context,
    decided,
    miss_certainty,
    not_applicable,
    said,
    searched_stretches,
    unsure,
)
from qa_audit.domain.checks.heard import Heard, Turn
from qa_audit.domain.checks.model import Model, Phrases
from qa_audit.domain.checks.phrases import HIT_PROBABILITY, Hit, PhraseSet
from qa_audit.domain.checks.windows import between, miss_quality, whole
from qa_audit.domain.digits import Digits, digit_runs
from qa_audit.domain.findings import Evidence, Finding

_CONTEXT_SECONDS = 20.0
_MEND_SECONDS = 30.0
_CORRECTION_SECONDS = 12.0
_AFTER_WORDS = 12
_PROMPT_SECONDS = 10.0
_SOME = 2


class ReadbackSpec(Model):
    """Yes when the agent repeats the caller's number in the same order in time."""

    kind: Literal["readback"]
    asked: Phrases = Field(default=(), description="How the number is asked for or announced.")
    not_after: Phrases = Field(default=(), description="Numbers announced by these are others: 'card'.")
    least: int = Field(default=4, ge=3, description="So many digits or letters make a number.")
    most: int = Field(default=12, ge=4)
    seconds: float = Field(default=20, gt=0)
    probability: float = Field(
        default=0.95,
        ge=0,
        le=1,
        description="One wrong digit is a no only when every digit was heard so clearly.",
    )


class _Number(NamedTuple):
    """A number in a turn."""

    turn: Turn
    run: Digits

    @property
    def start(self) -> float:
        return self.turn.tokens[self.run.first].start

    @property
    def end(self) -> float:
        return self.turn.tokens[self.run.last].end

    @property
    def weak(self) -> bool:
        return self.run.weakest < HIT_PROBABILITY or "•" in self.run.text


def check(spec: ReadbackSpec, context: Context) -> Finding:
    """Find the caller's number, then its repetition."""
    heard = context.heard
    given = _given(spec, context)
    long_enough = [number for number in given if number.run.size >= spec.least]
    if not long_enough:
        if given or _asked_without_number(spec, context):
            return unsure(
                "Perhaps the caller gave a number; it was not heard clearly.", _cite(heard, *given[:1])
            )
        return not_applicable("The caller gave no such number.")
    for number in long_enough:
        same = _same(heard, number, spec)
        if same is not None:
            evidence = _cite(heard, number, same)
            if number.weak or same.weak:
                reason = f"{_size(number)} given; the repetition seems the same, but was not heard clearly."
                return unsure(reason, evidence, "yes")
            sure = min(number.run.weakest, same.run.weakest) >= 0.8
            reason = f"{_size(number)} given, read back: same."
            return decided("yes", reason, evidence, "sure" if sure else "fairly_sure")
    return _differs(spec, context, long_enough[-1])


def _given(spec: ReadbackSpec, context: Context) -> list[_Number]:
    """Return the caller's numbers that are meant; a corrected one gives way to its successor."""
    heard = context.heard
    numbers = [
        _Number(turn, run)
        for turn in heard.turns_of("customer")
        for run in digit_runs(turn.tokens)
        if 3 <= run.size <= spec.most and _is_meant(spec, context, turn, run)
    ]
    return [
        number
        for place, number in enumerate(numbers)
        if not (place + 1 < len(numbers) and _corrected(number, numbers[place + 1]))
    ]


def _is_meant(spec: ReadbackSpec, context: Context, turn: Turn, run: Digits) -> bool:
    """Say whether a number is one that is meant, by what was named before and after it."""
    heard = context.heard
    asked, other = context.phrases(spec.asked), context.phrases(spec.not_after)
    start = turn.tokens[run.first].start
    before = _context_before(heard, turn, start)
    about = max((hit.end for part in before for hit in _ended(asked, part, start)), default=None)
    against = max((hit.end for part in before for hit in _ended(other, part, start)), default=None)
    if against is not None and (about is None or about < against):
        return False
    after = next(
        (t for t in heard.turns[turn.index + 1 :] if t.speaker == "agent" and not t.back_channel), None
    )
    named_after = after is not None and bool(other.find(after, 0, _AFTER_WORDS, fuzzy=False))
    return about is not None or not named_after


def _context_before(heard: Heard, turn: Turn, start: float) -> list[Turn]:
    """Return the turn itself and the agent's last turn before it that says more than a back-channel."""
    agent = [t for t in heard.turns[: turn.index] if t.speaker == "agent" and not t.back_channel]
    near = [t for t in agent[-1:] if t.end >= start - _CONTEXT_SECONDS]
    return [*near, turn]


def _ended(phrases: PhraseSet, turn: Turn, before: float) -> list[Hit]:
    return [hit for hit in phrases.find(turn, fuzzy=False) if hit.end <= before + 0.2]


def _corrected(number: _Number, following: _Number) -> bool:
    """Say whether the caller took a number back: "four two, no, sorry, four two seven one"."""
    if following.start - number.end > _CORRECTION_SECONDS or number.turn.index != following.turn.index:
        return False
    between_words = number.turn.texts[number.run.last + 1 : following.run.first]
    return bool({"no", "sorry", "mean", "wait", "correction"} & set(between_words))


def _asked_without_number(spec: ReadbackSpec, context: Context) -> bool:
    """Say whether the agent asked for the number, and digits were said after that."""
    heard = context.heard
    asked = context.phrases(spec.asked)
    for turn in heard.turns_of("agent"):
        for hit in asked.find(turn, fuzzy=False):
            end = hit.end + _CONTEXT_SECONDS
            answers = between(whole(heard.turns_of("customer")), hit.end, end)
            readings = between(whole(heard.turns_of("agent")), hit.end, end + spec.seconds)
            for stretch in (*answers, *readings):
                runs = digit_runs(stretch.turn.tokens[stretch.low : stretch.high + 1])
                if any(run.size >= 2 for run in runs):
                    return True
    return _read_without_number(heard)


def _read_without_number(heard: Heard) -> bool:
    """Say whether the agent read a number right after the caller had said some digits."""
    for turn in heard.turns_of("agent"):
        before = [t for t in heard.turns[: turn.index] if t.speaker == "customer" and not t.back_channel]
        reads = any(run.first <= 3 and run.size >= 3 for run in digit_runs(turn.tokens))
        if reads and before and digit_runs(before[-1].tokens):
            return True
    return False


def _readings(heard: Heard, number: _Number, seconds: float) -> list[_Number]:
    """Return the agent's numbers from the caller's on, within the seconds after it."""
    return [
        _Number(turn, run)
        for turn in heard.turns_of("agent")
        if turn.end > number.start and turn.start < number.end + seconds
        for run in digit_runs(turn.tokens)
        if number.start < turn.tokens[run.first].start <= number.end + seconds
    ]


def _same(heard: Heard, number: _Number, spec: ReadbackSpec) -> _Number | None:
    """Return the agent's reading that holds the number; parts of one reading may be apart within a turn."""
    readings = _readings(heard, number, max(spec.seconds, _MEND_SECONDS))
    for reading in readings:
        if number.run.text in reading.run.text and reading.start <= number.end + spec.seconds:
            return reading
    for turn in {reading.turn.index: reading.turn for reading in readings}.values():
        own = [reading.run for reading in readings if reading.turn.index == turn.index]
        for place, first in enumerate(own):
            for last in own[place + 1 :]:
                whole_text = "".join(run.text for run in own[place : own.index(last) + 1])
                if whole_text == number.run.text:
                    weakest = min(first.weakest, last.weakest)
                    return _Number(turn, Digits(first.first, last.last, whole_text, weakest))
    mended = [reading for reading in readings if number.run.text in reading.run.text]
    return mended[0] if mended and len(readings) > 1 else None


def _differs(spec: ReadbackSpec, context: Context, number: _Number) -> Finding:
    """Decide between 'not repeated', 'repeated wrongly' and 'cannot tell'."""
    heard = context.heard
    readings = _readings(heard, number, spec.seconds)
    size = number.run.size
    like = [r for r in readings if size <= r.run.size <= size + 1 and r.start <= number.end + _PROMPT_SECONDS]
    if like:
        reading = min(like, key=lambda r: _distance(number.run.text, r.run.text))
        evidence = _cite(heard, number, reading)
        distance = _distance(number.run.text, reading.run.text)
        weakest = min(number.run.weakest, reading.run.weakest)
        clear = weakest >= (spec.probability if distance < 2 else 0.8)
        if clear and not (number.weak or reading.weak):
            return decided("no", f"{_size(number)} given, read back: different.", evidence, "fairly_sure")
        reason = f"{_size(number)} given; the repetition seems different, but was not heard clearly."
        return unsure(reason, evidence, "no")
    after = between(whole(heard.turns_of("agent")), number.end, number.end + spec.seconds)
    quality = miss_quality(heard, "agent", after)
    looked = _cite(heard, number) + searched_stretches(after)
    prompt = "".join(r.run.text for r in readings if r.start <= number.end + _PROMPT_SECONDS)
    if number.weak or len(prompt) >= _SOME:
        return unsure("Perhaps the number was read back; it was not heard clearly.", looked, "no")
    if quality.sure:
        return decided("no", f"{_size(number)} given, not read back.", looked, miss_certainty(after))
    return unsure(f"The number was not found again, but {quality.why}.", looked, "no")


def _distance(number: str, reading: str) -> int:
    """Return the least edits that turn some part of a reading into the number."""
    sizes = range(max(1, len(number) - 1), min(len(reading), len(number) + 1) + 1)
    parts = [reading[at : at + size] for size in sizes for at in range(len(reading) - size + 1)]
    return min((Levenshtein.distance(number, part) for part in parts or [reading]), default=len(number))


def _size(number: _Number) -> str:
    return f"A number of {number.run.size} characters was"


def _cite(heard: Heard, *numbers: _Number) -> tuple[Evidence, ...]:
    return tuple(
        item
        for number in numbers
        for item in said(heard, number.turn.tokens[number.run.first : number.run.last + 1])
    )
