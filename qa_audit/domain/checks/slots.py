"""What the slots of phrases stand for: numbers, amounts, dates, names."""

from __future__ import annotations

from collections.abc import Sequence

from qa_audit.domain.text import MONEY_WORDS, MONTHS, Token, is_date_token, is_number, is_ordinal, word_set

SLOTS = frozenset({"<number>", "<amount>", "<date>", "<name>", "<word>"})
TITLES = word_set("mr mrs ms miss dr madam sir")
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


def is_name(text: str) -> bool:
    """Say whether a token can be a personal name."""
    taken = text in COMMON or text in TITLES or text in MONTHS - {"may", "june", "april"}
    return text.isalpha() and len(text) > 1 and not taken


def amount_end(tokens: Sequence[Token], at: int, high: int) -> int:
    """Return the index after an amount of money that starts at `at`, or 0."""
    if at + 1 > high or not is_number(tokens[at].text):
        return 0
    return at + 2 if tokens[at + 1].text in MONEY_WORDS else 0


def date_end(tokens: Sequence[Token], at: int, high: int) -> int:
    """Return the index after a date that starts at `at`, or 0: "the 3rd of may", "may 3rd", "12/05/1987"."""
    text = tokens[at].text
    if is_date_token(text):
        return at + 1
    if text == "the":
        return date_end(tokens, at + 1, high) if at < high and is_ordinal(tokens[at + 1].text) else 0
    if is_ordinal(text) or (is_number(text) and len(text) <= 2):
        after = at + 2 if at + 1 <= high and tokens[at + 1].text == "of" else at + 1
        if after <= high and tokens[after].text in MONTHS:
            return _year_end(tokens, after + 1, high)
        return 0
    if text in MONTHS and at < high:
        after = at + 2 if tokens[at + 1].text == "the" else at + 1
        if after <= high and (is_ordinal(tokens[after].text) or _is_day(tokens[after].text)):
            return _year_end(tokens, after + 1, high)
    return 0


def _is_day(text: str) -> bool:
    return is_number(text) and len(text) <= 2 and text.isdigit() and 1 <= int(text) <= 31


def _year_end(tokens: Sequence[Token], at: int, high: int) -> int:
    """Take a year after day and month along: "1987", "87", "19 87"."""
    if at <= high and tokens[at].text.isdigit() and len(tokens[at].text) == 4:
        return at + 1
    if at < high and tokens[at].text in ("19", "20") and tokens[at + 1].text.isdigit():
        return at + 2
    return at
