"""Kind `restated`: the agent says back what the caller wants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Literal

from pydantic import Field

from qa_audit.domain.checks.base import (
    Context,
    certainty_of,
    cite,
    decided,
    miss_certainty,
    not_applicable,
    searched_stretches,
    unsure,
)
from qa_audit.domain.checks.guards import asked, only_near
from qa_audit.domain.checks.heard import Heard, Turn
from qa_audit.domain.checks.misses import miss_quality_beside_overlaps
from qa_audit.domain.checks.model import Model, Phrases
from qa_audit.domain.checks.phrases import Hit, PhraseSet, make_hit
from qa_audit.domain.checks.slots import TITLES, is_name
from qa_audit.domain.checks.windows import Stretch, between, whole
from qa_audit.domain.findings import Finding
from qa_audit.domain.text import MONEY_WORDS, MONTHS, is_number, is_ordinal, normalise, stem, word_set

_REASON_WORDS = 4
_PLAIN_QUESTION_WORDS = 28
_EMPTY = word_set(
    """
    a about again all also am an and any are as at be because been but by call called calling can could
    day did do does for from get give go good got had has have he hear hello help her here hi him his how
    i if in into is it its just know let like long look made make many may me mine moment mr mrs ms miss
    much my name need new no not now of off oh okay on one only or our out over please really said same
    say she should so some something soon sorry such take tell than thank thanks that the their them then
    there these they thing this time to today too up us very want wants was way we well were what when
    where which who why will with would yes yet you your yours
    """
)
"""Words that say nothing about what a caller wants."""
_ASKING = word_set("what when where who why how which")
_QUESTION_WORDS = _ASKING | word_set("can could do does did is are has have will would may")
_SUBJECTS = word_set("i you we he she it they there my your the anybody somebody anyone someone that this")
_CONFIRMING = word_set("right correct straight understood understand understanding")
_WISHING = word_set(
    "want need like rather wish hoping after wanting requesting looking asking calling ringing phoning"
)
_EMPTY_VERBS = word_set("come have got had are")
_OPENING_WORDS = 3
_OFFERED = word_set("can could will may should must might get")
_PERSONAL = word_set("you your right correct understand understood understanding")
_GREETINGS = word_set(
    "hello hi hey hiya good morning afternoon evening yes yeah oh okay there sorry please thanks thank you so well "
    "um uh er erm ah alright"
)
_NOTHING = _EMPTY | _GREETINGS | word_set("booking reference number code confirmation date birth")
_WEEKDAYS = word_set("monday tuesday wednesday thursday friday saturday sunday")
_IDENTITY = (
    "is that",
    "is this",
    "am i",
    "have i got",
    "have i reached",
    "can you hear",
    "are you there",
    "who am i",
)
_ANSWER_WORDS = 4
_SMALL = 3
_REACH = 14
_TELLING_REACH = 4
_NEAR_CONTENT = 2
_EARLY_TURNS = 2


class RestatedSpec(Model):
    """Yes when, soon after the caller's reason, an agent turn frames it as the caller's and names it."""

    kind: Literal["restated"]
    frames: Phrases = Field(
        min_length=1, description="How a reason is said back: 'you want', 'is that right'."
    )
    alike: tuple[tuple[str, ...], ...] = Field(
        default=(), description="Groups of words that mean the same here."
    )
    seconds: float = Field(default=45, gt=0)
    first_turns: int = Field(default=3, ge=1, description="The reason is in one of the caller's first turns.")


def check(spec: RestatedSpec, context: Context) -> Finding:
    """Find the caller's reason, then a turn of the agent that says it back."""
    heard = context.heard
    reason = _reason_turn(heard, spec)
    if reason is None:
        return unsure("The caller's reason was not found in the first turns.")
    window = between(whole(heard.turns_of("agent")), reason.start, reason.end + spec.seconds)
    plain = _answered_at_once(heard, reason)
    found, doubtful = _said_back(spec, context, reason, window[:1] if plain else window)
    if found is not None:
        told = "The agent said back what the caller wants."
        return decided("yes", told, cite(heard, found), certainty_of(found))
    if plain:
        return not_applicable("The caller's reason was one plain question, answered at once.")
    if doubtful is not None:
        return unsure("Perhaps the agent said it back; it was not heard clearly.", cite(heard, doubtful))
    quality = miss_quality_beside_overlaps(heard, "agent", window)
    looked = searched_stretches(window)
    if quality.sure:
        return decided(
            "no", "The agent never said back what the caller wants.", looked, miss_certainty(window)
        )
    return unsure(f"No such turn was found, but {quality.why}.", looked, "no")


