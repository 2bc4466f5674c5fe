"""The part of a backtest that needs ears: changed checks run again on stored transcripts, held against people."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from qa_audit.domain import agreement
from qa_audit.domain.audit import NOT_APPLICABLE
from qa_audit.domain.call import Call
from qa_audit.domain.checks.tools import Tools
from qa_audit.domain.findings import Finding
from qa_audit.domain.prescore import check_all
from qa_audit.domain.rubric import Criterion, Rubric
from qa_audit.domain.rubric.changes import WHOLE, Change
from qa_audit.errors import NotFound
from qa_audit.services import prescoring
from qa_audit.services.backtest_results import Agreement, CheckShift
from qa_audit.services.ports import Ports
from qa_audit.storage import backtests as store
from qa_audit.storage import results
from qa_audit.storage.database import Session
from qa_audit.storage.figures import Scope


@dataclass
class _Seen:
    """What was found of one criterion: pairs of people's and the machine's answers, and how many were left open."""

    calls: int = 0
    changed: int = 0
    accepted: int = 0
    pairs: dict[str, list[agreement.Pair]] = field(default_factory=lambda: {"before": [], "after": []})

    def side(self, name: str) -> Agreement:
        found = agreement.agreement(self.pairs[name])
        return Agreement(
            decided=found.n,
            agreed=found.observed.count,
            open=self.calls - found.n,
            kappa=found.kappa,
            ac1=found.ac1,
        )


def hear_again(
    ports: Ports,
    rubrics: tuple[Rubric, Rubric],
    changes: Sequence[Change],
    versions: Sequence[int],
    scope: Scope,
    newest: int,
    progress: Callable[[float], None],
) -> tuple[int, tuple[CheckShift, ...]]:
    """Run both texts on the newest audited calls; returns how many, and what became of each changed criterion.

    A criterion that only depends on a changed one is told when its answers changed.
    """
    named = _named(rubrics, changes)
    if not named:
        return 0, ()
    tools = replace(ports.tools, judge=None)  # a judge costs money, and never answers twice alike
    with ports.db.read() as session:
        calls = store.heard_calls(session, versions, scope, newest)
    seen: dict[str, _Seen] = {}
    heard = 0
    for number, (call_key, audit) in enumerate(calls, 1):
        with ports.db.read() as session:
            call = _call(session, call_key)
            human = store.answers_of(session, audit, versions)
        if call is not None:
            heard += 1
            _compare(rubrics, call, human, seen, tools)
        progress(number / len(calls))
    titles = {criterion.id: criterion.title for criterion in rubrics[1].criteria}
    told = [id for id in titles if id in seen and (id in named or seen[id].changed)]
    return heard, tuple(_shift(id, titles[id], seen[id]) for id in told)


def _named(rubrics: tuple[Rubric, Rubric], changes: Sequence[Change]) -> frozenset[str]:
    """Return the criteria that the machine answers by another rule; all of them when the change is of the whole."""
    heard = frozenset(c.id for rubric in rubrics for c in rubric.criteria if _is_heard(c))
    places = {change.where for change in changes if change.kind == "machine"}
    return heard if WHOLE in places else heard & places


def _is_heard(criterion: Criterion) -> bool:
    return criterion.check.kind not in ("manual", "judge")


def _call(session: Session, call_key: int) -> Call | None:
    """Return a call as the pre-score heard it; None when it went away meanwhile."""
    try:
        return prescoring.heard_call(session, call_key, results.subject(session, call_key))
    except NotFound:
        return None


def _compare(
    rubrics: tuple[Rubric, Rubric],
    call: Call,
    human: Mapping[str, tuple[str, str]],
    seen: dict[str, _Seen],
    tools: Tools,
) -> None:
    before, after = (check_all(rubric, call, tools=tools) for rubric in rubrics)
    old = {criterion.id: criterion for criterion in rubrics[0].criteria}
    for criterion in rubrics[1].criteria:
        id = criterion.id
        if id not in old or id not in human or not (_is_heard(criterion) or _is_heard(old[id])):
            continue
        answer, origin = human[id]
        machine = {"before": _answer(before[id]), "after": _answer(after[id])}
        one = seen.setdefault(id, _Seen())
        one.calls += 1
        one.changed += machine["before"] != machine["after"]
        one.accepted += origin == "accepted"
        for side, found in machine.items():
            if found is not None:
                one.pairs[side].append((answer, found))


def _answer(finding: Finding) -> str | None:
    if finding.status == "not_applicable":
        return NOT_APPLICABLE
    return finding.answer if finding.status == "decided" else None


def _shift(id: str, title: str, seen: _Seen) -> CheckShift:
    return CheckShift(
        criterion=id,
        title=title,
        calls=seen.calls,
        changed=seen.changed,
        accepted=seen.accepted,
        before=seen.side("before"),
        after=seen.side("after"),
    )
