"""Write the compact form of the demo model: half precision, only what cannot be computed again."""

from __future__ import annotations

import hashlib
import io
import json
import os
from pathlib import Path
from typing import Any

import torch
from torch import nn

from tools.training_windows import Vocabulary

FULL_VOCABULARY = 51864


def write_compact(model: nn.Module, vocab: Vocabulary, path: Path, facts: dict[str, Any]) -> Path:
    """Write model and used token ids to `path`, and what is known of them to a JSON file beside it."""
    state = {
        name: value.detach().to(torch.float16).contiguous().clone()
        for name, value in model.state_dict().items()
        if name != "encoder.positional_embedding"
    }
    dims = {**model.dims.__dict__, "n_vocab": FULL_VOCABULARY}
    buffer = io.BytesIO()
    torch.save(
        {"format": 1, "dims": dims, "used": torch.tensor(vocab.ids, dtype=torch.int32), "state": state},
        buffer,
    )
    data = buffer.getvalue()
    path.parent.mkdir(parents=True, exist_ok=True)
    _replace(path, data)
    about = {"dims": dims, "sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data), **facts}
    _replace(path.with_suffix(".json"), (json.dumps(about, indent=2) + "\n").encode())
    return path


def _replace(path: Path, data: bytes) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    temporary.write_bytes(data)
    temporary.replace(path)
