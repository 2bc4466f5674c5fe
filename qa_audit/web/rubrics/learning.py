"""What reviewers change in the machine's answers, as its template reads it."""

from __future__ import annotations

from flask import url_for

from qa_audit.domain.access import Actor
from qa_audit.services import corrections
from qa_audit.services.corrections import CheckRow
from qa_audit.services.ports import Ports
from qa_audit.web.rubrics.pages import CorrectionRow, CorrectionsPage
from qa_audit.web.rubrics.views import overview_of
from qa_audit.web.templating import NOTHING, count

MOST = 10_000
"""So many of the newest audits count for the page: more change no line's range by a point, and take long to read."""
CERTAINTY = {"sure": "when sure", "fairly_sure": "when fairly sure"}


def corrections_page(ports: Ports, actor: Actor, id: str) -> CorrectionsPage:
    """Build the page of what reviewers change under one rubric; raises NotFound."""
    one = overview_of(ports, actor, id)
    found = corrections.corrections(ports, actor, id, MOST)
    defects = tuple(_row(check) for check in found.defects)
    if not found.checks:
        told = "No finished audit has an answer of the machine yet that a reviewer could have changed."
    elif defects:
        told = f"{count(len(defects), 'line is', 'lines are')} changed too often for chance: mend the rubric there."
    else:
        told = "No line is changed so often that the rubric must be at fault."
    return CorrectionsPage(
        title=f"What reviewers change under {one.title}",
        rubric=url_for("rubrics.show", id=id),
        words=f"{told} {_counted(found.audits)}" if found.checks else told,
        defects=defects,
        rows=tuple(_row(check) for check in found.checks if not check.is_defect),
    )


def _counted(audits: int) -> str:
    which = "The newest " if audits == MOST else ""
    return f"{which}{count(audits, 'finished audit')} counted."


def _row(check: CheckRow) -> CorrectionRow:
    low, high = (f"{100 * bound:.0f}" for bound in check.kept_range)
    versions = ", ".join(str(version) for version in check.versions)
    rest = [f"{check.open} left to people"] if check.open else []
    rest += [f"{check.accepted} taken over in one act"] if check.accepted else []
    rest += [f"version {versions}" if len(check.versions) == 1 else f"versions {versions}"]
    return CorrectionRow(
        id=check.criterion,
        title=check.title,
        address=f"{url_for('rubrics.show', id=check.rubric, version=check.versions[-1])}#criterion-{check.criterion}",
        changed=f"{check.changed} of {check.answered}",
        kept=f"{low} to {high} % kept",
        beyond=_beyond(check),
        certainties=tuple(_certainty(check)),
        words=" · ".join(rest),
    )


def _beyond(check: CheckRow) -> str:
    if check.ac1 is None or check.low is None or check.high is None:
        return NOTHING
    return f"{check.ac1:.2f} ({check.low:.2f} to {check.high:.2f})".replace("-", "\u2212")


def _certainty(check: CheckRow) -> list[str]:
    """Say how often answers of each certainty were kept; a percentage only once the history is long enough."""
    return [
        f"{CERTAINTY[row.certainty]}: {f'{row.percent} %, ' if row.percent is not None else ''}{row.words}"
        for row in check.certainties
        if row.base
    ]
