"""Who gets what from every route: one row per route and method; a route without a row fails here."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import SQLModel, select

from qa_audit.domain.access import SYSTEM, VENDOR_SIDE, Role
from qa_audit.runtime import Runtime
from qa_audit.services import accounts, people, rubrics, scorecards
from qa_audit.storage.accounts import accounts as all_accounts
from tests.auditing import add_sound, make_audited, make_side
from tests.factories import make_user, make_vendor
from tests.fakes import receive, work_off
from tests.web.conftest import SignInAs, token_of

TO_LOGIN = "to the sign-in"
API = "needs a token"

STAFF_ONLY = {"admin": 200, "reviewer": 200, "viewer": 200}
ADMIN_ONLY = {"admin": 200, "reviewer": 403, "viewer": 403}

EXPECTED: dict[tuple[str, str], dict[str, object]] = {
    ("GET", "/"): {"anonymous": TO_LOGIN, "everybody": 303, "manager": 404},
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
    ("GET", "/review/queue"): {"anonymous": TO_LOGIN, **STAFF_ONLY},
    ("GET", "/review/queue.csv"): {"anonymous": TO_LOGIN, **STAFF_ONLY},
    ("GET", "/calls/<id>/review"): {"anonymous": TO_LOGIN, **STAFF_ONLY},
    ("POST", "/calls/<id>/review/answer"): {
        "anonymous": TO_LOGIN,
        "admin": 422,
        "reviewer": 422,
        "viewer": 403,
    },
    ("POST", "/calls/<id>/review/accept"): {
        "anonymous": TO_LOGIN,
        "admin": 303,
        "reviewer": 303,
        "viewer": 403,
    },
    ("POST", "/calls/<id>/review/undo"): {
        "anonymous": TO_LOGIN,
        "admin": 303,
        "reviewer": 303,
        "viewer": 403,
    },
    ("POST", "/calls/<id>/review/speakers"): {
        "anonymous": TO_LOGIN,
        "admin": 422,
        "reviewer": 422,
        "viewer": 403,
    },
    ("POST", "/calls/<id>/review/submit"): {
        "anonymous": TO_LOGIN,
        "admin": 303,
        "reviewer": 303,
        "viewer": 403,
    },
    ("POST", "/calls/<id>/review/take-back"): {
        "anonymous": TO_LOGIN,
        "admin": 409,
        "reviewer": 409,
        "viewer": 403,
    },
    ("GET", "/calls/<id>/audio"): {"anonymous": TO_LOGIN, **STAFF_ONLY},
    ("GET", "/calls/<id>/peaks"): {"anonymous": TO_LOGIN, **STAFF_ONLY},
    ("POST", "/calls/<id>/retry"): {"anonymous": TO_LOGIN, **ADMIN_ONLY, "admin": 409},
    ("GET", "/calls/<id>/delete"): {"anonymous": TO_LOGIN, **ADMIN_ONLY},
    ("POST", "/calls/<id>/delete"): {"anonymous": TO_LOGIN, **ADMIN_ONLY, "admin": 303},
    ("GET", "/admin/tasks"): {"anonymous": TO_LOGIN, **ADMIN_ONLY},
    ("GET", "/admin/system"): {"anonymous": TO_LOGIN, **ADMIN_ONLY},
    ("GET", "/admin/users"): {"anonymous": TO_LOGIN, **ADMIN_ONLY},
    ("POST", "/admin/users"): {"anonymous": TO_LOGIN, **ADMIN_ONLY, "admin": 422},
    ("GET", "/admin/users/<id>"): {"anonymous": TO_LOGIN, **ADMIN_ONLY},
    ("POST", "/admin/users/<id>"): {"anonymous": TO_LOGIN, **ADMIN_ONLY, "admin": 422},
    ("POST", "/admin/users/<id>/link"): {"anonymous": TO_LOGIN, **ADMIN_ONLY},
    ("POST", "/admin/users/<id>/disable"): {"anonymous": TO_LOGIN, **ADMIN_ONLY, "admin": 303},
    ("POST", "/admin/users/<id>/enable"): {"anonymous": TO_LOGIN, **ADMIN_ONLY, "admin": 303},
    ("GET", "/admin/tokens"): {"anonymous": TO_LOGIN, **ADMIN_ONLY},
    ("POST", "/admin/tokens"): {"anonymous": TO_LOGIN, **ADMIN_ONLY, "admin": 422},
    ("POST", "/admin/tokens/<id>/revoke"): {"anonymous": TO_LOGIN, **ADMIN_ONLY, "admin": 303},
    ("GET", "/admin/vendors"): {"anonymous": TO_LOGIN, **ADMIN_ONLY},
    ("POST", "/admin/vendors"): {"anonymous": TO_LOGIN, **ADMIN_ONLY, "admin": 422},
    ("GET", "/admin/vendors/<slug>"): {"anonymous": TO_LOGIN, **ADMIN_ONLY},
    ("POST", "/admin/vendors/<slug>"): {"anonymous": TO_LOGIN, **ADMIN_ONLY, "admin": 303},
    ("POST", "/admin/vendors/<slug>/sites"): {"anonymous": TO_LOGIN, **ADMIN_ONLY, "admin": 422},
    ("POST", "/admin/vendors/<slug>/teams"): {"anonymous": TO_LOGIN, **ADMIN_ONLY, "admin": 422},
    ("POST", "/admin/vendors/<slug>/teams/<id>"): {"anonymous": TO_LOGIN, **ADMIN_ONLY, "admin": 422},
    ("POST", "/admin/vendors/<slug>/agents"): {"anonymous": TO_LOGIN, **ADMIN_ONLY, "admin": 422},
    ("GET", "/admin/vendors/<slug>/agents/<id>"): {"anonymous": TO_LOGIN, **ADMIN_ONLY},
    ("POST", "/admin/vendors/<slug>/agents/<id>"): {"anonymous": TO_LOGIN, **ADMIN_ONLY, "admin": 422},
    ("POST", "/admin/vendors/<slug>/agents/<id>/teams"): {"anonymous": TO_LOGIN, **ADMIN_ONLY, "admin": 422},
    ("GET", "/rubrics"): {"anonymous": TO_LOGIN, **STAFF_ONLY},
    ("POST", "/rubrics"): {"anonymous": TO_LOGIN, **ADMIN_ONLY, "admin": 422},
    ("GET", "/rubrics/<id>"): {"anonymous": TO_LOGIN, **STAFF_ONLY},
    ("GET", "/rubrics/<id>/differences"): {"anonymous": TO_LOGIN, **STAFF_ONLY},
    ("GET", "/rubrics/<id>/corrections"): {"anonymous": TO_LOGIN, **STAFF_ONLY},
    ("POST", "/rubrics/<id>/archive"): {"anonymous": TO_LOGIN, **ADMIN_ONLY, "admin": 404},
    ("POST", "/rubrics/<id>/draft"): {"anonymous": TO_LOGIN, **ADMIN_ONLY, "admin": 303},
    ("GET", "/rubrics/<id>/edit"): {"anonymous": TO_LOGIN, **ADMIN_ONLY},
    ("POST", "/rubrics/<id>/edit"): {"anonymous": TO_LOGIN, **ADMIN_ONLY, "admin": 422},
    ("GET", "/rubrics/<id>/yaml"): {"anonymous": TO_LOGIN, **ADMIN_ONLY},
    ("POST", "/rubrics/<id>/yaml"): {"anonymous": TO_LOGIN, **ADMIN_ONLY, "admin": 422},
    ("POST", "/rubrics/<id>/check"): {"anonymous": TO_LOGIN, **ADMIN_ONLY},
    ("GET", "/rubrics/<id>/try"): {"anonymous": TO_LOGIN, **ADMIN_ONLY},
    ("GET", "/rubrics/<id>/try/<call>"): {"anonymous": TO_LOGIN, **ADMIN_ONLY},
    ("GET", "/rubrics/<id>/backtest"): {"anonymous": TO_LOGIN, **ADMIN_ONLY},
    ("GET", "/rubrics/<id>/changes"): {"anonymous": TO_LOGIN, **ADMIN_ONLY},
    ("GET", "/rubrics/<id>/publish"): {"anonymous": TO_LOGIN, **ADMIN_ONLY},
    ("POST", "/rubrics/<id>/publish"): {"anonymous": TO_LOGIN, **ADMIN_ONLY, "admin": 422},
    ("POST", "/rubrics/<id>/discard"): {"anonymous": TO_LOGIN, **ADMIN_ONLY, "admin": 422},
    ("GET", "/vendors"): {"anonymous": TO_LOGIN, **STAFF_ONLY},
    ("GET", "/vendors/<slug>"): {"anonymous": TO_LOGIN, **STAFF_ONLY},
    ("GET", "/vendors/<slug>/audits"): {"anonymous": TO_LOGIN, **STAFF_ONLY},
    ("GET", "/scorecards"): {"anonymous": TO_LOGIN, "everybody": 200},
    ("GET", "/scorecards.csv"): {"anonymous": TO_LOGIN, "everybody": 200},
    ("GET", "/scorecards/<id>"): {"anonymous": TO_LOGIN, **STAFF_ONLY},
    ("GET", "/scorecards/<id>/audio"): {"anonymous": TO_LOGIN, **STAFF_ONLY},
    ("POST", "/scorecards/<id>/acknowledge"): {"anonymous": TO_LOGIN, **dict.fromkeys(STAFF_ONLY, 403)},
    ("POST", "/calls/<id>/publish"): {"anonymous": TO_LOGIN, "admin": 409, "reviewer": 409, "viewer": 403},
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
    ("GET", "/api/v1/scorecards"): {"anonymous": API, "everybody": API},
    ("GET", "/api/v1/scorecards/<id>"): {"anonymous": API, "everybody": API},
    ("DELETE", "/api/v1/calls/<id>"): {"anonymous": API, "everybody": API},
}
"""The vendor's side gets 404 wherever nothing else is said; `everybody` is every role that is not named."""

