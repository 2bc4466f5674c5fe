"""What one sees of rubrics: their versions, their drafts, and what is wrong with these."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from qa_audit.domain.rubric import Problem
from qa_audit.errors import Invalid, NotFound
from qa_audit.services.rubric_files import examine
from qa_audit.services.rubric_trials import Trial
from qa_audit.storage import rubrics as store
from qa_audit.storage.database import Session
from qa_audit.storage.rubrics import StoredDraft, StoredRubric, VersionFacts


@dataclass(frozen=True, kw_only=True)
class VersionInfo:
    """A published or archived version. `audits` pin it; `published_by` is empty for what came with the software."""

    version: int
    title: str
    state: str
    effective_from: date
    published_at: datetime
    published_by: str
    bundled: bool
    audits: int


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A rubric's draft. `problems` keep it from being published; `seen` is to be given back when it is saved.

    `base_version` is the version it began from, None for a rubric that has none yet. `next_version` is the number
    that it has to bear when it is published.
    """

    rubric: str
    title: str
    text: str
    base_version: int | None
    next_version: int
    seen: int
    begun_by: str
    begun_at: datetime
    saved_by: str
    saved_at: datetime
    problems: tuple[Problem, ...]

    @property
    def is_valid(self) -> bool:
        """Say whether the text is a rubric that could be published, its examples aside."""
        return not self.problems


@dataclass(frozen=True, kw_only=True)
class RubricOverview:
    """One rubric with its versions, newest first. `in_effect` is the one for calls of today, if any is."""

    id: str
    title: str
    versions: tuple[VersionInfo, ...]
    in_effect: int | None
    draft: Draft | None


class FailingExamples(Invalid):
    """A draft's own examples fail; `trials` are those, in the order of the rubric."""

    def __init__(self, trials: tuple[Trial, ...]) -> None:
        self.trials = trials
        lines = [
            f"example {trial.place} of '{trial.criterion}': expected {trial.expected}, found {trial.found}"
            for trial in trials
        ]
        super().__init__(
            "Not published, because its own examples fail: " + "; ".join(lines) + ".",
            {trial.criterion: f"example {trial.place} fails" for trial in trials},
        )


def overview_of(id: str, versions: list[VersionFacts], begun: Draft | None, today: date) -> RubricOverview:
    """Put a rubric's versions (newest first) and its draft together."""
    in_effect = max(
        (one.stored for one in versions if one.state == "published" and one.stored.effective_from <= today),
        key=lambda one: (one.effective_from, one.version),
        default=None,
    )
    shown = in_effect or (versions[0].stored if versions else None)
    return RubricOverview(
        id=id,
        title=shown.title if shown else begun.title if begun else id,
        versions=tuple(_info(one) for one in versions),
        in_effect=in_effect.version if in_effect else None,
        draft=begun,
    )


def _info(facts: VersionFacts) -> VersionInfo:
    return VersionInfo(
        version=facts.stored.version,
        title=facts.stored.title,
        state=facts.state,
        effective_from=facts.stored.effective_from,
        published_at=facts.published_at,
        published_by=facts.published_by,
        bundled=facts.bundled,
        audits=facts.audits,
    )


def draft_of(session: Session, found: StoredDraft) -> Draft:
    """Return a stored draft with what is wrong with it."""
    newest = store.newest(session, found.rubric)
    return Draft(
        rubric=found.rubric,
        title=found.title,
        text=found.source,
        base_version=found.base_version,
        next_version=newest.version + 1 if newest else 1,
        seen=found.seen,
        begun_by=found.begun_by,
        begun_at=found.begun_at,
        saved_by=found.saved_by,
        saved_at=found.saved_at,
        problems=problems_of(session, found.rubric, found.source),
    )


def problems_of(session: Session, rubric_id: str, text: str) -> tuple[Problem, ...]:
    """Return what keeps a text from being published as a rubric's next version, its examples aside."""
    examined = examine(text, "draft")
    rubric = examined.rubric
    if rubric is None:
        return examined.errors
    newest = store.newest(session, rubric_id)
    due = newest.version + 1 if newest else 1
    problems = list(examined.errors)

    def wrong(field: str, message: str) -> None:
        problems.append(Problem(field, examined.lines.get((field,)), message))

    if rubric.id != rubric_id:
        wrong("id", f"must stay '{rubric_id}'; begin a new rubric for another id")
    if rubric.version != due:
        wrong("version", f"must be {due}, the next number")
    if newest is not None and rubric.effective_from < newest.effective_from:
        wrong(
            "effective_from",
            f"must not lie before {newest.effective_from}, from when version {newest.version} counts",
        )
    return tuple(sorted(problems, key=lambda problem: problem.line or 0))


def known_draft(session: Session, rubric_id: str) -> StoredDraft:
    """Return a rubric's draft; raises NotFound."""
    for found in store.drafts(session, rubric_id):
        return found
    raise NotFound(f"There is no draft of a rubric '{rubric_id}'.")


def known_version(session: Session, rubric_id: str, version: int) -> StoredRubric:
    """Return a version whatever its state; raises NotFound."""
    found = store.find(session, rubric_id, version)
    if found is None:
        raise NotFound(f"There is no version {version} of a rubric '{rubric_id}'.")
    return found
