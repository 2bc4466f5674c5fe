"""What language models may cost a day, counted in tokens, over all processes that share a data folder."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

_PATIENCE = 5.0
"""Seconds to wait for another process that counts."""


class DaySpend:
    """Tokens spent on one day (UTC), in a small file; what is about to be spent is booked before."""

    def __init__(self, path: Path, limit: int, clock: Callable[[], datetime]) -> None:
        self._path, self._limit, self._clock = path, limit, clock

    def book(self, tokens: int) -> bool:
        """Book tokens; False, and nothing booked, where that would pass the limit or cannot be counted."""
        return self._change(tokens, self._limit)

    def correct(self, booked: int, used: int) -> None:
        """Put what was used in place of what was booked."""
        self._change(used - booked, None)

    def _change(self, tokens: int, limit: int | None) -> bool:
        from filelock import FileLock, Timeout

        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(str(self._path) + ".lock", timeout=_PATIENCE):
                day = self._clock().date().isoformat()
                spent = self._spent(day)
                allowed = limit is None or spent + tokens <= limit
                total = max(0, spent + tokens) if allowed else spent
                made = self._path.with_suffix(".new")
                made.write_text(json.dumps({"day": day, "tokens": total}), encoding="utf-8")
                made.replace(self._path)
        except (OSError, Timeout):
            return False
        return allowed

    def _spent(self, day: str) -> int:
        """Return the tokens of a day; what cannot be read counts as the limit spent."""
        try:
            kept = json.loads(self._path.read_text(encoding="utf-8"))
            return int(kept["tokens"]) if kept["day"] == day else 0
        except FileNotFoundError:
            return 0
        except (ValueError, KeyError, TypeError):
            return self._limit
