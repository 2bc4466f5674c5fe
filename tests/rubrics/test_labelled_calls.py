"""The labelled calls can be read, know the criteria, and hold every answer often enough to say something."""

from __future__ import annotations

from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from qa_audit.services.labelled_calls import LabelledCall, labels_for, read_folder
from qa_audit.services.rubric_trials import evaluate
from tests.rubrics.calls import HERE, rubrics


@cache
def labelled() -> tuple[LabelledCall, ...]:
    return read_folder(HERE / "labelled")


def test_there_are_sixty_calls_with_names_of_their_own() -> None:
    names = [call.name for call in labelled()]
    assert len(names) >= 60
    assert len(set(names)) == len(names)


def test_every_field_and_every_label_is_known() -> None:
    known = {criterion.id for rubric in rubrics().values() for criterion in rubric.criteria}
    for call in labelled():
        assert call.unknown == (), call.file
        assert call.labels.keys() <= known, call.file
        assert sum(len(labels_for(rubric, call)) for rubric in rubrics().values()) == len(call.labels)


@pytest.mark.parametrize("name", ["brand", "service"])
def test_every_machine_answered_criterion_has_several_of_every_answer(name: str) -> None:
    counts = Counter((id, label) for call in labelled() for id, label in call.labels.items())
    for criterion in rubrics()[name].criteria:
        if criterion.check.kind == "manual":
            continue
        assert counts[criterion.id, "yes"] >= 5, criterion.id
        assert counts[criterion.id, "no"] >= 3, criterion.id


@pytest.mark.parametrize("name", ["brand", "service"])
def test_decided_answers_are_right_and_few_are_left_open(name: str) -> None:
    pooled = evaluate(rubrics()[name], labelled()).pooled
    assert pooled.labelled > 500
    assert (pooled.together.precision.share or 0) >= 0.95
    assert (pooled.together.recall.share or 0) >= 0.90
    assert (pooled.unsure.share or 0) <= 0.15
    assert (pooled.agreement.ac1 or 0) >= 0.9


def test_files_are_where_the_documentation_says() -> None:
    assert (Path(HERE).parents[1] / "docs" / "labelled-calls.md").is_file()
