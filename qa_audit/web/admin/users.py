"""People: who signs in, as what, and what they see."""

from __future__ import annotations

from flask import flash, redirect, request, url_for
from werkzeug.wrappers import Response

from qa_audit.errors import Conflict, Invalid
from qa_audit.services import accounts, people
from qa_audit.services.grants import ROLES, Asked
from qa_audit.services.people import Person
from qa_audit.web.admin.pages import PersonForm, PersonLine, Secret, UserPage, UsersPage
from qa_audit.web.admin.routes import blueprint
from qa_audit.web.admin.tabs import tabs
from qa_audit.web.auth import actor
from qa_audit.web.context import runtime
from qa_audit.web.htmx import render
from qa_audit.web.pages import Choice, Tone

ROLE_WORDS = {
    "admin": "admin: looks after everything",
    "reviewer": "reviewer: audits calls",
    "viewer": "viewer: reads everything, scores nothing",
    "manager": "manager of a vendor",
    "lead": "lead of a vendor's team",
    "agent": "agent: sees the own scorecards",
}

EVERYTHING = "everything"

LINK_HINTS = {
    False: "It sets the password, works once, and for three days. Give it to the person and to nobody else; it "
    "is not shown again.",
    True: "It sets a new password, works once, and for 30 minutes. Give it to the person and to nobody else; it "
    "is not shown again.",
}
"""By whether there is a password already."""

Answer = Response | str | tuple[str, int]


@blueprint.get("/users")
def users() -> str:
    """List everybody who has an account."""
    return _list()


@blueprint.post("/users")
def add_user() -> Answer:
    """Add somebody, and show the link for the password this once: a secret goes into no address or cookie."""
    asked = _asked()
    email, name = request.form.get("email", ""), request.form.get("name", "")
    bound = {"vendor_slug": asked.vendor, "team": asked.team, "agent": asked.agent}
    try:
        link = accounts.create_user(runtime(), email, asked.role, name=name.strip(), actor=actor(), **bound)
    except (Invalid, Conflict) as error:
        return _list(error.message), 422 if isinstance(error, Invalid) else 409
    return _list(secret=_link(f"Link for {email.strip().lower()}", link, has_password=False))


@blueprint.get("/users/<id>")
def user(id: str) -> str:
    """Show one person."""
    return _one(people.get(runtime(), actor(), id))


@blueprint.post("/users/<id>")
def change_user(id: str) -> Answer:
    """Change what somebody is called, may do and sees."""
    person = people.get(runtime(), actor(), id)
    try:
        ended = people.change(runtime(), actor(), id, request.form.get("name", ""), _asked())
    except (Invalid, Conflict) as error:
        return _one(person, error.message, typed=True), 422 if isinstance(error, Invalid) else 409
    if id == actor().id and ended:
        return redirect(url_for("account.login"), 303)
    flash("Saved. They have to sign in again." if ended else "Saved.")
    return redirect(url_for("admin.user", id=id), 303)


@blueprint.post("/users/<id>/link")
def new_link(id: str) -> Answer:
    """Make a new link for somebody's password, and show it this once."""
    person = people.get(runtime(), actor(), id)
    try:
        link = people.new_link(runtime(), actor(), id)
    except Conflict as error:
        return _one(person, error.message), 409
    return _one(person, secret=_link("New link", link, has_password=person.has_password))


@blueprint.post("/users/<id>/disable")
def disable_user(id: str) -> Answer:
    """Shut somebody out."""
    try:
        people.disable(runtime(), actor(), id)
    except Conflict as error:
        return _one(people.get(runtime(), actor(), id), error.message), 409
    flash("They are shut out, wherever they were signed in.")
    return redirect(url_for("admin.user", id=id), 303)


@blueprint.post("/users/<id>/enable")
def enable_user(id: str) -> Response:
    """Let somebody in again."""
    people.enable(runtime(), actor(), id)
    flash("They can sign in again.")
    return redirect(url_for("admin.user", id=id), 303)


def _asked() -> Asked:
    """Read role and scope from the form; a scope is `vendor/`, `vendor/team/id` or `vendor/agent/id`."""
    vendor, kind, id = [*request.form.get("scope", "").split("/", 2), "", ""][:3]
    return Asked(
        role=request.form.get("role", ""),
        vendor=vendor,
        team=id if kind == "team" else "",
        agent=id if kind == "agent" else "",
    )


def _list(error: str = "", secret: Secret | None = None) -> str:
    everybody = people.everybody(runtime(), actor())
    typed = request.form if error else {}
    chosen = (typed.get("role", "reviewer"), typed.get("scope", ""))
    form = _form(typed.get("email", ""), typed.get("name", ""), *chosen)
    page = UsersPage(tabs(), tuple(map(_line, everybody)), form, error, secret)
    return render("admin/users.html", page)


def _one(person: Person, error: str = "", secret: Secret | None = None, *, typed: bool = False) -> str:
    said = request.form if typed else {}
    words, tone = _state(person)
    page = UserPage(
        tabs=tabs(),
        id=person.id,
        title=person.name or person.email,
        state=words,
        tone=tone,
        is_disabled=person.is_disabled,
        is_me=person.id == actor().id,
        form=_form(
            person.email,
            said.get("name", person.name),
            said.get("role", person.role),
            said.get("scope", _scope(person)),
        ),
        error=error,
        secret=secret,
    )
    return render("admin/user.html", page)


def _form(email: str, name: str, role: str, scope: str) -> PersonForm:
    found = people.choices(runtime(), actor())
    scopes = [("", EVERYTHING)]
    for vendor in found.vendors:
        scopes.append((f"{vendor.id}/", f"{vendor.name}: all of it"))
        for kind, members in (("team", found.teams), ("agent", found.agents)):
            own = (one for one in members if one.vendor == vendor.id)
            scopes += [(f"{vendor.id}/{kind}/{one.id}", f"{vendor.name}: {kind} {one.name}") for one in own]
    return PersonForm(
        email=email,
        name=name,
        roles=tuple(Choice(known, ROLE_WORDS[known], known == role) for known in ROLES),
        scopes=tuple(Choice(value, label, value == scope) for value, label in scopes),
    )


def _line(person: Person) -> PersonLine:
    words, tone = _state(person)
    return PersonLine(
        id=person.id,
        address=url_for("admin.user", id=person.id),
        name=person.name or person.email,
        email=person.email,
        role=person.role,
        scope=_scope_words(person),
        state=words,
        tone=tone,
    )


def _state(person: Person) -> tuple[str, Tone]:
    if person.is_disabled:
        return "shut out", "bad"
    return ("can sign in", "plain") if person.has_password else ("no password yet", "person")


def _scope(person: Person) -> str:
    if person.vendor is None:
        return ""
    for kind, bound in (("team", person.team), ("agent", person.agent)):
        if bound is not None:
            return f"{person.vendor.id}/{kind}/{bound.id}"
    return f"{person.vendor.id}/"


def _scope_words(person: Person) -> str:
    if person.vendor is None:
        return EVERYTHING
    for kind, bound in (("team", person.team), ("agent", person.agent)):
        if bound is not None:
            return f"{person.vendor.name}, {kind} {bound.name}"
    return person.vendor.name


def _link(label: str, token: str, *, has_password: bool) -> Secret:
    ours = runtime().settings.public_url
    path = url_for("account.welcome", token=token)
    address = f"{ours}{path}" if ours else url_for("account.welcome", token=token, _external=True)
    return Secret(label, address, LINK_HINTS[has_password])
