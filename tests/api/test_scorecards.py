"""Scorecards through the API: published ones of the token's scope, as the description says."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator
from sqlmodel import select

from qa_audit.runtime import Runtime
from qa_audit.services import scorecards
from qa_audit.storage import tables
from tests.api.helping import REVIEWER, add_vendors
from tests.auditing import ALL_YES, GRAVE_NO, PRIVATE, make_audited, make_side

URL = "/api/v1/scorecards"
Tokens = Callable[..., FlaskClient]
BEGAN = datetime(2026, 11, 5, 20, 0, tzinfo=UTC)


def publish(runtime: Runtime, slug: str, number: int = 0, answers: Any = ALL_YES, **values: Any) -> str:
    """Publish a card of a vendor, each an hour after the one before."""
    with runtime.db.write() as session:
        vendor = session.exec(select(tables.Vendor).where(tables.Vendor.slug == slug)).one()
        call = make_audited(session, make_side(session, vendor), answers, **values)
    return scorecards.publish(runtime, REVIEWER, call.public_id, at=BEGAN + timedelta(hours=number))


def listed(client: FlaskClient, **query: str) -> list[str]:
    answer = client.get(URL, query_string=query)
    assert answer.status_code == 200, answer.text
    assert answer.json is not None
    return [card["id"] for card in answer.json["scorecards"]]


def test_cards_come_last_published_first_by_cursor(as_token: Tokens, ready: Runtime) -> None:
    ids = [publish(ready, "acme", number) for number in range(5)]
    client, seen, cursor = as_token("read"), [], None
    while True:
        answer = client.get(URL, query_string={"limit": "2"} | ({"cursor": cursor} if cursor else {})).json
        assert answer is not None
        seen += [card["id"] for card in answer["scorecards"]]
        assert answer["total"] == 5
        if (cursor := answer["next_cursor"]) is None:
            break
    assert seen == ids[::-1]


def test_one_card_brings_its_snapshot_and_no_private_word(as_token: Tokens, ready: Runtime) -> None:
    id = publish(ready, "acme", answers={**ALL_YES, "promises": GRAVE_NO})
    answer = as_token("read").get(f"{URL}/{id}")
    assert answer.json is not None
    assert answer.json["snapshot"]["schema"] == "qa-audit/scorecard@1"
    assert answer.json["summary"]["problem"]["line"] == "promises"
    assert answer.json["call"]["vendor"] == "acme"
    assert PRIVATE not in answer.text
    assert "_key" not in answer.text


def test_what_is_not_published_is_not_there(as_token: Tokens, ready: Runtime) -> None:
    with ready.db.write() as session:
        call = make_audited(session, make_side(session))
        audit = session.exec(select(tables.Audit)).one()
    client = as_token("read")
    assert listed(client) == []
    for id in (call.public_id, audit.public_id, "A" * 22, "%00", "x" * 40):
        assert client.get(f"{URL}/{id}").status_code == 404


def test_a_token_of_a_vendor_sees_that_vendors_cards_only(as_token: Tokens, ready: Runtime) -> None:
    own, theirs = publish(ready, "acme"), publish(ready, "zenith")
    client = as_token("read", "acme")
    assert listed(client) == [own]
    foreign, unknown = client.get(f"{URL}/{theirs}"), client.get(f"{URL}/{'A' * 22}")
    assert foreign.status_code == unknown.status_code == 404
    assert {**foreign.json, "request_id": 0} == {**unknown.json, "request_id": 0}  # type: ignore[dict-item]
    assert client.get(URL, query_string={"vendor": "zenith"}).status_code == 404
    assert set(listed(as_token("read"))) == {own, theirs}


def test_a_token_for_uploads_reads_no_card(as_token: Tokens, ready: Runtime) -> None:
    id, client = publish(ready, "acme"), as_token("upload", "acme")
    assert client.get(URL).status_code == 403
    assert client.get(f"{URL}/{id}").status_code == 404


@pytest.mark.parametrize("scope", ["upload", "read", "admin"])
def test_no_token_publishes_or_acknowledges_by_a_crafted_request(
    as_token: Tokens, ready: Runtime, scope: str
) -> None:
    id = publish(ready, "acme")
    with ready.db.write() as session:
        call = make_audited(session, make_side(session), {**ALL_YES, "promises": None}, {"promises": "no"})
    client = as_token(scope)
    for method in ("post", "put", "patch", "delete"):
        for path in ("", f"/{id}", f"/{call.public_id}"):
            assert getattr(client, method)(f"{URL}{path}", json={"status": "published"}).status_code in (
                404,
                405,
            )
        answer = getattr(client, method)(f"/api/v1/calls/{call.public_id}", json={"status": "published"})
        assert answer.status_code in (403, 405, 409)
    for path in (f"/calls/{call.public_id}/publish", f"/scorecards/{id}/acknowledge"):
        assert client.post(path).status_code in (303, 400, 401)
    with ready.db.read() as session:
        assert len(session.exec(select(tables.Scorecard)).all()) == 1
        assert session.exec(select(tables.Scorecard.state)).one() == "published"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("outcome", "lost"),
        ("state", "late"),
        ("line", "A B"),
        ("from", "soon"),
        ("limit", "0"),
        ("cursor", "@@"),
        ("x", "1"),
    ],
)
def test_a_parameter_that_cannot_be_used_is_named(as_token: Tokens, name: str, value: str) -> None:
    answer = as_token("read").get(URL, query_string={name: value})
    assert answer.status_code == 422
    assert answer.json is not None
    assert [item["field"] for item in answer.json["errors"]] == [name]


def test_every_filter_lets_through_what_it_says(as_token: Tokens, ready: Runtime) -> None:
    ready.clock = lambda: BEGAN + timedelta(days=8)
    early = publish(
        ready, "acme", answers={**ALL_YES, "promises": GRAVE_NO}, started_at=BEGAN - timedelta(days=9)
    )
    minor = publish(ready, "acme", 1, {**ALL_YES, "closes": "no"})
    clean = publish(ready, "zenith", 200)
    client = as_token("read")
    with ready.db.write() as session:
        card = session.exec(select(tables.Scorecard).where(tables.Scorecard.public_id == minor)).one()
        card.state = "acknowledged"
        agent = session.get_one(tables.Agent, card.agent_id).name
        team = session.get_one(tables.Team, card.team_id).name
    assert listed(client, vendor="acme") == [minor, early]
    assert listed(client, agent=agent) == listed(client, team=team) == [minor]
    assert listed(client, outcome="fail") == [minor, early]
    assert listed(client, outcome="fatal") == [early]
    assert listed(client, outcome="pass") == [clean]
    assert listed(client, outcome="undetermined") == []
    assert listed(client, state="open") == [clean]
    assert listed(client, state="unanswered") == [early]
    assert listed(client, state="acknowledged") == [minor]
    assert listed(client, line="closes") == [minor]
    assert listed(client, line="clo") == []
    assert listed(client, to="2026-10-31") == [early]
    assert listed(client, **{"from": "2026-11-05"}) == [clean, minor]


def test_answers_are_as_described(as_token: Tokens, ready: Runtime) -> None:
    answers = {
        **ALL_YES,
        "promises": GRAVE_NO,
        "closes": None,
        "greets": {"answer": "yes", "origin": "accepted"},
    }
    id = publish(ready, "acme", answers=answers, machine={"greets": "yes", "promises": "no"})
    publish(ready, "acme", 1, transcript=None, agent_id=None, started_at=None)
    client = as_token("read")
    described = client.get("/api/v1/openapi.json").json
    assert described is not None
    for path, address in (
        ("/scorecards", URL),
        ("/scorecards", f"{URL}?limit=1"),
        ("/scorecards", f"{URL}?limit=0"),
        ("/scorecards", f"{URL}?vendor=none"),
        ("/scorecards/{id}", f"{URL}/{id}"),
        ("/scorecards/{id}", f"{URL}/none"),
    ):
        answer = client.get(address)
        known = described["paths"][path]["get"]["responses"][str(answer.status_code)]["content"]
        (media_type,) = known
        assert answer.mimetype == media_type
        schema = {**known[media_type]["schema"], "components": described["components"]}
        Draft202012Validator(schema).validate(answer.json)
    refused = client.get(f"{URL}?nonsense=1").json
    assert refused is not None
    told = refused["errors"][0]["message"].split("there are ")[1].split(", ")
    assert {one["name"] for one in described["paths"]["/scorecards"]["get"]["parameters"]} == set(told)


def test_noise_of_another_vendor_changes_no_count(as_token: Tokens, ready: Runtime) -> None:
    add_vendors(ready, "third")
    ready.clock = lambda: BEGAN
    for number, slug in enumerate(("zenith", "third", "zenith")):
        publish(ready, slug, number, {**ALL_YES, "closes": "no"})
    own = publish(ready, "acme", 9, {**ALL_YES, "closes": "no"})
    client = as_token("read", "acme")
    for query in ({}, {"outcome": "fail"}, {"line": "closes"}, {"state": "open"}):
        answer = client.get(URL, query_string=query).json
        assert answer is not None
        assert ([card["id"] for card in answer["scorecards"]], answer["total"]) == ([own], 1), query
