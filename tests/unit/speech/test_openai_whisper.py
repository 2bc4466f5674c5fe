"""The batched engine gives what the whisper package itself gives, on small checkpoints with random weights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qa_audit.errors import Permanent, Stopped
from qa_audit.speech import alignment, decoding, models, precision, tries
from qa_audit.speech.decoding import Wording
from qa_audit.speech.dtw import dtw
from qa_audit.speech.encoded import encode, features
from qa_audit.speech.openai_whisper import OpenAIRecogniser
from qa_audit.speech.recogniser import TEMPERATURES, SpeechOptions
from qa_audit.speech.tries import Decoded
from tests.unit.speech.checkpoints import make_checkpoint

RATE = 16_000
EXACT = SpeechOptions(precision="float32", device="cpu", threads=1)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_checkpoint(tmp_path_factory.mktemp("model") / "other.pt", width=64, layers=(2, 2))


@pytest.fixture(scope="module")
def model(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return models.load(models.find(str(checkpoint), tmp_path_factory.mktemp("cache")))


@pytest.fixture(scope="module")
def mels(model: Any) -> Any:
    import torch

    return torch.randn(3, 80, 3000, generator=torch.Generator().manual_seed(1))


def noise(seconds: float, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.1, int(seconds * RATE)).astype(np.float32)


def recogniser(checkpoint: Path, folder: Path, options: SpeechOptions = EXACT) -> OpenAIRecogniser:
    return OpenAIRecogniser(models.find(str(checkpoint), folder), folder, options)


def test_encoding_is_whispers_own(model: Any, mels: Any) -> None:
    import torch

    with torch.no_grad():
        assert torch.allclose(features(model, mels), model.encoder(mels), atol=1e-4)


@pytest.mark.parametrize(
    "wording", [Wording("en"), Wording("en", hints="Acme, SuperBox"), Wording("en", beams=3)]
)
def test_a_batch_decodes_to_what_whisper_decodes_alone(
    model: Any, mels: Any, wording: Wording, monkeypatch: pytest.MonkeyPatch
) -> None:
    from whisper.decoding import DecodingOptions, decode

    monkeypatch.setattr(tries, "TEMPERATURES", (0.0,))
    limits = [5, 16, 9]
    ours = decoding.decode(model, encode(model, list(mels)), limits, wording)
    for mel, limit, found in zip(mels, limits, ours, strict=True):
        options = DecodingOptions(
            language="en", prompt=wording.hints or None, without_timestamps=True, fp16=False,
            beam_size=wording.beams if wording.beams > 1 else None,
            sample_len=limit if wording.beams == 1 else max(limits),
        )  # fmt: skip
        theirs = decode(model, mel, options)
        assert list(found.tokens) == theirs.tokens[:limit]
        assert found.no_speech_prob == pytest.approx(theirs.no_speech_prob, abs=1e-5)
        if len(theirs.tokens) <= limit and wording.beams == 1:
            assert found.avg_logprob == pytest.approx(theirs.avg_logprob, abs=1e-3)


def test_windows_that_end_early_leave_the_batch_and_the_others_go_on(
    model: Any, mels: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tries, "TEMPERATURES", (0.0,))
    encoded = encode(model, list(mels))
    together = decoding.decode(model, encoded, [3, 20, 9], Wording("en"))
    alone = [
        decoding.decode(model, encoded.of([i]), [limit], Wording("en"))[0]
        for i, limit in enumerate([3, 20, 9])
    ]
    assert [found.tokens for found in together] == [found.tokens for found in alone]
    assert [found.is_cut for found in together] == [found.is_cut for found in alone]


def test_only_windows_that_fail_are_tried_again_and_the_same_way_every_time(
    model: Any, mels: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[int, float]] = []
    real = decoding._decode_at

    def watched(model: Any, sound: Any, limits: Any, wording: Any, temperature: float) -> list[Decoded]:
        asked.append((len(limits), temperature))
        found = real(model, sound, limits, wording, temperature)
        if temperature == 0.0:
            fine = Decoded(found[1].tokens, "a fine text", -0.2, 0.0, 0.0, False)
            return [found[0], fine, found[2]]
        return found

    monkeypatch.setattr(decoding, "_decode_at", watched)
    encoded = encode(model, list(mels))
    first = decoding.decode(model, encoded, [4, 4, 4], Wording("en"))
    assert asked == [(3, 0.0), *((2, t) for t in TEMPERATURES[1:])]
    assert first[1].text == "a fine text"
    assert decoding.decode(model, encoded, [4, 4, 4], Wording("en")) == first


def test_the_best_try_is_kept_when_none_is_good() -> None:
    loop = Decoded((1,), "no " * 50, -0.3, 0.0, 0.0, False)
    poor = Decoded((2,), "something else", -1.5, 0.0, 0.2, False)
    poorer = Decoded((3,), "a third thing", -2.5, 0.0, 0.4, False)
    assert tries.best([loop, poor, poorer]) is poor
    assert tries.best([loop, loop]) is loop


def test_word_times_are_those_of_whispers_own_alignment(
    model: Any, mels: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import whisper.timing
    from whisper.timing import find_alignment
    from whisper.tokenizer import get_tokenizer

    monkeypatch.setattr(whisper.timing, "dtw_cpu", dtw)  # the same path, without 10 s of compiling
    tokenizer = get_tokenizer(False)
    texts = [tokenizer.encode(text) for text in (" Thank you for calling Acme.", "", " No, I never got it")]
    seconds = [12.0, 5.0, 30.0]
    ours = alignment.align(model, tokenizer, encode(model, list(mels)), texts, seconds)
    assert ours[1] == ()
    for i in (0, 2):
        theirs = find_alignment(model, tokenizer, texts[i], mels[i], round(seconds[i] * 100))
        assert [word.text for word in ours[i]] == [timing.word for timing in theirs]
        for word, timing in zip(ours[i], theirs, strict=True):
            assert word.start == pytest.approx(timing.start, abs=0.021)
            assert word.end == pytest.approx(timing.end, abs=0.021)
            assert word.probability == pytest.approx(timing.probability, abs=1e-4)


@pytest.mark.parametrize("frames", [1, 3, 4, 7, 200])
def test_attention_is_smoothed_as_whisper_does_it(frames: int) -> None:
    import torch
    from whisper.timing import median_filter

    rows = torch.randn(3, 5, frames, generator=torch.Generator().manual_seed(frames))
    assert torch.equal(alignment.smoothed(rows), median_filter(rows, 7))


def test_windows_of_any_length_are_heard(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tries, "TEMPERATURES", (0.0, 0.4))
    sounds = [noise(0.2), noise(7.0, 1), noise(30.0, 2)]
    found = recogniser(checkpoint, tmp_path).hear(sounds, language="en")
    assert len(found) == 3
    for sound, window in zip(sounds, found, strict=True):
        assert all(0 <= w.start <= w.end <= len(sound) / RATE + 0.03 for w in window.words)


def test_a_stop_is_heeded_between_windows(checkpoint: Path, tmp_path: Path) -> None:
    looks: list[int] = []

    def check() -> None:
        looks.append(1)
        if len(looks) == 2:
            raise Stopped

    with pytest.raises(Stopped):
        recogniser(checkpoint, tmp_path).hear([noise(3.0)] * 3, language="en", check=check)
    assert len(looks) == 2


@pytest.mark.parametrize("languages", [99, 100])
def test_languages_are_those_of_the_checkpoint(
    tmp_path: Path, languages: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tries, "TEMPERATURES", (0.0,))
    path = make_checkpoint(tmp_path / "many.pt", width=64, layers=(1, 1), vocabulary=51766 + languages)
    ours = recogniser(path, tmp_path)
    assert len(ours.languages) == languages
    assert {"en", "de", "zh"} <= ours.languages
    assert ("yue" in ours.languages) == (languages == 100)
    assert ours.language_of(noise(3.0)) in ours.languages
    assert len(ours.hear([noise(3.0)], language="de")) == 1


def test_an_english_checkpoint_knows_english_only(checkpoint: Path, tmp_path: Path) -> None:
    assert recogniser(checkpoint, tmp_path).languages == {"en"}


def test_half_precision_hears_the_same_sound(checkpoint: Path, tmp_path: Path) -> None:
    import torch

    exact = recogniser(checkpoint, tmp_path)
    half = recogniser(checkpoint, tmp_path, SpeechOptions(precision="bfloat16", device="cpu"))
    assert half.about.startswith("cpu bfloat16")
    mel = exact._mel(noise(8.0))[None]
    with torch.no_grad():
        one, other = features(exact._model, mel), features(half._model, mel).float()
    assert float((one - other).norm() / one.norm()) < 0.03
    assert {
        p.dtype for m in half._model.modules() if isinstance(m, torch.nn.LayerNorm) for p in m.parameters()
    } == {torch.float32}


def test_the_batch_shrinks_where_memory_would_not_hold_it(checkpoint: Path, tmp_path: Path) -> None:
    ours = recogniser(checkpoint, tmp_path, SpeechOptions(precision="float32", device="cpu", batch=512))
    assert 2 <= ours.batch < 512
    assert recogniser(checkpoint, tmp_path, SpeechOptions(device="cpu", batch=1)).batch == 1


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (SpeechOptions(precision="int8", device="cpu"), "faster-whisper engine"),
        (SpeechOptions(precision="float16", device="cpu"), "no float16 on cpu"),
    ],
)
def test_a_format_that_is_not_there_is_refused_in_words(
    checkpoint: Path, tmp_path: Path, options: SpeechOptions, words: str
) -> None:
    with pytest.raises(Permanent, match=words) as caught:
        recogniser(checkpoint, tmp_path, options)
    assert caught.value.failure == "model_unavailable"


def test_a_missing_gpu_is_told(checkpoint: Path, tmp_path: Path) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    with pytest.raises(Permanent, match="finds no GPU"):
        recogniser(checkpoint, tmp_path, SpeechOptions(device="cuda"))


def test_the_format_is_measured_once_per_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    measured: list[float] = []

    def gain() -> float:
        measured.append(3.0)
        return 3.0

    monkeypatch.setattr(precision, "bfloat16_gain", gain)
    monkeypatch.setattr(precision, "has_bfloat16", lambda: True)
    assert [precision.cpu_precision(tmp_path) for _ in range(3)] == ["bfloat16"] * 3
    assert len(measured) == 1
    record = tmp_path / precision.RECORD
    record.write_text(json.dumps({"machine": "another", "gain": 0.5}), encoding="utf8")
    assert precision.cpu_precision(tmp_path) == "bfloat16"
    record.write_text("broken", encoding="utf8")
    assert precision.cpu_precision(tmp_path) == "bfloat16"
    assert len(measured) == 3
    monkeypatch.setattr(precision, "bfloat16_gain", lambda: 1.1)
    record.unlink()
    assert precision.cpu_precision(tmp_path) == "float32"
    monkeypatch.setattr(precision, "has_bfloat16", lambda: False)
    record.unlink()
    assert precision.cpu_precision(tmp_path) == "float32"
    assert not record.exists()


def test_a_broken_checkpoint_says_so_in_one_line(tmp_path: Path) -> None:
    broken = tmp_path / "broken.pt"
    broken.write_bytes(b"no checkpoint")
    with pytest.raises(Permanent) as caught:
        recogniser(broken, tmp_path)
    assert caught.value.failure == "model_unavailable"
    assert "\n" not in caught.value.message
    assert "broken.pt" in caught.value.message