OF_A_CALL = [pair for pair in EXPECTED if pair[1].startswith("/calls/<id>")]
ROLES: tuple[Role, ...] = ("admin", "reviewer", "viewer", "manager", "lead", "agent")


@dataclass(frozen=True)
class Place:
    """What addresses can name: a call that went through every stage and one more like it, to be deleted; a
    published scorecard; who is around.
    """

    call: str
    spare: str
    vendor_id: int
    slug: str
    card: str
    team: str
    agent: str
    user: str
    token: str


@pytest.fixture
def place(here: Runtime) -> Place:
    with here.db.write() as session:
        vendor = make_vendor(session)
        side = make_side(session, vendor)
        audited = make_audited(session, side)
        user = make_user(session, "viewer").public_id
    add_sound(here, audited, b"sound " * 100)
    card = scorecards.publish(here, SYSTEM, audited.public_id)
    call, _ = receive(here, vendor)
    spare, _ = receive(here, vendor)
    assert work_off(here) == ["done"] * 6
    rubrics.open_draft(here, SYSTEM, "service-quality")
    accounts.create_token(here, "read")
    token = people.tokens(here, SYSTEM)[0].id
    assert vendor.id is not None
    named = (side.team.public_id, side.agent.public_id, user, token)
    return Place(call.public_id, spare.public_id, vendor.id, vendor.slug, card, *named)


