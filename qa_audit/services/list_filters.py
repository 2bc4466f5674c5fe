"""Filters of lists as addresses carry them: reading parameters, writing them back, days as moments, cursors."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from qa_audit.errors import Invalid
from qa_audit.storage.call_rows import Window

MOST_ROWS = 200
"""The most rows on one page of a list."""

ID = re.compile(r"[A-Za-z0-9_-]{1,32}")
"""What an id of ours looks like outside the process."""

LONGEST = 200

Parameters = Mapping[str, tuple[str, Callable[[str], object]]]
"""By a parameter's name: the field of the filter that it sets, and what reads its text or raises ValueError."""


def read(query: Iterable[tuple[str, str]], parameters: Parameters) -> dict[str, object]:
    """Read the fields of a filter from the pairs of a query string; empty values filter nothing.

    Raises Invalid that names every parameter which is unknown, given twice or of the wrong form.
    """
    pairs = [(name, value.strip()) for name, value in query]
    times = Counter(name for name, _ in pairs)
    errors = {name: "is given more than once" for name, number in times.items() if number > 1}
    values: dict[str, object] = {}
    for name, value in pairs:
        if name not in parameters:
            errors[name] = f"is no parameter here; there are {', '.join(parameters)}"
        elif value and name not in errors:
            field, read_value = parameters[name]
            try:
                values[field] = read_value(value)
            except ValueError as error:
                errors[name] = str(error)
    if errors:
        raise Invalid("The filter cannot be used.", errors)
    return values


def write(filter: object, default: object, parameters: Parameters) -> dict[str, str]:
    """Return the parameters of an address that differ from an empty filter's: `read` backwards."""
    return {
        name: str(value)
        for name, (field, _) in parameters.items()
        if (value := getattr(filter, field)) is not None and value != getattr(default, field)
    }


def text(value: str) -> str:
    """Read a text that is not too long."""
    if len(value) > LONGEST or "\0" in value:
        raise ValueError(f"must be a text of at most {LONGEST} characters")
    return value


def one_of(*known: str) -> Callable[[str], str]:
    """Return what reads one of the words that are known."""

    def read_word(value: str) -> str:
        if value not in known:
            raise ValueError(f"must be one of {', '.join(known)}")
        return value

    return read_word


def day(value: str) -> date:
    """Read a day."""
    try:
        found = date.fromisoformat(value)
    except ValueError:
        found = date.min
    # A year in the range of all calendars: the days before and after are counted with.
    if not 1970 <= found.year <= 9000:
        raise ValueError("must be a day such as 2026-11-02")
    return found


def limit(value: str) -> int:
    """Read a number of rows."""
    if not re.fullmatch(r"[0-9]{1,3}", value) or not 1 <= int(value) <= MOST_ROWS:
        raise ValueError(f"must be a number from 1 to {MOST_ROWS}")
    return int(value)


def window(since: date | None, until: date | None, time_zone: str) -> Window:
    """Turn days, both included, into moments by a time zone."""
    zone = ZoneInfo(time_zone)
    after = until + timedelta(days=1) if until and until < date.max else None
    return Window(
        datetime.combine(since, time.min, zone) if since else None,
        datetime.combine(after, time.min, zone) if after else None,
    )


def cursor(moment: datetime, id: str) -> str:
    """Pack a place in a list that is ordered by moment and id."""
    packed = json.dumps([moment.isoformat(), id]).encode()
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def place(packed: str) -> tuple[datetime, str]:
    """Unpack a place that `cursor` packed; raises Invalid for anything else."""
    try:
        moment, id = json.loads(base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4)))
        at = datetime.fromisoformat(moment)
        if at.tzinfo is None or not ID.fullmatch(id):
            raise ValueError("no place in the list")
    except (ValueError, TypeError, binascii.Error) as error:
        words = {"cursor": "is none that this list gave"}
        raise Invalid("This page of the list is not known.", words) from error
    return at, id
