"""Who gets what from every route: one row per route and method; a route without a row fails here."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import SQLModel, select

from qa_audit.domain.access import VENDOR_SIDE, Role
from qa_audit.runtime import Runtime
from qa_audit.services import accounts
from qa_audit.storage.accounts import accounts as all_accounts
from tests.factories import make_user, make_vendor
from tests.fakes import receive, work_off
from tests.web.conftest import SignInAs, token_of

TO_LOGIN = "to the sign-in"
API = "needs a token"

STAFF_ONLY = {"admin": 200, "reviewer": 200, "viewer": 200}
ADMIN_ONLY = {"admin": 200, "reviewer": 403, "viewer": 403}

EXPECTED: dict[tuple[str, str], dict[str, object]] = {
    ("GET", "/"): {"anonymous": TO_LOGIN, "admin": 303, "reviewer": 303, "viewer": 303},
    ("GET", "/login"): {"anonymous": 200, "everybody": 303},
    ("POST", "/login"): {"anonymous": 422, "everybody": 422},
    ("POST", "/logout"): {"anonymous": TO_LOGIN, "everybody": 303},
    ("GET", "/welcome/<token>"): {"anonymous": 404, "everybody": 404},
    ("POST", "/welcome/<token>"): {"anonymous": 404, "everybody": 404},
    ("GET", "/calls"): {"anonymous": TO_LOGIN, **STAFF_ONLY},
    ("GET", "/calls.csv"): {"anonymous": TO_LOGIN, **STAFF_ONLY},
    ("GET", "/calls/upload"): {"anonymous": TO_LOGIN, "admin": 200, "reviewer": 200, "viewer": 403},
    ("POST", "/calls/upload"): {"anonymous": TO_LOGIN, "admin": 415, "reviewer": 415, "viewer": 403},
    ("GET", "/calls/<id>"): {"anonymous": TO_LOGIN, **STAFF_ONLY},
    ("GET", "/calls/<id>/audio"): {"anonymous": TO_LOGIN, **STAFF_ONLY},
    ("GET", "/calls/<id>/peaks"): {"anonymous": TO_LOGIN, **STAFF_ONLY},
    ("POST", "/calls/<id>/retry"): {"anonymous": TO_LOGIN, **ADMIN_ONLY, "admin": 409},
    ("GET", "/calls/<id>/delete"): {"anonymous": TO_LOGIN, **ADMIN_ONLY},
    ("POST", "/calls/<id>/delete"): {"anonymous": TO_LOGIN, **ADMIN_ONLY, "admin": 303},
    ("GET", "/admin/tasks"): {"anonymous": TO_LOGIN, **ADMIN_ONLY},
    ("GET", "/healthz"): {"anonymous": 200, "everybody": 200},
    ("GET", "/readyz"): {"anonymous": 200, "everybody": 200},
    ("GET", "/metrics"): {"anonymous": 200, "everybody": 200},
    ("GET", "/static/<path:filename>"): {"anonymous": 200, "everybody": 200},
    ("GET", "/api/v1/openapi.json"): {"anonymous": 200, "everybody": 200},
    ("POST", "/api/v1/calls"): {"anonymous": API, "everybody": API},
    ("GET", "/api/v1/calls"): {"anonymous": API, "everybody": API},
    ("GET", "/api/v1/calls/<id>"): {"anonymous": API, "everybody": API},
    ("GET", "/api/v1/calls/<id>/transcript"): {"anonymous": API, "everybody": API},
    ("GET", "/api/v1/calls/<id>/prescore"): {"anonymous": API, "everybody": API},
    ("DELETE", "/api/v1/calls/<id>"): {"anonymous": API, "everybody": API},
}
"""The vendor's side gets 404 wherever nothing else is said; `everybody` is every role that is not named."""

OF_A_CALL = [pair for pair in EXPECTED if "<id>" in pair[1] and not pair[1].startswith("/api")]
ROLES: tuple[Role, ...] = ("admin", "reviewer", "viewer", "manager", "lead", "agent")


@dataclass(frozen=True)
class Place:
    """A call that went through every stage, and its vendor's key."""

    call: str
    vendor_id: int


@pytest.fixture
def place(here: Runtime) -> Place:
    with here.db.write() as session:
        vendor = make_vendor(session)
    call, _ = receive(here, vendor)
    assert work_off(here) == ["done", "done", "done"]
    assert vendor.id is not None
    return Place(call.public_id, vendor.id)


def rules(app: Flask) -> set[tuple[str, str]]:
    return {
        (method, rule.rule)
        for rule in app.url_map.iter_rules()
        for method in rule.methods or ()
        if method not in ("HEAD", "OPTIONS")
    }


def address(rule: str, call: str) -> str:
    filled = rule.replace("<id>", call).replace("<token>", "no-such-token")
    return filled.replace("<path:filename>", "css/base.css")


def ask(client: FlaskClient, method: str, where: str, **options: object):  # type: ignore[no-untyped-def]
    data = {"csrf_token": token_of(client)} if method == "POST" else None
    return client.open(where, method=method, data=data, **options)  # type: ignore[arg-type]


