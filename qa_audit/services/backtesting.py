"""What a changed rubric would have done to the audits that are stored; nothing stored is ever touched.

People's answers are scored under both texts, exactly. Changed rules of the machine are run again on stored
transcripts and held against what people answered.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from qa_audit.domain.access import Actor, ensure
from qa_audit.domain.backtest import Compared, Comparer, Tally, not_backtestable, ranks, verdict
from qa_audit.domain.backtest import Side as SideSums
from qa_audit.domain.rubric import Rubric
from qa_audit.domain.rubric.changes import changes
from qa_audit.errors import Invalid, NotFound
from qa_audit.services.backtest_hearing import hear_again
from qa_audit.services.backtest_results import (
    Agreement,
    Backtest,
    CheckShift,
    Flip,
    NotBacktested,
    Side,
    VendorShift,
)
from qa_audit.services.ports import Ports
from qa_audit.services.rubric_files import load_rubric
from qa_audit.services.vendor_figures import limit_of
from qa_audit.storage import backtests as store
from qa_audit.storage import rubrics as rubric_store
from qa_audit.storage import vendors as vendor_store
from qa_audit.storage.database import Session
from qa_audit.storage.figures import Scope

__all__ = [
    "NEWEST",
    "Agreement",
    "Backtest",
    "CheckShift",
    "Flip",
    "NotBacktested",
    "Progress",
    "Side",
    "VendorShift",
    "backtest",
]

Progress = Callable[[str, float], None]
"""Shows the finished fraction (0 to 1) of a step."""

NEWEST = 500
"""So many of the newest audited calls are heard again when the machine's rules change."""

MOST_FLIPS = 200
"""So many flipped calls are named; all are counted."""

SCORING, HEARING = "scoring stored answers", "hearing calls again"


@dataclass
class _Found:
    """What one pass over the stored answers collects; equal results are counted together."""

    groups: Counter[tuple[int, bool, Compared]] = field(default_factory=Counter)
    flips: list[tuple[int, Compared]] = field(default_factory=list)
    left_out: int = 0


class _Stored(NamedTuple):
    """What the database holds against a changed rubric: `keys` are the versions, `samples` audits left out."""

    before: Rubric
    keys: list[int]
    found: _Found
    samples: int
    vendors: tuple[VendorShift, ...]
    flips: tuple[Flip, ...]


def backtest(
    ports: Ports,
    actor: Actor,
    text: str,
    against: tuple[str, int],
    *,
    newest: int = NEWEST,
    with_sample: bool = False,
    progress: Progress | None = None,
) -> Backtest:
    """Hold a changed rubric against a stored version, on every finished audit of that rubric.

    Audits of other versions count too where the version's lines are the same. `newest` calls at most are heard
    again where the machine's rules change. Raises RubricError for a text that is no rubric, Invalid for one with
    another id, NotFound for an unknown version, Forbidden.
    """
    ensure(actor, "rubric.edit")
    after = load_rubric(text)
    scope, show = Scope(with_sample=with_sample), progress or _silent
    stored = _compare_stored(ports, after, against, scope, show)
    before, found = stored.before, stored.found
    changed = changes(before, after)
    heard, checks = hear_again(
        ports, (before, after), changed, stored.keys, scope, newest, lambda done: show(HEARING, done)
    )
    all_of = _tally(found)
    return Backtest(
        rubric=before.id,
        title=before.title,
        against=before.version,
        version=after.version,
        changes=changed,
        audits=all_of.audits,
        left_out=found.left_out,
        samples_left_out=stored.samples,
        before=_side(all_of.before),
        after=_side(all_of.after),
        shift_mean=_two(all_of.shift.mean),
        shift_spread=round(all_of.shift.deviation, 2),
        changed=all_of.changed,
        to_fail=all_of.to_fail,
        to_pass=all_of.to_pass,
        to_open=all_of.to_open,
        flips=stored.flips,
        vendors=stored.vendors,
        not_backtested=_not_backtested(before, after, found),
        heard=heard,
        checks=checks,
    )


