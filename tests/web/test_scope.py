"""The wall around each vendor and team, for every route there is: generated from the routes and the access table.

A route whose kind is not named here fails, so that nobody adds one without saying what it shows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from flask import Flask
from flask.testing import FlaskClient

from qa_audit.domain.access import SYSTEM, Actor, can, sees_scorecard
from qa_audit.runtime import Runtime
from qa_audit.services import accounts, people, scorecards
from qa_audit.services.grants import Asked
from tests.auditing import Side, add_sound, make_audited, make_side
from tests.factories import make_user, make_vendor
from tests.web.conftest import PASSWORD, SignInAs, hashed, post
from tests.web.test_access import ask, rules

KINDS = {
    "/calls/<id>": "call",
    "/api/v1/calls/<id>": "call",
    "/scorecards/<id>": "card",
    "/api/v1/scorecards/<id>": "card",
    "/vendors/<slug>": "vendor",
    "/calls": "calls",
    "/calls.csv": "calls",
    "/calls/upload": "upload",
    "/api/v1/calls": "calls",
    "/review": "review",
    "/scorecards": "cards",
    "/scorecards.csv": "cards",
    "/api/v1/scorecards": "cards",
    "/vendors": "vendors",
    "/admin": "admin",
    "/rubrics": "rubric",
}
"""What a route shows, by the longest beginning of its address that fits."""

OF_NO_VENDOR = frozenset(
    {"/", "/login", "/logout", "/welcome/<token>", "/healthz", "/readyz", "/metrics", "/static/<path:filename>",
     "/api/v1/openapi.json"}
)  # fmt: skip
"""Routes that show nothing of any vendor."""

WHO = ("lead", "other lead", "manager", "agent", "other vendor's manager")


@dataclass(frozen=True)
class Things:
    """What belongs to one team: a published scorecard, its call, and a call whose audit waits."""

    side: Side
    card: str
    published: str
    waiting: str

    @property
    def names(self) -> tuple[str, ...]:
        """Words that only stand where something of this team is shown."""
        return (self.card, self.published, self.waiting, self.side.team.name, self.side.agent.name)


@dataclass(frozen=True)
class World:
    """Two teams of one vendor, and a team of another."""

    own: Things
    other_team: Things
    other_vendor: Things

    @property
    def all(self) -> tuple[Things, ...]:
        """Every team's things."""
        return (self.own, self.other_team, self.other_vendor)


@dataclass(frozen=True)
class Visitor:
    """Somebody of the vendor's side: signed in, and as the access table knows them."""

    client: FlaskClient
    actor: Actor


@pytest.fixture
def world(here: Runtime) -> World:
    with here.db.write() as session:
        first, second = make_vendor(session, name="Alphacorp"), make_vendor(session, name="Betacorp")
        sides = [
            make_side(session, vendor, name=f"Team {name}")
            for vendor, name in ((first, "Ash"), (first, "Birch"), (second, "Cedar"))
        ]
        for side, name in zip(sides, ("Ada Ash", "Bea Birch", "Cleo Cedar"), strict=True):
            side.agent.name = name
            session.add(side.agent)
        calls = [(make_audited(session, side), make_audited(session, side)) for side in sides]
    found = []
    for side, (published, waiting) in zip(sides, calls, strict=True):
        for call in (published, waiting):
            add_sound(here, call, b"sound " * 100)
        card = scorecards.publish(here, SYSTEM, published.public_id)
        found.append(Things(side, card, published.public_id, waiting.public_id))
    return World(*found)


@pytest.fixture(params=WHO)
def visitor(request: pytest.FixtureRequest, world: World, sign_in_as: SignInAs, here: Runtime) -> Visitor:
    own, other, foreign = (things.side for things in world.all)
    side, role = {
        "lead": (own, "lead"),
        "other lead": (other, "lead"),
        "manager": (own, "manager"),
        "agent": (own, "agent"),
        "other vendor's manager": (foreign, "manager"),
    }[request.param]
    bound = {
        "vendor_id": side.vendor.id,
        "team_id": side.team.id if role == "lead" else None,
        "agent_id": side.agent.id if role == "agent" else None,
    }
    return Visitor(sign_in_as(role, **bound), Actor("visitor", role, **bound))  # type: ignore[arg-type]


