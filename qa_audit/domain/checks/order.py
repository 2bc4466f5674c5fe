"""Kind `order`: some things must come before others, such as verifying a caller before account details."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from statistics import median
from typing import Literal, NamedTuple

from pydantic import Field

from qa_audit.domain.checks.base import Context, certainty_of, cite, decided, not_applicable, searched, unsure
from qa_audit.domain.checks.guards import asked, negated
from qa_audit.domain.checks.heard import Heard, Turn
from qa_audit.domain.checks.model import Model, Phrases
from qa_audit.domain.checks.phrases import HIT_PROBABILITY, Hit, PhraseSet, make_hit
from qa_audit.domain.checks.slots import date_end, is_name
from qa_audit.domain.checks.windows import whole_of
from qa_audit.domain.digits import digit_runs
from qa_audit.domain.findings import Finding
from qa_audit.domain.text import MASK, MONTHS, Token, is_ordinal, word_set

Answer = Literal["digits", "date", "name", "email"]
_GENERAL_REACH = 6
_EMAIL_REACH = 4
_GARBLED = 0.7
_YEAR_FROM, _YEAR_TO = 1900, 2099
_COUNTED = word_set("my your our his her their this that a on")
"""Before an ordinal they show that it counts something: "my first", "on the 3rd" of a flight."""


class Item(Model):
    """One thing that has to be asked or offered, and answered."""

    name: str
    asked: Phrases = Field(min_length=1, description="How the agent asks for it, or the caller announces it.")
    answer: Answer = Field(description="What the caller's answer must hold.")


class OrderSpec(Model):
    """Yes when enough items are answered before the first detail; no details: nothing to judge."""

    kind: Literal["order"]
    first: tuple[Item, ...] = Field(min_length=1)
    needed: int = Field(default=2, ge=1, description="So many items must be answered.")
    seconds: float = Field(default=20, gt=0, description="An answer must begin so soon after the request.")
    before: Phrases = Field(min_length=1, description="Details of the agent that must come later.")
    before_weak: Phrases = Field(
        default=(), description="Details that show something was told, but not surely about this booking."
    )
    general: Phrases = Field(
        default=(),
        description="What a caller says who asks in general: details are then unsure, unless something was verified.",
    )
    not_details: Phrases = Field(
        default=(),
        description="A detail near one of these, in the same sentence, is general: 'per person', 'usually'.",
    )


class _Met(NamedTuple):
    item: str
    at: float
    hits: tuple[Hit, ...]
    clear: bool


def check(spec: OrderSpec, context: Context) -> Finding:
    """Compare when the items were answered with when the first detail was told."""
    heard = context.heard
    strong = _details(spec.before, spec, context)
    weak = _details(spec.before_weak, spec, context)
    met = _met(spec, context)
    clear = [m for m in met if m.clear]
    if not strong and not weak:
        return _no_details(spec, context, met)
    first = strong[0] if strong else weak[0]
    if len(clear) >= spec.needed and clear[spec.needed - 1].at <= first.start:
        evidence = cite(heard, *(m.hits[-1] for m in clear[: spec.needed]), first)
        reason = f"Verified before details: {' and '.join(m.item for m in clear[: spec.needed])}."
        return decided("yes", reason, evidence, "sure" if first.heard else "fairly_sure")
    before = [m for m in met if m.at <= first.start]
    loose = _loose(context, first.start, {m.item for m in before}, spec)
    shown = cite(heard, first, *(m.hits[-1] for m in before))
    if len({m.item for m in before}) + loose >= spec.needed:
        return unsure(
            "Perhaps verified before the first detail; not all of it was heard clearly.", shown, "yes"
        )
    sure = [hit for hit in strong if hit.weakest >= HIT_PROBABILITY]
    sure = [hit for hit in sure if len([m for m in met if m.at <= hit.start]) < spec.needed]
    if not sure:
        return unsure("Perhaps a detail was told before the caller was verified.", shown, "no")
    words = heard.words_between("agent", 0.0, sure[0].end)
    if median(token.probability for token in words) < 0.7 or "clipped" in heard.facts.warnings:
        return unsure(
            "A detail came before the verification, but the words were not heard well.", shown, "no"
        )
    if not met and any(context.phrases(spec.general).find(turn) for turn in heard.turns_of("customer")):
        return unsure("Perhaps a general question, and no detail of a booking.", shown, "no")
    looked = searched(heard.zero, sure[0].start)
    evidence = cite(heard, sure[0], *(m.hits[-1] for m in met)) + looked
    reason = f"A detail was told when {len(before)} of {spec.needed} items had been verified."
    return decided("no", reason, evidence, certainty_of(sure[0]))


def _no_details(spec: OrderSpec, context: Context, met: Sequence[_Met]) -> Finding:
    """Answer for a call without a recognised detail: verified anyway, or a general question."""
    heard = context.heard
    clear = [m for m in met if m.clear]
    shown = cite(heard, *(m.hits[-1] for m in met))
    if len(clear) >= spec.needed:
        reason = (
            f"Verified, and no detail was told before: {' and '.join(m.item for m in clear[: spec.needed])}."
        )
        return decided("yes", reason, shown, "fairly_sure")
    loose = _loose(context, float("inf"), {m.item for m in met}, spec)
    if len(met) + loose >= spec.needed:
        return unsure("Perhaps verified before any detail; not all of it was heard clearly.", shown, "yes")
    return not_applicable("The agent told no details of the account.")


def _details(phrases: Phrases, spec: OrderSpec, context: Context) -> list[Hit]:
    """Return the agent's details that are of this booking and not the caller's own words, in order of time."""
    compiled, general = context.phrases(phrases), context.phrases(spec.not_details)
    return sorted(
        (
            hit
            for hit in compiled.find_in(whole_of(context.heard, "agent"), fuzzy=False)
            if not negated(hit)
            and not asked(hit)
            and not _said_by_caller(context.heard, hit)
            and not _is_general(general, hit)
        ),
        key=lambda hit: hit.start,
    )


def _is_general(general: PhraseSet, hit: Hit) -> bool:
    """Say whether words near a detail show that it is no detail of this booking."""
    first, last = hit.turn.sentence_range(hit.first)
    low, high = max(first, hit.first - _GENERAL_REACH), min(last, hit.last + _GENERAL_REACH)
    return bool(general.find(hit.turn, low, high, fuzzy=False))


def _said_by_caller(heard: Heard, hit: Hit) -> bool:
    """Say whether the caller used the detail's telling words (numbers first) before."""
    texts = hit.turn.texts[hit.first : hit.last + 1]
    telling = [text for text in texts if text[:1].isdigit()] or [text for text in texts if len(text) > 3]
    caller = heard.said.get("customer")
    said = caller.first_said if caller else {}
    return bool(telling) and all(said.get(text, float("inf")) <= hit.start for text in telling)


