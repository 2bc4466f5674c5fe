"""Signs of what must not be said or done: they make an answer unsure, or tell it from something harmless."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.domain.checks.helping import REPLY, TALK, finding_of, outcome

RUDE = {
    "kind": "avoided",
    "any": ["stupid"],
    "maybe": ["at your age", "how clever"],
    "objections": ["how dare you", "(rude|sarcastic)"],
    "guards": ["negated", "quoted", "repeated"],
    "exact": True,
}


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["A: That is stupid, at your age."], "no"),
        (["A: Well, at your age one forgets such things."], "unsure"),
        (["A: Well, it is not so hard at my age either."], "yes"),
        (["A: And how. Clever people wait."], "yes"),
        (["C: At your age I was never late.", "A: So at your age you were always early."], "yes"),
        (["A: So I would look at it once more.", "C: How dare you?"], "unsure"),
        (["[9 s silence]", "C: It was rude of them."], "yes"),
        (["A: What did she say then?", "C: She told me it was rude of me to ask."], "yes"),
    ],
)
def test_words_that_may_be_it_and_objections_make_it_unsure(lines: list[str], expected: str) -> None:
    finding = finding_of(RUDE, [TALK, REPLY, *lines])
    assert outcome(finding) == expected
    if expected == "unsure":
        assert finding.answer == "no"
        assert finding.evidence


PROMISE = {
    "kind": "promise",
    "days": 5,
    "strong": ["guarantee"],
    "bare": ["you will have"],
    "commits": ["count on it", "(is|are) yours"],
    "outcome": ["money", "refund", "have it"],
    "soon": ["today", "tomorrow", "by (friday|breakfast)"],
    "not_about": ["email", "it was approved"],
}


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("You will have it tomorrow.", "no"),
        ("The money lands tomorrow.", "unsure"),
        ("By Friday.", "unsure"),
        ("Well, that one is yours by breakfast, madam.", "unsure"),
        ("You can count on it, today, my friend.", "unsure"),
        ("Not by Friday.", "yes"),
        ("If they agree, the money lands tomorrow.", "yes"),
        ("I hope the money lands tomorrow.", "yes"),
        ("He said the money lands tomorrow.", "yes"),
        ("The money lands by Friday, or let me say it takes five days.", "yes"),
        ("I will ring you by Friday to tell you what my colleague has found.", "yes"),
        ("The email is on its way, you will have it today.", "yes"),
    ],
)
def test_a_time_that_is_too_soon_is_doubted_without_words_of_promise(said: str, expected: str) -> None:
    lines = [TALK, "C: When do I get my money?", f"A: {said}"]
    assert outcome(finding_of(PROMISE, lines)) == expected


def test_what_was_done_to_it_is_not_another_thing() -> None:
    lines = [TALK, REPLY, "A: The money is there. It was approved. You will have it tomorrow."]
    assert outcome(finding_of(PROMISE, lines)) == "no"


SECRET = {
    "kind": "secret",
    "named": ["card number"],
    "requests": ["(can i|let me) have", "read me"],
    "about": ["card", "visa"],
    "perhaps": ["on the back", "first <number>"],
    "allowed": ["last four"],
    "stops": ["stop there"],
    "other_numbers": ["booking"],
}


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["C: I paid with my Visa.", "A: Let me have the first twelve, then."], "unsure"),
        (["C: I paid with my Visa.", "A: What stands there on the back?"], "unsure"),
        (["C: I paid with my Visa.", "A: It is written on the back as well."], "yes"),
        (["C: I paid with my Visa.", "A: Never let me have the first twelve."], "yes"),
        (["C: I lost my ticket.", "A: Let me have the first twelve, then."], "yes"),
        (["C: My card is five two zero zero eight two.", "A: Five two zero zero eight two."], "no"),
        (["C: My card ends in eight two one zero.", "A: Eight two one zero."], "yes"),
        (
            ["A: And the booking?", "C: I paid by card, it is five two zero zero eight two.",
             "A: Five two zero zero eight two."],
            "yes",
        ),
    ],
)  # fmt: skip
def test_a_secret_is_asked_for_in_other_words_and_repeated_in_part(lines: list[str], expected: str) -> None:
    assert outcome(finding_of(SECRET, [TALK, *lines])) == expected


RESTATED = {"kind": "restated", "frames": ["so you", "you want", "you have", "so it", "i see that"]}
REASON = "C: I moved my flight to Bergen twice by accident and I would like one of the fees returned."


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("So you want one of the fees for Bergen.", "yes"),
        ("So you moved it twice.", "yes"),
        ("So you can have one of the fees.", "no"),
        ("Who does that twice, did you have your eyes shut?", "no"),
        ("So it is the flight to Bergen.", "yes"),
        ("So it is a fee.", "unsure"),
        ("Nobody wants to see that fee.", "no"),
        ("We speak of July, and there you have had a fee.", "unsure"),
    ],
)
def test_one_stray_word_says_no_reason_back(said: str, expected: str) -> None:
    lines = [
        "A: Good morning, what can I do for you?", REASON, f"A: {said} And now I need the number that was on it.",
        "C: One moment.",
    ]  # fmt: skip
    assert outcome(finding_of(RESTATED, lines)) == expected


ORDER: dict[str, Any] = {
    "kind": "order",
    "needed": 1,
    "first": [{"name": "name", "asked": ["my name is", "your name"], "answer": "name"}],
    "before": ["<amount>"],
}


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["C: My name is Anna Kowalska."], "yes"),
        (["C: My name is Anna, and there is a cancellation charge."], "no"),
        (["A: What is your name?", "C: My friend Bob says nothing happened since."], "unsure"),
        (["C: I will not tell you what my name is.", "C: Anna Kowalska was my mother."], "no"),
        (["C: my name is anna kowalska"], "yes"),
    ],
)
def test_a_full_name_is_two_names(lines: list[str], expected: str) -> None:
    told = "A: Thank you, I have it here, and that was two hundred dollars in all."
    assert outcome(finding_of(ORDER, [TALK, *lines, told])) == expected


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["C: Before I book, what is it for a bag?"], "unsure"),
        (["C: What is it for a bag?"], "no"),
        (["C: Before I book, my name is Anna Kowalska."], "yes"),
    ],
)
def test_a_general_question_leaves_a_detail_unsure(lines: list[str], expected: str) -> None:
    told = "A: Thank you, I can tell you that, it would be two hundred dollars in all."
    assert outcome(finding_of({**ORDER, "general": ["before i book"]}, [TALK, *lines, told])) == expected


AIR = {
    "kind": "acoustic",
    "measure": "dead_air",
    "announced": ["(may|will) take a"],
    "caller_searches": ["hang on"],
}
LONG = "[14 s silence]"


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["C: Hang on, it is here somewhere.", LONG], "yes"),
        (["C: Hang on, it is here somewhere.", "A: Sure.", LONG], "yes"),
        (["C: Hang on, here it is, four four seven one.", "A: Got it.", LONG], "no"),
        (["C: Hang on.", "A: So this is the one that went to Oslo in the end.", LONG], "no"),
        (["A: That will take a moment or two.", LONG], "yes"),
    ],
)
def test_a_search_that_is_over_explains_no_silence(lines: list[str], expected: str) -> None:
    assert outcome(finding_of(AIR, [TALK, REPLY, *lines, "A: There it is."])) == expected


TALKED = {"kind": "acoustic", "measure": "talk_over", "allowed": 0, "rightly": ["(do not|never) (tell|give)"]}


@pytest.mark.parametrize(
    ("said", "expected"),
    [("They never tell us anything at all here.", "no"), ("Please never tell us that number.", "yes")],
)
def test_only_a_plea_makes_an_interruption_right(said: str, expected: str) -> None:
    lines = [
        TALK,
        "C: And then I went to the desk and asked about my bag and the",
        f"A: [over the caller, 2 s] {said}",
    ]
    assert outcome(finding_of(TALKED, lines)) == expected


REFUND = {
    "kind": "said",
    "once": ["we will refund", "it goes back to your"],
    "unless": ["can not refund"],
    "all": [
        {"name": "the time", "any": ["ten days"], "maybe": ["days"]},
        {"name": "the way", "any": ["your card"]},
    ],
}


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("We will refund it to your card in ten days.", "yes"),
        ("We will refund it to your card.", "no"),
        ("If it was cancelled, it goes back to your card.", "unsure"),
        ("If it was cancelled, we will refund it.", "unsure"),
        ("We can not refund it. That takes some days to know.", "not_applicable"),
        ("The days are long and we will return soon.", "not_applicable"),
    ],
)
def test_what_holds_only_under_a_condition_is_not_agreed(said: str, expected: str) -> None:
    lines = [TALK, REPLY, f"A: {said} And then there is nothing else to do for you."]
    assert outcome(finding_of(REFUND, lines)) == expected


TROUBLE = {
    "kind": "answered",
    "trigger": ["worried"],
    "reply": ["sorry", "i can see how"],
    "no_reply": ["sorry that is"],
}


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["C: I am worried.", "A: I am so sorry. That is bad. Let me look at what happened there."], "yes"),
        (
            ["C: I am worried.", "A: Sorry that is the rule and there is nothing that I could do about it."],
            "no",
        ),
        (["C: The bank was no help, I am worried.", "A: I am sorry, let me look into it."], "yes"),
        (["C: I am not worried.", "A: I will look into it for you."], "not_applicable"),
        (
            [
                "C: I am worried.",
                "A: Let me look at it. I can see row eleven, and the bag that you paid for.",
            ],
            "unsure",
        ),
    ],
)
def test_sentences_end_what_excuses_and_what_denies(lines: list[str], expected: str) -> None:
    assert outcome(finding_of(TROUBLE, [TALK, *lines])) == expected
