"""What lies in front of a reviewer: one call, its rubric versions, the machine's answers and the people's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from qa_audit.domain.access import Actor, can, ensure
from qa_audit.domain.audit import Blocker, HumanAnswer, Line, blockers, lines_of, score_so_far
from qa_audit.domain.findings import PreScore, Score
from qa_audit.domain.rubric import Rubric
from qa_audit.domain.transcript import Segment, Speaker, Transcript
from qa_audit.errors import NotFound
from qa_audit.services import rubrics
from qa_audit.services.calls import CallDetail, seen_call
from qa_audit.services.ports import Ports
from qa_audit.services.rubric_files import stored_rubric
from qa_audit.storage import audits as store
from qa_audit.storage import calls as call_store
from qa_audit.storage import results
from qa_audit.storage.audits import AuditRecord
from qa_audit.storage.call_rows import CallIdentity
from qa_audit.storage.database import Session

REVIEWABLE = frozenset({"prescored", "in_review"})
BY_HAND = frozenset({"waiting", "failed"})
"""The states of a call in which its lines can be answered; in those by hand only if it can be played."""
SPEAKERS: Mapping[str, Speaker] = {"agent": "agent", "customer": "customer"}


@dataclass(frozen=True)
class Part:
    """One rubric of an audit: its lines in the order of the rubric, and what they add up to so far."""

    key: int
    rubric: Rubric
    lines: tuple[Line, ...]

    @property
    def score(self) -> Score:
        """Return what people's answers come to so far; the machine's own count for nothing."""
        return score_so_far(self.rubric, self.lines)

    @property
    def blockers(self) -> tuple[Blocker, ...]:
        """Return what keeps this part from being published."""
        return blockers(self.lines)

    @property
    def open(self) -> tuple[Line, ...]:
        """Return the lines that nobody answered yet."""
        return tuple(line for line in self.lines if not line.is_answered)

    def line(self, criterion: str) -> Line:
        """Return one line; raises NotFound."""
        for line in self.lines:
            if line.criterion.id == criterion:
                return line
        raise NotFound("There is no such line.")


@dataclass(frozen=True)
class Desk:
    """One call's audit, begun or not; `record` is None before the first answer."""

    call: CallIdentity
    record: AuditRecord | None
    parts: tuple[Part, ...]

    def part(self, rubric: str) -> Part:
        """Return one rubric's part; raises NotFound."""
        for part in self.parts:
            if part.rubric.id == rubric:
                return part
        raise NotFound("There is no such rubric in this audit.")

    @property
    def sure(self) -> tuple[tuple[Part, Line], ...]:
        """Return the open lines whose machine answers may be accepted in one act."""
        return tuple((part, line) for part in self.parts for line in part.open if line.is_sure)


@dataclass(frozen=True)
class AuditView:
    """What the page of an audit shows. `saved_at` is when a person last changed a line.

    `batch` names the last act of accepting that can be undone, `accepted` how many lines it still holds.
    `named` are the segments whose speaker a person named. `may_change`: this person may answer lines now.
    """

    call: CallDetail
    state: str
    parts: tuple[Part, ...]
    reviewer: str
    submitted_at: datetime | None
    saved_at: datetime | None
    sure: int
    batch: str | None
    accepted: int
    named: frozenset[int]
    may_change: bool
    may_take_back: bool


def show(ports: Ports, actor: Actor, call_id: str) -> AuditView:
    """Return a call's audit for its page; raises NotFound, also for who may not hear calls."""
    with ports.db.read() as session:
        call = seen_call(session, actor, call_id)
        ensure(actor, "hear_calls", call.vendor_id)
        desk = open_desk(ports, session, call)
        detail = call_store.detail(session, call.key)
        reviews = can(actor, "review", call.vendor_id)
    record = desk.record
    answers = [line.human for part in desk.parts for line in part.lines if line.human]
    touched = [answer.at for answer in answers if answer.version and answer.at]
    batch, accepted = _last_batch(answers)
    speakers = record.speakers if record else {}
    return AuditView(
        call=with_speakers(detail, speakers),
        state=record.state if record else "none",
        parts=desk.parts,
        reviewer=record.reviewer if record else "",
        submitted_at=record.submitted_at if record else None,
        saved_at=max(touched, default=None),
        sure=len(desk.sure),
        batch=batch,
        accepted=accepted,
        named=frozenset(int(id) for id in speakers),
        may_change=reviews and bool(desk.parts) and is_reviewable(detail),
        may_take_back=reviews and call.status == "audited",
    )


def open_desk(ports: Ports, session: Session, call: CallIdentity) -> Desk:
    """Read a call's audit: under the versions it pinned, or those it would pin if it began now."""
    record = store.audit_of(session, call.key)
    machine = store.prescores(session, call.key)
    answers = record.answers if record else {}
    chosen = _versions(ports, session, call, machine, answers)
    parts = tuple(
        Part(key, rubric, lines_of(rubric, machine.get(key), answers.get(key, {}))) for key, rubric in chosen
    )
    return Desk(call, record, parts)


def is_reviewable(call: CallDetail) -> bool:
    """Say whether lines of a call in this state can be answered; what failed needs sound to be heard."""
    heard = call.recording is not None and call.recording.has_playback
    return call.status in REVIEWABLE or (call.status in BY_HAND and heard)


def with_speakers(call: CallDetail, speakers: Mapping[str, str]) -> CallDetail:
    """Return a call whose transcript carries the names that people gave to who speaks."""
    if call.transcript is None or not speakers:
        return call
    return replace(call, transcript=_named(call.transcript, speakers))


def _named(transcript: Transcript, speakers: Mapping[str, str]) -> Transcript:
    def named(segment: Segment) -> Segment:
        speaker = SPEAKERS.get(speakers.get(str(segment.id), ""))
        return segment.model_copy(update={"speaker": speaker}) if speaker else segment

    return transcript.model_copy(update={"segments": tuple(named(one) for one in transcript.segments)})


def _versions(
    ports: Ports,
    session: Session,
    call: CallIdentity,
    machine: Mapping[int, PreScore],
    answers: Mapping[int, Mapping[str, HumanAnswer]],
) -> tuple[tuple[int, Rubric], ...]:
    """Return the pinned versions, else those of the pre-scores, else those that apply by the call's date."""
    keys = list(answers) or list(machine)
    if keys:
        return tuple((row.key, stored_rubric(row.source)) for row in store.pinned(session, keys))
    try:
        subject = results.subject(session, call.key)
    except NotFound:
        return ()
    return rubrics.applicable(session, subject, zone=ports.settings.time_zone)


def _last_batch(answers: Sequence[HumanAnswer]) -> tuple[str | None, int]:
    accepted = [one for one in answers if one.origin == "accepted" and one.batch and one.at]
    newest = max(accepted, key=lambda one: (one.at, one.batch), default=None)
    if newest is None:
        return None, 0
    return newest.batch, sum(one.batch == newest.batch for one in accepted)
