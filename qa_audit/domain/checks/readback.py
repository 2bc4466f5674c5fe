"""Kind `readback`: a number the caller gave is repeated by the agent, digit for digit.

Works on the unmasked words; what it says never shows a digit, only whether the two are the same.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field
from rapidfuzz.distance import Levenshtein

from qa_audit.domain.checks.base import (
    Context,
    decided,
    miss_certainty,
    not_applicable,
    searched_stretches,
    unsure,
)
from qa_audit.domain.checks.heard import Heard, Turn
from qa_audit.domain.checks.misses import miss_quality_beside_overlaps
from qa_audit.domain.checks.model import Model, Phrases
from qa_audit.domain.checks.phrases import Hit, PhraseSet
from qa_audit.domain.checks.spelled import SpokenNumber, cite_numbers, numbers_in, numbers_of
from qa_audit.domain.checks.windows import said_within, whole_of
from qa_audit.domain.digits import Digits
from qa_audit.domain.findings import Finding
from qa_audit.domain.text import word_set

_CONTEXT_SECONDS = 20.0
_MEND_SECONDS = 30.0
_CORRECTION_SECONDS = 12.0
_AFTER_WORDS = 12
_PROMPT_SECONDS = 10.0
_SOME = 2
_LEAST_LOOKED_AT = 3
_PIECE_SECONDS = 8.0
_BETWEEN_PIECES = 3
_ECHO_WORDS = 6
_JOINERS = word_set("then and uh um er and next after that followed by it is yes yeah")
"""Words with which one number goes on after a stop."""


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


def check(spec: ReadbackSpec, context: Context) -> Finding:
    """Find the caller's number, then its repetition."""
    heard = context.heard
    given = _given(spec, context)
    long_enough = [number for number in given if number.size >= spec.least]
    if not long_enough:
        if given or _asked_without_number(spec, context):
            return unsure(
                "Perhaps the caller gave a number; it was not heard clearly.", cite_numbers(heard, *given[:1])
            )
        return not_applicable("The caller gave no such number.")
    for number in long_enough:
        same = _same(heard, number, spec)
        if same is not None:
            evidence = cite_numbers(heard, number, same)
            if number.weak or same.weak:
                reason = f"{_size(number)} given; the repetition seems the same, but was not heard clearly."
                return unsure(reason, evidence, "yes")
            sure = min(number.weakest, same.weakest) >= 0.8
            reason = f"{_size(number)} given, read back: same."
            return decided("yes", reason, evidence, "sure" if sure else "fairly_sure")
    return _differs(spec, context, long_enough[-1])


def _given(spec: ReadbackSpec, context: Context) -> list[SpokenNumber]:
    """Return the caller's numbers that are meant; a corrected one gives way to its successor."""
    numbers = [number for number in _callers(context.heard, spec) if _is_meant(spec, context, number)]
    return [
        number
        for place, number in enumerate(numbers)
        if not (place + 1 < len(numbers) and _corrected(number, numbers[place + 1]))
    ]


def _callers(heard: Heard, spec: ReadbackSpec) -> list[SpokenNumber]:
    """Return the caller's numbers that are long enough to look at, pieces put together."""
    joined: list[SpokenNumber] = []
    for turn in heard.turns_of("customer"):
        for run in numbers_of(turn, heard):
            piece = SpokenNumber(((turn, run),))
            if joined and _goes_on(heard, joined[-1], piece, spec):
                joined[-1] = SpokenNumber((*joined[-1].pieces, (turn, run)))
            else:
                joined.append(piece)
    return [number for number in joined if _LEAST_LOOKED_AT <= number.size <= spec.most]


