"""How long work will still take: told from this attempt's own pace, and without jumps."""

from __future__ import annotations

import pytest

from qa_audit.services.time_left import TimeLeft, in_words


def test_there_is_no_estimate_before_enough_is_done_and_time_has_passed() -> None:
    left = TimeLeft()
    assert left.tell(0.0, 100.0) is None
    assert left.tell(0.5, 101.9) is None
    assert left.tell(0.5, 102.0) == 2
    slow = TimeLeft()
    slow.tell(0.0, 0.0)
    assert slow.tell(0.019, 60.0) is None
    assert slow.tell(0.02, 60.0) == 2940


def test_what_an_earlier_attempt_did_does_not_count() -> None:
    left = TimeLeft()
    assert left.tell(0.8, 1000.0) is None
    assert left.tell(0.9, 1010.0) == 10


def test_at_an_even_pace_the_estimate_runs_down_with_the_clock() -> None:
    left = TimeLeft()
    told = [left.tell(second / 100, float(second)) for second in range(101)]
    assert told[2:] == [100 - second for second in range(2, 101)]


def test_a_sudden_halt_is_told_softly() -> None:
    left = TimeLeft()
    left.tell(0.0, 0.0)
    assert left.tell(0.5, 50.0) == 50
    # 40 s for the next hundredth: the new pace alone would say 86 s, the old one 10 s.
    assert left.tell(0.51, 90.0) == pytest.approx(33, abs=1)


def test_the_estimate_is_never_below_nothing() -> None:
    left = TimeLeft()
    left.tell(0.0, 0.0)
    assert left.tell(0.9, 9.0) == 1
    assert left.tell(0.91, 30.0) == 1
    assert left.tell(1.0, 31.0) == 0


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "less than a minute left"),
        (44, "less than a minute left"),
        (45, "about 1 minute left"),
        (180, "about 3 minutes left"),
        (5300, "about 88 minutes left"),
        (5400, "about 2 hours left"),
    ],
)
def test_words_are_no_finer_than_the_estimate(seconds: int, words: str) -> None:
    assert in_words(seconds) == words
