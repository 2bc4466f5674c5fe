"""What the templates of the vendors' pages get: one frozen dataclass each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from qa_audit.web.pages import Tone


@dataclass(frozen=True)
class Link:
    """A choice among periods, or a part of the filter that can be taken away."""

    words: str
    address: str
    is_here: bool = False


@dataclass(frozen=True)
class Cell:
    """One figure: its heading, its value, its base and range in `note`, and the calls behind it.

    `word` is what the figure's colour says.
    """

    heading: str
    value: str
    note: str = ""
    address: str | None = None
    tone: Tone = "plain"
    word: str = ""


@dataclass(frozen=True)
class GroupRow:
    """The figures of a vendor, a team or an agent, with the sentence they come to."""

    name: str
    address: str | None
    words: str
    tone: Tone
    cells: tuple[Cell, ...]
    samples: str


@dataclass(frozen=True)
class Choices:
    """What the page counts, in words, and the addresses that change it.

    `action` and `kept` are the form's address and what it has to keep; `switch` leaves the sample history out
    or takes it in, where there is any.
    """

    counted: str
    periods: tuple[Link, ...]
    action: str
    kept: tuple[tuple[str, str], ...]
    since: str
    until: str
    samples: str
    switch: Link | None


@dataclass(frozen=True)
class IndexPage:
    """Template vendors/index.html. `survey` says where survey and audits part."""

    choices: Choices
    survey: str
    headings: tuple[str, ...]
    rows: tuple[GroupRow, ...]


@dataclass(frozen=True)
class Point:
    """A week in a chart, at a place; hollow when it holds few audits."""

    x: float
    y: float
    words: str
    is_hollow: bool


@dataclass(frozen=True)
class Level:
    """A horizontal line in a chart: the mean of a stretch of weeks, with its number."""

    x: float
    to: float
    y: float
    label: str


@dataclass(frozen=True)
class Mark:
    """A label of an axis."""

    at: float
    words: str


@dataclass(frozen=True)
class WeekLine:
    """One week as a line of text."""

    week: str
    mean: str
    audits: int


@dataclass(frozen=True)
class Chart:
    """The mean score of each week. Places are in the units of the drawing; `path` joins the weeks."""

    title: str
    words: str
    tone: Tone
    path: str
    points: tuple[Point, ...]
    levels: tuple[Level, ...]
    pass_mark: Mark
    rows: tuple[Mark, ...]
    columns: tuple[Mark, ...]
    recent: float | None
    weeks: tuple[WeekLine, ...]


@dataclass(frozen=True)
class LineRow:
    """A criterion that fails, and the calls in which it did."""

    title: str
    tag: str | None
    rubric: str
    value: str
    note: str
    address: str


@dataclass(frozen=True)
class ShowPage:
    """Template vendors/show.html: one vendor."""

    title: str
    words: str
    tone: Tone
    back: str
    choices: Choices
    headings: tuple[str, ...]
    rows: tuple[GroupRow, ...]
    charts: tuple[Chart, ...]
    lines: tuple[LineRow, ...]
    agents: tuple[GroupRow, ...]


@dataclass(frozen=True)
class AuditRow:
    """An audited call: `address` leads to its scorecard or to itself; sample history leads nowhere."""

    id: str
    title: str
    address: str | None
    who: str
    moment: datetime
    scores: tuple[str, ...]
    tags: tuple[tuple[str, Tone], ...]
    failed: tuple[str, ...]
    is_sample: bool


@dataclass(frozen=True)
class AuditsPage:
    """Template vendors/audits.html: the audits behind a figure."""

    title: str
    vendor: str
    back: str
    choices: Choices
    chips: tuple[Link, ...]
    total: int
    rows: tuple[AuditRow, ...]
    previous: str | None
    next: str | None
