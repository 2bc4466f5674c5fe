"""Loops of a recogniser are found; what people repeat is left alone."""

from __future__ import annotations

import pytest

from qa_audit.speech.repeats import loops


@pytest.mark.parametrize(
    "text",
    [
        "Five two zero zero, eight two eight two, eight two eight two, eight two one zero.",
        "no no no thank you",
        "bye bye, bye bye.",
        "one one one one, one one one one",
        "",
    ],
)
def test_what_people_repeat_is_kept(text: str) -> None:
    assert loops(text.split()) == []


def test_a_phrase_said_over_and_over_is_kept_once() -> None:
    words = ("Hello there. " + "I will check it. " * 6 + "Bye.").split()
    assert loops(words) == [(6, 26)]


def test_a_single_word_loop_is_found() -> None:
    assert loops(["so", "you", "you", "you", "you", "you", "you", "want"]) == [(2, 7)]


def test_endless_digits_are_a_loop() -> None:
    assert loops(("eight " * 30).split()) == [(1, 30)]


def test_words_that_differ_in_their_vowel_signs_only_are_no_loop() -> None:
    assert loops(["का", "की", "कि", "के", "को", "कै", "कू"]) == []
