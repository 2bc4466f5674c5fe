"""What the templates of calls get: one frozen dataclass each, in words as they are read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from qa_audit.domain.transcript import Speaker
from qa_audit.web.pages import Choice, Tone


@dataclass(frozen=True)
class StatusWords:
    """Where a call is, in words; `percent` while a stage is worked on."""

    words: str
    tone: Tone
    percent: int | None = None
    detail: str = ""


@dataclass(frozen=True)
class OutcomeWords:
    """What one rubric's pre-score comes to so far, short enough for a table."""

    rubric: str
    words: str
    tone: Tone


@dataclass(frozen=True)
class ListRow:
    """One call in the list."""

    id: str
    address: str
    title: str
    vendor: str
    agent: str | None
    moment: datetime
    is_received: bool
    duration: float | None
    status: StatusWords
    outcomes: tuple[OutcomeWords, ...]


@dataclass(frozen=True)
class Chip:
    """A filter that is on, and the address without it."""

    words: str
    address: str


@dataclass(frozen=True)
class FilterForm:
    """The filter as its form shows it."""

    vendors: tuple[Choice, ...]
    statuses: tuple[Choice, ...]
    agents: tuple[Choice, ...]
    queues: tuple[Choice, ...]
    q: str
    since: str
    until: str


@dataclass(frozen=True)
class ListPage:
    """Template calls/list.html. `poll` is the list's own address while something in it is being worked on."""

    form: FilterForm
    chips: tuple[Chip, ...]
    rows: tuple[ListRow, ...]
    total: int
    next: str | None
    first: str
    is_first: bool
    csv: str
    poll: str | None
    may_upload: bool
    demo_model: bool


@dataclass(frozen=True)
class Piece:
    """A word to click (`start` in seconds), or a chip that stands for masked words."""

    text: str
    start: float
    is_mask: bool = False


@dataclass(frozen=True)
class Run:
    """Words under one mark: the tone of the evidence they are, or None."""

    tone: Tone | None
    pieces: tuple[Piece, ...]


@dataclass(frozen=True)
class Turn:
    """What one speaker said in one go; times in seconds."""

    id: int
    speaker: Speaker
    label: str
    start: float
    end: float
    address: str
    runs: tuple[Run, ...]


@dataclass(frozen=True)
class SoundLine:
    """Something between the turns that is no speech: hold music, ringing, silence; times in seconds."""

    label: str
    words: str
    start: float
    end: float
    address: str


@dataclass(frozen=True)
class EvidenceLine:
    """Something to hear: from and to in seconds, with the words or what was measured or looked for.

    `is_marked`: it is a moment rather than a long window, and stands on the waveform too.
    """

    start: float
    end: float
    address: str
    words: str
    is_quote: bool
    is_marked: bool


@dataclass(frozen=True)
class Line:
    """One criterion's machine answer."""

    id: str
    title: str
    tag: str | None
    tone: Tone
    answer: str
    points: str
    reason: str
    evidence: tuple[EvidenceLine, ...]
    guidance: str
    policy: str
    not_applicable_when: str


@dataclass(frozen=True)
class RubricPart:
    """One rubric's pre-score: `open` lines need a look, the others are settled so far."""

    id: str
    title: str
    version: str
    score: str
    verdict: str
    tone: Tone
    note: str
    open: tuple[Line, ...]
    settled: tuple[Line, ...]


@dataclass(frozen=True)
class Player:
    """The sound: where it and its waveform are, how long it is, where to begin, who is in which lane."""

    audio: str
    peaks: str | None
    duration: float
    begin: float
    lanes: tuple[Speaker, ...]


@dataclass(frozen=True)
class Fact:
    """A label and its value."""

    label: str
    value: str


@dataclass(frozen=True)
class CallPage:
    """Template calls/call.html. `poll` is the page's own address while the call is being worked on."""

    title: str
    facts: tuple[str, ...]
    moment: datetime
    is_received: bool
    status: StatusWords
    poll: str | None
    player: Player | None
    no_sound: str
    turns: tuple[Turn | SoundLine, ...]
    no_words: str
    rubrics: tuple[RubricPart, ...]
    no_rubrics: str
    warnings: tuple[str, ...]
    notes: tuple[str, ...]
    details: tuple[Fact, ...]
    custom: tuple[Fact, ...]
    retry: str | None
    delete: str | None
    demo_model: bool


@dataclass(frozen=True)
class DeletePage:
    """Template calls/delete.html."""

    title: str
    call: str
    action: str
    back: str


@dataclass(frozen=True)
class UploadLine:
    """What became of one uploaded file."""

    name: str
    words: str
    tone: Tone
    address: str | None


@dataclass(frozen=True)
class UploadPage:
    """Template calls/upload.html."""

    vendors: tuple[Choice, ...]
    lines: tuple[UploadLine, ...]
    error: str
    largest: str
    demo_model: bool
