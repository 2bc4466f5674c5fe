"""The training network is whisper's own: what it learns is what whisper computes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import whisper
from whisper.model import Whisper

from qa_audit.speech.demo_model import checkpoint_bytes, expand
from tools import training_network as network
from tools.demo_model_export import write_compact
from tools.training_windows import Vocabulary, vocabulary


@pytest.fixture(scope="module")
def vocab() -> Vocabulary:
    return vocabulary()


@pytest.fixture(scope="module")
def model(vocab: Vocabulary) -> Whisper:
    torch.manual_seed(0)
    return network.new_model(len(vocab.ids), width=32, heads=2, encoder=2, decoder=2).eval()


def test_training_computes_what_whisper_computes(model: Whisper) -> None:
    torch.manual_seed(1)
    mel, tokens = torch.randn(1, 3000, 80), torch.randint(0, 400, (1, 7))
    with torch.no_grad():
        sound, _ = network.encode(model, mel, torch.zeros(1, dtype=torch.long))
        logits, weights = network.decode(model, tokens, sound)
        theirs = model(mel.transpose(1, 2), tokens)
    assert torch.allclose(logits, theirs, atol=1e-4)
    assert weights.shape == (1, 2, 7, 1500)
    assert torch.allclose(weights.exp().sum(-1), torch.ones(1, 2, 7), atol=1e-4)


def test_short_windows_take_the_plain_way_to_the_same_result(model: Whisper) -> None:
    x = torch.randn(2, 60, 32)
    with torch.no_grad():
        assert torch.allclose(
            network._short_block(model.encoder.blocks[0], x), model.encoder.blocks[0](x), atol=1e-5
        )


def test_normalising_is_whispers_own() -> None:
    from whisper.audio import log_mel_spectrogram

    from tools.speech_corpus import log_mel

    sound = (0.1 * np.random.default_rng(0).standard_normal(16_000)).astype(np.float32)
    ours = network.normalise(torch.from_numpy(log_mel(sound))[None], None, augment=False)[0].T
    theirs = log_mel_spectrogram(sound)
    assert torch.allclose(ours[:, 2:-2], theirs[:, 2:-2], atol=1e-3)


def _attending(first: int, last: int) -> torch.Tensor:
    scores = torch.full((1, 2, 2, 50), -40.0)
    scores[..., first:last] = 0.0
    return scores.log_softmax(-1)


def test_attention_beside_the_word_costs_and_narrow_attention_costs_less() -> None:
    spans = torch.tensor([[[10, 20], [-1, -1]]])
    even, narrow, outside = (
        float(network.attention_loss(_attending(*where), spans)) for where in ((10, 20), (12, 14), (30, 40))
    )
    assert even == pytest.approx(0.0, abs=1e-3)
    assert even < narrow < outside


def test_tokens_without_a_time_cost_nothing() -> None:
    assert float(network.attention_loss(_attending(30, 40), torch.full((1, 2, 2), -1))) == 0.0


def test_the_compact_form_unpacks_to_the_same_model(
    model: Whisper, vocab: Vocabulary, tmp_path: Path
) -> None:
    path = write_compact(model, vocab, tmp_path / "small.pt", {"seed": 1})
    full = tmp_path / "full.pt"
    full.write_bytes(checkpoint_bytes(expand(torch.load(path, weights_only=True))))
    loaded = whisper.load_model(str(full), device="cpu")
    tokens = torch.tensor([[vocab.sot, vocab.no_timestamps, vocab.text[5]]])
    mel = torch.randn(1, 80, 3000)
    ids = torch.tensor(vocab.ids)
    with torch.no_grad():
        small, large = model(mel, tokens), loaded(mel, ids[tokens])
    assert torch.allclose(small, large[..., ids], atol=0.05)
    unused = torch.ones(51864, dtype=torch.bool)
    unused[ids] = False
    assert float(large[..., unused].max()) < -500


def test_the_first_worker_is_followed_and_one_worker_needs_no_group() -> None:
    from tools.train_demo_model import agree, learning_rate, plan

    assert agree(3.5, 1) == 3.5
    rates = [learning_rate(p / 100, 1.0) for p in range(101)]
    assert max(rates) <= 1.0
    assert rates[-1] < 0.02
    assert rates[0] < 0.1
    rng = np.random.default_rng(0)
    assert all(plan(0.1, rng).frames <= 1500 for _ in range(20))


def test_music_lies_louder_under_speech_than_noise_and_stillness_stays() -> None:
    from tools.train_demo_model import noise_bank

    bank = noise_bank(1, music=1)
    assert bank.shape == (1 + 1 + 4, 3000, 80)
    noise, music, still = (float(10 ** bank[number].astype(np.float32).max()) for number in (0, 1, 2))
    assert still < noise < music
