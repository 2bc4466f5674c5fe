"""What readers of calls get: frozen rows, with public ids only and no key of any file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from qa_audit.domain.findings import PreScore
from qa_audit.domain.transcript import Transcript

UNFINISHED = ("received", "transcribing", "transcribed")
"""The states in which the machine still has something to do with a call by itself."""


@dataclass(frozen=True)
class CallFilter:
    """Which calls a list, an export or the API is to show; every value that is None filters nothing.

    `vendor` is a slug; `since` and `until` are days (both included) on which the call began, or was received
    where its beginning is unknown; `q` is found in external id, title or agent's name; `sample` is `yes` where
    drawn history is to be among them; `cursor` is opaque.
    """

    vendor: str | None = None
    status: str | None = None
    agent: str | None = None
    queue: str | None = None
    q: str | None = None
    since: date | None = None
    until: date | None = None
    sha256: str | None = None
    sample: str | None = None
    cursor: str | None = None
    limit: int = 50


@dataclass(frozen=True)
class Window:
    """A filter's days as moments: from `since` (included) up to `until` (excluded)."""

    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class Position:
    """A call's place in the list: newest first, by the moment it was received."""

    created_at: datetime
    id: str


@dataclass(frozen=True)
class RubricOutcome:
    """What a call's pre-score under one rubric comes to: `percent` is None when nothing is decided.

    `open` counts lines still to answer, `suspected_fatal` the fatal points that the machine suspects.
    """

    rubric: str
    title: str
    version: int
    percent: float | None
    outcome: str
    open: int
    suspected_fatal: int


@dataclass(frozen=True, kw_only=True)
class CallRow:
    """One line of a list of calls. `started_at` has the uploader's own offset; `duration` is in seconds.

    `words` says in plain words what is the matter with a call that failed or waits; `transcript_sha256` is of
    the transcript that came with it.
    """

    id: str
    vendor: str
    vendor_name: str
    title: str | None
    external_id: str | None
    agent: str | None
    started_at: datetime | None
    created_at: datetime
    direction: str | None
    queue: str | None
    language: str | None
    channels: str | None
    duration: float | None
    layout: str | None
    status: str
    stage: str | None
    progress: int
    seconds_left: int | None
    failure: str | None
    words: str | None
    warnings: tuple[str, ...]
    is_demo: bool
    sha256: str | None
    filename: str | None
    transcript_sha256: str | None = None
    outcomes: tuple[RubricOutcome, ...] = ()

    @property
    def is_finished(self) -> bool:
        """Say whether the call will stay as it is until somebody does something."""
        return self.status not in UNFINISHED

    @property
    def position(self) -> Position:
        """The call's place in the list."""
        return Position(self.created_at, self.id)


@dataclass(frozen=True)
class RecordingFacts:
    """What is known about a call's bytes; `size` in bytes, `sample_rate` in Hz.

    `is_unmasked` says that nothing is silenced in the playback copy, because the words are not known.
    """

    sha256: str
    size: int
    filename: str
    container: str
    codec: str
    sample_rate: int
    channels: int
    has_playback: bool
    has_peaks: bool
    is_unmasked: bool = False


@dataclass(frozen=True)
class TaskRow:
    """One stage of work on a call; times in seconds, `due_in` until it may start again (0 when it may).

    `seconds_left` is an estimate of what is left of it, None while there is none.
    """

    id: str
    call_id: str
    call_title: str | None
    vendor_name: str
    stage: str
    state: str
    progress: int
    seconds_left: int | None
    age: float
    due_in: float
    attempt: int
    crash_count: int
    error_count: int
    error: str | None


@dataclass(frozen=True, kw_only=True)
class CallDetail(CallRow):
    """Everything a page may show of one call: masked words only, and no key of any file.

    `mask_spans` are the silenced stretches in seconds; `tasks` is empty for everybody but admins.
    """

    team: str | None
    custom: Mapping[str, object]
    survey: int | None
    picked: str | None
    recording: RecordingFacts | None
    transcript: Transcript | None
    mask_spans: tuple[tuple[float, float], ...]
    prescores: tuple[PreScore, ...]
    tasks: tuple[TaskRow, ...] = field(default=())


@dataclass(frozen=True)
class CallIdentity:
    """A call's keys inside the process, and who it belongs to."""

    key: int
    id: str
    vendor_id: int
    vendor: str
    status: str
    created_at: datetime
