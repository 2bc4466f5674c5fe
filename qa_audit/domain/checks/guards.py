"""When words that were said do not count: negated, asked, quoted or only repeated."""

from __future__ import annotations

from functools import lru_cache

from qa_audit.domain.checks.heard import Heard, Turn
from qa_audit.domain.checks.phrases import NEGATORS, Hit, PhraseSet, phrase_set
from qa_audit.domain.text import stem, word_set
from qa_audit.domain.transcript import Speaker

_NEGATION_REACH = 4
_QUOTE_REACH = 8
_CLEARLY = 0.85
_NEARLY = 88.0
_HARMLESS = (
    "no problem", "no worries", "no doubt", "not only", "not just", "no trouble", "no matter what", "not worry",
    "not hesitate",
)  # fmt: skip
_QUOTES = (
    "(you|he|she|they|someone|somebody|who) (said|say|says|told)",
    "(told|promised) (you|him|her|them)",
    "you (mean|meant|heard|asked)",
    "what you (said|heard)",
    "your (agent|colleague|email|letter) said",
)
_CONDITIONS = word_set("if unless whether once until assuming provided suppose otherwise would could might")
_QUESTION_STARTS = word_set(
    "can could will would do does did is are was were have has had may shall should "
    "what when where who why how which"
)
_STATING = word_set("i we you it they that he she")
_QUESTION_SUBJECTS = word_set("i you we he she it they there this that the your my anyone someone")


def negated(hit: Hit) -> bool:
    """Say whether a negation stands in the four words before the hit, in the same sentence.

    "No" as an answer ("no, it takes ten days") and harmless idioms ("no problem") negate nothing.
    """
    turn = hit.turn
    first, _ = turn.sentence_range(hit.first)
    for place in range(max(first, hit.first - _NEGATION_REACH), hit.first):
        text = turn.texts[place]
        if text in NEGATORS and not _harmless(turn, place, first) and not _starts_anew(hit, place):
            return True
        if text == "unlikely":
            return True
    return False


def _starts_anew(hit: Hit, negator: int) -> bool:
    """Say whether a new statement begins after a comma: "I do not need her name, I am refunding it"."""
    turn = hit.turn
    return any(
        turn.tokens[place].stop and turn.texts[place + 1] in _STATING for place in range(negator, hit.first)
    )


def _harmless(turn: Turn, place: int, sentence_start: int) -> bool:
    if turn.texts[place] == "no" and (place == sentence_start or turn.tokens[place].stop):
        return True
    two = " ".join(turn.texts[place : place + 2])
    three = " ".join(turn.texts[place : place + 3])
    return two in _HARMLESS or three in _HARMLESS


def asked(hit: Hit) -> bool:
    """Say whether the hit is part of a question."""
    turn = hit.turn
    first, last = turn.sentence_range(hit.first)
    if turn.tokens[last].stop == "?":
        return True
    start = turn.texts[first]
    follows = turn.texts[first + 1] if first + 1 <= last else ""
    return start in _QUESTION_STARTS and follows in _QUESTION_SUBJECTS and hit.first > first


def conditional(hit: Hit) -> bool:
    """Say whether the hit holds only if something else does: "if it was cancelled, we refund it"."""
    first, _ = hit.turn.sentence_range(hit.first)
    return bool(_CONDITIONS & set(hit.turn.texts[first : hit.first]))


def only_near(hit: Hit) -> bool:
    """Say whether the words came near to the phrase only, and were all heard so clearly that they are others."""
    return hit.ratio < 100 and hit.weakest >= _CLEARLY


def unlikely(hit: Hit) -> bool:
    """Say whether the phrase was hardly meant: other words, heard clearly, that are not so near, or two sentences'."""
    return only_near(hit) and (hit.ratio < _NEARLY or not hit.in_one_sentence)


def quoted(hit: Hit) -> bool:
    """Say whether the hit repeats what somebody else said ("you said", "she told me")."""
    turn = hit.turn
    first, _ = turn.sentence_range(hit.first)
    low = max(first, hit.first - _QUOTE_REACH)
    return any(not _own_words(quote) for quote in _quotes().find(turn, low, hit.first))


def _own_words(quote: Hit) -> bool:
    """Say whether the speaker only speaks of himself: "I have told you", "I told you"."""
    before = quote.turn.texts[max(0, quote.first - 2) : quote.first]
    return quote.turn.texts[quote.first] in ("told", "promised") and bool({"i", "we"} & set(before))


@lru_cache(maxsize=1)
def _quotes() -> PhraseSet:
    return phrase_set(_QUOTES, {})


def repeated(
    hit: Hit,
    phrases: PhraseSet,
    heard: Heard,
    *,
    within: float,
    by: Speaker = "customer",
    fuzzy: bool = True,
) -> bool:
    """Say whether the other speaker said the same words in the `within` seconds before the hit."""
    words = _stems(hit)
    since = hit.start - within
    return any(
        _stems(other) == words
        for turn in heard.turns_during(by, since, hit.start)
        if turn.start < hit.start
        for other in phrases.find(turn, fuzzy=fuzzy)
        if since <= other.end <= hit.start + 0.2
    )


def _stems(hit: Hit) -> str:
    return "".join(stem(text) for text in hit.turn.texts[hit.first : hit.last + 1])
