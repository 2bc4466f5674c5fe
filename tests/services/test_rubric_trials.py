"""Examples are run through the whole rubric; labelled calls are read, run and compared."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from qa_audit.domain.rubric import Rubric, build_rubric
from qa_audit.domain.script import scripted_call
from qa_audit.domain.statistics import Rate
from qa_audit.errors import Invalid
from qa_audit.services.labelled_calls import LabelledCall, read_file, read_folder, read_mapping
from qa_audit.services.rubric_trials import evaluate, run_examples

LONG = (
    "C: I have been trying to reach somebody about my refund for the whole of last week and nobody helped me."
)


def rubric_of(*criteria: dict[str, Any], **changes: Any) -> Rubric:
    lines = [{"title": criterion["id"], "points": 10, **criterion} for criterion in criteria]
    data = {
        "id": "tried",
        "version": 1,
        "title": "Tried",
        "effective_from": "2026-01-01",
        "pass_mark": 80,
        "variables": {"brand": "Northwind"},
        "sections": [{"id": "all", "title": "All", "criteria": lines}],
    }
    return build_rubric({**data, **changes})


GREET = {"id": "greet", "check": {"kind": "said", "any": ["{brand}"]}}
CLOSE = {
    "id": "close",
    "check": {"kind": "said", "any": ["have a nice day"]},
    "when": [{"criterion": "greet", "is": "yes"}],
}
TONE = {"id": "tone", "check": {"kind": "manual"}}
HELLO, THANKS = (
    "A: Hello, thank you for calling Northwind today.",
    "A: Hello, thank you for calling us today.",
)


def example(*lines: str, answer: str, **more: Any) -> dict[str, Any]:
    return {"lines": lines, "answer": answer, **more}


def test_examples_pass_and_fail_with_the_reason() -> None:
    examples = [example(HELLO, answer="yes"), example(THANKS, answer="yes")]
    first, second = run_examples(rubric_of({**GREET, "examples": examples}))
    assert (first.criterion, first.place, first.found, first.passed) == ("greet", 1, "yes", True)
    assert (second.place, second.expected, second.found, second.passed) == (2, "yes", "no", False)
    assert second.reason.startswith("Not said")


def test_any_of_several_answers_will_do() -> None:
    (trial,) = run_examples(rubric_of({**GREET, "examples": [example(THANKS, answer="unsure or no")]}))
    assert trial.passed


def test_what_other_criteria_find_counts() -> None:
    close = {**CLOSE, "examples": [example(THANKS, answer="not_applicable"), example(HELLO, answer="no")]}
    assert [trial.passed for trial in run_examples(rubric_of(GREET, close))] == [True, True]


def test_an_example_is_a_piece_of_a_call_and_never_too_short() -> None:
    rubric = rubric_of({**GREET, "examples": [example(HELLO, answer="yes")]}, not_for={"speech_under": 60})
    assert run_examples(rubric)[0].passed


def test_facts_of_an_example_are_those_of_its_call() -> None:
    greet = {
        **GREET,
        "na_when": [{"fact": "vip"}, "outbound"],
        "examples": [
            example(HELLO, answer="not_applicable", facts={"vip": True}),
            example(HELLO, answer="not_applicable", facts={"direction": "outbound"}),
            example("A: Hello, this is Star Air, good morning.", answer="yes", facts={"brand": "Star Air"}),
            example(HELLO, answer="yes", facts={"vip": False}),
        ],
    }
    assert [trial.found for trial in run_examples(rubric_of(greet))] == [
        "not_applicable",
        "not_applicable",
        "yes",
        "yes",
    ]


def test_the_examples_name_of_the_agent_is_on_file() -> None:
    name = {"id": "name", "check": {"kind": "own_name", "patterns": ["this is <name>"]}}
    yes = example("A: Good morning, this is Dana speaking, how can I help?", answer="yes", agent="Dana")
    assert run_examples(rubric_of({**name, "examples": [yes]}))[0].passed


def test_a_script_that_cannot_be_read_fails_with_its_line() -> None:
    (trial,) = run_examples(rubric_of({**GREET, "examples": [example(HELLO, "oops", answer="yes")]}))
    assert (trial.passed, trial.found) == (False, "not run")
    assert trial.reason.startswith("line 2: ")


def test_examples_of_lines_that_a_person_answers_are_not_run() -> None:
    tone = {**TONE, "examples": [example(HELLO, answer="yes"), example(HELLO, answer="manual")]}
    assert [(trial.place, trial.passed) for trial in run_examples(rubric_of(tone))] == [(2, True)]


def test_a_rubric_in_another_language_speaks_it() -> None:
    rubric = rubric_of({**GREET, "examples": [example(HELLO, answer="yes")]}, applies_to={"language": ["de"]})
    assert run_examples(rubric)[0].passed


def labelled(*lines: str, **labels: str) -> LabelledCall:
    return LabelledCall("made", "made.yaml", scripted_call([*lines, LONG]), labels)


def test_evaluation_counts_right_wrong_undecided_and_ignored() -> None:
    calls = [
        labelled(HELLO, greet="yes", close="no", tone="yes", other="no"),
        labelled(THANKS, greet="no", close="not_applicable"),
        labelled(THANKS, greet="yes"),
        labelled("A: Hello, thank you for calling north~0.3 wind~0.3 today.", greet="yes"),
    ]
    found = evaluate(rubric_of(GREET, CLOSE, TONE, not_for={"speech_under": 0}), calls)
    greet = dict(found.criteria)["greet"]
    answers = {figures.answer: figures for figures in greet.answers}
    assert (greet.labelled, greet.unsure, greet.right) == (4, Rate(1, 4), Rate(2, 3))
    assert (answers["yes"].precision, answers["yes"].recall) == (Rate(1, 1), Rate(1, 2))
    assert (answers["no"].precision, answers["no"].recall) == (Rate(1, 2), Rate(1, 1))
    assert dict(found.criteria)["close"].right == Rate(2, 2)
    assert dict(found.criteria)["tone"].manual == 1
    pooled = found.pooled
    assert (pooled.labelled, pooled.manual, pooled.decided, pooled.right) == (6, 1, Rate(5, 6), Rate(4, 5))
    assert (pooled.together.precision, pooled.together.recall) == (Rate(3, 4), Rate(3, 4))
    assert (found.calls, found.ignored) == (4, 1)
    (wrong,) = found.wrong
    assert (wrong.criterion, wrong.expected, wrong.found) == ("greet", "yes", "no")
    assert wrong.reason


SPEED = {
    "id": "speed",
    "check": {"kind": "acoustic", "measure": "speed"},
    "scale": {
        "unit": "words a minute",
        "most": 400,
        "ranges": [{"up_to": 100, "percent": 0}, {"percent": 100, "label": "fast"}],
    },
}


@pytest.mark.parametrize(("label", "right"), [("250", True), ("50", False), ("fast", None)])
def test_numbers_are_compared_by_their_ranges(label: str, right: bool | None) -> None:
    rubric = rubric_of(SPEED, not_for={"speech_under": 0})
    call = labelled(*[HELLO, LONG] * 10, speed=label)
    if right is None:
        with pytest.raises(Invalid, match="must be a number"):
            evaluate(rubric, [call])
        return
    found = evaluate(rubric, [call])
    assert found.pooled.right == Rate(int(right), 1)
    assert [(one.expected, one.found) for one in found.wrong] == ([] if right else [("up to 100", "fast")])
    example = {"lines": [HELLO] * 10, "answer": label}
    assert run_examples(rubric_of({**SPEED, "examples": [example]}))[0].passed is right


def test_a_label_that_the_scale_does_not_have_is_refused() -> None:
    with pytest.raises(Invalid, match=r"made\.yaml: labels: 'maybe' is no answer to 'greet'"):
        evaluate(rubric_of(GREET), [labelled(HELLO, greet="maybe")])


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_holds_lines_facts_and_labels(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "call.yaml",
        "name: one\nagent: Dana\nagent_aliases: [Di]\nvendor: Acme\ndirection: outbound\n"
        "queue: refunds\nlanguage: en-GB\n"
        "facts: {vip: true}\nvariables: {brand: Star}\nmore: x\n"
        'lines: ["A: Hello~0.4 there."]\nlabels: {a: yes, b: no, c: "yes", d: 3, e: n/a, f: null, g: No}\n',
    )
    found = read_file(path)
    facts = found.call.facts
    assert (found.name, found.file, found.unknown) == ("one", "call.yaml", ("more",))
    assert found.labels == {"a": "yes", "b": "no", "c": "yes", "d": "3", "e": "not_applicable", "g": "no"}
    assert (facts.agent_name, facts.vendor, facts.direction, facts.queue) == (
        "Dana",
        "acme",
        "outbound",
        "refunds",
    )
    assert facts.agent_aliases == ("Di",)
    assert (facts.facts, facts.variables) == ({"vip": True}, {"vendor_name": "Acme", "brand": "Star"})
    assert found.call.transcript.language == "en-GB"


def test_lines_without_quotes_are_mended(tmp_path: Path) -> None:
    path = write(
        tmp_path, "c.yaml", "lines:\n  - A: Hello there.\n  - [9 s silence]\n  - C: Hi.\nlabels: {a: yes}\n"
    )
    first, second = read_file(path).call.transcript.segments
    assert (first.text, second.text) == ("Hello there.", "Hi.")
    assert second.start - first.end > 8.9


TRANSCRIPT = {
    "schema": "qa-audit/transcript@1",
    "language": "en",
    "duration": 12.5,
    "layout": "stereo-agent-left",
    "engine": {"name": "x", "model": "y"},
    "segments": [{"id": 7, "speaker": "agent", "start": 0.5, "end": 3.0, "text": "Thank you for calling."}],
}


def test_a_file_may_hold_a_transcript(tmp_path: Path) -> None:
    text = json.dumps({"transcript": TRANSCRIPT, "labels": {"a": "yes"}, "agent": "Dana"})
    found = read_file(write(tmp_path, "call.json", text))
    assert (found.name, found.call.facts.agent_name) == ("call", "Dana")
    assert [segment.id for segment in found.call.transcript.segments] == [7]
    assert found.call.facts.speech["agent"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("lines: ['A: x']", "labels: is missing"),
        ("lines: ['A: x']\nlabels: {a: [yes]}", "labels: a: must be one answer"),
        ("labels: {a: yes}", "give either 'lines' or 'transcript'"),
        ("lines: ['A: x']\ntranscript: {}\nlabels: {a: yes}", "give either"),
        ("lines: ['A: x', 'oops']\nlabels: {a: yes}", "lines: line 2: is none of"),
        ("lines: ['A: x', 5]\nlabels: {a: yes}", "lines: line 2: must be text"),
        ("lines: A\nlabels: {a: yes}", "lines: must be a list"),
        ("lines: ['A: x']\nlayout: both\nlabels: {a: yes}", "layout: must be one of"),
        ("lines: ['A: x']\ndirection: up\nlabels: {a: yes}", "direction: must be inbound or outbound"),
        ("lines: ['A: x']\nfacts: 5\nlabels: {a: yes}", "facts: must hold named values"),
        ("lines: ['A: x']\nagent_aliases: Di\nlabels: {a: yes}", "agent_aliases: must be a list of texts"),
        ("lines: ['A: x']\nagent: [a]\nlabels: {a: yes}", "agent: must be text"),
        ("transcript: {schema: qa-audit/transcript@1, segments: []}\nlabels: {a: yes}", "there are no words"),
        ("transcript: [1]\nlabels: {a: yes}", "must be an object"),
        ("lines: [\nlabels: {a: yes}", "line 3: is not YAML"),
        ("lines: ['A: x']\nlabels: {a: yes, a: no}", "labels.a: is given twice"),
        ("- 1", "must hold named values"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_in_one_line(text: str, words: str, tmp_path: Path) -> None:
    path = write(tmp_path, "bad.yaml", text)
    with pytest.raises(Invalid) as caught:
        read_file(path)
    assert caught.value.message.startswith("bad.yaml: ")
    assert words in caught.value.message
    assert "\n" not in caught.value.message


def test_every_bad_file_of_a_folder_is_named(tmp_path: Path) -> None:
    for name in ("b.yaml", "a.yml"):
        write(tmp_path, name, "labels: {}")
    write(tmp_path, "notes.txt", "no call")
    with pytest.raises(Invalid) as caught:
        read_folder(tmp_path)
    assert [line.split(":")[0] for line in caught.value.message.splitlines()] == ["a.yml", "b.yaml"]


def test_a_folder_must_hold_calls(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="holds no labelled calls"):
        read_folder(tmp_path)
    with pytest.raises(Invalid, match="is no folder"):
        read_folder(tmp_path / "none")
    with pytest.raises(Invalid, match="is a folder"):
        read_mapping(tmp_path)


def test_calls_come_in_order_of_their_names(tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    for name in ("b.yaml", "more/a.yaml", "a.json"):
        write(tmp_path, name, json.dumps({"lines": ["A: x"], "labels": {"a": "yes"}}))
    assert [call.file for call in read_folder(tmp_path)] == ["a.json", "b.yaml", "a.yaml"]
