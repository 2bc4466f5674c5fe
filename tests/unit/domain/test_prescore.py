"""A pre-score quotes only masked words, verbatim, and says why a line has no answer."""

from __future__ import annotations

import gc
import json
import weakref
from typing import Any

import pytest

from qa_audit.domain.call import Call, CallFacts
from qa_audit.domain.checks.base import Context
from qa_audit.domain.checks.heard import Heard, hear
from qa_audit.domain.checks.speech import Speech
from qa_audit.domain.prescore import call_variables, check_all, check_one, facts_of, prescore, quote
from qa_audit.domain.redact import find_spans, mask
from qa_audit.domain.rubric import Criterion, Rubric, build_rubric
from qa_audit.domain.transcript import Segment, Word
from tests.rubrics.calls import build, demo_call, rubrics, scripts


def rubric_of(check: dict[str, Any], **changes: Any) -> Rubric:
    criterion = {"id": "line", "title": "Line", "points": 10, "check": check, **changes.pop("criterion", {})}
    data = {
        "id": "made",
        "version": 3,
        "title": "Made",
        "effective_from": "2026-01-01",
        "pass_mark": 85,
        "not_for": {"speech_under": 0},
        "sections": [{"id": "all", "title": "All", "criteria": [criterion]}],
        **changes,
    }
    return build_rubric(data, sha256="feed")


def line_of(rubric: Rubric, call: Call) -> Any:
    return prescore(rubric, call, mask(call.transcript, find_spans(call.transcript))).criteria[0]


SAYS_HELLO = {"kind": "said", "any": ["hello there"]}
LONG = "A: Hello there, thank you for calling us today, my name is Dana and I am here to help."


def test_the_json_form_is_as_promised() -> None:
    call = build([LONG, "C: Hi."])
    data = prescore(rubric_of(SAYS_HELLO), call, call.transcript).to_json()
    json.dumps(data)
    assert data["schema"] == "qa-audit/prescore@1"
    assert data["rubric"] == {"id": "made", "version": 3, "sha256": "feed"}
    line = data["criteria"][0]
    assert (line["status"], line["answer"], line["points"], line["possible"]) == ("decided", "yes", 10, 10)
    evidence = line["evidence"][0]
    assert evidence["quote"] == "Hello there,"
    assert (evidence["kind"], evidence["segment"], evidence["speaker"]) == ("words", 0, "agent")
    assert "first_word" not in evidence


def test_quotes_come_from_the_masked_words() -> None:
    check = {"kind": "said", "by": "customer", "any": ["is 4 1 1 1 1 1 1 1"]}
    call = build(["C: It is four one one one one one one one.", LONG])
    line = line_of(rubric_of(check), call)
    assert line.answer == "yes"
    assert line.evidence[0].quote == "is ••• ••• ••• ••• ••• ••• ••• •••"


def test_a_quote_is_cut_from_the_text_as_it_stands() -> None:
    words = tuple(
        Word(start=place, end=place + 0.5, text=text, probability=0.9)
        for place, text in enumerate([" in", " 5", "-10", " days", "."])
    )
    segment = Segment(id=4, speaker="agent", start=0, end=5, text=" in 5-10 days.", words=words)
    assert quote(segment, 1, 3) == "5-10 days"
    assert quote(segment, 0, 4) == "in 5-10 days."


def test_evidence_over_several_segments_comes_in_several_items() -> None:
    check = {"kind": "said", "any": ["thank you for calling northwind today"]}
    call = build(["A: Thank you for calling. Northwind today."], by_sentence=True)
    line = line_of(rubric_of(check), call)
    assert [item.quote for item in line.evidence] == ["Thank you for calling.", "Northwind today."]


def test_unknown_speakers_are_not_assessed_but_manual_lines_stay_open() -> None:
    call = build(["U: Hello there.", "U: Hi."], layout="mono")
    assert line_of(rubric_of(SAYS_HELLO), call).status == "not_assessed"
    assert line_of(rubric_of({"kind": "manual"}), call).status == "manual"


def test_another_language_is_not_assessed() -> None:
    call = build([LONG])
    call = Call(call.transcript.model_copy(update={"language": "de"}), call.facts)
    line = line_of(rubric_of(SAYS_HELLO, applies_to={"language": ["en"]}), call)
    assert (line.status, line.points, line.certainty) == ("not_assessed", None, None)
    assert "language" in line.reason


