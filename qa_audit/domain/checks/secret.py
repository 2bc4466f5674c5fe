"""Kind `secret`: a number that must never be asked for, taken in or repeated, such as a card number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from qa_audit.domain.checks.base import Context, certainty_of, cite, decided, searched_stretches, unsure
from qa_audit.domain.checks.guards import asked, negated, quoted
from qa_audit.domain.checks.heard import Heard, Turn
from qa_audit.domain.checks.model import Model, Phrases
from qa_audit.domain.checks.phrases import Hit, PhraseSet, make_hit
from qa_audit.domain.checks.spelled import SpokenNumber, cite_numbers
from qa_audit.domain.checks.windows import whole, whole_of
from qa_audit.domain.digits import Digits
from qa_audit.domain.findings import Evidence, Finding
from qa_audit.domain.text import word_set

_REQUEST_REACH = 8
_CONTEXT_SECONDS = 25.0
_ANSWER_SECONDS = 10.0
_JOIN_SECONDS = 8.0
_SHARED = 5
_OTHER_WORDS = 5
_SHORT_REQUEST = 6
_AFTER_REACH = 8
_OTHERS = word_set("them him her anyone anybody someone somebody they he she")
"""Between the asking words and the name they show that somebody else is spoken of: "did you tell them the number?"."""
_VERBS = word_set(
    """
    is was are were be been am do does did have has had need needs want wants keep keeps use used paid pay
    write wrote know knows say says said tell told see saw find found will would can could should must
    """
)
"""A sentence that tells something holds one of these; a bare request holds none."""


class SecretSpec(Model):
    """No when the agent asks for the number, lets it be read out or repeats it."""

    kind: Literal["secret"]
    what: str = Field(default="the number", max_length=80)
    named: Phrases = Field(min_length=1, description="Names of the secret: 'card number', 'security code'.")
    requests: Phrases = Field(min_length=1, description="Words that ask for it: 'tell me', 'can I have'.")
    allowed: Phrases = Field(default=(), description="Parts that may be asked for: 'last four'.")
    stops: Phrases = Field(default=(), description="Words that stop the caller.")
    other_numbers: Phrases = Field(default=(), description="Names of other long numbers: 'ticket number'.")
    about: Phrases = Field(default=(), description="Words that show that it is talked of: 'card'.")
    perhaps: Phrases = Field(
        default=(), description="What may stand for it where it is talked of: unsure when asked for."
    )
    digits_from: int = Field(default=12, ge=5)
    digits_to: int = Field(default=19, ge=5)
    stop_seconds: float = Field(default=5, gt=0)
    stop_digits: int = Field(default=6, ge=1)
    repeat_over: int = Field(default=4, ge=1, description="The agent must not repeat more digits than this.")


def check(spec: SecretSpec, context: Context) -> Finding:
    """Look for a request, for digits let through, and for digits repeated."""
    heard = context.heard
    requests, doubtful = _requests(spec, context)
    taken, unclear = _taken(spec, context)
    repeats = _repeats(spec, heard, taken + unclear + _begun(spec, context))
    if requests or taken or repeats:
        perhaps = [] if requests else _led_to(doubtful, taken)
        evidence = cite(heard, *requests, *perhaps)
        for number in (*taken[:1], *repeats[:1]):
            evidence += cite_numbers(heard, number)
        did = [
            *(["asked for"] if requests else []),
            *(["let through"] if taken else []),
            *(["repeated"] if repeats else []),
        ]
        reason = f"The agent {' and '.join(did)} {spec.what}."
        if perhaps:
            reason += " It was probably asked for, though not every word of that was heard clearly."
        sure = (requests and certainty_of(*requests) == "sure") or len(did) > 1
        return decided("no", reason, evidence, "sure" if sure else "fairly_sure")
    masked = _masked(spec, context)
    if doubtful or unclear or masked:
        evidence = cite(heard, *doubtful[:1]) + tuple(
            e for number in unclear[:1] for e in cite_numbers(heard, number)
        )
        return unsure(f"Perhaps {spec.what} was asked for or let through.", evidence or masked, "no")
    stopped = _stops(spec, context)
    if stopped and _caller_began(spec, context):
        reason = f"The caller began to read out {spec.what}, and the agent stopped it."
        return decided("yes", reason, cite(heard, stopped[0]), "fairly_sure")
    looked = searched_stretches(whole_of(heard, "agent"))
    return decided("yes", f"The agent neither asked for nor took in {spec.what}.", looked, "sure")


def _requests(spec: SecretSpec, context: Context) -> tuple[list[Hit], list[Hit]]:
    """Return requests for the secret that count, and doubtful ones."""
    heard = context.heard
    named, asking = context.phrases(spec.named), context.phrases(spec.requests)
    allowed, stops = context.phrases(spec.allowed), context.phrases(spec.stops)
    counted: list[Hit] = []
    doubtful: list[Hit] = []
    for hit in named.find_in(whole_of(heard, "agent"), fuzzy=False):
        turn = hit.turn
        first, last = turn.sentence_range(hit.first)
        if allowed.find(turn, max(first, hit.first - 6), min(last, hit.last + 6)):
            continue
        asks = asking.find(turn, max(first, hit.first - _REQUEST_REACH), hit.first - 1, fuzzy=False)
        if stops.find(turn) or negated(hit) or quoted(hit) or any(negated(ask) for ask in asks):
            continue
        if asks and _OTHERS & set(turn.texts[asks[-1].first : hit.first]):
            continue
        until = hit.last if asks else _asked_after(heard, hit, named)
        if until is None:
            continue
        start = asks[-1].first if asks else hit.first
        request = make_hit(turn, start, until)
        clear = hit.heard and (not asks or asks[-1].heard) and not _hole(turn, start, hit.first)
        (counted if clear else doubtful).append(request)
    return counted, doubtful or _asked_otherwise(spec, context)


def _asked_otherwise(spec: SecretSpec, context: Context) -> list[Hit]:
    """Return requests that do not name the secret, but what may stand for it, while it is talked of."""
    heard = context.heard
    perhaps, asking = context.phrases(spec.perhaps), context.phrases(spec.requests)
    allowed, stops, about = (context.phrases(p) for p in (spec.allowed, spec.stops, spec.about))
    found: list[Hit] = []
    for turn in heard.turns_of("agent"):
        hits = perhaps.find(turn, fuzzy=False)
        if not hits or stops.find(turn) or not _talked_of(about, heard, turn):
            continue
        for hit in hits:
            first, last = turn.sentence_range(hit.first)
            low = max(first, hit.first - _REQUEST_REACH)
            asks = asking.find(turn, low, hit.last, fuzzy=False)
            excused = allowed.find(turn, max(first, hit.first - 6), min(last, hit.last + 6))
            if excused or negated(hit) or quoted(hit) or any(negated(ask) for ask in asks):
                continue
            if asks or turn.tokens[last].stop == "?" or "please" in turn.texts[first : last + 1]:
                found.append(make_hit(turn, asks[-1].first if asks else hit.first, hit.last))
    return found


def _talked_of(about: PhraseSet, heard: Heard, turn: Turn) -> bool:
    """Say whether words for the secret's thing stand in a turn or in one of the two before it."""
    return any(
        about.find(other, fuzzy=False) for other in heard.turns[max(0, turn.index - 2) : turn.index + 1]
    )


