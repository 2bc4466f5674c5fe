"""What was measured is compared with limits or put on a scale of numbers, and never guessed."""

from __future__ import annotations

from typing import Any

import pytest

from qa_audit.domain.call import Call, CallFacts
from qa_audit.domain.findings import Finding
from qa_audit.domain.prescore import check_all
from qa_audit.domain.rubric import RubricError
from qa_audit.domain.transcript import EngineInfo, Event, Segment, Transcript, Word
from tests.rubrics.calls import build
from tests.unit.domain.checks.helping import REPLY, TALK, finding_of, outcome, rubric_of

HOLD = ["A: Please hold for a moment while I check.", "[20 s silence]", "A: Thank you for waiting."]


def spoken(*turns: tuple[str, float, float, str], layout: str = "stereo-agent-left", **facts: Any) -> Call:
    """Make a call of turns (speaker, start, end, words); speech is measured as the turns last."""
    segments, speech = [], {}
    for number, (speaker, start, end, text) in enumerate(turns):
        parts = text.split()
        step = (end - start) / len(parts)
        words = tuple(
            Word(start=start + n * step, end=start + (n + 0.95) * step, text=part, probability=0.95)
            for n, part in enumerate(parts)
        )
        segments.append(Segment(id=number, speaker=speaker, start=start, end=end, text=text, words=words))
        speech.setdefault(speaker, []).append((start, end))
    duration = max(end for _, _, end, _ in turns)
    transcript = Transcript(
        duration=duration,
        layout=layout,
        engine=EngineInfo(name="made", model="made"),
        segments=tuple(segments),
    )
    given = {"speech": {who: tuple(spans) for who, spans in speech.items()}, **facts}
    return Call(transcript, CallFacts(duration=duration, **given))


def measured(call: Call | list[str], measure: str, **limits: Any) -> Finding:
    return finding_of({"kind": "acoustic", "measure": measure, **limits}, call)


WORDS = "one two three four five six seven eight nine ten"


@pytest.mark.parametrize(
    ("limits", "expected", "unit"),
    [
        ({"at_most": 15}, "no", "s"),
        ({"at_most": 30}, "yes", "s"),
        ({"take": "count", "at_most": 0}, "no", "s"),
        ({"take": "count", "at_most": 1}, "yes", "s"),
        ({"take": "total", "at_most": 19}, "no", "s"),
    ],
)
def test_hold(limits: dict[str, Any], expected: str, unit: str) -> None:
    finding = measured([TALK, *HOLD, REPLY], "hold", **limits)
    assert outcome(finding) == expected
    assert finding.evidence[0].kind == "span"
    assert finding.evidence[0].unit == unit
    assert finding.evidence[0].value == pytest.approx(20, abs=0.2)


def test_music_is_a_hold_and_a_silence_unannounced_is_none() -> None:
    assert outcome(measured([TALK, "[20 s silence]", TALK, REPLY], "hold", at_most=5)) == "yes"
    call = build([TALK, REPLY])
    music = (Event(kind="hold_music", start=2, end=40),)
    call = Call(call.transcript.model_copy(update={"events": music}), call.facts)
    assert outcome(measured(call, "hold", at_most=30)) == "no"


def test_close_to_the_limit_is_unsure() -> None:
    call = spoken(("agent", 0, 10, "please hold on a moment for me now"), ("agent", 40, 50, WORDS),
                  ("customer", 51, 55, WORDS))  # fmt: skip
    assert outcome(measured(call, "hold", at_most=30.1)) == "unsure"
    assert outcome(measured(call, "hold", at_most=29.9)) == "unsure"
    assert outcome(measured(call, "hold", at_most=31)) == "yes"


def test_interruptions_leave_out_signs_of_listening() -> None:
    caller = ("customer", 0, 10, WORDS)
    listening = spoken(caller, ("agent", 4, 6, "mhm okay"), ("agent", 11, 20, WORDS))
    assert outcome(measured(listening, "interruptions", at_most=0)) == "yes"
    breaking = spoken(caller, ("agent", 4, 8, "no that is wrong you must pay it"), ("agent", 11, 20, WORDS))
    finding = measured(breaking, "interruptions", at_most=0)
    assert (outcome(finding), finding.evidence[0].value, finding.evidence[0].unit) == ("no", 4.0, "s")
    assert outcome(measured(breaking, "interruptions", at_most=0, by="customer")) == "yes"


