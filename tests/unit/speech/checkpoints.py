"""Small checkpoints with random weights, for tests of everything that loads one."""

from __future__ import annotations

from pathlib import Path

ENGLISH, MULTILINGUAL, MULTILINGUAL_100 = 51864, 51865, 51866
"""Numbers of tokens: English alone, 99 languages, 100 languages."""


def make_checkpoint(
    path: Path,
    width: int = 64,
    layers: tuple[int, int] = (2, 1),
    seed: int = 0,
    *,
    heads: int = 2,
    mels: int = 80,
    vocabulary: int = ENGLISH,
    is_half: bool = False,
) -> Path:
    """Write a checkpoint in OpenAI's format with `layers` encoder and decoder layers."""
    import torch
    from whisper.model import ModelDimensions, Whisper

    torch.manual_seed(seed)
    dims = ModelDimensions(mels, 1500, width, heads, layers[0], vocabulary, 448, width, heads, layers[1])
    model = Whisper(dims)
    torch.nn.init.normal_(model.decoder.positional_embedding, std=0.02)
    torch.nn.init.normal_(model.decoder.token_embedding.weight, std=0.05)
    state = {name: value.half() if is_half else value for name, value in model.state_dict().items()}
    torch.save({"dims": dims.__dict__, "model_state_dict": state}, path)
    return path
