"""Make up sentences of a refund line: the demo's words in other sentences.

A pattern is text with choices in round brackets, `(a|b|)`, and slots in angle brackets, `<day>`.
Two sets of sentences are never given out for training: those of the bundled calls, and those that
`is_held_out` reserves, by a hash of their words, for measuring.
"""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

PATTERN_FILE = Path(__file__).with_name("speech_patterns.txt")

DIGITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
ORDINALS = ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"]
MONTHS = ["March", "May", "June"]
AGENTS = ["Dana", "Marcus", "Priya", "Tom", "Nina", "Aisha", "Sara", "Leo"]
CUSTOMERS = ["Mrs Lee", "Mr Brown", "Mr Green", "Mrs Young", "Mr Lee", "Mrs Brown", "Mrs Green", "Mr Young"]
TENS = ["thirty", "forty", "fifty", "sixty", "eighty"]
WORDS = [
    "a",
    "about",
    "air",
    "aisha",
    "all",
    "also",
    "am",
    "an",
    "and",
    "angry",
    "answers",
    "anything",
    "are",
    "at",
    "back",
    "bad",
    "bag",
    "best",
    "birth",
    "booking",
    "both",
    "brown",
    "but",
    "by",
    "bye",
    "calling",
    "can",
    "cancelled",
    "card",
    "change",
    "check",
    "child",
    "choosing",
    "comes",
    "credit",
    "dana",
    "date",
    "day",
    "days",
    "do",
    "does",
    "dollars",
    "eight",
    "eighth",
    "eighty",
    "else",
    "email",
    "fair",
    "fee",
    "fifth",
    "fifty",
    "fine",
    "first",
    "five",
    "flight",
    "fly",
    "flying",
    "for",
    "forty",
    "four",
    "fourth",
    "from",
    "front",
    "get",
    "give",
    "goes",
    "good",
    "goodbye",
    "great",
    "green",
    "guarantee",
    "had",
    "happy",
    "has",
    "have",
    "hear",
    "hello",
    "help",
    "her",
    "here",
    "hi",
    "hold",
    "hour",
    "hours",
    "how",
    "hundred",
    "i",
    "in",
    "into",
    "is",
    "it",
    "june",
    "kind",
    "know",
    "last",
    "late",
    "lee",
    "leo",
    "let",
    "long",
    "look",
    "many",
    "march",
    "marcus",
    "may",
    "me",
    "mistake",
    "moment",
    "money",
    "mr",
    "mrs",
    "much",
    "my",
    "name",
    "near",
    "need",
    "new",
    "nice",
    "nina",
    "nine",
    "ninth",
    "no",
    "nobody",
    "northwind",
    "not",
    "now",
    "number",
    "of",
    "oh",
    "okay",
    "on",
    "one",
    "open",
    "or",
    "paid",
    "pay",
    "payment",
    "payments",
    "perfect",
    "please",
    "priya",
    "problem",
    "promise",
    "really",
    "refund",
    "refunds",
    "right",
    "rule",
    "sara",
    "seat",
    "seats",
    "second",
    "see",
    "send",
    "seven",
    "seventh",
    "she",
    "sick",
    "six",
    "sixth",
    "sixty",
    "so",
    "some",
    "sorry",
    "speaking",
    "star",
    "stop",
    "sure",
    "take",
    "takes",
    "tell",
    "ten",
    "tenth",
    "thank",
    "that",
    "the",
    "then",
    "there",
    "they",
    "third",
    "thirty",
    "this",
    "three",
    "time",
    "times",
    "to",
    "today",
    "tom",
    "tomorrow",
    "too",
    "took",
    "travel",
    "two",
    "understand",
    "upset",
    "very",
    "voucher",
    "wait",
    "waited",
    "waiting",
    "want",
    "wants",
    "was",
    "we",
    "weeks",
    "what",
    "when",
    "which",
    "while",
    "whole",
    "wife",
    "will",
    "with",
    "worried",
    "year",
    "yes",
    "you",
    "young",
    "your",
    "zero",
]
PROPER = {
    w.lower(): w
    for w in AGENTS
    + MONTHS
    + ["Northwind", "Star", "Air", "Mr", "Mrs", "Lee", "Brown", "Green", "Young", "I"]
}


def normal(sentence: str) -> str:
    """Reduce a sentence to its lower-case words."""
    return " ".join(re.findall(r"[a-z']+", sentence.lower()))


def sentences(text: str) -> list[str]:
    """Cut a turn into its sentences."""
    return [part for part in re.split(r"(?<=[.?!])\s+", text.strip()) if part]


def is_held_out(sentence: str) -> bool:
    """Tell whether a sentence is reserved for measuring: one in eight, by a hash of its words."""
    return hashlib.sha1(normal(sentence).encode()).digest()[0] % 8 == 0


def _digit_words(rng: np.random.Generator, count: int) -> list[str]:
    found = [DIGITS[i] for i in rng.integers(0, 10, count)]
    for place in range(1, count):
        if rng.random() < 0.15:
            found[place] = found[place - 1]
    return found


def _number(rng: np.random.Generator) -> str:
    return " ".join(_digit_words(rng, 4))


def _card(rng: np.random.Generator) -> str:
    groups = [_number(rng) for _ in range(4)]
    if rng.random() < 0.3:
        groups[2] = groups[1]
    return ", ".join(groups)