def kind_of(rule: str) -> str:
    """Say what a route shows; KeyError names a route that nobody said it of."""
    fitting = [part for part in KINDS if rule == part or rule.startswith((f"{part}/", f"{part}."))]
    if not fitting:
        raise KeyError(f"Say in KINDS what {rule} shows.")
    return KINDS[max(fitting, key=len)]


def routes(app: Flask, *kinds: str) -> Iterator[tuple[str, str]]:
    """Yield method and address of the pages of some kinds; the API has tokens, not people."""
    for method, rule in sorted(rules(app)):
        if rule not in OF_NO_VENDOR and not rule.startswith("/api") and kind_of(rule) in kinds:
            yield method, rule


def may_see(actor: Actor, kind: str, things: Things) -> bool:
    """Ask the access table."""
    side = things.side
    vendor_id = side.vendor.id or 0
    if kind == "card":
        return sees_scorecard(actor, vendor_id, side.team.id, side.agent.id)
    action = {"vendor": "see_vendors", "call": "see_calls"}[kind]
    return can(actor, action, vendor_id)  # type: ignore[arg-type]


def fill(rule: str, id: str) -> str:
    return re.sub(r"<(id|slug)>", id, rule)


def bare(html: str) -> str:
    """Leave out what differs between any two answers, and the name that the address had."""
    html = re.sub(r"<code>[0-9a-f]{16}</code>|(nonce|value)=\"[^\"]*\"", "", html)
    return re.sub(r"vendor '[^']*'|vendor &#39;[^&]*&#39;", "", html)


def named(kind: str, things: Things) -> tuple[str, ...]:
    """Return the ids by which an address can name what a kind of route shows."""
    return {
        "call": (things.published, things.waiting),
        "card": (things.card,),
        "vendor": (things.side.vendor.slug,),
    }[kind]


def test_every_route_says_what_it_shows(app: Flask) -> None:
    unknown = [rule for _, rule in rules(app) if rule not in OF_NO_VENDOR and not _has_kind(rule)]
    assert not unknown, "say in KINDS what these show"
    with pytest.raises(KeyError, match="/reports"):
        kind_of("/reports/<id>")


def test_what_is_not_ones_own_is_as_if_it_did_not_exist(app: Flask, world: World, visitor: Visitor) -> None:
    checked = 0
    for kind in ("call", "card", "vendor"):
        for method, rule in routes(app, kind):
            unknown = ask(visitor.client, method, fill(rule, "no-such-thing"))
            for things in world.all:
                for id in named(kind, things):
                    answer = ask(visitor.client, method, fill(rule, id))
                    may_do = not rule.endswith("/acknowledge") or can(visitor.actor, "acknowledge")
                    if may_see(visitor.actor, kind, things) and may_do:
                        assert answer.status_code in (200, 303, 409), (method, rule)
                        continue
                    assert answer.status_code == unknown.status_code == 404, (method, rule)
                    assert bare(answer.text) == bare(unknown.text), (method, rule)
                    checked += 1
    assert checked > 40


def test_what_is_ones_own_is_there(world: World, visitor: Visitor) -> None:
    seen = {
        things.card
        for things in world.all
        if visitor.client.get(f"/scorecards/{things.card}").status_code == 200
    }
    assert seen == {things.card for things in world.all if may_see(visitor.actor, "card", things)}
    assert seen
    for card in seen:
        assert visitor.client.get(f"/scorecards/{card}/audio").data == b"sound " * 100


def test_staffs_pages_do_not_exist_for_the_vendors_side(app: Flask, world: World, visitor: Visitor) -> None:
    found = list(routes(app, "calls", "upload", "review", "admin", "rubric"))
    assert len(found) > 20
    for method, rule in found:
        for id in (world.own.waiting, world.own.side.vendor.slug):
            assert ask(visitor.client, method, fill(rule, id)).status_code == 404, (method, rule)


