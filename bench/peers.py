"""The speech engines that are compared, each run once in a process of its own by `bench.transcription`.

All follow one rule, so that random weights give comparable times: temperature 0, no second tries, no prompt; the
end of the text and all time stamps are forbidden, so that every window yields exactly 64 tokens.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

TOKENS = 64
LANGUAGE = "en"

Run = Callable[[], int]
"""Transcribe the prepared call once and return how many windows were decoded."""


@dataclass(frozen=True)
class Job:
    """A call to transcribe: float32 channels at 16 kHz, their speech spans, and the checkpoint to use."""

    checkpoint: Path
    cache: Path
    channels: list[np.ndarray]
    spans: list[list[tuple[float, float]]]
    threads: int
    options: dict[str, Any] = field(default_factory=dict)


def whisper_package(job: Job, beams: int | None) -> Run:
    """Prepare `whisper.transcribe` on each channel on its own."""
    import torch
    import whisper

    torch.set_num_threads(job.threads)
    model = whisper.load_model(str(job.checkpoint), device="cpu")
    windows = [0]
    decode = model.decode

    def counted(mel: Any, options: Any) -> Any:
        windows[0] += 1
        return decode(mel, options)

    model.decode = counted

    def run() -> int:
        windows[0] = 0
        for sound in job.channels:
            model.transcribe(
                sound, language=LANGUAGE, temperature=0.0, beam_size=beams, without_timestamps=True, fp16=False,
                sample_len=TOKENS, suppress_tokens=[-1, *_forbidden(model)], condition_on_previous_text=False,
                no_speech_threshold=None, logprob_threshold=None, compression_ratio_threshold=None,
            )  # fmt: skip
        return windows[0]

    return run


def whisper_on_our_windows(job: Job) -> Run:
    """Prepare `whisper.decode`, greedy and one window at a time, on the windows that our packing makes."""
    import torch
    import whisper
    from whisper.audio import log_mel_spectrogram, pad_or_trim

    torch.set_num_threads(job.threads)
    model = whisper.load_model(str(job.checkpoint), device="cpu")
    options = whisper.DecodingOptions(
        language=LANGUAGE, without_timestamps=True, fp16=False, sample_len=TOKENS,
        suppress_tokens=[-1, *_forbidden(model)],
    )  # fmt: skip

    def run() -> int:
        count = 0
        for channel, window in _windows(job):
            mel = log_mel_spectrogram(pad_or_trim(window.sound(channel)), model.dims.n_mels)
            model.decode(mel, options)
            count += 1
        return count

    return run


def our_engine(job: Job, engine: str) -> Run:
    """Prepare one of our engines: finding the speech, packing, batches, word times."""
    from qa_audit.media.vad import SpeechDetector
    from qa_audit.speech.engines import open_engine
    from qa_audit.speech.protocol import SpeechChannel
    from qa_audit.speech.recogniser import SpeechOptions

    options = SpeechOptions(device="cpu", threads=job.threads, **job.options)
    ours = open_engine(engine, str(job.checkpoint), job.cache, options)
    recogniser: Any = ours.recogniser
    windows = [0]
    hear = recogniser.hear

    def counted(sounds: Any, **named: Any) -> Any:
        windows[0] += len(sounds)
        return hear(sounds, **named)

    recogniser.hear = counted
    detector = SpeechDetector(1)

    def run() -> int:
        windows[0] = 0
        channels = [SpeechChannel("unknown", sound, detector.spans([sound])) for sound in job.channels]
        with under_rule(engine, recogniser):
            ours.transcribe(channels, language=LANGUAGE)
        return windows[0]

    return run


def faster_whisper_batched(job: Job, beams: int) -> Run:
    """Prepare faster-whisper's own batched pipeline, int8, with its own voice detector."""
    from faster_whisper import BatchedInferencePipeline, WhisperModel

    from qa_audit.speech import models, whisper_files
    from qa_audit.speech.conversion import converted

    made = converted(models.find(str(job.checkpoint), job.cache), job.cache, in_bytes=True)
    vocabulary = made.dims["n_vocab"]
    tokenizer = made.folder / "tokenizer.json"
    if not tokenizer.exists():  # without it, faster-whisper asks the network
        tokenizer.write_text(_tokenizer_json(vocabulary), encoding="utf8")
    mels = json.dumps({"feature_size": made.dims["n_mels"]})
    (made.folder / "preprocessor_config.json").write_text(mels, encoding="utf8")
    model = WhisperModel(str(made.folder), device="cpu", compute_type="int8", cpu_threads=job.threads)
    pipeline = BatchedInferencePipeline(model)
    never = _never(whisper_files.tokenizer(vocabulary, LANGUAGE), vocabulary)
    windows = [0]
    generate = pipeline.forward

    def counted(features: Any, *rest: Any, **named: Any) -> Any:
        windows[0] += len(features)
        return generate(features, *rest, **named)

    pipeline.forward = counted

    def run() -> int:
        windows[0] = 0
        for sound in job.channels:
            segments, _ = pipeline.transcribe(
                sound, language=LANGUAGE, beam_size=beams, temperature=0.0, batch_size=8,
                suppress_tokens=[-1, *never], max_new_tokens=TOKENS, without_timestamps=True,
                compression_ratio_threshold=None, log_prob_threshold=None, no_speech_threshold=None,
            )  # fmt: skip
            for _ in segments:
                pass
        return windows[0]

    return run


