"""The keys of the audit page: a line's own key may be none of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

ANSWER_KEYS: Final[Mapping[str, str]] = {"yes": "y", "no": "n", "not_applicable": "x"}
"""The key that gives each answer to the line in hand; a level's key is its number."""

PAGE_KEYS: Final[Mapping[str, str]] = {
    **{key: f"answers {answer.replace('_', ' ')}" for answer, key in ANSWER_KEYS.items()},
    "a": "accepts what the machine is sure of",
    "e": "plays the evidence",
    "g": "shows the rule",
    "j": "goes back five seconds",
    "k": "plays and pauses",
    "l": "goes forward five seconds",
    "m": "writes a note",
    "t": "pins a moment",
    "u": "undoes accepting",
    "v": "types a number",
}
"""What the single letters do on the audit page."""
