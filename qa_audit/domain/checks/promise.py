"""Kind `promise`: an outcome must not be promised sooner than policy allows."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from qa_audit.domain.checks.avoided import turn_before
from qa_audit.domain.checks.base import (
    Context,
    certainty_of,
    cite,
    decided,
    not_assessed,
    searched_stretches,
    unsure,
)
from qa_audit.domain.checks.guards import asked, negated, quoted
from qa_audit.domain.checks.heard import Turn
from qa_audit.domain.checks.model import Model, Phrases
from qa_audit.domain.checks.phrases import HIT_PROBABILITY, NEGATORS, Hit, PhraseSet, make_hit, phrase_set
from qa_audit.domain.checks.windows import whole
from qa_audit.domain.findings import Finding
from qa_audit.domain.text import is_number, word_set

_REACH = 14
_WISH_REACH = 6
_TIME_FIRST = 4
_CLARIFIED_WORDS = 5
_SHORT_QUESTION = 5
_PRONOUNS = word_set("it that this")
_SAYING_REACH = 4
_SAYING = word_set("say saying tell telling promise claim swear pretend")
_REFUSERS = word_set("wrong rather lie lying fool")
_BARE_TIME_WORDS = 4
"""A sentence with so few words besides a time only tells the time."""
_CONDITIONS = word_set("if unless until once whether")
_DENIERS = word_set("nobody none neither impossible")
_WISHES = (
    "(i|we) wish",
    "(i|we) would (love|like) to",
    "(i|we) would [very] [much] like",
    "if (i|we) could",
    "(i|we) (hope|am hoping|are hoping)",
    "hopefully",
    "with [a bit of] luck",
    "(no one|noone) (can|could|will|would)",
    "in no position",
)
"""Words that make a wish or a refusal of what follows them."""
_HAVING = word_set(
    """
    have get gets getting receive receiving see be been back there arrive arrives reach reaches land lands come
    comes hit hits show clear credited paid refunded in
    """
)


class PromiseSpec(Model):
    """No when the agent promises the outcome too soon, or whatever happens; yes otherwise.

    A promise is a strong word ("guarantee") or a bare statement of having ("you will have"), the outcome
    ("the money"), and a time sooner than policy, all in one sentence. Negated, asked and quoted ones do
    not count.
    """

    kind: Literal["promise"]
    strong: Phrases = Field(min_length=1, description="Words that promise: 'guarantee', 'for sure'.")
    bare: Phrases = Field(min_length=1, description="Plain statements that the caller will have it.")
    commits: Phrases = Field(
        default=(), description="Words that only may promise, with an early time: 'count on'."
    )
    outcome: Phrases = Field(min_length=1, description="What is promised: 'money', 'refund'.")
    soon: Phrases = Field(min_length=1, description="Times that are always too soon: 'tomorrow'.")
    days: int | str = Field(description="A number of days below this is too soon; may be a '{variable}'.")
    not_about: Phrases = Field(default=(), description="Other things that may well come soon: 'email'.")
    always: Phrases = Field(default=(), description="Too much with any time: 'no matter what'.")


class _Parts:
    """The compiled phrases of one spec on one call."""

    def __init__(self, spec: PromiseSpec, context: Context) -> None:
        self.strong = context.phrases(spec.strong)
        self.bare = context.phrases(spec.bare)
        self.commits = context.phrases(spec.commits)
        self.outcome = context.phrases(spec.outcome)
        self.soon = context.phrases(spec.soon)
        self.not_about = context.phrases(spec.not_about)
        self.always = context.phrases(spec.always)
        self.wishes = phrase_set(_WISHES, {})
        self.heard = context.heard
        self.numbered = context.phrases(["<number> [business|working|calendar] (days|day)"])
        self.days = context.number(spec.days)


def check(spec: PromiseSpec, context: Context) -> Finding:
    """Look at every sentence of the agent."""
    heard = context.heard
    parts = _Parts(spec, context)
    turns = heard.turns_of("agent")
    if not turns:
        return not_assessed("No words of the agent were recognised.")
    sure: list[Hit] = []
    doubtful: list[Hit] = []
    for turn in turns:
        for first, last in turn.sentences:
            verdict, hit = _judge(turn, first, last, parts)
            if hit is not None:
                (sure if verdict == "sure" else doubtful).append(hit)
    if sure:
        reason = "A promise sooner than policy allows, or without any condition."
        return decided("no", reason, cite(heard, *sure), certainty_of(*sure))
    if doubtful:
        reason = "Perhaps a promise sooner than policy allows; its words may be misheard, or mean less."
        return unsure(reason, cite(heard, *doubtful), "no")
    return decided("yes", "No promise beyond policy was found.", searched_stretches(whole(turns)), "sure")


def _judge(turn: Turn, first: int, last: int, parts: _Parts) -> tuple[str, Hit | None]:
    """Return 'sure' or 'doubtful' with the words to cite, or nothing."""
    strong = _counting(parts.strong, turn, first, last)
    bare = _counting(parts.bare, turn, first, last)
    opening = strong or bare
    if not opening:
        return _implied(parts, turn, first, last)
    if _denied(parts, turn, first, opening[0]):
        return "", None
    outcome = list(parts.outcome.find(turn, first, last, fuzzy=False))
    always = parts.always.find(turn, first, last)
    if always and (outcome or bare):
        return "sure", _around(turn, opening[0], always[0])
    soon = _too_soon(parts, turn, first, last)
    start = min(hit.first for hit in (*strong, *bare))
    for time in soon:
        about = _about(parts, turn, first, time)
        if about == "outcome" and _about_before(parts, turn, first, time):
            about = "other"
        if about == "other" or _policy_between(parts, turn, start, time):
            continue
        named = about == "outcome" or (bare and any(_inside(o, bare[0]) for o in outcome))
        hit = _around(turn, opening[0], time)
        if named and (strong or _reaches(bare, outcome, time)):
            clear = time.heard and opening[0].heard and all(o.heard for o in outcome[:1])
            clear = clear and not _policy_time(parts, turn, time.last)
            clear = clear and bool(bare or _HAVING & set(turn.texts[start : time.first]))
            return ("sure" if clear else "doubtful"), hit
        if strong and about == "":
            return "doubtful", hit
    if strong and not soon and outcome and (bare or _unclear_after(turn, outcome[-1], last)):
        return (
            ("doubtful", _around(turn, strong[0], outcome[-1]))
            if not _policy_time(parts, turn, first)
            else ("", None)
        )
    return _implied(parts, turn, first, last)


def _implied(parts: _Parts, turn: Turn, first: int, last: int) -> tuple[str, Hit | None]:
    """Doubt a sentence that ties the outcome to an early time in other words than those of a promise.

    The outcome is named in it, or was named last before it where the sentence only tells the time ("By Friday.")
    or commits to it ("count on it before the weekend").
    """
    for time in _too_soon(parts, turn, first, last):
        if _free(parts, turn, first, time) and _is_implied(parts, turn, first, last, time):
            return "doubtful", make_hit(turn, first, time.last)
    return "", None


def _free(parts: _Parts, turn: Turn, first: int, time: Hit) -> bool:
    """Say whether nothing before a time takes it back: a negation, a wish, a question, another's words."""
    before = set(turn.texts[first : time.first])
    if (NEGATORS | _DENIERS | _CONDITIONS) & before or asked(time):
        return False
    if any(quoted(hit) for hit in (time, *parts.outcome.find(turn, first, time.first, fuzzy=False))):
        return False
    if parts.wishes.find(turn, first, time.first, fuzzy=False):
        return False
    return not _policy_between(parts, turn, first, time) and not _policy_time(parts, turn, time.last)


