"""Compare sentences by meaning with a sentence-transformers model (the extra `semantic`)."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from qa_audit import logs
from qa_audit.domain.checks.tools import Meaning

_REMEMBERED = 20_000
"""Sentences whose vectors are kept: phrases come with every call."""

log = logs.get(__name__)


class SentenceMeaning:
    """A loaded model; vectors have length 1, so that their product is the cosine."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self._known: OrderedDict[str, Any] = OrderedDict()

    def alike(self, phrases: Sequence[str], sentences: Sequence[str]) -> Sequence[Sequence[float]]:
        """Return for each sentence how alike each phrase is, -1 to 1."""
        import numpy as np

        vectors = self._vectors([*phrases, *sentences])
        one, other = np.stack(vectors[: len(phrases)]), np.stack(vectors[len(phrases) :])
        return [[float(likeness) for likeness in row] for row in other @ one.T]

    def _vectors(self, texts: Sequence[str]) -> list[Any]:
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        if new:
            made = self._model.encode(new, normalize_embeddings=True, show_progress_bar=False)
            self._known.update(zip(new, made, strict=True))
        for text in texts:
            self._known.move_to_end(text)
        vectors = [self._known[text] for text in texts]
        while len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return vectors


def open_meaning(model: str, cache: Path) -> Meaning | None:
    """Load the model of this name or path; None where it cannot be had, and the log says so.

    A name is fetched into the folder `cache` on its first use; a path is only read.
    """
    try:
        from sentence_transformers import SentenceTransformer

        here = Path(model).exists()
        loaded = SentenceTransformer(
            model, device="cpu", cache_folder=str(cache), local_files_only=here, trust_remote_code=False
        )
    except (ImportError, OSError, ValueError, RuntimeError) as error:
        log.warning("meaning_unavailable", reason=type(error).__name__)
        return None
    return SentenceMeaning(loaded)