def _met(spec: OrderSpec, context: Context) -> list[_Met]:
    """Return each item's first answer, clear ones before doubtful ones, in order of time."""
    heard = context.heard
    found: list[_Met] = []
    everywhere = [stretch for stretch in whole_of(heard, "either") if stretch.turn.speaker != "unknown"]
    for item in spec.first:
        best: _Met | None = None
        for hit in context.phrases(item.asked).find_in(everywhere):
            if not _asks(hit):
                continue
            answer = _answer(item.answer, heard, hit, spec.seconds)
            if answer is None:
                continue
            met = _Met(item.name, answer.end, (hit, answer), _clear(hit, answer))
            if best is None or (met.clear and not best.clear):
                best = met
        if item.answer == "email" and (best is None or not best.clear):
            best = _offered_email(item, heard) or best
        if best:
            found.append(best)
    found.extend(_offered_beside(spec, found))
    return sorted(found, key=lambda m: m.at)


def _offered_email(item: Item, heard: Heard) -> _Met | None:
    """Return an e-mail address that the caller spelled out, asked for or not."""
    for turn in heard.turns_of("customer"):
        for first, last in _emails(turn.tokens):
            hit = make_hit(turn, first, last)
            if hit.heard:
                return _Met(item.name, hit.end, (hit,), True)
    return None


def _emails(tokens: Sequence[Token]) -> list[tuple[int, int]]:
    """Return first and last index of everything that is written like "anna at post dot com"."""
    found = []
    for place in range(1, len(tokens)):
        if tokens[place].text == "at":
            after = range(place + 2, min(len(tokens) - 1, place + 1 + _EMAIL_REACH))
            dots = [at for at in after if tokens[at].text == "dot"]
            if dots:
                found.append((place - 1, dots[-1] + 1))
    return found


def _offered_beside(spec: OrderSpec, met: Sequence[_Met]) -> list[_Met]:
    """Return items that the caller answered in the same turn as one that was asked for."""
    have = {m.item for m in met}
    offered: list[_Met] = []
    for item in spec.first:
        if item.name in have or item.answer not in ("digits", "date"):
            continue
        for m in met:
            answer = m.hits[-1]
            near = [
                make_hit(answer.turn, first, last)
                for first, last in _answers(item.answer, answer.turn)
                if last < answer.first or first > answer.last
            ]
            near = [hit for hit in near if hit.heard and (item.answer == "date" or hit.last - hit.first >= 3)]
            if near and m.clear:
                offered.append(_Met(item.name, near[0].end, (near[0],), True))
                break
    return offered


def _clear(request: Hit, answer: Hit) -> bool:
    masked = any(text == MASK for text in answer.turn.texts[answer.first : answer.last + 1])
    return request.heard and answer.heard and not masked


