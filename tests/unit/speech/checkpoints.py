"""Small checkpoints with random weights, for tests of everything that loads one."""

from __future__ import annotations

from pathlib import Path


def make_checkpoint(path: Path, width: int = 64, layers: tuple[int, int] = (2, 1), seed: int = 0) -> Path:
    """Write an English checkpoint in OpenAI's format with `layers` encoder and decoder layers."""
    import torch
    from whisper.model import ModelDimensions, Whisper

    torch.manual_seed(seed)
    dims = ModelDimensions(80, 1500, width, 2, layers[0], 51864, 448, width, 2, layers[1])
    model = Whisper(dims)
    torch.nn.init.normal_(model.decoder.positional_embedding, std=0.02)
    torch.nn.init.normal_(model.decoder.token_embedding.weight, std=0.05)
    torch.save({"dims": dims.__dict__, "model_state_dict": model.state_dict()}, path)
    return path
