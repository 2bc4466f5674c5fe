"""What some checks ask for help: a model that compares meanings, and one that judges. Both may be absent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

Side = Literal["agent", "customer", "unknown"]


class Meaning(Protocol):
    """Compares sentences by what they mean."""

    def alike(self, phrases: Sequence[str], sentences: Sequence[str]) -> Sequence[Sequence[float]]:
        """Return for each sentence how alike each phrase is: the cosine of both, -1 to 1."""


@dataclass(frozen=True)
class Line:
    """One numbered turn of a masked transcript."""

    turn: int
    speaker: Side
    words: str


@dataclass(frozen=True)
class Question:
    """What a language model is asked about a call, and the answers it may give."""

    text: str
    answers: tuple[str, ...]
    guidance: str
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Quote:
    """Words that a language model gives as proof, and the turn in which it says they stand."""

    turn: int
    words: str


@dataclass(frozen=True)
class Verdict:
    """What a language model answered; `answer` is None when there is none, and `why` then says why."""

    answer: str | None
    quotes: tuple[Quote, ...] = ()
    why: str = ""


class Judge(Protocol):
    """Answers questions about a call; never raises: what goes wrong is a verdict without an answer."""

    def ask(self, question: Question) -> Verdict:
        """Ask one question."""


@dataclass(frozen=True)
class Tools:
    """The models that checks may ask; None where none is set up."""

    meaning: Meaning | None = None
    judge: Judge | None = None


NO_TOOLS = Tools()
