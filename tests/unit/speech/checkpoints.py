"""Small checkpoints with random weights, for tests of everything that loads one."""

from __future__ import annotations

from pathlib import Path

ENGLISH_TOKENS = 51864


def make_checkpoint(
    path: Path,
    width: int = 64,
    layers: tuple[int, int] = (2, 1),
    seed: int = 0,
    *,
    heads: int = 2,
    mels: int = 80,
    languages: int = 0,
) -> Path:
    """Write a checkpoint in OpenAI's format with `layers` encoder and decoder layers.

    It is English only unless it is given a number of languages (99, or 100 as large-v3 has).
    """
    import torch
    from whisper.model import ModelDimensions, Whisper

    torch.manual_seed(seed)
    tokens = ENGLISH_TOKENS + 1 + languages - 99 if languages else ENGLISH_TOKENS
    dims = ModelDimensions(mels, 1500, width, heads, layers[0], tokens, 448, width, heads, layers[1])
    model = Whisper(dims)
    torch.nn.init.normal_(model.decoder.positional_embedding, std=0.02)
    torch.nn.init.normal_(model.decoder.token_embedding.weight, std=0.05)
    torch.save({"dims": dims.__dict__, "model_state_dict": model.state_dict()}, path)
    return path
