"""Scorecards: publishing an audit once and for good, reading what was published, acknowledging it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

from qa_audit import logs
from qa_audit.domain import scorecard as cards
from qa_audit.domain.access import STAFF, Actor, ensure, sees_scorecard
from qa_audit.domain.audit import Blocker, Line, blockers, lines_of
from qa_audit.domain.rubric import Rubric
from qa_audit.domain.scorecard import CardCall, Snapshot
from qa_audit.errors import Conflict, Invalid, NotFound
from qa_audit.services.calls import seen_call
from qa_audit.services.organisation import team_of
from qa_audit.services.ports import Ports
from qa_audit.services.rubric_files import stored_rubric
from qa_audit.storage import audits, events, people
from qa_audit.storage import calls as call_store
from qa_audit.storage import mails as mail_store
from qa_audit.storage import scorecards as store
from qa_audit.storage.audits import AuditRecord
from qa_audit.storage.card_rows import CardDetail, Publishing, RecentAudit, Scope
from qa_audit.storage.database import IntegrityError, Session

__all__ = ["CardDetail", "RecentAudit"]

TO_ANSWER = timedelta(days=7)
"""How long the vendor has to answer: until the end of the day so much later."""

RECENT = 10
"""So many of an agent's latest audits are shown together; with fewer there is too little to say."""

TEAM_DAYS = timedelta(days=90)
LONGEST_COMMENT = 2000
MAIL_KIND = "scorecard published"

_ID = re.compile(r"[A-Za-z0-9_-]{1,32}")
_NOT_SUBMITTED = "This call cannot be published: its audit has to be submitted first."

log = logs.get(__name__)


@dataclass(frozen=True)
class Background:
    """What stands around a card: the agent's latest audits up to it, and how many of the team's
    are not passed, of how many.

    `recent` is None without an agent, `team` None without a team and for agents themselves.
    """

    recent: tuple[RecentAudit, ...] | None
    team: tuple[int, int] | None


def publish(ports: Ports, actor: Actor, call_id: str, *, at: datetime | None = None) -> str:
    """Publish a call's submitted audit to its vendor and return the scorecard's public id.

    Publishing again gives the same card. `at` is the moment of publication, now unless it is given. Raises
    NotFound, Forbidden, and Conflict that names each line which keeps the audit back and what is missing there.
    """
    try:
        return _publish(ports, actor, call_id, at or ports.clock())
    except IntegrityError:
        # Somebody else published in the same moment: their card is the card.
        return _publish(ports, actor, call_id, at or ports.clock())


def show(ports: Ports, actor: Actor, card_id: str) -> CardDetail:
    """Return a published card of the actor's scope; raises NotFound."""
    with ports.db.read() as session:
        return _seen(session, actor, card_id)


def background(ports: Ports, actor: Actor, card: CardDetail) -> Background:
    """Return what to hold a card against, within the actor's scope."""
    scope = scope_of(actor)
    with ports.db.read() as session:
        recent = store.recent(session, scope, card, RECENT) if card.agent_key is not None else None
        team = None
        if card.team_key is not None and actor.role != "agent":
            until = card.call.started_at or card.call.received_at
            team = store.team_figures(session, scope, card.team_key, until - TEAM_DAYS, until)
    return Background(recent, team)


def sound_key(ports: Ports, actor: Actor, card_id: str) -> str:
    """Return the media key of a card's masked playback copy; raises NotFound where there is none."""
    with ports.db.read() as session:
        card = _seen(session, actor, card_id)
        key = None if card.is_sample else store.sound_of(session, card.key)
    if key is None:
        raise NotFound()
    return key


def acknowledge(ports: Ports, actor: Actor, card_id: str, comment: str = "") -> None:
    """Note that the vendor's side read and discussed a card, once; a comment may go with it.

    Raises NotFound, Forbidden for staff, Invalid for a comment that is too long, and Conflict when somebody
    acknowledged the card before.
    """
    said = comment.strip()
    if len(said) > LONGEST_COMMENT or "\0" in said:
        words = f"must be a text of at most {LONGEST_COMMENT} characters"
        raise Invalid("The comment cannot be kept.", {"comment": words})
    with ports.db.write() as session:
        card = _seen(session, actor, card_id)
        ensure(actor, "acknowledge", card.vendor_key)
        now = ports.clock()
        if not store.acknowledge(session, card.key, people.user_key(session, actor.id), said, now):
            by = f" by {card.acknowledged_by}" if card.acknowledged_by else ""
            raise Conflict(f"This scorecard was acknowledged already{by}.")
        _note(session, actor, "acknowledged", card.id, now, {"comment": bool(said)})
    log.info("scorecard acknowledged", scorecard=card_id)


def scope_of(actor: Actor) -> Scope:
    """Return the scorecards that there are for an actor: the rule of `sees_scorecard` as a scope of queries."""
    lost = {
        "manager": actor.vendor_id,
        "lead": actor.vendor_id and actor.team_id,
        "agent": actor.vendor_id and actor.agent_id,
    }
    if actor.role in lost and lost[actor.role] is None:
        return Scope(nobody=True)
    return Scope(
        vendor_key=actor.vendor_id,
        team_key=actor.team_id if actor.role == "lead" else None,
        agent_key=actor.agent_id if actor.role == "agent" else None,
        nobody=actor.role == "upload_token",
        withdrawn=actor.role in STAFF,
    )


def answer_until(published_at: datetime, zone: str) -> datetime:
    """Return the end of the last day on which the vendor can answer, by the installation's time zone."""
    local = ZoneInfo(zone)
    return datetime.combine(published_at.astimezone(local).date() + TO_ANSWER, time(23, 59, 59), local)