def _said_back(
    spec: RestatedSpec, context: Context, reason: Turn, window: Sequence[Stretch]
) -> tuple[Hit | None, Hit | None]:
    """Return the words that say the reason back, and words that perhaps do."""
    reason_words = _content(reason, spec)
    frames = context.phrases(spec.frames)
    said = {token.text for token in context.heard.words_between("customer", 0.0, float("inf"))}
    doubtful: list[Hit] = []
    for number, (turn, low, high) in enumerate(window):
        for first, last in _sentences(turn, low, high):
            known = said | {
                token.text for token in context.heard.words_between("agent", 0.0, turn.start - 0.1)
            }
            wanted = reason_words | _told_since(context.heard, spec, reason, turn)
            words = [at for at in range(first, last + 1) if _key(turn.texts[at], spec) in wanted]
            for hit in _framed(frames, turn, first, last):
                personal = bool(_PERSONAL & set(turn.texts[hit.first : hit.last + 1]))
                firm = _is_firm(hit, first)
                about = [at for at in words if abs(at - hit.first) <= _REACH]
                clear = [at for at in about if turn.tokens[at].probability >= 0.5]
                until = max([hit.last, *about[:1]]) + _TELLING_REACH
                new = _tells_anew(turn, hit.first, min(last, until), known)
                several = len({_key(turn.texts[at], spec) for at in clear}) >= _NEAR_CONTENT
                enough = firm or (several and (personal or number < _EARLY_TURNS))
                if hit.heard and clear and enough and not new:
                    cited = make_hit(turn, min(hit.first, clear[0]), max(hit.last, clear[0]))
                    return cited, None
                if about and (personal or (not new and number < _EARLY_TURNS)):
                    doubtful.append(hit)
            different = {_key(turn.texts[at], spec) for at in words}
            near = number < _EARLY_TURNS and len(different) >= _NEAR_CONTENT
            if near and not _tells_anew(turn, first, last, said):
                doubtful.append(make_hit(turn, words[0], words[-1]))
    return None, doubtful[0] if doubtful else None


def _sentences(turn: Turn, low: int, high: int) -> list[tuple[int, int]]:
    """Return first and last token of each sentence; a question tag belongs to the sentence before it."""
    found: list[tuple[int, int]] = []
    at = low
    while at <= high:
        last = min(turn.sentence_range(at)[1], high)
        if found and turn.tokens[last].stop == "?" and last - at < 5 and turn.texts[at] in _QUESTION_WORDS:
            found[-1] = (found[-1][0], last)
        else:
            found.append((at, last))
        at = last + 1
    return found


def _framed(frames: PhraseSet, turn: Turn, first: int, last: int) -> list[Hit]:
    return [
        hit
        for hit in frames.find(turn, first, last)
        if not only_near(hit) and not _requests(hit, first) and not _offers(hit)
    ]


def _is_firm(hit: Hit, first: int) -> bool:
    """Say whether a frame alone shows that the caller's wish follows: "so you want", "is that right"."""
    words = set(hit.turn.texts[hit.first : hit.last + 1])
    after = set(hit.turn.texts[hit.last + 1 : hit.last + 2])
    if words & _CONFIRMING or (words | after) & _WISHING:
        return bool(words & _PERSONAL)
    return "you" in words and hit.first - first <= _OPENING_WORDS and not after & _EMPTY_VERBS


def _offers(hit: Hit) -> bool:
    """Say whether the frame leads to what the caller may do or is asked: "so you can have", "did you have"."""
    turn = hit.turn
    before = turn.texts[hit.first - 1] if hit.first else ""
    after = turn.texts[hit.last + 1] if hit.last + 1 < len(turn.texts) else ""
    asks = turn.texts[hit.first] == "you" and before in _QUESTION_WORDS
    return asks or (turn.texts[hit.last] == "you" and after in _OFFERED)


def _told_since(heard: Heard, spec: RestatedSpec, reason: Turn, turn: Turn) -> frozenset[str]:
    """Return what the caller added to the reason before a turn of the agent."""
    since = (
        other
        for other in heard.turns[reason.index + 1 : turn.index]
        if other.speaker == "customer" and not other.back_channel
    )
    return frozenset().union(*(_content(other, spec) for other in since))


def _tells_anew(turn: Turn, first: int, last: int, said: frozenset[str] | set[str]) -> bool:
    """Say whether a sentence tells a number, month or weekday that the caller never said."""
    for at in range(first, last + 1):
        text = turn.texts[at]
        if text in said:
            continue
        counted = is_number(text) and float(text) > _SMALL
        money = is_number(text) and at < last and turn.texts[at + 1] in MONEY_WORDS
        if counted or money or is_ordinal(text) or text in _WEEKDAYS or (text in MONTHS and text != "may"):
            return True
    return False


