"""Recognise speech with OpenAI's whisper package: its model and its rules, run in batches (see `decoding`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qa_audit.speech import alignment, decoding, models, precision
from qa_audit.speech.encoded import encode, features
from qa_audit.speech.protocol import SAMPLE_RATE
from qa_audit.speech.recogniser import AS_USUAL, GPU_BATCH, HeardWindow, SpeechOptions
from qa_audit.speech.writing import LONGEST_TEXT, most_tokens

if TYPE_CHECKING:
    from numpy import float32
    from numpy.typing import NDArray
    from torch import Tensor
    from whisper.model import Whisper

CACHE_SHARE = 0.4
"""What the keys and values of a batch may take of a machine's memory, as a share of the weights in float32: with it
the engine stays near the memory of the `whisper` command, which keeps one window."""


class OpenAIRecogniser:
    """A checkpoint in OpenAI's format, loaded by the whisper package. Implements `recogniser.Recogniser`.

    Raises Permanent("model_unavailable") for a broken file or a device that is not there.
    """

    def __init__(self, found: models.Found, cache_dir: Path, options: SpeechOptions = AS_USUAL) -> None:
        import torch

        self._machine = precision.choose(options, cache_dir)
        if self._machine.device == "cpu":
            torch.set_num_threads(self._machine.threads)
        self._options = options
        self._model: Whisper = precision.convert(
            models.load(found, self._machine.device), self._machine.precision
        )

    @property
    def languages(self) -> frozenset[str]:
        """The codes of the languages that the model knows."""
        from whisper.tokenizer import LANGUAGES

        if not self._model.is_multilingual:
            return frozenset({"en"})
        return frozenset(list(LANGUAGES)[: self._model.num_languages])

    @property
    def batch(self) -> int:
        """How many windows are heard at once: on a processor no more than fit into `CACHE_SHARE`."""
        if self._machine.device == "cuda":
            return self._options.batch or GPU_BATCH
        dims = self._model.dims
        numbers = sum(weights.numel() for weights in self._model.parameters())
        per_window = 2 * dims.n_text_layer * dims.n_audio_ctx * dims.n_text_state
        size = 4 if self._machine.precision == "float32" else 2
        room = int(CACHE_SHARE * 4 * numbers / (size * per_window))
        most = max(room, 2)
        return min(self._options.batch or most, most)

    @property
    def about(self) -> str:
        """Device, precision and threads in use."""
        return self._machine.about

    def language_of(self, sound: NDArray[float32]) -> str:
        """Return the code of the language spoken in a window."""
        import torch
        from whisper.decoding import detect_language

        with torch.inference_mode():
            encoded = features(self._model, self._mel(sound)[None])
            _, chances = detect_language(self._model, encoded)
        return str(max(chances[0], key=chances[0].get))

    def hear(
        self,
        sounds: Sequence[NDArray[float32]],
        *,
        language: str,
        hints: str = "",
        calls: Sequence[int] = (),
        check: Callable[[], None] = lambda: None,
    ) -> list[HeardWindow]:
        """Recognise windows in one batch (see `recogniser.Recogniser`)."""
        encoded = encode(self._model, [self._mel(sound) for sound in sounds], check)
        seconds = [len(sound) / SAMPLE_RATE for sound in sounds]
        wording = decoding.Wording(language, hints, self._options.beam)
        limits = [most_tokens(length, language) for length in seconds]
        found = decoding.decode(self._model, encoded, limits, wording, check, calls)
        tokenizer = decoding.task_of(self._model, wording).tokenizer
        texts = [[token for token in text.tokens if token < tokenizer.eot] for text in found]
        words = alignment.align(self._model, tokenizer, encoded, texts, seconds)
        return [
            HeardWindow(
                timed,
                text.avg_logprob,
                text.no_speech_prob,
                text.temperature,
                text.is_cut,
                text.is_cut and limit == LONGEST_TEXT,
            )
            for timed, text, limit in zip(words, found, limits, strict=True)
        ]

    def _mel(self, sound: NDArray[Any]) -> Tensor:
        """Compute the log mel spectrogram of a window, padded to 30 s."""
        import numpy as np
        from whisper.audio import log_mel_spectrogram, pad_or_trim

        padded = pad_or_trim(np.ascontiguousarray(sound, dtype=np.float32))
        mel: Tensor = log_mel_spectrogram(padded, self._model.dims.n_mels).to(self._model.device)
        return mel