def _is_implied(parts: _Parts, turn: Turn, first: int, last: int, time: Hit) -> bool:
    about = _about(parts, turn, first, time)
    if about:
        return about == "outcome" and not _about_before(parts, turn, first, time)
    short = last - first - (time.last - time.first) <= _BARE_TIME_WORDS
    if not short and not parts.commits.find(turn, first, last, fuzzy=False):
        return False
    if first > 0:
        low, high = turn.sentence_range(first - 1)
        return _outcome_last(parts, turn, low, high)
    before = turn_before(parts.heard, turn)
    return before is not None and _outcome_last(parts, before, 0, len(before.tokens) - 1)


def _outcome_last(parts: _Parts, turn: Turn, low: int, high: int) -> bool:
    """Say whether tokens `low`..`high` name the outcome itself, and nothing else after it."""
    named = [
        hit.last
        for hit in parts.outcome.find(turn, low, high, fuzzy=False)
        if turn.speaker == "customer" or not _PRONOUNS & set(turn.texts[hit.first : hit.last + 1])
    ]
    other = [hit.last for hit in parts.not_about.find(turn, low, high, fuzzy=False)]
    return bool(named) and max(named) > max(other, default=-1)


def _counting(phrases: PhraseSet, turn: Turn, first: int, last: int) -> list[Hit]:
    return [
        hit
        for hit in phrases.find(turn, first, last, fuzzy=False)
        if not negated(hit) and not asked(hit) and not quoted(hit)
    ]


