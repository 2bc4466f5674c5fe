"""Hear with CTranslate2: the same whisper models, in 8-bit numbers on processors, without torch.

It takes the place of the package faster-whisper, which wants a tokenizer from the network and packs its
windows its own way.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qa_audit.errors import Permanent
from qa_audit.speech import models, whisper_files
from qa_audit.speech.conversion import converted, suppressed
from qa_audit.speech.features import log_mel
from qa_audit.speech.protocol import SAMPLE_RATE
from qa_audit.speech.recogniser import (
    GPU_BATCH,
    HeardWindow,
    HeardWord,
    SpeechOptions,
)
from qa_audit.speech.token_words import timed_words
from qa_audit.speech.tries import SEED, Decoded, best_tries
from qa_audit.speech.writing import LONGEST_TEXT, most_tokens

if TYPE_CHECKING:
    from ctranslate2 import StorageView
    from ctranslate2.models import Whisper
    from numpy import float32
    from numpy.typing import NDArray
    from whisper.tokenizer import Tokenizer

FRAMES_PER_SECOND = 100
TOKENS_PER_SECOND = 50
"""Of mel frames, and of the encoder's output that words are aligned with."""

CPU_BATCH = 6
"""Windows at once on a processor: more saves no time, and the sound's keys and values take 4 bytes for each number."""

_MALLOC = ((-8, 1), (-4, 0), (-1, 2**31 - 1))
"""glibc's M_ARENA_MAX, M_MMAP_MAX and M_TRIM_THRESHOLD: one heap for all threads that only grows."""


