"""Spoken text comes to one form however it was written down, and tokens know their words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_audit.domain.checks.base import SURE_PROBABILITY
from qa_audit.domain.checks.phrases import HIT_PROBABILITY
from qa_audit.domain.text import (
    MASK,
    is_date_token,
    is_number,
    is_ordinal,
    normal_text,
    normalise,
    ordinal,
    stem,
    tokens_of,
)
from qa_audit.domain.transcript import EngineInfo, Segment, Transcript


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("I can't", "I can not"),
        ("cannot", "can not"),
        ("I\u2019m sorry, we won't", "i am sorry we will not"),
        ("five to ten days", "5-10 days"),
        ("five to ten days", "5 to 10 days"),
        ("two hundred and ten dollars", "$210"),
        ("one hundred fifty dollars", "150 dollars"),
        ("one thousand two hundred", "1,200"),
        ("a hundred and ninety nine", "a 199"),
        ("anna.kay@example.com", "anna dot kay at example dot com"),
        ("the money's on its way", "the money is on its way"),
        ("the third of May", "the 3rd of May"),
        ("the twenty-first of May", "the 21st of may"),
        ("e mail", "E-mail"),
        ("my flight was cancelled", "My flight was canceled."),
        ("it's Northwind's fee", "it is northwind fee"),
        ("ten percent", "10%"),
        ("okay", "OK"),
        ("twenty-one", "21"),
        ("fourtwosevenone", "four two seven one"),
    ],
)
def test_two_ways_of_writing_become_the_same(one: str, other: str) -> None:
    assert normal_text(one) == normal_text(other)


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("four two seven one", "4 2 7 1"),
        ("nineteen eighty seven", "19 87"),
        ("forty-one eleven", "41 11"),
        ("oh, I see", "oh i see"),
        ("one, two hundred", "1 200"),
        ("twenty, one", "20 1"),
        ("second", "2nd"),
        ("4271", "4271"),
        ("5200-8282-8282-8210", "5200 8282 8282 8210"),
        ("X7K9P2", "x7k9p2"),
        ("12/05/1987", "12/05/1987"),
        ("Mr. Lee", "mr lee"),
        ("a hundred", "a 100"),
        ("-- ...", ""),
        ("\u0664\u0662", "42"),
        ("नमस्ते, पानी।", "नमस्ते पानी"),
        ("สวัสดี ครับ", "สวัสดี ครับ"),
        ("வணக்கம்", "வணக்கம்"),
        ("İyi günler", "i̇yi günler"),
        ("您 好。", "您 好"),
    ],
)
def test_normal_form(text: str, normal: str) -> None:
    assert normal_text(text) == normal


def test_pieces_know_their_words_and_stops() -> None:
    pieces = normalise(["I", "can't", "wait", "two", "hundred", "days.", "-", "Ok?"])
    assert [(p.text, p.first, p.last) for p in pieces] == [
        ("i", 0, 0),
        ("can", 1, 1),
        ("not", 1, 1),
        ("wait", 2, 2),
        ("200", 3, 4),
        ("days", 5, 5),
        ("okay", 7, 7),
    ]
    assert [p.stop for p in pieces][-2:] == [".", "?"]
    assert pieces[-1].name


def test_stops_of_other_scripts_are_stops() -> None:
    assert [p.stop for p in normalise(["ठीक", "है।", "好。", "好？"])] == ["", ".", ".", "?"]


def test_a_stop_keeps_numbers_apart() -> None:
    assert [p.text for p in normalise(["twenty.", "one"])] == ["20", "1"]


def test_a_lone_stop_belongs_to_the_word_before() -> None:
    assert normalise(["why", "?"])[0].stop == "?"


def test_masked_words_stay_masked() -> None:
    assert [p.text for p in normalise([MASK, "and", MASK])] == [MASK, "and", MASK]


@given(st.lists(st.text(max_size=12), max_size=12))
def test_pieces_lie_within_the_words_in_order(words: list[str]) -> None:
    pieces = normalise(words)
    assert all(0 <= p.first <= p.last < len(words) for p in pieces)
    assert [p.first for p in pieces] == sorted(p.first for p in pieces)
    assert all((p.text and p.text == p.text.lower()) or p.text == MASK for p in pieces)


@given(st.integers(0, 9999))
def test_written_numbers_stay_themselves(value: int) -> None:
    assert normal_text(str(value)) == str(value)


@given(st.text(alphabet="abcdefghijklmnopqrstuvwxyz' -", max_size=40))
def test_normalising_twice_changes_nothing_but_numbers(text: str) -> None:
    once = normal_text(text)
    if not any(character.isdigit() for character in once):
        assert normal_text(once) == once


def test_kinds_of_tokens() -> None:
    assert is_number("210")
    assert is_number("12.50")
    assert not is_number("3rd")
    assert is_ordinal("3rd")
    assert not is_ordinal("3")
    assert is_date_token("12/05/1987")
    assert [ordinal(n) for n in (1, 2, 3, 4, 11, 12, 13, 21)] == [
        "1st",
        "2nd",
        "3rd",
        "4th",
        "11th",
        "12th",
        "13th",
        "21st",
    ]


@pytest.mark.parametrize("group", [["wait", "waits", "waited", "waiting"], ["refund", "refunds", "refunded"]])
def test_forms_of_a_word_share_a_stem(group: list[str]) -> None:
    assert len({stem(word) for word in group}) == 1


def test_words_of_a_source_without_probabilities_are_heard_but_not_sure() -> None:
    segment = Segment(id=0, speaker="agent", start=1.0, end=2.0, text="thank you")
    transcript = Transcript(
        duration=9.0, layout="mono", engine=EngineInfo(name="imported", model="vtt"), segments=(segment,)
    )
    chances = [token.probability for token in tokens_of(transcript)[0]]
    assert chances
    assert all(HIT_PROBABILITY <= chance < SURE_PROBABILITY for chance in chances)
