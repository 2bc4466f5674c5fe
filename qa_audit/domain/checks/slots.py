"""What the slots of phrases stand for: numbers, amounts, dates, names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from qa_audit.domain.checks.heard import Turn
from qa_audit.domain.text import MONEY_WORDS, MONTHS, Token, is_date_token, is_number, is_ordinal, word_set

SLOTS = frozenset({"<number>", "<amount>", "<date>", "<name>", "<word>"})
TITLES = word_set("mr mrs ms miss dr madam sir")
_AFTER_DAY = word_set("and at for from to in with but so which was is")
COMMON = word_set(
    """
    a about again all also am an and angry any anything are as at back bad bag be because been before best
    better booking both but by bye call called calling can card change check choosing come could day days
    dear did do does done else email every everything fair fine first flight flying for from get give glad
    go going good got great had happy has have he hear hello help her here hi him his hold hope hour how i
    if important in into is it just kind know last late let like long look looking lot made make many may
    maybe me mine moment money more much must my name near need new nice no not nothing now of off okay on
    one only open or our out over paid pay perfect please possible problem quite ready really refund
    refunds right sad see seat send shall she should so some something soon sorry still stop sure take
    tell terrible thank thanks that the their them then there these they thing this time to today tomorrow
    too true two understand up upset urgent us very wait want was way we well were what when where which
    while who whole why will with wonderful work worried would wrong yes yet you your yours
    """
)
"""Words that are surely no personal name."""
_NO_NAMES = COMMON | TITLES | (MONTHS - {"may", "june", "april"})


def slot_ends(slot: str, tokens: Sequence[Token], at: int, high: int) -> tuple[int, ...]:
    """Return the indices after a slot that starts at token `at`: none, one or several."""
    if at > high:
        return ()
    text = tokens[at].text
    if slot == "<word>":
        return (at + 1,)
    if slot == "<number>":
        return (at + 1,) if is_number(text) else ()
    if slot == "<name>":
        return (at + 1,) if is_name(text) else ()
    end = amount_end(tokens, at, high) if slot == "<amount>" else date_end(tokens, at, high)
    return (end,) if end else ()


def slot_starts(slot: str, turn: Turn) -> Iterable[int]:
    """Return the token indices of a turn at which a slot may start; those left out are surely none."""
    if slot in ("<number>", "<amount>"):
        return turn.digit_places
    if slot == "<date>":
        return turn.date_places
    return range(len(turn.texts))


def is_name(text: str) -> bool:
    """Say whether a token can be a personal name."""
    return text not in _NO_NAMES and len(text) > 1 and text.isalpha()


def amount_end(tokens: Sequence[Token], at: int, high: int) -> int:
    """Return the index after an amount of money that starts at `at`, or 0."""
    if at + 1 > high or not is_number(tokens[at].text):
        return 0
    return at + 2 if tokens[at + 1].text in MONEY_WORDS else 0


def date_end(tokens: Sequence[Token], at: int, high: int) -> int:
    """Return the index after a date that starts at `at`, or 0.

    Dates are "the 3rd of may", "may 3rd", "12/05/1987" and "the 3rd of the 5th, 87".
    """
    text = tokens[at].text
    if is_date_token(text):
        return at + 1
    if text == "the":
        if at == high or not is_ordinal(tokens[at + 1].text):
            return 0
        return date_end(tokens, at + 1, high) or _day_end(tokens, at, high)
    if is_ordinal(text) or (is_number(text) and len(text) <= 2):
        after = at + 2 if at + 1 <= high and tokens[at + 1].text == "of" else at + 1
        if after <= high and tokens[after].text in MONTHS:
            return _year_end(tokens, after + 1, high)
        return _numbered_month_end(tokens, at, high)
    if text in MONTHS and at < high:
        after = at + 2 if tokens[at + 1].text == "the" else at + 1
        if after <= high and (is_ordinal(tokens[after].text) or _is_day(tokens[after].text)):
            return _year_end(tokens, after + 1, high)
    return 0


def _goes_on(tokens: Sequence[Token], at: int, high: int) -> bool:
    """Say whether a number is followed by another, or by what it counts: "19 87", "20 dollars"."""
    if tokens[at].stop or at == high:
        return False
    return tokens[at + 1].text[:1].isdigit() or tokens[at + 1].text in MONEY_WORDS


def _day_end(tokens: Sequence[Token], at: int, high: int) -> int:
    """Return the index after "the 19th" at `at` where it stands for a day: "on the 19th, at nine", or 0."""
    if at == 0 or tokens[at - 1].text != "on":
        return 0
    stands = tokens[at + 1].stop or at + 2 > high or tokens[at + 2].text in _AFTER_DAY
    return at + 2 if stands else 0


def _numbered_month_end(tokens: Sequence[Token], at: int, high: int) -> int:
    """Return the index after "3rd of the 5th" at `at`, or 0."""
    if not is_ordinal(tokens[at].text) or at + 2 > high or tokens[at + 1].text != "of":
        return 0
    month = at + 3 if tokens[at + 2].text == "the" else at + 2
    if month > high or not is_ordinal(tokens[month].text) or int(tokens[month].text[:-2]) > 12:
        return 0
    return _year_end(tokens, month + 1, high)


def _is_day(text: str) -> bool:
    return is_number(text) and len(text) <= 2 and text.isdigit() and 1 <= int(text) <= 31


def _year_end(tokens: Sequence[Token], at: int, high: int) -> int:
    """Take a year after day and month along: "1987", "87", "19 87"."""
    if at <= high and tokens[at].text.isdigit() and len(tokens[at].text) == 4:
        return at + 1
    if (
        at <= high
        and tokens[at].text.isdigit()
        and len(tokens[at].text) == 2
        and not _goes_on(tokens, at, high)
    ):
        return at + 1
    if at < high and tokens[at].text in ("19", "20") and tokens[at + 1].text.isdigit():
        return at + 2
    return at