def test_too_little_speech_makes_every_line_not_applicable() -> None:
    call = build(["A: Hello there.", "C: Hi."])
    score = prescore(rubrics()["brand"], call, call.transcript)
    assert {line.status for line in score.criteria} == {"not_applicable"}
    assert all("seconds of speech" in line.reason for line in score.criteria)
    assert (score.score.percent, score.score.outcome, score.score.open) == (None, "undetermined", 0)


@pytest.mark.parametrize(
    ("changes", "facts", "status"),
    [
        ({"na_when": ["outbound"]}, {"direction": "outbound"}, "not_applicable"),
        ({"na_when": ["outbound"]}, {"direction": "inbound"}, "decided"),
        ({"when": [{"fact": "fare", "is": "basic"}]}, {"facts": {"fare": "basic"}}, "decided"),
        ({"when": [{"fact": "fare", "is": "basic"}]}, {"facts": {"fare": "flex"}}, "not_applicable"),
        ({"not_assessed_when": [{"agent_words_under": 100}]}, {}, "not_assessed"),
        ({"na_when": [{"said": ["help"]}]}, {}, "not_applicable"),
    ],
)
def test_applicability_comes_before_the_answer(
    changes: dict[str, Any], facts: dict[str, Any], status: str
) -> None:
    call = build([LONG, "C: Hi."], **facts)
    assert line_of(rubric_of(SAYS_HELLO, criterion=changes), call).status == status


def test_a_doubtful_reason_not_to_apply_turns_a_no_into_unsure() -> None:
    lines = ["C: and so I want my money back", LONG.replace("Hello there", "So then")]
    rubric = rubric_of(SAYS_HELLO, criterion={"na_when": ["started_late"]})
    line = line_of(rubric, build(lines, start=5.0))
    assert (line.status, line.answer, line.certainty) == ("unsure", "no", None)
    assert "perhaps it does not apply" in line.reason


def test_the_calls_own_variables_win() -> None:
    rubric = rubric_of({"kind": "said", "any": ["{brand} desk"]}, variables={"brand": "Northwind", "days": 5})
    call = build(
        ["A: Welcome to the Alpha Air desk, how can I help you today?"], variables={"brand": "Alpha Air"}
    )
    assert line_of(rubric, call).answer == "yes"
    values = call_variables(rubric, CallFacts(duration=1, variables={"brand": ["A", "B"], "other": "x"}))
    assert values == {"vendor_name": (), "brand": ("A", "B"), "days": ("5",)}


def test_a_transcript_alone_can_be_scored() -> None:
    demo = demo_call(scripts()[8])
    call = Call(demo.transcript, facts_of(demo.transcript))
    findings = check_all(rubrics()["service"], call)
    assert findings["no-dead-air"].answer == "no"
    assert findings["close-complete"].answer == "yes"


def test_checking_twice_gives_the_same() -> None:
    call = demo_call(scripts()[9])
    rubric = rubrics()["service"]
    assert check_all(rubric, call) == check_all(rubric, call)


def test_a_part_is_left_to_the_criterion_that_judged_it() -> None:
    rubric = rubrics()["service"]
    call = demo_call(scripts()[9])
    alone = Context(hear(call), call_variables(rubric, call.facts), {})
    facts: Criterion = rubric.criterion("refund-facts")
    assert "time" in check_one(facts, alone).reason
    assert "time" not in check_all(rubric, call)["refund-facts"].reason


def test_what_was_heard_of_a_call_is_let_go_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[weakref.ref[Speech]] = []

    def listen(call: Call) -> Heard:
        heard = hear(call)
        kept.extend(weakref.ref(speech) for speech in heard.said.values())
        return heard

    monkeypatch.setattr("qa_audit.domain.prescore.hear", listen)
    gc.disable()
    try:
        check_all(
            rubric_of({"kind": "said", "any": ["thank you for calling", "bye"]}),
            build(["A: Thank you for calling.", "C: Hello, and bye."]),
        )
        assert len(kept) == 2
        assert all(speech() is None for speech in kept)
    finally:
        gc.enable()
