"""Reading calls through the API: filters, pages, one call, what others must not learn."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlmodel import col

from qa_audit.domain.findings import PreScore, RubricRef, Score
from qa_audit.runtime import Runtime
from qa_audit.services import accounts
from qa_audit.storage.tables import Call
from tests import factories
from tests.api.helping import add_vendors, take, wav

URL = "/api/v1/calls"
Tokens = Callable[..., FlaskClient]


def listed(client: FlaskClient, **query: str) -> list[str]:
    """Return the ids on one page."""
    answer = client.get(URL, query_string=query)
    assert answer.status_code == 200, answer.text
    assert answer.json is not None
    return [call["id"] for call in answer.json["calls"]]


def prescored(runtime: Runtime, vendor: str, seed: int) -> str:
    """Add a call with a masked transcript and a pre-score."""
    id = take(runtime, wav(seed), vendor).id
    with runtime.db.write() as session:
        call = session.scalars(select(Call).where(col(Call.public_id) == id)).one()
        spoken = factories.spoken(("agent", "My number is 1 2 3"))
        masked = factories.spoken(("agent", "My number is • • •"))
        factories.make_transcript(session, call, spoken, masked=masked, mask_spans=[[1.5, 3.0]])
        version = factories.make_rubric_version(session)
        score = Score(percent=80, percent_without_fatal=80, points=8, possible=10, outcome="pass", open=1)
        ref = RubricRef(id=version.rubric, version=1, sha256=version.sha256)
        result = PreScore(rubric=ref, score=score, criteria=()).to_json()
        row = factories.tables.PreScoreRow(
            call_id=call.id, rubric_version_id=version.id, result=result, percent=80, outcome="pass", open=1
        )
        session.add(row)
        call.status = "prescored"
    return id


def test_calls_come_newest_first_with_everything_a_script_needs(as_token: Tokens, ready: Runtime) -> None:
    ids = [take(ready, wav(n), agent="Dana", external_id=f"X-{n}").id for n in range(3)]
    answer = as_token("read").get(URL).json
    assert answer is not None
    assert [call["id"] for call in answer["calls"]] == ids[::-1]
    assert (answer["total"], answer["next_cursor"]) == (3, None)
    first = answer["calls"][0]
    assert (first["progress"], first["seconds_left"]) == (0, None)
    assert (first["vendor"], first["agent"], first["external_id"]) == ("acme", "Dana", "X-2")
    assert (first["status"], first["failure"], first["message"]) == ("received", None, None)


def test_a_call_at_work_tells_how_far_it_is_and_how_long_it_may_still_take(
    as_token: Tokens, ready: Runtime
) -> None:
    id = take(ready, wav()).id
    with ready.db.write() as session:
        row = session.scalars(select(Call).where(Call.public_id == id)).one()
        row.status, row.stage, row.progress, row.seconds_left = "transcribing", "transcribe", 42, 170
    answer = as_token("read").get(f"{URL}/{id}").json
    assert answer is not None
    assert (answer["status"], answer["progress"], answer["seconds_left"]) == ("transcribing", 42, 170)


def test_pages_follow_each_other_by_cursor(as_token: Tokens, ready: Runtime) -> None:
    ids = [take(ready, wav(n)).id for n in range(5)]
    client, seen, cursor = as_token("read"), [], None
    while True:
        query = {"limit": "2"} | ({"cursor": cursor} if cursor else {})
        answer = client.get(URL, query_string=query).json
        assert answer is not None
        seen += [call["id"] for call in answer["calls"]]
        assert answer["total"] == 5
        if (cursor := answer["next_cursor"]) is None:
            break
    assert seen == ids[::-1]


def test_every_filter_lets_through_what_it_says(as_token: Tokens, ready: Runtime) -> None:
    client, day = as_token("read"), datetime(2026, 11, 2, 23, 30, tzinfo=UTC)
    one = take(ready, wav(1), agent="Dana", queue="refunds", external_id="BRL-100%", started_at=day)
    two = take(ready, wav(2), agent="Tom", queue="sales", started_at=day + timedelta(hours=1))
    other = take(ready, wav(3), "zenith", agent="Dana", started_at=day - timedelta(days=9))
    assert listed(client, vendor="acme") == [two.id, one.id]
    assert listed(client, agent="Dana") == [other.id, one.id]
    assert listed(client, queue="sales") == [two.id]
    assert listed(client, q="brl-100%") == [one.id]
    assert listed(client, q="tom") == [two.id]
    assert listed(client, q="100_") == []
    assert listed(client, sha256=one.sha256.upper()) == [one.id]
    assert listed(client, sha256=one.sha256, vendor="zenith") == []
    assert listed(client, status="received") == [other.id, two.id, one.id]
    assert listed(client, status="failed") == []
    assert listed(client, **{"from": "2026-11-03"}) == [two.id]
    assert listed(client, **{"to": "2026-11-02", "from": "2026-11-02"}) == [one.id]
    assert listed(client, agent="", queue="") == [other.id, two.id, one.id]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("status", "lost"),
        ("from", "2026-13-01"),
        ("to", "soon"),
        ("sha256", "abc"),
        ("limit", "0"),
        ("limit", "201"),
        ("limit", "ten"),
        ("limit", "\u0665"),
        ("cursor", "@@@"),
        ("cursor", "AAAA"),
        ("cursor", "W10"),
        ("cursor", "x" * 201),
        ("q", "a\0b"),
        ("nonsense", "1"),
        ("vendor_id", "1"),
    ],
)
def test_a_parameter_that_cannot_be_used_is_named(as_token: Tokens, name: str, value: str) -> None:
    answer = as_token("read").get(URL, query_string={name: value})
    assert answer.status_code == 422
    assert answer.json is not None
    assert [item["field"] for item in answer.json["errors"]] == [name]


@pytest.mark.parametrize("path", ["", "/x", "/x/transcript"])
def test_a_parameter_given_twice_is_refused_everywhere(as_token: Tokens, path: str) -> None:
    answer = as_token("read").get(f"{URL}{path}?vendor=acme&vendor=zenith")
    assert answer.status_code == 422
    assert answer.json is not None
    assert answer.json["errors"] == [{"field": "vendor", "message": "is given more than once"}]


def test_one_call_shows_its_facts_and_never_a_key(as_token: Tokens, ready: Runtime) -> None:
    id = take(ready, wav(), custom={"csat": 5}, queue="refunds").id
    call = as_token("read").get(f"{URL}/{id}").json
    assert call is not None
    assert (call["custom"], call["queue"]) == ({"csat": 5}, "refunds")
    assert call["recording"]["size"] == len(wav())
    text = as_token("read").get(f"{URL}/{id}").text
    assert "original/" not in text
    assert "_id" not in text.replace("external_id", "")


def test_transcript_and_prescores_are_the_masked_ones(as_token: Tokens, ready: Runtime) -> None:
    id, client = prescored(ready, "acme", 1), as_token("read")
    transcript = client.get(f"{URL}/{id}/transcript").json
    assert transcript is not None
    assert transcript["schema"] == "qa-audit/transcript@1"
    assert transcript["segments"][0]["text"] == "My number is • • •"
    prescores = client.get(f"{URL}/{id}/prescore").json
    assert prescores is not None
    (only,) = prescores["prescores"]
    assert (only["schema"], only["score"]["percent"]) == ("qa-audit/prescore@1", 80)


def test_what_is_not_there_yet_is_said_so(as_token: Tokens, ready: Runtime) -> None:
    id, client = take(ready, wav()).id, as_token("read")
    missing = client.get(f"{URL}/{id}/transcript")
    assert (missing.status_code, "received" in missing.text) == (404, True)
    assert client.get(f"{URL}/{id}/prescore").json == {"prescores": []}


def test_a_call_is_deleted_by_an_admin_token_with_everything(as_token: Tokens, ready: Runtime) -> None:
    id, client = prescored(ready, "acme", 1), as_token("admin")
    assert client.delete(f"{URL}/{id}").status_code == 204
    for path in ("", "/transcript", "/prescore"):
        assert client.get(f"{URL}/{id}{path}").status_code == 404
    assert client.delete(f"{URL}/{id}").status_code == 404


@pytest.mark.parametrize("scope", ["upload", "read"])
def test_only_an_admin_token_deletes(as_token: Tokens, ready: Runtime, scope: str) -> None:
    id = take(ready, wav()).id
    assert as_token(scope).delete(f"{URL}/{id}").status_code == 403
    assert listed(as_token("read")) == [id]


@pytest.mark.parametrize("what", ["transcript", "prescore"])
def test_a_token_for_uploads_follows_its_calls_and_reads_no_word_of_them(
    as_token: Tokens, ready: Runtime, what: str
) -> None:
    id = prescored(ready, "acme", 1)
    assert as_token("upload").get(f"{URL}/{id}").status_code == 200
    assert as_token("upload").get(f"{URL}/{id}/{what}").status_code == 403
    assert as_token("read").get(f"{URL}/{id}/{what}").status_code == 200


def test_a_read_token_does_not_upload(as_token: Tokens) -> None:
    assert as_token("read").post(URL, data=b"").status_code == 403


def routes(app: Flask) -> list[tuple[str, str]]:
    """Return every method and rule of the API that takes a call's id."""
    rules = [
        rule
        for rule in app.url_map.iter_rules()
        if rule.endpoint.startswith("api.") and "id" in rule.arguments
    ]
    return [
        (method, rule.rule) for rule in rules for method in sorted(rule.methods or ()) if method != "OPTIONS"
    ]