def _goes_on(heard: Heard, number: SpokenNumber, piece: SpokenNumber, spec: ReadbackSpec) -> bool:
    """Say whether a piece goes on a number: "two two seven, then zero eight", perhaps with an echo between."""
    turn, run = number.pieces[-1]
    following, first = piece.turn, piece.pieces[0][1].first
    short = min(number.size, piece.size) < spec.least and number.size + piece.size <= spec.most
    if not short or piece.start - number.end > _PIECE_SECONDS:
        return False
    if turn.index == following.index:
        words = turn.texts[run.last + 1 : first]
    else:
        words = (*turn.texts[run.last + 1 :], *following.texts[:first])
        echo = heard.words_between("agent", number.start, piece.start)
        if len(echo) > _ECHO_WORDS:
            return False
        if echo and "".join(run.text for run in numbers_in(echo)) not in number.text:
            return False
    return len(words) <= _BETWEEN_PIECES and set(words) <= _JOINERS


def _is_meant(spec: ReadbackSpec, context: Context, number: SpokenNumber) -> bool:
    """Say whether a number is one that is meant, by what was named before and after it.

    One that is too short can only be a part of it, and only where the number was named before.
    """
    heard = context.heard
    asked, other = context.phrases(spec.asked), context.phrases(spec.not_after)
    turn, start = number.turn, number.start
    before = _context_before(heard, turn, start)
    about = max((hit.end for part in before for hit in _ended(asked, part, start)), default=None)
    against = max((hit.end for part in before for hit in _ended(other, part, start)), default=None)
    if against is not None and (about is None or about < against):
        return False
    if number.size < spec.least:
        return about is not None
    after = heard.next_after(turn, "agent")
    named_after = after is not None and bool(other.find(after, 0, _AFTER_WORDS, fuzzy=False))
    return about is not None or not named_after


def _context_before(heard: Heard, turn: Turn, start: float) -> list[Turn]:
    """Return the turn itself and the agent's last turn before it that says more than a back-channel."""
    near = [t for t in heard.last_before(turn, "agent") if t.end >= start - _CONTEXT_SECONDS]
    return [*near, turn]


def _ended(phrases: PhraseSet, turn: Turn, before: float) -> list[Hit]:
    return [hit for hit in phrases.find(turn, fuzzy=False) if hit.end <= before + 0.2]


def _corrected(number: SpokenNumber, following: SpokenNumber) -> bool:
    """Say whether the caller took a number back: "four two, no, sorry, four two seven one"."""
    turn, run = number.pieces[-1]
    if following.start - number.end > _CORRECTION_SECONDS or turn.index != following.turn.index:
        return False
    between_words = turn.texts[run.last + 1 : following.pieces[0][1].first]
    return bool({"no", "sorry", "mean", "wait", "correction"} & set(between_words))


def _asked_without_number(spec: ReadbackSpec, context: Context) -> bool:
    """Say whether the agent asked for the number, and digits were said after that."""
    heard = context.heard
    asked = context.phrases(spec.asked)
    for hit in asked.find_in(whole_of(heard, "agent"), fuzzy=False):
        end = hit.end + _CONTEXT_SECONDS
        answers = said_within(heard, "customer", hit.end, end)
        readings = said_within(heard, "agent", hit.end, end + spec.seconds)
        for turn, low, high in (*answers, *readings):
            if turn.has_digits and any(run.size >= 2 for run in numbers_in(turn.tokens[low : high + 1])):
                return True
    return _read_without_number(spec, context)


def _read_without_number(spec: ReadbackSpec, context: Context) -> bool:
    """Say whether the agent read a number right after the caller had said some digits of one."""
    heard = context.heard
    other = context.phrases(spec.not_after)
    for turn in heard.turns_of("agent"):
        sizes = [run.size for run in numbers_of(turn, heard) if run.first <= 3]
        if not any(_LEAST_LOOKED_AT <= size <= spec.most for size in sizes):
            continue
        for before in heard.last_before(turn, "customer"):
            said_before = [run for run in numbers_of(before, heard) if run.size <= spec.most]
            named = [
                hit
                for part in _context_before(heard, before, before.end)
                for hit in _ended(other, part, before.end)
            ]
            if said_before and not named:
                return True
    return False


