"""Learning from corrections: how often reviewers change the machine's answers, check by check."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

from qa_audit.domain.access import Actor, ensure
from qa_audit.domain.audit import NOT_APPLICABLE
from qa_audit.domain.corrections import History, Kept, ac1, ac1_range, check_id
from qa_audit.domain.findings import Certainty
from qa_audit.services.calls import seen_call
from qa_audit.services.ports import Ports
from qa_audit.services.rubric_files import stored_rubric
from qa_audit.storage import audits as audit_store
from qa_audit.storage import corrections as store
from qa_audit.storage import rubrics as rubric_store
from qa_audit.storage.corrections import Both
from qa_audit.storage.database import Database, Session
from qa_audit.storage.figures import Scope
from qa_audit.storage.rubrics import StoredRubric

NEWEST = 500
"""For one call's page so many of the newest audits count: enough for a percentage."""
_FRESH_SECONDS = 600
"""For so long a call's page goes by the histories last read: they move slowly, and the page is asked for often."""

CERTAINTIES: tuple[Certainty, ...] = ("sure", "fairly_sure")


@dataclass(frozen=True)
class CertaintyRow:
    """Answers of one certainty: `kept` of `base`, and the percentage once the history is long enough for one."""

    certainty: Certainty
    kept: int
    base: int
    percent: int | None
    words: str


@dataclass(frozen=True)
class CheckRow:
    """One check and what became of its answers. `versions` share it; the newest gives the title.

    `answered` counts lines that both settled, `changed` those that reviewers changed, `open` those that the
    machine left to them, `accepted` the answers taken over in one act. `low` and `high` are AC1's 95 % range; it
    and kappa are None where nothing varies.
    """

    rubric: str
    criterion: str
    title: str
    versions: tuple[int, ...]
    answered: int
    changed: int
    open: int
    accepted: int
    kept_range: tuple[float, float]
    kappa: float | None
    ac1: float | None
    low: float | None
    high: float | None
    is_defect: bool
    certainties: tuple[CertaintyRow, ...]


@dataclass(frozen=True)
class Corrections:
    """Every check with a history, those that are defects first, then by how often they are changed."""

    audits: int
    checks: tuple[CheckRow, ...]

    @property
    def defects(self) -> tuple[CheckRow, ...]:
        """Return the checks whose answers reviewers change too often."""
        return tuple(row for row in self.checks if row.is_defect)

    def to_json(self) -> dict[str, Any]:
        """Return the view as plain data."""
        return asdict(self)


def corrections(
    ports: Ports, actor: Actor, rubric_id: str | None = None, newest: int | None = None
) -> Corrections:
    """Return what reviewers made of the machine's answers, over all finished audits of one rubric or of all.

    Somebody bound to a vendor sees that vendor's audits. `newest` counts only so many audits of each rubric.
    """
    ensure(actor, "rubric.read")
    rows: list[CheckRow] = []
    audits = 0
    with ports.db.read() as session:
        for id in rubric_store.ids(session) if rubric_id is None else (rubric_id,):
            versions = rubric_store.every(session, id)
            counted, histories = _histories(session, versions, actor.vendor_id, newest)
            audits += counted
            rows += _rows(versions, histories)
    order = sorted(
        rows, key=lambda row: (not row.is_defect, -row.changed / row.answered, row.rubric, row.criterion)
    )
    return Corrections(audits, tuple(order))


def kept_before(ports: Ports, actor: Actor, call_id: str) -> Mapping[tuple[str, str], Kept]:
    """Return, for each line that the machine settled on a call, how often reviewers kept such an answer before.

    The keys are rubric id and criterion id; lines without history are missing. The `NEWEST` audits of each rubric
    count. Raises NotFound, also for who may not hear calls.
    """
    with ports.db.read() as session:
        call = seen_call(session, actor, call_id)
        ensure(actor, "hear_calls", call.vendor_id)
        machine = audit_store.prescores(session, call.key)
        versions = audit_store.pinned(session, machine)
    slot = int(ports.clock().timestamp() // _FRESH_SECONDS)
    found: dict[tuple[str, str], Kept] = {}
    for version in versions:
        histories = _recent(ports.db, version.rubric, actor.vendor_id, slot)
        for result in machine[version.key].criteria:
            history = histories.get((result.id, _names(version.source)[result.id]))
            settled, certainty = _settled(result.status, result.answer, result.certainty)
            if history is not None and settled is not None:
                kept = history.kept_when(certainty)
                if kept.rate.base:
                    found[version.rubric, result.id] = kept
    return found


@lru_cache(maxsize=32)
def _recent(db: Database, rubric: str, vendor: int | None, slot: int) -> Mapping[tuple[str, str], History]:
    """Return the histories of one rubric's checks; `slot` counts the stretches of time in which one reading serves."""
    with db.read() as session:
        return _histories(session, rubric_store.every(session, rubric), vendor, NEWEST)[1]


def _histories(
    session: Session, versions: Sequence[StoredRubric], vendor: int | None, newest: int | None
) -> tuple[int, dict[tuple[str, str], History]]:
    """Collect the histories by criterion and check, and count the audits."""
    names = {version.key: _names(version.source) for version in versions}
    found: dict[tuple[str, str], History] = {}
    audits = 0
    for both in store.both(session, list(names), Scope(vendor_id=vendor), newest):
        audits += 1
        _collect(both, names[both.version], found)
    return audits, found


def _collect(both: Both, names: Mapping[str, str], found: dict[tuple[str, str], History]) -> None:
    for line in both.machine:
        id = line["id"]
        human = both.human.get(id)
        if human is None or id not in names or line["status"] == "manual":
            continue
        machine, certainty = _settled(line["status"], line.get("answer"), line.get("certainty"))
        history = found.setdefault((id, names[id]), History())
        history.add(certainty, machine, human[0], accepted=human[1] == "accepted")


def _settled(status: str, answer: str | None, certainty: Certainty | None) -> tuple[str | None, Certainty]:
    """Return the machine's answer as a person would give it, None for an open line; N/A counts as sure."""
    if status == "not_applicable":
        return NOT_APPLICABLE, "sure"
    return (answer if status == "decided" else None), certainty or "sure"


def _rows(versions: Sequence[StoredRubric], histories: Mapping[tuple[str, str], History]) -> list[CheckRow]:
    found = []
    for (id, name), history in histories.items():
        kept = history.kept
        if not kept.base:
            continue
        sharing = [one for one in versions if _names(one.source).get(id) == name]
        newest = max(sharing, key=lambda one: one.version)
        bounds = ac1_range(history.table)
        found.append(
            CheckRow(
                rubric=newest.rubric,
                criterion=id,
                title=stored_rubric(newest.source).criterion(id).title,
                versions=tuple(sorted(one.version for one in sharing)),
                answered=kept.base,
                changed=kept.base - kept.count,
                open=history.open,
                accepted=history.accepted,
                kept_range=kept.range,
                kappa=history.kappa,
                ac1=ac1(history.table),
                low=bounds[0] if bounds else None,
                high=bounds[1] if bounds else None,
                is_defect=history.is_defect,
                certainties=tuple(_certainty(history.kept_when(one)) for one in CERTAINTIES),
            )
        )
    return found


def _certainty(kept: Kept) -> CertaintyRow:
    return CertaintyRow(kept.certainty, kept.rate.count, kept.rate.base, kept.percent, kept.words)


@lru_cache(maxsize=64)
def _names(source: str) -> Mapping[str, str]:
    """Return the name of each criterion's check in a rubric's text."""
    rubric = stored_rubric(source)
    return {criterion.id: check_id(rubric, criterion) for criterion in rubric.criteria}
