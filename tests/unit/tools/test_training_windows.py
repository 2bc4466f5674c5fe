"""Training windows: what is heard where, and which tokens are asked for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from tools import training_windows as windows
from tools.speech_corpus import Clip, tokens_of
from tools.train_demo_model import watch
from tools.training_network import new_model
from tools.training_windows import IGNORE, Shape, Store, Vocabulary

PLAIN = Shape(frames=500, batch=4, fill=(4.0, 9.0), silent=0.0, shift=False)


@pytest.fixture(scope="module")
def vocab() -> Vocabulary:
    return windows.vocabulary()


@pytest.fixture(scope="module")
def store() -> Store:
    spoken = [("Thank", 0.0, 0.3), ("you,", 0.3, 0.6), ("Northwind.", 0.6, 1.2)]
    phonemes = [("T", 0.0, 0.3), ("j", 0.3, 0.6), ("n", 0.6, 1.2)]
    clips = [
        Clip(
            "Thank you, Northwind.", voice, np.full((124, 80), -1.0, np.float16), tokens_of(spoken), phonemes
        )
        for voice in range(3)
    ]
    return Store(clips, windows.phoneme_table(clips))


def test_targets_are_the_inputs_one_step_later(store: Store, vocab: Vocabulary) -> None:
    window = windows.fill(store, PLAIN, vocab, 1, np.random.default_rng(0))
    assert window.inputs[0] == vocab.sot
    assert window.targets[0] == vocab.no_timestamps
    assert window.inputs[1:] == window.targets[:-1]
    assert window.targets[-1] == vocab.eot
    assert len(window.inputs) == len(window.targets) == len(window.spans)


def test_each_token_points_to_where_it_is_heard(store: Store, vocab: Vocabulary) -> None:
    window = windows.fill(store, PLAIN, vocab, 1, np.random.default_rng(1))
    for token, (start, end) in zip(window.targets, window.spans, strict=True):
        if token in vocab.text and windows.tokenizer_is_word(vocab.ids[token]):
            assert start < end
            assert set(window.words[start:end]) == {token + 1}
            assert (window.mel[start * 2 : end * 2] > -5).all()


def test_silence_asks_for_nothing(store: Store, vocab: Vocabulary) -> None:
    window = windows.fill(store, replace(PLAIN, silent=1.0), vocab, 1, np.random.default_rng(2))
    assert window.targets == [vocab.no_speech, vocab.eot]
    assert (window.mel == windows.FLOOR).all()


def test_timestamps_stand_around_each_sentence(store: Store, vocab: Vocabulary) -> None:
    window = windows.fill(store, replace(PLAIN, timestamps=1.0), vocab, 1, np.random.default_rng(3))
    times = [t - vocab.first_time for t in window.targets if t >= vocab.first_time]
    assert len(times) % 2 == 0
    assert times == sorted(times)
    assert times[0] <= 50
    assert window.targets[0] >= vocab.first_time


def test_a_prompt_is_read_but_not_asked_for(store: Store, vocab: Vocabulary) -> None:
    window = windows.fill(store, replace(PLAIN, prompt=1.0), vocab, 1, np.random.default_rng(4))
    assert window.inputs[0] == vocab.prev
    place = window.inputs.index(vocab.sot)
    assert window.targets[:place] == [IGNORE] * place


def test_batches_are_padded_and_only_inputs_are_corrupted(store: Store, vocab: Vocabulary) -> None:
    arrays = windows.batch(store, PLAIN, vocab, 1, 1.0, np.random.default_rng(5))
    assert arrays["mel"].shape == (4, 1000, 80)
    text = np.isin(arrays["targets"][:, :-1], vocab.text)
    assert (arrays["inputs"][:, 1:][text] != arrays["targets"][:, :-1][text]).mean() > 0.9
    assert (arrays["inputs"][:, 0] == vocab.sot).all()


def test_used_tokens_hold_all_that_is_needed(vocab: Vocabulary) -> None:
    from whisper.tokenizer import get_tokenizer

    tok = get_tokenizer(multilingual=False)
    for token in (
        tok.eot,
        tok.sot,
        tok.no_speech,
        tok.no_timestamps,
        tok.timestamp_begin,
        tok.timestamp_begin + 1500,
    ):
        assert token in vocab.index
    assert len(vocab.ids) == len(set(vocab.ids))
    assert list(vocab.ids) == sorted(vocab.ids)
    assert list(vocab.text) == list(range(len(vocab.text)))


def test_the_training_is_watched_with_music_under_the_speech_too(store: Store, vocab: Vocabulary) -> None:
    torch.manual_seed(0)
    model = new_model(len(vocab.ids), width=32, heads=2, encoder=2, decoder=2).eval()
    shape = replace(PLAIN, frames=150, batch=2, fill=(2.0, 3.0))
    for below in (None, 10.0):
        assert watch(model, store, vocab, shape, below=below) > 0.5, "an untrained model understands nothing"
