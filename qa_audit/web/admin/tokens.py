"""Tokens: what scripts sign in with."""

from __future__ import annotations

from flask import flash, redirect, request, url_for
from werkzeug.wrappers import Response

from qa_audit.errors import Invalid
from qa_audit.services import accounts, people
from qa_audit.services.people import TokenLine
from qa_audit.web.admin.pages import Secret, TokenRow, TokensPage
from qa_audit.web.admin.routes import blueprint
from qa_audit.web.admin.tabs import tabs
from qa_audit.web.auth import actor
from qa_audit.web.context import runtime
from qa_audit.web.htmx import render
from qa_audit.web.pages import Choice
from qa_audit.web.templating import here

SCOPE_WORDS = {
    "upload": "upload: send calls and see how far they are",
    "read": "read: calls, transcripts, scorecards",
    "admin": "admin: both, and delete calls",
}

HINT = "Scripts send it as 'Authorization: Bearer'. It is not shown again: only its hash is kept."


@blueprint.get("/tokens")
def tokens() -> str:
    """List the tokens."""
    return _page()


@blueprint.post("/tokens")
def create_token() -> str | tuple[str, int]:
    """Make a token, and show it this once: a secret goes into no address or cookie."""
    vendor = request.form.get("vendor") or None
    try:
        token = accounts.create_token(runtime(), request.form.get("scope", ""), vendor, actor=actor())
    except Invalid as error:
        return _page(error.message), 422
    return _page(secret=Secret("New token", token, HINT))


@blueprint.post("/tokens/<id>/revoke")
def revoke_token(id: str) -> Response:
    """Make a token worthless."""
    accounts.revoke_token_by_id(runtime(), actor(), id)
    flash("The token is revoked: scripts that use it are refused from now on.")
    return redirect(url_for("admin.tokens"), 303)


def _page(error: str = "", secret: Secret | None = None) -> str:
    ports = runtime()
    typed = request.form if error else {}
    vendors = people.choices(ports, actor()).vendors
    page = TokensPage(
        tabs=tabs(),
        rows=tuple(map(_row, people.tokens(ports, actor()))),
        scopes=tuple(
            Choice(scope, SCOPE_WORDS[scope], scope == typed.get("scope")) for scope in accounts.SCOPES
        ),
        vendors=tuple(Choice(one.id, one.name, one.id == typed.get("vendor")) for one in vendors),
        error=error,
        secret=secret,
    )
    return render("admin/tokens.html", page)


def _row(token: TokenLine) -> TokenRow:
    return TokenRow(
        id=token.id,
        scope=token.scope,
        vendor=token.vendor or "all vendors",
        created=here(token.created_at),
        last_used=here(token.last_used_at) if token.last_used_at else None,
        revoke=None if token.is_revoked else url_for("admin.revoke_token", id=token.id),
    )
