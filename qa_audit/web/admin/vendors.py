"""Vendors: what they are called, how their recordings are made, and how they are organised."""

from __future__ import annotations

from datetime import date

from flask import flash, redirect, request, url_for
from werkzeug.wrappers import Response

from qa_audit.errors import Conflict, Invalid, QaAuditError
from qa_audit.services import organisation, vendors
from qa_audit.services.organisation import AgentRow, Organisation, Stay, TeamRow
from qa_audit.web.admin.pages import (
    AgentLine,
    AgentPage,
    SiteLine,
    StayForm,
    TeamLine,
    VendorForm,
    VendorLine,
    VendorPage,
    VendorsPage,
)
from qa_audit.web.admin.routes import blueprint
from qa_audit.web.admin.tabs import tabs
from qa_audit.web.auth import actor
from qa_audit.web.context import runtime
from qa_audit.web.errors import in_words, status_of
from qa_audit.web.htmx import render
from qa_audit.web.pages import Choice
from qa_audit.web.templating import count

SIDES = {"agent-left": "agent on the left side", "agent-right": "agent on the right side"}

Answer = Response | str | tuple[str, int]


@blueprint.get("/vendors", endpoint="vendors")
def index() -> str:
    """List the vendors."""
    return _list()


@blueprint.post("/vendors")
def add_vendor() -> Answer:
    """Add a vendor."""
    form = request.form
    pattern = form.get("filename_pattern", "").strip() or None
    try:
        added = vendors.add(
            runtime(),
            actor(),
            form.get("slug", "").strip(),
            form.get("name", ""),
            channels=form.get("channels", ""),
            filename_pattern=pattern,
            speech_hints=form.get("speech_hints", "").splitlines(),
        )
    except (Invalid, Conflict) as error:
        return _list(in_words(error)), status_of(error)
    flash(f"{added.name} is added. Now say how it is organised.")
    return redirect(url_for("admin.vendor", slug=added.slug), 303)


@blueprint.get("/vendors/<slug>")
def vendor(slug: str) -> str:
    """Show one vendor."""
    return _one(slug)


@blueprint.post("/vendors/<slug>")
def change_vendor(slug: str) -> Answer:
    """Change a vendor's name, channels, pattern for file names, and names to expect."""
    form, hints = request.form, request.form.get("speech_hints")
    try:
        vendors.update(
            runtime(),
            actor(),
            slug,
            name=form.get("name"),
            channels=form.get("channels"),
            filename_pattern=form.get("filename_pattern"),
            speech_hints=None if hints is None else hints.splitlines(),
        )
    except (Invalid, Conflict) as error:
        return _refused(slug, error, typed=True)
    flash("Saved. Calls that are there already are not changed.")
    return redirect(url_for("admin.vendor", slug=slug), 303)


@blueprint.post("/vendors/<slug>/sites")
def change_site(slug: str) -> Answer:
    """Add a site, or rename the one that the form names."""
    was, name = request.form.get("was", ""), request.form.get("name", "")
    try:
        if was:
            organisation.rename_site(runtime(), actor(), slug, was, name)
        else:
            organisation.add_site(runtime(), actor(), slug, name)
    except (Invalid, Conflict) as error:
        return _refused(slug, error)
    return _done(slug, "sites")


@blueprint.post("/vendors/<slug>/teams")
def add_team(slug: str) -> Answer:
    """Add a team."""
    form = request.form
    try:
        organisation.add_team(runtime(), actor(), slug, form.get("name", ""), form.get("site", ""))
    except (Invalid, Conflict) as error:
        return _refused(slug, error)
    return _done(slug, "teams")


@blueprint.post("/vendors/<slug>/teams/<id>")
def change_team(slug: str, id: str) -> Answer:
    """Rename a team and say where it sits."""
    form = request.form
    try:
        organisation.change_team(runtime(), actor(), slug, id, form.get("name", ""), form.get("site", ""))
    except (Invalid, Conflict) as error:
        return _refused(slug, error)
    return _done(slug, "teams")


@blueprint.post("/vendors/<slug>/agents")
def add_agent(slug: str) -> Answer:
    """Add an agent, and go on to their page to say which team they are in."""
    form = request.form
    try:
        id = organisation.add_agent(runtime(), actor(), slug, form.get("name", ""), form.get("aliases", ""))
    except (Invalid, Conflict) as error:
        return _refused(slug, error)
    return redirect(url_for("admin.agent", slug=slug, id=id), 303)


@blueprint.get("/vendors/<slug>/agents/<id>")
def agent(slug: str, id: str) -> str:
    """Show one agent."""
    return _agent(slug, id)


@blueprint.post("/vendors/<slug>/agents/<id>")
def change_agent(slug: str, id: str) -> Answer:
    """Change an agent's names."""
    form, here = request.form, (slug, id)
    try:
        organisation.change_agent(runtime(), actor(), *here, form.get("name", ""), form.get("aliases", ""))
    except (Invalid, Conflict) as error:
        return _agent(*here, in_words(error)), status_of(error)
    flash("Saved.")
    return redirect(url_for("admin.agent", slug=slug, id=id), 303)


