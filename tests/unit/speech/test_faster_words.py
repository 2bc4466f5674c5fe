"""Words of tokens: whisper's where they can be read, nothing worse than no word where they cannot."""

from __future__ import annotations

import numpy as np
import pytest

from qa_audit.speech import whisper_files
from qa_audit.speech.token_words import readable, timed_words
from tests.unit.speech.checkpoints import ENGLISH, MULTILINGUAL


def test_words_get_the_times_of_their_tokens_and_the_mean_of_their_probabilities() -> None:
    tokenizer = whisper_files.tokenizer(ENGLISH)
    tokens = tokenizer.encode(" Hello Northwind.")
    assert [tokenizer.decode([token]) for token in tokens] == [" Hello", " North", "wind", "."]
    words = timed_words(tokens, tokenizer, [0.1, 0.5, 0.7, 0.9, 1.4], [0.9, 0.8, 0.6, 1.0], 1.2)
    assert [(word.text, word.start, word.end) for word in words] == [
        (" Hello", 0.1, 0.5), (" Northwind", 0.5, 0.9), (".", 0.9, 1.2),
    ]  # fmt: skip
    assert [word.probability for word in words] == pytest.approx([0.9, 0.7, 1.0])


@pytest.mark.parametrize("language", ["en", "ja"])
def test_random_tokens_make_words_within_the_window_or_none(language: str) -> None:
    tokenizer = whisper_files.tokenizer(MULTILINGUAL, language)
    random = np.random.default_rng(5)
    for _ in range(300):
        tokens = random.integers(
            0, 400 if random.random() < 0.7 else tokenizer.eot, random.integers(1, 30)
        ).tolist()
        times = np.sort(random.uniform(0, 31, len(tokens) + 1)).tolist()
        for word in timed_words(tokens, tokenizer, times, [0.5] * len(tokens), 29.0):
            assert word.text.strip()
            assert word.text == readable(word.text)
            assert 0 <= word.start <= word.end <= 29.0
            assert word.probability == pytest.approx(0.5)


def test_a_text_that_ends_within_a_character_keeps_its_other_words() -> None:
    tokenizer = whisper_files.tokenizer(ENGLISH)
    broken = tokenizer.encode(" and ♪")[:-1]
    tokens = [*tokenizer.encode(" Hello"), *broken]
    words = timed_words(
        tokens, tokenizer, [0.1 * n for n in range(len(tokens) + 1)], [1.0] * len(tokens), 9.0
    )
    assert [word.text for word in words][:2] == [" Hello", " and"]


def test_what_cannot_be_read_or_stored_is_dropped() -> None:
    assert readable(" a\x00b\ufffd\u200dc\ud800") == " ab\u200dc"
