"""The CTranslate2 engine: the same words at the same times as whisper, and no crash whatever the weights."""

from __future__ import annotations

import builtins
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qa_audit.errors import Permanent
from qa_audit.speech import conversion, faster_whisper, models, tries
from qa_audit.speech.dtw import dtw
from qa_audit.speech.engines import open_engine
from qa_audit.speech.faster_whisper import FasterRecogniser
from qa_audit.speech.protocol import SpeechChannel
from qa_audit.speech.recogniser import HeardWindow, SpeechOptions
from qa_audit.speech.writing import most_tokens
from tests.unit.speech.checkpoints import MULTILINGUAL, MULTILINGUAL_100, make_checkpoint

DEMO = Path(faster_whisper.__file__).parent.parent / "demo"
RATE = 16_000
EXACT = SpeechOptions(precision="float32", device="cpu", threads=1)


def noise(seconds: float, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    return (0.1 * random.normal(size=int(seconds * RATE))).astype(np.float32)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="module")
def demo(cache: Path) -> FasterRecogniser:
    return FasterRecogniser(models.find("demo", cache), cache, EXACT)


@pytest.fixture(scope="module")
def windows() -> list[np.ndarray]:
    """Return the turns of a bundled call that are at most 6 s long."""
    from tools.speech_channel import decode

    call = json.loads((DEMO / "manifest.json").read_text(encoding="utf8"))["calls"][0]
    sound = decode(str(DEMO / call["file"]))
    spoken = [
        (turn["speaker"] == "customer", turn["words"][0][1], turn["words"][-1][2]) for turn in call["turns"]
    ]
    short = [(int(side), start, end) for side, start, end in spoken if end - start < 6][:8]
    return [sound[side][int(start * RATE) - 1600 : int(end * RATE) + 1600] for side, start, end in short]


def random_model(folder: Path, options: SpeechOptions = EXACT, **shape: Any) -> FasterRecogniser:
    path = make_checkpoint(folder / "random.pt", **shape)
    return FasterRecogniser(models.find(str(path), folder), folder, options)


