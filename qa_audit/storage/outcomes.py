"""What pre-scores come to, short enough for a list of calls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from sqlalchemy import select
from sqlmodel import col

from qa_audit.domain.findings import Outcome
from qa_audit.storage.database import Session
from qa_audit.storage.tables import Call, PreScoreRow, RubricVersion


@dataclass(frozen=True)
class CallOutcome:
    """One rubric's pre-score of one call: `open` lines and suspected fatals are counted."""

    call_id: str
    rubric: str
    title: str
    outcome: Outcome
    open: int
    suspected_fatal: int


def of_calls(session: Session, public_ids: Sequence[str], vendor_id: int | None) -> tuple[CallOutcome, ...]:
    """Return the outcomes of these calls by rubric, of one vendor's calls only unless `vendor_id` is None."""
    query = (
        select(
            col(Call.public_id),
            col(RubricVersion.rubric),
            col(RubricVersion.title),
            col(PreScoreRow.outcome),
            col(PreScoreRow.open),
            col(PreScoreRow.suspected_fatal),
        )
        .join(PreScoreRow, col(PreScoreRow.call_id) == col(Call.id))
        .join(RubricVersion, col(RubricVersion.id) == col(PreScoreRow.rubric_version_id))
        .where(col(Call.public_id).in_(public_ids))
        .order_by(col(RubricVersion.rubric), col(RubricVersion.version))
    )
    if vendor_id is not None:
        query = query.where(col(Call.vendor_id) == vendor_id)
    return tuple(
        CallOutcome(call_id, rubric, title, cast(Outcome, outcome), open, fatal)
        for call_id, rubric, title, outcome, open, fatal in session.execute(query)
    )
