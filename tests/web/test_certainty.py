"""How sure the machine is: in words, and as a percentage with its base once reviewers have kept enough answers."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from qa_audit.runtime import Runtime
from qa_audit.services import corrections
from tests.auditing import make_audited, make_side
from tests.factories import make_vendor
from tests.page import find, find_all, get_page, text_of

TEXT = """\
id: manners
version: 1
title: Manners
effective_from: 2026-01-01
pass_mark: 80
sections:
  - id: open
    title: Opening
    criteria:
      - {id: greets, title: Greets, points: 5, check: {kind: said, what: a greeting, any: [good morning]}}
"""


@pytest.fixture(autouse=True)
def unread() -> None:
    """Let no other test's history serve."""
    corrections._recent.cache_clear()


def call_after(here: Runtime, audits: int) -> str:
    """Add so many finished audits in which the reviewer kept a sure yes, and a call of which the machine says yes."""
    with here.db.write() as session:
        side = make_side(session, make_vendor(session))
        for _ in range(audits):
            make_audited(session, side, {"greets": "yes"}, {"greets": "yes"}, source=TEXT)
        call = make_audited(
            session,
            side,
            {"greets": None},
            {"greets": "yes"},
            source=TEXT,
            state="draft",
            status="in_review",
        )
        return str(call.public_id)


def words_of(client: FlaskClient, call: str) -> str:
    root = get_page(client, f"/calls/{call}/review")
    return text_of(next(one for one in find_all(root, "li") if one.get("id") == "line-manners-greets"))


def test_a_short_history_leaves_the_certainty_in_words(here: Runtime, reviewer: FlaskClient) -> None:
    words = words_of(reviewer, call_after(here, 20))
    assert "machine: yes · sure" in words
    assert "in 20 of 20 audits reviewers kept this." in words
    assert "From 50 audits on" in words


def test_a_long_history_makes_it_a_percentage_with_its_base(here: Runtime, reviewer: FlaskClient) -> None:
    call = call_after(here, 58)
    words = words_of(reviewer, call)
    assert "machine: yes · 98 % sure, from 58 audits" in words
    assert "From 50 audits on" not in words
    page = get_page(reviewer, f"/calls/{call}")
    assert "yes, 98 % sure, from 58 audits" in text_of(find(page, "main"))


def test_a_first_call_has_no_history_to_tell(here: Runtime, reviewer: FlaskClient) -> None:
    words = words_of(reviewer, call_after(here, 0))
    assert "machine: yes · sure" in words
    assert "audits" not in words
