"""The vendors' pages as their templates read them: every address carries what is counted."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlencode

from flask import url_for

from qa_audit.domain.access import VENDOR_SIDE, Actor
from qa_audit.services.figure_filters import FigureFilter, Period, query_of
from qa_audit.services.vendor_figures import FailingLine, Figures, Overview, Vendor, VendorDetail
from qa_audit.services.vendor_sentences import survey_against_audits, verdict
from qa_audit.web.pages import Tone
from qa_audit.web.templating import count, day, percent
from qa_audit.web.vendors.charts import chart
from qa_audit.web.vendors.pages import Choices, GroupRow, IndexPage, LineRow, Link, ShowPage
from qa_audit.web.vendors.words import TOO_FEW, cells, headings, range_words

PERIODS = (("4", "4 weeks"), ("13", "13 weeks"), ("26", "26 weeks"), ("all", "everything"))


def index_page(found: Overview, filter: FigureFilter, actor: Actor) -> IndexPage:
    """Build the page with all vendors."""
    rows = tuple(_vendor_row(vendor, found, filter, actor) for vendor in found.vendors)
    samples = sum(vendor.figures.counts.samples for vendor in found.vendors)
    return IndexPage(
        choices=choices(url_for("vendors.index"), filter, found.period, samples),
        survey=survey_against_audits(found) or "",
        headings=headings(found.vendors[0].figures) if found.vendors else (),
        rows=rows,
    )


def show_page(found: VendorDetail, filter: FigureFilter, actor: Actor) -> ShowPage:
    """Build the page of one vendor: the vendor first, then its teams."""
    vendor, base = found.vendor, replace(filter, team=None, agent=None, line=None, show="all", page=1)
    said = verdict(vendor, found.others)
    slug, samples = vendor.slug, vendor.figures.counts.samples
    whole = _row(vendor.figures, "Whole vendor", _calls(slug, found.period, base, actor), base, slug, {})
    teams = (_row(team, team.name, None, base, slug, {"team": team.key}) for team in found.teams)
    agents = (
        _row(
            agent,
            agent.name,
            _calls(slug, found.period, base, actor, agent.key),
            base,
            slug,
            {"agent": agent.key},
        )
        for agent in found.agents
    )
    return ShowPage(
        title=vendor.name,
        words=said.words,
        tone=said.tone,
        back=address(url_for("vendors.index"), base),
        choices=choices(url_for("vendors.show", slug=slug), base, found.period, samples),
        headings=headings(vendor.figures),
        rows=(whole, *teams),
        charts=tuple(chart(course, found.period.weeks) for course in found.courses),
        lines=tuple(_line(line, vendor, base) for line in vendor.figures.failing),
        agents=tuple(agents),
    )


def choices(action: str, filter: FigureFilter, period: Period, samples: int) -> Choices:
    """Say what is counted and how to count something else."""
    has_days = filter.since is not None or filter.until is not None
    periods = tuple(
        Link(
            words,
            address(action, replace(filter, period=name, since=None, until=None, page=1)),
            filter.period == name and not has_days,
        )
        for name, words in PERIODS
    )
    switch = None
    if samples or not filter.with_sample:
        words = "Leave the sample history out" if filter.with_sample else "Count the sample history too"
        other = replace(filter, with_sample=not filter.with_sample, page=1)
        switch = Link(words, address(action, other))
    without = "The sample history is left out." if not filter.with_sample else ""
    query = query_of(replace(filter, since=None, until=None, page=1, period=FigureFilter().period))
    return Choices(
        counted=_counted(period),
        periods=periods,
        action=action,
        kept=tuple(query.items()),
        since=filter.since.isoformat() if filter.since else "",
        until=filter.until.isoformat() if filter.until else "",
        samples=f"Counts {count(samples, 'audit')} of sample history: answers only, no sound."
        if samples
        else without,
        switch=switch,
    )


def address(path: str, filter: FigureFilter) -> str:
    """Return an address with a filter."""
    query = query_of(filter)
    return f"{path}?{urlencode(query)}" if query else path


def _counted(period: Period) -> str:
    if not period.weeks:
        return "No audits yet"
    if period.since and period.until:
        return f"{day(period.since)} to {day(period.until)}"
    if period.since or period.until:
        return (
            f"from {day(period.since)}"
            if period.since
            else f"up to {day(period.until)}"
            if period.until
            else ""
        )
    return f"everything, from the week of {day(period.weeks[0])}"


def _vendor_row(vendor: Vendor, found: Overview, filter: FigureFilter, actor: Actor) -> GroupRow:
    others = tuple(other for other in found.vendors if other.slug != vendor.slug) if found.compared else ()
    said = verdict(vendor, others)
    calls = _calls(vendor.slug, found.period, filter, actor)
    own = _row(vendor.figures, vendor.name, calls, filter, vendor.slug, {})
    where = address(url_for("vendors.show", slug=vendor.slug), filter)
    return replace(own, address=where, words=said.words, tone=said.tone)


def _row(
    figures: Figures,
    name: str,
    calls: str | None,
    filter: FigureFilter,
    slug: str,
    chosen: dict[str, str],
) -> GroupRow:
    samples = figures.counts.samples
    path = url_for("vendors.audits", slug=slug)

    def behind(**values: str) -> str:
        return address(path, replace(filter, **chosen, **values))  # type: ignore[arg-type]

    tone: Tone = "plain"
    words = f"{samples} of the audits are sample history" if samples else ""
    return GroupRow(name, None, "", tone, cells(figures, calls, behind), words)


def _calls(
    slug: str, period: Period, filter: FigureFilter, actor: Actor, agent: str | None = None
) -> str | None:
    """Return the address of the calls of a period; the vendor's side has no list of calls."""
    if actor.role in VENDOR_SIDE:
        return None
    days = {"from": period.since, "to": period.until}
    query = {"vendor": slug, **({"agent": agent} if agent else {})}
    query |= {name: value.isoformat() for name, value in days.items() if value}
    query |= {"sample": "yes"} if filter.with_sample else {}
    return f"{url_for('calls.index')}?{urlencode(query)}"


def _line(line: FailingLine, vendor: Vendor, filter: FigureFilter) -> LineRow:
    titles = {rubric.id: rubric.title for rubric in vendor.figures.rubrics}
    rate = line.failed
    where = replace(filter, line=f"{line.rubric}/{line.criterion}")
    return LineRow(
        title=line.title,
        tag=line.grave,
        rubric=titles[line.rubric],
        value=f"{rate.count} of {rate.base}",
        note=TOO_FEW if rate.too_few else f"{percent((rate.share or 0.0) * 100)} % · {range_words(rate)}",
        address=address(url_for("vendors.audits", slug=vendor.slug), where),
    )
