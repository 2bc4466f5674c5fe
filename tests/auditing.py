"""Audited calls to publish, written as rows: a rubric of four lines, what the machine found, what a person answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from sqlmodel import select

from qa_audit.domain.audit import HumanAnswer, Line, lines_of, score_so_far
from qa_audit.domain.findings import CriterionResult, Evidence, PreScore, RubricRef, Score
from qa_audit.domain.transcript import Transcript
from qa_audit.runtime import Runtime
from qa_audit.services.rubric_files import load_rubric
from qa_audit.storage import tables
from qa_audit.storage.database import Session
from tests import factories

RUBRIC = """\
id: service-quality
version: 1
title: Service quality
effective_from: 2026-01-01
pass_mark: 85
sections:
  - id: first
    title: First
    criteria:
      - {id: greets, title: Greets by name, points: 20, guidance: Says the name., check: {kind: manual}}
      - {id: verifies, title: Verifies the caller, points: 30, critical: true, check: {kind: manual}}
  - id: second
    title: Second
    criteria:
      - id: promises
        title: Promises only what policy allows
        points: 30
        fatal: true
        policy: Five to ten days.
        check: {kind: manual}
      - {id: closes, title: Says goodbye, points: 20, check: {kind: manual}}
"""
LINES = ("greets", "verifies", "promises", "closes")
ALL_YES: Mapping[str, str] = dict.fromkeys(LINES, "yes")
PIN, NOTE, PRIVATE = (3.6, 5.1), "It takes five to ten days.", "Talk to them in private."
GRAVE_NO = {"answer": "no", "note": NOTE, "private_note": PRIVATE, "pin": PIN}
"""What a no on a fatal or critical line needs."""

STARTED = datetime(2026, 11, 5, 17, 21, tzinfo=UTC)
SAID = factories.spoken(
    ("customer", "When do I get my money back"),
    ("agent", "I promise you will have it tomorrow"),
    ("customer", "Call me on 1 2 3"),
)
MASKED = factories.spoken(
    ("customer", "When do I get my money back"),
    ("agent", "I promise you will have it tomorrow"),
    ("customer", "Call me on • • •"),
)


@dataclass(frozen=True)
class Side:
    """A vendor with an agent in a team, and the keys to sign its people in."""

    vendor: tables.Vendor
    team: tables.Team
    agent: tables.Agent

    @property
    def lead(self) -> dict[str, Any]:
        """The scope of the team's lead."""
        return {"vendor_id": self.vendor.id, "team_id": self.team.id}


def make_side(session: Session, vendor: tables.Vendor | None = None, *, name: str = "") -> Side:
    """Add a team with one agent who has always been in it, to a vendor or to a new one."""
    vendor = vendor or factories.make_vendor(session)
    agent = factories.make_agent(session, vendor)
    team = tables.Team(vendor_id=vendor.id or 0, name=name or f"Team of {agent.name}")
    session.add(team)
    session.flush()
    join(session, agent, team, date(2026, 1, 1))
    return Side(vendor, team, agent)


def join(
    session: Session, agent: tables.Agent, team: tables.Team, since: date, until: date | None = None
) -> None:
    """Put an agent into a team for some time."""
    session.add(tables.TeamMembership(agent_id=agent.id or 0, team_id=team.id or 0, since=since, until=until))
    session.flush()


def rubric_row(session: Session, source: str = RUBRIC) -> tables.RubricVersion:
    """Return the row of a rubric's version, added once."""
    rubric = load_rubric(source)
    found = session.exec(
        select(tables.RubricVersion).where(
            tables.RubricVersion.rubric == rubric.id, tables.RubricVersion.version == rubric.version
        )
    ).first()
    return found or factories.make_rubric_version(
        session,
        rubric=rubric.id,
        version=rubric.version,
        title=rubric.title,
        source=source,
        sha256=rubric.sha256,
        effective_from=rubric.effective_from,
    )


def prescore(rubric: Any, **machine: str) -> PreScore:
    """Make a pre-score: `yes` and `no` are decided, `maybe` is an unsure no, `na` not applicable."""
    heard = Evidence(
        kind="words", segment=1, start=3.6, end=5.1, speaker="agent", quote="I promise you will have it"
    )
    results = []
    for id, answer in machine.items():
        status: Any = {"maybe": "unsure", "na": "not_applicable"}.get(answer, "decided")
        value = {"maybe": "no", "na": None}.get(answer, answer)
        sure: Any = "sure" if status == "decided" else None
        shown = (heard,) if answer != "na" else ()
        found = CriterionResult(
            id=id, status=status, answer=value, certainty=sure, reason=f"heard {id}", evidence=shown
        )
        results.append(found)
    empty = Score(percent=None, percent_without_fatal=None, points=0, possible=0, outcome="undetermined")
    ref = RubricRef(id=rubric.id, version=rubric.version, sha256=rubric.sha256)
    return PreScore(rubric=ref, score=empty, criteria=tuple(results))