@blueprint.post("/vendors/<slug>/agents/<id>/teams")
def change_stay(slug: str, id: str) -> Answer:
    """Add, change or remove an agent's time in a team."""
    ports, who, form = runtime(), actor(), request.form
    try:
        was = _day("was")
        if form.get("act") == "remove" and was is not None:
            moved = organisation.remove_stay(ports, who, slug, id, was)
        else:
            since = _day("since")
            if since is None:
                raise Invalid("Say from which day on.", {"since": "is missing"})
            days = {"since": since, "until": _day("until"), "was": was}
            moved = organisation.set_stay(ports, who, slug, id, form.get("team", ""), **days)  # type: ignore[arg-type]
    except (Invalid, Conflict) as error:
        return _agent(slug, id, in_words(error)), status_of(error)
    flash(f"Saved. {count(moved, 'call')} went along." if moved else "Saved.")
    return redirect(url_for("admin.agent", slug=slug, id=id), 303)


def _day(field: str) -> date | None:
    text = request.form.get(field, "").strip()
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise Invalid("A day is written like 2026-11-02.", {field: "is no day"}) from error


def _done(slug: str, part: str) -> Response:
    flash("Saved.")
    return redirect(url_for("admin.vendor", slug=slug, _anchor=part), 303)


def _refused(slug: str, error: QaAuditError, *, typed: bool = False) -> tuple[str, int]:
    return _one(slug, in_words(error), typed=typed), status_of(error)


def _list(error: str = "") -> str:
    found = vendors.list_vendors(runtime(), actor())
    typed = request.form if error else {}
    form = _form(
        typed.get("slug", ""),
        typed.get("name", ""),
        typed.get("channels", "agent-left"),
        typed.get("filename_pattern", ""),
        typed.get("speech_hints", ""),
    )
    rows = tuple(
        VendorLine(
            slug=one.slug,
            address=url_for("admin.vendor", slug=one.slug),
            name=one.name,
            side=SIDES[one.channels],
            calls=one.calls,
            is_sample=one.is_sample,
        )
        for one in found
    )
    return render("admin/vendors.html", VendorsPage(tabs(), rows, form, error))


def _one(slug: str, error: str = "", *, typed: bool = False) -> str:
    found = organisation.get(runtime(), actor(), slug)
    vendor, said = found.vendor, request.form if typed else {}
    form = _form(
        vendor.slug,
        said.get("name", vendor.name),
        said.get("channels", vendor.channels),
        said.get("filename_pattern", vendor.filename_pattern or ""),
        said.get("speech_hints", "\n".join(vendor.speech_hints)),
    )
    page = VendorPage(
        tabs=tabs(),
        here=url_for("admin.vendor", slug=slug),
        title=vendor.name,
        form=form,
        sites=tuple(SiteLine(number, site.name, site.teams) for number, site in enumerate(found.sites, 1)),
        site_choices=_sites(found, None),
        teams=tuple(_team_line(found, team) for team in found.teams),
        agents=tuple(_agent_line(found, one) for one in found.agents),
        error=error,
    )
    return render("admin/vendor.html", page)


def _agent(slug: str, id: str, error: str = "") -> str:
    found = organisation.get(runtime(), actor(), slug)
    one = organisation.get_agent(runtime(), actor(), slug, id)
    is_name = error and "aliases" in request.form
    page = AgentPage(
        tabs=tabs(),
        here=url_for("admin.agent", slug=slug, id=id),
        back=url_for("admin.vendor", slug=slug, _anchor="agents"),
        vendor=found.vendor.name,
        title=one.name,
        name=request.form["name"] if is_name and "name" in request.form else one.name,
        aliases=request.form["aliases"] if is_name else ", ".join(one.aliases),
        calls=one.calls,
        stays=tuple(_stay(number, stay, found) for number, stay in enumerate(one.stays, 1)),
        new=StayForm(0, "", "", "", "", _teams(found, None)),
        error=error,
    )
    return render("admin/agent.html", page)


def _form(slug: str, name: str, channels: str, pattern: str, hints: str) -> VendorForm:
    sides = tuple(Choice(value, label, value == channels) for value, label in SIDES.items())
    return VendorForm(slug, name, sides, pattern, hints)


def _team_line(found: Organisation, team: TeamRow) -> TeamLine:
    return TeamLine(
        id=team.id,
        name=team.name,
        address=url_for("admin.change_team", slug=found.vendor.slug, id=team.id),
        agents=team.agents,
        leads=found.leads.get(team.id, ()),
        sites=_sites(found, team.site),
    )


def _agent_line(found: Organisation, one: AgentRow) -> AgentLine:
    today = runtime().clock().date()
    teams = (
        stay.team for stay in one.stays if stay.since <= today and (stay.until is None or today <= stay.until)
    )
    return AgentLine(
        id=one.id,
        address=url_for("admin.agent", slug=found.vendor.slug, id=one.id),
        name=one.name,
        aliases=", ".join(one.aliases),
        team=next(teams, ""),
        calls=one.calls,
    )


def _sites(found: Organisation, chosen: str | None) -> tuple[Choice, ...]:
    return tuple(Choice(site.name, site.name, site.name == chosen) for site in found.sites)


def _teams(found: Organisation, chosen: str | None) -> tuple[Choice, ...]:
    return tuple(Choice(team.id, team.name, team.id == chosen) for team in found.teams)


def _stay(number: int, stay: Stay, found: Organisation) -> StayForm:
    until = stay.until.isoformat() if stay.until else ""
    since = stay.since.isoformat()
    return StayForm(number, since, since, until, stay.team, _teams(found, stay.team_id))