@pytest.mark.parametrize("scope", ["upload", "read", "admin"])
def test_another_vendors_call_is_exactly_as_if_it_did_not_exist(
    app: Flask, as_token: Tokens, ready: Runtime, scope: str
) -> None:
    theirs = prescored(ready, "zenith", 1)
    client = as_token(scope, "acme")
    found = routes(app)
    assert len(found) >= 5
    for method, rule in found:
        foreign = client.open(rule.replace("<id>", theirs), method=method)
        unknown = client.open(rule.replace("<id>", "A" * 22), method=method)
        assert foreign.status_code == unknown.status_code == 404, (method, rule)
        if method != "HEAD":
            assert without_id(foreign.json) == without_id(unknown.json)
    assert client.get(URL).json == {"calls": [], "next_cursor": None, "total": 0}
    foreign = client.get(URL, query_string={"vendor": "zenith"})
    unknown = client.get(URL, query_string={"vendor": "nobody"})
    assert foreign.status_code == unknown.status_code == 404
    assert foreign.text.replace("zenith", "nobody").split("request_id")[0] in unknown.text
    assert as_token("read").get(f"{URL}/{theirs}").status_code == 200


def without_id(problem: Any) -> dict[str, Any]:
    return {name: value for name, value in problem.items() if name != "request_id"}