def _cut_card(rng: np.random.Generator) -> str:
    groups = [_number(rng) for _ in range(int(rng.integers(1, 3)))]
    return ", ".join([*groups, " ".join(_digit_words(rng, int(rng.integers(2, 4))))])


def _groups(rng: np.random.Generator) -> str:
    return ", ".join(_number(rng) for _ in range(int(rng.integers(2, 4))))


def _amount(rng: np.random.Generator) -> str:
    hundred = (
        f"{rng.choice(['one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine'])} hundred"
    )
    ten = str(rng.choice([*TENS, "ten"]))
    return str(rng.choice([hundred, ten, f"{hundred} and {ten}", ten, hundred]))


def _any(items: list[str]) -> Callable[[np.random.Generator], str]:
    return lambda rng: str(rng.choice(items))


SLOTS: dict[str, Callable[[np.random.Generator], str]] = {
    "n4": _number,
    "card": _card,
    "cutcard": _cut_card,
    "groups": _groups,
    "amount": lambda rng: f"{_amount(rng)} dollars",
    "agent": _any(AGENTS),
    "cust": _any(CUSTOMERS),
    "date": lambda rng: f"the {rng.choice(ORDINALS)} of {rng.choice(MONTHS)}",
    "brand": lambda rng: "Star Air" if rng.random() < 0.22 else "Northwind",
    "few": _any(["two", "three", "four", "five", "six"]),
    "digit": _any(DIGITS),
    "thing": _any(
        [
            "flight",
            "booking",
            "seat",
            "bag",
            "bag fee",
            "fee",
            "name change",
            "travel credit",
            "payment",
            "refund",
        ]
    ),
    "person": _any(["my wife", "my child", "Mrs Lee", "Mr Brown", "me"]),
}


def read_patterns(path: Path = PATTERN_FILE) -> dict[str, list[str]]:
    """Read the patterns of each kind from a text file: a kind in square brackets, then one pattern a line."""
    found: dict[str, list[str]] = {}
    kind = ""
    for line in path.read_text(encoding="utf8").splitlines():
        if line.startswith("["):
            kind = line.strip("[]")
            found[kind] = []
        elif line and not line.startswith("#"):
            found[kind].append(line)
    return found


PATTERNS = read_patterns()

WEIGHTS = {
    "greet": 2.0, "reason": 4.2, "restate": 1.8, "empathy": 1.4, "verify": 1.7, "digits": 5.0, "card": 1.5,
    "hold": 1.4, "refund": 4.0, "promise": 1.5, "they": 1.6, "more": 1.1, "close": 1.7, "back": 2.6,
    "random": 2.4,
}  # fmt: skip
"""How often each kind of sentence is drawn; digits most, because rules depend on every one of them."""


def expand(pattern: str, rng: np.random.Generator) -> str:
    """Draw one sentence from a pattern."""
    inner = re.compile(r"\(([^()]*)\)")
    while match := inner.search(pattern):
        choice = str(rng.choice(match.group(1).split("|")))
        pattern = pattern[: match.start()] + choice + pattern[match.end() :]
    text = re.sub(r"<(\w+)>", lambda slot: SLOTS[slot.group(1)](rng), pattern)
    text = re.sub(r"\s+([,.?])", r"\1", re.sub(r"\s+", " ", text)).strip()
    text = re.sub(r"[,.?]+(?=[.?])", "", text)
    text = re.sub(r"(?<=So )You\b", "you", text)
    return text[:1].upper() + text[1:]


def random_words(rng: np.random.Generator) -> str:
    """String two to seven words together without sense, so that the ear does the work and not the grammar."""
    picked = [str(w) for w in rng.choice(WORDS, int(rng.integers(2, 8)))]
    text = " ".join(PROPER.get(word, word) for word in picked)
    return text[:1].upper() + text[1:] + "."


def draw(rng: np.random.Generator, kind: str | None = None) -> tuple[str, str]:
    """Draw (kind, sentence) from the whole grammar, or from one kind."""
    if kind is None:
        names = list(WEIGHTS)
        weights = np.array([WEIGHTS[name] for name in names])
        kind = str(rng.choice(names, p=weights / weights.sum()))
    if kind == "random":
        return kind, random_words(rng)
    patterns = PATTERNS[kind]
    return kind, expand(patterns[int(rng.integers(len(patterns)))], rng)


def draw_allowed(
    rng: np.random.Generator, excluded: frozenset[str], held_out: bool, kind: str | None = None
) -> str:
    """Draw a sentence that is no demo sentence, and is (or is not) one of the held-out ones."""
    for _ in range(2000):
        sentence = draw(rng, kind)[1]
        if normal(sentence) not in excluded and is_held_out(sentence) == held_out:
            return sentence
    raise ValueError(f"the grammar yields no sentence of kind {kind!r} that may be used")


def exclusions(turns: Iterable[str]) -> frozenset[str]:
    """List the normalised sentences and whole turns that must never be trained on."""
    found: set[str] = set()
    for turn in turns:
        found.add(normal(turn))
        found.update(normal(part) for part in sentences(turn))
    return frozenset(found)


@functools.cache
def vocabulary(samples: int = 30_000, seed: int = 7) -> frozenset[str]:
    """Collect the words that the patterns (not the random strings) bring forth."""
    rng = np.random.default_rng(seed)
    kinds = [name for name in WEIGHTS if name != "random"]
    found: set[str] = set()
    for index in range(samples):
        found.update(normal(draw(rng, kinds[index % len(kinds)])[1]).split())
    return frozenset(found)
