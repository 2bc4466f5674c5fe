"""The words of both channels against the setting of which one is the agent's."""

from __future__ import annotations

import pytest

from qa_audit.domain import layout_check
from qa_audit.domain.transcript import EngineInfo, Segment, Transcript

AGENT = (
    "Thank you for calling Northwind, my name is Dana. How can I help you?",
    "May I have your booking number, please?",
)
CALLER = ("Hello, I'm calling about my flight. I want a refund.", "Yes, it is seven four.")
BRANDS = ("Northwind", "north wind")
SPEECH = (((0.0, 4.0), (10.0, 14.0)), ((5.0, 9.0), (15.0, 19.0)))
"""The first voice is on the left channel, the second on the right."""


def talk(layout, first, second, *, speakers=("agent", "customer"), language="en"):
    """Return a call in which two voices take turns of four seconds; `speakers` names them."""
    texts = [text for pair in zip(first, second, strict=True) for text in pair]
    segments = tuple(
        Segment(id=i, speaker=speakers[i % 2], start=5.0 * i, end=5.0 * i + 4, text=text)
        for i, text in enumerate(texts)
    )
    engine = EngineInfo(name="scripted", model="none")
    return Transcript(duration=60.0, language=language, layout=layout, engine=engine, segments=segments)


def note(transcript, speech=SPEECH, brands=BRANDS):
    return layout_check.note_of(transcript, layout_check.find(transcript, speech, brands))


def test_words_that_fit_the_setting_say_nothing():
    assert note(talk("stereo-agent-left", AGENT, CALLER)) is None
    assert note(talk("stereo-agent-right", AGENT, CALLER)) is None


@pytest.mark.parametrize(
    ("layout", "set_side", "true_side"),
    [("stereo-agent-left", "left", "right"), ("stereo-agent-right", "right", "left")],
)
def test_exchanged_channels_are_doubted_with_what_to_do(layout, set_side, true_side):
    doubt = note(talk(layout, CALLER, AGENT))

    assert doubt.kind == "layout_doubt"
    assert f"the {set_side} channel is the agent's" in doubt.text
    assert f"somebody on the {true_side} channel greets as agents do (2 times)" in doubt.text
    assert f"of the call, to agent-{true_side}" in doubt.text


def test_nothing_that_was_said_is_quoted():
    text = note(talk("stereo-agent-left", CALLER, AGENT)).text

    assert not any(word in text for word in ("Northwind", "Dana", "flight", "seven"))


def test_one_sign_is_not_enough():
    assert (
        note(talk("stereo-agent-left", ("Yes.", "No."), ("How can I help you?", "How can I help you?")))
        is None
    )


def test_signs_that_disagree_say_nothing():
    mixed = ("Thank you for calling. How can I help you?", "Okay.")
    other = ("I was charged twice.", "May I have your name? Can I have your number? This call is recorded.")

    assert note(talk("stereo-agent-left", other, mixed)) is None


def test_the_brand_counts_only_in_the_first_turns_of_a_channel():
    quiet = ("Hello.", "Yes.", "I see.")
    late = ("Good morning.", "One moment.", "Northwind Northwind Northwind")
    early = ("Northwind, good morning.", "One moment.", "Can I have your name? This call is recorded.")

    assert layout_check.find(talk("stereo-agent-left", late, quiet), (), BRANDS) is None
    assert layout_check.find(talk("stereo-agent-left", early, quiet), (), BRANDS).agent_channel == 0
    assert layout_check.find(talk("stereo-agent-left", early, quiet), (), ()) is None


def test_without_a_setting_the_words_give_a_hint_and_no_roles():
    call = talk("stereo-unknown", AGENT, CALLER, speakers=("unknown", "unknown"))

    hint = note(call)

    assert hint.kind == "layout_hint"
    assert "The left channel is probably the agent's" in hint.text
    assert "Nothing was scored by this" in hint.text
    assert note(call, speech=SPEECH[::-1]).text.startswith("The right channel")


def test_words_heard_on_both_channels_at_once_give_no_hint():
    call = talk("stereo-unknown", AGENT, CALLER, speakers=("unknown", "unknown"))
    both = ((0.0, 20.0),)

    assert note(call, speech=(both, both)) is None


@pytest.mark.parametrize("layout", ["mono", "dual-mono"])
def test_one_voice_track_has_no_sides(layout):
    call = talk(layout, AGENT, CALLER, speakers=("unknown", "unknown"))

    assert layout_check.find(call, SPEECH, BRANDS) is None


def test_other_languages_are_left_alone():
    assert note(talk("stereo-agent-left", CALLER, AGENT, language="de")) is None


def test_a_call_without_words_says_nothing():
    assert note(talk("stereo-agent-left", (), ())) is None
