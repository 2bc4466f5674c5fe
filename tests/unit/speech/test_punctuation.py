"""Marks join the words they belong to, as in the whisper package."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from qa_audit.speech.punctuation import CLOSING, OPENING, with_punctuation
from qa_audit.speech.recogniser import HeardWord


def heard(*texts: str) -> list[HeardWord]:
    return [HeardWord(text, float(n), n + 0.5, 0.9) for n, text in enumerate(texts)]


def test_marks_join_their_words_and_times_stay_the_words() -> None:
    found = with_punctuation(heard(" Hello", ",", ' "', "world", "!", '"', " Bye", "."))
    assert [word.text.strip() for word in found] == ["Hello,", '"world!"', "Bye."]
    assert [word.start for word in found] == [0.0, 3.0, 6.0]


def test_marks_alone_are_no_words() -> None:
    assert with_punctuation(heard(" ", "")) == []
    assert [w.text for w in with_punctuation(heard(" (", " ["))] == []


pieces = st.sampled_from([" a", " bc", "d", ",", ".", "?", " (", ' "', ")", " -", "", " "])


@given(st.lists(pieces, max_size=12))
def test_no_letter_is_lost_or_made(texts: list[str]) -> None:
    found = "".join(word.text for word in with_punctuation(heard(*texts)))
    letters = [c for text in texts for c in text if c not in OPENING + CLOSING + " "]
    assert [c for c in found if c not in OPENING + CLOSING + " "] == letters
