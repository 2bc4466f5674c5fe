"""Places where a name was due: what follows "thank you for calling", and whether it was understood."""

from __future__ import annotations

from qa_audit.domain.checks.heard import Heard
from qa_audit.domain.checks.phrases import HIT_PROBABILITY, Hit
from qa_audit.domain.text import word_set

_HOLE = 0.35
_FOLLOWERS = word_set(
    """
    this my how i you we what who today and hello hi good it is can may could please thank thanks have us
    now here customer support service services refunds refund technical reservations bookings booking our
    back in about again me the your all enjoy bye goodbye airlines airline passenger passengers care helpdesk
    desk team line customers claims sales department and with our we so well right okay sir madam everyone
    """
)
"""Words that may follow "thank you for calling" when no name does."""


def name_unclear(hit: Hit, heard: Heard, *, always: bool) -> bool:
    """Say whether what follows `hit` may be a name that was misheard, or one that was swallowed.

    `always`: a name must follow these words ("choosing"), so anything else is doubtful.
    """
    turn, after = hit.turn, hit.last + 1
    if hit.weakest < HIT_PROBABILITY:
        return True
    if after >= len(turn.tokens):
        return always
    token = turn.tokens[after]
    if always and token.text != "us":
        return True
    hole = token.start - hit.end
    if (
        hole >= _HOLE
        and heard.measured
        and heard.speech_seconds(turn.speaker, hit.end, token.start) >= 0.8 * hole
    ):
        return True
    if turn.tokens[hit.last].stop in (".", "?"):
        return False
    return token.probability < HIT_PROBABILITY or token.text not in _FOLLOWERS