def _answer(kind: Answer, heard: Heard, request: Hit, seconds: float) -> Hit | None:
    """Return the caller's answer of the right form within the seconds after a request."""
    start, end = request.end, request.end + seconds
    for turn in heard.turns_during("customer", start, end):
        places = _names(turn.tokens, written=_capitals(heard)) if kind == "name" else _answers(kind, turn)
        for place, last in places:
            if start - 0.3 <= turn.tokens[place].start <= end:
                return make_hit(turn, place, last)
    return None


def _answers(kind: Answer, turn: Turn) -> list[tuple[int, int]]:
    """Return first and last index of everything in a turn that can be an answer of the kind."""
    tokens = turn.tokens
    high = len(tokens) - 1
    if kind == "digits":
        return [(run.first, run.last) for run in turn.digit_runs if run.size >= 3]
    if kind == "date":
        runs = [run for run in turn.digit_runs if run.text.isdigit() and 6 <= run.size <= 8]
        written = [(run.first, run.last) for run in runs]
        written += [(place, place + 2) for place in turn.digit_places if _numeric_date(tokens, place)]
        spoken = [(place, end - 1) for place in turn.date_places if (end := date_end(tokens, place, high))]
        return sorted(written + spoken)
    if kind == "name":
        return _names(tokens, written=any(token.name and is_name(token.text) for token in tokens))
    return [(place - 1, place + 1) for place in range(1, high) if tokens[place].text == "at"]


def _capitals(heard: Heard) -> bool:
    """Say whether the caller's words are written with capitals within sentences."""
    tokens = heard.tokens.get("customer", ())
    return any(token.name and is_name(token.text) and not before.stop for before, token in pairwise(tokens))


def _names(tokens: Sequence[Token], *, written: bool) -> list[tuple[int, int]]:
    """Return where two words that can be names stand together, written as names where capitals are `written`."""
    able = [is_name(token.text) and (token.name or not written) for token in tokens]
    return [
        (place, place + 1)
        for place in range(len(tokens) - 1)
        if able[place] and able[place + 1] and not tokens[place].stop
    ]


def _loose(context: Context, before: float, met: set[str], spec: OrderSpec) -> int:
    """Count items that may have been answered although the request or the answer was not heard clearly."""
    heard = context.heard
    tokens = heard.words_between("customer", 0.0, before)
    found = 0
    for item in spec.first:
        if item.name in met:
            continue
        if (
            (item.answer == "date" and _date_like(tokens))
            or (item.answer == "digits" and any(run.size >= 2 for run in digit_runs(tokens)))
            or any(_followed(heard, hit, before) for hit in _asked_for(item, context))
        ):
            found += 1
    return found


def _numeric_date(tokens: Sequence[Token], place: int) -> bool:
    """Say whether day, month and year stand at a place as numbers: "12 3 81"."""
    texts = [token.text for token in tokens[place : place + 3]]
    if len(texts) < 3 or not all(text.isdigit() for text in texts):
        return False
    day, month, year = (int(text) for text in texts)
    dated = (1 <= day <= 31 and 1 <= month <= 12) or (1 <= month <= 31 and 1 <= day <= 12)
    return dated and (len(texts[2]) == 2 or _YEAR_FROM <= year <= _YEAR_TO)


def _date_like(tokens: Sequence[Token]) -> bool:
    """Say whether part of a date was heard: an ordinal that counts nothing, or a month ("may" only after "of")."""
    for place, token in enumerate(tokens):
        before = tokens[place - 1].text if place else ""
        after = tokens[place + 1].text if place + 1 < len(tokens) else ""
        closes = bool(token.stop) or not after or after in MONTHS or after == "of" or after[:1].isdigit()
        if is_ordinal(token.text) and closes and before not in _COUNTED:
            return True
        counted = is_ordinal(before) or before in ("of", "the") or before[:1].isdigit() or after[:1].isdigit()
        if token.text in MONTHS and (counted if token.text != "may" else before == "of"):
            return True
    return False


def _asked_for(item: Item, context: Context) -> list[Hit]:
    """Return the agent's requests for an item, misheard ones among them."""
    compiled = context.phrases(item.asked)
    everywhere = whole_of(context.heard, "agent")
    unclear = [
        stretch
        for stretch in everywhere
        if min([token.probability for token in stretch.turn.tokens]) < _GARBLED
    ]
    garbled = [hit for hit in compiled.nearest_in(unclear) if hit.weakest < _GARBLED]
    return [hit for hit in compiled.find_in(everywhere) if _asks(hit)] + garbled


def _asks(hit: Hit) -> bool:
    """Say whether a request counts: the caller may say "my name is", the agent speaks of himself with it.

    What the caller has not got ("I have not got the booking number") is not announced.
    """
    if hit.turn.speaker != "agent":
        return not negated(hit)
    return not negated(hit) and hit.turn.texts[hit.first] != "my"


def _followed(heard: Heard, request: Hit, before: float) -> bool:
    """Say whether the caller said anything between a request and a moment."""
    return request.end < before and bool(heard.words_between("customer", request.end, before))