def rules(app: Flask) -> set[tuple[str, str]]:
    return {
        (method, rule.rule)
        for rule in app.url_map.iter_rules()
        for method in rule.methods or ()
        if method not in ("HEAD", "OPTIONS")
    }


def address(rule: str, place: Place) -> str:
    """Fill a rule in; what has no thing of its own is filled with the call."""
    things = {
        "/admin/users/<id>": place.user,
        "/admin/tokens/<id>": place.token,
        "/teams/<id>": place.team,
        "/agents/<id>": place.agent,
        "/scorecards/<id>": place.card,
        "/rubrics/<id>": "service-quality",
        "/calls/<id>/delete": place.spare,
    }
    thing = next((value for part, value in things.items() if part in rule), place.call)
    filled = rule.replace("<id>", thing).replace("<slug>", place.slug).replace("<token>", "no-such-token")
    filled = filled.replace("<call>", place.call)
    filled = filled.replace("<path:filename>", "css/base.css")
    assert "<" not in filled, f"nothing stands for a part of {rule}"
    return filled


def without_calls(place: Place) -> Place:
    """Let addresses name a call that nobody has."""
    return replace(place, call="no-such-call", spare="no-such-call")


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
    found = {pair: outcome(ask(client, pair[0], address(pair[1], place))) for pair in EXPECTED}
    assert found == {pair: expected(pair, "anonymous") for pair in EXPECTED}


