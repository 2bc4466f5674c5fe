"""What is looked for word by word only where it may stand is found wherever it stands."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz import fuzz

from qa_audit.domain.checks.heard import Turn
from qa_audit.domain.checks.phrases import HIT_RATIO
from qa_audit.domain.checks.searching import Search, Wanted, likeness, trie_of
from qa_audit.domain.text import Token

LETTERS = "abcde"
Change = tuple[int, str, str]
"""Where a text is changed, how, and the letter that is written there."""


def turn_of(words: list[str]) -> Turn:
    tokens = (Token(word, 0, n, n, n / 2, n / 2 + 0.4, 0.95, "", False) for n, word in enumerate(words))
    return Turn(0, "agent", tuple(tokens))


def changed(text: str, changes: list[Change]) -> str:
    """Drop, add and replace letters, as a recogniser that mishears does."""
    for where, how, letter in changes:
        at = where % (len(text) + 1)
        text = text[:at] + (letter if how != "drop" else "") + text[at + (how != "add") :]
    return " ".join(text.split())


@given(
    st.lists(st.text(LETTERS, min_size=1, max_size=7), min_size=3, max_size=7).map(tuple),
    st.lists(
        st.tuples(
            st.integers(0, 60), st.sampled_from(["drop", "add", "replace"]), st.sampled_from(LETTERS + " ")
        ),
        max_size=6,
    ),
)
def test_no_phrase_that_was_misheard_is_passed_over(variant: tuple[str, ...], changes: list[Change]) -> None:
    said = changed(" ".join(variant), changes)
    if not said or fuzz.ratio(" ".join(variant), said) < HIT_RATIO:
        return
    turn = turn_of(said.split())
    search = Search(turn.speech, Wanted({}, {}, (), (likeness(variant, HIT_RATIO),)))
    assert [phrase.variant for phrase in search.misheard[0]] == [variant]


@pytest.mark.parametrize(
    ("low", "high", "places"),
    [(0, 5, [(0, 2), (3, 4)]), (0, 1, [(0, 1)]), (1, 4, [(3, 4)]), (4, 5, []), (3, 3, [])],
)
def test_of_plain_phrases_that_begin_alike_the_longest_counts(
    low: int, high: int, places: list[tuple[int, int]]
) -> None:
    turn = turn_of(["can", "you", "see", "can", "you", "say"])
    search = Search(turn.speech, Wanted(trie_of([("can", "you"), ("can", "you", "see")]), {}, (), ()))
    assert search.places(turn, low, high) == places
    assert search.exactly == {0}