def _asked_after(heard: Heard, hit: Hit, named: PhraseSet) -> int | None:
    """Return where a request ends that asks after the name or by its tone only, or None where none is.

    "The long number on the front, please", "and the security code?". What the caller has just named is only
    said back with such words.
    """
    turn = hit.turn
    first, last = turn.sentence_range(hit.first)
    if any(named.find(before, fuzzy=False) for before in heard.last_before(turn, "customer")):
        return None
    texts = turn.texts
    for place in range(hit.last + 1, min(last, hit.last + _AFTER_REACH) + 1):
        if texts[place] in ("please", "ready") or texts[place - 1 : place + 1] == ("for", "me"):
            return None if _VERBS & set(texts[first : hit.first]) else place
    verbless = not _VERBS & set(texts[first : last + 1])
    return last if turn.tokens[last].stop == "?" and verbless else None


def _led_to(doubtful: Sequence[Hit], taken: Sequence[SpokenNumber]) -> list[Hit]:
    """Return requests that were not heard clearly, and after which the caller did read the number out."""
    return [
        hit for hit in doubtful if any(0 <= number.start - hit.end <= _ANSWER_SECONDS for number in taken)
    ]


def _hole(turn: Turn, first: int, last: int) -> bool:
    """Say whether an unclear word in or just before the request may have been a 'not'."""
    return any(token.probability < 0.5 for token in turn.tokens[max(0, first - 2) : last])


def _longs(heard: Heard, speaker: Literal["agent", "customer"]) -> list[SpokenNumber]:
    """Return one speaker's digits, joined over short pauses and back-channels."""
    joined: list[list[tuple[Turn, Digits]]] = []
    for turn in heard.turns_of(speaker):
        for run in turn.digit_runs:
            if joined and _goes_on(heard, joined[-1][-1], turn, run):
                joined[-1].append((turn, run))
            else:
                joined.append([(turn, run)])
    return [SpokenNumber(tuple(pieces)) for pieces in joined]


def _goes_on(heard: Heard, before: tuple[Turn, Digits], turn: Turn, run: Digits) -> bool:
    """Say whether digits go on an earlier run: few words and seconds between them, by either speaker."""
    last_turn, last_run = before
    since, until = last_turn.tokens[last_run.last].end, turn.tokens[run.first].start
    pause = until - since
    other: Literal["agent", "customer"] = "agent" if turn.speaker == "customer" else "customer"
    if len(heard.words_between(other, since, until)) > _OTHER_WORDS:
        return False
    if last_turn.index == turn.index:
        return run.first - last_run.last - 1 <= 3 and pause <= _JOIN_SECONDS
    tail = len(last_turn.tokens) - 1 - last_run.last
    return tail + run.first <= 4 and pause <= _JOIN_SECONDS


