"""Join punctuation to the words it belongs to: tokens come with their marks apart."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from qa_audit.speech.recogniser import HeardWord

OPENING, CLOSING = "\"'\u201c\u00bf([{-", "\"'.\u3002,\uff0c!\uff01?\uff1f:\uff1a\u201d)]}\u3001"
"""Marks that belong to the next and to the previous word, as in whisper/transcribe.py."""


def with_punctuation(words: Iterable[HeardWord]) -> list[HeardWord]:
    """Return the words that are more than marks; a mark keeps no time of its own.

    An opening mark comes with a space before it, a closing one without; what stands alone at the end and
    belongs to nothing is left out.
    """
    found: list[HeardWord] = []
    opened = ""
    for word in words:
        plain = word.text.strip()
        if not plain:
            continue
        if word.text.startswith(" ") and plain in OPENING:
            opened += word.text
        elif found and not opened and word.text == plain and plain in CLOSING:
            found[-1] = replace(found[-1], text=found[-1].text + plain)
        else:
            found.append(replace(word, text=opened + word.text.lstrip() if opened else word.text))
            opened = ""
    return found
