"""Learning from corrections: every audit pinned to the same check counts, whatever the version."""

from __future__ import annotations

import pytest

from qa_audit.domain.access import SYSTEM, Actor
from qa_audit.domain.statistics import Rate
from qa_audit.errors import NotFound
from qa_audit.runtime import Runtime
from qa_audit.services.corrections import corrections, kept_before
from qa_audit.storage import corrections as store
from qa_audit.storage import tables
from qa_audit.storage.database import Session
from tests import auditing, factories

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
      - {id: closes, title: Says goodbye, points: 5, check: {kind: said, what: goodbye, any: [goodbye]}}
"""
REWORDED = TEXT.replace("version: 1", "version: 2").replace("Greets", "Greets warmly")
NARROWED = TEXT.replace("version: 1", "version: 3").replace("[goodbye]", "[goodbye, farewell]")


@pytest.fixture
def session(runtime: Runtime):
    with runtime.db.write() as session:
        yield session


@pytest.fixture
def side(session: Session) -> auditing.Side:
    return auditing.make_side(session)


def add(
    session: Session, side: auditing.Side, times: int, machine: str, human: str, text: str = TEXT
) -> tables.Call:
    """Add audits in which the machine greeted by `machine`, the person by `human`, and both said goodbye yes."""
    calls = [
        auditing.make_audited(
            session,
            side,
            {"greets": human, "closes": {"answer": "yes", "origin": "accepted"}},
            {"greets": machine, "closes": "yes"},
            source=text,
            transcript=None,
        )
        for _ in range(times)
    ]
    session.commit()
    return calls[-1]


def test_a_check_that_reviewers_keep_changing_is_a_defect(
    runtime: Runtime, session: Session, side: auditing.Side
) -> None:
    add(session, side, 12, "yes", "no")
    add(session, side, 8, "yes", "yes")
    add(session, side, 3, "maybe", "no")
    found = corrections(runtime, SYSTEM)
    assert found.audits == 23
    (defect,) = found.defects
    assert (defect.criterion, defect.answered, defect.changed, defect.open) == ("greets", 20, 12, 3)
    assert defect.kappa == 0
    assert defect.low is not None
    assert defect.high is not None
    assert defect.low < (defect.ac1 or 0) < defect.high
    other = found.checks[1]
    assert (other.criterion, other.changed, other.accepted, other.is_defect) == ("closes", 0, 23, False)
    assert (other.ac1, other.kappa, other.low) == (None, None, None)
    assert other.certainties[0].words == "in 23 of 23 audits reviewers kept this"
    assert other.certainties[0].percent is None


def test_versions_with_the_same_check_share_its_history(
    runtime: Runtime, session: Session, side: auditing.Side
) -> None:
    add(session, side, 2, "yes", "yes")
    add(session, side, 3, "yes", "no", REWORDED)
    add(session, side, 4, "no", "no", NARROWED)
    rows = {(row.criterion, row.versions): row for row in corrections(runtime, SYSTEM).checks}
    assert set(rows) == {("greets", (1, 2, 3)), ("closes", (1, 2)), ("closes", (3,))}
    greets = rows["greets", (1, 2, 3)]
    assert (greets.answered, greets.changed) == (9, 3)
    assert rows["closes", (3,)].answered == 4
    assert corrections(runtime, SYSTEM, "other").checks == ()
    assert corrections(runtime, SYSTEM, newest=4).audits == 4


def test_an_answer_of_the_machine_is_shown_with_what_reviewers_made_of_such_before(
    runtime: Runtime, session: Session, side: auditing.Side, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "AT_ONCE", 7)
    add(session, side, 48, "yes", "yes")
    call = add(session, side, 2, "yes", "no", REWORDED)
    found = kept_before(runtime, SYSTEM, call.public_id)
    assert set(found) == {("manners", "greets"), ("manners", "closes")}
    greets = found["manners", "greets"]
    assert greets.words == "in 48 of 50 audits reviewers kept this"
    assert greets.percent is None
    assert found["manners", "closes"].percent == 98


def test_what_is_not_finished_or_not_in_scope_does_not_count(
    runtime: Runtime, session: Session, side: auditing.Side
) -> None:
    add(session, side, 2, "yes", "yes")
    answers = {"greets": "no", "closes": None}
    auditing.make_audited(
        session, side, answers, {"greets": "yes", "closes": "yes"}, source=TEXT, state="draft"
    )
    other = auditing.make_side(session)
    foreign = add(session, other, 1, "yes", "no")
    assert {row.criterion: row.answered for row in corrections(runtime, SYSTEM).checks} == {
        "greets": 3,
        "closes": 3,
    }
    bound = Actor(id="x", role="reviewer", vendor_id=side.vendor.id)
    assert {row.changed for row in corrections(runtime, bound).checks} == {0}
    with pytest.raises(NotFound):
        kept_before(runtime, bound, foreign.public_id)
    with pytest.raises(NotFound):
        corrections(runtime, Actor(id="x", role="lead", vendor_id=side.vendor.id))


def test_a_machine_that_finds_a_line_not_applicable_is_held_against_people_too(
    runtime: Runtime, session: Session, side: auditing.Side
) -> None:
    add(session, side, 3, "na", "na")
    add(session, side, 1, "na", "yes")
    (row,) = [row for row in corrections(runtime, SYSTEM).checks if row.criterion == "greets"]
    assert (row.answered, row.changed) == (4, 1)
    assert Rate(3, 4).range == row.kept_range


def test_nothing_stored_is_no_history(runtime: Runtime, session: Session) -> None:
    call = factories.make_call(session)
    session.commit()
    assert corrections(runtime, SYSTEM).checks == ()
    assert kept_before(runtime, SYSTEM, call.public_id) == {}