def _compare_stored(
    ports: Ports, after: Rubric, against: tuple[str, int], scope: Scope, show: Progress
) -> _Stored:
    """Recompute the stored answers under both rubrics; raises NotFound and Invalid (see `backtest`)."""
    with ports.db.read() as session:
        version = rubric_store.find(session, *against)
        if version is None:
            raise NotFound(f"There is no version {against[1]} of a rubric '{against[0]}'.")
        keys = [one.key for one in rubric_store.every(session, against[0])]
        before = load_rubric(version.source)
        if after.id != before.id:
            raise Invalid(f"This is a rubric '{after.id}', not '{before.id}'.", {"id": "is another"})
        found = _score(session, Comparer(before, after), keys, scope, show)
        return _Stored(
            before=before,
            keys=keys,
            found=found,
            samples=0 if scope.with_sample else store.count_samples(session, keys),
            vendors=_vendors(session, found, after.pass_mark, before.pass_mark),
            flips=_flips(session, found.flips),
        )


def _silent(step: str, fraction: float) -> None:
    """Show nothing."""


def _score(session: Session, comparer: Comparer, keys: Sequence[int], scope: Scope, show: Progress) -> _Found:
    found = _Found()
    for done, portion in store.answers(session, keys, scope):
        for given in portion:
            compared = comparer.compare(given.text)
            if compared is None:
                found.left_out += 1
                continue
            found.groups[given.vendor, given.fatal_elsewhere, compared] += 1
            flipped = compared.before.outcome != compared.after.outcome
            if flipped and len(found.flips) < MOST_FLIPS:
                found.flips.append((given.audit, compared))
        show(SCORING, done)
    return found


def _tally(found: _Found, vendor: int | None = None) -> Tally:
    """Sum up the audits of a vendor, or all."""
    tally = Tally()
    for (key, fatal_elsewhere, compared), times in found.groups.items():
        if vendor is None or key == vendor:
            tally.add(compared, times, times if fatal_elsewhere else 0)
    return tally


def _vendors(
    session: Session, found: _Found, mark_after: float, mark_before: float
) -> tuple[VendorShift, ...]:
    """Return the vendors that have audits, by name."""
    tallies = {key: _tally(found, key) for key in {group[0] for group in found.groups}}
    known = [vendor for vendor in vendor_store.all_vendors(session, None) if vendor.key in tallies]
    before = ranks({vendor.slug: tallies[vendor.key].before.percents for vendor in known})
    after = ranks({vendor.slug: tallies[vendor.key].after.percents for vendor in known})
    shifts = []
    for vendor in sorted(known, key=lambda one: (one.name.lower(), one.slug)):
        tally, limit = tallies[vendor.key], limit_of(vendor)
        shifts.append(
            VendorShift(
                slug=vendor.slug,
                name=vendor.name,
                audits=tally.audits,
                before=_side(tally.before),
                after=_side(tally.after),
                to_fail=tally.to_fail,
                to_pass=tally.to_pass,
                rank_before=before.get(vendor.slug),
                rank_after=after.get(vendor.slug),
                verdict_before=verdict(tally.before, tally.audits, mark_before, limit),
                verdict_after=verdict(tally.after, tally.audits, mark_after, limit),
            )
        )
    return tuple(shifts)


def _flips(session: Session, flipped: Sequence[tuple[int, Compared]]) -> tuple[Flip, ...]:
    names = store.names(session, [audit for audit, _ in flipped])
    return tuple(
        Flip(
            call=names[audit].id,
            title=names[audit].title,
            vendor=names[audit].vendor,
            before=compared.before.outcome,
            after=compared.after.outcome,
            percent_before=compared.before.percent,
            percent_after=compared.after.percent,
        )
        for audit, compared in flipped
    )


def _not_backtested(before: Rubric, after: Rubric, found: _Found) -> tuple[NotBacktested, ...]:
    off_scale: Counter[str] = Counter()
    for (_, _, compared), times in found.groups.items():
        off_scale.update(dict.fromkeys(compared.off_scale, times))
    reasons = not_backtestable(before, after, off_scale)
    return tuple(
        NotBacktested(criterion=id, title=after.criterion(id).title, reason=reason)
        for id, reason in reasons.items()
    )


def _side(sums: SideSums) -> Side:
    return Side(
        mean=_two(sums.percents.mean),
        spread=round(sums.percents.deviation, 2),
        passed=sums.outcomes["pass"],
        failed=sums.outcomes["fail"],
        undetermined=sums.outcomes["undetermined"],
    )


def _two(value: float | None) -> float | None:
    return None if value is None else round(value, 2)
