"""`qa-audit rubric`: what it prints, where, and how it ends."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from qa_audit.cli.main import main
from tests.rubrics.calls import RUBRICS, demo_call, scripts
from tests.rubrics.test_rubric_files import GOOD

WITH_EXAMPLES = (
    GOOD
    + """        examples:
          - lines: ["A: Thank you for calling Northwind."]
            answer: yes
          - lines: ["A: Thank you for calling us today."]
            answer: yes
      - id: tone
        title: Tone
        points: 5
        check: {kind: manual}
"""
)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["rubric", *map(str, arguments)])


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "good.yaml"
    path.write_text(GOOD, encoding="utf-8")
    return path


@pytest.fixture
def transcript(tmp_path: Path) -> Path:
    path = tmp_path / "call.json"
    path.write_text(json.dumps(demo_call(scripts()[0]).transcript.to_json()), encoding="utf-8")
    return path


def changed(path: Path, old: str, new: str) -> Path:
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    return path


def test_check_says_that_a_rubric_is_fine(good: Path) -> None:
    result = run("check", good)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == f"{good}: fine: Good, version 1, 1 criterion.\n"


def test_check_names_file_line_and_place_of_everything_wrong(good: Path) -> None:
    result = run("check", changed(good, "points: 10", "pionts: 10"))
    assert result.exit_code == 1
    assert (
        f"{good}: line 15: sections[0].criteria[0].pionts: is not a known field; did you mean 'points'?"
        in (result.stderr.splitlines())
    )


def test_a_warning_is_told_and_is_no_error(good: Path) -> None:
    result = run("check", changed(good, "{brand: Northwind}", "{brand: Northwind, fee: 5}"))
    assert result.exit_code == 0
    assert result.stderr == f"{good}: line 8: warning: variables.fee: the variable '{{fee}}' is never used\n"
    assert "fine" in result.stdout


def test_what_the_linter_calls_an_error_fails_the_check(good: Path) -> None:
    result = run("check", changed(good, "points: 10", "points: 10\n        key: k"))
    assert result.exit_code == 1
    assert "line 16: sections[0].criteria[0].key: the key 'k' plays and pauses" in result.stderr


def test_check_takes_several_files_and_goes_on_after_a_bad_one(good: Path, tmp_path: Path) -> None:
    result = run("check", tmp_path / "none.yaml", tmp_path, good)
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        f"{tmp_path / 'none.yaml'}: cannot be read: No such file or directory",
        f"{tmp_path}: is a folder; name a rubric's file",
    ]
    assert f"{good}: fine" in result.stdout


def test_very_many_problems_are_cut(good: Path) -> None:
    result = run(
        "check",
        changed(good, "points: 10", "points: 10\n" + "".join(f"        x{n}: 1\n" for n in range(400))),
    )
    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 51
    assert result.stderr.splitlines()[-1].endswith("more")


def test_a_command_without_files_is_wrong_usage() -> None:
    assert run("check").exit_code == 2
    assert run("test").exit_code == 2


@pytest.mark.parametrize("command", [(), ("check",), ("test",), ("score",), ("evaluate",)])
def test_every_command_has_help_with_an_example(command: tuple[str, ...]) -> None:
    result = run(*command, "--help")
    assert result.exit_code == 0
    assert "Example: qa-audit rubric" in result.stdout


def test_test_lists_failing_examples_with_line_and_reason(tmp_path: Path) -> None:
    path = tmp_path / "tested.yaml"
    path.write_text(WITH_EXAMPLES, encoding="utf-8")
    result = run("test", path)
    assert result.exit_code == 1
    failing, count, without = result.stdout.splitlines()
    assert failing.startswith(f"{path}: line 22: greet, example 2: expected yes, found no: Not said")
    assert count == f"{path}: 1 of 2 examples as expected."
    assert without == f"{path}: Without examples: tone."


def test_test_succeeds_when_every_example_is_as_expected(tmp_path: Path) -> None:
    path = tmp_path / "tested.yaml"
    path.write_text(WITH_EXAMPLES.replace("for calling us", "for calling Northwind"), encoding="utf-8")
    result = run("test", path)
    assert result.exit_code == 0
    assert "2 of 2 examples as expected." in result.stdout


def test_test_of_a_broken_rubric_says_what_is_wrong(good: Path) -> None:
    result = run("test", changed(good, "points", "pionts"))
    assert result.exit_code == 1
    assert "line 15" in result.stderr


def test_score_gives_the_pre_score_as_json(transcript: Path) -> None:
    result = run("score", "--rubric", RUBRICS / "service_quality.yaml", "--transcript", transcript, "--json")
    assert result.exit_code == 0, result.stderr
    (found,) = json.loads(result.stdout)["prescores"]
    assert found["schema"] == "qa-audit/prescore@1"
    assert found["rubric"]["id"] == "service-quality"
    assert len(found["rubric"]["sha256"]) == 64
    assert found["score"]["outcome"] in ("pass", "fail", "undetermined")
    texts = {s["id"]: s["text"] for s in json.loads(transcript.read_text(encoding="utf-8"))["segments"]}
    quotes = [item for line in found["criteria"] for item in line["evidence"] if item["kind"] == "words"]
    assert quotes
    masked = [item for item in quotes if item["quote"] not in texts[item["segment"]]]
    assert all("\u2022" in item["quote"] for item in masked)


def test_score_is_readable_without_json(good: Path, transcript: Path) -> None:
    result = run("score", "--rubric", good, "--transcript", transcript)
    assert result.exit_code == 0
    first, line, last = result.stdout.splitlines()
    assert first == "Good, version 1"
    assert line.split()[:2] == ["greet", "yes"]
    assert last == "Score: 100 % (10 of 10 points), pass, 0 open."


def test_facts_are_those_of_the_call(good: Path, transcript: Path, tmp_path: Path) -> None:
    changed(good, "        check:", "        na_when: [{fact: vip}, outbound]\n        check:")
    for facts in ("{vip: yes}", "{facts: {vip: true}}", "{direction: outbound}"):
        path = tmp_path / "facts.yaml"
        path.write_text(facts, encoding="utf-8")
        result = run("score", "--rubric", good, "--transcript", transcript, "--facts", path)
        assert "not applicable" in result.stdout, facts
    path.write_text("{direction: up}", encoding="utf-8")
    result = run("score", "--rubric", good, "--transcript", transcript, "--facts", path)
    assert result.exit_code == 2
    assert result.stderr == f"qa-audit: {path}: direction: must be inbound or outbound\n"


SRT = "1\n00:00:01,000 --> 00:00:04,000\nThank you for calling Northwind.\n"


def test_an_imported_format_that_names_no_speakers_is_not_assessed(good: Path, tmp_path: Path) -> None:
    path = tmp_path / "call.srt"
    path.write_text(SRT, encoding="utf-8")
    changed(good, "variables:", "not_for: {speech_under: 0}\nvariables:")
    result = run("score", "--rubric", good, "--transcript", path)
    assert result.exit_code == 0, result.stderr
    assert "not assessed" in result.stdout


def segment(**changes: Any) -> dict[str, Any]:
    return {"id": 0, "speaker": "agent", "start": 0.0, "end": 2.0, "text": "Hello there.", **changes}


def document(*segments: object, **changes: Any) -> str:
    head = {"schema": "qa-audit/transcript@1", "duration": 9.0, "layout": "stereo-agent-left"}
    return json.dumps({**head, "engine": {"name": "x", "model": "y"}, "segments": segments, **changes})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "none of the formats"),
        ("{", "line 1: this is no JSON"),
        ("{}", "none of the formats"),
        ("[" * 100_000, "nested too deeply"),
        ("{" + '"a":{' * 50_000, "nested too deeply"),
        (document(), "holds no words"),
        (document(segment(text="  ")), "holds no words"),
        (document(segment(), schema="qa-audit/transcript@9"), "only qa-audit/transcript@1"),
        (document(5), "segments[0]: must be an object"),
        (document(segment(start=-1)), "segments[0]: a time is negative"),
        (document(segment(end=1e300)), "more than 24 hours"),
        (document(segment(start="x")), "segments[0].start: must be a number"),
        (document(segment()).replace("2.0", "NaN"), "a number is none"),
        (document(segment()).replace("2.0", "9" * 5000), "a number is none, or has too many digits"),
        (document(segment(speaker="boss")), "segments[0].speaker: must be one of"),
        (document(segment(text=None)), "segments[0].text: is missing"),
        (document(segment(text="x" * 20_000)), "longer than"),
        (
            document(segment(words=[{"start": 0, "end": 1, "text": 5}])),
            "segments[0].words[0].text: must be a text",
        ),
        (document(segment(words=[{"start": 3, "end": 1, "text": "x"}])), "the end is before the start"),
        (
            document(segment(words=[{"start": 0, "end": 1, "text": "x", "probability": 7}])),
            "must lie between 0 and 1",
        ),
        (document(segment(words="x")), "segments[0].words: must be a list"),
        (document(segment(), segment()), "two segments have the same id"),
        (document(segment(id="x")), "segments.0.id"),
        (document(segment(), duration=-5), "duration: must lie between"),
        (document(segment(), layout="both"), "layout"),
        (document(segment(), language=5), "language"),
        (document(segment(), engine=5), "engine"),
        (document(segment(), notes="x"), "notes"),
        (document(segment()).replace('"segments"', '"segmnets"'), "segments: is missing"),
    ],
)
def test_a_hostile_transcript_is_one_clear_line(good: Path, tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "bad.json"
    path.write_text(text, encoding="utf-8")
    result = run("score", "--rubric", good, "--transcript", path, "--json")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("qa-audit: bad.json: ")
    assert words in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_odd_but_harmless_transcripts_are_scored(good: Path, tmp_path: Path) -> None:
    path = tmp_path / "odd.json"
    odd = segment(id=4, text="Hi \ud800 there\u0000.", words=[{"start": 0, "end": 0, "text": " "}])
    path.write_text(document(segment(id=9, start=1.5), odd, duration=0), encoding="utf-8")
    result = run("score", "--rubric", good, "--transcript", path, "--json")
    assert result.exit_code == 0, result.stderr


def test_a_broken_rubric_is_one_line_with_the_number_of_others(good: Path, transcript: Path) -> None:
    result = run("score", "--rubric", changed(good, "points", "pionts"), "--transcript", transcript)
    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 1
    assert "And 1 more: see 'qa-audit rubric check" in result.stderr


def test_missing_files_are_named(good: Path, transcript: Path, tmp_path: Path) -> None:
    for arguments in (
        ("--rubric", tmp_path / "none", "--transcript", transcript),
        ("--rubric", good, "--transcript", tmp_path / "none"),
        ("--rubric", good, "--transcript", transcript, "--facts", tmp_path / "none"),
        ("--rubric", good, "--transcript", tmp_path),
    ):
        result = run("score", *arguments)
        assert result.exit_code == 2
        assert len(result.stderr.splitlines()) == 1
        assert "none: cannot be read: No such file" in result.stderr or "is a folder" in result.stderr


CALL = {
    "lines": [
        "A: Thank you for calling Northwind, how can I help you today?",
        "C: I want my money back please.",
    ]
    * 4,
    "labels": {"greet": "yes", "other": "no"},
}


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    folder = tmp_path / "labels"
    folder.mkdir()
    wrong = {**CALL, "labels": {"greet": "no"}, "name": "wrongly labelled", "odd": 1}
    for name, call in (("a.json", CALL), ("b.json", CALL), ("c.json", wrong)):
        (folder / name).write_text(json.dumps(call), encoding="utf-8")
    return folder


def test_evaluate_shows_figures_and_wrong_answers(good: Path, labels: Path) -> None:
    result = run("evaluate", "--rubric", good, "--labels", labels)
    assert result.exit_code == 0, result.stderr
    assert result.stdout.startswith("Good, version 1: 3 labels in 3 calls\n2 labels are of lines")
    assert "Right of the decided: 66.7 % (2 of 3; 20.8 to 93.9 %)" in result.stdout
    assert "c.json (wrongly labelled): greet: expected no, found yes: Said" in result.stdout
    assert result.stderr == "c.json: not known and left out: odd\n"


def test_evaluate_as_json(good: Path, labels: Path) -> None:
    found = json.loads(run("evaluate", "--rubric", good, "--labels", labels, "--json").stdout)
    assert (found["calls"], found["ignored_labels"]) == (3, 2)
    assert found["pooled"]["right"] == {
        "count": 2,
        "base": 3,
        "share": pytest.approx(2 / 3),
        "low": pytest.approx(0.2077, abs=1e-4),
        "high": pytest.approx(0.9385, abs=1e-4),
    }
    assert found["pooled"]["answers"]["no"]["precision"]["share"] is None
    assert (found["pooled"]["kappa"], found["criteria"][0]["id"]) == (0.0, "greet")
    assert found["wrong"][0]["found"] == "yes"


def test_evaluate_names_every_file_that_cannot_be_used(good: Path, labels: Path) -> None:
    (labels / "d.yaml").write_text("lines: ['oops']\nlabels: {a: yes}", encoding="utf-8")
    (labels / "e.yaml").write_text("- 1", encoding="utf-8")
    result = run("evaluate", "--rubric", good, "--labels", labels)
    assert result.exit_code == 2
    assert "d.yaml: lines: line 1: is none of" in result.stderr
    assert "e.yaml: must hold named values" in result.stderr
