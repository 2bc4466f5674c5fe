"""What administrators change about people and tokens, on both databases."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlmodel import select

from qa_audit.domain.access import SYSTEM, Actor
from qa_audit.errors import Conflict, Forbidden, Invalid, NotFound
from qa_audit.runtime import Runtime
from qa_audit.services import accounts, people, vendors
from qa_audit.services.grants import Asked
from qa_audit.services.people import Person
from qa_audit.storage import tables
from tests.factories import make_agent, make_user, make_vendor

GOOD = "a kettle on the moon"


def somebody(runtime: Runtime, email: str = "ana@example.org", role: str = "reviewer") -> Person:
    """Add somebody whose password is GOOD."""
    accounts.set_password(runtime, accounts.create_user(runtime, email, role), GOOD)
    return next(one for one in people.everybody(runtime, SYSTEM) if one.email == email)


def events(runtime: Runtime) -> list[tables.Event]:
    with runtime.db.read() as session:
        return list(session.exec(select(tables.Event).order_by(tables.Event.id)))  # type: ignore[arg-type]


@pytest.fixture
def acme(runtime: Runtime) -> tables.Vendor:
    with runtime.db.write() as session:
        vendor = make_vendor(session, slug="acme", name="Acme")
        session.add(tables.Team(vendor_id=vendor.id, name="North"))
        make_agent(session, vendor, name="Dana Fox")
    return vendor


def test_everybody_is_listed_with_what_they_see(runtime: Runtime, acme: tables.Vendor) -> None:
    accounts.create_user(runtime, "lee@example.org", "lead", vendor_slug="acme", team="North")
    accounts.create_user(runtime, "dana@example.org", "agent", vendor_slug="acme", agent="Dana Fox")
    gone = somebody(runtime)
    people.disable(runtime, SYSTEM, gone.id)
    found = people.everybody(runtime, SYSTEM)
    assert [one.email for one in found] == ["dana@example.org", "lee@example.org", "ana@example.org"]
    assert [one.team.name if one.team else None for one in found] == [None, "North", None]
    assert [one.agent.name if one.agent else None for one in found] == ["Dana Fox", None, None]
    assert [one.is_disabled for one in found] == [False, False, True]


def test_a_change_of_scope_ends_the_sign_ins_and_a_new_name_does_not(
    runtime: Runtime, acme: tables.Vendor
) -> None:
    ana = somebody(runtime)
    who = accounts.authenticate(runtime, ana.email, GOOD, "10.0.0.1")
    assert not people.change(runtime, SYSTEM, ana.id, "Ana B.", Asked("reviewer"))
    still = accounts.still_signed_in(runtime, who.actor.id, who.session_key)
    assert still is not None
    assert still.actor.name == "Ana B."
    assert people.change(runtime, SYSTEM, ana.id, "Ana B.", Asked("lead", "acme", team="North"))
    assert accounts.still_signed_in(runtime, who.actor.id, who.session_key) is None
    again = accounts.authenticate(runtime, ana.email, GOOD, "10.0.0.1")
    assert (again.actor.role, again.actor.vendor_id) == ("lead", acme.id)
    assert again.actor.team_id is not None
    people.change(runtime, SYSTEM, ana.id, "Ana B.", Asked("viewer"))
    assert people.get(runtime, SYSTEM, ana.id).team is None


def test_somebody_shut_out_can_be_let_in_again(runtime: Runtime) -> None:
    ana = somebody(runtime)
    who = accounts.authenticate(runtime, ana.email, GOOD, "10.0.0.1")
    people.disable(runtime, SYSTEM, ana.id)
    assert accounts.still_signed_in(runtime, who.actor.id, who.session_key) is None
    with pytest.raises(Invalid):
        accounts.authenticate(runtime, ana.email, GOOD, "10.0.0.1")
    people.enable(runtime, SYSTEM, ana.id)
    assert accounts.still_signed_in(runtime, who.actor.id, who.session_key) is None
    assert accounts.authenticate(runtime, ana.email, GOOD, "10.0.0.1").email == ana.email


def test_the_last_admin_stays_admin(runtime: Runtime) -> None:
    ana = somebody(runtime, role="admin")
    with runtime.db.write() as session:
        make_user(session, "admin")  # was invited and never set a password
        make_user(session, "admin", password_hash="x", disabled_at=runtime.clock())
    with pytest.raises(Conflict, match="last admin"):
        people.disable(runtime, SYSTEM, ana.id)
    with pytest.raises(Conflict, match="last admin"):
        people.change(runtime, SYSTEM, ana.id, "Ana", Asked("reviewer"))
    people.change(runtime, SYSTEM, ana.id, "Ana the admin", Asked("admin"))
    somebody(runtime, "bo@example.org", "admin")
    people.change(runtime, SYSTEM, ana.id, "Ana", Asked("reviewer"))
    assert people.get(runtime, SYSTEM, ana.id).role == "reviewer"


def test_two_admins_who_demote_each_other_at_once_leave_one(runtime: Runtime) -> None:
    both = [somebody(runtime, email, "admin") for email in ("ana@example.org", "bo@example.org")]

    def demote(person: Person) -> bool:
        try:
            people.change(runtime, SYSTEM, person.id, person.name, Asked("reviewer"))
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(demote, both)) == [False, True]
    assert [one.role for one in people.everybody(runtime, SYSTEM)].count("admin") == 1


@pytest.mark.parametrize("name", ["", "   ", "x" * 101, "a\x07b"])
def test_a_name_that_cannot_be_read_is_refused(runtime: Runtime, name: str) -> None:
    ana = somebody(runtime)
    with pytest.raises(Invalid, match="A name has"):
        people.change(runtime, SYSTEM, ana.id, name, Asked("reviewer"))


def test_whoever_is_not_there_is_not_found(runtime: Runtime) -> None:
    for act in (people.get, people.disable, people.enable, people.new_link):
        with pytest.raises(NotFound):
            act(runtime, SYSTEM, "nobody")  # type: ignore[operator]
    with pytest.raises(NotFound):
        people.change(runtime, SYSTEM, "nobody", "Ana", Asked("viewer"))


@pytest.mark.parametrize(
    ("actor", "error"),
    [
        (Actor("x", "reviewer"), Forbidden),
        (Actor("x", "viewer"), Forbidden),
        (Actor("x", "admin_token"), Forbidden),
        (Actor("x", "manager", vendor_id=1), NotFound),
        (Actor("x", "lead", vendor_id=1, team_id=1), NotFound),
        (Actor("x", "admin", vendor_id=1), NotFound),
    ],
)
def test_only_an_admin_of_everything_manages(runtime: Runtime, actor: Actor, error: type[Exception]) -> None:
    ana = somebody(runtime)
    attempts = (
        lambda: people.everybody(runtime, actor),
        lambda: people.get(runtime, actor, ana.id),
        lambda: people.choices(runtime, actor),
        lambda: people.change(runtime, actor, ana.id, "Ana", Asked("admin")),
        lambda: people.disable(runtime, actor, ana.id),
        lambda: people.enable(runtime, actor, ana.id),
        lambda: people.new_link(runtime, actor, ana.id),
        lambda: people.tokens(runtime, actor),
        lambda: accounts.create_user(runtime, "eve@example.org", "admin", actor=actor),
        lambda: accounts.create_token(runtime, "admin", actor=actor),
        lambda: accounts.revoke_token_by_id(runtime, actor, "x"),
        lambda: vendors.add(runtime, actor, "mine", "Mine"),
    )
    for attempt in attempts:
        with pytest.raises(error):
            attempt()
    assert len(people.everybody(runtime, SYSTEM)) == 1


def test_every_change_is_noted_without_a_word_about_the_person(runtime: Runtime, acme: tables.Vendor) -> None:
    boss = Actor(somebody(runtime, "boss@example.org", "admin").id, "admin")
    accounts.create_user(runtime, "zoe.quill@example.org", "reviewer", name="Zoe Quill", actor=boss)
    zoe = next(one for one in people.everybody(runtime, SYSTEM) if one.email.startswith("zoe"))
    people.change(runtime, boss, zoe.id, "Zoe Q. Quill", Asked("lead", "acme", team="North"))
    people.new_link(runtime, boss, zoe.id)
    people.disable(runtime, boss, zoe.id)
    people.enable(runtime, boss, zoe.id)
    accounts.create_token(runtime, "upload", "acme", actor=boss)
    token = people.tokens(runtime, boss)[0]
    accounts.revoke_token_by_id(runtime, boss, token.id)
    noted = [event for event in events(runtime) if event.actor == boss.id]
    assert [event.action for event in noted] == [
        *("user.added", "user.changed", "user.linked", "user.disabled", "user.enabled"),
        *("token.added", "token.revoked"),
    ]
    assert {event.thing for event in noted} == {zoe.id, token.id}
    written = json.dumps([[event.actor, event.thing, event.detail] for event in noted]).lower()
    assert not [word for word in ("zoe", "quill", "example.org", "qa_") if word in written]


def test_tokens_are_listed_with_their_use_and_revoked_by_their_id(
    runtime: Runtime, acme: tables.Vendor
) -> None:
    used = accounts.create_token(runtime, "read")
    accounts.create_token(runtime, "upload", "acme")
    accounts.authenticate_token(runtime, used)
    newest, oldest = people.tokens(runtime, SYSTEM)
    assert (newest.scope, newest.vendor, newest.last_used_at) == ("upload", "Acme", None)
    assert (oldest.scope, oldest.vendor) == ("read", None)
    assert oldest.last_used_at is not None
    accounts.revoke_token_by_id(runtime, SYSTEM, oldest.id)
    assert accounts.authenticate_token(runtime, used) is None
    assert [one.is_revoked for one in people.tokens(runtime, SYSTEM)] == [False, True]
    with pytest.raises(NotFound):
        accounts.revoke_token_by_id(runtime, SYSTEM, oldest.id)