def _taken(spec: SecretSpec, context: Context) -> tuple[list[SpokenNumber], list[SpokenNumber]]:
    """Return card-like numbers the caller read out without being stopped: surely, and perhaps."""
    heard = context.heard
    stops = [hit.start for hit in _stops(spec, context)]
    taken: list[SpokenNumber] = []
    unclear: list[SpokenNumber] = []
    for number in _longs(heard, "customer"):
        size = len(number.text)
        if size <= spec.stop_digits or _is_other(spec, context, number):
            continue
        stopped = any(number.start < at <= number.start + spec.stop_seconds for at in stops)
        late = any(number.start < at <= number.end + 2 for at in stops)
        if stopped and size <= spec.digits_from:
            continue
        if spec.digits_from <= size <= spec.digits_to and not late and "•" not in number.text:
            sure = number.weakest >= 0.5 or _in_context(spec, context, number)
            (taken if sure else unclear).append(number)
        elif _in_context(spec, context, number) or size >= spec.digits_from:
            unclear.append(number)
    return taken, unclear


def _begun(spec: SecretSpec, context: Context) -> list[SpokenNumber]:
    """Return numbers that the caller began to read out while the secret's thing was talked of, and no other."""
    numbers = []
    for number in _longs(context.heard, "customer"):
        named = _last_named(spec.about, context, number, turns=1)
        other = _last_named(spec.other_numbers, context, number, turns=1)
        if len(number.text) <= spec.repeat_over or named is None or (other is not None and other > named):
            continue
        if other is None or not _other_asked(spec, context, number):
            numbers.append(number)
    return numbers


def _other_asked(spec: SecretSpec, context: Context, number: SpokenNumber) -> bool:
    """Say whether the agent's last turn asked for another number."""
    agent = context.heard.last_before(number.turn, "agent")
    hits = context.phrases(spec.other_numbers).find_in(whole(agent), fuzzy=False)
    return any(asked(hit) or len(hit.turn.tokens) <= _SHORT_REQUEST for hit in hits)


def _is_other(spec: SecretSpec, context: Context, number: SpokenNumber) -> bool:
    """Say whether another long number was being talked about just before: a ticket or telephone number."""
    other = _last_named(spec.other_numbers, context, number, turns=1)
    return other is not None and other > (_last_named(spec.named, context, number) or -1.0)


def _in_context(spec: SecretSpec, context: Context, number: SpokenNumber) -> bool:
    return _last_named(spec.named, context, number) is not None and not _is_other(spec, context, number)


def _last_named(phrases: Phrases, context: Context, number: SpokenNumber, turns: int = 3) -> float | None:
    """Return when one of the phrases was last said, in the number's turn or the agent's last ones."""
    compiled = context.phrases(phrases)
    own = number.pieces[0][0]
    times = [
        hit.end
        for turn in (*context.heard.last_before(own, "agent", turns), own)
        if turn.end >= number.start - _CONTEXT_SECONDS
        for hit in compiled.find(turn, fuzzy=False)
        if number.start - _CONTEXT_SECONDS <= hit.end <= number.start + 0.2
    ]
    return max(times, default=None)


def _repeats(spec: SecretSpec, heard: Heard, taken: list[SpokenNumber]) -> list[SpokenNumber]:
    """Return the agent's numbers that share more than the allowed digits with what the caller read out."""
    found = []
    for own in _longs(heard, "agent"):
        for number in taken:
            if (
                own.start > number.start
                and len(own.text) > spec.repeat_over
                and _shares(own.text, number.text, spec)
            ):
                found.append(own)
                break
    return found


def _shares(own: str, number: str, spec: SecretSpec) -> bool:
    size = max(_SHARED, spec.repeat_over + 1)
    return any(own[at : at + size] in number for at in range(len(own) - size + 1))


def _stops(spec: SecretSpec, context: Context) -> list[Hit]:
    return context.phrases(spec.stops).find_in(whole_of(context.heard, "agent"))


def _caller_began(spec: SecretSpec, context: Context) -> bool:
    return any(
        len(number.text) >= 3 and _in_context(spec, context, number)
        for number in _longs(context.heard, "customer")
    )


def _masked(spec: SecretSpec, context: Context) -> tuple[Evidence, ...]:
    """Cite masked digits of the caller after the secret was named: their count is unknown."""
    for number in _longs(context.heard, "customer"):
        if "•" in number.text and (
            _in_context(spec, context, number) or len(number.text) >= spec.digits_from
        ):
            return cite_numbers(context.heard, number)
    return ()
