"""What the templates of reviewing get: one frozen dataclass each, in words as they are read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from qa_audit.web.calls.pages import Chip, EvidenceLine, Fact, Player, SoundLine, Turn
from qa_audit.web.pages import Choice, Tone


@dataclass(frozen=True)
class QueueForm:
    """The queue's filter as its form shows it."""

    vendors: tuple[Choice, ...]
    agents: tuple[Choice, ...]
    queues: tuple[Choice, ...]
    languages: tuple[Choice, ...]
    q: str


@dataclass(frozen=True)
class QueueFigure:
    """A count above the queue, with where it leads to, if anywhere."""

    words: str
    number: str
    tone: Tone = "plain"
    address: str | None = None


@dataclass(frozen=True)
class Flag:
    """Something to look at: a chip, and what it is about."""

    chip: str
    tone: Tone
    words: str


@dataclass(frozen=True)
class QueueLine:
    """One call of the queue; `look` is said where no flag is."""

    id: str
    address: str
    title: str
    who: str
    moment: datetime
    is_received: bool
    duration: float | None
    why: str
    flags: tuple[Flag, ...]
    look: str
    in_hand: str
    due: str
    is_due: bool


@dataclass(frozen=True)
class ShownQueue:
    """Template review/queue.html."""

    figures: tuple[QueueFigure, ...]
    form: QueueForm
    chips: tuple[Chip, ...]
    rows: tuple[QueueLine, ...]
    range: str
    csv: str
    previous: str | None
    next: str | None
    next_call: str | None


@dataclass(frozen=True)
class AnswerChoice:
    """One answer that a line can have; `key` is the key that gives it on the line in hand."""

    value: str
    label: str
    key: str
    chosen: bool
    tone: Tone


@dataclass(frozen=True)
class NumberField:
    """The field of a line that is answered with a number: what is counted, from where to where, what it earns."""

    value: str
    unit: str
    least: str
    most: str
    ranges: tuple[str, ...]


@dataclass(frozen=True)
class Pinned:
    """A pinned moment: `value` as the form sends it, from and to in seconds, and where it can be heard."""

    value: str
    start: float
    end: float
    address: str
    is_marked: bool = False


@dataclass(frozen=True)
class Clash:
    """What somebody else answered meanwhile, in words; `theirs` and `mine` name the two answers."""

    words: str
    theirs: str
    mine: str
    keep: str


@dataclass(frozen=True)
class ReviewLine:
    """One line of an audit. `machine` is what the machine says, `kept` how
    often reviewers kept such an answer, `decided` who answered when, `missing` what a
    fatal or critical no still lacks. `id` is the element's; `is_compact`: sure or settled, folded to one row.
    `key` leads to the line; `when` says of answers when to give them, `note_due` when a note has to be written.
    """

    id: str
    rubric: str
    criterion: str
    title: str
    tag: str | None
    tone: Tone
    points: str
    machine: str
    kept: str
    reason: str
    evidence: tuple[EvidenceLine, ...]
    guidance: str
    policy: str
    not_applicable_when: str
    when: tuple[tuple[str, str], ...]
    note_due: str
    key: str
    choices: tuple[AnswerChoice, ...]
    number: NumberField | None
    is_answered: bool
    answer: str
    got: str
    note: str
    private_note: str
    pin: Pinned | None
    version: int
    decided: str
    missing: str
    clash: Clash | None
    is_compact: bool
    may_change: bool
    action: str


@dataclass(frozen=True)
class SectionSoFar:
    """What a section comes to so far."""

    title: str
    percent: str
    words: str


@dataclass(frozen=True)
class LineKey:
    """A key that leads to a line, and where that is."""

    key: str
    label: str
    address: str


@dataclass(frozen=True)
class ReviewPart:
    """One rubric of an audit: open lines, those that the machine is sure of, and settled ones."""

    id: str
    title: str
    version: str
    open: tuple[ReviewLine, ...]
    sure: tuple[ReviewLine, ...]
    settled: tuple[ReviewLine, ...]
    to_answer: int
    lines: int
    sections: tuple[SectionSoFar, ...]


@dataclass(frozen=True)
class Standing:
    """What one rubric comes to so far: the verdict, what it is made of, what is open in it and elsewhere."""

    rubric: str
    title: str
    verdict: str
    tone: Tone
    words: str
    open: str


@dataclass(frozen=True)
class Ask:
    """The one question before submitting: which lines are open."""

    words: str
    lines: tuple[str, ...]
    button: str
    is_next: bool


@dataclass(frozen=True)
class Foot:
    """What the foot of an audit says and offers; an address that is None is not offered."""

    standings: tuple[Standing, ...]
    saved: str
    ask: Ask | None
    next_open: str | None
    submit: str | None
    publish: str | None
    take_back: str | None
    missing: tuple[str, ...]
    next_call: str | None


@dataclass(frozen=True)
class Acceptance:
    """Accepting what the machine is sure of, in one act, and undoing the last such act."""

    accept: str | None
    sure: int
    undo: str | None
    batch: str
    accepted: int


@dataclass(frozen=True)
class ReviewPage:
    """Template review/review.html. `changed` is the one line that is swapped in after it was saved; `is_part`
    that only a part of the page is asked for, which brings the foot along.

    `owner` tells whose half-typed notes a browser keeps; `nameable` are the turns whose speaker can be named.
    """

    title: str
    facts: tuple[str, ...]
    moment: datetime
    is_received: bool
    state: str
    call: str
    owner: str
    draft: str
    player: Player | None
    no_sound: str
    turns: tuple[Turn | SoundLine, ...]
    no_words: str
    nameable: frozenset[int]
    naming: str | None
    details: tuple[Fact, ...]
    warnings: tuple[str, ...]
    parts: tuple[ReviewPart, ...]
    no_parts: str
    keys: tuple[LineKey, ...]
    acceptance: Acceptance
    foot: Foot
    changed: ReviewLine | None
    is_part: bool
    demo_model: bool
