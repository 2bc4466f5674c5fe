"""What the templates of a rubric's draft get: one frozen dataclass each, in words as they are read."""

from __future__ import annotations

from dataclasses import dataclass

from qa_audit.web.calls.pages import Line, Player, SoundLine, Turn
from qa_audit.web.pages import Choice, NavItem, Tone
from qa_audit.web.rubrics.pages import ChangeGroup, Detail, DraftHead


@dataclass(frozen=True)
class ProblemLine:
    """One thing wrong with a draft: the line that it stands in (None: nowhere in particular), and what."""

    line: int | None
    place: str
    words: str
    is_warning: bool


@dataclass(frozen=True)
class NavGroup:
    """Criteria of one section, to choose one to edit."""

    title: str
    items: tuple[NavItem, ...]


@dataclass(frozen=True)
class PhraseField:
    """One list of phrases as a field, one per line."""

    id: str
    name: str
    label: str
    value: str
    rows: int


@dataclass(frozen=True)
class CriterionForm:
    """The form of one criterion. `kept` are conditions that only the YAML can change."""

    id: str
    title: str
    name: str
    points: str
    share: str
    is_bonus: bool
    gravities: tuple[Choice, ...]
    guidance: str
    policy: str
    na: str
    events: tuple[Choice, ...]
    kept: tuple[str, ...]
    phrases: tuple[PhraseField, ...]
    how: str
    details: tuple[Detail, ...]


@dataclass(frozen=True)
class WeightField:
    """A section's weight as a field."""

    id: str
    title: str
    value: str
    share: str


@dataclass(frozen=True)
class WholeForm:
    """The form of the rubric itself."""

    title: str
    effective_from: str
    pass_mark: str
    weights: tuple[WeightField, ...]
    no_weights: str


@dataclass(frozen=True)
class EditPage:
    """Template rubrics/edit.html: the form for daily edits, of one criterion or of the rubric itself."""

    head: DraftHead
    title: str
    here: str
    seen: int
    groups: tuple[NavGroup, ...]
    whole: WholeForm | None
    criterion: CriterionForm | None
    following: str | None
    blocked: str
    error: str


@dataclass(frozen=True)
class YamlPage:
    """Template rubrics/yaml.html: the whole text, and what is wrong with it where."""

    head: DraftHead
    title: str
    here: str
    check: str
    seen: int
    text: str
    lines: int
    problems: tuple[ProblemLine, ...]
    verdict: str
    error: str
    is_part: bool


@dataclass(frozen=True)
class TriedLine:
    """One criterion on a call: the machine's answer under the draft, and what the version before says."""

    line: Line
    before: str
    is_changed: bool


@dataclass(frozen=True)
class TryPage:
    """Template rubrics/try.html: a draft on one call, beside its transcript; `error` says why not on this call."""

    head: DraftHead
    title: str
    here: str
    calls: tuple[Choice, ...]
    call_title: str
    call: str | None
    player: Player | None
    turns: tuple[Turn | SoundLine, ...]
    score: str
    score_before: str
    changed: tuple[TriedLine, ...]
    same: tuple[TriedLine, ...]
    blocked: str
    error: str = ""


@dataclass(frozen=True)
class Figure:
    """A number before and after, with its name."""

    label: str
    before: str
    after: str


@dataclass(frozen=True)
class FlipRow:
    """A call whose outcome would be another."""

    title: str
    address: str
    vendor: str
    before: str
    after: str
    tone: Tone


@dataclass(frozen=True)
class VendorRow:
    """A vendor before and after; `is_flipped` marks another rank or verdict."""

    name: str
    audits: str
    scores: str
    flips: str
    rank: str
    verdict: str
    is_flipped: bool


@dataclass(frozen=True)
class CheckRow:
    """A criterion that the machine would answer by another rule."""

    title: str
    changed: str
    before: str
    after: str


@dataclass(frozen=True)
class BacktestPage:
    """Template rubrics/backtest.html; `sample` leads to the same with or without the sample history."""

    head: DraftHead
    title: str
    blocked: str
    summary: str
    notes: tuple[str, ...]
    sample: tuple[str, str] | None
    figures: tuple[Figure, ...]
    flips: tuple[FlipRow, ...]
    more_flips: int
    vendors: tuple[VendorRow, ...]
    checks: tuple[CheckRow, ...]
    not_backtested: tuple[Detail, ...]
    groups: tuple[ChangeGroup, ...]


@dataclass(frozen=True)
class PublishPage:
    """Template rubrics/publish.html: what changes, what it would have done, and what will happen."""

    head: DraftHead
    title: str
    here: str
    seen: int
    obstacles: tuple[str, ...]
    groups: tuple[ChangeGroup, ...]
    is_first: bool
    summary: str
    flips: tuple[FlipRow, ...]
    examples: str
    consequences: tuple[str, ...]
    button: str
    error: str
