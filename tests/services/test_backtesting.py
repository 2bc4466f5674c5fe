"""A changed rubric is held against stored audits exactly, and its machine rules against what people answered."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlmodel import select

from qa_audit.domain.access import SYSTEM, Actor
from qa_audit.domain.checks.tools import Tools
from qa_audit.domain.rubric import RubricError
from qa_audit.errors import Forbidden, Invalid, NotFound
from qa_audit.runtime import Runtime
from qa_audit.services import backtesting
from qa_audit.services.backtesting import Backtest
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
      - {id: greets, title: Greets, points: 50, check: {kind: said, what: a greeting, any: [good morning]}}
      - {id: lawful, title: Is lawful, points: 10, fatal: true, check: {kind: manual}}
  - id: close
    title: Closing
    criteria:
      - {id: closes, title: Says goodbye, points: 40, check: {kind: manual}}
"""
AGAINST = ("manners", 1)
YES = {"greets": "yes", "lawful": "yes", "closes": "yes"}


@pytest.fixture
def session(runtime: Runtime):
    with runtime.db.write() as session:
        yield session


def add(session: Session, side: auditing.Side, times: int = 1, source: str = TEXT, **answers: str) -> Any:
    calls = [
        auditing.make_audited(session, side, {**YES, **answers}, source=source, transcript=None)
        for _ in range(times)
    ]
    session.commit()
    return calls


def run(runtime: Runtime, *edits: tuple[str, str], **values: Any) -> Backtest:
    text = TEXT.replace("version: 1", "version: 2", 1)
    for old, new in edits:
        assert old in text
        text = text.replace(old, new)
    return backtesting.backtest(runtime, SYSTEM, text, AGAINST, **values)


def test_a_change_of_points_flips_calls_and_is_told_by_vendor(runtime: Runtime, session: Session) -> None:
    ours = auditing.make_side(session, factories.make_vendor(session, slug="ours", name="Ours"))
    theirs = auditing.make_side(session, factories.make_vendor(session, slug="theirs", name="Theirs"))
    (worse,) = add(session, ours, closes="no")
    add(session, ours, 2)
    (better,) = add(session, theirs, greets="no")
    found = run(runtime, ("points: 50", "points: 15"), ("points: 40", "points: 75"))
    assert [str(change) for change in found.changes] == [
        "greets: points 50 → 15",
        "closes: points 40 → 75",
    ]
    assert (found.audits, found.changed, found.to_fail, found.to_pass) == (4, 2, 0, 1)
    assert [(flip.call, flip.vendor, flip.before, flip.after) for flip in found.flips] == [
        (better.public_id, "Theirs", "fail", "pass")
    ]
    assert (found.flips[0].percent_before, found.flips[0].percent_after) == (50.0, 85.0)
    assert worse.public_id not in {flip.call for flip in found.flips}
    assert found.before.mean == pytest.approx((60 + 200 + 50) / 4)
    assert found.after.mean == pytest.approx((25 + 200 + 85) / 4)
    assert found.shift_mean == pytest.approx(0.0)
    assert [(one.slug, one.audits, one.to_pass) for one in found.vendors] == [
        ("ours", 3, 0),
        ("theirs", 1, 1),
    ]
    assert found.heard == 0
    assert found.checks == ()


def test_ranks_and_the_contracts_verdict_flip(runtime: Runtime, session: Session) -> None:
    limit = {"fatal_limit": 5}
    ours = auditing.make_side(session, factories.make_vendor(session, slug="ours", variables=limit))
    theirs = auditing.make_side(session, factories.make_vendor(session, slug="theirs", variables=limit))
    add(session, ours, 6, closes="no")
    add(session, ours, 6, lawful="no")
    add(session, theirs, 12, greets="no")
    found = run(runtime, ("points: 50", "points: 10"), (", fatal: true", ""))
    by = {one.slug: one for one in found.vendors}
    assert (by["ours"].rank_before, by["ours"].rank_after) == (1, 2)
    assert (by["theirs"].rank_before, by["theirs"].rank_after) == (2, 1)
    assert by["ours"].verdict_before.startswith("over the limit of 5 in 100")
    assert by["ours"].verdict_after.startswith("so far within the limit of 5 in 100")
    assert by["ours"].flips
    assert found.to_pass == 6 + 12


