"""Signs that words were lost or heard badly near a place, so that what is missing there may have been said."""

from __future__ import annotations

from collections.abc import Sequence

from qa_audit.domain.checks.heard import Heard
from qa_audit.domain.checks.phrases import HIT_PROBABILITY, Hit
from qa_audit.domain.checks.windows import Stretch, swallowed

_BESIDE_SECONDS = 2.5
_AROUND_SECONDS = 5.0
_WEAK_WORDS = 3
_LAST_ANSWERS = 2
_ENDING_WORDS = 4
_VERY_WEAK = 0.45
_WAITED_SECONDS = 1.2


def may_have_answered(heard: Heard, question: Hit) -> bool:
    """Say whether the caller may have answered unheard: speech without words, or a pause for it."""
    turn = question.turn
    end = turn.tokens[turn.sentence_range(question.last)[1]].end
    own = heard.words_between("customer", end - 0.5, float("inf"))
    if not own and heard.speech_seconds("customer", end, float("inf")) >= 0.25:
        return True
    after = heard.words_between("agent", end - 0.01, float("inf"))
    return bool(after) and after[0].start - end >= _WAITED_SECONDS


def lost_beside(heard: Heard, hit: Hit) -> bool:
    """Say whether words were lost right after a hit, where what is missing may have been, or heard badly around it."""
    return swallowed(heard, hit.turn.speaker, hit.start, hit.end + _BESIDE_SECONDS) or _weak_around(
        heard, hit
    )


def unclear_ends(heard: Heard, stretches: Sequence[Stretch]) -> bool:
    """Say whether the agent's words right before the caller's last turns were heard badly."""
    turns = {stretch.turn.index for stretch in stretches}
    caller = [turn for turn in heard.turns_of("customer") if not turn.back_channel][-_LAST_ANSWERS:]
    for answer in caller:
        before = [turn for turn in heard.turns_of("agent") if turn.index < answer.index]
        if not before or before[-1].index not in turns:
            continue
        ending = [token.probability for token in before[-1].tokens[-_ENDING_WORDS:]]
        weak = sum(probability < HIT_PROBABILITY for probability in ending)
        if weak >= 2 or ending[-1] < _VERY_WEAK:
            return True
    return False


def _weak_around(heard: Heard, hit: Hit) -> bool:
    """Say whether several words around a hit were heard badly."""
    around = heard.words_between(hit.turn.speaker, hit.start - _AROUND_SECONDS, hit.end + _AROUND_SECONDS)
    return sum(token.probability < HIT_PROBABILITY for token in around) >= _WEAK_WORDS
