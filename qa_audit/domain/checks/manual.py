"""Kind `manual`: a person answers; the machine only lays measured facts beside the question."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from qa_audit.domain.checks.base import Context, cite
from qa_audit.domain.checks.model import Model, Phrases
from qa_audit.domain.checks.phrases import Hit
from qa_audit.domain.findings import Finding


class Count(Model):
    """A count shown beside the question."""

    label: str = Field(max_length=80)
    by: Literal["agent", "customer"] = "agent"
    any: Phrases = Field(min_length=1)
    of: Phrases = Field(default=(), description="Counted against these: '2 of 3'.")


class ManualSpec(Model):
    """A question for a person."""

    kind: Literal["manual"]
    shown: tuple[Count, ...] = ()


def check(spec: ManualSpec, context: Context) -> Finding:
    """Count what is to be shown beside the question; answer nothing."""
    lines, cited = [], []
    for count in spec.shown:
        hits = _hits(count.any, count, context)
        total = ""
        if count.of:
            both = [*hits, *(h for h in _hits(count.of, count, context) if not _among(h, hits))]
            total = f" of {len(both)}"
        lines.append(f"{count.label}: {len(hits)}{total}.")
        cited.extend(hits[:3])
    reason = " ".join(["A person answers this.", *lines])
    return Finding(status="manual", reason=reason, evidence=cite(context.heard, *cited))


def _hits(phrases: Phrases, count: Count, context: Context) -> list[Hit]:
    compiled = context.phrases(phrases)
    return [hit for turn in context.heard.turns_of(count.by) for hit in compiled.find(turn, fuzzy=False)]


def _among(hit: Hit, hits: list[Hit]) -> bool:
    return any(
        hit.turn.index == o.turn.index and hit.turn.sentence[hit.first] == o.turn.sentence[o.first]
        for o in hits
    )