def test_audits_of_other_versions_count_where_the_lines_are_the_same(
    runtime: Runtime, session: Session
) -> None:
    side = auditing.make_side(session)
    add(session, side)
    same = TEXT.replace("version: 1", "version: 2").replace("points: 50", "points: 60")
    add(session, side, source=same, closes="no")
    other = TEXT.replace("version: 1", "version: 3").replace("id: closes", "id: ends")
    ended = {"greets": "yes", "lawful": "yes", "ends": "yes"}
    auditing.make_audited(session, side, ended, source=other, transcript=None)
    session.commit()
    found = run(runtime, ("pass_mark: 80", "pass_mark: 55"))
    assert (found.audits, found.left_out, found.to_pass) == (2, 1, 1)


def test_sample_history_is_left_out_unless_asked_for(runtime: Runtime, session: Session) -> None:
    side = auditing.make_side(session)
    add(session, side)
    auditing.make_audited(session, side, {**YES, "closes": "no"}, source=TEXT, is_sample=True)
    session.commit()
    found = run(runtime)
    assert (found.audits, found.samples_left_out) == (1, 1)
    found = run(runtime, with_sample=True)
    assert (found.audits, found.samples_left_out) == (2, 0)


def test_audits_in_progress_do_not_count_and_open_lines_stay_open(runtime: Runtime, session: Session) -> None:
    side = auditing.make_side(session)
    auditing.make_audited(session, side, YES, source=TEXT, state="draft", status="in_review")
    auditing.make_audited(session, side, {**YES, "closes": None}, source=TEXT)
    session.commit()
    found = run(runtime, ("pass_mark: 80", "pass_mark: 60"))
    assert (found.audits, found.before.undetermined, found.after.passed, found.to_open) == (1, 1, 1, 1)


def test_what_cannot_be_backtested_is_named(runtime: Runtime, session: Session) -> None:
    add(session, auditing.make_side(session), 3)
    thanks = "      - {id: thanks, title: Gives thanks, points: 9, check: {kind: manual}}\n"
    levels = "scale: [{value: 0, label: bad}, {value: 1, label: good}], check"
    found = run(
        runtime,
        ("title: Says goodbye, points: 40, check", f"title: Says goodbye, points: 40, {levels}"),
        ("  - id: close\n", f"{thanks}  - id: close\n"),
    )
    assert [(one.criterion, one.title) for one in found.not_backtested] == [
        ("thanks", "Gives thanks"),
        ("closes", "Says goodbye"),
    ]
    assert "3 stored answers" in found.not_backtested[1].reason
    assert found.after.mean == 100.0


def test_fatals_of_other_rubrics_count_for_the_contract(runtime: Runtime, session: Session) -> None:
    vendor = factories.make_vendor(session, variables={"fatal_limit": 5})
    side = auditing.make_side(session, vendor)
    calls = add(session, side, 10)
    other = factories.make_rubric_version(session)
    for call in calls:
        audit = session.exec(select(tables.Audit).where(tables.Audit.call_id == call.id)).one()
        session.add(tables.AuditScore(audit_id=audit.id or 0, rubric_version_id=other.id or 0, fatal=1))
    session.commit()
    found = run(runtime)
    assert found.vendors[0].verdict_after.startswith("over the limit")


def heard(session: Session, side: auditing.Side, words: str, answer: str, origin: str = "human") -> None:
    spoken = factories.spoken(("agent", words), ("customer", "I would like to know about my booking please"))
    call = auditing.make_audited(
        session,
        side,
        {**YES, "greets": {"answer": answer, "origin": origin}},
        source=TEXT,
        transcript=None,
        duration=spoken.duration,
    )
    factories.make_transcript(session, call, spoken)
    factories.make_recording(session, call)
    speech = [[[1.0, 20.0]], [[21.0, 55.0]]]
    factories.make_measurement(session, call, speech=speech)
    session.commit()


