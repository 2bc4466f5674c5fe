"""Auditing a call: a person answers its lines, accepts what the machine is sure of, submits, takes back.

The machine's answers are never touched, and the first answer begins the audit: it pins the rubric versions. Every
change leaves an event with ids only.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Literal, cast

from qa_audit.domain.access import Actor, ensure
from qa_audit.domain.audit import LONGEST_NOTE, HumanAnswer, Line, Origin, check_answer
from qa_audit.domain.rubric import Criterion, NumberScale
from qa_audit.domain.workflow import CallStatus, ensure_move
from qa_audit.errors import Conflict, Invalid, NotFound
from qa_audit.services import card_numbers
from qa_audit.services.audit_desk import (
    SPEAKERS,
    AuditView,
    Desk,
    Part,
    is_reviewable,
    open_desk,
    show,
)
from qa_audit.services.calls import seen_call
from qa_audit.services.ports import Ports
from qa_audit.storage import audits as store
from qa_audit.storage import calls as call_store
from qa_audit.storage.call_rows import CallIdentity
from qa_audit.storage.database import Session
from qa_audit.storage.uploads import add_event

__all__ = [
    "AuditView",
    "Change",
    "OpenLines",
    "Part",
    "StaleAnswer",
    "accept_sure",
    "answer",
    "begin",
    "ensure_reviewer",
    "name_speaker",
    "show",
    "submit",
    "take_back",
    "undo",
]

Pin = tuple[float, float]


@dataclass(frozen=True)
class Change:
    """A line as a person wants it to be, whole: what is not given is taken away.

    `answer` is one of the scale's, `na`, or None for an open line; `pin` is from and to in seconds.
    """

    answer: str | None = None
    note: str = ""
    private_note: str = ""
    pin: Pin | None = None


class StaleAnswer(Conflict):
    """Somebody changed the line since it was read. `theirs` is what stands there now, `mine` what was wanted."""

    def __init__(self, mine: Change, theirs: HumanAnswer) -> None:
        who = theirs.by or "somebody"
        super().__init__(
            f"This line was changed by {who} after you had opened it. Nothing of yours was saved yet: "
            "choose which of the two answers is to stay."
        )
        self.mine = mine
        self.theirs = theirs


class OpenLines(Conflict):
    """The audit has lines that nobody answered; `titles` names them."""

    def __init__(self, titles: tuple[str, ...]) -> None:
        super().__init__(f"Nobody answered these lines yet: {'; '.join(titles)}.")
        self.titles = titles


def ensure_reviewer(ports: Ports, actor: Actor, call_id: str) -> None:
    """Raise NotFound or Forbidden unless somebody may audit this call, before a form's words are looked at."""
    with ports.db.read() as session:
        ensure(actor, "review", seen_call(session, actor, call_id).vendor_id)


def begin(ports: Ports, actor: Actor, call_id: str) -> None:
    """Begin the audit of a call, unless it has begun: the call is in review, its rubric versions are pinned.

    Raises NotFound, Forbidden, and Conflict when the call cannot be audited (yet, or any more).
    """
    with _writing(ports, actor, call_id):
        pass


def answer(
    ports: Ports,
    actor: Actor,
    call_id: str,
    rubric_id: str,
    criterion: str,
    change: Change,
    seen_version: int | None = None,
) -> HumanAnswer:
    """Answer one line, and return it as it now stands.

    `seen_version` is the version that the person looked at; None overwrites whatever is there. Raises
    StaleAnswer when the line is another version by now and says something else, Invalid for an answer, note or
    moment that cannot be, NotFound, Forbidden, and Conflict once the audit is submitted.
    """
    with _writing(ports, actor, call_id, rubric_id, criterion) as (session, desk):
        part = desk.part(rubric_id)
        line = part.line(criterion)
        wanted = _checked(session, desk, line, change)
        before = line.human or HumanAnswer(criterion, None)
        if _says(before) == wanted:
            return before
        if seen_version is not None and seen_version != before.version:
            raise StaleAnswer(wanted, before)
        origin, batch = _origin(before, wanted)
        after = replace(
            before,
            answer=wanted.answer,
            origin=origin,
            batch=batch,
            note=wanted.note,
            private_note=wanted.private_note,
            pin=wanted.pin,
        )
        now = ports.clock()
        if not store.put_answer(session, _key(desk), part.key, after, by=actor.id, now=now):
            raise StaleAnswer(wanted, before)
        _note(ports, session, actor, desk, "line.answered", _what_changed(part, before, after))
    return replace(after, by=actor.name, at=now, version=before.version + 1)


