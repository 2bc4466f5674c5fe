"""Masking finds every long number and secret, however it is said, and leaves short numbers readable."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from qa_audit.domain.redact import JOIN, PAD, find_spans, mask, mask_text, silences
from qa_audit.domain.text import MASK
from qa_audit.domain.transcript import EngineInfo, Note, Segment, Speaker, Transcript, Word
from tests.rubrics.calls import build, demo_call, scripts

DIGITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
TEENS = [
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
FILLERS = ["uh", "um", "er", "and", "and then", "then", "so", "okay", "wait", "let me see", "dash", "comma"]
CONFIRMATIONS = ["okay", "yes", "mhm", "got it", "go on", "right", "uh huh", "thank you", "and then"]


def transcript(*turns: tuple[Speaker, list[Word]]) -> Transcript:
    segments = tuple(
        Segment(
            id=place,
            speaker=speaker,
            start=words[0].start,
            end=words[-1].end,
            text=" ".join(word.text for word in words),
            words=tuple(words),
        )
        for place, (speaker, words) in enumerate(turns)
        if words
    )
    return Transcript(
        duration=segments[-1].end + 1,
        layout="stereo-agent-left",
        engine=EngineInfo(name="scripted", model="script"),
        segments=segments,
    )


def masked_text(*lines: str) -> list[str]:
    call = build(lines)
    return [segment.text for segment in mask(call.transcript, find_spans(call.transcript)).segments]


def seen_digits(*lines: str) -> bool:
    """Say whether any digit word or digit is left readable in the caller's lines."""
    call = build(lines)
    masked = mask(call.transcript, find_spans(call.transcript))
    words = [
        w.text.strip(".,").lower() for s in masked.segments if s.speaker == "customer" for w in s.words or ()
    ]
    return any(word in DIGITS or any(c.isdigit() for c in word) for word in words)


@dataclass(frozen=True)
class Spoken:
    """A number said in some way: turns of words, each with whether it is a digit of it."""

    turns: tuple[tuple[Speaker, tuple[tuple[str, bool, float], ...]], ...]


@st.composite
def groups_of(draw: st.DrawFn, digits: str) -> list[str]:
    """Cut digits into groups of one to six."""
    groups, rest = [], digits
    while rest:
        size = draw(st.integers(1, 6))
        groups.append(rest[:size])
        rest = rest[size:]
    return groups


def said_words(group: str, style: str) -> list[str]:
    """Say a group of digits in a style."""
    if style == "numeral":
        return [group]
    if style == "dashes":
        return ["-".join(group)] if len(group) > 1 else [group]
    if style == "pairs":
        words = []
        for at in range(0, len(group), 2):
            pair = group[at : at + 2]
            if len(pair) < 2 or pair[0] == "0":
                words += [DIGITS[int(d)] for d in pair]
            elif pair[0] == "1":
                words.append(TEENS[int(pair[1])])
            else:
                words.append(TENS[int(pair[0]) - 2] + ("" if pair[1] == "0" else f"-{DIGITS[int(pair[1])]}"))
        return words
    if style == "double":
        words, at = [], 0
        while at < len(group):
            if group[at : at + 2] == group[at] * 2:
                words += ["double", DIGITS[int(group[at])]]
                at += 2
            else:
                words.append(DIGITS[int(group[at])])
                at += 1
        return words
    if style == "oh":
        return [("oh" if d == "0" and len(group) > 1 else DIGITS[int(d)]) for d in group]
    if style == "glued":
        return ["".join(DIGITS[int(d)] for d in group)]
    return [DIGITS[int(d)] for d in group]


