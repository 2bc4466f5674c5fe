"""Phrases of the little grammar are found where they were said, and guards leave out what does not count."""

from __future__ import annotations

import pytest

from qa_audit.domain.checks.guards import asked, negated, quoted, repeated
from qa_audit.domain.checks.heard import Heard, Turn, hear
from qa_audit.domain.checks.phrases import PhraseError, phrase_set
from tests.rubrics.calls import build


def heard_from(*lines: str) -> Heard:
    return hear(build(lines))


def turn_of(text: str) -> Turn:
    return heard_from(f"A: {text}").turns[0]


def found(phrase: str, text: str, **variables: tuple[str, ...]) -> list[str]:
    turn = turn_of(text)
    return [" ".join(turn.texts[h.first : h.last + 1]) for h in phrase_set([phrase], variables).find(turn)]


@pytest.mark.parametrize(
    ("phrase", "text", "hits"),
    [
        ("how (can|may) i help", "Hello, how may I help you?", ["how may i help"]),
        ("how can i help [you] [today]", "How can I help today?", ["how can i help today"]),
        ("five to ten days", "It takes 5-10 days.", ["5 to 10 days"]),
        ("send ... email", "We will send you an email.", ["send you an email"]),
        ("send ... email", "We send it. The email comes.", []),
        ("<amount>", "It is $200 or so.", ["200 dollars"]),
        ("<number> [business] days", "in three business days", ["3 business days"]),
        ("<date>", "on the third of May 2026, or May 4th", ["the 3rd of may 2026", "may 4th"]),
        ("my name is <name>", "My name is Dana.", ["my name is dana"]),
        ("my name is <name>", "My name is not here.", []),
        ("anything else", "Is there anything else?", ["anything else"]),
        ("anything else", "Is there anything less?", []),
        ("thank you for calling", "Thank you for calling us.", ["thank you for calling"]),
        ("thank you for calling", "Thank you for callin us.", ["thank you for callin"]),
        ("can i help you", "You can not help you.", []),
        ("in ten days", "in two days", []),
        ("{brand} help", "North Wind help desk", ["north wind help"]),
    ],
)
def test_finding(phrase: str, text: str, hits: list[str]) -> None:
    assert found(phrase, text, brand=("Northwind", "North Wind")) == hits


def test_an_empty_variable_drops_its_phrase() -> None:
    assert found("{other} air", "Star Air", other=()) == []


@pytest.mark.parametrize(
    ("phrase", "message"),
    [
        ("(can|may i", "not closed"),
        ("can) i", "too many"),
        ("<thing> here", "unknown slot"),
        ("{brand}", "not defined"),
        ("...!", "no words"),
        (" ".join("(a|b|c|d|e|f|g|h)" for _ in range(5)), "variants"),
    ],
)
def test_phrases_that_cannot_be_read_say_why(phrase: str, message: str) -> None:
    with pytest.raises(PhraseError, match=message):
        phrase_set([phrase], {})


def test_names_in_variables_may_hold_characters_of_the_grammar() -> None:
    assert found("{brand}", "Air (One) here", brand=("Air (One)",)) == ["air 1"]


def test_a_misheard_phrase_is_near_but_no_hit() -> None:
    phrases = phrase_set(["how can i help"], {})
    turn = turn_of("So how can I hear you?")
    near = phrases.nearest(turn)
    assert phrases.find(turn) == []
    assert near is not None
    assert 75 <= near.ratio < 88


def test_a_misheard_name_is_near_also_when_split() -> None:
    phrases = phrase_set(["Northwind"], {})
    near = phrases.nearest(turn_of("Thank you for calling north when, hello"), names=True)
    assert near is not None
    assert phrases.nearest(turn_of("Okay, bye, have a nice day"), names=True) is None


def test_probability_decides_whether_a_hit_was_heard() -> None:
    phrases = phrase_set(["travel credit"], {})
    assert phrases.find(turn_of("your travel~0.5 credit~0.8 is open"))[0].heard
    assert not phrases.find(turn_of("your travel~0.3 credit~0.8 is open"))[0].heard


@pytest.mark.parametrize(
    ("text", "is_negated"),
    [
        ("I can not guarantee it.", True),
        ("I can't guarantee it.", True),
        ("We never really guarantee it.", True),
        ("I am unable to guarantee it.", True),
        ("I guarantee it.", False),
        ("No, I guarantee it.", False),
        ("No problem, I guarantee it.", False),
        ("It is not here. I guarantee it.", False),
        ("Not only that but I guarantee it.", False),
    ],
)
def test_negation_in_the_same_sentence(text: str, is_negated: bool) -> None:
    hit = phrase_set(["guarantee"], {}).find(turn_of(text))[0]
    assert negated(hit) is is_negated


@pytest.mark.parametrize(
    ("text", "is_asked"),
    [
        ("Did I guarantee it?", True),
        ("did i guarantee it", True),
        ("I guarantee it.", False),
        ("Do you see? I guarantee it.", False),
    ],
)
def test_questions(text: str, is_asked: bool) -> None:
    assert asked(phrase_set(["guarantee"], {}).find(turn_of(text))[0]) is is_asked


@pytest.mark.parametrize(
    ("text", "is_quoted"),
    [
        ("You said they guarantee it.", True),
        ("She told me that we guarantee it.", True),
        ("I guarantee it.", False),
        ("You said so. I guarantee it.", False),
    ],
)
def test_quotes(text: str, is_quoted: bool) -> None:
    assert quoted(phrase_set(["guarantee"], {}).find(turn_of(text))[0]) is is_quoted


def test_repeating_the_caller_is_noticed_for_some_seconds_only() -> None:
    heard = heard_from("C: I have a voucher.", "A: The vouchers, yes.")
    phrases = phrase_set(["voucher", "vouchers"], {})
    hit = phrases.find(heard.turns[1])[0]
    assert repeated(hit, phrases, heard, within=10)
    assert not repeated(hit, phrases, heard, within=0.1)


SETS = [
    ["how (can|may) i help", "help you", "you"],
    ["send ... email", "<number> [business] days", "<date>"],
    ["thank you for calling", "in ten days", "anything else"],
    [],
]
LINES = (
    "A: Thank you for callin us, how may I help you today? We send you an email in ten days.",
    "C: Thank you. It is the third of May, can you help me?",
    "A: Is there anything less I can do? In two or ten days. How can I help you?",
    "C: How may I help you to help you?",
)


@pytest.mark.parametrize("phrases", SETS)
@pytest.mark.parametrize("fuzzy", [True, False])
def test_searching_stretches_finds_what_searching_each_turn_finds(phrases: list[str], fuzzy: bool) -> None:
    heard = heard_from(*LINES)
    whole = [(turn, 0, len(turn.tokens) - 1) for turn in heard.turns]
    parts = [(turn, 2, len(turn.tokens) // 2) for turn in heard.turns]
    for stretches in (whole, parts, whole):
        one_by_one = [
            hit
            for turn, low, high in stretches
            for hit in phrase_set(phrases, {}).find(turn, low, high, fuzzy=fuzzy)
        ]
        assert phrase_set(phrases, {}).find_in(stretches, fuzzy=fuzzy) == one_by_one
        near = [phrase_set(phrases, {}).nearest(turn, low, high) for turn, low, high in stretches]
        assert phrase_set(phrases, {}).nearest_in(stretches) == [hit for hit in near if hit is not None]