class FasterRecogniser:
    """A model that CTranslate2 has loaded; a checkpoint in OpenAI's format is converted on first use."""

    def __init__(self, found: models.Found, cache_dir: Path, options: SpeechOptions) -> None:
        self._device = _device(found, options.device)
        if self._device == "cpu":
            _keep_freed_memory()
        self._precision = _precision(options.precision, self._device)
        self._converted = converted(found, cache_dir, in_bytes=self._precision.startswith("int8"))
        self._options = options
        self._workers, self._threads = _shares(options, self._device)
        self._pool = ThreadPoolExecutor(self._workers)
        self._name = found.path.name
        self._has_sampled = False
        self._model = self._load()
        vocabulary = self._converted.dims["n_vocab"]
        self._never = suppressed(vocabulary)
        self.languages = _languages(vocabulary)

    @property
    def batch(self) -> int:
        """How many windows are best heard at once."""
        return self._options.batch or (GPU_BATCH if self._device == "cuda" else CPU_BATCH)

    @property
    def about(self) -> str:
        """Device and precision in use, and how the cores are shared, such as `cpu int8, 2 x 1 threads`."""
        return f"{self._device} {self._precision}, {self._workers} x {self._threads} threads"

    def language_of(self, sound: NDArray[float32]) -> str:
        """Return the code of the language spoken in a window."""
        if self.languages == {"en"}:
            return "en"
        chances = self._model.detect_language(self._encoded([sound]))[0]
        return str(chances[0][0]).strip("<|>")

    def hear(
        self,
        sounds: Sequence[NDArray[float32]],
        *,
        language: str,
        hints: str = "",
        calls: Sequence[int] = (),
        check: Callable[[], None] = lambda: None,
    ) -> list[HeardWindow]:
        """Recognise windows of at most 30 s, each on its own, in one batch (see `recogniser.Recogniser`)."""
        if not sounds:
            return []
        tokenizer = whisper_files.tokenizer(self._converted.dims["n_vocab"], language)
        encoded = self._encoded(sounds, check)
        lengths = [len(sound) / SAMPLE_RATE for sound in sounds]
        prompt = self._prompt(tokenizer, hints)
        room = self._converted.dims["n_text_ctx"] - len(prompt)
        limits = [min(most_tokens(length, language), room) for length in lengths]
        tries = self._best_tries(encoded, limits, tokenizer, prompt, calls, check)
        words = self._words(encoded, lengths, tokenizer, [one.tokens for one in tries])
        return [
            HeardWindow(
                found,
                one.avg_logprob,
                one.no_speech_prob,
                one.temperature,
                one.is_cut,
                one.is_cut and limit == LONGEST_TEXT,
            )
            for found, one, limit in zip(words, tries, limits, strict=True)
        ]

    def _load(self) -> Whisper:
        from ctranslate2 import set_random_seed
        from ctranslate2.models import Whisper

        set_random_seed(SEED)
        try:
            return Whisper(
                str(self._converted.folder),
                device=self._device,
                compute_type=self._precision,
                inter_threads=self._workers,
                intra_threads=self._threads,
            )
        except (RuntimeError, ValueError) as error:
            raise _unloadable(self._name, error) from error

    def _encoded(
        self, sounds: Sequence[NDArray[float32]], check: Callable[[], None] = lambda: None
    ) -> StorageView:
        """Run the encoder over all windows; on a GPU the outcome comes back, to be divided up."""
        import numpy as np
        from ctranslate2 import StorageView

        mels = np.stack([log_mel(sound, self._converted.dims["n_mels"]) for sound in sounds])

        def encode(group: list[int]) -> StorageView:
            check()
            return self._model.encode(StorageView.from_array(mels[group]), to_cpu=self._device == "cuda")

        return _joined(list(self._pool.map(encode, self._groups(range(len(mels))))))

    def _best_tries(
        self,
        encoded: StorageView,
        limits: Sequence[int],
        tokenizer: Tokenizer,
        prompt: list[int],
        calls: Sequence[int],
        check: Callable[[], None],
    ) -> list[Decoded]:
        """Decode all windows, those that failed with rising temperature, and return the best try of each."""

        def decode(left: list[int], temperature: float) -> list[Decoded]:
            check()
            part = encoded if len(left) == len(limits) else _chosen(encoded, left)
            return self._decoded(part, [limits[place] for place in left], tokenizer, prompt, temperature)

        return best_tries(len(limits), decode, calls, beams=self._options.beam)

    def _sample_as_the_first_time(self) -> None:
        """Load the model anew when it was sampled from before, so that a batch comes out the same every time.

        CTranslate2 seeds its random numbers once for each worker of a model, and has no way back.
        """
        if self._has_sampled:
            del self._model
            self._model = self._load()
        self._has_sampled = True

    def _prompt(self, tokenizer: Tokenizer, hints: str) -> list[int]:
        start = list(tokenizer.sot_sequence_including_notimestamps)
        if not hints.strip():
            return start
        room = self._converted.dims["n_text_ctx"] // 2 - 1
        return [tokenizer.sot_prev, *tokenizer.encode(" " + hints.strip())[-room:], *start]

    def _decoded(
        self,
        encoded: StorageView,
        limits: Sequence[int],
        tokenizer: Tokenizer,
        prompt: list[int],
        temperature: float,
    ) -> list[Decoded]:
        """Decode once, each window with no more tokens than its limit.

        CTranslate2 has one limit for a batch: windows that outran their own are decoded again with it.
        """
        found = self._generated(encoded, max(limits), tokenizer, prompt, temperature)
        for limit in {limits[n] for n, one in enumerate(found) if len(one.tokens) > limits[n]}:
            again = [n for n, one in enumerate(found) if limits[n] == limit and len(one.tokens) > limit]
            shorter = self._generated(_chosen(encoded, again), limit, tokenizer, prompt, temperature)
            for place, one in zip(again, shorter, strict=True):
                found[place] = one
        return found

    def _generated(
        self, encoded: StorageView, limit: int, tokenizer: Tokenizer, prompt: list[int], temperature: float
    ) -> list[Decoded]:
        """Decode windows with the most tokens each may have.

        Its workers share a batch among them: one core that reads the weights twice is still faster than two
        that wait for each other at every product. Drawing with a temperature is left to one of them.
        """
        if temperature:
            self._sample_as_the_first_time()

        def generate(part: StorageView) -> list[Any]:
            results: list[Any] = self._model.generate(
                part,
                [prompt] * part.shape[0],
                beam_size=1 if temperature else self._options.beam,
                # it takes half of this, or what the prompt leaves
                max_length=max(2 * limit, limit + len(prompt) - 1),
                return_scores=True,
                return_no_speech_prob=True,
                suppress_blank=True,
                suppress_tokens=self._never,
                sampling_topk=0 if temperature else 1,
                sampling_temperature=temperature or 1.0,
            )
            return results

        parts = [encoded] if temperature else _divided(encoded, self._workers)
        found = self._pool.map(generate, parts)
        return [_try_of(result, tokenizer, limit, temperature) for results in found for result in results]

    def _words(
        self,
        encoded: StorageView,
        lengths: Sequence[float],
        tokenizer: Tokenizer,
        tokens: Sequence[Sequence[int]],
    ) -> list[tuple[HeardWord, ...]]:
        """Align the text of all windows with their sound, and make words of the tokens."""
        texts = [[token for token in one if token < tokenizer.eot] for one in tokens]
        words: list[tuple[HeardWord, ...]] = [()] * len(texts)

        def align(group: list[int]) -> list[Any]:
            aligned: list[Any] = self._model.align(
                _chosen(encoded, group),
                list(tokenizer.sot_sequence),
                [texts[place] for place in group],
                [max(round(lengths[place] * FRAMES_PER_SECOND), 2) for place in group],
                median_filter_width=7,
            )
            return aligned

        groups = self._groups([place for place, text in enumerate(texts) if text])
        for group, aligned in zip(groups, self._pool.map(align, groups), strict=True):
            for place, found in zip(group, aligned, strict=True):
                times = _begins(found.alignments, len(texts[place]) + 1)
                words[place] = timed_words(
                    texts[place], tokenizer, times, found.text_token_probs, lengths[place]
                )
        return words

    def _groups(self, places: Sequence[int]) -> list[list[int]]:
        """Divide windows for what needs memory by the window: all at once on a GPU, else one by one.

        A processor is not slower for it: the products of one window are large enough to keep it busy.
        """
        if self._device == "cuda":
            return [list(places)] if places else []
        return [[place] for place in places]


