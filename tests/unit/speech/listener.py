"""A recogniser for tests of what an engine does around one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from qa_audit.speech.recogniser import HeardWindow, HeardWord

RATE = 16_000


class Listener:
    """A recogniser that hears one word per second of its window, and takes down what it was given."""

    languages = frozenset({"en", "de"})
    about = "test"

    def __init__(self, batch: int = 2) -> None:
        self.batch = batch
        self.sounds: list[np.ndarray] = []
        self.asked: list[tuple[str, str]] = []
        self.calls: list[tuple[int, ...]] = []

    @property
    def batches(self) -> int:
        """How many batches it was given."""
        return len(self.calls)

    def language_of(self, sound: np.ndarray) -> str:
        self.asked.append(("language", f"{len(sound) / RATE:g}"))
        return "de"

    def hear(
        self,
        sounds: Sequence[np.ndarray],
        *,
        language: str,
        hints: str = "",
        calls: Sequence[int] = (),
        check: Callable[[], None] = lambda: None,
    ) -> list[HeardWindow]:
        check()
        self.calls.append(tuple(calls))
        self.sounds += sounds
        self.asked.append((language, hints))
        return [self.window(sound) for sound in sounds]

    def window(self, sound: np.ndarray) -> HeardWindow:
        seconds = len(sound) // RATE
        words = [HeardWord(f" word{number}.", number + 0.2, number + 0.7, 0.9) for number in range(seconds)]
        return HeardWindow(tuple(words), -0.1, 0.01)


class Memory:
    """Parts in a dictionary."""

    def __init__(self) -> None:
        self.kept: dict[str, list[Mapping[str, object]]] = {}

    def load(self, plan: str) -> Sequence[Mapping[str, object]]:
        return tuple(self.kept.get(plan, ()))

    def keep(self, plan: str, number: int, part: Mapping[str, object]) -> None:
        assert number == len(self.kept.setdefault(plan, []))
        self.kept[plan].append(part)
