"""How long work will still take, told from the pace it has gone at."""

from __future__ import annotations

LEAST_FRACTION = 0.02
LEAST_SECONDS = 2.0
"""Before so much is done and so much time has passed there is no estimate."""

WEIGHT = 0.3
"""How much of a new estimate counts against the one before, so that what people read does not jump."""


class TimeLeft:
    """An estimate of the time left, from what was done since the first look.

    Work that goes on where an earlier attempt ended begins above zero: what that one did tells no pace.
    """

    def __init__(self) -> None:
        self._began: tuple[float, float] | None = None
        self._last: tuple[float, float] | None = None

    def tell(self, fraction: float, now: float) -> int | None:
        """Return the seconds left when `fraction` (0 to 1) is done at `now` (seconds), None while unknown."""
        if self._began is None:
            self._began = fraction, now
        done, passed = fraction - self._began[0], now - self._began[1]
        if done < LEAST_FRACTION or passed < LEAST_SECONDS:
            return None
        left = (1 - fraction) * passed / done
        if self._last is not None:
            expected = max(self._last[0] - (now - self._last[1]), 0.0)
            left = expected + WEIGHT * (left - expected)
        self._last = left, now
        return round(left)


def in_words(seconds: int) -> str:
    """Say how much time is left, no finer than anybody can know it: 'about 3 minutes left'."""
    if seconds < 45:
        return "less than a minute left"
    minutes = max(round(seconds / 60), 1)
    if minutes < 90:
        return f"about {minutes} minute{'' if minutes == 1 else 's'} left"
    return f"about {round(minutes / 60)} hours left"
