"""Encode windows of sound, and keep of them what whisper's text decoder looks at: keys and values per layer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor
    from whisper.model import AudioEncoder, Whisper


@dataclass(frozen=True)
class EncodedSound:
    """Encoded windows: for each decoder layer keys and values, each (windows, heads, frames, size)."""

    keys: tuple[Tensor, ...]
    values: tuple[Tensor, ...]

    def __len__(self) -> int:
        """Return the number of windows."""
        return len(self.keys[0])

    @property
    def dtype(self) -> object:
        """The type of number that the decoder works with."""
        return self.keys[0].dtype

    def of(self, windows: Sequence[int]) -> EncodedSound:
        """Return some of the windows, in the order given."""
        if list(windows) == list(range(len(self))):
            return self
        chosen = list(windows)
        return EncodedSound(tuple(k[chosen] for k in self.keys), tuple(v[chosen] for v in self.values))


def encode(model: Whisper, mels: Sequence[Tensor], check: Callable[[], None] = lambda: None) -> EncodedSound:
    """Encode spectrograms (mels, 3000), one after the other: a batch gains nothing on a processor, and needs memory.

    On a GPU they go together. `check` is called before each.
    """
    import torch

    with torch.inference_mode():
        if model.device.type == "cpu":
            layers = []
            for mel in mels:
                check()
                layers.append(_keys_and_values(model, features(model, mel[None])))
            together = [
                [torch.cat(parts) for parts in zip(*both, strict=True)] for both in zip(*layers, strict=True)
            ]
            return EncodedSound(tuple(together[0]), tuple(together[1]))
        keys, values = _keys_and_values(model, features(model, torch.stack(list(mels))))
        return EncodedSound(tuple(keys), tuple(values))


def features(model: Whisper, mels: Tensor) -> Tensor:
    """Run the encoder over spectrograms (windows, mels, 3000): whisper's blocks, with attention in float32.

    Half-precision attention loses more than it gains on a processor: torch has no fast kernel for it there.
    """
    from torch.nn.functional import gelu

    encoder: AudioEncoder = model.encoder
    x = mels.to(encoder.conv1.weight.dtype)
    x = gelu(encoder.conv2(gelu(encoder.conv1(x)))).transpose(1, 2)
    x = (x + encoder.positional_embedding).to(x.dtype)
    for block in encoder.blocks:
        attention, y = block.attn, block.attn_ln(x)
        query, key, value = (
            split(part(y), attention.n_head) for part in (attention.query, attention.key, attention.value)
        )
        x = x + attention.out(join(_attend(query, key, value)))
        x = x + block.mlp(block.mlp_ln(x))
    done: Tensor = encoder.ln_post(x)
    return done


def split(x: Tensor, heads: int) -> Tensor:
    """Turn (batch, count, width) into (batch, heads, count, size)."""
    return x.view(*x.shape[:2], heads, -1).transpose(1, 2)


def join(x: Tensor) -> Tensor:
    """Turn (batch, heads, count, size) into (batch, count, width)."""
    return x.transpose(1, 2).flatten(start_dim=2)


def _attend(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    from torch.nn.functional import scaled_dot_product_attention

    if query.device.type == "cpu":
        return scaled_dot_product_attention(query.float(), key.float(), value.float()).to(query.dtype)
    return scaled_dot_product_attention(query, key, value)


def _keys_and_values(model: Whisper, sound: Tensor) -> tuple[list[Tensor], list[Tensor]]:
    heads, blocks = model.dims.n_text_head, model.decoder.blocks
    return (
        [split(block.cross_attn.key(sound), heads).contiguous() for block in blocks],
        [split(block.cross_attn.value(sound), heads).contiguous() for block in blocks],
    )