def accept_sure(ports: Ports, actor: Actor, call_id: str) -> str:
    """Take over every answer that the machine is sure of, in all rubrics, where nobody answered yet.

    A fatal or critical no is never among them. Returns the name of this act, which `undo` takes.
    """
    batch = store.new_batch()
    with _writing(ports, actor, call_id) as (session, desk):
        now, lines = ports.clock(), desk.sure
        for part, line in lines:
            before = line.human or HumanAnswer(line.criterion.id, None)
            after = replace(before, answer=line.machine_answer, origin="accepted", batch=batch)
            store.put_answer(session, _key(desk), part.key, after, by=actor.id, now=now)
        if lines:
            _note(ports, session, actor, desk, "lines.accepted", {"batch": batch, "lines": len(lines)})
    return batch


def undo(ports: Ports, actor: Actor, call_id: str, batch: str) -> int:
    """Open again what one act accepted, except lines that a person changed since; returns how many."""
    with _writing(ports, actor, call_id) as (session, desk):
        opened = store.undo(session, _key(desk), batch, by=actor.id, now=ports.clock())
        if opened:
            _note(ports, session, actor, desk, "lines.opened", {"batch": batch, "lines": opened})
    return opened


def name_speaker(
    ports: Ports, actor: Actor, call_id: str, segment: int, speaker: Literal["agent", "customer"] | None
) -> None:
    """Say who speaks in one turn of a recording that cannot tell; None takes the name back.

    Raises Invalid for a turn whose speaker is known from its channel.
    """
    if speaker is not None and speaker not in SPEAKERS:
        raise Invalid("A turn is the agent's or the customer's.", {"speaker": "must be agent or customer"})
    with _writing(ports, actor, call_id) as (session, desk):
        transcript = call_store.detail(session, desk.call.key).transcript
        known = {one.id: one.speaker for one in transcript.segments} if transcript else {}
        if segment not in known:
            raise NotFound("There is no such turn.")
        if known[segment] != "unknown":
            raise Invalid("Who speaks in this turn is known from its channel.", {"speaker": "is known"})
        assert desk.record is not None
        speakers = {key: who for key, who in desk.record.speakers.items() if key != str(segment)}
        if speaker is not None:
            speakers[str(segment)] = speaker
        store.put_speakers(session, desk.record.key, speakers)
        _note(ports, session, actor, desk, "speaker.named", {"turn": segment, "speaker": speaker or ""})


def submit(ports: Ports, actor: Actor, call_id: str, leave_open: bool = False) -> None:
    """Close the audit and store its scores; the call is audited.

    Raises OpenLines when nobody answered some lines and `leave_open` does not say that this is meant.
    What keeps an audit from being published (`domain.audit.blockers`) does not keep it from being submitted.
    """
    with _writing(ports, actor, call_id) as (session, desk):
        open_lines = tuple(line.criterion.title for part in desk.parts for line in part.open)
        if open_lines and not leave_open:
            raise OpenLines(open_lines)
        now = ports.clock()
        scores = [(part.key, part.score) for part in desk.parts]
        store.submit(session, _key(desk), scores, by=actor.id, now=now)
        _move(session, desk, "in_review", "audited")
        _note(ports, session, actor, desk, "audit.submitted", {"open": len(open_lines)})


def take_back(ports: Ports, actor: Actor, call_id: str) -> None:
    """Open a submitted audit again; raises Conflict when it is none, or published already."""
    with ports.db.write() as session:
        call = _locked(session, actor, call_id)
        if call.status != "audited":
            raise Conflict(
                "This audit is published: what the vendor has read stays as it is."
                if call.status == "published"
                else "This audit is not submitted, so there is nothing to take back."
            )
        desk = open_desk(ports, session, call)
        store.reopen(session, _key(desk))
        _move(session, desk, "audited", "in_review")
        _note(ports, session, actor, desk, "audit.taken_back", {})


@contextmanager
def _writing(
    ports: Ports, actor: Actor, call_id: str, rubric: str | None = None, criterion: str | None = None
) -> Iterator[tuple[Session, Desk]]:
    """Open a call's audit for a change, in one transaction; it begins here if it has not.

    The line is looked up first, so that a wrong address begins no audit.
    """
    with ports.db.write() as session:
        call = _locked(session, actor, call_id)
        desk = open_desk(ports, session, call)
        if rubric is not None:
            desk.part(rubric).line(criterion or "")
        _ensure_reviewable(session, call, desk)
        if desk.record is None:
            desk = _begun(ports, session, actor, desk)
        yield session, desk


