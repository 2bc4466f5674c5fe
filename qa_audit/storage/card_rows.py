"""What readers of scorecards get: frozen rows, with public ids only and no key of any file."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from qa_audit.domain.scorecard import CardCall, Snapshot, Summary


@dataclass(frozen=True)
class Scope:
    """Which scorecards there are for a reader; every value that is None lets all through.

    `nobody` lets nothing through; `withdrawn` says whether cards that were taken back are shown as well.
    """

    vendor_key: int | None = None
    team_key: int | None = None
    agent_key: int | None = None
    nobody: bool = False
    withdrawn: bool = False


@dataclass(frozen=True)
class CardFilter:
    """Which scorecards a list, an export or the API is to show; every value that is None filters nothing.

    `vendor` is a slug, `team` and `agent` are names, `line` is the id of a criterion that lost points; `since` and
    `until` are days (both included) on which the call began; `cursor` is opaque.
    """

    vendor: str | None = None
    team: str | None = None
    agent: str | None = None
    outcome: str | None = None
    state: str | None = None
    line: str | None = None
    since: date | None = None
    until: date | None = None
    cursor: str | None = None
    limit: int = 50


@dataclass(frozen=True)
class CardPosition:
    """A scorecard's place in the list: newest first, by the moment it was published."""

    published_at: datetime
    id: str


@dataclass(frozen=True, kw_only=True)
class CardRow:
    """One line of a list of scorecards; everything about the call is as it was when the card was published."""

    id: str
    state: str
    published_at: datetime
    answer_by: datetime
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    comment: str | None
    is_sample: bool
    call: CardCall
    summary: Summary

    @property
    def position(self) -> CardPosition:
        """The card's place in the list."""
        return CardPosition(self.published_at, self.id)


@dataclass(frozen=True, kw_only=True)
class CardDetail(CardRow):
    """One scorecard with its snapshot; `key` and what it belongs to stay inside the process.

    `has_sound` says whether there is a copy of the recording in which personal numbers are silenced.
    """

    key: int
    vendor_key: int
    team_key: int | None
    agent_key: int | None
    snapshot: Snapshot
    has_sound: bool


@dataclass(frozen=True)
class RecentScore:
    """What one audit came to under one rubric."""

    title: str
    outcome: str
    percent_without_fatal: float | None


@dataclass(frozen=True)
class RecentAudit:
    """One of an agent's latest published audits; `is_sample` marks drawn history."""

    scores: tuple[RecentScore, ...]
    is_sample: bool

    @property
    def is_failed(self) -> bool:
        """Say whether it was not passed."""
        return any(score.outcome == "fail" for score in self.scores)


@dataclass(frozen=True)
class Publishing:
    """What publishing needs to know of a call besides what its page shows."""

    vendor_key: int
    agent_key: int | None
    team_key: int | None
    started_at: datetime | None
    utc_offset: int | None
    created_at: datetime
    is_sample: bool
