"""Small labelled calls: paraphrases, negations, quotes, numerals, bad recognition, no roles."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from qa_audit.domain.checks.base import Context
from qa_audit.domain.checks.heard import hear
from qa_audit.domain.findings import Finding
from qa_audit.domain.prescore import call_variables, check_one
from tests.rubrics.calls import build, rubrics

LABELS = Path(__file__).parent / "labels"


def cases() -> list[Any]:
    found = []
    for path in sorted(LABELS.glob("*.yaml")):
        for case in yaml.safe_load(path.read_text(encoding="utf-8")):
            name = case.get("rubric", path.stem)
            for code, wanted in case["expect"].items():
                found.append(pytest.param(name, case, code, wanted, id=f"{code}-{case['name']}"))
    return found


def answer_of(finding: Finding) -> str:
    """Return a finding in the words of the labels."""
    if finding.status == "decided":
        return str(finding.answer)
    return "na" if finding.status == "not_applicable" else finding.status


def finding_for(rubric_name: str, case: dict[str, Any], code: str) -> Finding:
    facts: dict[str, Any] = {"facts": case.get("facts", {}), "warnings": tuple(case.get("warnings", ()))}
    facts["agent_name"] = case.get("agent")
    facts["agent_aliases"] = tuple(case.get("aliases", ()))
    facts["direction"] = case.get("direction", "inbound")
    if case.get("speech") == "none":
        facts["speech"] = {}
    if "vendor_name" in case:
        facts["variables"] = {"vendor_name": case["vendor_name"]}
    call = build(
        case["lines"], start=case.get("start", 0.6), layout=case.get("layout", "stereo-agent-left"), **facts
    )
    if "language" in case:
        transcript = call.transcript.model_copy(update={"language": case["language"]})
        call = type(call)(transcript, call.facts)
    rubric = rubrics()[rubric_name]
    criterion = next(c for c in rubric.criteria if c.code == code)
    context = Context(hear(call), call_variables(rubric, call.facts), {})
    return check_one(criterion, context, rubric.applies_to.language)


@pytest.mark.parametrize(("rubric_name", "case", "code", "wanted"), cases())
def test_labelled_call_gets_its_label(rubric_name: str, case: dict[str, Any], code: str, wanted: Any) -> None:
    finding = finding_for(rubric_name, case, code)
    right = wanted if isinstance(wanted, list) else [wanted]
    assert answer_of(finding) in right, finding.reason
    flag = case.get("flags", {}).get(code)
    assert flag is None or flag in finding.flags


def test_there_are_enough_labelled_calls() -> None:
    names = {case.values[1]["name"] for case in cases()}
    assert len(names) >= 60
