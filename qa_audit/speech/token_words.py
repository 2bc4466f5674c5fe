"""Make timed words of tokens, as whisper does (whisper/timing.py), whatever the tokens are."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from itertools import accumulate
from typing import TYPE_CHECKING

from qa_audit.speech.recogniser import HeardWord

if TYPE_CHECKING:
    from whisper.tokenizer import Tokenizer

_UNREADABLE = frozenset({"Cc", "Cn", "Co", "Cs"})


def timed_words(
    tokens: Sequence[int],
    tokenizer: Tokenizer,
    times: Sequence[float],
    chances: Sequence[float],
    seconds: float,
) -> tuple[HeardWord, ...]:
    """Return the words of text tokens, within a window of so many seconds.

    `times` holds where each token begins and, at its end, where the last one ends; `chances` the tokens'
    probabilities. A word's probability is the mean of its tokens', as whisper counts it. Words without a
    readable character are left out.
    """
    texts, sizes = _split(tokens, tokenizer)
    words = []
    for text, size, end in zip(texts, sizes, accumulate(sizes), strict=True):
        shown = readable(text)
        if shown.strip():
            start = min(times[end - size], seconds)
            chance = sum(chances[end - size : end]) / size
            words.append(HeardWord(shown, start, min(max(times[end], start), seconds), chance))
    return tuple(words)


def readable(text: str) -> str:
    """Drop what is no character: broken bytes, and control characters that no database takes."""
    return "".join(
        letter for letter in text if letter != "\ufffd" and unicodedata.category(letter) not in _UNREADABLE
    )


def _split(tokens: Sequence[int], tokenizer: Tokenizer) -> tuple[list[str], list[int]]:
    """Return the words' texts and numbers of tokens; tokens past the last whole word are left over."""
    try:
        texts, parts = tokenizer.split_to_word_tokens(list(tokens))
    except IndexError:  # whisper looks behind the end of a text that ends within a character
        texts, parts = _split_at_spaces(tokens, tokenizer)
    return texts, [len(part) for part in parts]


def _split_at_spaces(tokens: Sequence[int], tokenizer: Tokenizer) -> tuple[list[str], list[list[int]]]:
    parts: list[list[int]] = []
    for token in tokens:
        if not parts or tokenizer.encoding.decode_single_token_bytes(token).startswith(b" "):
            parts.append([])
        parts[-1].append(token)
    return [tokenizer.decode(part) for part in parts], parts