def _seen(session: Session, actor: Actor, card_id: str) -> CardDetail:
    card = store.find(session, scope_of(actor), card_id) if _ID.fullmatch(card_id) else None
    if card is None or not sees_scorecard(actor, card.vendor_key, card.team_key, card.agent_key):
        raise NotFound()
    return card


def _publish(ports: Ports, actor: Actor, call_id: str, now: datetime) -> str:
    """Do all of it in one transaction, or nothing."""
    with ports.db.write() as session:
        call = seen_call(session, actor, call_id)
        ensure(actor, "review", call.vendor_id)
        facts = store.lock_call(session, call.key)
        known = store.id_of_call(session, call.key)
        if known is not None:
            return known
        record = audits.audit_of(session, call.key)
        if record is None or record.state != "submitted":
            raise Conflict(_NOT_SUBMITTED)
        audited = _audited(session, record)
        _ensure_complete(audited)
        card_id = _add(ports, session, actor, record, facts, audited, now)
        if not store.close(session, call.key, record.key, now):
            raise Conflict(_NOT_SUBMITTED)
    log.info("scorecard published", scorecard=card_id, call_id=call_id)
    return card_id


def _audited(session: Session, record: AuditRecord) -> list[tuple[Rubric, tuple[Line, ...]]]:
    """Return every pinned rubric with its lines; raises Conflict when the machine judged by one that nobody did."""
    machine = audits.prescores(session, record.call_key)
    pinned = audits.pinned(session, record.answers)
    audited = []
    for stored in pinned:
        lines = lines_of(stored_rubric(stored.source), machine.get(stored.key), record.answers[stored.key])
        audited.append((stored_rubric(stored.source), lines))
    judged = {stored.rubric for stored in pinned}
    for key, prescore in machine.items():
        if prescore.rubric.id not in judged:
            (stored,) = audits.pinned(session, [key])
            rubric = stored_rubric(stored.source)
            found = blockers(lines_of(rubric, prescore, {}))
            if found:
                raise Conflict(_held_back([(rubric, found)]))
    if not audited:
        raise Conflict("This call cannot be published: no line of any rubric was answered.")
    return audited


def _ensure_complete(audited: Sequence[tuple[Rubric, Sequence[Line]]]) -> None:
    held = [(rubric, found) for rubric, lines in audited if (found := blockers(lines))]
    if held:
        raise Conflict(_held_back(held))
    if not any(line.is_answered for _, lines in audited for line in lines):
        raise Conflict("This call cannot be published: no line of any rubric was answered.")


def _held_back(held: Sequence[tuple[Rubric, Sequence[Blocker]]]) -> str:
    named = [
        f"“{rubric.criterion(one.criterion).title}”: {one.missing}" for rubric, all in held for one in all
    ]
    return f"This call cannot be published yet. {'; '.join(named)}."


def _add(
    ports: Ports,
    session: Session,
    actor: Actor,
    record: AuditRecord,
    facts: Publishing,
    audited: Sequence[tuple[Rubric, Sequence[Line]]],
    now: datetime,
) -> str:
    """Write the card, its event and its mails."""
    team_key, team = _team(session, facts, ports.settings.time_zone)
    until = answer_until(now, ports.settings.time_zone)
    snapshot = _snapshot(session, record, audited, team, now, until)
    card_id = store.add(
        session,
        call_id=record.call_key,
        audit_id=record.key,
        vendor_id=facts.vendor_key,
        team_id=team_key,
        agent_id=facts.agent_key,
        snapshot=snapshot.to_json(),
        published_by=people.user_key(session, actor.id),
        published_at=now,
        answer_by=until,
    )
    _note(session, actor, "published", card_id, now, {"call": snapshot.call.id})
    if not facts.is_sample:
        to = store.readers(session, facts.vendor_key, team_key)
        mail_store.queue(session, to, MAIL_KIND, card_id, now=ports.db.now(session))
    return card_id


def _snapshot(
    session: Session,
    record: AuditRecord,
    audited: Sequence[tuple[Rubric, Sequence[Line]]],
    team: str | None,
    now: datetime,
    until: datetime,
) -> Snapshot:
    detail = call_store.detail(session, record.call_key)
    copied = (
        *("id", "title", "external_id", "vendor", "vendor_name", "agent", "started_at", "duration"),
        *("direction", "queue", "language", "picked"),
    )
    facts = {name: getattr(detail, name) for name in copied}
    return cards.build(
        CardCall(**facts, team=team, received_at=detail.created_at),
        audited,
        detail.transcript,
        speakers=record.speakers,
        reviewer=record.reviewer,
        published_at=now,
        answer_by=until,
    )


def _note(
    session: Session, actor: Actor, action: str, card_id: str, now: datetime, detail: dict[str, object]
) -> None:
    events.add(
        session, actor=actor.id, action=action, kind="scorecard", thing=card_id, now=now, detail=detail
    )


def _team(session: Session, facts: Publishing, zone: str) -> tuple[int | None, str | None]:
    """Return the agent's team on the day of the call; where none is known, the one the call came with."""
    if facts.agent_key is not None:
        team = team_of(session, facts.agent_key, _day_of(facts, zone))
        if team is not None:
            return team, store.team_name(session, team)
    if facts.team_key is not None:
        return facts.team_key, store.team_name(session, facts.team_key)
    return None, None


def _day_of(facts: Publishing, zone: str) -> date:
    """Return the day of a call where it took place, or on which it was received in `zone`."""
    if facts.started_at is None:
        return facts.created_at.astimezone(ZoneInfo(zone)).date()
    return facts.started_at.astimezone(timezone(timedelta(minutes=facts.utc_offset or 0))).date()