def _readings(heard: Heard, number: SpokenNumber, seconds: float) -> list[SpokenNumber]:
    """Return the agent's numbers from the caller's on, within the seconds after it."""
    start, end = number.start, number.end + seconds
    return [
        SpokenNumber(((turn, run),))
        for turn in heard.turns_during("agent", start, end)
        if turn.end > start and turn.start < end
        for run in numbers_of(turn, heard)
        if start < turn.tokens[run.first].start <= end
    ]


def _same(heard: Heard, number: SpokenNumber, spec: ReadbackSpec) -> SpokenNumber | None:
    """Return the agent's reading that holds the number; parts of one reading may be apart."""
    readings = _readings(heard, number, max(spec.seconds, _MEND_SECONDS))
    for reading in readings:
        if number.text in reading.text and reading.start <= number.end + spec.seconds:
            return reading
    for place in range(len(readings)):
        pieces = _pieced(readings[place:], number.text)
        if pieces is not None:
            return pieces
    mended = [reading for reading in readings if number.text in reading.text]
    return mended[0] if mended and len(readings) > 1 else None


def _pieced(readings: list[SpokenNumber], wanted: str) -> SpokenNumber | None:
    """Put readings that follow each other together until they are the number, or cannot be."""
    pieces: tuple[tuple[Turn, Digits], ...] = ()
    text, end = "", readings[0].start
    for reading in readings:
        text += reading.text
        if not wanted.startswith(text) or reading.start - end > _PIECE_SECONDS:
            return None
        pieces += reading.pieces
        end = reading.end
        if text == wanted:
            return SpokenNumber(pieces)
    return None


def _differs(spec: ReadbackSpec, context: Context, number: SpokenNumber) -> Finding:
    """Decide between 'not repeated', 'repeated wrongly' and 'cannot tell'."""
    heard = context.heard
    readings = _readings(heard, number, spec.seconds)
    size = number.size
    prompt = [r for r in readings if r.start <= number.end + _PROMPT_SECONDS]
    like = [r for r in prompt if size <= r.size <= size + 1]
    if like:
        reading = min(like, key=lambda r: _distance(number.text, r.text))
        evidence = cite_numbers(heard, number, reading)
        distance = _distance(number.text, reading.text)
        weakest = min(number.weakest, reading.weakest)
        clear = weakest >= (spec.probability if distance < 2 else 0.8)
        if clear and not (number.weak or reading.weak):
            return decided("no", f"{_size(number)} given, read back: different.", evidence, "fairly_sure")
        reason = f"{_size(number)} given; the repetition seems different, but was not heard clearly."
        return unsure(reason, evidence, "no")
    after = said_within(heard, "agent", number.end, number.end + spec.seconds)
    quality = miss_quality_beside_overlaps(heard, "agent", after)
    looked = cite_numbers(heard, number) + searched_stretches(after)
    if number.weak or any(_part_of(number, reading) for reading in prompt):
        return unsure("Perhaps the number was read back; it was not heard clearly.", looked, "no")
    if quality.sure:
        return decided("no", f"{_size(number)} given, not read back.", looked, miss_certainty(after))
    return unsure(f"The number was not found again, but {quality.why}.", looked, "no")


def _part_of(number: SpokenNumber, reading: SpokenNumber) -> bool:
    """Say whether a reading may be a part of the number, of which digits were lost or misheard."""
    _, run = reading.pieces[0]
    one_by_one = run.last - run.first + 1 >= reading.size
    if reading.size < _SOME:
        return False
    return reading.text in number.text or (one_by_one and _distance(number.text, reading.text) <= 1)


def _distance(number: str, reading: str) -> int:
    """Return the least edits that turn some part of a reading into the number."""
    sizes = range(max(1, len(number) - 1), min(len(reading), len(number) + 1) + 1)
    parts = [reading[at : at + size] for size in sizes for at in range(len(reading) - size + 1)]
    return min((Levenshtein.distance(number, part) for part in parts or [reading]), default=len(number))


def _size(number: SpokenNumber) -> str:
    return f"A number of {number.size} characters was"