def make_audited(
    session: Session,
    side: Side,
    answers: Mapping[str, str | Mapping[str, Any] | None] = ALL_YES,
    machine: Mapping[str, str] | None = None,
    *,
    state: str = "submitted",
    status: str = "audited",
    source: str = RUBRIC,
    transcript: Transcript | None = MASKED,
    reviewer: tables.User | None = None,
    **values: Any,
) -> tables.Call:
    """Add a call whose audit waits to be published; answers are a word, or the values of an answer's row."""
    usual = {
        "agent_id": side.agent.id,
        "title": "Wants money fast",
        "started_at": STARTED,
        "picked": "at random",
    }
    call = factories.make_call(session, side.vendor, **{**usual, "status": status, "duration": 9.0, **values})
    if transcript is not None:
        factories.make_transcript(session, call, SAID, masked=transcript)
    version, rubric = rubric_row(session, source), load_rubric(source)
    found = prescore(rubric, **(machine or {})) if machine is not None else None
    if found is not None:
        session.add(
            tables.PreScoreRow(
                call_id=call.id or 0,
                rubric_version_id=version.id or 0,
                result=found.to_json(),
                outcome="undetermined",
            )
        )
    reviewer = reviewer or factories.make_user(session, "reviewer", name="Rita Reviewer")
    audit = tables.Audit(call_id=call.id or 0, reviewer_id=reviewer.id, state=state)
    session.add(audit)
    session.flush()
    given = {id: _values(answer) for id, answer in answers.items()}
    humans = {id: HumanAnswer(id, one["answer"]) for id, one in given.items()}
    for id, one in given.items():
        pin = one.pop("pin", None) or (None, None)
        row = tables.Answer(
            audit_id=audit.id or 0,
            rubric_version_id=version.id or 0,
            criterion=id,
            pinned_start=pin[0],
            pinned_end=pin[1],
            answered_by=reviewer.id,
            **one,
        )
        session.add(row)
    score = score_so_far(rubric, lines_of(rubric, found, humans))
    session.add(
        tables.AuditScore(
            audit_id=audit.id or 0,
            rubric_version_id=version.id or 0,
            percent=score.percent,
            percent_without_fatal=score.percent_without_fatal,
            points=score.points,
            possible=score.possible,
            outcome=score.outcome,
            fatal=len(score.suspected_fatal),
            critical=len(score.suspected_critical),
        )
    )
    session.flush()
    return call


def _values(answer: str | Mapping[str, Any] | None) -> dict[str, Any]:
    return dict(answer) if isinstance(answer, Mapping) else {"answer": answer}


def add_sound(runtime: Runtime, call: tables.Call, data: bytes, *, unmasked: bool = False) -> None:
    """Give a call a playback copy and an original, and a measurement that says whether anything is silenced."""
    with runtime.db.write() as session:
        recording = factories.make_recording(session, call)
        recording.playback_key = f"playback/{call.public_id}.m4a"
        session.add(recording)
        factories.make_measurement(session, call, unmasked=unmasked)
    runtime.media.put_bytes(recording.playback_key, data)
    runtime.media.put_bytes(recording.media_key, b"the original")


def audit_bundled(runtime: Runtime, call_id: str, note: str = NOTE) -> None:
    """Audit a pre-scored call as a reviewer would: sure answers taken over, grave noes confirmed, the rest yes."""
    with runtime.db.write() as session:
        call = session.exec(select(tables.Call).where(tables.Call.public_id == call_id)).one()
        reviewer = factories.make_user(session, "reviewer", name="Rita Reviewer")
        audit = tables.Audit(call_id=call.id or 0, reviewer_id=reviewer.id, state="submitted")
        session.add(audit)
        session.flush()
        for row in session.exec(
            select(tables.PreScoreRow).where(tables.PreScoreRow.call_id == call.id)
        ).all():
            version = session.get_one(tables.RubricVersion, row.rubric_version_id)
            rubric, found = load_rubric(version.source), PreScore.model_validate(row.result)
            humans = {line.criterion.id: _decide(line, note) for line in lines_of(rubric, found, {})}
            for id, human in humans.items():
                pin = human.pin or (None, None)
                session.add(
                    tables.Answer(
                        audit_id=audit.id or 0,
                        rubric_version_id=version.id or 0,
                        criterion=id,
                        answer=human.answer,
                        origin=human.origin,
                        note=human.note or None,
                        pinned_start=pin[0],
                        pinned_end=pin[1],
                        answered_by=reviewer.id,
                    )
                )
            score = score_so_far(rubric, lines_of(rubric, found, humans))
            session.add(
                tables.AuditScore(
                    audit_id=audit.id or 0,
                    rubric_version_id=version.id or 0,
                    percent=score.percent,
                    percent_without_fatal=score.percent_without_fatal,
                    points=score.points,
                    possible=score.possible,
                    outcome=score.outcome,
                    fatal=len(score.suspected_fatal),
                    critical=len(score.suspected_critical),
                )
            )
        call.status = "audited"


def _decide(line: Line, note: str) -> HumanAnswer:
    id, best = line.criterion.id, line.criterion.answers[0 if line.criterion.scale == "yes_no" else -1]
    if line.is_suspected and line.machine is not None:
        heard = line.machine.evidence[0]
        return HumanAnswer(id, "no", note=note, pin=(heard.start, heard.end))
    if line.machine_answer is not None:
        return HumanAnswer(id, line.machine_answer, origin="accepted")
    return HumanAnswer(id, best)