def _locked(session: Session, actor: Actor, call_id: str) -> CallIdentity:
    """Find the call and let nobody else change it or its audit meanwhile."""
    call = seen_call(session, actor, call_id)
    ensure(actor, "review", call.vendor_id)
    store.lock(session, call.key)
    return seen_call(session, actor, call_id)


def _ensure_reviewable(session: Session, call: CallIdentity, desk: Desk) -> None:
    if call.status == "audited":
        raise Conflict("This audit is submitted. Take it back first to change something.")
    if call.status == "published":
        raise Conflict("This audit is published: what the vendor has read stays as it is.")
    if not is_reviewable(call_store.detail(session, call.key)):
        raise Conflict(
            "This call cannot be audited: it is still being worked on, or there is no sound to hear."
        )
    if not desk.parts:
        raise Conflict("No rubric applies to this call, so there is nothing to answer.")


def _begun(ports: Ports, session: Session, actor: Actor, desk: Desk) -> Desk:
    lines = {part.key: [line.criterion.id for line in part.lines] for part in desk.parts}
    store.begin(session, desk.call.key, actor.id, lines, ports.clock())
    _move(session, desk, cast(CallStatus, desk.call.status), "in_review")
    versions = {part.rubric.id: part.rubric.version for part in desk.parts}
    _note(ports, session, actor, desk, "audit.begun", {"versions": versions})
    return open_desk(ports, session, desk.call)


def _move(session: Session, desk: Desk, old: CallStatus, new: CallStatus) -> None:
    ensure_move(old, new)
    store.put_status(session, desk.call.key, new)


def _key(desk: Desk) -> int:
    assert desk.record is not None, "an audit that is being changed has begun"
    return desk.record.key


def _note(
    ports: Ports, session: Session, actor: Actor, desk: Desk, action: str, detail: dict[str, object]
) -> None:
    add_event(session, actor.id, action, desk.call.id, detail, ports.clock())


def _what_changed(part: Part, before: HumanAnswer, after: HumanAnswer) -> dict[str, object]:
    """Tell a change by its ids and answers; of what was written only that it was."""
    parts = ("answer", "note", "private_note", "pin")
    changed = [name for name in parts if getattr(before, name) != getattr(after, name)]
    return {
        "rubric": part.rubric.id,
        "criterion": after.criterion,
        "before": before.answer,
        "answer": after.answer,
        "changed": changed,
    }


def _says(answer: HumanAnswer) -> Change:
    return Change(answer.answer, answer.note, answer.private_note, answer.pin)


def _origin(before: HumanAnswer, wanted: Change) -> tuple[Origin, str | None]:
    """A note beside an accepted answer leaves it accepted; another answer is the person's own."""
    if before.origin == "accepted" and before.answer == wanted.answer:
        return "accepted", before.batch
    return "human", None


def _checked(session: Session, desk: Desk, line: Line, change: Change) -> Change:
    """Return the change with tidy notes; raises Invalid that names what cannot be."""
    errors = {}
    try:
        check_answer(line.criterion, change.answer)
    except ValueError:
        errors["answer"] = _what_it_takes(line.criterion)
    notes = {"note": change.note, "private_note": change.private_note}
    tidy = {name: _tidy(text) for name, text in notes.items()}
    for name, text in tidy.items():
        if len(text) > LONGEST_NOTE:
            errors[name] = f"is longer than {LONGEST_NOTE} characters"
    pin = change.pin
    if pin is not None:
        duration = call_store.row(session, desk.call.key).duration
        start, end = pin
        if not 0 <= start <= end or (duration is not None and start > duration):
            errors["pin"] = "is no moment of this call"
        end = end if duration is None else min(end, max(start, duration))
        pin = (round(start, 2), round(end, 2))
    if errors:
        raise Invalid("The line cannot be saved like this.", errors)
    return Change(change.answer, tidy["note"], tidy["private_note"], pin)


def _what_it_takes(criterion: Criterion) -> str:
    scale = criterion.scale
    if isinstance(scale, NumberScale):
        return f"must be a number from {scale.least:g} to {scale.most:g} ({scale.unit})"
    return "is none that this line can have"


def _tidy(text: str) -> str:
    """Return a note without what no note may hold: odd characters at its ends, and card numbers."""
    return card_numbers.truncate(text.replace("\0", "").replace("\r\n", "\n").strip())
