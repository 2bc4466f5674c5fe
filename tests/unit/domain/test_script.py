"""Scripts become calls: who speaks when, how clearly, and one clear error for a line that cannot be read."""

from __future__ import annotations

import itertools

import pytest

from qa_audit.domain.script import MOST_CHARACTERS, MOST_LINES, Manner, read_script, scripted_call


def test_turns_follow_each_other_with_a_pause_between() -> None:
    call = scripted_call(["A: Good morning.", "C: Hello there.", "U: Pardon?"])
    first, second, third = call.transcript.segments
    assert [s.speaker for s in call.transcript.segments] == ["agent", "customer", "unknown"]
    assert [s.id for s in call.transcript.segments] == [0, 1, 2]
    assert second.start == pytest.approx(first.end + 0.6, abs=0.001)
    assert third.text == "Pardon?"
    assert call.transcript.duration > third.end
    assert call.facts.duration == call.transcript.duration


def test_words_rise_in_time_and_join_to_the_text() -> None:
    segment = scripted_call(["A: One, two and three."]).transcript.segments[0]
    words = segment.timed_words()
    assert " ".join(word.text for word in words) == segment.text
    assert all(a.end <= b.start for a, b in itertools.pairwise(words))
    assert {word.probability for word in words} == {0.95}


def test_a_word_has_the_probability_that_is_written_behind_it() -> None:
    words = scripted_call(["C: it is four~0.4, two~0 seven"]).transcript.segments[0].timed_words()
    assert [(w.text, w.probability) for w in words][2:] == [("four,", 0.4), ("two", 0.0), ("seven", 0.95)]


@pytest.mark.parametrize(
    "silence", ["[8 s silence]", "[8.0 s silence]", "[8s silence]", "[ 8 seconds of silence ]"]
)
def test_a_silence_takes_its_seconds(silence: str) -> None:
    first, second = scripted_call(["A: Wait.", silence, "A: Back."]).transcript.segments
    assert second.start - first.end == pytest.approx(8.0, abs=0.01)


@pytest.mark.parametrize("who", ["caller", "agent", "customer"])
def test_a_turn_can_begin_over_the_one_before(who: str) -> None:
    lines = ["C: I have been waiting here for a very long time you know.", f"A: [over the {who}, 1.5 s] Yes."]
    caller, agent = scripted_call(lines).transcript.segments
    assert caller.end - agent.start == pytest.approx(1.5, abs=0.01)
    assert agent.text == "Yes."


def test_sentences_can_be_segments_of_their_own() -> None:
    texts = [
        segment.text
        for segment in scripted_call(["A: One. Two?"], Manner(by_sentence=True)).transcript.segments
    ]
    assert texts == ["One.", "Two?"]


@pytest.mark.parametrize(
    ("first", "begins"), [("C: Hello there.", 1.2), ("A: and so on.", 0.1), ("A: … so on.", 0.1)]
)
def test_a_script_that_begins_within_a_sentence_is_of_a_recording_that_does(
    first: str, begins: float
) -> None:
    call = scripted_call([first, "C: Yes, that is what I said before."])
    assert call.transcript.segments[0].start == begins


def test_facts_language_and_layout_go_with_the_call() -> None:
    call = scripted_call(["A: Ja."], language="de", layout="mono", queue="refunds", facts={"vip": True})
    assert (call.transcript.language, call.facts.language, call.transcript.layout) == ("de", "de", "mono")
    assert (call.facts.queue, call.facts.facts) == ("refunds", {"vip": True})
    assert set(call.facts.speech) == {"agent"}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("B: hello", "is none of 'A: …'"),
        ("hello", "is none of"),
        ("", "is none of"),
        ("A:   ", "says nothing"),
        ("A: [over the caller, 2 s]", "says nothing"),
        ("A: [over the caler, 2 s] hello", "write '\\[over the caller, 2 s\\]'"),
        ("[silence]", "is none of"),
        ("[0 s silence]", "0 s is not more than 0"),
        ("[99999 s silence]", "at most 3600 seconds"),
        ("C: two~1.5", "probability 1.5 is not between 0 and 1"),
        ("A: " + "x" * MOST_CHARACTERS, "at most 5000 are allowed"),
    ],
)
def test_a_bad_line_is_named_by_its_number(line: str, message: str) -> None:
    with pytest.raises(ValueError, match=f"line 2: .*{message}"):
        read_script(["A: hello", line])


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["A: [over the caller, 2 s] hello"], "line 1: nobody spoke before"),
        (["[8 s silence]"], "nobody says anything"),
        ([], "nobody says anything"),
        (["A: x"] * (MOST_LINES + 1), f"more than {MOST_LINES} lines"),
    ],
)
def test_a_script_that_makes_no_call_is_refused(lines: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_script(lines)