def test_bundled_calls_are_heard_as_whisper_hears_them(
    demo: FasterRecogniser, windows: list[np.ndarray], cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch
    import whisper.timing
    from whisper.audio import log_mel_spectrogram, pad_or_trim
    from whisper.decoding import DecodingOptions, decode
    from whisper.timing import find_alignment
    from whisper.tokenizer import get_tokenizer

    monkeypatch.setattr(whisper.timing, "dtw_cpu", dtw)  # the same path, without 10 s of compiling
    model = models.load(models.find("demo", cache))
    options = DecodingOptions(language="en", without_timestamps=True, fp16=False)
    same, times, chances = 0, [], []
    for sound, found in zip(windows, demo.hear(windows, language="en"), strict=True):
        mel = log_mel_spectrogram(torch.from_numpy(pad_or_trim(sound)))
        own = decode(model, mel, options)
        words = find_alignment(model, get_tokenizer(False), own.tokens, mel, round(len(sound) / 160))
        if [word.text for word in found.words] == [word.word for word in words]:
            same += 1
            assert found.avg_logprob == pytest.approx(own.avg_logprob, abs=1e-3)
            assert found.no_speech_prob == pytest.approx(own.no_speech_prob, abs=1e-3)
            times += [abs(a.start - b.start) for a, b in zip(found.words, words, strict=True)]
            chances += [abs(a.probability - b.probability) for a, b in zip(found.words, words, strict=True)]
    assert same >= len(windows) - 1
    assert np.median(times) <= 0.02
    assert np.median(chances) <= 0.01


def test_the_whole_engine_hears_a_bundled_call(cache: Path) -> None:
    from tools.speech_channel import decode

    call = json.loads((DEMO / "manifest.json").read_text(encoding="utf8"))["calls"][0]
    sound = decode(str(DEMO / call["file"]))
    engine = open_engine("faster-whisper", "demo", cache, SpeechOptions(device="cpu"))
    turn = next(turn for turn in call["turns"] if turn["speaker"] == "agent")
    start, end = turn["words"][0][1] - 0.1, turn["words"][-1][2] + 0.1
    heard = engine.transcribe([SpeechChannel("agent", sound[0], [(start, end)])])
    assert heard.engine.name == "faster-whisper"
    assert heard.language == "en"
    text = " ".join(segment.text for segment in heard.segments)
    assert text.split()[:5] == turn["text"].split()[:5]
    assert engine.recogniser.about.startswith("cpu int8")


def test_beams_hear_it_too(cache: Path, windows: list[np.ndarray]) -> None:
    options = SpeechOptions(precision="float32", device="cpu", beam=3)
    [found] = FasterRecogniser(models.find("demo", cache), cache, options).hear(windows[:1], language="en")
    assert "".join(word.text for word in found.words).strip().startswith("Thank you for calling")


@pytest.mark.parametrize(
    "shape",
    [
        {},
        {"vocabulary": MULTILINGUAL, "width": 96, "heads": 3, "is_half": True},
        {"vocabulary": MULTILINGUAL_100, "mels": 128, "layers": (1, 3)},
    ],
    ids=["english", "99 languages", "100 languages, 128 mels"],
)
def test_random_weights_crash_nothing(
    shape: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tries, "TEMPERATURES", (0.0, 0.6))
    recogniser = random_model(tmp_path, SpeechOptions(device="cpu"), **shape)
    sounds = [noise(0.3), np.zeros(0, np.float32), np.zeros(RATE, np.float32), noise(4, seed=2)]
    for hints in ("", "Northwind, Ms. Lee"):
        found = recogniser.hear(sounds, language="en", hints=hints)
        assert len(found) == len(sounds)
        for sound, window in zip(sounds, found, strict=True):
            check(window, len(sound) / RATE)
    assert recogniser.language_of(sounds[0]) in recogniser.languages
    assert recogniser.hear([], language="en") == []


def check(window: HeardWindow, seconds: float) -> None:
    times = [time for word in window.words for time in (word.start, word.end)]
    assert times == sorted(times)
    assert all(0 <= time <= seconds for time in times)
    assert all(word.text.strip() and 0 <= word.probability <= 1 for word in window.words)
    assert np.isfinite(window.avg_logprob)
    assert 0 <= window.no_speech_prob <= 1


def test_sampling_comes_out_the_same_every_time(tmp_path: Path) -> None:
    recogniser = random_model(tmp_path)
    sounds = [noise(1.0), noise(2.0, seed=1)]
    first = recogniser.hear(sounds, language="en")
    recogniser.hear(sounds[:1], language="en")
    assert recogniser.hear(sounds, language="en") == first


def test_only_the_windows_that_fail_are_tried_again_and_the_good_try_is_kept(
    demo: FasterRecogniser, windows: list[np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[float, int]] = []
    decoded = FasterRecogniser._decoded

    def watch(self: Any, encoded: Any, lengths: Sequence[float], *rest: Any) -> Any:
        asked.append((rest[-1], len(lengths)))
        return decoded(self, encoded, lengths, *rest)

    def is_good(text: str, avg_logprob: float) -> bool:
        return "Thank" not in text or len(asked) == 3

    monkeypatch.setattr(FasterRecogniser, "_decoded", watch)
    monkeypatch.setattr(tries, "is_good", is_good)
    found = demo.hear(windows[:3], language="en")
    assert asked == [(0.0, 3), (0.2, 1), (0.4, 1)]
    assert [window.temperature for window in found] == [0.4, 0.0, 0.0]


def test_each_window_gets_as_many_tokens_as_its_sound_can_hold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tries, "TEMPERATURES", (0.0,))
    recogniser = random_model(tmp_path, seed=3)
    recogniser._never = [*recogniser._never, 50256]  # nothing ends a text but its limit
    monkeypatch.setattr(faster_whisper, "timed_words", lambda tokens, *_: tuple(tokens))
    found = recogniser.hear([noise(0.5), noise(5.0), noise(0.5)], language="en")
    assert [window.is_cut for window in found] == [True] * 3
    for window, seconds in zip(found, (0.5, 5.0, 0.5), strict=True):
        assert 0 < len(window.words) <= most_tokens(seconds, "en")
    assert len(found[1].words) > most_tokens(0.5, "en")


def test_hints_take_no_more_than_half_of_the_context(demo: FasterRecogniser) -> None:
    tokenizer = faster_whisper.whisper_files.tokenizer(51864)
    prompt = demo._prompt(tokenizer, "name " * 500)
    assert prompt[0] == tokenizer.sot_prev
    assert len(prompt) == 224 + len(demo._prompt(tokenizer, " "))
    encoded = demo._encoded([noise(29)])
    for limit in (1, 20, 448 - len(prompt)):
        [found] = demo._generated(encoded, limit, tokenizer, prompt, 1.0)
        assert len(found.tokens) <= limit


def test_a_broken_model_is_refused_in_one_line(demo: FasterRecogniser, tmp_path: Path) -> None:
    (tmp_path / "model.bin").write_bytes(b"no model")
    broken = FasterRecogniser.__new__(FasterRecogniser)
    broken.__dict__.update(demo.__dict__, _converted=conversion.Converted(tmp_path, {}), _name="broken.pt")
    with pytest.raises(Permanent, match=r"broken\.pt cannot be loaded") as caught:
        broken._load()
    assert "\n" not in caught.value.message


def test_a_missing_package_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def fail(name: str, *rest: Any) -> Any:
        if name.partition(".")[0] == "ctranslate2":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", fail)
    with pytest.raises(Permanent, match=r"pip install 'qa-audit\[faster\]'") as caught:
        FasterRecogniser(models.Found(tmp_path / "x.pt", "x.pt", "0" * 64), tmp_path, SpeechOptions())
    assert caught.value.failure == "model_unavailable"


def test_what_the_machine_cannot_do_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import ctranslate2

    monkeypatch.setattr(ctranslate2, "get_cuda_device_count", lambda: 0)
    monkeypatch.setattr(ctranslate2, "get_supported_compute_types", lambda device: {"float32", "int8"})
    found = models.Found(tmp_path / "x.pt", "x.pt", "0" * 64)
    with pytest.raises(Permanent, match="no GPU here"):
        FasterRecogniser(found, tmp_path, SpeechOptions(device="cuda"))
    with pytest.raises(Permanent, match=r"cannot compute in bfloat16 .* offers float32, int8"):
        FasterRecogniser(found, tmp_path, SpeechOptions(precision="bfloat16"))
    assert faster_whisper._precision("auto", "cpu") == "int8"
    monkeypatch.setattr(ctranslate2, "get_supported_compute_types", lambda device: {"float32", "float16"})
    assert faster_whisper._precision("auto", "cuda") == "float16"
