"""Who is asking: the seam around Flask-Login. Views ask `actor()`; nobody else looks at the session."""

from __future__ import annotations

import ipaddress
from datetime import timedelta
from urllib.parse import urlsplit

import flask_login
from flask import Flask, g, redirect, request, session, url_for
from werkzeug.wrappers import Response

from qa_audit.domain.access import Actor
from qa_audit.services import accounts
from qa_audit.services.accounts import SignedIn
from qa_audit.web.context import runtime
from qa_audit.web.htmx import is_fragment

LONGEST = timedelta(hours=12)
"""How long one sign-in lasts at most."""

PUBLIC = frozenset(
    {
        "static",
        "account.login",
        "account.welcome",
        "health.alive",
        "health.ready",
        "health.metrics",
    }
)
"""Endpoints for everybody; all others ask for a sign-in, the API for a token."""


class _User(flask_login.UserMixin):  # type: ignore[misc]
    """What Flask-Login carries around."""

    def __init__(self, who: SignedIn) -> None:
        self.who = who

    def get_id(self) -> str:
        return f"{self.who.actor.id}.{self.who.session_key}"


def install(app: Flask) -> None:
    """Load whoever is signed in, and ask everybody else to sign in."""
    manager = flask_login.LoginManager()
    manager.session_protection = None  # it would bind a sign-in to an address that phones change all the time
    manager.user_loader(_load)
    manager.init_app(app, add_context_processor=False)
    app.before_request(_ask_to_sign_in)


def sign_in(who: SignedIn) -> None:
    """Start a new session for somebody: nothing of the session before lives on."""
    session.clear()
    session.permanent = True
    session["since"] = int(runtime().clock().timestamp())
    flask_login.login_user(_User(who))
    g.pop("csrf_token", None)


def sign_out() -> None:
    """End all of this person's sign-ins, on the server too."""
    who = signed_in()
    if who is not None:
        accounts.end_sign_ins(runtime(), who.actor)
    flask_login.logout_user()
    session.clear()


def signed_in() -> SignedIn | None:
    """Return who is signed in, or None."""
    user = flask_login.current_user
    return user.who if isinstance(user, _User) else None


def actor() -> Actor:
    """Return who is asking, in a view that asks for a sign-in."""
    who = signed_in()
    assert who is not None, "the view is public"
    return who.actor


def safe_next(target: str | None) -> str:
    """Return an address of this application: the one given, or the start page when it leads elsewhere."""
    start = url_for("account.start")
    if not target or not target.startswith("/") or target.startswith(("//", "/\\")):
        return start
    parts = urlsplit(target)
    harmless = not parts.scheme and not parts.netloc and target.isprintable() and "\\" not in target
    return target if harmless else start


def client_address() -> str:
    """Return the network address a request came from, for counting failed tries.

    A proxy on a private address (the usual way to HTTPS) appends the address that it saw to X-Forwarded-For.
    """
    peer = request.remote_addr or ""
    seen = request.headers.get("X-Forwarded-For", "").rsplit(",", 1)[-1].strip()
    try:
        return str(ipaddress.ip_address(seen)) if seen and ipaddress.ip_address(peer).is_private else peer
    except ValueError:
        return peer


def _load(cookie_id: str) -> _User | None:
    id, _, key = cookie_id.partition(".")
    age = runtime().clock().timestamp() - float(session.get("since", 0))
    if not id or age > LONGEST.total_seconds():
        return None
    who = accounts.still_signed_in(runtime(), id, key)
    return _User(who) if who is not None else None


def _ask_to_sign_in() -> Response | None:
    if request.endpoint is None or request.endpoint in PUBLIC or request.blueprint == "api" or signed_in():
        return None
    if request.method == "GET" and not is_fragment():
        back = request.full_path.rstrip("?")
    else:
        back = urlsplit(request.headers.get("HX-Current-URL", "")).path
    target = url_for("account.login", next=back) if back not in ("", "/") else url_for("account.login")
    if request.headers.get("HX-Request") == "true":
        # fetch() would follow a redirect and put the sign-in page into a corner of the page.
        return Response(status=401, headers={"HX-Redirect": target})
    if request.headers.get("Accept", "").startswith("application/json"):
        return Response(status=401)
    return redirect(target, 303)