def test_lists_hold_nothing_that_is_not_ones_own(app: Flask, world: World, visitor: Visitor) -> None:
    for method, rule in routes(app, "cards", "vendors", "vendor"):
        where = fill(
            rule, next(t.side.vendor.slug for t in world.all if t.side.vendor.id == visitor.actor.vendor_id)
        )
        text = ask(visitor.client, method, where).text
        for things in world.all:
            if not may_see(visitor.actor, "card", things):
                assert not [name for name in things.names if name in text], (rule, things.side.team.name)


def test_a_filter_that_names_somebody_elses_is_like_one_that_names_nobody(
    world: World, visitor: Visitor
) -> None:
    for things in world.all:
        if may_see(visitor.actor, "card", things):
            continue
        foreign = {"team": things.side.team.name, "agent": things.side.agent.name}
        if things.side.vendor.id != visitor.actor.vendor_id:
            foreign["vendor"] = things.side.vendor.slug
        for field, value in foreign.items():
            for place in ("/scorecards", "/scorecards.csv"):
                answer = visitor.client.get(place, query_string={field: value})
                unknown = visitor.client.get(place, query_string={field: "Nobody"})
                assert answer.status_code == unknown.status_code, (place, field)
                assert not [name for name in (things.card, things.published) if name in answer.text]


@pytest.mark.parametrize("headers", [{"Range": "bytes=0-9"}, {"If-None-Match": "*"}, {"HX-Request": "true"}])
def test_no_header_opens_the_sound_of_others(world: World, visitor: Visitor, headers: dict[str, str]) -> None:
    for things in world.all:
        places = [f"/calls/{things.published}/audio", f"/calls/{things.waiting}/audio"]
        if not may_see(visitor.actor, "card", things):
            places.append(f"/scorecards/{things.card}/audio")
        for place in places:
            assert visitor.client.get(place, headers=headers).status_code == 404
            assert visitor.client.head(place, headers=headers).status_code == 404


def test_before_publication_ones_own_call_does_not_exist_either(world: World, visitor: Visitor) -> None:
    for place in ("", "/audio", "/peaks", "/review"):
        for call in (world.own.waiting, world.own.published):
            assert visitor.client.get(f"/calls/{call}{place}").status_code == 404
    assert world.own.waiting not in visitor.client.get("/scorecards").text


@pytest.mark.parametrize("scope", accounts.SCOPES)
def test_a_vendors_token_meets_the_same_wall(app: Flask, here: Runtime, world: World, scope: str) -> None:
    foreign = world.other_vendor
    token = accounts.create_token(here, scope, world.own.side.vendor.slug)
    client, headers = app.test_client(), {"Authorization": f"Bearer {token}"}
    checked = 0
    for method, rule in sorted(rules(app)):
        if not rule.startswith("/api") or rule in OF_NO_VENDOR:
            continue
        kind = kind_of(rule)
        if kind in ("call", "card"):
            unknown = client.open(fill(rule, "no-such-thing"), method=method, headers=headers)
            for id in named(kind, foreign):
                answer = client.open(fill(rule, id), method=method, headers=headers)
                assert answer.status_code == unknown.status_code, (method, rule)
                assert answer.status_code in (403, 404), (method, rule)
                checked += 1
        elif method == "GET":
            text = client.get(rule, headers=headers).text
            assert not [name for name in foreign.names if name in text], rule
            checked += 1
    assert checked >= 6


def test_somebody_who_is_moved_sees_the_new_team_only(app: Flask, here: Runtime, world: World) -> None:
    with here.db.write() as session:
        user = make_user(session, "lead", password_hash=hashed(), **world.own.side.lead)
    client = app.test_client()
    post(client, "/login", email=user.email, password=PASSWORD)
    assert client.get(f"/scorecards/{world.own.card}").status_code == 200
    slug, team = world.other_team.side.vendor.slug, world.other_team.side.team.name
    people.change(here, SYSTEM, user.public_id, "Lee", Asked("lead", slug, team=team))
    assert client.get(f"/scorecards/{world.own.card}").status_code == 303
    post(client, "/login", email=user.email, password=PASSWORD)
    assert client.get(f"/scorecards/{world.own.card}").status_code == 404
    assert client.get(f"/scorecards/{world.other_team.card}").status_code == 200


def _has_kind(rule: str) -> bool:
    try:
        return bool(kind_of(rule))
    except KeyError:
        return False
