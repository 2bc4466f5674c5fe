"""Patterns fit whole words, and whatever could run for ever is refused before it is matched."""

from __future__ import annotations

import time

import pytest

from qa_audit.domain.checks.heard import Turn
from qa_audit.domain.checks.patterns import PatternError, compile_pattern, pattern_of
from qa_audit.domain.checks.phrases import phrase_set
from qa_audit.domain.text import Token

HOSTILE = [
    r"(a+)+b",
    r"(a|a)*b",
    r"(?:a|b|ab){1,50}c",
    r"(\w+\s?)*x",
    r"(.*)(.*)(.*)x",
    r".*foo",
    r"[^x]+ y",
    r"(a*)*",
    r"(a?){50}a{50}",
    r"\w*\w*x",
    r"\w+\d+",
    r"\w+x?\w+y",
    r"(x+x+)+y",
    r"(\w+ )+foo",
    r"((a{1,50}){1,50}){1,50}",
    r"(?:\w{1,20} ?){1,50}x",
    r".{0,50}a.{0,50}b.{0,50}c",
    r"(\w+) \1",
    r"(a)?(?(1)b|c)",
    r"(?=a)b",
    r"(?!a)b",
    r"(?<=a)b",
    r"(?<!a)b",
    r"a{1,100000}",
    r"a{1000}",
    r"\w*",
    "x" * 1000,
    "(" * 90,
    "[",
    "(?:" * 60 + "a" + ")+" * 60,
]


def turn_of(text: str) -> Turn:
    words = text.split()
    tokens = (Token(word, 0, n, n, n / 2, n / 2 + 0.4, 0.95, "", False) for n, word in enumerate(words))
    return Turn(0, "agent", tuple(tokens))


def found(pattern: str, text: str) -> list[str]:
    turn = turn_of(text)
    return [" ".join(turn.texts[h.first : h.last + 1]) for h in phrase_set((), {}, [pattern]).find(turn)]


@pytest.mark.parametrize("pattern", HOSTILE)
def test_what_may_backtrack_for_ever_is_refused_at_once(pattern: str) -> None:
    begun = time.perf_counter()
    with pytest.raises(PatternError):
        compile_pattern(pattern)
    assert time.perf_counter() - begun < 0.5


@pytest.mark.parametrize(
    ("pattern", "text", "hits"),
    [
        (r"refund\w*", "we refunded the refunds", ["refunded", "refunds"]),
        (r"refund", "we refunded it", []),
        (r"(?:\w+ ){0,3}days", "it takes ten long days", ["takes ten long days"]),
        (r"\d{1,3} (days|weeks)", "in 10 days or 2 weeks", ["10 days", "2 weeks"]),
        (r"(very |really |rather ){0,3}sorry", "i am really very sorry", ["really very sorry"]),
        (r"i (can|could) .{0,30}guarantee", "i can of course guarantee it", ["i can of course guarantee"]),
        (r"cancel(l?ed|ling)?", "cancel and cancelling", ["cancel", "cancelling"]),
        (r"\w+ing", "waiting for nothing", ["waiting", "nothing"]),
        (r"[a-z]+ \d+ \w+ \S+", "seat 12 is yours now", ["seat 12 is yours"]),
    ],
)
def test_a_pattern_fits_whole_words(pattern: str, text: str, hits: list[str]) -> None:
    assert found(pattern, text) == hits


@pytest.mark.parametrize(
    "pattern",
    [r"(?:\w+ ){0,4}x", r"\w+ing\w{0,5}z", r"a.{0,50}z", r"\w+ \w+ \w+ \w+ z", r"(a |b |c ){0,50}z"],
)
def test_what_is_accepted_takes_time_in_proportion_to_the_words(pattern: str) -> None:
    def seconds(words: int) -> float:
        turn = turn_of("a b c aing ingingingaaaaaaaaaaa " * (words // 5))
        phrases = phrase_set((), {}, [pattern])
        best = float("inf")
        for _ in range(3):
            begun = time.process_time()
            phrases.find(turn)
            best = min(best, time.process_time() - begun)
        return best

    assert seconds(8000) < 40 * max(seconds(1000), 0.001)


def test_an_endless_word_is_cut_before_it_is_matched() -> None:
    begun = time.perf_counter()
    assert found(r"\w+ingx\w{0,5} z", "ing" * 100_000 + " z") == []
    assert found(r"z \w+", "z " + "a" * 100_000) != []
    assert time.perf_counter() - begun < 1


@pytest.mark.parametrize(
    ("pattern", "needed"),
    [
        (r"within (the|an|\d+) (hour|hours)", "within "),
        (r"(?:\w+ ){0,3}by tomorrow", "by tomorrow"),
        (r"you (?:should|must) have \w+", " have "),
        (r"(?:one|two)", ""),
        (r"colou?r", "colo"),
        (r"(?i)Credit", ""),
        (r"ab{1,3}cd", "cd"),
    ],
)
def test_letters_that_a_pattern_cannot_do_without_are_known(pattern: str, needed: str) -> None:
    assert pattern_of(pattern).needed == needed


def test_a_pattern_may_leave_the_case_open() -> None:
    assert found(r"(?i)Travel CREDIT", "your travel credit is open") == ["travel credit"]
