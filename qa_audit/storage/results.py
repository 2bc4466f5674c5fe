"""What the stages leave behind, one set per call: measurement, transcript, derived files, pre-scores.

The unmasked transcript is kept packed, and opened by `unmasked_transcript` alone, for the scorer; so are the
parts of a transcription that is not finished, for the recogniser that goes on with it.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import case, delete, exists, or_, select, update
from sqlmodel import col

from qa_audit.domain.call import Span
from qa_audit.domain.findings import PreScore
from qa_audit.domain.transcript import Transcript
from qa_audit.domain.workflow import CallStatus
from qa_audit.errors import NotFound
from qa_audit.storage.database import Session
from qa_audit.storage.tables import (
    Agent,
    Audit,
    Call,
    MeasurementRow,
    PreScoreRow,
    Recording,
    TranscriptPartRow,
    TranscriptRow,
    Vendor,
    utc_now,
)

HUMAN_STATUSES: tuple[CallStatus, ...] = ("in_review", "audited", "published")
"""Once a person has a call in hand, the machine's work no longer moves its status."""


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A call as its stages need it. `utc_offset` is in minutes, `duration` in seconds."""

    call_id: int
    public_id: str
    status: str
    is_demo: bool
    created_at: datetime
    started_at: datetime | None
    utc_offset: int | None
    direction: str | None
    queue: str | None
    language: str | None
    channels: str | None
    custom: Mapping[str, object]
    duration: float | None
    warnings: tuple[str, ...]
    vendor: str
    vendor_name: str
    vendor_channels: str
    vendor_variables: Mapping[str, object]
    vendor_hints: tuple[str, ...]
    agent_name: str | None
    agent_aliases: tuple[str, ...]
    media_key: str
    playback_key: str | None
    peaks_key: str | None
    transcript_key: str | None = None


def subject(session: Session, call_id: int) -> Subject:
    """Read a call with its recording, vendor and agent; raises NotFound."""
    found = session.execute(
        select(Call, Recording, Vendor, Agent)
        .join(Recording, col(Recording.call_id) == col(Call.id))
        .join(Vendor, col(Vendor.id) == col(Call.vendor_id))
        .outerjoin(Agent, col(Agent.id) == col(Call.agent_id))
        .where(col(Call.id) == call_id)
    ).first()
    if found is None:
        raise NotFound("The call or its recording is gone.")
    call, recording, vendor, agent = found
    return Subject(
        call_id=call_id,
        public_id=call.public_id,
        status=call.status,
        is_demo=call.is_demo,
        created_at=call.created_at,
        started_at=call.started_at,
        utc_offset=call.utc_offset,
        direction=call.direction,
        queue=call.queue,
        language=call.language,
        channels=call.channels,
        custom=call.custom,
        duration=call.duration,
        warnings=tuple(call.warnings),
        vendor=vendor.slug,
        vendor_name=vendor.name,
        vendor_channels=vendor.channels,
        vendor_variables=vendor.variables,
        vendor_hints=tuple(vendor.speech_hints),
        agent_name=agent.name if agent else None,
        agent_aliases=tuple(agent.aliases) if agent else (),
        media_key=recording.media_key,
        playback_key=recording.playback_key,
        peaks_key=recording.peaks_key,
        transcript_key=recording.transcript_key,
    )


def advance(session: Session, call_id: int, status: CallStatus, **values: Any) -> None:
    """Set a call's status, unless a person has it in hand, and other columns of the call.

    A stage begins or ends with this, so no estimate of the time left outlives it.
    """
    kept = case((col(Call.status).in_(HUMAN_STATUSES), col(Call.status)), else_=status)
    _set_call(session, call_id, status=kept, seconds_left=None, **values)


def put_progress(session: Session, call_id: int, percent: int, seconds_left: int | None = None) -> None:
    """Record the percent of the call's stage and how long the rest of it may take, where that is known."""
    _set_call(session, call_id, progress=percent, seconds_left=seconds_left)


def put_warnings(session: Session, call_id: int, names: Sequence[str]) -> None:
    """Set the names of the call's warnings in place of those that are there."""
    _set_call(session, call_id, warnings=list(names))


def save_measurement(session: Session, call_id: int, facts: Mapping[str, Any], *, layout: str) -> None:
    """Keep what measuring found, in place of an earlier measurement, and show the gist of it in the call."""
    gist = {"duration": facts["duration"], "warnings": list(facts["warnings"]), "layout": layout}
    _set_call(session, call_id, **gist)
    _forget(session, MeasurementRow, call_id)
    session.add(MeasurementRow(call_id=call_id, facts=dict(facts)))
    session.flush()


def measurement(session: Session, call_id: int) -> dict[str, Any]:
    """Return what measuring found; raises NotFound when it was not measured."""
    row = session.scalars(select(MeasurementRow).where(col(MeasurementRow.call_id) == call_id)).first()
    if row is None:
        raise NotFound("This call was not measured yet.")
    return dict(row.facts)


def save_transcript(
    session: Session, call_id: int, *, masked: Transcript, silent: Sequence[Span], unmasked: Transcript
) -> None:
    """Keep a call's transcript in place of an earlier one; `silent` are the stretches masked in its sound.

    The parts of a transcription that were kept go.
    """
    _set_call(session, call_id, layout=masked.layout)
    _forget(session, TranscriptRow, call_id)
    _forget(session, TranscriptPartRow, call_id)
    row = TranscriptRow(
        call_id=call_id,
        masked=masked.to_json(),
        mask_spans=[[start, end] for start, end in silent],
        sealed=_sealed(unmasked.to_json()),
        words=masked.word_count,
        model=masked.engine.model,
    )
    session.add(row)
    session.flush()


