"""Rubric versions: texts that never change once they are here; and the one draft that each rubric may have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, cast

from sqlalchemy import CursorResult, delete, exists, func, select, update
from sqlalchemy.orm import aliased
from sqlmodel import col

from qa_audit.storage.database import Session
from qa_audit.storage.people import user_key
from qa_audit.storage.tables import Answer, Audit, AuditScore, RubricDraft, RubricVersion, User, utc_now


@dataclass(frozen=True, kw_only=True)
class StoredRubric:
    """One version of a rubric as it was published; `source` is its YAML text, `sha256` of that text."""

    key: int
    rubric: str
    version: int
    title: str
    sha256: str
    source: str
    effective_from: date


@dataclass(frozen=True, kw_only=True)
class VersionFacts:
    """A version beside its text: `state` is published or archived, `audits` how many pin it.

    `published_by` is a name, empty for what came with the software (`bundled`) or was put in by the system.
    """

    stored: StoredRubric
    state: str
    bundled: bool
    published_by: str
    published_at: datetime
    audits: int


@dataclass(frozen=True, kw_only=True)
class StoredDraft:
    """The draft of a rubric: its text, the version it began from, who began it and who saved it last."""

    rubric: str
    title: str
    base_version: int | None
    source: str
    seen: int
    begun_by: str
    begun_at: datetime
    saved_by: str
    saved_at: datetime


def published(session: Session) -> tuple[StoredRubric, ...]:
    """Return all published versions by rubric and version; archived ones are left out."""
    found = (
        select(RubricVersion)
        .where(col(RubricVersion.state) == "published")
        .order_by(col(RubricVersion.rubric), col(RubricVersion.version))
    )
    return tuple(stored_rubric(row) for row in session.scalars(found))


def find(session: Session, rubric: str, version: int) -> StoredRubric | None:
    """Return one version whatever its state, or None."""
    found = select(RubricVersion).where(
        col(RubricVersion.rubric) == rubric, col(RubricVersion.version) == version
    )
    row = session.scalars(found).first()
    return stored_rubric(row) if row else None


def is_known(session: Session, sha256: str) -> bool:
    """Say whether a text is here as a version, whatever its state."""
    found = select(exists().where(col(RubricVersion.sha256) == sha256))
    return bool(session.scalar(found))


def ids(session: Session) -> tuple[str, ...]:
    """Return the ids of the rubrics that have versions."""
    return tuple(
        session.scalars(select(col(RubricVersion.rubric)).distinct().order_by(col(RubricVersion.rubric)))
    )


def every(session: Session, rubric: str) -> tuple[StoredRubric, ...]:
    """Return all versions of a rubric whatever their state, newest first."""
    found = (
        select(RubricVersion)
        .where(col(RubricVersion.rubric) == rubric)
        .order_by(col(RubricVersion.version).desc())
    )
    return tuple(stored_rubric(row) for row in session.scalars(found))


def newest(session: Session, rubric: str) -> StoredRubric | None:
    """Return the version with the highest number whatever its state, or None."""
    found = (
        select(RubricVersion)
        .where(col(RubricVersion.rubric) == rubric)
        .order_by(col(RubricVersion.version).desc())
        .limit(1)
    )
    row = session.scalars(found).first()
    return stored_rubric(row) if row else None


def publish(
    session: Session,
    *,
    rubric: str,
    version: int,
    title: str,
    sha256: str,
    source: str,
    effective_from: date,
    bundled: bool = False,
    by: str | None = None,
    now: datetime | None = None,
) -> int:
    """Add a published version and return its key; raises IntegrityError when it is there already.

    `by` is the public id of who publishes it.
    """
    row = RubricVersion(
        rubric=rubric,
        version=version,
        title=title,
        sha256=sha256,
        source=source,
        effective_from=effective_from,
        bundled=bundled,
        published_by=user_key(session, by),
        created_at=now or utc_now(),
    )
    session.add(row)
    session.flush()
    return cast(int, row.id)


def versions(session: Session) -> tuple[VersionFacts, ...]:
    """Return every version of every rubric, archived ones too, by rubric and newest first."""
    pinned = _pinned(session)
    query = (
        select(RubricVersion, col(User.name))
        .outerjoin(User, col(User.id) == col(RubricVersion.published_by))
        .order_by(col(RubricVersion.rubric), col(RubricVersion.version).desc())
    )
    return tuple(
        VersionFacts(
            stored=stored_rubric(row),
            state=row.state,
            bundled=row.bundled,
            published_by=name or "",
            published_at=row.created_at,
            audits=pinned.get(cast(int, row.id), 0),
        )
        for row, name in session.execute(query)
    )


def is_own(session: Session, rubric: str) -> bool:
    """Say whether somebody here published a version of a rubric."""
    own = select(col(RubricVersion.id)).where(
        col(RubricVersion.rubric) == rubric, col(RubricVersion.bundled).is_(False)
    )
    return session.scalars(own).first() is not None


def set_state(session: Session, rubric: str, version: int, state: str) -> bool:
    """Set a version's state; returns False when it was in it already, or is not there."""
    changed = session.execute(
        update(RubricVersion)
        .where(
            col(RubricVersion.rubric) == rubric,
            col(RubricVersion.version) == version,
            col(RubricVersion.state) != state,
        )
        .values(state=state),
        execution_options={"synchronize_session": False},
    )
    return cast("CursorResult[Any]", changed).rowcount == 1


