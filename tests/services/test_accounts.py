"""Accounts, password links, sign-ins and tokens, on both databases."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import select

from qa_audit.domain.access import Role
from qa_audit.errors import Conflict, Invalid, NotFound
from qa_audit.runtime import Runtime
from qa_audit.services import accounts, passwords
from qa_audit.storage import tables
from qa_audit.storage.tables import ApiToken, LoginFailure, PasswordLink, User
from tests.factories import make_agent, make_user, make_vendor

GOOD = "a kettle on the moon"
ADDRESS = "10.0.0.1"


def later(runtime: Runtime, **time: float) -> None:
    """Let it be later."""
    now = runtime.clock() + timedelta(**time)
    runtime.clock = lambda: now


def person(runtime: Runtime, email: str = "ana@example.org", role: str = "reviewer") -> str:
    """Add somebody whose password is GOOD."""
    accounts.set_password(runtime, accounts.create_user(runtime, email, role), GOOD)
    return email


def test_a_person_is_created_sets_a_password_and_signs_in(runtime: Runtime) -> None:
    token = accounts.create_user(runtime, " Ana.Bello@Example.org", "reviewer")
    assert accounts.link_owner(runtime, token) == "ana.bello@example.org"
    accounts.set_password(runtime, token, GOOD)
    who = accounts.authenticate(runtime, "ana.bello@example.org", GOOD, ADDRESS)
    assert (who.actor.role, who.actor.name, who.actor.vendor_id) == ("reviewer", "Ana Bello", None)
    assert accounts.still_signed_in(runtime, who.actor.id, who.session_key) == who


def test_an_address_has_one_account(runtime: Runtime) -> None:
    accounts.create_user(runtime, "ana@example.org", "reviewer")
    with pytest.raises(Conflict, match="already an account for ana@"):
        accounts.create_user(runtime, "ANA@example.org", "admin")


@pytest.mark.parametrize(
    "email", ["", "ana", "ana@", "@example.org", "a b@example.org", "a@b@c", "x" * 320 + "@e.org"]
)
def test_what_is_no_address_is_refused(runtime: Runtime, email: str) -> None:
    with pytest.raises(Invalid, match="no e-mail address"):
        accounts.create_user(runtime, email, "reviewer")


@pytest.mark.parametrize("role", ["upload_token", "read_token", "root", ""])
def test_what_is_no_role_of_a_person_cannot_be_given(runtime: Runtime, role: str) -> None:
    with pytest.raises(Invalid, match="Use one of: admin, reviewer, viewer, manager, lead, agent"):
        accounts.create_user(runtime, "ana@example.org", role)


@pytest.fixture
def acme(runtime: Runtime) -> tables.Vendor:
    """A vendor with team North and agent Dana Fox; another vendor has a team South and an agent Lou."""
    with runtime.db.write() as session:
        vendor = make_vendor(session, slug="acme")
        session.add(tables.Team(vendor_id=vendor.id, name="North"))
        make_agent(session, vendor, name="Dana Fox")
        other = make_vendor(session, slug="zenith")
        session.add(tables.Team(vendor_id=other.id, name="South"))
        make_agent(session, other, name="Lou")
    return vendor


SCOPES_THAT_FIT = [
    ("reviewer", {}),
    ("viewer", {"vendor_slug": "acme"}),
    ("manager", {"vendor_slug": "acme"}),
    ("lead", {"vendor_slug": "acme", "team": "north"}),
    ("agent", {"vendor_slug": "acme", "agent": "Dana Fox"}),
]


@pytest.mark.parametrize(("role", "scope"), SCOPES_THAT_FIT)
def test_each_role_signs_in_with_what_it_is_bound_to(
    runtime: Runtime, acme: tables.Vendor, role: str, scope: dict[str, str]
) -> None:
    accounts.set_password(runtime, accounts.create_user(runtime, "ana@example.org", role, **scope), GOOD)  # type: ignore[arg-type]
    actor = accounts.authenticate(runtime, "ana@example.org", GOOD, ADDRESS).actor
    assert actor.vendor_id == (acme.id if scope else None)
    with runtime.db.read() as session:
        team = session.exec(select(tables.Team).where(tables.Team.name == "North")).one().id
        agent = session.exec(select(tables.Agent).where(tables.Agent.name == "Dana Fox")).one().id
    assert actor.team_id == (team if "team" in scope else None)
    assert actor.agent_id == (agent if "agent" in scope else None)


@pytest.mark.parametrize(
    ("role", "scope", "said"),
    [
        ("manager", {}, "A manager belongs to a vendor: say which"),
        ("lead", {"team": "North"}, "A lead belongs to a vendor"),
        ("agent", {}, "An agent belongs to a vendor"),
        ("lead", {"vendor_slug": "acme"}, "A lead sees one team: say which"),
        ("agent", {"vendor_slug": "acme"}, "say which agent of the vendor this is"),
        ("lead", {"vendor_slug": "acme", "team": "South"}, "no team 'South'"),
        ("agent", {"vendor_slug": "acme", "agent": "Lou"}, "no agent 'Lou'"),
        ("manager", {"vendor_slug": "acme", "team": "North"}, "A manager is not bound to a team"),
        (
            "lead",
            {"vendor_slug": "acme", "team": "North", "agent": "Dana Fox"},
            "A lead is not bound to an agent",
        ),
        ("reviewer", {"vendor_slug": "acme", "team": "North"}, "A reviewer is not bound to a team"),
        ("viewer", {"agent": "Dana Fox"}, "A viewer is not bound to an agent"),
        ("admin", {"vendor_slug": "acme"}, "An admin looks after everything"),
        ("viewer", {"vendor_slug": "nobody"}, "no vendor 'nobody'"),
    ],
)
def test_a_scope_that_does_not_fit_the_role_is_refused_in_words(
    runtime: Runtime, acme: tables.Vendor, role: str, scope: dict[str, str], said: str
) -> None:
    with pytest.raises(Invalid, match=said):
        accounts.create_user(runtime, "ana@example.org", role, **scope)  # type: ignore[arg-type]
    with pytest.raises(Invalid, match=said):
        accounts.ensure_demo_user(runtime, "ana@demo.example", role, "demo", **scope)  # type: ignore[arg-type]
    assert accounts.list_users(runtime) == ()


def test_the_demo_moves_a_sign_in_to_another_team(runtime: Runtime, acme: tables.Vendor) -> None:
    with runtime.db.write() as session:
        team = tables.Team(vendor_id=acme.id, name="West")
        session.add(team)
    accounts.ensure_demo_user(runtime, "lead@demo.example", "lead", "demo", "acme", "North")
    accounts.ensure_demo_user(runtime, "lead@demo.example", "lead", "demo", "acme", "West")
    assert accounts.authenticate(runtime, "lead@demo.example", "demo", ADDRESS).actor.team_id == team.id


def test_a_link_that_replaces_a_password_is_good_for_half_an_hour(runtime: Runtime) -> None:
    first = accounts.create_user(runtime, "ana@example.org", "reviewer")
    later(runtime, days=2, hours=23)
    accounts.set_password(runtime, first, GOOD)
    reset = accounts.new_link(runtime, "ana@example.org")
    later(runtime, minutes=31)
    with pytest.raises(NotFound):
        accounts.set_password(runtime, reset, "a teapot on the sun")


def test_somebody_shut_out_gets_no_link(runtime: Runtime) -> None:
    person(runtime)
    accounts.disable_user(runtime, "ana@example.org")
    with pytest.raises(Conflict, match="shut out"):
        accounts.new_link(runtime, "ana@example.org")


def test_a_new_link_takes_back_the_one_before(runtime: Runtime) -> None:
    first = accounts.create_user(runtime, "ana@example.org", "reviewer")
    second = accounts.new_link(runtime, "Ana@example.org")
    with pytest.raises(NotFound):
        accounts.set_password(runtime, first, GOOD)
    accounts.set_password(runtime, second, GOOD)
    with pytest.raises(NotFound):
        accounts.set_password(runtime, second, GOOD)
    with pytest.raises(NotFound, match="no account"):
        accounts.new_link(runtime, "nobody@example.org")


def test_a_link_of_somebody_shut_out_is_worthless(runtime: Runtime) -> None:
    token = accounts.create_user(runtime, "ana@example.org", "reviewer")
    accounts.disable_user(runtime, "ana@example.org")
    with pytest.raises(NotFound):
        accounts.link_owner(runtime, token)


def test_of_two_who_use_a_link_at_once_one_wins(runtime: Runtime) -> None:
    token = accounts.create_user(runtime, "ana@example.org", "reviewer")

    def try_it(password: str) -> bool:
        try:
            accounts.set_password(runtime, token, password)
        except NotFound:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        won = list(pool.map(try_it, [f"{GOOD} {word}" for word in ("red", "blue", "green", "black")]))
    assert won.count(True) == 1


@pytest.mark.usefixtures("real_passwords")
def test_only_hashes_are_stored(runtime: Runtime) -> None:
    link = accounts.create_user(runtime, "ana@example.org", "reviewer")
    token = accounts.create_token(runtime, "read")
    accounts.set_password(runtime, link, GOOD)
    with runtime.db.read() as session:
        user = session.exec(select(User)).one()
        stored_link = session.exec(select(PasswordLink)).one()
        stored_token = session.exec(select(ApiToken)).one()
    assert (user.password_hash or "").startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert stored_link.token_hash == hashlib.sha256(link.encode()).hexdigest()
    assert stored_token.token_hash == hashlib.sha256(token.encode()).hexdigest()


def test_a_password_hashed_at_another_cost_is_hashed_anew_at_sign_in(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    email = person(runtime)
    who = accounts.authenticate(runtime, email, GOOD, ADDRESS)
    monkeypatch.setattr(passwords, "needs_rehash", lambda hashed: True)
    with runtime.db.read() as session:
        before = session.exec(select(User)).one().password_hash
    accounts.authenticate(runtime, email, GOOD, ADDRESS)
    with runtime.db.read() as session:
        after = session.exec(select(User)).one().password_hash
    assert before != after
    assert passwords.matches(after, GOOD)
    assert accounts.still_signed_in(runtime, who.actor.id, who.session_key) is not None


def test_guesses_made_at_the_same_time_are_all_counted(runtime: Runtime) -> None:
    email = person(runtime)

    def guess(number: int) -> str:
        try:
            accounts.authenticate(runtime, email, f"guess number {number}", f"10.0.{number}.1")
        except accounts.TooManyTries:
            return "locked"
        except Invalid:
            return "wrong"
        return "in"

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(guess, range(25)))
    assert outcomes.count("wrong") == accounts.TRIES
    assert outcomes.count("locked") == 25 - accounts.TRIES
    with runtime.db.read() as session:
        assert len(session.exec(select(LoginFailure)).all()) == 2 * accounts.TRIES


def test_a_lock_says_how_long_and_slow_guessing_is_locked_too(runtime: Runtime) -> None:
    email = person(runtime)
    for _ in range(accounts.TRIES):
        with pytest.raises(Invalid):
            accounts.authenticate(runtime, email, "wrong words here", ADDRESS)
        later(runtime, minutes=5)
    with pytest.raises(accounts.TooManyTries, match="locked for 25 minutes") as locked:
        accounts.authenticate(runtime, email, GOOD, ADDRESS)
    assert locked.value.retry_after == 25 * 60
    later(runtime, minutes=26)
    assert accounts.authenticate(runtime, email, GOOD, ADDRESS).email == email


def test_failures_are_forgotten_after_a_day(runtime: Runtime) -> None:
    email = person(runtime)
    with pytest.raises(Invalid):
        accounts.authenticate(runtime, email, "wrong words here", ADDRESS)
    later(runtime, days=1, minutes=1)
    with pytest.raises(Invalid):
        accounts.authenticate(runtime, "other@example.org", "wrong words here", ADDRESS)
    with runtime.db.read() as session:
        assert len(session.exec(select(LoginFailure)).all()) == 2


def test_neither_addresses_nor_names_stand_in_the_failures(runtime: Runtime) -> None:
    with pytest.raises(Invalid):
        accounts.authenticate(runtime, "ana@example.org", "wrong words here", ADDRESS)
    with runtime.db.read() as session:
        subjects = [row.subject for row in session.exec(select(LoginFailure))]
    assert all(len(subject) == 64 and int(subject, 16) for subject in subjects)


def test_ending_sign_ins_ends_them_everywhere(runtime: Runtime) -> None:
    email = person(runtime)
    one, two = (accounts.authenticate(runtime, email, GOOD, ADDRESS) for _ in range(2))
    accounts.end_sign_ins(runtime, one.actor)
    for who in (one, two):
        assert accounts.still_signed_in(runtime, who.actor.id, who.session_key) is None
    assert accounts.still_signed_in(runtime, "no such account", two.session_key) is None


def test_the_demo_can_make_sure_of_its_sign_ins_again_and_again(runtime: Runtime) -> None:
    for _ in range(2):
        accounts.ensure_demo_user(runtime, "reviewer@demo.example", "reviewer", "demo")
    who = accounts.authenticate(runtime, "reviewer@demo.example", "demo", ADDRESS)
    accounts.ensure_demo_user(runtime, "reviewer@demo.example", "reviewer", "demo")
    assert accounts.still_signed_in(runtime, who.actor.id, who.session_key) is not None
    for _ in range(accounts.TRIES):
        with pytest.raises(Invalid):
            accounts.authenticate(runtime, "reviewer@demo.example", "wrong", ADDRESS)
    accounts.ensure_demo_user(runtime, "reviewer@demo.example", "reviewer", "another")
    assert accounts.authenticate(runtime, "reviewer@demo.example", "another", ADDRESS)
    with pytest.raises(Conflict, match="another role"):
        accounts.ensure_demo_user(runtime, "reviewer@demo.example", "admin", "demo")


@pytest.mark.parametrize(
    ("scope", "role"), [("upload", "upload_token"), ("read", "read_token"), ("admin", "admin_token")]
)
def test_a_token_acts_as_its_scope_within_its_vendor(runtime: Runtime, scope: str, role: Role) -> None:
    with runtime.db.write() as session:
        vendor = make_vendor(session, slug="acme")
    everybodys = accounts.authenticate_token(runtime, accounts.create_token(runtime, scope))
    bound = accounts.authenticate_token(runtime, accounts.create_token(runtime, scope, "acme"))
    assert everybodys is not None
    assert bound is not None
    assert (everybodys.role, everybodys.vendor_id) == (role, None)
    assert (bound.role, bound.vendor_id) == (role, vendor.id)


def test_unknown_and_revoked_tokens_are_nobody(runtime: Runtime) -> None:
    token = accounts.create_token(runtime, "read")
    accounts.revoke_token(runtime, token)
    for bad in (token, "", "qa_unknown"):
        assert accounts.authenticate_token(runtime, bad) is None
    with pytest.raises(NotFound):
        accounts.revoke_token(runtime, token)
    with pytest.raises(Invalid, match="no scope"):
        accounts.create_token(runtime, "everything")
    with pytest.raises(Invalid, match="no vendor"):
        accounts.create_token(runtime, "read", "nobody")


def test_a_tokens_use_is_written_down_now_and_then(runtime: Runtime) -> None:
    token = accounts.create_token(runtime, "read")

    def used() -> datetime | None:
        accounts.authenticate_token(runtime, token)
        with runtime.db.read() as session:
            return session.exec(select(ApiToken)).one().last_used_at

    first = used()
    later(runtime, minutes=5)
    assert used() == first
    later(runtime, minutes=6)
    second = used()
    assert first is not None
    assert second is not None
    assert second - first > timedelta(minutes=10)


def test_accounts_are_listed_by_address(runtime: Runtime) -> None:
    with runtime.db.write() as session:
        make_user(session, "viewer", email="zoe@example.org")
        make_user(session, "admin", email="bo@example.org", disabled_at=datetime.now(UTC))
    listed = [(account.email, account.disabled) for account in accounts.list_users(runtime)]
    assert listed == [("bo@example.org", True), ("zoe@example.org", False)]
