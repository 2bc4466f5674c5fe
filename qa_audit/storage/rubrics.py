"""Published rubric versions: texts that never change once they are here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import cast

from sqlalchemy import select
from sqlmodel import col

from qa_audit.storage.database import Session
from qa_audit.storage.tables import RubricVersion


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


def published(session: Session) -> tuple[StoredRubric, ...]:
    """Return all published versions by rubric and version."""
    found = (
        select(RubricVersion)
        .where(col(RubricVersion.state) == "published")
        .order_by(col(RubricVersion.rubric), col(RubricVersion.version))
    )
    return tuple(_stored(row) for row in session.scalars(found))


def find(session: Session, rubric: str, version: int) -> StoredRubric | None:
    """Return one version whatever its state, or None."""
    found = select(RubricVersion).where(
        col(RubricVersion.rubric) == rubric, col(RubricVersion.version) == version
    )
    row = session.scalars(found).first()
    return _stored(row) if row else None


def publish(
    session: Session,
    *,
    rubric: str,
    version: int,
    title: str,
    sha256: str,
    source: str,
    effective_from: date,
) -> int:
    """Add a published version and return its key; raises IntegrityError when it is there already."""
    row = RubricVersion(
        rubric=rubric,
        version=version,
        title=title,
        sha256=sha256,
        source=source,
        effective_from=effective_from,
    )
    session.add(row)
    session.flush()
    return cast(int, row.id)


def _stored(row: RubricVersion) -> StoredRubric:
    return StoredRubric(
        key=cast(int, row.id),
        rubric=row.rubric,
        version=row.version,
        title=row.title,
        sha256=row.sha256,
        source=row.source,
        effective_from=row.effective_from,
    )
