"""Words for the states of a call: what its list and its page say."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from qa_audit.domain.corrections import LEAST_FOR_PERCENT, Kept
from qa_audit.domain.findings import Certainty, Outcome
from qa_audit.media.judge import WARNINGS
from qa_audit.services import time_left
from qa_audit.services.calls import CallRow
from qa_audit.services.outcomes import CallOutcome
from qa_audit.services.transcription import NEEDS_REAL_MODEL
from qa_audit.web.calls.pages import OutcomeWords, StatusWords
from qa_audit.web.pages import Tone
from qa_audit.web.templating import here

STATUSES: dict[str, str] = {
    "received": "received",
    "transcribing": "being transcribed",
    "transcribed": "transcribed",
    "prescored": "pre-scored",
    "in_review": "in review",
    "audited": "audited",
    "published": "published",
    "waiting": "waiting for another model",
    "failed": "failed",
}
"""Each status of a call as a filter names it."""

STAGES = {"measure": "measuring", "transcribe": "transcribing", "prescore": "pre-scoring"}

FAILED = {
    "undecodable": "cannot be decoded",
    "silent": "nobody can be heard",
    "too_short": "too little speech",
    "too_many_channels": "more than two channels",
    "crashed_worker": "ended the worker three times",
    "model_unavailable": "the speech model cannot be had",
    "transcript_unusable": "its transcript does not fit",
}

LAYOUTS = {
    "stereo-agent-left": "stereo, agent left",
    "stereo-agent-right": "stereo, agent right",
    "stereo-unknown": "stereo, speakers unknown",
    "dual-mono": "two equal channels, speakers unknown",
    "mono": "mono, speakers unknown",
}

VERDICTS: dict[Outcome, tuple[str, Tone]] = {
    "pass": ("passed so far", "plain"),
    "fail": ("not passed so far", "bad"),
    "undetermined": ("undecided", "person"),
}

KeptBefore = Mapping[tuple[str, str], Kept]
"""How often reviewers kept answers like a line's, by rubric and criterion."""
NO_HISTORY: KeptBefore = {}

_CERTAINTY: dict[Certainty, str] = {"sure": "sure", "fairly_sure": "fairly sure"}


def certainty_words(certainty: Certainty, kept: Kept | None) -> str:
    """Say how sure the machine is: a percentage with its base once the history is long enough, else in words."""
    if kept is None or kept.percent is None:
        return _CERTAINTY[certainty]
    return f"{kept.percent} % sure, from {kept.rate.base} audits"


def history_words(kept: Kept) -> str:
    """Say what became of such answers of the machine, and when a percentage will stand there."""
    words = f"{kept.words}."
    if kept.percent is None:
        words += (
            f" From {LEAST_FOR_PERCENT} audits on, once it is known to 10 points, a percentage stands here."
        )
    return words


def status_words(call: CallRow) -> StatusWords:
    """Say where a call is: short for a table, with the longer words for its page in `detail`."""
    detail = call.words or ""
    if call.status == "failed":
        return StatusWords(f"failed: {FAILED.get(call.failure or '', 'see there')}", "bad", detail=detail)
    if call.status == "waiting":
        return StatusWords(f"waiting: {waiting_words(call.words)}", "person", detail=detail)
    if call.is_finished:
        return StatusWords(STATUSES[call.status], "plain", detail=detail)
    stage = STAGES.get(call.stage or "measure", "waiting")
    if call.progress:
        return StatusWords(
            f"{stage} {progress_words(call.progress, call.seconds_left)}", "busy", call.progress, detail
        )
    return StatusWords(f"waits for {stage}" if call.status != "transcribing" else stage, "busy", 0, detail)


def progress_words(percent: int, seconds_left: int | None) -> str:
    """Say how far a stage is: '42 %, about 3 minutes left'."""
    return f"{percent} %" if seconds_left is None else f"{percent} %, {time_left.in_words(seconds_left)}"


def waiting_words(reason: str | None) -> str:
    """Say in a few words what a waiting call waits for; `reason` is its longer text."""
    return "needs the real model" if reason in (None, NEEDS_REAL_MODEL) else "needs another model"


def outcome_words(outcome: CallOutcome) -> OutcomeWords:
    """Say what a pre-score comes to, for a table: the verdict so far and why it is not the last word."""
    words, tone = VERDICTS[outcome.outcome]
    if outcome.suspected_fatal:
        words, tone = "fatal suspected", "bad"
    if outcome.open:
        words += f", {outcome.open} open"
    return OutcomeWords(outcome.title, words, tone)


def warnings_in_words(names: tuple[str, ...]) -> tuple[str, ...]:
    """Say what is the matter with a recording that could be used all the same."""
    return tuple(WARNINGS.get(name, name.replace("_", " ")) for name in names)


def title_of(call: CallRow) -> str:
    """Name a call: its title, else what its vendor calls it, else its file."""
    title = call.title or call.external_id or call.filename or "Untitled call"
    return title[:1].upper() + title[1:]


def moment_of(call: CallRow) -> tuple[datetime, bool]:
    """Return when the call began by its own clock, or when it was received and True."""
    if call.started_at is not None:
        return call.started_at, False
    return here(call.created_at), True
