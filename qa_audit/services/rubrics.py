"""Rubrics in use: publishing the bundled ones, finding those that apply to a call, and how versions come and go.

What makes a version, and what only changes words, is told in docs/rubric-versions.md.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

from qa_audit import logs
from qa_audit.domain import rubric as rules
from qa_audit.domain.rubric import Rubric
from qa_audit.errors import Conflict
from qa_audit.services.ports import Ports
from qa_audit.services.rubric_drafts import (
    archive,
    begin_rubric,
    discard_draft,
    draft,
    draft_changes,
    drafts,
    open_draft,
    overview,
    problems_in,
    publish_draft,
    save_draft,
    version_changes,
    version_text,
)
from qa_audit.services.rubric_files import load_rubric, stored_rubric, text_sha256
from qa_audit.services.rubric_views import Draft, FailingExamples, RubricOverview, VersionInfo
from qa_audit.storage import rubrics as stored
from qa_audit.storage.database import IntegrityError, Session
from qa_audit.storage.results import Subject

__all__ = [
    "Draft",
    "FailingExamples",
    "RubricOverview",
    "VersionInfo",
    "applicable",
    "archive",
    "begin_rubric",
    "day_of",
    "discard_draft",
    "draft",
    "draft_changes",
    "drafts",
    "open_draft",
    "overview",
    "problems_in",
    "publish_draft",
    "save_draft",
    "sync_bundled",
    "version_changes",
    "version_text",
]

log = logs.get(__name__)


def sync_bundled(ports: Ports) -> int:
    """Publish every bundled rubric version that is not here yet; returns how many were new.

    A rubric of which somebody here published a version of their own is theirs from then on: what is bundled of it
    is left out. Safe to call at every start and from several processes at once. Raises Conflict when the text of
    a version that was published has changed, RubricError when a file is not usable.
    """
    new = 0
    for path in sorted(ports.rubrics_dir.glob("*.yaml")):
        try:
            new += _publish(ports, path)
        except IntegrityError:
            new += _publish(ports, path)
    return new


def applicable(
    session: Session, subject: Subject, heard: str | None = None, zone: str = "UTC"
) -> tuple[tuple[int, Rubric], ...]:
    """Return key and rubric of every version that applies to a call, one of each rubric.

    `heard` is the language of the transcript, which counts where the call's own is not known.
    """
    versions = {version.sha256: version for version in stored.published(session)}
    chosen = rules.applicable(
        [stored_rubric(version.source) for version in versions.values()],
        on=day_of(subject, zone),
        vendor=subject.vendor,
        queue=subject.queue,
        language=subject.language or heard,
        direction=subject.direction,
        seconds=subject.duration,
    )
    return tuple((versions[rubric.sha256].key, rubric) for rubric in chosen)


def day_of(subject: Subject, zone: str = "UTC") -> date:
    """Return the day of a call where it took place.

    Where its beginning is unknown, it is the day in `zone` on which it was received.
    """
    if subject.started_at is None:
        return subject.created_at.astimezone(ZoneInfo(zone)).date()
    return _local(subject.started_at, subject.utc_offset or 0).date()


def _local(moment: datetime, offset: int) -> datetime:
    return moment.astimezone(timezone(timedelta(minutes=offset)))


def _publish(ports: Ports, path: Path) -> int:
    text = path.read_text(encoding="utf-8")
    with ports.db.read() as session:
        if stored.is_known(session, text_sha256(text)):
            return 0  # Reading thousands of phrases takes longer than everything else at a process's start.
    rubric = load_rubric(text, path.name)
    with ports.db.write() as session:
        if stored.is_own(session, rubric.id):
            return 0
        known = stored.find(session, rubric.id, rubric.version)
        if known is None:
            stored.publish(
                session,
                rubric=rubric.id,
                version=rubric.version,
                title=rubric.title,
                sha256=rubric.sha256,
                source=text,
                effective_from=rubric.effective_from,
                bundled=True,
            )
    if known is None:
        log.info("rubric published", rubric=rubric.id, version=rubric.version)
        return 1
    if known.sha256 != rubric.sha256:
        raise Conflict(
            f"{path.name}: the text of '{rubric.id}' version {rubric.version} was changed after it was "
            "published. Published versions stay as they are: give the changed text a new version number."
        )
    return 0