def _try_of(result: Any, tokenizer: Tokenizer, limit: int, temperature: float) -> Decoded:
    """Read a result; its score is the mean over the tokens, where whisper counts the end of the text too."""
    tokens = tuple(result.sequences_ids[0])
    mean = result.scores[0] * len(tokens) / (len(tokens) + 1)
    text = tokenizer.decode([token for token in tokens if token < tokenizer.eot]).strip()
    return Decoded(tokens, text, mean, result.no_speech_prob, temperature, len(tokens) >= limit)


def _joined(parts: Sequence[StorageView]) -> StorageView:
    """Put encoded windows together into one batch."""
    import numpy as np
    from ctranslate2 import StorageView

    if len(parts) == 1:
        return parts[0]
    return StorageView.from_array(np.concatenate([_array(part) for part in parts]))


def _divided(encoded: StorageView, parts: int) -> list[StorageView]:
    """Divide a batch into so many parts of about the same size, fewer where it has fewer windows."""
    windows = encoded.shape[0]
    if parts == 1 or windows == 1:
        return [encoded]
    bounds = [round(part * windows / parts) for part in range(parts + 1)]
    return [_chosen(encoded, range(first, last)) for first, last in pairwise(bounds) if last > first]


def _chosen(encoded: StorageView, places: Sequence[int]) -> StorageView:
    """Return some windows of a batch."""
    from ctranslate2 import StorageView

    return StorageView.from_array(_array(encoded)[list(places)])


def _array(encoded: StorageView) -> NDArray[float32]:
    """Return encoded windows as numpy knows them, without a copy where they are float32."""
    import numpy as np
    from ctranslate2 import DataType

    return np.asarray(encoded.to(DataType.float32))


def _begins(alignment: Sequence[tuple[int, int]], count: int) -> list[float]:
    """Return the seconds at which each of the tokens begins, from the path through tokens and frames."""
    times = [0.0] * count
    for token, frame in reversed(alignment):
        times[token] = frame / TOKENS_PER_SECOND
    return times


def _languages(vocabulary: int) -> frozenset[str]:
    """Return the codes of the languages that a model with so many tokens has been taught."""
    if not whisper_files.is_multilingual(vocabulary):
        return frozenset({"en"})
    return frozenset(whisper_files.tokenizer(vocabulary).all_language_codes)


def _device(found: models.Found, wanted: str) -> str:
    """Choose the device. Raises Permanent("model_unavailable") when the package or a GPU is missing."""
    _use_wide_registers()
    try:
        import ctranslate2
    except ImportError as error:
        raise Permanent(
            "model_unavailable",
            "The speech engine faster-whisper is not installed: install the extra faster "
            "(pip install 'qa-audit[faster]'), or set QA_AUDIT_SPEECH_ENGINE to openai-whisper.",
        ) from error
    has_gpu = ctranslate2.get_cuda_device_count() > 0
    if wanted == "cuda" and not has_gpu:
        raise Permanent("model_unavailable", f"There is no GPU here for the speech model {found.path.name}.")
    return "cuda" if has_gpu and wanted != "cpu" else "cpu"


def _precision(wanted: str, device: str) -> str:
    """Choose what is computed in. Raises Permanent("model_unavailable") where this machine cannot."""
    import ctranslate2

    offered = ctranslate2.get_supported_compute_types(device)
    if wanted == "auto":
        order = ("float16", "float32") if device == "cuda" else ("int8", "int8_float32", "float32")
        return next(name for name in order if name in offered)
    if wanted not in offered:
        raise Permanent(
            "model_unavailable",
            f"The speech engine faster-whisper cannot compute in {wanted} on this machine's {device}; "
            f"it offers {', '.join(sorted(offered))}.",
        )
    return wanted


def _use_wide_registers() -> None:
    """Let CTranslate2 use AVX-512 where the processor has it; by itself it stays with AVX2 (7 % slower here).

    It looks at this once, when it is first imported.
    """
    with suppress(OSError):
        flags = Path("/proc/cpuinfo").read_text(encoding="utf8").split()
        if {"avx512f", "avx512bw", "avx512vl", "avx512dq", "avx512_vnni"} <= set(flags):
            os.environ.setdefault("CT2_FORCE_CPU_ISA", "AVX512")


def _keep_freed_memory() -> None:
    """Let the C library keep what is freed for the next window, instead of handing it back to the system.

    The attention of a window takes 70 MB and more for every layer; mapping it anew each time, page by page, took a
    fifth of all processor time. This holds for the whole process; where the library has no `mallopt`, nothing
    changes.
    """
    with suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        for setting, value in _MALLOC:
            mallopt(setting, value)


def _shares(options: SpeechOptions, device: str) -> tuple[int, int]:
    """Return how many workers a model gets, and how many threads each: a worker for each window at once."""
    threads = options.threads or _cores()
    workers = 1 if device == "cuda" else max(1, min(threads, options.batch or CPU_BATCH))
    return workers, max(1, threads // workers)


def _cores() -> int:
    """Return how many processor cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _unloadable(name: str, error: Exception) -> Permanent:
    reason = str(error).strip().splitlines() or [type(error).__name__]
    return Permanent("model_unavailable", f"The speech model {name} cannot be loaded: {reason[0][:200]}")
