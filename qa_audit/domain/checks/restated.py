"""Kind `restated`: the agent says back what the caller wants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Literal

from pydantic import Field

from qa_audit.domain.checks.base import (
    Context,
    certainty_of,
    cite,
    decided,
    miss_certainty,
    not_applicable,
    searched_stretches,
    unsure,
)
from qa_audit.domain.checks.guards import asked
from qa_audit.domain.checks.heard import Heard, Turn
from qa_audit.domain.checks.model import Model, Phrases
from qa_audit.domain.checks.phrases import Hit, make_hit
from qa_audit.domain.checks.windows import between, miss_quality, whole
from qa_audit.domain.findings import Finding
from qa_audit.domain.text import is_number, is_ordinal, normalise, stem, word_set

_REASON_WORDS = 4
_PLAIN_QUESTION_WORDS = 12
_EMPTY = word_set(
    """
    a about again all also am an and any are as at be because been but by call called calling can could
    day did do does for from get give go good got had has have he hear hello help her here hi him his how
    i if in into is it its just know let like long look made make many may me mine moment mr mrs ms miss
    much my name need new no not now of off oh okay on one only or our out over please really said same
    say she should so some something soon sorry such take tell than thank thanks that the their them then
    there these they thing this time to today too up us very want wants was way we well were what when
    where which who why will with would yes yet you your yours
    """
)
"""Words that say nothing about what a caller wants."""
_ASKING = word_set("what when where who why how which")
_QUESTION_WORDS = _ASKING | word_set("can could do does is are")


class RestatedSpec(Model):
    """Yes when, soon after the caller's reason, an agent turn frames it as the caller's and names it."""

    kind: Literal["restated"]
    frames: Phrases = Field(
        min_length=1, description="How a reason is said back: 'you want', 'is that right'."
    )
    alike: tuple[tuple[str, ...], ...] = Field(
        default=(), description="Groups of words that mean the same here."
    )
    seconds: float = Field(default=45, gt=0)
    first_turns: int = Field(default=3, ge=1, description="The reason is in one of the caller's first turns.")


def check(spec: RestatedSpec, context: Context) -> Finding:
    """Find the caller's reason, then a turn of the agent that says it back."""
    heard = context.heard
    reason = _reason_turn(heard, spec)
    if reason is None:
        return unsure("The caller's reason was not found in the first turns.")
    if _answered_at_once(heard, reason):
        return not_applicable("The caller's reason was one plain question, answered at once.")
    wanted = _content(reason, spec)
    window = between(whole(heard.turns_of("agent")), reason.start, reason.end + spec.seconds)
    frames = context.phrases(spec.frames)
    framed: list[Hit] = []
    named: list[Hit] = []
    for turn, low, high in window:
        words = [place for place in range(low, high + 1) if _key(turn.texts[place], spec) in wanted]
        clear = [place for place in words if turn.tokens[place].probability >= 0.5]
        hits = [hit for hit in frames.find(turn, low, high) if not _requests(hit)]
        for hit in hits:
            about = [place for place in clear if abs(place - hit.first) <= 14]
            if hit.heard and about:
                cited = make_hit(turn, min(hit.first, about[0]), max(hit.last, about[0]))
                return decided(
                    "yes", "The agent said back what the caller wants.", cite(heard, cited), certainty_of(hit)
                )
        framed.extend(hits)
        named.extend(make_hit(turn, place, place) for place in words)
    if framed or named:
        return unsure(
            "Perhaps the agent said it back; it was not heard clearly.", cite(heard, (framed or named)[0])
        )
    quality = miss_quality(heard, "agent", window)
    looked = searched_stretches(window)
    if quality.sure:
        return decided(
            "no", "The agent never said back what the caller wants.", looked, miss_certainty(window)
        )
    return unsure(f"No such turn was found, but {quality.why}.", looked, "no")


def _reason_turn(heard: Heard, spec: RestatedSpec) -> Turn | None:
    """Return the first of the caller's first turns that says more than a greeting."""
    turns = [turn for turn in heard.turns_of("customer") if not turn.back_channel][: spec.first_turns]
    for turn in turns:
        if len(turn.tokens) >= _REASON_WORDS and _content(turn, spec):
            return turn
    return None


def _key(text: str, spec: RestatedSpec) -> str:
    """Bring a word to its stem, and words that mean the same to one of them."""
    own = stem(text)
    return _groups(spec.alike).get(own, own)


@lru_cache(maxsize=64)
def _groups(alike: tuple[tuple[str, ...], ...]) -> Mapping[str, str]:
    """Return for each stem of the groups the one that stands for its group."""
    keys: dict[str, str] = {}
    for group in alike:
        stems = [stem(piece.text) for word in group for piece in normalise([word])]
        for own in stems:
            keys.setdefault(own, stems[0])
    return keys


def _content(turn: Turn, spec: RestatedSpec) -> frozenset[str]:
    """Return the keys of the words that carry the reason."""
    grouped = _groups(spec.alike)
    return frozenset(
        _key(text, spec)
        for text in turn.texts
        if (stem(text) in grouped or text not in _EMPTY)
        and not is_number(text)
        and not is_ordinal(text)
        and len(text) > 2
    )


def _requests(hit: Hit) -> bool:
    """Say whether the frame asks for something new: "do you want to wait"."""
    turn = hit.turn
    first, _ = turn.sentence_range(hit.first)
    return turn.texts[first] in ("what", "when", "where", "how", "which", "do", "would", "could") and asked(
        hit
    )


def _answered_at_once(heard: Heard, reason: Turn) -> bool:
    """Say whether the reason is one short question that the agent's next turn just answers."""
    texts: Sequence[str] = reason.texts
    one = len(set(reason.sentence)) == 1 or (len(set(reason.sentence)) == 2 and reason.sentence[1] == 1)
    opening = texts[1] if texts[0] in ("hello", "hi") and len(texts) > 1 else texts[0]
    unmarked = reason.tokens[-1].stop == "" and opening in _ASKING
    question = (opening in _QUESTION_WORDS and reason.tokens[-1].stop == "?") or unmarked
    if not (one and question and len(texts) <= _PLAIN_QUESTION_WORDS):
        return False
    following = next(
        (t for t in heard.turns_of("agent") if t.start > reason.start and not t.back_channel), None
    )
    if following is None or len(following.tokens) < 5:
        return False
    asks = any(token.stop == "?" for token in following.tokens) or "please" in following.texts
    return not asks
