"""Rubrics of one line and calls from scripts, for the tests of checks."""

from __future__ import annotations

from typing import Any

from qa_audit.domain.call import Call
from qa_audit.domain.checks.tools import NO_TOOLS, Tools
from qa_audit.domain.findings import Finding
from qa_audit.domain.prescore import check_all
from qa_audit.domain.redact import find_spans, mask
from qa_audit.domain.rubric import Rubric, build_rubric
from tests.rubrics.calls import build

TALK = "A: Let me tell you how this works so that you know what happens with your booking after today."
REPLY = "C: That is fine with me, I have all the time in the world today."


def rubric_of(check: dict[str, Any], criterion: dict[str, Any] | None = None, **changes: Any) -> Rubric:
    """Build a rubric of one criterion, called 'line'."""
    line = {"id": "line", "title": "Line", "points": 10, "check": check, **(criterion or {})}
    return build_rubric(
        {
            "id": "made",
            "version": 1,
            "title": "Made",
            "effective_from": "2026-01-01",
            "pass_mark": 85,
            "not_for": {"speech_under": 0},
            "sections": [{"id": "all", "title": "All", "criteria": [line]}],
            **changes,
        }
    )


def finding_of(
    check: dict[str, Any],
    lines: list[str] | Call,
    *,
    criterion: dict[str, Any] | None = None,
    tools: Tools = NO_TOOLS,
    **facts: Any,
) -> Finding:
    """Run one check on a call; facts such as `layout` go to the call."""
    call = build(lines, **facts) if isinstance(lines, list) else lines
    masked = mask(call.transcript, find_spans(call.transcript))
    return check_all(rubric_of(check, criterion), call, masked=masked, tools=tools)["line"]


def outcome(finding: Finding) -> str:
    """Return the answer, or the status of a finding that has none."""
    return str(finding.answer) if finding.status == "decided" else finding.status
