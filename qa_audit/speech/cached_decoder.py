"""Run whisper's text decoder token by token for a batch of windows, with everything cached that does not change.

The whisper package's own cache grows by copying and repeats the sound's keys and values for every beam; here
they are computed once per window, all tokens so far stand in place, and windows that are done leave the batch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from qa_audit.speech.encoded import EncodedSound, join, split

if TYPE_CHECKING:
    from torch import Tensor
    from whisper.model import MultiHeadAttention, ResidualAttentionBlock, Whisper


@dataclass
class _Layer:
    """One block's caches: keys and values of the sound (windows, heads, frames, size) and of the text so far."""

    block: ResidualAttentionBlock
    sound_keys: Tensor
    sound_values: Tensor
    keys: Tensor
    values: Tensor


class CachedDecoder:
    """The decoder of one model over one batch of encoded windows.

    `beams` rows of text stand for each window, next to each other; at most `longest` tokens are kept for each.
    """

    def __init__(self, model: Whisper, sound: EncodedSound, longest: int, beams: int = 1) -> None:
        import torch

        self._decoder = model.decoder
        self._heads = model.dims.n_text_head
        self._beams = beams
        self._length = 0
        self._dtype = sound.keys[0].dtype
        size = model.dims.n_text_state // self._heads
        shape = (len(sound) * beams, self._heads, longest, size)
        self._layers = [
            _Layer(
                block,
                keys,
                values,
                torch.empty(shape, dtype=self._dtype, device=keys.device),
                torch.empty(shape, dtype=self._dtype, device=keys.device),
            )
            for block, keys, values in zip(self._decoder.blocks, sound.keys, sound.values, strict=True)
        ]

    def logits(self, tokens: Tensor, places: Tensor | None = None) -> Tensor:
        """Feed tokens (rows, new) and return float32 logits (rows, places, vocabulary).

        `places` are indices into the new tokens; None means the last one alone.
        """
        hidden = self._hidden(tokens)
        chosen = hidden[:, -1:] if places is None else hidden[:, places]
        weights = self._decoder.token_embedding.weight.to(chosen.dtype)
        found: Tensor = (chosen @ weights.T).float()
        return found

    def keep(self, rows: Tensor) -> None:
        """Go on with these rows only, whole windows of them, in the order given."""
        windows = rows[:: self._beams] // self._beams
        for layer in self._layers:
            layer.sound_keys, layer.sound_values = layer.sound_keys[windows], layer.sound_values[windows]
            layer.keys, layer.values = layer.keys[rows], layer.values[rows]

    def rearrange_kv_cache(self, source_indices: list[int]) -> None:
        """Let each row go on from the text of another row of its window (whisper's beam search calls this)."""
        if source_indices == list(range(len(source_indices))):
            return
        for layer in self._layers:
            past = slice(0, self._length)
            layer.keys[:, :, past] = layer.keys[source_indices][:, :, past]
            layer.values[:, :, past] = layer.values[source_indices][:, :, past]

    def _hidden(self, tokens: Tensor) -> Tensor:
        first, last = self._length, self._length + tokens.shape[1]
        decoder = self._decoder
        x = decoder.token_embedding(tokens) + decoder.positional_embedding[first:last]
        x = x.to(self._dtype)
        for layer in self._layers:
            block = layer.block
            x = x + self._attend_to_text(layer, block.attn_ln(x), first, last)
            x = x + self._attend_to_sound(layer, block.cross_attn_ln(x))
            x = x + block.mlp(block.mlp_ln(x))
        self._length = last
        done: Tensor = decoder.ln(x)
        return done

    def _attend_to_text(self, layer: _Layer, x: Tensor, first: int, last: int) -> Tensor:
        from torch.nn.functional import scaled_dot_product_attention

        attention: MultiHeadAttention = layer.block.attn
        layer.keys[:, :, first:last] = split(attention.key(x), self._heads)
        layer.values[:, :, first:last] = split(attention.value(x), self._heads)
        found = scaled_dot_product_attention(
            split(attention.query(x), self._heads),
            layer.keys[:, :, :last],
            layer.values[:, :, :last],
            is_causal=last - first > 1,
        )
        out: Tensor = attention.out(join(found))
        return out

    def _attend_to_sound(self, layer: _Layer, x: Tensor) -> Tensor:
        """Attend with all rows of a window at once: its keys and values are read from memory only once."""
        attention: MultiHeadAttention = layer.block.cross_attn
        rows, new, width = x.shape
        query = split(attention.query(x).view(rows // self._beams, self._beams * new, width), self._heads)
        found = attend(query, layer.sound_keys, layer.sound_values)
        out: Tensor = attention.out(join(found).view(rows, new, width))
        return out


def attend(query: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    """Return attention of `query` over all keys, each (batch, heads, count, size), softmax in float32."""
    scores = (query @ keys.transpose(-1, -2)).float() * query.shape[-1] ** -0.5
    found: Tensor = scores.softmax(dim=-1).to(values.dtype) @ values
    return found
