"""What the audits of a vendor come to: rates, mean scores, what fails most, and whether it changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from qa_audit.domain.access import VENDOR_SIDE, Actor, ensure
from qa_audit.domain.rubric import Criterion, Rubric
from qa_audit.domain.statistics import Rate, Sample, Shift, shift
from qa_audit.errors import NotFound
from qa_audit.services.figure_filters import FigureFilter, Period, period_of
from qa_audit.services.ports import Ports
from qa_audit.services.rubric_files import stored_rubric
from qa_audit.storage import figures
from qa_audit.storage import vendors as vendor_store
from qa_audit.storage.database import Session
from qa_audit.storage.figures import AnswerCount, By, Counts, Group, Scope
from qa_audit.storage.vendors import VendorInfo

RECENT_WEEKS = 4
"""A change is a difference between so many weeks at the end of the period and those before."""

MOST_WEEKS = 53
MOST_LINES = 5
LIMIT = "fatal_limit"
"""The vendor's variable that holds how many calls in 100 its contract lets be fatal."""


@dataclass(frozen=True)
class RubricFigures:
    """The scores under one rubric, fatal zeros left out, and how the recent ones stand to those before."""

    id: str
    title: str
    pass_mark: float
    scores: Sample
    change: Shift


@dataclass(frozen=True)
class FailingLine:
    """A criterion and how often it failed, of the audits in which it was answered and applied."""

    rubric: str
    criterion: str
    title: str
    grave: str | None
    failed: Rate


@dataclass(frozen=True)
class Figures:
    """Everything that is counted of a vendor, a team or an agent. `key` names it in addresses."""

    key: str
    name: str
    counts: Counts
    rubrics: tuple[RubricFigures, ...]
    failing: tuple[FailingLine, ...]

    @property
    def not_passed(self) -> Rate:
        """The audits not passed, of those whose outcome is certain."""
        return Rate(self.counts.failed, self.counts.failed + self.counts.passed)

    @property
    def undetermined(self) -> int:
        """The audits whose open lines could still change the outcome."""
        return self.counts.audits - self.counts.failed - self.counts.passed

    @property
    def fatal(self) -> Rate:
        """The audits with a confirmed fatal."""
        return Rate(self.counts.fatal, self.counts.audits)

    @property
    def critical(self) -> Rate:
        """The audits with a critical error."""
        return Rate(self.counts.critical, self.counts.audits)


@dataclass(frozen=True)
class Vendor:
    """A vendor's figures; `limit` is how many calls in 100 its contract lets be fatal."""

    slug: str
    name: str
    limit: float | None
    figures: Figures


@dataclass(frozen=True)
class Overview:
    """The vendors by name. `compared` says whether they may be held against each other: not by a vendor."""

    period: Period
    vendors: tuple[Vendor, ...]
    compared: bool


@dataclass(frozen=True)
class Course:
    """The scores under one rubric week by week, in the order of the period's weeks."""

    rubric: RubricFigures
    weeks: tuple[Sample, ...]


@dataclass(frozen=True)
class VendorDetail:
    """One vendor from near: its teams, its agents, and its course. `others` are the other vendors' figures."""

    period: Period
    vendor: Vendor
    others: tuple[Vendor, ...]
    teams: tuple[Figures, ...]
    agents: tuple[Figures, ...]
    courses: tuple[Course, ...]


@dataclass(frozen=True)
class Looked:
    """What one look needs: the session, what counts in it, and the rubrics that scores were given under."""

    session: Session
    scope: Scope
    period: Period
    recent: datetime | None
    rubrics: Mapping[int, Rubric]
    zone: ZoneInfo


def overview(ports: Ports, actor: Actor, filter: FigureFilter) -> Overview:
    """Return the figures of every vendor that the actor may see, by name.

    Raises NotFound for the vendor's side, managers of a vendor excepted.
    """
    ensure_sees(actor)
    with ports.db.read() as session:
        looked = look(ports, session, actor, filter)
        vendors = vendors_of(looked, vendor_store.all_vendors(session, actor.vendor_id))
    return Overview(looked.period, vendors, actor.vendor_id is None)


def vendor_detail(ports: Ports, actor: Actor, slug: str, filter: FigureFilter) -> VendorDetail:
    """Return one vendor's figures with teams, agents and weeks; raises NotFound, also outside one's scope."""
    ensure_sees(actor)
    with ports.db.read() as session:
        known = known_vendor(session, actor, slug)
        looked = look(ports, session, actor, filter)
        everybody = vendors_of(looked, vendor_store.all_vendors(session, actor.vendor_id))
        own = replace(looked, scope=replace(looked.scope, vendor_id=known.key))
        names = figures.teams(session, known.key)
        teams = _groups(own, "team", {key: (id, name) for key, (id, name) in names.items()})
        people = figures.agents(session, known.key)
        agents = _groups(own, "agent", {key: (name, name) for key, name in people.items()})
        vendor = next(found for found in everybody if found.slug == slug)
        courses = _courses(own, known.key, vendor.figures.rubrics)
    others = tuple(found for found in everybody if found.slug != slug)
    return VendorDetail(looked.period, vendor, others, teams, agents, courses)


def ensure_sees(actor: Actor) -> None:
    """Raise NotFound or Forbidden unless the actor may see figures of vendors at all."""
    ensure(actor, "see_vendors")
    if actor.role in VENDOR_SIDE and actor.vendor_id is None:
        raise NotFound()


