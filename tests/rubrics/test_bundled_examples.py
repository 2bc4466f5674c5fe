"""Every example written in the bundled rubrics comes out as it says, and every machine line has some."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from qa_audit.domain.rubric import Rubric
from qa_audit.domain.rubric.lint import lint
from qa_audit.services.rubric_files import load_rubric_file
from qa_audit.services.rubric_trials import run_examples
from tests.rubrics.calls import RUBRICS

BUNDLED = sorted(RUBRICS.glob("*.yaml"))


@cache
def rubric(path: Path) -> Rubric:
    return load_rubric_file(path)


@pytest.mark.parametrize("path", BUNDLED, ids=lambda path: path.stem)
def test_every_example_comes_out_as_it_says(path: Path) -> None:
    trials = run_examples(rubric(path))
    assert len(trials) >= 30
    assert [trial for trial in trials if not trial.passed] == []


@pytest.mark.parametrize("path", BUNDLED, ids=lambda path: path.stem)
def test_every_line_that_a_machine_answers_has_three_examples_of_different_answers(path: Path) -> None:
    for criterion in rubric(path).criteria:
        if criterion.check.kind == "manual":
            continue
        assert len(criterion.examples) >= 3, criterion.id
        assert len({example.answer for example in criterion.examples}) >= 2, criterion.id


@pytest.mark.parametrize("path", BUNDLED, ids=lambda path: path.stem)
def test_a_bundled_rubric_has_nothing_to_be_mended(path: Path) -> None:
    assert [str(problem) for problem in lint(rubric(path))] == []


@pytest.mark.parametrize("path", BUNDLED, ids=lambda path: path.stem)
def test_what_weighs_heavily_needs_a_note_when_it_fails(path: Path) -> None:
    for criterion in rubric(path).criteria:
        assert not criterion.is_grave or criterion.comment == "on_fail", criterion.id