PEERS: dict[str, Callable[[Job], Run]] = {
    "whisper, beam 5": lambda job: whisper_package(job, 5),
    "whisper, greedy": lambda job: whisper_package(job, None),
    "whisper, our windows": whisper_on_our_windows,
    "faster-whisper, beam 5": lambda job: faster_whisper_batched(job, 5),
    "faster-whisper, greedy": lambda job: faster_whisper_batched(job, 1),
    "ours, openai-whisper": lambda job: our_engine(job, "openai-whisper"),
    "ours, CTranslate2": lambda job: our_engine(job, "faster-whisper"),
}


def _windows(job: Job) -> Iterator[tuple[np.ndarray, Any]]:
    from qa_audit.speech.windows import windows_of

    for number, (sound, spans) in enumerate(zip(job.channels, job.spans, strict=True)):
        for window in windows_of(number, spans):
            yield sound, window


def _forbidden(model: Any) -> list[int]:
    from whisper.tokenizer import get_tokenizer

    tokenizer = get_tokenizer(model.is_multilingual, num_languages=model.num_languages)
    return _never(tokenizer, model.dims.n_vocab)


def _never(tokenizer: Any, vocabulary: int) -> list[int]:
    """Return the tokens that this benchmark's rule forbids."""
    return [tokenizer.eot, *range(tokenizer.timestamp_begin, vocabulary)]


@contextmanager
def under_rule(engine: str, recogniser: Any) -> Iterator[None]:
    """Put the rule of this benchmark into our engine while it runs."""
    from qa_audit.speech import tries

    if engine == "faster-whisper":
        from qa_audit.speech import faster_whisper as module

        vocabulary = recogniser._converted.dims["n_vocab"]
        never = _never(module.whisper_files.tokenizer(vocabulary, LANGUAGE), vocabulary)
        recogniser._never = sorted({*recogniser._never, *never})
        with (
            _replaced(tries, TEMPERATURES=(0.0,)),
            _replaced(module, most_tokens=lambda seconds, language: TOKENS),
        ):
            yield
        return
    from qa_audit.speech import decoding, openai_whisper

    task_of = decoding.task_of

    def endless(model: Any, *rest: Any) -> Any:
        from whisper.decoding import SuppressTokens

        task = task_of(model, *rest)
        task.logit_filters.append(SuppressTokens(_forbidden(model)))
        return task

    with (
        _replaced(tries, TEMPERATURES=(0.0,)),
        _replaced(decoding, task_of=endless),
        _replaced(openai_whisper, most_tokens=lambda seconds, language: TOKENS),
    ):
        yield


@contextmanager
def _replaced(module: Any, **values: Any) -> Iterator[None]:
    before = {name: getattr(module, name) for name in values}
    for name, value in values.items():
        setattr(module, name, value)
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(module, name, value)


def _tokenizer_json(vocabulary: int) -> str:
    """Write whisper's tokenizer in the form of the `tokenizers` package, from its ranks of byte pairs."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    from qa_audit.speech import whisper_files

    encoding = whisper_files.tokenizer(vocabulary, LANGUAGE).encoding
    letters = _letters()
    ranks: dict[bytes, int] = encoding._mergeable_ranks

    def spelt(token: bytes) -> str:
        return "".join(letters[byte] for byte in token)

    merges = []
    for token, rank in ranks.items():
        if len(token) > 1:
            left, right = _halves(token, ranks, rank)
            merges.append((spelt(left), spelt(right)))
    made = Tokenizer(models.BPE({spelt(t): r for t, r in ranks.items()}, merges))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    special = sorted(encoding._special_tokens.items(), key=lambda item: item[1])
    made.add_special_tokens([AddedToken(name, special=True) for name, _ in special])
    return str(made.to_str())


def _halves(token: bytes, ranks: dict[bytes, int], rank: int) -> tuple[bytes, bytes]:
    """Return the two tokens that were merged into this one: all merges but the last, done."""
    parts = [bytes([byte]) for byte in token]
    while len(parts) > 2:
        found = [(ranks.get(a + b, rank), n) for n, (a, b) in enumerate(pairwise(parts))]
        best, at = min(found)
        if best >= rank:
            break
        parts[at : at + 2] = [parts[at] + parts[at + 1]]
    return parts[0], b"".join(parts[1:])


def _letters() -> dict[int, str]:
    """Give every byte a printable letter, as byte-level tokenizers do."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [byte for byte in range(256) if byte not in plain]
    return {byte: chr(byte) for byte in plain} | {byte: chr(256 + n) for n, byte in enumerate(rest)}
