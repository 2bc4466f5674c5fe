"""Unpack the bundled demo model into an ordinary checkpoint in OpenAI's format.

The package carries only half-precision weights and the embedding rows of the tokens that the model knows.
Whisper loads nothing but whole checkpoints, so the rest is filled in once and kept in the model cache.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qa_audit.errors import Permanent, Temporary

if TYPE_CHECKING:
    import torch

COMPACT = Path(__file__).resolve().parent.parent / "demo" / "model" / "demo-model.pt"
CONSTANT_CHANNEL = 0
"""The channel that the last layer norm holds at 1 (see `expand`)."""

UNUSED = -1000.0
"""The logit of every token the model does not know, taken through the constant channel."""


def ensure_demo_checkpoint(cache_dir: Path, compact: Path = COMPACT) -> Path:
    """Return the unpacked demo checkpoint in `cache_dir`, making it first where it is missing or damaged.

    Several processes may ask at once: one makes the file, the others wait. Raises
    Permanent("model_unavailable") when the bundled file is missing or damaged, Temporary when the cache
    cannot be written.
    """
    digest = _read_digest(compact)
    target = cache_dir / f"demo-{digest[:16]}.pt"
    record = target.with_suffix(".sha256")
    if _is_whole(target, record):
        return target
    from filelock import FileLock

    try:
        cache_dir.mkdir(parents=True, exist_ok=True)
        with FileLock(str(target) + ".lock"):
            if not _is_whole(target, record):
                _write(target, record, expand(_load(compact)))
    except OSError as error:
        raise Temporary(f"The demo model cannot be unpacked into {cache_dir}: {error.strerror}.") from error
    return target


def about(compact: Path = COMPACT) -> dict[str, Any]:
    """Return what is recorded of the bundled model: sizes, checksum, how it was made, its error rates."""
    try:
        found = json.loads(compact.with_suffix(".json").read_text(encoding="utf8"))
    except (OSError, ValueError) as error:
        raise Permanent(
            "model_unavailable", "The bundled demo model is missing from this installation."
        ) from error
    return dict(found)


def is_demo_checkpoint(path: Path) -> bool:
    """Tell by its name in the cache whether a checkpoint is the unpacked demo model."""
    return path.name.startswith("demo-") and path.suffix == ".pt" and path.with_suffix(".sha256").exists()


def expand(compact: dict[str, Any]) -> dict[str, Any]:
    """Fill in what the compact form leaves out; returns {"dims", "model_state_dict"} in half precision.

    Missing are the encoder's position table (a formula) and the rows of unused tokens. The last layer norm
    holds one channel at 1 whatever it is given; a large negative weight there makes every unused token lose.
    """
    import torch
    from whisper.model import sinusoids

    dims = dict(compact["dims"])
    state = dict(compact["state"])
    width = dims["n_text_state"]
    rows = torch.zeros(dims["n_vocab"], width, dtype=torch.float16)
    rows[:, CONSTANT_CHANNEL] = UNUSED
    rows[compact["used"].long()] = state["decoder.token_embedding.weight"]
    state["decoder.token_embedding.weight"] = rows
    state["encoder.positional_embedding"] = sinusoids(dims["n_audio_ctx"], dims["n_audio_state"]).to(
        torch.float16
    )
    return {"dims": dims, "model_state_dict": state}


def checkpoint_bytes(checkpoint: dict[str, Any]) -> bytes:
    """Serialise a checkpoint; equal weights give equal bytes with one version of torch."""
    import io

    import torch

    buffer = io.BytesIO()
    torch.save(checkpoint, buffer)
    return buffer.getvalue()


def _read_digest(compact: Path) -> str:
    try:
        return hashlib.sha256(compact.read_bytes()).hexdigest()
    except OSError as error:
        raise Permanent(
            "model_unavailable", "The bundled demo model is missing from this installation."
        ) from error


def _load(compact: Path) -> dict[str, Any]:
    import torch

    if about(compact)["sha256"] != _read_digest(compact):
        raise Permanent("model_unavailable", "The bundled demo model is damaged: install the package again.")
    loaded: dict[str, torch.Tensor | Any] = torch.load(compact, map_location="cpu", weights_only=True)
    return loaded


def _is_whole(target: Path, record: Path) -> bool:
    """Tell whether the unpacked file is there with the bytes it was written with."""
    try:
        return hashlib.sha256(target.read_bytes()).hexdigest() == record.read_text(encoding="ascii").strip()
    except OSError:
        return False


def _write(target: Path, record: Path, checkpoint: dict[str, Any]) -> None:
    data = checkpoint_bytes(checkpoint)
    _durable(target, data)
    _durable(record, hashlib.sha256(data).hexdigest().encode() + b"\n")


def _durable(path: Path, data: bytes) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
