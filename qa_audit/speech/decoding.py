"""Decode a batch of encoded windows by whisper's own rules, each window as far as its sound can go.

Which tokens may come, how beams are ranked and what a window begins with is the whisper package's; the loop is
ours, because the package decodes every window of a batch until the longest is done.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qa_audit.speech.cached_decoder import CachedDecoder
from qa_audit.speech.encoded import EncodedSound
from qa_audit.speech.tries import SEED, Decoded, best_tries

if TYPE_CHECKING:
    from torch import Tensor
    from whisper.decoding import DecodingTask
    from whisper.model import Whisper


@dataclass(frozen=True)
class Wording:
    """What the decoder is told: the language, text to think of as said before, and how many beams to follow."""

    language: str
    hints: str = ""
    beams: int = 1


def decode(
    model: Whisper,
    sound: EncodedSound,
    limits: Sequence[int],
    wording: Wording,
    check: Callable[[], None] = lambda: None,
    calls: Sequence[int] = (),
) -> list[Decoded]:
    """Decode windows, those that fail the tests again with rising temperature, and return the best tries.

    `limits` has the most tokens of each window, `calls` the number of windows of each call. `check` is called
    before each try, and raises to stop.
    """

    def decode_some(windows: list[int], temperature: float) -> list[Decoded]:
        check()
        return _decode_at(
            model, sound.of(windows), [limits[place] for place in windows], wording, temperature
        )

    return best_tries(len(sound), decode_some, calls, beams=wording.beams)


def task_of(model: Whisper, wording: Wording, temperature: float = 0.0) -> DecodingTask:
    """Return whisper's own description of the task: first tokens, filters, tokenizer."""
    from whisper.decoding import DecodingOptions, DecodingTask

    return DecodingTask(
        model,
        DecodingOptions(
            language=wording.language,
            prompt=wording.hints or None,
            temperature=temperature,
            beam_size=wording.beams if wording.beams > 1 and temperature == 0 else None,
            without_timestamps=True,
        ),
    )


def _decode_at(
    model: Whisper, sound: EncodedSound, limits: Sequence[int], wording: Wording, temperature: float
) -> list[Decoded]:
    import torch

    task = task_of(model, wording, temperature)
    longest = min(max(limits), model.dims.n_text_ctx - task.sample_begin)
    limits = [min(limit, longest) for limit in limits]
    decoder = CachedDecoder(model, sound, task.sample_begin + longest, task.n_group)
    with torch.inference_mode(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        follow = _follow_beams if task.n_group > 1 else _follow_one
        return follow(task, decoder, limits, temperature)


def _first_logits(
    task: DecodingTask, decoder: CachedDecoder, windows: int
) -> tuple[Tensor, Tensor, list[float]]:
    """Feed the first tokens; return them, the logits that follow (rows, vocabulary), and how likely silence is."""
    import torch

    device = task.model.device
    tokens = torch.tensor([task.initial_tokens], device=device).repeat(windows * task.n_group, 1)
    places = torch.tensor([task.sot_index, task.sample_begin - 1], device=device)
    logits = decoder.logits(tokens, places)
    no_speech = task.tokenizer.no_speech
    silent = logits[:: task.n_group, 0].softmax(dim=-1)[:, no_speech].tolist()
    return tokens, logits[:, 1], silent


def _follow_one(
    task: DecodingTask, decoder: CachedDecoder, limits: Sequence[int], temperature: float
) -> list[Decoded]:
    """Take one token after the other for each window; a window that has ended leaves the batch."""
    import torch

    eot = task.tokenizer.eot
    tokens, logits, silent = _first_logits(task, decoder, len(limits))
    rows = list(range(len(limits)))
    texts: list[list[int]] = [[] for _ in limits]
    sums = [0.0] * len(limits)
    cut = [False] * len(limits)
    while True:
        for logit_filter in task.logit_filters:
            logit_filter.apply(logits, tokens)
        chosen = _choose(logits, temperature)
        probable = logits.log_softmax(dim=-1).gather(1, chosen[:, None])[:, 0].tolist()
        going: list[int] = []
        for place, (window, token) in enumerate(zip(rows, chosen.tolist(), strict=True)):
            sums[window] += probable[place]
            if token == eot:
                continue
            texts[window].append(token)
            cut[window] = len(texts[window]) >= limits[window]
            if not cut[window]:
                going.append(place)
        if not going:
            break
        if len(going) < len(rows):
            kept = torch.tensor(going, device=chosen.device)
            decoder.keep(kept)
            tokens, chosen = tokens[kept], chosen[kept]
            rows = [rows[place] for place in going]
        tokens = torch.cat([tokens, chosen[:, None]], dim=1)
        logits = decoder.logits(chosen[:, None])[:, 0]
    return [
        _decoded(task, text, total, chance, temperature, is_cut)
        for text, total, chance, is_cut in zip(texts, sums, silent, cut, strict=True)
    ]


def _choose(logits: Tensor, temperature: float) -> Tensor:
    """Return the most probable token of each row, or one drawn with a temperature."""
    if not temperature:
        return logits.argmax(dim=-1)
    return (logits / temperature).softmax(dim=-1).multinomial(1)[:, 0]


def _follow_beams(
    task: DecodingTask, decoder: CachedDecoder, limits: Sequence[int], temperature: float
) -> list[Decoded]:
    """Follow several texts per window with whisper's beam search; all windows go on until the last has ended."""
    import torch

    eot, beams = task.tokenizer.eot, task.n_group
    task.decoder.inference = decoder
    tokens, logits, silent = _first_logits(task, decoder, len(limits))
    sums = torch.zeros(len(tokens), device=tokens.device)
    for _ in range(max(limits)):
        for logit_filter in task.logit_filters:
            logit_filter.apply(logits, tokens)
        tokens, completed = task.decoder.update(tokens, logits, sums)
        if completed or tokens.shape[1] >= task.sample_begin + max(limits):
            break
        logits = decoder.logits(tokens[:, -1:])[:, 0]
    found, scores = task.decoder.finalize(tokens.view(len(limits), beams, -1), sums.view(len(limits), beams))
    texts = [[text[task.sample_begin : (text == eot).nonzero()[0, 0]] for text in window] for window in found]
    chosen = task.sequence_ranker.rank(texts, scores)
    return [
        _decoded(
            task, texts[i][best][:limit].tolist(), scores[i][best], silent[i], temperature,
            len(texts[i][best]) >= limit,
        )
        for i, (best, limit) in enumerate(zip(chosen, limits, strict=True))
    ]  # fmt: skip


def _decoded(
    task: DecodingTask, tokens: list[int], total: float, silent: float, temperature: float, is_cut: bool
) -> Decoded:
    text = task.tokenizer.decode(tokens).strip()
    return Decoded(tuple(tokens), text, total / (len(tokens) + 1), silent, temperature, is_cut)
