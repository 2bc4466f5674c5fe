"""What a backtest found, frozen: ready for the page, the command line and JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from qa_audit.domain.findings import Outcome
from qa_audit.domain.rubric.changes import Change


@dataclass(frozen=True, kw_only=True)
class Side:
    """What the stored answers come to under one text: mean and spread of the percents, fatal zeros left out."""

    mean: float | None
    spread: float
    passed: int
    failed: int
    undetermined: int


@dataclass(frozen=True, kw_only=True)
class Flip:
    """A call whose outcome is another after the change. `call` is its public id."""

    call: str
    title: str
    vendor: str
    before: Outcome
    after: Outcome
    percent_before: float | None
    percent_after: float | None


@dataclass(frozen=True, kw_only=True)
class VendorShift:
    """A vendor before and after. `rank_*` is its place by mean score; None with too few audits for one.

    `verdict_*` are what its contract's limit and the pass mark make of it, in words.
    """

    slug: str
    name: str
    audits: int
    before: Side
    after: Side
    to_fail: int
    to_pass: int
    rank_before: int | None
    rank_after: int | None
    verdict_before: str
    verdict_after: str

    @property
    def flips(self) -> bool:
        """Say whether its rank or its verdict is another after the change."""
        return self.rank_before != self.rank_after or self.verdict_before != self.verdict_after


@dataclass(frozen=True, kw_only=True)
class NotBacktested:
    """A criterion for which stored answers say nothing, or not all, and why."""

    criterion: str
    title: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """How the machine's answers stand to people's: `agreed` of `decided`, `open` were left to people.

    `kappa` (Cohen) and `ac1` (Gwet) are corrected for chance; None where nothing varies or nothing was decided.
    """

    decided: int
    agreed: int
    open: int
    kappa: float | None
    ac1: float | None


@dataclass(frozen=True, kw_only=True)
class CheckShift:
    """A criterion that the machine answers by another rule: on how many calls its answer changed, and for the better?

    `accepted` counts the people's answers that were the old machine's, taken over: they favour the old rule.
    """

    criterion: str
    title: str
    calls: int
    changed: int
    accepted: int
    before: Agreement
    after: Agreement


@dataclass(frozen=True, kw_only=True)
class Backtest:
    """The result. `shift_mean` and `shift_spread` are of the single audits' differences, in points of percent.

    `flips` are the newest of the `to_fail` + `to_pass` flips and of those to or from undetermined (`to_open`).
    `left_out` audits have other criteria than the version held against, `samples_left_out` are sample history.
    `heard` calls were run again for `checks`; it is 0 when no check changed.
    """

    rubric: str
    title: str
    against: int
    version: int
    changes: tuple[Change, ...]
    audits: int
    left_out: int
    samples_left_out: int
    before: Side
    after: Side
    shift_mean: float | None
    shift_spread: float
    changed: int
    to_fail: int
    to_pass: int
    to_open: int
    flips: tuple[Flip, ...]
    vendors: tuple[VendorShift, ...]
    not_backtested: tuple[NotBacktested, ...]
    heard: int
    checks: tuple[CheckShift, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the result as plain data."""
        return {"schema": "qa-audit/backtest@1", **asdict(self)}