def outcome(answer) -> object:  # type: ignore[no-untyped-def]
    if answer.status_code == 303 and answer.headers["Location"].startswith("/login"):
        return TO_LOGIN if not answer.headers.get("Clear-Site-Data") else 303
    if answer.status_code == 401 and answer.headers.get("WWW-Authenticate"):
        return API
    return answer.status_code


def expected(pair: tuple[str, str], who: str) -> object:
    row = EXPECTED[pair]
    return row.get(who, row.get("everybody", 404))


def test_every_route_has_a_row_and_every_row_a_route(app: Flask) -> None:
    assert rules(app) == set(EXPECTED)


def test_nobody_who_is_not_signed_in_gets_in(app: Flask, place: Place) -> None:
    client = app.test_client()
    found = {pair: outcome(ask(client, pair[0], address(pair[1], place.call))) for pair in EXPECTED}
    assert found == {pair: expected(pair, "anonymous") for pair in EXPECTED}


@pytest.mark.parametrize("role", ROLES)
def test_each_role_gets_what_its_row_says(sign_in_as: SignInAs, place: Place, role: Role) -> None:
    client = sign_in_as(role)
    last = [pair for pair in EXPECTED if pair[1] == "/logout" or pair == ("POST", "/calls/<id>/delete")]
    order = [*(pair for pair in EXPECTED if pair not in last), *reversed(last)]
    found = {pair: outcome(ask(client, pair[0], address(pair[1], place.call))) for pair in order}
    assert found == {pair: expected(pair, role) for pair in order}


@pytest.mark.parametrize("role", sorted(VENDOR_SIDE))
def test_the_vendors_side_sees_the_page_of_an_unknown_call(
    app: Flask, sign_in_as: SignInAs, place: Place, role: Role
) -> None:
    client = sign_in_as(role, place.vendor_id)
    for method, rule in OF_A_CALL:
        mine = ask(client, method, address(rule, place.call))
        unknown = ask(client, method, address(rule, "no-such-call"))
        assert mine.status_code == unknown.status_code == 404
        assert _without_id(mine.text) == _without_id(unknown.text)


def test_a_call_of_another_vendor_is_the_same_as_an_unknown_one(
    sign_in_as: SignInAs, here: Runtime, place: Place
) -> None:
    with here.db.write() as session:
        other = make_vendor(session).id
    client = sign_in_as("admin", other)
    for method, rule in OF_A_CALL:
        foreign = ask(client, method, address(rule, place.call))
        unknown = ask(client, method, address(rule, "no-such-call"))
        assert foreign.status_code == unknown.status_code == 404, rule
        assert _without_id(foreign.text) == _without_id(unknown.text), rule
    assert sign_in_as("admin", place.vendor_id).get(f"/calls/{place.call}").status_code == 200


def test_somebody_bound_to_a_vendor_finds_no_other_vendors_calls(
    sign_in_as: SignInAs, here: Runtime, place: Place
) -> None:
    with here.db.write() as session:
        other = make_vendor(session).id
    client = sign_in_as("viewer", other)
    assert place.call not in client.get("/calls").text
    assert place.call not in client.get("/calls.csv").text
    assert place.call in sign_in_as("viewer", place.vendor_id).get("/calls.csv").text


def test_a_token_opens_no_page(app: Flask, here: Runtime, place: Place) -> None:
    token = accounts.create_token(here, "admin")
    for method, rule in EXPECTED:
        if rule.startswith(("/calls", "/admin")):
            answer = ask(
                app.test_client(),
                method,
                address(rule, place.call),
                headers={"Authorization": f"Bearer {token}"},
            )
            assert outcome(answer) == TO_LOGIN


def test_another_method_than_a_routes_own_is_405(app: Flask) -> None:
    client = app.test_client()
    for rule in sorted({rule for _, rule in EXPECTED if not rule.startswith("/api")}):
        answer = client.open(address(rule, "abc"), method="PATCH")
        assert answer.status_code == 405, rule
        assert answer.headers["Allow"]


def test_looking_changes_nothing(admin: FlaskClient, app: Flask, here: Runtime, place: Place) -> None:
    before = _contents(here)
    for method, rule in EXPECTED:
        if method == "GET":
            admin.get(address(rule, place.call))
    assert _contents(here) == before


def test_a_disabled_account_is_nobody(app: Flask, here: Runtime, sign_in_as: SignInAs) -> None:
    client = sign_in_as("admin")
    with here.db.read() as session:
        emails = [account.email for account in all_accounts(session)]
    for email in emails:
        accounts.disable_user(here, email)
    assert outcome(client.get("/calls")) == TO_LOGIN
    with here.db.write() as session:
        make_user(session, "admin")
    assert outcome(client.get("/calls")) == TO_LOGIN


def _without_id(html: str) -> str:
    """Leave out what differs between any two answers: request id, nonce and token."""
    html = re.sub(r"<code>[0-9a-f]{16}</code>", "", html)
    return re.sub(r'(nonce|value)="[^"]*"', "", html)


def _contents(runtime: Runtime) -> dict[str, list[object]]:
    with runtime.db.read() as session:
        return {
            table.name: sorted(map(repr, session.execute(select(table)).all()))  # type: ignore[misc]
            for table in SQLModel.metadata.sorted_tables
        }
