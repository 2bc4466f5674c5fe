"""`user` and `token` as somebody types them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from qa_audit.config import Settings
from qa_audit.runtime import Runtime
from qa_audit.services import accounts
from qa_audit.storage.tables import Team
from tests.cli.serving import run
from tests.factories import make_agent, make_vendor


@pytest.fixture
def here(sqlite_url: str, tmp_path: Path) -> Iterator[Runtime]:
    runtime = Runtime(Settings(data_dir=tmp_path, database_url=sqlite_url))
    yield runtime
    runtime.db.dispose()


def test_adding_a_person_prints_a_link_that_works_once(here: Runtime) -> None:
    result = run(here, "user", "add", "ana@example.org", "--role", "reviewer")
    assert result.exit_code == 0, result.output
    found = re.fullmatch(r"http://127\.0\.0\.1:8000/welcome/([\w-]{43})\n", result.stdout)
    assert found
    assert accounts.link_owner(here, found[1]) == "ana@example.org"


def test_the_link_begins_with_the_address_that_is_set(here: Runtime) -> None:
    address = "https://qa.example.org/"
    result = run(here, "user", "add", "ana@example.org", "--role", "admin", QA_AUDIT_URL=address)
    assert result.stdout.startswith("https://qa.example.org/welcome/")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("user", "add", "ana@example.org", "--role", "root"), 2, "'manager', 'lead', 'agent'"),
        (("user", "add", "ana@example.org", "--role", "lead"), 2, "A lead belongs to a vendor"),
        (("user", "add", "a@example.org", "--role", "viewer", "--team", "North"), 2, "not bound to a team"),
        (("user", "add", "ana", "--role", "viewer"), 2, "no e-mail address"),
        (("user", "add", "a@example.org", "--role", "viewer", "--vendor", "nobody"), 2, "no vendor 'nobody'"),
        (("user", "link", "nobody@example.org"), 1, "no account for nobody@example.org"),
        (("user", "disable", "nobody@example.org"), 1, "no account"),
        (("token", "create", "--scope", "everything"), 2, "'upload', 'read', 'admin'"),
        (("token", "create", "--scope", "read", "--vendor", "nobody"), 2, "no vendor 'nobody'"),
        (("token", "revoke", "qa_unknown"), 1, "no such token"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    here: Runtime, arguments: tuple[str, ...], code: int, said: str
) -> None:
    result = run(here, *arguments)
    assert result.exit_code == code
    assert said in result.stderr
    assert "Traceback" not in result.output


def test_a_lead_and_an_agent_are_bound_by_name(here: Runtime) -> None:
    with here.db.write() as session:
        vendor = make_vendor(session, slug="acme")
        session.add(Team(vendor_id=vendor.id, name="North"))
        make_agent(session, vendor, name="Dana Fox")
    bound = ("--vendor", "acme")
    added = run(here, "user", "add", "lee@example.org", "--role", "lead", *bound, "--team", "North")
    assert added.exit_code == 0, added.output
    added = run(here, "user", "add", "dana@example.org", "--role", "agent", *bound, "--agent", "Dana Fox")
    assert added.exit_code == 0, added.output
    found = {account.email: account for account in accounts.list_users(here)}
    assert found["lee@example.org"].team_id is not None
    assert found["dana@example.org"].agent_id is not None


def test_the_last_admin_is_not_shut_out(here: Runtime) -> None:
    run(here, "user", "add", "ana@example.org", "--role", "admin")
    result = run(here, "user", "disable", "ana@example.org")
    assert result.exit_code == 1
    assert "last admin" in result.stderr


def test_an_address_that_is_taken_is_an_error(here: Runtime) -> None:
    run(here, "user", "add", "ana@example.org", "--role", "viewer")
    result = run(here, "user", "add", "ana@example.org", "--role", "viewer")
    assert result.exit_code == 1
    assert "already an account" in result.stderr


def test_people_are_listed_linked_and_shut_out(here: Runtime) -> None:
    run(here, "user", "add", "ana@example.org", "--role", "viewer")
    assert run(here, "user", "list").stdout == "ana@example.org\tviewer\tno password yet\n"
    token = run(here, "user", "link", "ana@example.org").stdout.strip().rsplit("/", 1)[1]
    accounts.set_password(here, token, "a kettle on the moon")
    assert run(here, "user", "list").stdout == "ana@example.org\tviewer\tactive\n"
    assert run(here, "user", "disable", "ana@example.org").exit_code == 0
    assert run(here, "user", "list").stdout == "ana@example.org\tviewer\tdisabled\n"


def test_a_token_is_printed_once_bound_and_revoked(here: Runtime) -> None:
    with here.db.write() as session:
        vendor = make_vendor(session, slug="acme")
    result = run(here, "token", "create", "--scope", "upload", "--vendor", "acme")
    token = result.stdout.strip()
    actor = accounts.authenticate_token(here, token)
    assert actor is not None
    assert (actor.role, actor.vendor_id) == ("upload_token", vendor.id)
    assert run(here, "token", "revoke", token).exit_code == 0
    assert accounts.authenticate_token(here, token) is None


@pytest.mark.parametrize(
    "command", ["user add", "user link", "user disable", "user list", "token create", "token revoke"]
)
def test_every_command_helps_with_an_example(here: Runtime, command: str) -> None:
    result = run(here, *command.split(), "--help")
    assert result.exit_code == 0
    assert f"Example: qa-audit {command}" in result.stdout
