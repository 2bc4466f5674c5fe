"""The difference of two rubrics in words, and whether people, scores or the machine are touched by it."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from qa_audit.domain.rubric import Rubric, build_rubric
from qa_audit.domain.rubric.changes import changes

BASE = """
id: manners
version: 1
title: Manners
effective_from: 2026-01-01
pass_mark: 80
variables: {brand: [Acme, Acme Air]}
applies_to: {language: [en]}
sections:
  - id: open
    title: Opening
    weight: 20
    criteria:
      - id: greeting
        title: Greets
        points: 10
        guidance: Short and friendly.
        check: {kind: said, what: a greeting, any: [good morning, hello], within: [{first_seconds: 20}]}
      - {id: name, title: Gives the name, points: 5, check: {kind: manual}}
      - {id: help, title: Offers help, points: 5, check: {kind: manual}}
  - id: close
    title: Closing
    weight: 80
    criteria:
      - {id: bye, title: Says goodbye, points: 5, fatal: true, check: {kind: manual}}
      - id: tone
        title: Tone
        points: 5
        scale: [{value: 0, label: cold}, {value: 1, label: fine}, {value: 2, label: warm}]
        check: {kind: manual}
      - id: waits
        title: Waits
        points: 5
        scale: {unit: times, most: 9, ranges: [{up_to: 1, percent: 100}, {percent: 0}]}
        check: {kind: manual}
"""


def rubric(*path_and_value: Any) -> Rubric:
    data = yaml.safe_load(BASE)
    for path, value in path_and_value:
        at = data
        *above, last = path
        for step in above:
            at = at[step]
        if value is None:
            del at[last]
        else:
            at[last] = value
    return build_rubric(data)


def line(section: int, number: int, field: str) -> tuple[Any, ...]:
    return ("sections", section, "criteria", number, field)


def told(*path_and_value: Any) -> list[str]:
    return [f"{found.kind}: {found}" for found in changes(rubric(), rubric(*path_and_value))]


def test_the_same_rubric_has_no_changes_and_the_number_of_the_version_is_none() -> None:
    assert told((("version",), 2)) == []


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (("title",), "Good manners", 'wording: rubric: title Manners → "Good manners"'),
        (("description",), "For all.", 'wording: rubric: description added: "For all."'),
        (("effective_from",), "2026-02-01", "wording: rubric: effective from 2026-01-01 → 2026-02-01"),
        (("pass_mark",), 85, "scoring: rubric: pass mark 80 → 85"),
        (("fatal_score",), "kept", "scoring: rubric: fatal score zero → kept"),
        (("variables", "brand"), ["Acme"], 'machine: rubric: variables brand "Acme Air" removed'),
        (("applies_to", "language"), ["en", "de"], "machine: rubric: applies to language de added"),
        (("sections", 1, "weight"), 30, "scoring: section close: weight 80 → 30"),
        (("sections", 1, "title"), "End", "wording: section close: title Closing → End"),
        (line(0, 0, "points"), 5, "scoring: greeting: points 10 → 5"),
        (line(0, 0, "guidance"), "Smile. " * 12, "wording: greeting: guidance changed"),
        (line(0, 0, "guidance"), None, 'wording: greeting: guidance removed: "Short and friendly."'),
        (line(0, 0, "critical"), True, "scoring: greeting: critical now"),
        (line(0, 0, "bonus"), True, "scoring: greeting: bonus now"),
        (line(1, 0, "fatal"), False, "scoring: bye: fatal no longer"),
        (line(0, 0, "comment"), "on_fail", "wording: greeting: comment optional → on_fail"),
        (line(0, 0, "key"), "g", "wording: greeting: key added: g"),
        (
            line(0, 0, "examples"),
            [{"lines": ["A: hello"], "answer": "yes"}],
            'wording: greeting: example lines "A: hello", answer yes added',
        ),
        (line(0, 0, "na_when"), ["outbound"], "machine: greeting: condition of 'not applicable' event"),
        (line(0, 1, "check"), {"kind": "readback"}, "machine: name: check manual → readback"),
        (line(1, 1, "scale"), "yes_no", "scoring: tone: scale 3 levels → yes or no"),
    ],
)
def test_a_single_edit_is_told_in_words_with_its_kind(path: Any, value: Any, words: str) -> None:
    (found,) = told((path, value))
    assert found.startswith(words)


def test_phrases_and_windows_are_named() -> None:
    check = {
        "kind": "said",
        "what": "a greeting",
        "any": ["hello", "good day"],
        "within": [{"first_seconds": 30}],
    }
    assert told((line(0, 0, "check"), check)) == [
        "machine: greeting: within first seconds 20 → 30",
        'machine: greeting: phrase "good morning" removed',
        'machine: greeting: phrase "good day" added',
    ]
    check["within"] = [{"first_seconds": 20}]
    check["any"] = ["hello", "good morning"]
    assert told((line(0, 0, "check"), check)) == ["machine: greeting: any: another order"]


def test_levels_and_ranges_tell_values_from_labels() -> None:
    levels = [{"value": 0, "label": "icy"}, {"value": 2, "label": "warm"}, {"value": 3, "label": "glowing"}]
    assert told((line(1, 1, "scale"), levels)) == [
        "wording: tone: label cold → icy",
        "scoring: tone: level 1 removed",
        "scoring: tone: level 3 added: glowing",
    ]
    ranges = {"unit": "times", "most": 9, "ranges": [{"up_to": 2, "percent": 100}, {"percent": 0}]}
    assert told((line(1, 2, "scale"), ranges)) == ["scoring: waits: scale ranges up to 1 → 2"]
    unit = {"unit": "waits", "most": 9, "ranges": [{"up_to": 1, "percent": 100}, {"percent": 0}]}
    assert told((line(1, 2, "scale"), unit)) == ["wording: waits: scale unit times → waits"]


def test_lines_are_added_moved_and_removed() -> None:
    first, second, third = (rubric().sections[0].criteria[i].model_dump(by_alias=True) for i in range(3))
    fourth = {"id": "thanks", "title": "Gives thanks", "points": 3, "check": {"kind": "manual"}}
    heard = {**fourth, "id": "heard", "check": {"kind": "said", "what": "thanks", "any": ["thank you"]}}
    assert told((("sections", 0, "criteria"), [third, first, second])) == [
        "wording: help: moved within its section"
    ]
    assert told((("sections", 0, "criteria"), [first, fourth, third, heard])) == [
        "scoring: thanks: added to section open: Gives thanks, 3 points",
        "machine: heard: added to section open: Gives thanks, 3 points",
        "scoring: name: removed: Gives the name",
    ]
    close = [c.model_dump(by_alias=True) for c in rubric().sections[1].criteria]
    both = ((("sections", 0, "criteria"), [first, second]), (("sections", 1, "criteria"), [*close, third]))
    assert told(*both) == ["scoring: help: moved from section open to close"]


def test_sections_are_added_moved_and_removed() -> None:
    first, second = (section.model_dump(by_alias=True) for section in rubric().sections)
    assert told((("sections",), [second, first])) in (
        ["wording: section close: moved"],
        ["wording: section open: moved"],
    )
    assert told((("sections",), [first])) == [
        "scoring: bye: removed: Says goodbye",
        "scoring: tone: removed: Tone",
        "scoring: waits: removed: Waits",
        "scoring: section close: removed: Closing",
    ]
    back = [str(found) for found in changes(rubric((("sections",), [first])), rubric())]
    assert back[0] == "section close: added: Closing, weight 80"
