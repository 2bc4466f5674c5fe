"""The training grammar speaks the demo's words, never its sentences, and keeps some sentences back."""

from __future__ import annotations

import re

import numpy as np
import pytest

from tools import speech_grammar as grammar
from tools.speech_corpus import demo_turns, excluded


@pytest.fixture(scope="module")
def drawn() -> list[str]:
    rng = np.random.default_rng(42)
    return [grammar.draw_allowed(rng, excluded(), held_out=False) for _ in range(4000)]


def test_the_grammar_covers_every_word_of_the_bundled_calls() -> None:
    spoken = {word for turn in demo_turns() for word in grammar.normal(turn).split()}
    assert spoken <= set(grammar.WORDS)
    assert set(grammar.WORDS) <= grammar.vocabulary()
    assert grammar.vocabulary() <= set(grammar.WORDS)
    assert len(grammar.WORDS) == 220


def test_no_sentence_and_no_turn_of_the_bundled_calls_is_ever_drawn(drawn: list[str]) -> None:
    assert len(excluded()) > 150
    assert not {grammar.normal(sentence) for sentence in drawn} & excluded()


def test_without_the_exclusion_some_would_be_drawn() -> None:
    rng = np.random.default_rng(3)
    loose = {grammar.normal(grammar.draw(rng)[1]) for _ in range(6000)}
    assert loose & excluded()


def test_held_out_sentences_are_never_trained_on(drawn: list[str]) -> None:
    rng = np.random.default_rng(8)
    kept = {grammar.normal(grammar.draw_allowed(rng, excluded(), held_out=True)) for _ in range(1500)}
    assert not kept & {grammar.normal(sentence) for sentence in drawn}
    assert all(grammar.is_held_out(sentence) for sentence in kept)
    assert grammar.is_held_out("Can I help you?") == grammar.is_held_out("can i HELP you")


def test_every_kind_yields_sentences_for_training_and_for_measuring() -> None:
    rng = np.random.default_rng(9)
    for kind in grammar.WEIGHTS:
        for held_out in (False, True):
            assert grammar.draw_allowed(rng, excluded(), held_out, kind)


def test_sentences_are_written_like_sentences(drawn: list[str]) -> None:
    for sentence in drawn:
        assert re.fullmatch(r"[A-Z][A-Za-z ,]*[.?]?", sentence), sentence
        assert not re.search(r"  | ,|,,", sentence), sentence


def test_the_same_seed_draws_the_same() -> None:
    first, second = ([grammar.draw(np.random.default_rng(5))[1] for _ in range(3)] for _ in range(2))
    assert first == second
