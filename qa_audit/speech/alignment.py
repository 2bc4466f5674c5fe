"""Find when each word of decoded windows was said, from where the decoder looked in the sound.

The method is the whisper package's (`whisper.timing.find_alignment`): the attention of chosen heads, normalised
and smoothed, and the cheapest monotone path through it. Here a whole batch goes through the decoder at once,
only as deep as the chosen heads lie, on sound that was encoded already.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from qa_audit.speech.cached_decoder import attend
from qa_audit.speech.dtw import dtw
from qa_audit.speech.encoded import EncodedSound, join, split
from qa_audit.speech.recogniser import HeardWord
from qa_audit.speech.token_words import timed_words

if TYPE_CHECKING:
    from torch import Tensor
    from whisper.model import MultiHeadAttention, Whisper
    from whisper.tokenizer import Tokenizer

FRAMES_PER_SECOND = 50
"""The encoder gives one frame for each 20 ms."""

REACH = 3
"""Frames on either side: the reach of the median filter over the attention (whisper/timing.py has a width of 7)."""

_EXCHANGES = (
    (0, 5), (0, 3), (1, 6), (2, 4), (0, 1), (3, 5), (2, 6), (2, 3), (3, 6), (4, 5), (1, 4), (1, 3), (3, 4),
)  # fmt: skip


def align(
    model: Whisper,
    tokenizer: Tokenizer,
    sound: EncodedSound,
    texts: Sequence[Sequence[int]],
    seconds: Sequence[float],
) -> list[tuple[HeardWord, ...]]:
    """Return the timed words of each window; `texts` are its tokens, `seconds` its length."""
    import torch

    spoken = [i for i, text in enumerate(texts) if text]
    words: list[tuple[HeardWord, ...]] = [() for _ in texts]
    if not spoken:
        return words
    begin = [*tokenizer.sot_sequence, tokenizer.no_timestamps]
    rows = [[*begin, *texts[i], tokenizer.eot] for i in spoken]
    longest = max(map(len, rows))
    tokens = torch.tensor([row + [tokenizer.eot] * (longest - len(row)) for row in rows], device=model.device)
    with torch.inference_mode():
        scores, hidden = _attention(model, tokens, sound.of(spoken), len(begin) - 1)
        vocabulary = model.decoder.token_embedding.weight[: tokenizer.eot].to(hidden.dtype)
        for row, i in enumerate(spoken):
            count = len(texts[i])
            chances = (hidden[row, :count] @ vocabulary.T).float().softmax(dim=-1)
            probable = chances[torch.arange(count), torch.tensor(texts[i], device=model.device)].tolist()
            frames = max(round(seconds[i] * FRAMES_PER_SECOND), 1)
            seen = (head[row, : len(rows[row]), :frames] for head in scores)
            words[i] = timed_words(texts[i], tokenizer, _starts(seen, len(begin) - 1), probable, seconds[i])
    return words


def _attention(
    model: Whisper, tokens: Tensor, sound: EncodedSound, first: int
) -> tuple[list[Tensor], Tensor]:
    """Run the decoder over whole texts.

    Returns the attention scores (windows, tokens, frames) of each chosen head, and what the last layer made of the
    tokens from `first` on.
    """
    from torch.nn.functional import scaled_dot_product_attention

    decoder, heads = model.decoder, model.dims.n_text_head
    chosen = model.alignment_heads.indices().T.tolist()

    scores: list[Tensor] = []
    x = decoder.token_embedding(tokens) + decoder.positional_embedding[: tokens.shape[1]]
    x = x.to(sound.keys[0].dtype)
    for number, block in enumerate(decoder.blocks):
        own: MultiHeadAttention = block.attn
        y = block.attn_ln(x)
        query, key, value = (split(part(y), heads) for part in (own.query, own.key, own.value))
        x = x + own.out(join(scaled_dot_product_attention(query, key, value, is_causal=True)))
        cross: MultiHeadAttention = block.cross_attn
        query, keys = split(cross.query(block.cross_attn_ln(x)), heads), sound.keys[number]
        for head in (head for layer, head in chosen if layer == number):
            scores.append(query[:, head] @ keys[:, head].transpose(-1, -2) * query.shape[-1] ** -0.5)
        x = x + cross.out(join(attend(query, keys, sound.values[number])))
        x = x + block.mlp(block.mlp_ln(x))
    return scores, decoder.ln(x)[:, first:]


def _starts(scores: Iterable[Tensor], first: int) -> list[float]:
    """Return when each text token and the end begin, in seconds, from each head's scores (tokens, frames)."""
    import torch

    heads = 0
    total: Tensor | float = 0.0
    for head in scores:
        weights = head.float().softmax(dim=-1)
        deviation, mean = torch.std_mean(weights, dim=-2, keepdim=True, unbiased=False)
        total = total + smoothed((weights - mean) / deviation.clamp_min(1e-9))
        heads += 1
    matrix = (torch.as_tensor(total) / heads)[first:-1]
    text, time = dtw(-matrix.double().cpu().numpy())
    starts = [0.0] * (int(text[-1]) + 1)
    for row, column in zip(reversed(text.tolist()), reversed(time.tolist()), strict=True):
        starts[row] = column / FRAMES_PER_SECOND
    return starts


def smoothed(rows: Tensor) -> Tensor:
    """Return rows (any, frames) with each value replaced by the median of itself and three on either side.

    Equal to `whisper.timing.median_filter` of width 7, which sorts; this exchanges pairs until the middle one is
    known, some twelve times faster on a processor. The exchanges are Devillard's ("Fast median search", 1998).
    """
    import torch
    from torch.nn.functional import pad

    if rows.shape[-1] <= REACH:
        return rows
    wide = pad(rows, (REACH, REACH), mode="reflect")
    near = [wide[..., shift : shift + rows.shape[-1]] for shift in range(2 * REACH + 1)]
    for low, high in _EXCHANGES:
        near[low], near[high] = torch.minimum(near[low], near[high]), torch.maximum(near[low], near[high])
    return near[REACH]