@st.composite
def spoken_numbers(draw: st.DrawFn) -> Spoken:
    """Say a number of 7 to 19 digits with groups, fillers, pauses, turns, confirmations and read-back."""
    digits = draw(st.text("0123456789", min_size=7, max_size=19))
    styles = st.sampled_from(["plain", "numeral", "dashes", "pairs", "double", "oh", "glued"])
    turns: list[tuple[Speaker, list[tuple[str, bool, float]]]] = [("customer", [])]
    lead = draw(st.sampled_from(["", "It is", "My number is", "Sure, that would be", "Here you are:"]))
    turns[-1][1].extend((word, False, 0.1) for word in lead.split())
    for place, group in enumerate(draw(groups_of(digits))):
        between = draw(st.sampled_from(["pause", "filler", "turn", "readback"])) if place else "start"
        pause = draw(st.floats(0.05, 2.5))
        if between == "filler":
            turns[-1][1].extend((w, False, min(pause, 1.5)) for w in draw(st.sampled_from(FILLERS)).split())
        elif between in ("turn", "readback"):
            last = [w for w, own, _ in turns[-1][1] if own]
            reply = draw(st.sampled_from(CONFIRMATIONS)).split() if between == "turn" else last[-4:]
            turns.append(
                ("agent", [(w, between == "readback", pause if n == 0 else 0.1) for n, w in enumerate(reply)])
            )
            turns.append(("customer", []))
        words = said_words(group, draw(styles))
        turns[-1][1].extend((w, True, pause if n == 0 else 0.05) for n, w in enumerate(words))
    return Spoken(tuple((speaker, tuple(words)) for speaker, words in turns if words))


def place(spoken: Spoken) -> tuple[Transcript, list[list[bool]]]:
    """Give the words times, and return which are digits."""
    now, turns, flags = 1.0, [], []
    for speaker, own in spoken.turns:
        words = []
        for text, _, pause in own:
            now += pause
            words.append(Word(start=round(now, 3), end=round(now + 0.3, 3), text=text, probability=0.9))
            now += 0.3
        turns.append((speaker, words))
        flags.append([digit for _, digit, _ in own])
    return transcript(*turns), flags


@settings(max_examples=400)
@given(spoken_numbers())
def test_no_digit_of_a_long_number_survives_however_it_is_said(spoken: Spoken) -> None:
    original, flags = place(spoken)
    spans = find_spans(original)
    masked = mask(original, spans)
    for segment, digits in zip(masked.segments, flags, strict=True):
        for word, digit in zip(segment.words or (), digits, strict=True):
            assert not digit or word.text == MASK, (segment.text, [s.text for s in original.segments])
    for segment, digits in zip(original.segments, flags, strict=True):
        for word, digit in zip(segment.words or (), digits, strict=True):
            assert not digit or any(s.start <= word.start and word.end <= s.end for s in spans)


@settings(max_examples=150)
@given(spoken_numbers())
def test_masking_keeps_counts_times_and_verbatim_texts(spoken: Spoken) -> None:
    original, _ = place(spoken)
    masked = mask(original, find_spans(original))
    for before, after in zip(original.segments, masked.segments, strict=True):
        assert [(w.start, w.end) for w in before.words or ()] == [(w.start, w.end) for w in after.words or ()]
        assert after.text == " ".join(word.text for word in after.words or ())
        assert (before.id, before.speaker, before.start, before.end) == (
            after.id,
            after.speaker,
            after.start,
            after.end,
        )


@settings(max_examples=200)
@given(
    digits=st.text("0123456789", min_size=7, max_size=24),
    seps=st.lists(st.sampled_from(["", " ", "-", ".", " - ", "/", "_"]), min_size=23, max_size=23),
    around=st.sampled_from(["{}", "card {} ok", "call_{}.wav", "({})", "ref:{}"]),
)
@example(digits="4111111111111111", seps=[""] * 23, around="{}")
def test_no_long_number_survives_in_free_text(digits: str, seps: list[str], around: str) -> None:
    number = "".join(d + s for d, s in zip(digits, seps, strict=False)).rstrip(" -./_")
    masked = mask_text(around.format(number))
    assert not any(character.isdigit() for character in masked), masked


