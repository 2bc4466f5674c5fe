"""What the templates of scorecards get: one frozen dataclass each, in words as they are read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from qa_audit.web.pages import Choice, Tone


@dataclass(frozen=True)
class Play:
    """A stretch of the recording to play, in seconds; `address` is the page that begins there."""

    start: float
    end: float
    address: str


@dataclass(frozen=True)
class Said:
    """Words of a clip; `speaker` is set where another person begins to speak."""

    speaker: str
    text: str
    is_moment: bool


@dataclass(frozen=True)
class RuleText:
    """The rule behind a line: since when it holds, and its words."""

    since: str
    guidance: str
    policy: str


@dataclass(frozen=True)
class Sound:
    """The player: the masked copy, the stretch that it starts with, and the page's own address."""

    audio: str
    first: Play
    address: str


@dataclass(frozen=True)
class LineShown:
    """One line of a card. `mark` is what it cost or kept; `note` is for the vendor, `label` the level or number."""

    id: str
    question: str
    rubric: str
    mark: str
    is_grave: bool
    answer: str
    label: str
    reason: str
    note: str
    decided: str
    said: tuple[Said, ...]
    play: Play | None
    rule: RuleText


@dataclass(frozen=True)
class SectionLine:
    """What a section came to; `note` says what left it nothing."""

    title: str
    percent: str
    words: str
    note: str


@dataclass(frozen=True)
class RubricSections:
    """The sections of one rubric of a card."""

    title: str
    sections: tuple[SectionLine, ...]


@dataclass(frozen=True)
class History:
    """The agent's latest audits in words: `count` such as '3 of 10', the rest around it."""

    title: str
    count: str
    words: str
    notes: tuple[str, ...]


@dataclass(frozen=True)
class AnswerPart:
    """Where the card is, and the form to acknowledge it; `action` is None for who only reads."""

    words: str
    tone: Tone
    comment: str | None
    action: str | None
    dispute: str
    longest: int


@dataclass(frozen=True)
class CardPage:
    """Template scorecards/card.html."""

    title: str
    back: str
    moment: datetime
    is_received: bool
    facts: tuple[str, ...]
    published: datetime
    headline: str
    tone: Tone
    verdict: str
    sound: Sound | None
    no_sound: str
    first: LineShown | None
    lost: tuple[LineShown, ...]
    kept: tuple[LineShown, ...]
    kept_words: str
    open: tuple[LineShown, ...]
    rubrics: tuple[RubricSections, ...]
    history: History | None
    decided: tuple[str, ...]
    answer: AnswerPart
    call: str | None


@dataclass(frozen=True)
class Chip:
    """A filter that is on, and the address without it."""

    words: str
    address: str


@dataclass(frozen=True)
class FilterForm:
    """The form that sets the filter."""

    vendors: tuple[Choice, ...]
    teams: tuple[Choice, ...]
    agents: tuple[Choice, ...]
    outcomes: tuple[Choice, ...]
    states: tuple[Choice, ...]
    line: str
    since: str
    until: str


@dataclass(frozen=True)
class ListRow:
    """One scorecard of the list."""

    id: str
    address: str
    title: str
    where: str
    moment: datetime
    is_received: bool
    verdict: str
    tone: Tone
    problem: str
    scores: str
    state: str
    state_tone: Tone


@dataclass(frozen=True)
class ListPage:
    """Template scorecards/list.html."""

    form: FilterForm
    chips: tuple[Chip, ...]
    rows: tuple[ListRow, ...]
    total: int
    next: str | None
    first: str
    is_first: bool
    csv: str
    empty: str
