"""Words that nobody said are dropped with a note; words that somebody said are not."""

from __future__ import annotations

import pytest

from qa_audit.domain.transcript import Word
from qa_audit.speech.honesty import honest


def words(text: str, step: float = 0.3, chance: float = 0.9) -> list[Word]:
    return [
        Word(start=round(n * step, 3), end=round(n * step + step * 0.8, 3), text=word, probability=chance)
        for n, word in enumerate(text.split())
    ]


def texts(found: tuple[Word, ...]) -> str:
    return " ".join(word.text for word in found)


@pytest.mark.parametrize(
    "text",
    [
        "thank you for calling how can I help",
        "no no no I said no",
        "my number is five five five five two two two two",
        "yes yes yes yes",
    ],
)
def test_real_speech_stays_whole(text: str) -> None:
    assert honest(words(text), "en") == (tuple(words(text)), ())


def test_a_loop_is_dropped_with_where_it_was() -> None:
    kept, notes = honest(words("hello " + "one moment please " * 5 + "bye"), "en")
    assert texts(kept) == "hello one moment please bye"
    assert [note.kind for note in notes] == ["repetition"]
    assert (notes[0].start, notes[0].end) == (1.2, 4.74)


def test_text_that_outruns_the_sound_is_dropped() -> None:
    squeezed = [
        Word(start=3 + n * 0.02, end=3.02 + n * 0.02, text=f"w{n}", probability=0.9) for n in range(6)
    ]
    kept, notes = honest([*words("please hold the line"), *squeezed], "en")
    assert texts(kept) == "please hold the line"
    assert [note.kind for note in notes] == ["too_fast"]


@pytest.mark.parametrize(("per_second", "kept"), [(15, 20), (60, 0)])
def test_characters_follow_each_other_faster_than_words(per_second: int, kept: int) -> None:
    said = words(" ".join("สวัสดีครับขอบคุณที่โทร"[:20]), step=1 / per_second)
    assert len(honest(said, "th")[0]) == kept
    assert honest(said, "en")[1] != ()


def test_a_few_badly_timed_words_are_no_reason() -> None:
    close = [Word(start=3.0, end=3.02, text=text, probability=0.9) for text in ("of", "the", "a")]
    assert honest([*words("please hold"), *close], "en")[1] == ()


def test_a_tail_that_the_model_guessed_is_dropped() -> None:
    tail = [
        word.model_copy(update={"start": word.start + 5, "end": word.end + 5})
        for word in words("thanks for watching", chance=0.05)
    ]
    kept, notes = honest([*words("that is all from me"), *tail], "en")
    assert texts(kept) == "that is all from me"
    assert [(note.kind, note.start) for note in notes] == [("unsure_tail", 5.0)]


def test_one_doubtful_word_at_the_end_stays() -> None:
    doubtful = words("that is all from Wojciech")
    doubtful[-1] = doubtful[-1].model_copy(update={"probability": 0.05})
    assert honest(doubtful, "en") == (tuple(doubtful), ())


def test_doubtful_words_in_the_middle_stay() -> None:
    middle = words("a b c", chance=0.05) + [
        w.model_copy(update={"start": w.start + 2, "end": w.end + 2})
        for w in words("and then we go on with it")
    ]
    assert honest(middle, "en")[1] == ()


def test_all_guesses_leave_nothing_but_the_note() -> None:
    kept, notes = honest(words("mumble mumble rhubarb", chance=0.01), "en")
    assert kept == ()
    assert len(notes) == 1
