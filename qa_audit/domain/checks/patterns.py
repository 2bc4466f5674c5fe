"""Patterns: regular expressions that a rubric may use, refused at load when they could run for ever.

A pattern is matched against the normalised words of a turn, joined by single spaces, and matches whole words.
The standard library's engine tries every way in which a pattern can fit; how many there are at one place is
bounded here from the parsed pattern, before anything is matched:

- repeats without an upper bound (`\\w+`) may repeat only one class of characters that cannot be a space, so
  they end with the word; two that could share characters may not stand side by side, nor one in another;
- alternatives under a repeat may not begin alike, unless they are plain words of which none begins another;
- the choices left (a gap of up to five words is six) may not multiply beyond a limit;
- back-references, and looking ahead or behind, are refused.
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from re import _constants as ops  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any, NamedTuple

LONGEST_PATTERN = 200
"""Characters of a pattern."""
MOST_TIMES = 50
"""How often a bounded repeat may repeat."""
MOST_WAYS = 500
LONGEST_WORD = 64
"""Longer words are cut before patterns are matched; an unbounded repeat can choose among so many lengths."""

_ALPHABET = frozenset(string.printable[:95]) | {"\u00e9", "\u2022"}
"""What stands for all characters: printable ASCII, one other letter, one other sign."""
_FLAGS = re.compile(r"\A\(\?[a-z]+\)")
_REPEATS = (ops.MAX_REPEAT, ops.MIN_REPEAT, ops.POSSESSIVE_REPEAT)
_SINGLE = (ops.LITERAL, ops.NOT_LITERAL, ops.IN, ops.ANY)
_REFUSED = {
    ops.GROUPREF: "refers back to what was matched",
    ops.GROUPREF_EXISTS: "refers back to what was matched",
    ops.ASSERT: "looks ahead or behind",
    ops.ASSERT_NOT: "looks ahead or behind",
}
_CATEGORIES: dict[Any, Callable[[str], bool]] = {
    ops.CATEGORY_DIGIT: str.isdigit,
    ops.CATEGORY_SPACE: str.isspace,
    ops.CATEGORY_WORD: lambda c: c.isalnum() or c == "_",
    ops.CATEGORY_NOT_DIGIT: lambda c: not c.isdigit(),
    ops.CATEGORY_NOT_SPACE: lambda c: not c.isspace(),
    ops.CATEGORY_NOT_WORD: lambda c: not (c.isalnum() or c == "_"),
}
_Item = tuple[Any, Any]


class PatternError(ValueError):
    """A pattern cannot be read or is refused; the message says why."""


class Pattern(NamedTuple):
    """A compiled pattern, and letters that stand in all that it fits."""

    expression: re.Pattern[str]
    needed: str


@lru_cache(maxsize=4096)
def pattern_of(pattern: str) -> Pattern:
    """Compile a pattern (see `compile_pattern`) and tell what it cannot do without."""
    expression = compile_pattern(pattern)
    whatever_case = expression.flags & re.IGNORECASE
    return Pattern(expression, "" if whatever_case else _needed(parser.parse(pattern)))


def _needed(items: Iterable[_Item]) -> str:
    """Return the longest run of plain characters that stand side by side in the pattern itself."""
    runs = [""]
    for kind, value in items:
        runs = [*runs[:-1], runs[-1] + chr(value)] if kind is ops.LITERAL else [*runs, ""]
    return max(runs, key=len)


@lru_cache(maxsize=4096)
def compile_pattern(pattern: str) -> re.Pattern[str]:
    """Compile a pattern that is safe to match, so that it fits whole words only.

    Raises PatternError for one that cannot be read or that may take too long.
    """
    if len(pattern) > LONGEST_PATTERN:
        raise PatternError(f"a pattern may have {LONGEST_PATTERN} characters, this one has {len(pattern)}")
    try:
        parsed = parser.parse(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise PatternError(f"'{pattern}' is no pattern: {error}") from error
    if parsed.state.flags & ~(re.UNICODE | re.IGNORECASE):
        raise PatternError(f"'{pattern}' sets flags; only (?i) is allowed")
    ways, empty = _ways(list(parsed), frozenset(" "), repeated=False), _nullable(list(parsed))
    if ways > MOST_WAYS:
        raise PatternError(f"'{pattern}' can fit in too many ways; make its repeats shorter or split it")
    if empty:
        raise PatternError(f"'{pattern}' fits an empty text")
    body = _FLAGS.sub("", pattern)
    return re.compile(rf"(?<!\S)(?:{body})(?!\S)", parsed.state.flags & re.IGNORECASE)


def _ways(items: Sequence[_Item], after: frozenset[str], *, repeated: bool) -> int:
    """Bound in how many ways a sequence can fit at one place; `after` is what may begin behind it."""
    ways = 1
    for place, (kind, value) in enumerate(items):
        rest = items[place + 1 :]
        follows = _first(rest) | (after if _nullable(rest) else frozenset())
        if kind in _REFUSED:
            raise PatternError(f"a pattern that {_REFUSED[kind]} is refused")
        if kind in _REPEATS:
            if _unbounded(value) and _runs_into(value, rest):
                raise PatternError("two repeats side by side that could share characters are refused")
            ways *= _repeat_ways(value, follows)
        elif kind is ops.SUBPATTERN:
            ways *= _ways(list(value[3]), follows, repeated=repeated)
        elif kind is ops.ATOMIC_GROUP:
            ways *= _ways(list(value), follows, repeated=repeated)
        elif kind is ops.BRANCH:
            ways *= _branch_ways([list(part) for part in value[1]], follows, repeated=repeated)
        elif kind not in (*_SINGLE, ops.AT):
            raise PatternError("this pattern holds something that is not allowed")
        if ways > MOST_WAYS:
            break
    return ways


def _repeat_ways(value: tuple[int, int, Any], follows: frozenset[str]) -> int:
    least, most, body = int(value[0]), int(value[1]), list(value[2])
    unbounded = _unbounded(value)
    if not unbounded and most > MOST_TIMES:
        raise PatternError(f"a repeat may go up to {MOST_TIMES}")
    if _nullable(body):
        raise PatternError("a repeat of something that may be empty is refused")
    first = _first(body)
    if unbounded:
        single = len(body) == 1 and body[0][0] in _SINGLE
        if not single:
            raise PatternError("a repeat without an upper bound may repeat one class of characters only")
        if " " in first:
            raise PatternError("a repeat without an upper bound may not run over spaces; write {0,30}")
        return LONGEST_WORD if first & follows else 1
    inside = follows | (first if most > 1 else frozenset())
    within = _ways(body, inside, repeated=most > 1)
    if within > 1 and most > 1:
        raise PatternError("what a repeat repeats could fit in several ways; make it plainer")
    choices = most - least + 1 if first & follows or least == most else 1
    return within * (1 if least == most else choices)


def _unbounded(value: tuple[int, int, Any]) -> bool:
    return int(value[1]) >= int(ops.MAXREPEAT)


def _runs_into(value: tuple[int, int, Any], rest: Sequence[_Item]) -> bool:
    """Say whether another repeat without an upper bound that shares characters may follow at once."""
    own = _first(list(value[2]))
    for kind, following in rest:
        if kind in _REPEATS and _unbounded(following) and own & _first(list(following[2])):
            return True
        if not _may_be_empty(kind, following):
            return False
    return False


def _branch_ways(parts: Sequence[list[_Item]], follows: frozenset[str], *, repeated: bool) -> int:
    words = [_word(part) for part in parts]
    if all(word is not None for word in words):
        texts = sorted(word for word in words if word is not None)
        alike = any(b.startswith(a) for a, b in pairwise(texts))
        if not alike:
            return 1
    alike = any(
        _first(one) & _first(other) for place, one in enumerate(parts) for other in parts[place + 1 :]
    )
    if alike and repeated:
        raise PatternError("alternatives under a repeat may not begin alike")
    ways = [_ways(part, follows, repeated=repeated) for part in parts]
    return sum(ways) if alike else max(ways)


def _word(items: Sequence[_Item]) -> str | None:
    """Return the text of a sequence of plain characters, or None for any other."""
    if not items or any(kind is not ops.LITERAL for kind, _ in items):
        return None
    return "".join(chr(value) for _, value in items)


def _nullable(items: Sequence[_Item]) -> bool:
    """Say whether a sequence may fit nothing at all."""
    return all(_may_be_empty(kind, value) for kind, value in items)


def _may_be_empty(kind: Any, value: Any) -> bool:
    if kind in _REPEATS:
        return value[0] == 0 or _nullable(list(value[2]))
    if kind is ops.SUBPATTERN:
        return _nullable(list(value[3]))
    if kind is ops.ATOMIC_GROUP:
        return _nullable(list(value))
    if kind is ops.BRANCH:
        return any(_nullable(list(part)) for part in value[1])
    return kind not in _SINGLE


def _first(items: Sequence[_Item]) -> frozenset[str]:
    """Return the characters with which a sequence can begin."""
    found: frozenset[str] = frozenset()
    for kind, value in items:
        found |= _begins(kind, value)
        if not _may_be_empty(kind, value):
            break
    return found


def _begins(kind: Any, value: Any) -> frozenset[str]:
    if kind in _REPEATS:
        return _first(list(value[2]))
    if kind is ops.SUBPATTERN:
        return _first(list(value[3]))
    if kind is ops.ATOMIC_GROUP:
        return _first(list(value))
    if kind is ops.BRANCH:
        return frozenset[str]().union(*(_first(list(part)) for part in value[1]))
    return _class_of(kind, value) if kind in _SINGLE else frozenset()


def _class_of(kind: Any, value: Any) -> frozenset[str]:
    """Return the characters that one element fits, those beyond ASCII by what stands for them."""
    if kind is ops.ANY:
        return _ALPHABET
    if kind is ops.LITERAL:
        return _both_cases(chr(value))
    if kind is ops.NOT_LITERAL:
        return _ALPHABET - {chr(value)}
    negated = bool(value) and value[0][0] is ops.NEGATE
    found = frozenset(c for part in value[negated:] for c in _in_set(*part))
    return _ALPHABET - found if negated else found


def _in_set(kind: Any, value: Any) -> Iterator[str]:
    if kind is ops.LITERAL:
        yield from _both_cases(chr(value))
    elif kind is ops.RANGE:
        low, high = value
        yield from (c for c in _ALPHABET if low <= ord(c) <= high or low <= ord(c.swapcase()[:1]) <= high)
        if high > 127:
            yield "\u00e9"
    elif kind is ops.CATEGORY:
        fits = _CATEGORIES.get(value)
        yield from (c for c in _ALPHABET if fits is None or fits(c))


def _both_cases(character: str) -> frozenset[str]:
    """Return a character in both cases; one beyond ASCII is also what stands for its like."""
    if character in _ALPHABET:
        return frozenset({character.lower(), character.upper()}) & (_ALPHABET | {character})
    return frozenset({"\u00e9" if character.isalnum() else "\u2022"})
