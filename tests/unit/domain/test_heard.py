"""Turns, time zero, windows and the trust in a miss are as the definitions say."""

from __future__ import annotations

import pytest

from qa_audit.domain.checks.base import Context
from qa_audit.domain.checks.conditions import Condition, NotFor, holds, not_for
from qa_audit.domain.checks.heard import Heard, hear
from qa_audit.domain.checks.windows import (
    Window,
    between,
    miss_quality,
    poorly_heard,
    said_within,
    select,
    swallowed,
    whole,
)
from qa_audit.domain.transcript import Segment
from tests.rubrics.calls import build, place_call, segment_of

LONG = "A: Thank you for calling us today, my name is Dana and I am here to help you with it."


def texts(*lines: str, **facts: object) -> list[tuple[str, str]]:
    return [(turn.speaker, turn.text) for turn in hear(build(lines, **facts)).turns]


def test_a_back_channel_does_not_end_a_turn() -> None:
    found = texts("A: I will send it", "C: Okay.", "A: to your card", "C: Good, that is fair.", pause=0.4)
    assert found[0] == ("agent", "i will send it to your card")
    assert ("customer", "okay") in found


def test_an_answer_of_three_words_ends_a_turn() -> None:
    assert len(texts("A: I will send it", "C: Okay thank you", "A: to your card")) == 3


def test_a_pause_of_a_second_and_a_half_ends_a_turn() -> None:
    assert len(texts("A: One.", "[1.4 s silence]", "A: Two.")) == 1
    assert len(texts("A: One.", "[1.7 s silence]", "A: Two.")) == 2


def test_time_zero_is_the_first_agent_word() -> None:
    heard = hear(build(["C: Hello?", "A: Hello, who is there?"]))
    assert heard.zero == heard.turns[1].start


def test_time_zero_comes_after_a_known_answer() -> None:
    lines = ["A: Welcome, please hold for an agent.", "[6 s silence]", "A: Hello, this is Dana."]
    heard = hear(build(lines, facts={"answered_at": 5.0}))
    assert heard.zero == heard.turns[1].start


def test_roles_are_unknown_without_an_agent() -> None:
    assert not hear(build(["U: Hello there.", "U: Hi."])).roles_known
    assert hear(build(["A: Hello there.", "C: Hi."])).roles_known


def test_the_first_turn_cut_by_seconds() -> None:
    heard = hear(build([LONG, "C: Fine then, thank you.", LONG]))
    stretches = select(heard, "agent", (Window(first_turn=True, first_seconds=3),))
    assert len(stretches) == 1
    assert stretches[0].low == 0
    assert stretches[0].end <= heard.zero + 4
    assert stretches[0].high < len(heard.turns[0].tokens) - 1


def test_any_of_several_windows_counts() -> None:
    heard = hear(build([LONG, "C: Fine then, thank you.", "A: Good bye then my dear."]))
    both = select(heard, "agent", (Window(first_turn=True), Window(last_turns=1)))
    assert [stretch.turn.index for stretch in both] == [0, 2]


def test_the_last_seconds_are_of_own_talking() -> None:
    heard = hear(build(["A: Good bye then my dear.", "C: " + "and so on " * 10, "A: Good bye then my dear."]))
    length = heard.turns[0].end - heard.turns[0].start
    stretches = select(heard, "agent", (Window(last_seconds=1.5 * length),))
    assert [stretch.turn.index for stretch in stretches] == [0, 2]


def test_a_good_window_makes_a_sure_miss() -> None:
    heard = hear(build([LONG, "C: Fine then, thank you."]))
    assert miss_quality(heard, "agent", whole(heard.turns_of("agent"))).sure


@pytest.mark.parametrize(
    ("lines", "facts", "why"),
    [
        (["A: So now", "A: well"], {}, "too few"),
        ([LONG], {"warnings": ("clipped",)}, "clipped"),
        ([" ".join(["A:"] + [f"{w}~0.5" for w in LONG[3:].split()])], {}, "well enough"),
        ([LONG, "C: [over the agent, 4 s] I want to say that it is all very bad with you"], {}, "same time"),
    ],
)
def test_a_miss_in_a_poor_window_is_not_believed(
    lines: list[str], facts: dict[str, object], why: str
) -> None:
    heard = hear(build(lines, **facts))
    quality = miss_quality(heard, "agent", whole(heard.turns_of("agent")))
    assert not quality.sure
    assert why in quality.why