def masked_transcript(session: Session, call_id: int) -> Transcript:
    """Return the transcript as people may read it; raises NotFound."""
    return Transcript.model_validate(_transcript(session, call_id).masked)


def unmasked_transcript(session: Session, call_id: int) -> Transcript:
    """Return the words as they were said, for the scorer alone; raises NotFound."""
    return Transcript.model_validate(_opened(_transcript(session, call_id).sealed))


def transcript_parts(session: Session, call_id: int, plan: str) -> tuple[Mapping[str, object], ...]:
    """Return the parts of an unfinished transcription kept under a plan, from number 0 on without a gap.

    Like the unmasked transcript they hold the words as they were said.
    """
    rows = session.execute(
        select(col(TranscriptPartRow.number), col(TranscriptPartRow.sealed))
        .where(col(TranscriptPartRow.call_id) == call_id, col(TranscriptPartRow.plan) == plan)
        .order_by(col(TranscriptPartRow.number))
    )
    return tuple(_opened(sealed) for place, (number, sealed) in enumerate(rows) if number == place)


def has_transcript_parts(session: Session, call_id: int) -> bool:
    """Say whether parts of an unfinished transcription of the call are kept, under whatever plan."""
    return bool(session.scalar(select(exists().where(col(TranscriptPartRow.call_id) == call_id))))


def keep_transcript_part(
    session: Session, call_id: int, plan: str, number: int, part: Mapping[str, object]
) -> None:
    """Keep part `number` of a plan; parts of other plans go, and those from this number on."""
    outdated = or_(col(TranscriptPartRow.plan) != plan, col(TranscriptPartRow.number) >= number)
    session.execute(
        delete(TranscriptPartRow).where(col(TranscriptPartRow.call_id) == call_id, outdated),
        execution_options={"synchronize_session": False},
    )
    session.add(TranscriptPartRow(call_id=call_id, plan=plan, number=number, sealed=_sealed(part)))
    session.flush()


def save_derived(session: Session, call_id: int, *, playback: str, peaks: str, unmasked: bool) -> None:
    """Point a call at its playback copy and peaks; `unmasked` marks a copy in which nothing is silenced.

    The mark stands in the measurement's facts, where pages find it.
    """
    values = {"playback_key": playback, "peaks_key": peaks}
    session.execute(update(Recording).where(col(Recording.call_id) == call_id).values(values))
    facts = {**measurement(session, call_id), "unmasked": unmasked}
    session.execute(update(MeasurementRow).where(col(MeasurementRow.call_id) == call_id).values(facts=facts))


def save_prescores(
    session: Session, call_id: int, prescores: Iterable[tuple[int, PreScore]], *, keep_others: bool
) -> None:
    """Keep one pre-score per (rubric version's key, pre-score) in place of earlier ones.

    Rows of versions that no longer apply go, unless `keep_others`.
    """
    rows = [
        PreScoreRow(
            call_id=call_id,
            rubric_version_id=version_id,
            result=prescore.to_json(),
            percent=prescore.score.percent,
            outcome=prescore.score.outcome,
            open=prescore.score.open,
            suspected_fatal=len(prescore.score.suspected_fatal),
        )
        for version_id, prescore in prescores
    ]
    replaced = delete(PreScoreRow).where(col(PreScoreRow.call_id) == call_id)
    if keep_others:
        replaced = replaced.where(col(PreScoreRow.rubric_version_id).in_(r.rubric_version_id for r in rows))
    session.execute(replaced)
    session.add_all(rows)
    session.flush()


def has_audit(session: Session, call_id: int) -> bool:
    """Say whether a reviewer has begun with the call."""
    return bool(session.scalar(select(exists().where(col(Audit.call_id) == call_id))))


def known_keys(session: Session, keys: Sequence[str]) -> frozenset[str]:
    """Return those of the media keys that some recording points at."""
    columns = (
        *(col(Recording.media_key), col(Recording.transcript_key)),
        *(col(Recording.playback_key), col(Recording.peaks_key)),
    )
    rows = session.execute(select(*columns).where(or_(*(column.in_(keys) for column in columns))))
    return frozenset(key for row in rows for key in row if key)


def _sealed(content: Mapping[str, object]) -> bytes:
    return zlib.compress(json.dumps(content).encode())


def _opened(sealed: bytes) -> dict[str, Any]:
    return dict(json.loads(zlib.decompress(sealed)))


def _transcript(session: Session, call_id: int) -> TranscriptRow:
    row = session.scalars(select(TranscriptRow).where(col(TranscriptRow.call_id) == call_id)).first()
    if row is None:
        raise NotFound("This call was not transcribed yet.")
    return row


def _forget(session: Session, table: Any, call_id: int) -> None:
    session.execute(delete(table).where(table.call_id == call_id))


def _set_call(session: Session, call_id: int, **values: Any) -> None:
    statement = update(Call).where(col(Call.id) == call_id).values(**values, updated_at=utc_now())
    session.execute(statement, execution_options={"synchronize_session": False})
