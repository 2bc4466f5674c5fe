"""The twelve calls get exactly the answers they were written for, under both rubrics."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from qa_audit.domain.call import Call
from qa_audit.domain.findings import PreScore
from qa_audit.domain.prescore import prescore
from qa_audit.domain.redact import find_spans, mask
from qa_audit.domain.transcript import Transcript, Word
from tests.rubrics.calls import demo_call, place_call, rubrics, scripts, segment_of

MANIFEST = Path(__file__).parents[2] / "qa_audit" / "demo" / "manifest.json"
WRITTEN = [(style, by_sentence) for style in ("words", "numerals", "bare") for by_sentence in (False, True)]


def masked(call: Call) -> Transcript:
    return mask(call.transcript, find_spans(call.transcript))


@cache
def prescored(number: int, style: str, by_sentence: bool) -> dict[str, PreScore]:
    call = demo_call(scripts()[number], style=style, by_sentence=by_sentence)
    return {name: prescore(rubric, call, masked(call)) for name, rubric in rubrics().items()}


def expected(script: dict[str, Any], code: str | None) -> str:
    if code == "B10":
        return "manual"
    if code in script["faults"]:
        return "no"
    return "not_applicable" if code in script["na"] else "yes"


def answers(prescores: dict[str, PreScore]) -> dict[str, str]:
    """Return the answer or status of every line, by code."""
    found = {}
    for name, rubric in rubrics().items():
        for line in prescores[name].criteria:
            answer = line.answer if line.status == "decided" else line.status
            found[str(rubric.criterion(line.id).code)] = str(answer)
    return found


@pytest.mark.parametrize(("style", "by_sentence"), WRITTEN)
@pytest.mark.parametrize("number", range(12))
def test_every_answer_is_as_written(number: int, style: str, by_sentence: bool) -> None:
    found = answers(prescored(number, style, by_sentence))
    assert found == {code: expected(scripts()[number], code) for code in found}
    assert len(found) == 20


@pytest.mark.parametrize("number", range(12))
def test_scores_are_as_in_the_table(number: int) -> None:
    script, scores = scripts()[number], prescored(number, "words", False)
    assert scores["brand"].score.percent == script["brand"]
    assert scores["service"].score.percent == script["service"]
    assert scores["service"].score.percent_without_fatal == script["service_without_fatal"]


@pytest.mark.parametrize("number", range(12))
def test_suspected_fatals_and_criticals_are_as_written(number: int) -> None:
    script, scores = scripts()[number], prescored(number, "words", False)
    codes = {c.id: c.code for rubric in rubrics().values() for c in rubric.criteria}
    fatal = [codes[id] for score in scores.values() for id in score.score.suspected_fatal]
    critical = [codes[id] for score in scores.values() for id in score.score.suspected_critical]
    assert (fatal, critical) == (script["fatal"], script["critical"])


@pytest.mark.parametrize("number", range(12))
def test_outcomes_follow_from_the_scores(number: int) -> None:
    script, scores = scripts()[number], prescored(number, "words", False)
    assert scores["brand"].score.outcome == ("pass" if script["brand"] == 100 else "fail")
    assert scores["service"].score.outcome == ("pass" if script["service"] >= 85 else "fail")
    assert scores["brand"].score.open == 1
    assert scores["service"].score.open == 0


@pytest.mark.parametrize("style", ["words", "numerals", "bare"])
@pytest.mark.parametrize("number", range(12))
def test_every_quote_is_verbatim_in_its_masked_segment(number: int, style: str) -> None:
    shown = masked(demo_call(scripts()[number], style=style, by_sentence=True))
    texts = {segment.id: segment for segment in shown.segments}
    quotes = 0
    for score in prescored(number, style, True).values():
        for line in score.criteria:
            for item in line.evidence:
                if item.kind != "words":
                    assert item.quote is None
                    continue
                segment = texts[item.segment or 0]
                assert item.quote
                assert item.quote in segment.text
                assert item.speaker == segment.speaker
                assert segment.start - 0.01 <= item.start < item.end <= segment.end + 0.01
                quotes += 1
    assert quotes > 10


@pytest.mark.parametrize("number", range(12))
def test_decided_answers_have_evidence_and_a_plain_reason(number: int) -> None:
    for score in prescored(number, "words", False).values():
        for line in score.criteria:
            assert line.reason.endswith(".")
            if line.status == "decided":
                assert line.evidence, line.id
                assert line.certainty in ("sure", "fairly_sure")
            else:
                assert line.certainty is None
                assert line.points is None


def test_no_card_digit_reaches_a_prescore() -> None:
    for style in ("words", "numerals", "bare"):
        for number in (3, 10):
            text = json.dumps([s.to_json() for s in prescored(number, style, False).values()]).lower()
            for digits in ("eight two eight two", "four one one one", "8282", "4111", "two one zero", "8210"):
                assert digits not in text


def test_reasons_never_show_what_was_said() -> None:
    for number in range(12):
        for score in prescored(number, "words", False).values():
            for line in score.criteria:
                for word in ("lee", "brown", "young", "green", "four two", "dana", "4271", "two hundred"):
                    assert word not in line.reason.lower()


PLANTED = {
    ("06", "B5"): "voucher",
    ("07", "B4"): "Star Air",
    ("07", "B7"): "They have a rule",
    ("08", "B5"): "voucher",
    ("08", "B7"): "They have it open",
    ("10", "S8"): "I promise you will have the money tomorrow",
    ("11", "S9"): "tell me your whole card number",
    ("12", "S1"): "two hundred and ten dollars",
}


@pytest.mark.parametrize(("id", "code"), PLANTED)
def test_evidence_of_a_planted_fault_lies_within_a_second_of_its_words(id: str, code: str) -> None:
    script = next(s for s in scripts() if s["id"] == id)
    call = demo_call(script)
    start, end = time_of(call, PLANTED[id, code])
    line = line_of(prescored(int(id) - 1, "words", False), code)
    assert any(abs(item.start - start) <= 1 and abs(item.end - end) <= 1 for item in line.evidence)


def time_of(call: Call, phrase: str) -> tuple[float, float]:
    wanted = phrase.lower().split()
    for segment in call.transcript.segments:
        texts = [word.text.strip(".,?!").lower() for word in segment.words or ()]
        for at in range(len(texts) - len(wanted) + 1):
            if texts[at : at + len(wanted)] == wanted and segment.words:
                return segment.words[at].start, segment.words[at + len(wanted) - 1].end
    raise AssertionError(phrase)


def line_of(prescores: dict[str, PreScore], code: str) -> Any:
    for name, rubric in rubrics().items():
        for line in prescores[name].criteria:
            if rubric.criterion(line.id).code == code:
                return line
    raise AssertionError(code)


def test_evidence_of_the_silence_is_the_measured_stretch() -> None:
    item = line_of(prescored(8, "words", False), "S5").evidence[0]
    assert item.kind == "span"
    assert item.unit == "s"
    assert item.value == pytest.approx(22, abs=0.5)
    assert item.end - item.start == pytest.approx(item.value, abs=0.01)


def twisted(id: str, change: dict[str, str], drop: str = "") -> dict[str, str]:
    script = dict(next(s for s in scripts() if s["id"] == id))
    lines = [line for line in script["lines"] if not drop or line != drop]
    for old, new in change.items():
        assert any(old in line for line in lines), old
        lines = [line.replace(old, new) for line in lines]
    script["lines"] = lines
    call = demo_call(script)
    return answers({name: prescore(rubric, call, masked(call)) for name, rubric in rubrics().items()})


@pytest.mark.parametrize(
    ("id", "change", "flipped"),
    [
        ("10", {"I promise you will have": "I can not promise you will have"}, "S8"),
        (
            "07",
            {
                "Thank you for calling Star Air, this is": "Thank you for calling, this is",
                "Is this Northwind": "Is this Star Air",
            },
            "B4",
        ),
        ("09", {"Two six six one. Thank you.": "Two six six one. Thank you. One moment please."}, "S5"),
    ],
)
def test_a_twist_flips_its_criterion_and_no_other(id: str, change: dict[str, str], flipped: str) -> None:
    before = answers(prescored(int(id) - 1, "words", False))
    after = twisted(id, change)
    assert before[flipped] == "no"
    assert after[flipped] == "yes"
    assert {code: a for code, a in after.items() if code != flipped} == {
        code: a for code, a in before.items() if code != flipped
    }


def manifest_calls() -> list[dict[str, Any]]:
    if not MANIFEST.is_file():
        return []
    return json.loads(MANIFEST.read_text(encoding="utf-8"))["calls"]


@pytest.mark.skipif(not MANIFEST.is_file(), reason="the demo manifest has not been made")
@pytest.mark.parametrize("entry", manifest_calls(), ids=lambda entry: entry["id"])
def test_answers_hold_at_the_times_of_the_bundled_sound(entry: dict[str, Any]) -> None:
    call = call_of(entry)
    found = answers({name: prescore(rubric, call, masked(call)) for name, rubric in rubrics().items()})
    wanted = {code: "not_applicable" if a == "na" else a for code, a in entry["expected"]["answers"].items()}
    assert found == wanted


@pytest.mark.skipif(not MANIFEST.is_file(), reason="the demo manifest has not been made")
@pytest.mark.parametrize("entry", manifest_calls(), ids=lambda entry: entry["id"])
def test_evidence_of_every_planted_fault_touches_its_time(entry: dict[str, Any]) -> None:
    call = call_of(entry)
    scores = {name: prescore(rubric, call, masked(call)) for name, rubric in rubrics().items()}
    for fault in entry["faults"]:
        line = line_of(scores, fault["criterion"])
        assert line.answer == "no"
        assert any(
            item.start <= fault["end"] + 1 and item.end >= fault["start"] - 1 for item in line.evidence
        )


def call_of(entry: dict[str, Any]) -> Call:
    """Make the call that a perfect recogniser would hear in a bundled recording."""
    segments = []
    for turn in entry["turns"]:
        words = [
            Word(start=start, end=max(start + 0.02, end), text=text, probability=0.95)
            for text, start, end in turn["words"]
        ]
        words.sort(key=lambda word: word.start)
        segments.append(segment_of(words, turn["speaker"]))
    segments.sort(key=lambda segment: segment.start)
    numbered = tuple(segment.model_copy(update={"id": place}) for place, segment in enumerate(segments))
    facts = {
        "agent_name": entry["agent"],
        "vendor": entry["vendor"],
        "queue": entry["queue"],
        "direction": entry["direction"],
        "variables": {"vendor_name": entry["vendor_name"]},
    }
    return place_call(numbered, entry["duration"], "stereo-agent-left", facts)


def test_a_request_that_was_heard_badly_is_cited_when_the_number_was_then_read_out() -> None:
    call = demo_call(scripts()[10])

    def doubted(word: Word) -> Word:
        return word.model_copy(update={"probability": 0.45}) if word.text.strip() == "tell" else word

    segments = tuple(
        segment.model_copy(update={"words": tuple(doubted(word) for word in segment.timed_words())})
        for segment in call.transcript.segments
    )
    unclear = Call(call.transcript.model_copy(update={"segments": segments}), call.facts)
    results = {line.id: line for line in prescore(rubrics()["service"], unclear, masked(unclear)).criteria}
    line = results["card-safe"]
    assert line.answer == "no"
    assert line.evidence[0].quote is not None
    assert "card number" in line.evidence[0].quote
    assert "probably asked for" in line.reason