def test_overtalk_in_seconds_and_as_a_share() -> None:
    call = spoken(("customer", 0, 10, WORDS), ("agent", 6, 20, WORDS), ("customer", 14, 14.5, "mhm"))
    assert outcome(measured(call, "overtalk", at_most=3)) == "no"
    assert outcome(measured(call, "overtalk", at_most=5)) == "yes"
    finding = measured(call, "overtalk", take="share", at_most=10)
    assert outcome(finding) == "no"
    assert "20.0 %" in finding.reason


def test_talk_share_is_of_both_speakers_speech() -> None:
    call = spoken(("agent", 0, 30, WORDS), ("customer", 60, 70, WORDS))
    assert outcome(measured(call, "talk_share", at_most=70)) == "no"
    assert outcome(measured(call, "talk_share", at_most=80, at_least=60)) == "yes"
    assert outcome(measured(call, "talk_share", at_most=75)) == "unsure"
    assert outcome(measured(call, "talk_share", by="customer", at_least=24)) == "yes"


def test_speed_in_words_a_minute() -> None:
    call = spoken(("agent", 0, 30, " ".join(["word"] * 100)), ("customer", 31, 45, WORDS))
    finding = measured(call, "speed", at_most=170)
    assert (outcome(finding), finding.evidence[0].value) == ("no", 200.0)
    assert outcome(measured(call, "speed", at_most=210)) == "yes"
    short = spoken(("agent", 0, 5, WORDS), ("customer", 6, 40, WORDS))
    assert outcome(measured(short, "speed", at_most=170)) == "not_assessed"


def test_a_monologue_goes_on_over_signs_of_listening() -> None:
    turns = [("agent", 0, 20, WORDS), ("customer", 20.2, 20.6, "mhm"), ("agent", 21, 45, WORDS),
             ("customer", 46, 50, WORDS)]  # fmt: skip
    finding = measured(spoken(*turns), "monologue", at_most=40)
    assert outcome(finding) == "no"
    assert (finding.evidence[0].start, finding.evidence[0].value) == (0.0, pytest.approx(45, abs=0.3))
    turns[1] = ("customer", 20.2, 20.9, "but i never signed that")
    assert outcome(measured(spoken(*turns), "monologue", at_most=40)) == "yes"


@pytest.mark.parametrize("measure", ["hold", "interruptions", "overtalk", "talk_share", "speed", "monologue"])
def test_without_roles_or_channels_nothing_is_guessed(measure: str) -> None:
    lines = ["U: Words of somebody on a recording with one channel.", "U: And more of them."]
    check = {"kind": "acoustic", "measure": measure, "at_most": 3}
    assert outcome(finding_of(check, lines, layout="mono")) == "not_assessed"
    assert outcome(finding_of(check, lines, layout="stereo-unknown")) == "not_assessed"
    silent = build([TALK, REPLY], speech={})
    assert finding_of(check, silent).certainty != "sure"


SCALE = {"unit": "seconds", "most": 600, "ranges": [{"up_to": 10, "percent": 100}, {"percent": 0}]}


def test_a_measure_answers_on_a_scale_of_numbers() -> None:
    rubric = rubric_of({"kind": "acoustic", "measure": "hold"}, {"scale": SCALE})
    call = build([TALK, *HOLD, REPLY])
    finding = check_all(rubric, call)["line"]
    assert finding.status == "decided"
    assert float(finding.answer or "") == pytest.approx(20, abs=0.3)
    assert check_all(rubric, build([TALK, REPLY]))["line"].answer == "0"
    capped = {**SCALE, "most": 12}
    assert (
        check_all(rubric_of({"kind": "acoustic", "measure": "hold"}, {"scale": capped}), call)["line"].answer
        == "12"
    )
    edge = {**SCALE, "ranges": [{"up_to": float(finding.answer or "") + 0.1, "percent": 100}, {"percent": 0}]}
    assert (
        check_all(rubric_of({"kind": "acoustic", "measure": "hold"}, {"scale": edge}), call)["line"].status
        == "unsure"
    )


@pytest.mark.parametrize(
    ("check", "criterion", "message"),
    [
        ({"measure": "hold"}, {}, "give the measure"),
        ({"measure": "hold", "at_most": 3}, {"scale": SCALE}, "leave out"),
        ({"measure": "speed", "take": "count", "at_most": 3}, {}, "means nothing"),
        ({"measure": "overtalk", "take": "count", "at_most": 3}, {}, "seconds, share"),
        ({"measure": "hold", "at_most": 3, "at_least": 4}, {}, "must not be greater"),
    ],
)
def test_what_is_wrong_is_said(check: dict[str, Any], criterion: dict[str, Any], message: str) -> None:
    with pytest.raises(RubricError, match=message):
        rubric_of({"kind": "acoustic", **check}, criterion)