def test_speech_that_was_not_understood_spoils_a_miss() -> None:
    call = build([LONG, "C: Fine then, thank you."])
    words = call.transcript.segments[0].words or ()
    cut = segment_of([*words[:5], *words[9:]], "agent")
    segments: tuple[Segment, ...] = (cut, call.transcript.segments[1])
    heard = hear(
        place_call(segments, call.transcript.duration, "stereo-agent-left", {"speech": call.facts.speech})
    )
    quality = miss_quality(heard, "agent", whole(heard.turns_of("agent")))
    assert not quality.sure
    assert "not understood" in quality.why


def test_a_short_turn_counts_when_it_is_complete_and_clear() -> None:
    heard = hear(build(["A: Hello, refunds.", "C: Hi. My refund is late and I am upset."]))
    assert miss_quality(heard, "agent", whole(heard.turns_of("agent"))).sure
    weak = hear(build(["A: Hello~0.5, refunds.", "C: Hi. My refund is late and I am upset."]))
    assert not miss_quality(weak, "agent", whole(weak.turns_of("agent"))).sure


def state(condition: object, *lines: str, **facts: object) -> bool | None:
    context = Context(hear(build(lines, **facts)), {})
    return holds(Condition.model_validate(condition), context).holds


@pytest.mark.parametrize(
    ("lines", "facts", "late"),
    [
        ([LONG, "C: Hello."], {}, False),
        (["C: and so I want my money back", LONG], {"start": 0.1}, True),
        (["C: and so I want my money back", LONG], {"start": 4.0}, None),
        (["C: Hello?", LONG], {"start": 0.1}, False),
        (["C: and so I want my money back", LONG], {"start": 0.1, "direction": "outbound"}, False),
        ([LONG, "C: Hello."], {"facts": {"transferred_in": "yes"}}, True),
        (
            ["A: and then it is sent.", "C: Okay then.", "A: Fine then.", "C: Good then."],
            {"start": 0.1},
            True,
        ),
    ],
)
def test_started_late(lines: list[str], facts: dict[str, object], late: bool | None) -> None:
    assert state("started_late", *lines, **facts) is late


@pytest.mark.parametrize(
    ("lines", "facts", "early"),
    [
        ([LONG, "C: That is really not what I want from you people"], {}, True),
        ([LONG, "C: Okay, thank you, bye."], {}, False),
        ([LONG, "C: That is all.", "A: Bye."], {}, False),
        ([LONG, "C: That is all.", "A: Bye."], {"warnings": ("truncated",)}, True),
        ([LONG, "C: That is all.", "A: Bye."], {"facts": {"transferred": True}}, True),
    ],
)
def test_ended_early(lines: list[str], facts: dict[str, object], early: bool) -> None:
    assert state("ended_early", *lines, **facts) is early


def test_facts_arrive_as_text_or_truth() -> None:
    for value in (True, "true", "Yes", "1"):
        assert state({"fact": "paid"}, LONG, facts={"paid": value})
    for value in (False, "no", "", None):
        assert not state({"fact": "paid"}, LONG, facts={"paid": value})
    assert state({"fact": "fare", "is": "basic"}, LONG, facts={"fare": "Basic"})


def test_a_condition_needs_exactly_one_thing() -> None:
    with pytest.raises(ValueError, match="exactly one"):
        Condition.model_validate({"event": "outbound", "fact": "x"})


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (["A: Hello there.", "C: Hi."], "seconds of speech"),
        ([LONG, LONG, LONG, "C: Oh, you have the wrong number."], "a wrong number"),
    ],
)
def test_calls_the_rubric_has_nothing_to_say_about(lines: list[str], reason: str) -> None:
    rule = NotFor.model_validate(
        {"said": [{"name": "a wrong number", "any": ["you have the wrong number"]}], "speech_under": 10}
    )
    found = not_for(rule, Context(hear(build(lines)), {}))
    assert found.holds
    assert reason in found.why


def with_words(line: str, keep: slice, speech: tuple[tuple[float, float], ...] | None = None) -> Heard:
    """Make a call whose agent line lost some of its words while the sound was measured in full."""
    call = build([line, "C: Fine then, thank you."])
    words = call.transcript.segments[0].words or ()
    kept = [word for place, word in enumerate(words) if place not in range(len(words))[keep]]
    segments = (segment_of(kept, "agent"), call.transcript.segments[1])
    spans = call.facts.speech if speech is None else {**call.facts.speech, "agent": speech}
    return hear(place_call(segments, call.transcript.duration, "stereo-agent-left", {"speech": spans}))