@pytest.mark.parametrize("id", ["%00", "..%2f..", "a" * 33, "é", "'; DROP TABLE call; --", "-"])
def test_an_id_that_is_none_is_not_found(as_token: Tokens, id: str) -> None:
    assert as_token("admin").get(f"{URL}/{id}").status_code == 404


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer ", "Basic dXNlcjpwYXNz", "Bearer qa_wrong", "token"]
)
def test_without_a_good_token_every_route_answers_401(
    app: Flask, client: FlaskClient, ready: Runtime, header: str | None
) -> None:
    headers = {} if header is None else {"Authorization": header}
    for method, rule in [*routes(app), ("GET", URL), ("POST", URL)]:
        answer = client.open(rule.replace("<id>", "x"), method=method, headers=headers)
        assert answer.status_code == 401, (method, rule)
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
        assert answer.mimetype == "application/problem+json"


def test_a_revoked_token_is_refused_at_once(app: Flask, ready: Runtime) -> None:
    token = accounts.create_token(ready, "read")
    headers = {"Authorization": f"Bearer {token}"}
    assert app.test_client().get(URL, headers=headers).status_code == 200
    accounts.revoke_token(ready, token)
    assert app.test_client().get(URL, headers=headers).status_code == 401


def test_answers_are_never_kept_by_anybody(as_token: Tokens, ready: Runtime) -> None:
    id, client = take(ready, wav()).id, as_token("read")
    for path in ("", f"/{id}", "/unknown"):
        assert "no-store" in client.get(URL + path).headers["Cache-Control"]


def test_noise_of_another_vendor_changes_no_count(as_token: Tokens, ready: Runtime) -> None:
    add_vendors(ready, "third")
    for seed in range(4):
        take(ready, wav(seed), "zenith", agent="Dana", queue="q")
        take(ready, wav(seed), "third", agent="Dana", queue="q")
    own = take(ready, wav(9), "acme", agent="Dana", queue="q").id
    client = as_token("read", "acme")
    for query in ({}, {"agent": "Dana"}, {"queue": "q"}, {"q": "dana"}, {"status": "received"}):
        answer = client.get(URL, query_string=query).json
        assert answer is not None
        assert ([call["id"] for call in answer["calls"]], answer["total"]) == ([own], 1)
