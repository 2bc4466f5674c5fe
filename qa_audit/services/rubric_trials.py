"""Trials of a rubric on calls whose right answers are known: the examples written beside its criteria."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from qa_audit.domain.call import Call
from qa_audit.domain.checks.tools import NO_TOOLS, Tools
from qa_audit.domain.evaluation import Evaluation, Outcome, evaluation
from qa_audit.domain.findings import Finding
from qa_audit.domain.prescore import check_all
from qa_audit.domain.redact import find_spans, mask
from qa_audit.domain.rubric import CALL_VARIABLES, Criterion, NumberScale, Rubric
from qa_audit.domain.rubric.model import Example
from qa_audit.domain.script import scripted_call
from qa_audit.services.labelled_calls import LabelledCall, labels_for

_OF_THE_CALL = ("vendor", "queue", "direction")


@dataclass(frozen=True)
class Trial:
    """One example of a criterion, run: `place` counts a criterion's examples from 1.

    `expected` is the answer as the rubric writes it (several with ' or '), `found` the machine's answer, or its
    status where it decided nothing.
    """

    criterion: str
    place: int
    expected: str
    found: str
    reason: str
    passed: bool


def run_examples(rubric: Rubric, tools: Tools = NO_TOOLS) -> tuple[Trial, ...]:
    """Run every example through the whole rubric, so that what other criteria find counts.

    An example is a piece of a longer call: the rubric's least seconds of speech are not asked of it. Facts named
    direction, queue, vendor or one of the rubric's variables are those of the call. A script that cannot be read
    is a failed trial. The examples of a line that only a person answers are for people, and not run.
    """
    piece = rubric.model_copy(update={"not_for": rubric.not_for.model_copy(update={"speech_under": 0.0})})
    return tuple(
        _run(piece, criterion, number, example, tools)
        for criterion in rubric.criteria
        for number, example in enumerate(criterion.examples, 1)
        if criterion.check.kind != "manual" or "manual" in example.answer.split(" or ")
    )


def evaluate(rubric: Rubric, calls: Sequence[LabelledCall], tools: Tools = NO_TOOLS) -> Evaluation:
    """Run a rubric over labelled calls and compare; labels of criteria that it does not have are counted only.

    Raises Invalid for a label that a criterion's scale does not have.
    """
    outcomes: list[Outcome] = []
    ignored = 0
    for one in calls:
        labels = labels_for(rubric, one)
        ignored += len(one.labels) - len(labels)
        findings = _findings(rubric, one.call, tools)
        for id, label in labels.items():
            found, criterion = findings[id], rubric.criterion(id)
            answer = None if found.answer is None else comparable(criterion, found.answer)
            expected = comparable(criterion, label)
            outcomes.append(Outcome(one.name, one.file, id, expected, found.status, answer, found.reason))
    ids = [criterion.id for criterion in rubric.criteria]
    return evaluation(outcomes, ids, calls=len(calls), ignored=ignored)


def comparable(criterion: Criterion, answer: str) -> str:
    """Return an answer as it is compared: a number by the range into which it falls, any other as it is."""
    if not isinstance(criterion.scale, NumberScale):
        return answer
    try:
        part = criterion.scale.range_of(answer)
    except ValueError:
        return answer
    return part.label or ("more" if part.up_to is None else f"up to {part.up_to:g}")


def found_in(finding: Finding) -> str:
    """Return a finding's answer, or its status where nothing was decided."""
    return finding.answer if finding.status == "decided" and finding.answer else finding.status


def _findings(rubric: Rubric, call: Call, tools: Tools) -> dict[str, Finding]:
    """Run every check; a language model, where there is one, sees the masked words only."""
    masked = mask(call.transcript, find_spans(call.transcript)) if tools.judge else None
    return check_all(rubric, call, masked=masked, tools=tools)


def _run(rubric: Rubric, criterion: Criterion, number: int, example: Example, tools: Tools) -> Trial:
    try:
        call = _call(rubric, example)
    except ValueError as error:
        return Trial(criterion.id, number, example.answer, "not run", str(error), passed=False)
    finding = _findings(rubric, call, tools)[criterion.id]
    found = found_in(finding)
    wanted = [comparable(criterion, answer) for answer in example.answer.split(" or ")]
    passed = comparable(criterion, found) in wanted
    return Trial(criterion.id, number, example.answer, found, finding.reason, passed=passed)


def _call(rubric: Rubric, example: Example) -> Call:
    """Make the call of an example, spoken in the rubric's first language."""
    known: dict[str, Any] = {name: str(example.facts[name]) for name in _OF_THE_CALL if name in example.facts}
    variables = {*rubric.variables, *CALL_VARIABLES}
    return scripted_call(
        example.lines,
        language=next(iter(rubric.applies_to.language), "en"),
        agent_name=example.agent,
        facts=example.facts,
        variables={name: value for name, value in example.facts.items() if name in variables},
        **known,
    )