@settings(max_examples=100)
@given(st.lists(st.text("0123456789", min_size=4, max_size=4), min_size=1, max_size=1), st.booleans())
def test_a_short_number_read_back_stays_readable(groups: list[str], numeral: bool) -> None:
    said = groups[0] if numeral else " ".join(DIGITS[int(d)] for d in groups[0])
    lines = [
        "A: Can I have your booking number, please?",
        f"C: It is {said}, and the third of May.",
        f"A: Thank you. That is {said}. One moment please.",
    ]
    assert MASK not in " ".join(masked_text(*lines))


@pytest.mark.parametrize("style", ["words", "numerals", "bare"])
def test_booking_numbers_of_the_demo_calls_stay_readable(style: str) -> None:
    for script in scripts():
        if script["id"] in ("04", "11"):
            continue
        call = demo_call(script, style=style)
        assert find_spans(call.transcript) == (), script["id"]


@pytest.mark.parametrize("style", ["words", "numerals", "bare"])
def test_the_card_numbers_of_the_demo_calls_are_masked_on_both_sides(style: str) -> None:
    by_id = {script["id"]: demo_call(script, style=style).transcript for script in scripts()}
    read_out = mask(by_id["11"], find_spans(by_id["11"]))
    words = [
        word.text.lower().strip(",.") for segment in read_out.segments[5:7] for word in segment.words or ()
    ]
    assert words.count(MASK) == (8 if style == "numerals" else 32)
    assert not {"zero", "8282", "8210", "5200"} & set(words)
    begun = find_spans(by_id["04"])
    assert [span.kind for span in begun] == ["card"]
    assert begun[0].digits == 6
    assert "five zero three eight" in mask(by_id["04"], begun).segments[5].text.lower() or style == "numerals"


@pytest.mark.parametrize(
    "lines",
    [
        ["C: Here is my card number. Four one one one, two two"],
        ["A: What is your card number?", "C: Four one one one", "A: Okay.", "C: one one"],
        ["A: And the security code?", "C: One two three."],
        ["A: What are the three digits on the back?", "C: It's nine nine one."],
        ["A: The CVV please.", "C: Uh, nine, um, nine one."],
        ["A: And your PIN?", "C: Four four five six."],
        ["C: The one-time code is eight two two seven."],
        ["C: They sent me a passcode, it says 4455."],
        ["A: Please tell me the C V C.", "C: 123"],
        ["C: five two double zero, eight two <garble> eight two"],
        ["C: four one one one", "A: sorry can you slow down a little please", "C: two two two two"],
        ["C: My number is fourtwosevenone fivefivesixsix"],
        ["C: 5200-8282-8282-8210"],
        ["C: fifty-two hundred eighty-two eighty-two"],
    ],
)
def test_secrets_and_numbers_are_masked(lines: list[str]) -> None:
    assert not seen_digits(*lines)


@pytest.mark.parametrize(
    "lines",
    [
        ["A: The refund is two hundred and ten dollars, in five to ten days, for 2 seats."],
        ["A: It was five hours late on the third of May 2026."],
        ["C: I paid $200 for 3 tickets on 12 May."],
        ["A: What is your date of birth?", "C: The third of May nineteen eighty."],
        ["A: The last four digits of your card are eight two one zero."],
        ["A: Nine nine three five, thank you. One moment please, I will check it."],
        ["C: Seven seven four zero.", "A: Seven seven four zero, thank you.", "C: Yes."],
    ],
)
def test_short_numbers_amounts_and_dates_stay_readable(lines: list[str]) -> None:
    assert MASK not in " ".join(masked_text(*lines))


def test_the_answer_to_a_password_question_is_masked_also_without_digits() -> None:
    masked = masked_text("A: And what is your password?", "C: blue horse seven", "A: Thank you.")
    assert masked[1] == f"{MASK} {MASK} {MASK}"
    assert masked[2] == "Thank you."


def test_a_later_read_back_of_part_of_a_card_number_is_masked() -> None:
    lines = [
        "C: five two zero zero eight two eight two eight two eight two eight two one zero",
        "A: Let me write that down now so that we can go on with your refund today and nothing is lost.",
        "[12 s silence]",
        "A: So it ends in two eight two one zero, is that right?",
    ]
    assert "zero" not in masked_text(*lines)[-1]


