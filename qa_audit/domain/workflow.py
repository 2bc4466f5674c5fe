"""The states of a call and a task, the failures a call can have, and the legal moves."""

from __future__ import annotations

from typing import Literal

from qa_audit.errors import Conflict

CallStatus = Literal[
    "received",
    "transcribing",
    "transcribed",
    "prescored",
    "in_review",
    "audited",
    "published",
    "waiting",
    "failed",
]
Stage = Literal["measure", "transcribe", "prescore"]
STAGES: tuple[Stage, ...] = ("measure", "transcribe", "prescore")

FAILURES: dict[str, str] = {
    "undecodable": "The recording cannot be decoded.",
    "silent": "Nobody can be heard in the recording.",
    "too_short": "The recording holds too little speech to audit.",
    "too_many_channels": "The recording has more than two channels.",
    "crashed_worker": "Working on this recording ended the worker three times.",
    "model_unavailable": "The speech model cannot be had.",
    "transcript_unusable": "The transcript that came with the recording does not fit it.",
}
"""Each failure's name and what it means, in words for a person."""

MOVES: dict[CallStatus, frozenset[CallStatus]] = {
    "received": frozenset({"transcribing", "waiting", "failed"}),
    "transcribing": frozenset({"transcribed", "received", "waiting", "failed"}),
    "transcribed": frozenset({"prescored", "failed"}),
    "prescored": frozenset({"in_review", "received", "transcribed"}),
    "in_review": frozenset({"audited", "prescored"}),
    "audited": frozenset({"published", "in_review"}),
    "published": frozenset(),
    "waiting": frozenset({"transcribing", "received", "in_review", "failed"}),
    "failed": frozenset({"received", "transcribing", "transcribed", "in_review"}),
}


def ensure_move(old: CallStatus, new: CallStatus) -> None:
    """Raise Conflict unless a call may go from `old` to `new`; staying is always legal."""
    if new != old and new not in MOVES[old]:
        raise Conflict(f"A call that is '{old}' cannot become '{new}'.")