def _reason_turn(heard: Heard, spec: RestatedSpec) -> Turn | None:
    """Return the first of the caller's first turns that says more than a greeting, or who is there."""
    turns = [turn for turn in heard.turns_of("customer") if not turn.back_channel][: spec.first_turns]
    for turn in turns:
        if len(turn.tokens) >= _REASON_WORDS and _content(turn, spec) and _telling(turn):
            return turn
    return None


def _telling(turn: Turn) -> list[tuple[int, int]]:
    """Return the sentences that are neither greeting nor name nor booking number nor "is that Northwind?"."""
    names = _own_name(turn)
    telling = []
    for first, last in _sentences(turn, 0, len(turn.tokens) - 1):
        start = first
        while start <= last and (turn.texts[start] in _GREETINGS or start in names):
            start += 1
        texts = turn.texts[start : last + 1]
        opening = " ".join(texts[:3])
        who = turn.tokens[last].stop == "?" and len(texts) <= 8 and opening.startswith(_IDENTITY)
        nothing = all(
            at in names or text in _NOTHING or is_number(text) or is_ordinal(text)
            for at, text in enumerate(texts, start)
        )
        if not who and (not nothing or _question(turn, start, last)) and len(texts) > 2:
            telling.append((start, last))
    return telling


def _key(text: str, spec: RestatedSpec) -> str:
    """Bring a word to its stem, and words that mean the same to one of them."""
    own = stem(text)
    return _groups(spec.alike).get(own, own)


@lru_cache(maxsize=64)
def _groups(alike: tuple[tuple[str, ...], ...]) -> Mapping[str, str]:
    """Return for each stem of the groups the one that stands for its group."""
    keys: dict[str, str] = {}
    for group in alike:
        stems = [stem(piece.text) for word in group for piece in normalise([word])]
        for own in stems:
            keys.setdefault(own, stems[0])
    return keys


def _content(turn: Turn, spec: RestatedSpec) -> frozenset[str]:
    """Return the keys of the words that carry the reason: no empty words, numbers or the caller's own name."""
    grouped = _groups(spec.alike)
    names = _own_name(turn)
    return frozenset(
        _key(text, spec)
        for place, text in enumerate(turn.texts)
        if (stem(text) in grouped or text not in _EMPTY)
        and place not in names
        and not is_number(text)
        and not is_ordinal(text)
        and len(text) > 2
    )


def _own_name(turn: Turn) -> set[int]:
    """Return the places of words with which the caller introduces himself."""
    places: set[int] = set()
    for at, text in enumerate(turn.texts):
        lead = " ".join(turn.texts[max(0, at - 2) : at])
        led = lead.endswith("name is") or (
            turn.tokens[at].name and lead in ("this is", "it is", "i am") and is_name(text)
        )
        stands = (
            turn.tokens[at].name
            and is_name(text)
            and turn.texts[at + 1 : at + 2] in (("here",), ("speaking",), ("calling",))
        )
        if led or stands or (at > 0 and turn.texts[at - 1] in TITLES):
            places.add(at)
            follows = turn.tokens[at + 1] if at + 1 < len(turn.tokens) and not turn.tokens[at].stop else None
            if follows is not None and follows.name and is_name(follows.text):
                places.add(at + 1)
    return places


def _requests(hit: Hit, first: int) -> bool:
    """Say whether the frame asks for something new: "do you want to wait", "have you got a number"."""
    texts = hit.turn.texts
    start = first
    while start < hit.first and texts[start] in _GREETINGS | {"and", "but", "right"}:
        start += 1
    return texts[start] in _QUESTION_WORDS and hit.first - start <= 3 and asked(hit)


def _question(turn: Turn, first: int, last: int) -> bool:
    """Say whether a sentence asks something, marked as a question or by its words."""
    if first > last:
        return False
    texts = turn.texts
    marked = turn.tokens[last].stop == "?"
    inverted = any(texts[at] in _QUESTION_WORDS and texts[at + 1] in _SUBJECTS for at in range(first, last))
    asking = inverted or texts[first] in _QUESTION_WORDS or bool(_ASKING & set(texts[first : last + 1]))
    return (marked and asking) or (not turn.tokens[last].stop and texts[first] in _ASKING)


def _answered_at_once(heard: Heard, reason: Turn) -> bool:
    """Say whether the reason is one short question that the agent's next turn answers before it asks."""
    telling = _telling(reason)
    if len(telling) != 1:
        return False
    first, last = telling[0]
    if last - first >= _PLAIN_QUESTION_WORDS or not _question(reason, first, last):
        return False
    following = next(
        (t for t in heard.turns_of("agent") if t.start > reason.start and not t.back_channel), None
    )
    if following is None or len(following.tokens) < _ANSWER_WORDS:
        return False
    _, end = following.sentence_range(0)
    if end < 2 and end + 1 < len(following.tokens):
        _, end = following.sentence_range(end + 1)
    asks = following.tokens[end].stop == "?" or "please" in following.texts[: end + 1]
    return not asks
