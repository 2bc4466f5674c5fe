"""Signs that something was perhaps said which must not be: words that may be it, and what they are answered with."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from qa_audit.domain.checks.base import Context
from qa_audit.domain.checks.guards import quoted
from qa_audit.domain.checks.model import Phrases
from qa_audit.domain.checks.phrases import Hit
from qa_audit.domain.checks.windows import Stretch

_ANSWER_SECONDS = 6.0
"""An objection comes so soon after what it objects to."""


def perhaps_said(
    phrases: Phrases, stretches: Sequence[Stretch], context: Context, counts: Callable[[Hit], bool]
) -> list[Hit]:
    """Return the places of words that may be what must not be said, where nothing excuses them."""
    found = context.phrases(phrases).find_in(stretches, fuzzy=False)
    return [hit for hit in found if hit.heard and not _broken(hit) and counts(hit)]


def _broken(hit: Hit) -> bool:
    """Say whether a stop stands within a hit, so that its words hardly belong together: "right, one"."""
    return any(token.stop for token in hit.turn.tokens[hit.first : hit.last])


def objections(phrases: Phrases, stretches: Sequence[Stretch], context: Context) -> list[Hit]:
    """Return the caller's words that object to what the agent has just said, such as "how dare you".

    Not so what the caller says before the agent has spoken, or of what others said ("she told me").
    """
    compiled, heard = context.phrases(phrases), context.heard
    return [
        hit
        for turn in heard.turns_of("customer")
        if any(stretch.start < turn.start <= stretch.end + _ANSWER_SECONDS for stretch in stretches)
        for hit in compiled.find(turn, fuzzy=False)
        if hit.heard and not quoted(hit)
    ]
