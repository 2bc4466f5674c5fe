"""Whether a miss can be believed where a part of the window was talked over."""

from __future__ import annotations

from qa_audit.domain.checks.heard import Heard, hear
from qa_audit.domain.checks.misses import miss_quality_beside_overlaps
from qa_audit.domain.checks.windows import Quality, miss_quality, whole_of
from tests.rubrics.calls import build

CALM = "A: Let me tell you how this works so that you know what happens with your booking."
SHORT = "A: I see, thank you."
CALLER = "C: And then I waited for an hour at the desk before anybody came to look at my bags."
OVER = "A: [over the caller, 2 s] I am so sorry about that, it should not have happened to you."
UNCLEAR = "A: [over the caller, 2 s] I am so~0.5 sorry about that, it should not have happened to you."


def both(*lines: str, **facts: str) -> tuple[Quality, Quality]:
    """Return how far a miss in the agent's words can be believed: as it is, and beside overlaps."""
    heard: Heard = hear(build(lines, **facts))
    stretches = whole_of(heard, "agent")
    return miss_quality(heard, "agent", stretches), miss_quality_beside_overlaps(heard, "agent", stretches)


def test_what_was_talked_over_spoils_nothing_where_it_was_heard_clearly() -> None:
    plain, beside = both(CALM, CALLER, OVER)
    assert (plain.sure, plain.why) == (False, "both spoke at the same time there")
    assert beside.sure


def test_too_few_words_that_nobody_talked_over_show_nothing() -> None:
    plain, beside = both(SHORT, CALLER, OVER)
    assert not plain.sure
    assert beside == plain


def test_words_that_were_talked_over_and_not_heard_clearly_may_be_what_is_missed() -> None:
    plain, beside = both(CALM, CALLER, UNCLEAR)
    assert not plain.sure
    assert beside == plain


def test_one_channel_for_both_tells_nothing_of_overlaps() -> None:
    plain, beside = both(CALM, CALLER, OVER, layout="mono")
    assert not plain.sure
    assert beside == plain


def test_what_is_doubtful_for_another_reason_stays_so() -> None:
    unclear = "A: let~0.5 me~0.5 tell~0.5 you~0.5 how~0.5 all~0.5 of~0.5 this~0.5 works~0.5"
    plain, beside = both(unclear, CALLER)
    assert not plain.sure
    assert beside == plain


def test_a_window_without_overlaps_is_sure_either_way() -> None:
    plain, beside = both(CALM, CALLER, CALM)
    assert plain.sure
    assert beside.sure
