"""Where CTranslate2 wants the weights of whisper's layers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


class Weights:
    """A checkpoint's weights; each is taken once, under its name, in the shape it must have."""

    def __init__(self, state: Mapping[str, torch.Tensor]) -> None:
        import torch

        self._left = dict(state)
        self.are_half = all(weight.dtype == torch.float16 for weight in state.values())

    def take(self, name: str, *shape: int) -> torch.Tensor:
        """Return a weight. Raises ValueError when it is missing or has another shape."""
        weight = self._left.pop(name, None)
        if weight is None:
            raise ValueError(f"it lacks the weights {name}")
        if tuple(weight.shape) != shape:
            raise ValueError(f"its weights {name} have the shape {tuple(weight.shape)} instead of {shape}")
        return weight

    def check_that_none_is_left(self) -> None:
        """Raise ValueError when the checkpoint has more weights than were taken."""
        if self._left:
            raise ValueError(f"it has weights that are not whisper's, such as {min(self._left)}")


def set_encoder(spec: Any, weights: Weights, dims: Mapping[str, int]) -> None:
    """Fill a WhisperEncoderSpec."""
    width = dims["n_audio_state"]
    for name, conv, channels in (("conv1", spec.conv1, dims["n_mels"]), ("conv2", spec.conv2, width)):
        conv.weight = weights.take(f"encoder.{name}.weight", width, channels, 3)
        conv.bias = weights.take(f"encoder.{name}.bias", width)
    spec.position_encodings.encodings = weights.take(
        "encoder.positional_embedding", dims["n_audio_ctx"], width
    )
    _set_norm(spec.layer_norm, weights, "encoder.ln_post", width)
    for number, layer in enumerate(spec.layer):
        name = f"encoder.blocks.{number}"
        _set_self_attention(layer.self_attention, weights, name, width)
        _set_feed_forward(layer.ffn, weights, name, width)


def set_decoder(spec: Any, weights: Weights, dims: Mapping[str, int]) -> None:
    """Fill the TransformerDecoderSpec of a WhisperSpec; words come out through the table they go in by."""
    width = dims["n_text_state"]
    spec.embeddings.weight = weights.take("decoder.token_embedding.weight", dims["n_vocab"], width)
    spec.projection.weight = spec.embeddings.weight
    spec.position_encodings.encodings = weights.take(
        "decoder.positional_embedding", dims["n_text_ctx"], width
    )
    _set_norm(spec.layer_norm, weights, "decoder.ln", width)
    for number, layer in enumerate(spec.layer):
        name = f"decoder.blocks.{number}"
        _set_self_attention(layer.self_attention, weights, name, width)
        _set_cross_attention(layer.attention, weights, name, width, dims["n_audio_state"])
        _set_feed_forward(layer.ffn, weights, name, width)


def _set_norm(spec: Any, weights: Weights, name: str, width: int) -> None:
    spec.gamma = weights.take(f"{name}.weight", width)
    spec.beta = weights.take(f"{name}.bias", width)


def _set_linear(spec: Any, weights: Weights, name: str, rows: int, columns: int) -> None:
    spec.weight = weights.take(f"{name}.weight", rows, columns)
    spec.bias = weights.take(f"{name}.bias", rows)


def _set_self_attention(spec: Any, weights: Weights, block: str, width: int) -> None:
    _set_norm(spec.layer_norm, weights, f"{block}.attn_ln", width)
    _set_joined(
        spec.linear[0], weights, [f"{block}.attn.{name}" for name in ("query", "key", "value")], width, width
    )
    _set_linear(spec.linear[1], weights, f"{block}.attn.out", width, width)


def _set_cross_attention(spec: Any, weights: Weights, block: str, width: int, heard: int) -> None:
    """`heard` is the encoder's width: what keys and values are made of."""
    _set_norm(spec.layer_norm, weights, f"{block}.cross_attn_ln", width)
    _set_linear(spec.linear[0], weights, f"{block}.cross_attn.query", width, width)
    _set_joined(
        spec.linear[1], weights, [f"{block}.cross_attn.{name}" for name in ("key", "value")], width, heard
    )
    _set_linear(spec.linear[2], weights, f"{block}.cross_attn.out", width, width)


def _set_joined(spec: Any, weights: Weights, names: list[str], width: int, columns: int) -> None:
    """Put several products with one input into one; whisper's keys have no bias."""
    import torch

    parts = [weights.take(f"{name}.weight", width, columns) for name in names]
    biases = [
        torch.zeros(width, dtype=part.dtype) if name.endswith(".key") else weights.take(f"{name}.bias", width)
        for name, part in zip(names, parts, strict=True)
    ]
    spec.weight = torch.cat(parts)
    spec.bias = torch.cat(biases)


def _set_feed_forward(spec: Any, weights: Weights, block: str, width: int) -> None:
    _set_norm(spec.layer_norm, weights, f"{block}.mlp_ln", width)
    _set_linear(spec.linear_0, weights, f"{block}.mlp.0", 4 * width, width)
    _set_linear(spec.linear_1, weights, f"{block}.mlp.2", width, 4 * width)