def _denied(parts: _Parts, turn: Turn, first: int, opening: Hit) -> bool:
    """Say whether the sentence refuses to promise before it states: "I can not promise you will have it".

    A wish is no promise either: "I wish I could promise that you will have it tomorrow".
    """
    low = max(first, opening.first - _WISH_REACH)
    if _DENIERS & set(turn.texts[low : opening.first]):
        return True
    if _refuses_to_say(turn, first, opening):
        return True
    if any(hit.first <= opening.first for hit in parts.wishes.find(turn, low, opening.last, fuzzy=False)):
        return True
    return any(
        negated(hit) and hit.first <= opening.first <= hit.last + 6
        for hit in parts.strong.find(turn, first, opening.last, fuzzy=False)
    )


def _refuses_to_say(turn: Turn, first: int, opening: Hit) -> bool:
    """Say whether what follows is only what one will not say: "it would be wrong to say you will have it"."""
    for place in range(max(first, opening.first - _SAYING_REACH), opening.first):
        if turn.texts[place] in _SAYING and not any(
            token.stop for token in turn.tokens[place : opening.first]
        ):
            low = max(first, place - _WISH_REACH)
            return bool((NEGATORS | _REFUSERS) & set(turn.texts[low:place]))
    return False


def _too_soon(parts: _Parts, turn: Turn, first: int, last: int) -> list[Hit]:
    soon = parts.soon.find(turn, first, last, fuzzy=False)
    for hit in parts.numbered.find(turn, first, last):
        numbers = [text for text in turn.texts[hit.first : hit.last + 1] if is_number(text)]
        if float(numbers[0]) < parts.days:
            soon.append(make_hit(turn, _range_start(turn, first, hit.first), hit.last))
    return sorted(soon, key=lambda hit: hit.first)


def _range_start(turn: Turn, first: int, place: int) -> int:
    """Return where a range begins that ends with the number at `place`: "two to three days"."""
    ranged = place - 2 >= first and turn.texts[place - 1] in ("to", "or", "and")
    return place - 2 if ranged and is_number(turn.texts[place - 2]) else place


