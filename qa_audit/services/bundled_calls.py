"""The bundled calls of the demo: what they are, and what an audit of each should find."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Literal

from qa_audit.domain.findings import CriterionResult, Evidence, PreScore
from qa_audit.domain.rubric import Rubric
from qa_audit.errors import Invalid

FOLDER = Path(__file__).resolve().parents[1] / "demo"
SCHEMA = "qa-audit/demo@1"
NEAR = 1.0
"""Seconds by which the evidence of a fault may miss the words it was planted in."""

Verdict = Literal["agree", "unsure", "opposite"]
_WRITTEN = {"na": "not_applicable"}
_FIRM = frozenset({"yes", "no", "not_applicable"})


@dataclass(frozen=True)
class PlantedFault:
    """A mistake written into a call: the criterion's code, and when it can be heard (seconds)."""

    criterion: str
    kind: str
    start: float
    end: float


@dataclass(frozen=True)
class BundledCall:
    """One recording that ships with the program.

    `answers` maps a criterion's code to `yes`, `no`, `na` or `manual`; it is empty for the recordings that
    are only shown (`shown_only`), which nobody waits for. `status` and `failure` say how those end.
    """

    id: str
    path: Path
    sha256: str
    vendor: str
    vendor_name: str
    team: str
    agent: str
    started_at: datetime
    external_id: str
    queue: str
    direction: str
    language: str
    channels: str
    title: str
    custom: Mapping[str, object]
    duration: float
    answers: Mapping[str, str]
    faults: tuple[PlantedFault, ...]
    shown_only: bool
    status: str
    failure: str | None

    @property
    def survey(self) -> int | None:
        """The customer's mark from 1 to 5, if one was given."""
        mark = self.custom.get("csat")
        return mark if isinstance(mark, int) else None


@dataclass(frozen=True)
class BundledVendor:
    """A vendor of the bundled calls."""

    slug: str
    name: str
    channels: str


@dataclass(frozen=True)
class Bundle:
    """Everything that ships: the calls with expected answers first, then those that are only shown."""

    brand: str
    vendors: tuple[BundledVendor, ...]
    calls: tuple[BundledCall, ...]

    @property
    def expected(self) -> tuple[BundledCall, ...]:
        """The calls with expected answers."""
        return tuple(call for call in self.calls if not call.shown_only)


@dataclass(frozen=True)
class Line:
    """One criterion of one call: what was written into it, what the machine found."""

    code: str
    expected: str
    found: str
    verdict: Verdict


@dataclass(frozen=True)
class FaultFound:
    """A planted fault, and whether the machine answered no with evidence at its place."""

    fault: PlantedFault
    found: bool


@dataclass(frozen=True)
class Comparison:
    """One call's pre-scores beside what was written into it."""

    lines: tuple[Line, ...]
    faults: tuple[FaultFound, ...]

    def count(self, verdict: Verdict) -> int:
        """Count the lines with this verdict."""
        return sum(line.verdict == verdict for line in self.lines)


def load_bundle(folder: Path = FOLDER) -> Bundle:
    """Read the manifest of the bundled calls; raises Invalid when it is missing or of another kind."""
    path = folder / "manifest.json"
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Invalid(f"The bundled calls cannot be read: {path.name} is missing or broken.") from error
    if data.get("schema") != SCHEMA:
        raise Invalid(f"{path.name} is not of the kind {SCHEMA}.")
    return Bundle(
        brand=data["brand"],
        vendors=tuple(BundledVendor(v["slug"], v["name"], v["channels"]) for v in data["vendors"]),
        calls=tuple(
            _call(folder, entry, shown_only=part == "extras")
            for part in ("calls", "extras")
            for entry in data[part]
        ),
    )


@cache
def bundled_shas() -> frozenset[str]:
    """Return the sha256 of every bundled recording: the only ones that the demo model understands."""
    return frozenset(call.sha256 for call in load_bundle().calls)


def codes_of(rubrics: Iterable[Rubric]) -> dict[tuple[str, str], str]:
    """Return each criterion's short code (B1, S1, …) by rubric id and criterion id."""
    return {
        (rubric.id, criterion.id): criterion.code
        for rubric in rubrics
        for criterion in rubric.criteria
        if criterion.code is not None
    }


def compare(
    call: BundledCall, prescores: Sequence[PreScore], codes: Mapping[tuple[str, str], str]
) -> Comparison:
    """Hold pre-scores against what was written into a call.

    An answer the machine is not sure of, or leaves to a person, is `unsure`; a firm answer other than the one
    written is `opposite`, and so is one that is missing altogether.
    """
    results = {
        codes[prescore.rubric.id, result.id]: result
        for prescore in prescores
        for result in prescore.criteria
        if (prescore.rubric.id, result.id) in codes
    }
    return Comparison(
        lines=tuple(_line(code, written, results.get(code)) for code, written in call.answers.items()),
        faults=tuple(
            FaultFound(fault, _is_found(fault, results.get(fault.criterion))) for fault in call.faults
        ),
    )


def _call(folder: Path, entry: Mapping[str, Any], *, shown_only: bool) -> BundledCall:
    expected = entry.get("expected", {})
    ends = entry.get("expect", {})
    return BundledCall(
        id=entry["id"],
        path=folder / entry["file"],
        sha256=entry["sha256"],
        vendor=entry["vendor"],
        vendor_name=entry["vendor_name"],
        team=entry["team"],
        agent=entry["agent"],
        started_at=datetime.fromisoformat(entry["started_at"]),
        external_id=entry["external_id"],
        queue=entry["queue"],
        direction=entry["direction"],
        language=entry["language"],
        channels=entry["channels"],
        title=entry["title"],
        custom=dict(entry["custom"]),
        duration=float(entry["duration"]),
        answers=dict(expected.get("answers", {})),
        faults=tuple(
            PlantedFault(fault["criterion"], fault["kind"], float(fault["start"]), float(fault["end"]))
            for fault in entry.get("faults", ())
        ),
        shown_only=shown_only,
        status=ends.get("status", "prescored"),
        failure=ends.get("failure"),
    )


def _line(code: str, written: str, result: CriterionResult | None) -> Line:
    expected = _WRITTEN.get(written, written)
    if result is None:
        return Line(code, expected, "missing", "opposite")
    found = result.answer or result.status if result.status == "decided" else result.status
    return Line(code, expected, found, _verdict(expected, found))


def _verdict(expected: str, found: str) -> Verdict:
    if expected == found:
        return "agree"
    return "opposite" if found in _FIRM else "unsure"


def _is_found(fault: PlantedFault, result: CriterionResult | None) -> bool:
    return (
        result is not None
        and (result.status, result.answer) == ("decided", "no")
        and any(_touches(item, fault) for item in result.evidence)
    )


def _touches(item: Evidence, fault: PlantedFault) -> bool:
    return item.start <= fault.end + NEAR and item.end >= fault.start - NEAR
