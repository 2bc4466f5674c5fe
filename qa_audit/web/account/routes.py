"""Doors in and out."""

from __future__ import annotations

from flask import Blueprint, current_app, flash, redirect, request, url_for
from werkzeug.wrappers import Response

from qa_audit.domain.access import Role
from qa_audit.errors import Invalid, NotFound
from qa_audit.services import accounts, vendors
from qa_audit.services.accounts import TooManyTries
from qa_audit.services.passwords import SHORTEST
from qa_audit.web import auth
from qa_audit.web.account.pages import LoginPage, WelcomePage
from qa_audit.web.context import runtime
from qa_audit.web.htmx import render
from qa_audit.web.sessions import may_be_plain

blueprint = Blueprint("account", __name__)

NO_HTTPS = (
    "Signing in needs HTTPS, because over plain HTTP everybody on the way could take it over. Open this "
    "address with https://, or use 127.0.0.1 on the machine itself."
)

STARTS: dict[Role, tuple[str, ...]] = {
    "admin": ("admin.system",),
    "reviewer": ("review.queue", "calls.index"),
    "viewer": ("vendors.index", "calls.index"),
    "manager": ("vendors.show",),
    "lead": ("scorecards.index",),
    "agent": ("scorecards.index",),
}
"""What each role does first; the first endpoint that is there."""


@blueprint.get("/")
def start() -> Response:
    """Lead to where a role's work is."""
    who = auth.actor()
    endpoint = next((name for name in STARTS[who.role] if name in current_app.view_functions), None)
    if endpoint is None:
        raise NotFound()
    if endpoint != "vendors.show":
        return redirect(url_for(endpoint), 303)
    vendor = vendors.own(runtime(), who)
    if vendor is None:
        raise NotFound()
    return redirect(url_for(endpoint, slug=vendor.slug), 303)


@blueprint.route("/login", methods=["GET", "POST"])
def login() -> Response | str | tuple[str, int]:
    """Sign in, and lead on to where somebody wanted to go."""
    target = auth.safe_next(request.values.get("next"))
    if request.method == "GET":
        if auth.signed_in():
            return redirect(target, 303)
        return _login_page(target)
    email = request.form.get("email", "")
    try:
        who = accounts.authenticate(runtime(), email, request.form.get("password", ""), auth.client_address())
    except TooManyTries as error:
        return _login_page(target, email, error.message), 429
    except Invalid as error:
        return _login_page(target, email, error.message), 422
    auth.sign_in(who)
    return redirect(target, 303)


@blueprint.post("/logout")
def logout() -> Response:
    """Sign out, on all devices, and have the browser forget what it kept."""
    auth.sign_out()
    response = redirect(url_for("account.login"), 303)
    response.headers["Clear-Site-Data"] = '"cache", "cookies", "storage"'
    return response


@blueprint.route("/welcome/<token>", methods=["GET", "POST"])
def welcome(token: str) -> Response | str | tuple[str, int]:
    """Set a password by a link that works once."""
    email = accounts.link_owner(runtime(), token)
    action = url_for("account.welcome", token=token)
    if request.method == "GET":
        return render("account/welcome.html", WelcomePage(email, action, "", SHORTEST))
    try:
        accounts.set_password(runtime(), token, request.form.get("password", ""))
    except Invalid as error:
        return render("account/welcome.html", WelcomePage(email, action, error.message, SHORTEST)), 422
    flash("The password is set. Sign in with it.")
    return redirect(url_for("account.login"), 303)


def _login_page(target: str, email: str = "", error: str = "") -> str:
    works = request.is_secure or may_be_plain()
    shown = error if works else NO_HTTPS
    return render("account/login.html", LoginPage(email, target, shown, works))