def drafts(session: Session, rubric: str | None = None) -> tuple[StoredDraft, ...]:
    """Return the drafts by rubric, or the one of a rubric."""
    beginner, saver = aliased(User), aliased(User)
    query = (
        select(RubricDraft, col(beginner.name), col(saver.name))
        .outerjoin(beginner, col(beginner.id) == col(RubricDraft.begun_by))
        .outerjoin(saver, col(saver.id) == col(RubricDraft.saved_by))
        .order_by(col(RubricDraft.rubric))
    )
    if rubric is not None:
        query = query.where(col(RubricDraft.rubric) == rubric)
    return tuple(
        StoredDraft(
            rubric=row.rubric,
            title=row.title,
            base_version=row.base_version,
            source=row.source,
            seen=row.seen,
            begun_by=begun or "",
            begun_at=row.begun_at,
            saved_by=saved or "",
            saved_at=row.saved_at,
        )
        for row, begun, saved in session.execute(query)
    )


def begin_draft(
    session: Session,
    *,
    rubric: str,
    title: str,
    base_version: int | None,
    source: str,
    by: str,
    now: datetime,
) -> None:
    """Add a rubric's draft; raises IntegrityError when it has one."""
    who = user_key(session, by)
    session.add(
        RubricDraft(
            rubric=rubric,
            title=title,
            base_version=base_version,
            source=source,
            begun_by=who,
            begun_at=now,
            saved_by=who,
            saved_at=now,
        )
    )
    session.flush()


def save_draft(
    session: Session, rubric: str, seen: int, *, title: str, source: str, by: str, now: datetime
) -> bool:
    """Replace a draft's text over the save that `seen` counts; returns False when it is no longer that one."""
    changed = session.execute(
        update(RubricDraft)
        .where(col(RubricDraft.rubric) == rubric, col(RubricDraft.seen) == seen)
        .values(title=title, source=source, seen=seen + 1, saved_by=user_key(session, by), saved_at=now),
        execution_options={"synchronize_session": False},
    )
    return cast("CursorResult[Any]", changed).rowcount == 1


def remove_draft(session: Session, rubric: str, seen: int) -> bool:
    """Remove a draft as it was when `seen` was counted; returns False when it is no longer that one."""
    removed = session.execute(
        delete(RubricDraft).where(col(RubricDraft.rubric) == rubric, col(RubricDraft.seen) == seen),
        execution_options={"synchronize_session": False},
    )
    return cast("CursorResult[Any]", removed).rowcount == 1


def _pinned(session: Session) -> Mapping[int, int]:
    """Count the audits that pin each version: closed ones by their scores, those in progress by their lines."""
    closed = select(col(AuditScore.rubric_version_id), func.count()).group_by(
        col(AuditScore.rubric_version_id)
    )
    begun = (
        select(col(Answer.rubric_version_id), func.count(col(Answer.audit_id).distinct()))
        .join(Audit, col(Audit.id) == col(Answer.audit_id))
        .where(col(Audit.state) == "draft")
        .group_by(col(Answer.rubric_version_id))
    )
    found: Counter[int] = Counter()
    for query in (closed, begun):
        for key, number in session.execute(query):
            found[int(key)] += int(number)
    return found


def stored_rubric(row: RubricVersion) -> StoredRubric:
    """Return a row as the rest of the program reads it."""
    return StoredRubric(
        key=cast(int, row.id),
        rubric=row.rubric,
        version=row.version,
        title=row.title,
        sha256=row.sha256,
        source=row.source,
        effective_from=row.effective_from,
    )
