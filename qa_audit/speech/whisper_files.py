"""What the whisper package has in its files (tokenizer, mel filters, tables), without importing the package.

Importing whisper imports torch: 2 seconds and 283 MB that an engine without torch has no use for.
"""

from __future__ import annotations

import ast
import importlib.util
import sys
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qa_audit.errors import Permanent

if TYPE_CHECKING:
    from types import ModuleType

    from numpy import float32
    from numpy.typing import NDArray
    from whisper.tokenizer import Tokenizer

_TOKENIZER = "qa_audit_whisper_tokenizer"


def tokenizer(vocabulary: int, language: str | None = None) -> Tokenizer:
    """Return whisper's tokenizer for a model with so many tokens; the size tells which languages it knows.

    An English-only model ignores `language`. Raises Permanent("model_unavailable") when the whisper package
    is missing.
    """
    has_languages = is_multilingual(vocabulary)
    found: Tokenizer = _tokenizer_module().get_tokenizer(
        has_languages,
        num_languages=language_count(vocabulary),
        language=language if has_languages else None,
        task="transcribe" if has_languages else None,
    )
    return found


def is_multilingual(vocabulary: int) -> bool:
    """Tell by its number of tokens whether a model knows more than English (whisper/model.py)."""
    return vocabulary >= 51865


def language_count(vocabulary: int) -> int:
    """Return how many languages have a token; English-only models have them too, unused (whisper/model.py)."""
    return vocabulary - 51765 - int(is_multilingual(vocabulary))


@lru_cache(maxsize=2)
def mel_filters(n_mels: int) -> NDArray[float32]:
    """Return the matrix that turns 201 frequencies into mel bands (80 or 128)."""
    import numpy as np

    with np.load(package_folder() / "assets" / "mel_filters.npz", allow_pickle=False) as found:
        return np.asarray(found[f"mel_{n_mels}"], np.float32)


def package_folder() -> Path:
    """Return where the whisper package is installed. Raises Permanent("model_unavailable")."""
    spec = importlib.util.find_spec("whisper")
    if spec is None or spec.origin is None:
        raise Permanent("model_unavailable", "The package openai-whisper is missing: install QA Audit again.")
    return Path(spec.origin).parent


def constant(name: str) -> Any:
    """Return a table that whisper/__init__.py writes out in full, such as `_MODELS`, without running it.

    Raises KeyError when there is none.
    """
    program = ast.parse((package_folder() / "__init__.py").read_text(encoding="utf8"))
    for line in program.body:
        if isinstance(line, ast.Assign) and any(
            isinstance(target, ast.Name) and target.id == name for target in line.targets
        ):
            return ast.literal_eval(line.value)
    raise KeyError(name)


@lru_cache(maxsize=1)
def _tokenizer_module() -> ModuleType:
    """Run whisper's tokenizer file by itself, under a name of our own."""
    spec = importlib.util.spec_from_file_location(_TOKENIZER, package_folder() / "tokenizer.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[_TOKENIZER] = module  # dataclasses look their module up while it runs
    spec.loader.exec_module(module)
    return module
