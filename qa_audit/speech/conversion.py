"""Turn a checkpoint in OpenAI's format into a CTranslate2 model, once, and keep it in the model cache.

The work is done by a process of its own: it needs torch, which the engine then does without.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qa_audit.errors import Permanent, QaAuditError, Temporary
from qa_audit.speech import models, whisper_files

if TYPE_CHECKING:
    import torch

VERSION = 1
"""Raised when a conversion would come out differently: what older versions made is then left alone."""

_RECORD = "converted.json"
_FULL = 28  # errno.ENOSPC

State = dict[str, "torch.Tensor"]


@dataclass(frozen=True)
class Converted:
    """A CTranslate2 model's folder, and the sizes that its checkpoint gave (whisper's names)."""

    folder: Path
    dims: Mapping[str, int]


def converted(found: models.Found, cache_dir: Path, *, in_bytes: bool = False) -> Converted:
    """Return the converted model, making it first where it is missing or damaged.

    `in_bytes` keeps the weights as 8-bit numbers, for computing in int8: the file is half as large, and loads
    ten times faster. Several processes may ask at once: one makes it, the others wait. Raises
    Permanent("model_unavailable") for a checkpoint that is none, Temporary when the cache cannot be written.
    """
    kind = "int8" if in_bytes else "float"
    folder = cache_dir / f"ctranslate2-{VERSION}-{kind}-{found.sha256[:16]}"
    return _whole(folder) or _made(found, folder, kind)


def _whole(folder: Path) -> Converted | None:
    """Return the model if all its files are there with the bytes they were written with."""
    try:
        record = json.loads((folder / _RECORD).read_text(encoding="utf8"))
        for name, sha256 in record["files"].items():
            if _digest(folder / name) != sha256:
                return None
        return Converted(folder, record["dims"])
    except (OSError, ValueError, KeyError):
        return None


def _made(found: models.Found, folder: Path, kind: str) -> Converted:
    """Let a child convert. It takes the lock itself, so that it holds on when this process is killed."""
    code, said = _run([str(found.path), found.sha256, str(folder), kind])
    if code:
        raise _failure(found, said, code)
    whole = _whole(folder)
    if whole is None:
        raise Temporary(f"The converted speech model in {folder.parent} was damaged as soon as it was made.")
    return whole


def _run(arguments: list[str]) -> tuple[int, bytes]:
    """Run `main` in a child; returns its exit status and standard output."""
    child = subprocess.run(
        [sys.executable, "-m", __name__, *arguments],
        env=_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    return child.returncode, child.stdout


def _environment() -> dict[str, str]:
    """Let the child find this package where it is not installed."""
    root = Path(__file__).resolve().parents[2]
    if root.name in ("site-packages", "dist-packages"):
        return {**os.environ}
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, [str(root), os.environ.get("PYTHONPATH")])),
    }


def _failure(found: models.Found, said: bytes, code: int) -> QaAuditError:
    """Return the error that a child left on its standard output, or one that says how it died."""
    with suppress(ValueError, KeyError):
        told = json.loads(said)
        if told["passing"]:
            return Temporary(told["message"])
        return Permanent("model_unavailable", told["message"])
    return Temporary(
        f"Preparing the speech model {found.path.name} broke off (exit status {code}); this machine may have "
        "too little memory for it."
    )


def main(arguments: list[str]) -> int:
    """Convert in a child: checkpoint, its sha256, folder, kind. An error goes to standard output as JSON."""
    path, sha256, folder, kind = Path(arguments[0]), arguments[1], Path(arguments[2]), arguments[3]
    passing = False
    try:
        _convert_once(path, sha256, folder, in_bytes=kind == "int8")
    except OSError as error:
        passing = True
        why = "the disk is full" if error.errno == _FULL else error.strerror or str(error)
        message = f"The speech model {path.name} cannot be prepared in {folder.parent}: {why}."
    except Exception as error:  # whatever a broken file makes torch raise
        reason = str(error).strip().splitlines() or [type(error).__name__]
        message = f"The speech model {path.name} cannot be loaded: {reason[0][:200]}"
    else:
        return 0
    print(json.dumps({"passing": passing, "message": message}))
    return 1


def _convert_once(path: Path, sha256: str, folder: Path, *, in_bytes: bool) -> None:
    """Convert under a lock into a folder that takes its name only when everything in it is on disk."""
    from filelock import FileLock

    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = folder.with_name(f".{folder.name}.tmp")
    with FileLock(str(folder) + ".lock"):
        if _whole(folder):
            return
        for left_over in (temporary, folder):
            if left_over.exists():
                shutil.rmtree(left_over)
        temporary.mkdir()
        try:
            _write(path, sha256, temporary, in_bytes=in_bytes)
            temporary.rename(folder)
            _sync(folder.parent)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def _write(path: Path, sha256: str, folder: Path, *, in_bytes: bool) -> None:
    checkpoint = _load(path)
    dims = {name: int(value) for name, value in checkpoint["dims"].items()}
    convert(checkpoint["model_state_dict"], dims, folder, sha256=sha256, in_bytes=in_bytes)
    files = {}
    for file in sorted(folder.iterdir()):
        _sync(file)
        files[file.name] = _digest(file)
    record = folder / _RECORD
    record.write_text(json.dumps({"files": files, "dims": dims}, indent=2) + "\n", encoding="utf8")
    _sync(record)
    _sync(folder)


def _load(path: Path) -> dict[str, Any]:
    """Read a checkpoint; its weights stay in the file until they are written out."""
    import zipfile

    import torch

    loaded = torch.load(path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path))
    if not isinstance(loaded, dict) or not {"dims", "model_state_dict"} <= loaded.keys():
        raise ValueError("it is no checkpoint in OpenAI's format")
    return loaded


def convert(
    state: State, dims: Mapping[str, int], folder: Path, *, sha256: str = "", in_bytes: bool = False
) -> None:
    """Write a CTranslate2 model from the weights of a whisper model (`dims` as in whisper/model.py).

    Half-precision weights stay as they are, all others become float32, unless they are kept `in_bytes`.
    `sha256` tells whether this is a named model, whose alignment heads are known. Raises ValueError when
    weights are missing, left over, or of the wrong shape.
    """
    from ctranslate2.specs import WhisperSpec

    from qa_audit.speech.conversion_layers import Weights, set_decoder, set_encoder

    weights = Weights(state)
    spec = WhisperSpec(dims["n_audio_layer"], dims["n_audio_head"], dims["n_text_layer"], dims["n_text_head"])
    set_encoder(spec.encoder, weights, dims)
    set_decoder(spec.decoder, weights, dims)
    weights.check_that_none_is_left()
    spec.register_vocabulary(_vocabulary(dims["n_vocab"]))
    _configure(spec.config, dims, sha256)
    spec.validate()
    spec.optimize(quantization="int8" if in_bytes else "float16" if weights.are_half else "float32")
    spec.save(str(folder))


def _vocabulary(size: int) -> list[str]:
    """Return all tokens in their places, bytes as characters: CTranslate2 looks up the special ones by name."""
    encoding = whisper_files.tokenizer(size).encoding
    if not size >= 51864 or encoding.n_vocab > size:
        raise ValueError(f"its vocabulary of {size} tokens is none of whisper's")
    tokens = [
        encoding.decode_single_token_bytes(token).decode("latin-1") for token in range(encoding.n_vocab)
    ]
    return tokens + [f"<|unused {number}|>" for number in range(size - len(tokens))]


def _configure(config: Any, dims: Mapping[str, int], sha256: str) -> None:
    """Set what whisper keeps in its tokenizer and its code: tokens never to choose, languages, heads."""
    tokenizer = whisper_files.tokenizer(dims["n_vocab"])
    config.suppress_ids = suppressed(dims["n_vocab"])
    config.suppress_ids_begin = [*tokenizer.encode(" "), tokenizer.eot]
    first = tokenizer.sot + 1
    config.lang_ids = (
        [*range(first, tokenizer.translate)] if whisper_files.is_multilingual(dims["n_vocab"]) else []
    )
    config.alignment_heads = _alignment_heads(dims, sha256)


def suppressed(vocabulary: int) -> list[int]:
    """Return the tokens that are never chosen: marks nobody speaks, and special ones (whisper/decoding.py)."""
    tokenizer = whisper_files.tokenizer(vocabulary)
    special = [
        tokenizer.transcribe,
        tokenizer.translate,
        tokenizer.sot,
        tokenizer.sot_prev,
        tokenizer.sot_lm,
        tokenizer.no_speech,
    ]
    return sorted({*tokenizer.non_speech_tokens, *special})


def _alignment_heads(dims: Mapping[str, int], sha256: str) -> list[tuple[int, int]]:
    """Return (layer, head) of the attention that follows the sound: known for named models, else as whisper.

    Whisper takes all heads of the last half of the layers where it knows none (whisper/model.py).
    """
    import base64
    import gzip

    import numpy as np

    layers, heads = dims["n_text_layer"], dims["n_text_head"]
    for name, url in whisper_files.constant("_MODELS").items():
        if url.split("/")[-2] == sha256:
            marks = np.frombuffer(
                gzip.decompress(base64.b85decode(whisper_files.constant("_ALIGNMENT_HEADS")[name])), bool
            )
            return [(int(n) // heads, int(n) % heads) for n in marks.nonzero()[0]]
    return [(layer, head) for layer in range(layers // 2, layers) for head in range(heads)]


def _digest(path: Path) -> str:
    with path.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