@pytest.mark.parametrize("role", ROLES)
def test_each_role_gets_what_its_row_says(sign_in_as: SignInAs, place: Place, role: Role) -> None:
    client = sign_in_as(role)
    last = [pair for pair in EXPECTED if pair[1] == "/logout" or pair == ("POST", "/calls/<id>/delete")]
    order = [*(pair for pair in EXPECTED if pair not in last), *reversed(last)]
    found = {pair: outcome(ask(client, pair[0], address(pair[1], place))) for pair in order}
    assert found == {pair: expected(pair, role) for pair in order}


@pytest.mark.parametrize("role", sorted(VENDOR_SIDE))
def test_the_vendors_side_sees_the_page_of_an_unknown_call(
    app: Flask, sign_in_as: SignInAs, place: Place, role: Role
) -> None:
    client = sign_in_as(role, place.vendor_id)
    for method, rule in OF_A_CALL:
        mine = ask(client, method, address(rule, place))
        unknown = ask(client, method, address(rule, without_calls(place)))
        assert mine.status_code == unknown.status_code == 404
        assert _without_id(mine.text) == _without_id(unknown.text)


def test_a_call_of_another_vendor_is_the_same_as_an_unknown_one(
    sign_in_as: SignInAs, here: Runtime, place: Place
) -> None:
    with here.db.write() as session:
        other = make_vendor(session).id
    client = sign_in_as("admin", other)
    for method, rule in OF_A_CALL:
        foreign = ask(client, method, address(rule, place))
        unknown = ask(client, method, address(rule, without_calls(place)))
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
                address(rule, place),
                headers={"Authorization": f"Bearer {token}"},
            )
            assert outcome(answer) == TO_LOGIN


def test_another_method_than_a_routes_own_is_405(app: Flask, place: Place) -> None:
    client = app.test_client()
    for rule in sorted({rule for _, rule in EXPECTED if not rule.startswith("/api")}):
        answer = client.open(address(rule, place), method="PATCH")
        assert answer.status_code == 405, rule
        assert answer.headers["Allow"]


def test_looking_changes_nothing(admin: FlaskClient, app: Flask, here: Runtime, place: Place) -> None:
    before = contents(here)
    for method, rule in EXPECTED:
        if method == "GET":
            admin.get(address(rule, place))
    assert contents(here) == before


def test_a_disabled_account_is_nobody(app: Flask, here: Runtime, sign_in_as: SignInAs) -> None:
    client = sign_in_as("reviewer")
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


def contents(runtime: Runtime) -> dict[str, list[object]]:
    """Read every row of every table."""
    with runtime.db.read() as session:
        return {
            table.name: sorted(map(repr, session.execute(select(table)).all()))  # type: ignore[misc]
            for table in SQLModel.metadata.sorted_tables
        }