def test_a_hole_in_measured_speech_is_where_words_were_swallowed() -> None:
    whole_line, cut = with_words(LONG, slice(0, 0)), with_words(LONG, slice(6, 9))
    assert not swallowed(whole_line, "agent", 0, 10)
    assert swallowed(cut, "agent", 0, 10)


def test_nothing_is_swallowed_where_sound_was_not_measured() -> None:
    heard = hear(build([LONG], speech={}))
    assert not swallowed(heard, "agent", 0, 10)


def test_a_stretch_of_speech_without_words_spoils_a_miss() -> None:
    length = hear(build([LONG])).turns[0].end
    heard = with_words(LONG, slice(0, 0), ((0.5, length), (length + 0.5, length + 1.6)))
    later = build([LONG, "[2 s silence]", "A: Good bye then."])
    spans = (*heard.speech["agent"],)
    quality_of = hear(
        place_call(later.transcript.segments, 20, "stereo-agent-left", {"speech": {"agent": spans}})
    )
    quality = miss_quality(quality_of, "agent", whole(quality_of.turns_of("agent")))
    assert (quality.sure, quality.why) == (False, "there is speech in it that was not understood")


def test_a_recogniser_that_repeats_itself_spoils_a_miss() -> None:
    heard = hear(build(["A: They will send an email. They will send an email.", "C: Fine then, thank you."]))
    quality = miss_quality(heard, "agent", whole(heard.turns_of("agent")))
    assert (quality.sure, quality.why) == (False, "the recogniser repeated itself there")
    digits = hear(build(["A: It is eight two eight two eight two eight two.", "C: Fine then, thank you."]))
    assert miss_quality(digits, "agent", whole(digits.turns_of("agent"))).sure


def test_a_call_is_poorly_heard_when_either_side_is() -> None:
    assert not poorly_heard(hear(build([LONG, "C: Fine then, thank you."])))
    assert poorly_heard(hear(build([LONG, "C: Fine~0.4 then~0.4, thank~0.9 you~0.5."])))


TALK = [
    LONG,
    "C: Hello.",
    "A: How can I help?",
    "[2 s silence]",
    "A: Are you there?",
    "C: Yes, I am here now.",
    LONG,
]


@pytest.mark.parametrize("start", [-1.0, 0.0, 3.3, 9.0, 14.7, 20.0, 99.0])
@pytest.mark.parametrize("seconds", [0.0, 0.4, 2.5, 8.0, float("inf")])
def test_words_of_a_time_are_those_that_begin_in_it(start: float, seconds: float) -> None:
    heard = hear(build(TALK))
    for speaker in ("agent", "customer"):
        expected = between(whole(heard.turns_of(speaker)), start, start + seconds)
        assert said_within(heard, speaker, start, start + seconds) == expected


@pytest.mark.parametrize("start", [-1.0, 0.0, 3.3, 9.0, 14.7, 20.0, 99.0])
@pytest.mark.parametrize("seconds", [0.0, 2.5, 8.0, float("inf")])
def test_turns_during_a_time_last_into_it(start: float, seconds: float) -> None:
    heard = hear(build(TALK))
    expected = [t for t in heard.turns_of("agent") if t.end >= start and t.start <= start + seconds]
    assert list(heard.turns_during("agent", start, start + seconds)) == expected
    assert list(heard.turns_during("unknown", start, start + seconds)) == []


def test_neighbours_of_a_turn_are_no_back_channels() -> None:
    heard = hear(
        build(["A: What is your name?", "C: It is Holloway.", "A: Okay.", "C: Anna Holloway.", LONG])
    )
    last = heard.turns[-1]
    speaking = [turn for turn in heard.turns if not turn.back_channel]
    assert heard.last_before(last, "agent") == (heard.turns[0],)
    assert heard.last_before(heard.turns[0], "agent") == ()
    assert heard.last_before(last, "customer", 5) == tuple(t for t in speaking if t.speaker == "customer")
    assert heard.next_after(heard.turns[0], "agent") == last
    assert heard.next_after(last, "agent") is None


def test_sentences_end_at_stops_and_pauses() -> None:
    turn = hear(build(["A: One moment. I look, please wait~0.5.~0.5 Here it is?"])).turns[0]
    texts = [" ".join(turn.texts[first : last + 1]) for first, last in turn.sentences]
    assert texts[0] == "1 moment"
    assert "".join(texts) == "".join(turn.texts) or " ".join(texts) == turn.text
    assert all(turn.sentence_range(place) in turn.sentences for place in range(len(turn.tokens)))