def test_changed_phrases_are_heard_again_and_held_against_people(runtime: Runtime, session: Session) -> None:
    side = auditing.make_side(session)
    heard(session, side, "good morning this is the desk how can I help you", "yes", "accepted")
    heard(session, side, "welcome to the desk what can I do for you today", "yes")
    heard(session, side, "what do you want from the desk today then", "no")
    before = _rows(session)
    shown: list[tuple[str, float]] = []
    found = run(
        runtime,
        ("any: [good morning]", "any: [good morning, welcome to the desk]"),
        progress=lambda step, done: shown.append((step, done)),
    )
    assert found.heard == 3
    (check,) = found.checks
    assert (check.criterion, check.calls, check.changed, check.accepted) == ("greets", 3, 1, 1)
    assert (check.before.decided, check.before.agreed) == (3, 2)
    assert (check.after.decided, check.after.agreed) == (3, 3)
    assert check.after.kappa == check.after.ac1 == 1.0
    assert check.before.kappa is not None
    assert check.before.kappa < 1
    assert (found.changed, found.to_fail, found.to_pass) == (0, 0, 0)
    assert shown[-1] == ("hearing calls again", 1.0)
    assert _rows(session) == before
    assert run(runtime, ("any: [good morning]", "any: [hello]"), newest=2).heard == 2


class Silent:
    """A judge that must not be asked."""

    def answer(self, *_: Any) -> Any:
        raise AssertionError("a backtest asks no language model")

    __getattr__ = answer


def test_a_language_model_is_not_asked(runtime: Runtime, session: Session) -> None:
    runtime.tools = Tools(judge=Silent())  # type: ignore[misc]
    heard(session, auditing.make_side(session), "good morning this is the desk", "yes")
    judged = "{kind: judge, question: Did the agent say goodbye?}"
    found = run(
        runtime,
        ("points: 40, check: {kind: manual}", f"points: 40, check: {judged}"),
        ("any: [good morning]", "any: [good day]"),
    )
    assert found.heard == 1
    assert [check.criterion for check in found.checks] == ["greets"]
    assert [one.criterion for one in found.not_backtested] == ["closes"]


def _rows(session: Session) -> list[Any]:
    session.expire_all()
    kinds = (tables.Answer, tables.AuditScore, tables.Audit, tables.PreScoreRow, tables.RubricVersion)
    return [row.model_dump() for kind in kinds for row in session.exec(select(kind)).all()]


def test_the_result_is_plain_data(runtime: Runtime, session: Session) -> None:
    add(session, auditing.make_side(session), closes="no")
    data = json.loads(json.dumps(run(runtime, ("points: 40", "points: 4")).to_json()))
    assert data["schema"] == "qa-audit/backtest@1"
    assert data["to_pass"] == 1
    assert data["flips"][0]["after"] == "pass"
    assert data["changes"][0] == {"where": "closes", "words": "points 40 → 4", "kind": "scoring"}


def test_who_may_and_what_it_needs(runtime: Runtime, session: Session) -> None:
    auditing.rubric_row(session, TEXT)
    session.commit()
    with pytest.raises(Forbidden):
        backtesting.backtest(runtime, Actor(id="x", role="reviewer"), TEXT, AGAINST)
    with pytest.raises(NotFound):
        backtesting.backtest(runtime, SYSTEM, TEXT, ("manners", 9))
    with pytest.raises(RubricError):
        backtesting.backtest(runtime, SYSTEM, "id: manners\n", AGAINST)
    with pytest.raises(Invalid, match="not 'manners'"):
        backtesting.backtest(runtime, SYSTEM, TEXT.replace("id: manners", "id: grace"), AGAINST)
    empty = run(runtime)
    assert (empty.audits, empty.before.mean, empty.flips, empty.vendors) == (0, None, (), ())


def test_the_newest_flips_are_named_and_all_are_counted(
    runtime: Runtime, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backtesting, "MOST_FLIPS", 2)
    calls = add(session, auditing.make_side(session), 5, closes="no")
    found = run(runtime, ("pass_mark: 80", "pass_mark: 50"))
    assert found.to_pass == 5
    assert [flip.call for flip in found.flips] == [calls[4].public_id, calls[3].public_id]