def known_vendor(session: Session, actor: Actor, slug: str) -> VendorInfo:
    """Return a vendor of the actor's scope; raises NotFound."""
    found = vendor_store.find(session, slug, actor.vendor_id)
    if found is None:
        raise NotFound(f"There is no vendor '{slug}'.")
    return found


def look(ports: Ports, session: Session, actor: Actor, filter: FigureFilter) -> Looked:
    """Work out which moments count: by the installation's time zone, and by the last audit there is."""
    zone = ZoneInfo(ports.settings.time_zone)
    scope = Scope(
        vendor_id=actor.vendor_id,
        published_only=actor.role in VENDOR_SIDE,
        with_sample=filter.with_sample,
    )
    found = figures.span(session, scope)
    first, last = (moment.astimezone(zone).date() for moment in found) if found else (None, None)
    period = period_of(filter, first, last)
    after = period.until + timedelta(days=1) if period.until and period.until < date.max else None
    scope = replace(scope, since=_at(period.since, zone), until=_at(after, zone))
    recent = _at(period.weeks[-RECENT_WEEKS], zone) if len(period.weeks) > RECENT_WEEKS else None
    rubrics = {key: stored_rubric(version.source) for key, version in figures.versions(session).items()}
    return Looked(session, scope, period, recent, rubrics, zone)


def _at(day: date | None, zone: ZoneInfo) -> datetime | None:
    return datetime.combine(day, time.min, zone) if day else None


def vendors_of(looked: Looked, known: Sequence[VendorInfo]) -> tuple[Vendor, ...]:
    """Return the figures of these vendors, in their order."""
    names = {vendor.key: (vendor.slug, vendor.name) for vendor in known}
    found = {group.key: group for group in _groups(looked, "vendor", names)}
    return tuple(
        Vendor(vendor.slug, vendor.name, limit_of(vendor), found[vendor.slug])
        for vendor in known
        if vendor.slug in found
    )


def limit_of(vendor: VendorInfo) -> float | None:
    """Return how many calls in 100 a vendor's contract lets be fatal; None without such a limit."""
    value = vendor.variables.get(LIMIT)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _groups(looked: Looked, by: By, names: Mapping[int, tuple[str, str]]) -> tuple[Figures, ...]:
    """Return the figures of each named group, in the order of the names; those without calls too for vendors."""
    counts = figures.counts(looked.session, looked.scope, by)
    bounds = (looked.recent,) if looked.recent else ()
    scores = figures.courses(looked.session, looked.scope, by, bounds)
    answers = figures.answers(looked.session, looked.scope, by)
    return tuple(
        Figures(
            key=id,
            name=name,
            counts=counts.get(key, Counts()),
            rubrics=_rubric_figures(looked, key, scores),
            failing=_failing(looked, answers.get(key, ())),
        )
        for key, (id, name) in sorted(names.items(), key=lambda item: item[1][1].lower())
        if key in counts or by == "vendor"
    )


def _rubric_figures(
    looked: Looked, group: Group, scores: Mapping[tuple[Group, str], tuple[Sample, ...]]
) -> tuple[RubricFigures, ...]:
    newest = {rubric.id: rubric for rubric in sorted(looked.rubrics.values(), key=lambda r: r.version)}
    found = []
    for id, rubric in sorted(newest.items()):
        parts = scores.get((group, id), ())
        before, recent = (parts[0], parts[1]) if len(parts) == 2 else (Sample(), sum(parts, Sample()))
        change = shift(before, recent)
        found.append(RubricFigures(id, rubric.title, rubric.pass_mark, sum(parts, Sample()), change))
    return tuple(found)


def _failing(looked: Looked, counted: Sequence[AnswerCount]) -> tuple[FailingLine, ...]:
    """Return the lines that fail most often, the same line of several versions together."""
    lines: dict[tuple[str, str], tuple[Criterion, int, int]] = {}
    for answer in counted:
        rubric = looked.rubrics.get(answer.rubric_key)
        if rubric is None:
            continue
        criterion = rubric.criterion(answer.criterion)
        failed = answer.count if criterion.fails(answer.answer) else 0
        _, before, base = lines.get((rubric.id, criterion.id), (criterion, 0, 0))
        lines[rubric.id, criterion.id] = (criterion, before + failed, base + answer.count)
    found = [
        FailingLine(rubric, criterion.id, criterion.title, grave(criterion), Rate(failed, base))
        for (rubric, _), (criterion, failed, base) in lines.items()
        if failed
    ]
    order = sorted(found, key=lambda line: (-line.failed.count, line.rubric, line.criterion))
    return tuple(order[:MOST_LINES])


def grave(criterion: Criterion) -> str | None:
    """Return 'fatal' or 'critical' for a line that is one."""
    return "fatal" if criterion.fatal else "critical" if criterion.critical else None


def _courses(looked: Looked, vendor_key: int, rubrics: Sequence[RubricFigures]) -> tuple[Course, ...]:
    weeks = looked.period.weeks[-MOST_WEEKS:]
    bounds = [bound for week in weeks[1:] if (bound := _at(week, looked.zone))]
    scope = replace(looked.scope, since=_at(weeks[0], looked.zone)) if weeks else looked.scope
    found = figures.courses(looked.session, scope, "vendor", bounds)
    empty = (Sample(),) * len(weeks)
    return tuple(Course(rubric, found.get((vendor_key, rubric.id), empty)) for rubric in rubrics if weeks)
