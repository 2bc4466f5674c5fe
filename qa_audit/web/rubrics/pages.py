"""What the templates of rubrics get to read: one frozen dataclass each, in words as they are read."""

from __future__ import annotations

from dataclasses import dataclass

from qa_audit.web.pages import Choice, NavItem, Tone


@dataclass(frozen=True)
class RubricRow:
    """One rubric of the list."""

    id: str
    address: str
    title: str
    version: str
    since: str
    state: str
    tone: Tone
    draft: str
    draft_address: str | None


@dataclass(frozen=True)
class ListPage:
    """Template rubrics/list.html. `copies` are the versions that a new rubric can be a copy of; None to read only."""

    rows: tuple[RubricRow, ...]
    copies: tuple[Choice, ...] | None
    id: str
    new_title: str
    error: str


@dataclass(frozen=True)
class Detail:
    """One thing that a criterion says of itself: what it is, in words or as phrases."""

    label: str
    words: str
    phrases: tuple[str, ...] = ()


@dataclass(frozen=True)
class CriterionView:
    """One criterion as people read it; `share` is its part of the whole score."""

    id: str
    code: str
    title: str
    tag: str | None
    points: str
    share: str
    guidance: str
    how: str
    details: tuple[Detail, ...]


@dataclass(frozen=True)
class SectionView:
    """One section as people read it."""

    id: str
    title: str
    share: str
    criteria: tuple[CriterionView, ...]


@dataclass(frozen=True)
class VersionLine:
    """One version in the list of versions."""

    label: str
    address: str
    is_here: bool
    state: str
    tone: Tone
    words: str


@dataclass(frozen=True)
class RubricPage:
    """Template rubrics/show.html: one version. `edit` begins a draft from it, `draft` leads to the one there is."""

    title: str
    version: int | None
    state: str
    tone: Tone
    facts: tuple[str, ...]
    description: str
    details: tuple[Detail, ...]
    sections: tuple[SectionView, ...]
    versions: tuple[VersionLine, ...]
    differences: str | None
    corrections: str
    edit: str | None
    draft: str | None
    draft_words: str
    archive: str | None


@dataclass(frozen=True)
class ChangeGroup:
    """What changed in one place: its name, and each change with what it concerns."""

    title: str
    changes: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class DraftHead:
    """What stands above every page of a draft: what it is, whether it is saved, and the way to its other pages."""

    id: str
    title: str
    rubric: str
    words: str
    tabs: tuple[NavItem, ...]
    problems: int


@dataclass(frozen=True)
class DifferencesPage:
    """Template rubrics/differences.html: between two versions, or between a version and the draft (with `head`)."""

    head: DraftHead | None
    title: str
    rubric: str
    here: str
    before: tuple[Choice, ...]
    after: tuple[Choice, ...]
    words: str
    groups: tuple[ChangeGroup, ...]


@dataclass(frozen=True)
class CorrectionRow:
    """One criterion: how many of the machine's answers people changed, and how surely more than by chance."""

    id: str
    title: str
    address: str
    changed: str
    kept: str
    beyond: str
    certainties: tuple[str, ...]
    words: str


@dataclass(frozen=True)
class CorrectionsPage:
    """Template rubrics/corrections.html."""

    title: str
    rubric: str
    words: str
    defects: tuple[CorrectionRow, ...]
    rows: tuple[CorrectionRow, ...]