def test_sound_is_padded_and_close_stretches_are_joined() -> None:
    call = build(["C: four one one one two two two", "A: Okay.", "C: three three three three"])
    spans = find_spans(call.transcript)
    words = call.transcript.segments[0].words or ()
    last = (call.transcript.segments[2].words or ())[-1]
    assert len(spans) == 1
    assert spans[0].start == pytest.approx(words[0].start - PAD)
    assert spans[0].end == pytest.approx(last.end + PAD)
    assert silences(spans) == ((spans[0].start, spans[0].end),)


def test_stretches_further_apart_than_the_join_stay_apart() -> None:
    call = build(
        [
            "C: four one one one two two two",
            "A: Thank you very much, now I would like to talk about the flight to the sea with you.",
            "C: nine nine nine nine eight eight eight",
        ]
    )
    spans = find_spans(call.transcript)
    assert len(spans) == 2
    assert spans[1].start - spans[0].end > JOIN


@pytest.mark.parametrize("fault", ["zero", "weak"])
def test_words_that_cannot_be_trusted_mask_the_whole_segment(fault: str) -> None:
    texts = ["my", "number", "is", "4111", "1111", "thank", "you"]
    words = [
        Word(start=1 + n * 0.4, end=1.3 + n * 0.4, text=text, probability=0.9) for n, text in enumerate(texts)
    ]
    bad = {"end": words[3].start} if fault == "zero" else {"probability": 0.1}
    words[3] = words[3].model_copy(update=bad)
    original = transcript(("customer", words))
    spans = find_spans(original)
    assert mask(original, spans).segments[0].text == " ".join([MASK] * 7)
    assert spans[0].start <= words[0].start
    assert spans[0].end >= words[-1].end


def test_a_segment_without_words_is_masked_and_silenced_as_a_whole() -> None:
    segment = Segment(id=7, speaker="customer", start=3, end=9, text="my card is 4111 1111 1111 1111 okay")
    original = Transcript(
        duration=10, layout="mono", engine=EngineInfo(name="x", model="y"), segments=(segment,)
    )
    spans = find_spans(original)
    assert mask(original, spans).segments[0].text == f"my card is {MASK} {MASK} {MASK} {MASK} okay"
    assert (spans[0].start, spans[0].end) == (3 - PAD, 9 + PAD)


def test_a_text_that_says_more_than_its_words_is_rebuilt_from_them() -> None:
    words = (Word(start=1, end=2, text="hello", probability=0.9),)
    segment = Segment(id=0, speaker="customer", start=1, end=2, text="hello 4111 1111 1111", words=words)
    original = Transcript(
        duration=3,
        layout="mono",
        engine=EngineInfo(name="x", model="y"),
        segments=(segment,),
        notes=(Note(kind="heard", text="4111111111111111"),),
    )
    masked = mask(original, find_spans(original))
    assert masked.segments[0].text == "hello"
    assert masked.notes[0].text == MASK


def test_masking_twice_changes_nothing() -> None:
    call = demo_call(scripts()[10])
    once = mask(call.transcript, find_spans(call.transcript))
    assert find_spans(once) == ()
    assert mask(once, find_spans(once)) == once


def test_free_text_keeps_dates_short_numbers_and_its_spacing() -> None:
    text = "call 2025-02-19T06-01-22, order 12345\tsee  you"
    assert mask_text(text) == text
    assert mask_text("") == ""


def test_free_text_masks_spoken_numbers_and_secrets() -> None:
    assert "seven" not in mask_text("her number: seven seven four zero seven seven four")
    assert mask_text("cvv 123") == f"cvv {MASK}"
    assert mask_text("password: bluehorse") == f"password: {MASK}"
    assert mask_text("asked for a password reset by mail") == "asked for a password reset by mail"
    assert mask_text("2026-11-02 4111 1111 1111 1111") == f"2026-11-02 {MASK}"
