"""Every snippet of the guide to rubrics is valid: whole rubrics, parts of one, and parts of a criterion."""

from __future__ import annotations

import re
from typing import Any

import pytest

from qa_audit.domain.rubric import Criterion, Rubric, build_rubric
from qa_audit.domain.rubric.lint import lint
from qa_audit.services.rubric_files import load_rubric, parse_yaml
from qa_audit.services.rubric_trials import run_examples
from tests.rubrics.calls import RUBRICS

GUIDE = (RUBRICS / "README.md").read_text(encoding="utf-8")
SNIPPETS = re.findall(r"^```yaml\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)
FRAME: dict[str, Any] = {
    "schema": "qa-audit/rubric@1",
    "id": "guide",
    "version": 1,
    "title": "Guide",
    "effective_from": "2026-12-01",
    "pass_mark": 80,
    "variables": {"brand": "Northwind"},
}
LINE: dict[str, Any] = {
    "id": "line",
    "title": "Line",
    "points": 5,
    "check": {"kind": "said", "any": ["{brand}"]},
}
RUBRIC_FIELDS = {field.alias or name for name, field in Rubric.model_fields.items()}
CRITERION_FIELDS = {field.alias or name for name, field in Criterion.model_fields.items()}


def rubric_of(snippet: str) -> Rubric:
    """Put a snippet into the smallest rubric that it can be a part of."""
    if snippet.startswith("schema:"):
        return load_rubric(snippet, "guide")
    data, _ = parse_yaml(snippet)
    assert isinstance(data, dict)
    if set(data) <= CRITERION_FIELDS:
        frame, line = FRAME, {**LINE, **data}
    else:
        assert set(data) <= RUBRIC_FIELDS, sorted(set(data) - RUBRIC_FIELDS)
        frame, line = {**FRAME, **data}, LINE
    return build_rubric({**frame, "sections": [{"id": "all", "title": "All", "criteria": [line]}]})


def test_the_guide_has_snippets_of_every_sort() -> None:
    assert len(SNIPPETS) >= 12
    assert sum(snippet.startswith("schema:") for snippet in SNIPPETS) == 1


@pytest.mark.parametrize("number", range(len(SNIPPETS)))
def test_a_snippet_is_valid(number: int) -> None:
    rubric = rubric_of(SNIPPETS[number])
    grave = [str(problem) for problem in lint(rubric) if problem.severity == "error"]
    assert grave == []


def test_the_first_rubric_does_what_it_says() -> None:
    trials = run_examples(rubric_of(SNIPPETS[0]))
    assert [trial.passed for trial in trials] == [True, True]


def test_every_kind_of_check_is_in_the_table() -> None:
    kinds = re.findall(r"'const': '([a-z_]+)'", str(Criterion.model_json_schema()["$defs"]))
    known = {kind for kind in kinds if kind != "qa-audit/rubric@1"}
    assert len(known) >= 14
    assert {kind for kind in known if f"`{kind}`" not in GUIDE} == set()


@pytest.mark.parametrize("name", sorted(path.name for path in RUBRICS.glob("*.yaml")))
def test_every_bundled_rubric_is_named(name: str) -> None:
    assert f"`{name}`" in GUIDE