def _about_before(parts: _Parts, turn: Turn, first: int, time: Hit) -> bool:
    """Say whether "it" stands for something else that was named last: "I am sending the email. You get it today." """
    low = max(first, time.first - _REACH)
    near = parts.outcome.find(turn, low, time.first - 1, fuzzy=False)
    near = near or parts.outcome.find(turn, time.last + 1, turn.sentence_range(time.first)[1], fuzzy=False)
    if not near or not all(_PRONOUNS & set(turn.texts[hit.first : hit.last + 1]) for hit in near):
        return False
    if near[0].first > first and _named_last(parts, turn, first, near[0].first - 1):
        return True
    _, last = turn.sentence_range(time.first)
    after = parts.outcome.find(turn, last + 1, last + _CLARIFIED_WORDS, fuzzy=False)
    if any(not _PRONOUNS & set(turn.texts[hit.first : hit.last + 1]) for hit in after):
        return False
    if first > 0:
        low, _ = turn.sentence_range(first - 1)
        return _named_last(parts, turn, low, first - 1)
    return any(
        _named_last(parts, other, 0, len(other.tokens) - 1)
        for other in parts.heard.last_before(turn, "customer")
        if len(other.tokens) <= _SHORT_QUESTION
    )


def _named_last(parts: _Parts, turn: Turn, low: int, high: int) -> bool:
    """Say whether tokens `low`..`high` name something else than the outcome, and the outcome not after it."""
    other = [
        hit.last
        for hit in parts.not_about.find(turn, low, high, fuzzy=False)
        if not _PRONOUNS & set(turn.texts[hit.first : hit.last + 1])
    ]
    outcome = [
        hit.last
        for hit in parts.outcome.find(turn, low, high, fuzzy=False)
        if not _PRONOUNS & set(turn.texts[hit.first : hit.last + 1])
    ]
    return bool(other) and max(other) > max(outcome, default=-1)


def _about(parts: _Parts, turn: Turn, first: int, time: Hit) -> str:
    """Say what the time belongs to: the nearest thing named before it (or else soon after it)."""
    low = max(first, time.first - _REACH)
    outcome = [hit.last for hit in parts.outcome.find(turn, low, time.first - 1, fuzzy=False)]
    other = [hit.last for hit in parts.not_about.find(turn, low, time.first - 1, fuzzy=False)]
    if outcome or other:
        return "outcome" if max(outcome, default=-1) > max(other, default=-1) else "other"
    _, end = turn.sentence_range(time.first)
    after = [hit.first for hit in parts.outcome.find(turn, time.last + 1, end, fuzzy=False)]
    others = [hit.first for hit in parts.not_about.find(turn, time.last + 1, end, fuzzy=False)]
    if after and min(after) < min(others, default=10**6):
        return "outcome"
    return "other" if others else ""


def _policy_between(parts: _Parts, turn: Turn, start: int, time: Hit) -> bool:
    """Say whether an allowed time stands before this one, so that this one belongs to something else."""
    return any(
        _allowed(parts, turn, hit)
        for hit in parts.numbered.find(turn, min(start, time.first), time.first - 1)
    )


def _policy_time(parts: _Parts, turn: Turn, first: int) -> bool:
    """Say whether an allowed time is told in the same turn from this sentence on."""
    return any(_allowed(parts, turn, hit) for hit in parts.numbered.find(turn, first))


def _allowed(parts: _Parts, turn: Turn, hit: Hit) -> bool:
    numbers = [text for text in turn.texts[hit.first : hit.last + 1] if is_number(text)]
    return float(numbers[0]) >= parts.days


def _inside(one: Hit, other: Hit) -> bool:
    return other.first <= one.first and one.last <= other.last


def _reaches(bare: list[Hit], outcome: list[Hit], time: Hit) -> bool:
    """Say whether a bare statement names the outcome at once and the time soon after."""
    return any(
        o.first - b.last <= 4 and (0 < time.first - o.last <= 8 or 0 < b.first - time.last <= _TIME_FIRST)
        for b in bare
        for o in outcome
        if b.first <= o.last
    )


def _unclear_after(turn: Turn, hit: Hit, last: int) -> bool:
    """Say whether words that were not heard clearly follow in the sentence."""
    return any(token.probability < HIT_PROBABILITY for token in turn.tokens[hit.last + 1 : last + 1])


def _around(turn: Turn, one: Hit, other: Hit) -> Hit:
    return make_hit(turn, min(one.first, other.first), max(one.last, other.last))
