"""What a vendor's file names tell about a call: a regular expression with named groups, with a time limit."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, tzinfo
from typing import Any

import regex

from qa_audit import logs
from qa_audit.errors import Invalid

PLAIN_GROUPS = frozenset({"agent", "external_id", "queue", "direction", "language", "channels"})
DATE_GROUPS = ("year", "month", "day", "hour", "minute", "second")
GROUPS = PLAIN_GROUPS | {"started_at", *DATE_GROUPS}
"""The group names that mean something; `custom_<name>` gives the custom fact `<name>`."""

FORMATS = (
    "%Y-%m-%dT%H-%M-%S",
    "%Y-%m-%d_%H-%M-%S",
    "%Y-%m-%d-%H-%M-%S",
    "%Y%m%dT%H%M%S",
    "%Y%m%d_%H%M%S",
    "%Y%m%d-%H%M%S",
    "%Y%m%d%H%M%S",
    "%Y%m%d%H%M",
    "%Y-%m-%d",
    "%Y%m%d",
)
"""How a group `started_at` may write a moment besides ISO 8601; for other orders there are year to second."""

LONGEST = 500
LONGEST_NAME = 255
TIME_LIMIT = 0.2
"""Seconds that one file name may take: a pattern that needs more is refused when it is set."""

_log = logs.get(__name__)


def check(pattern: str) -> str:
    """Return the pattern if it can be used; raises Invalid for the field `filename_pattern` if not.

    It must compile, hold known named groups only, and be quick on names made to slow such patterns down.
    """
    if len(pattern) > LONGEST:
        raise _bad(f"is longer than {LONGEST} characters")
    try:
        compiled = regex.compile(pattern)
    except (regex.error, RecursionError, OverflowError) as error:
        raise _bad(f"is no regular expression: {error}") from error
    groups = set(compiled.groupindex)
    unknown = sorted(name for name in groups - GROUPS if not name.startswith("custom_"))
    if unknown:
        raise _bad(
            f"has groups that mean nothing here: {', '.join(unknown)}; known are {', '.join(sorted(GROUPS))}"
        )
    if not groups:
        raise _bad("has no named group, such as (?P<agent>[^_]+)")
    for name in _slow_names():
        try:
            compiled.search(name, timeout=TIME_LIMIT)
        except TimeoutError as error:
            raise _bad("takes too long on long file names; avoid repeats inside repeats") from error
    return pattern


def read(pattern: str, filename: str, zone: tzinfo) -> dict[str, str]:
    """Return what the file name tells, by field name; empty where the pattern does not match.

    Moments without an offset are read in `zone`. A date that is none (a 13th month) is left out.
    """
    try:
        found = regex.compile(pattern).search(filename[:LONGEST_NAME], timeout=TIME_LIMIT)
    except (TimeoutError, regex.error):
        _log.warning("file name pattern failed")
        return {}
    if found is None:
        return {}
    groups = {name: value.strip() for name, value in found.groupdict().items() if value and value.strip()}
    values = {name: value for name, value in groups.items() if name in PLAIN_GROUPS}
    custom = {f"custom.{name[7:]}": value for name, value in groups.items() if name.startswith("custom_")}
    moment = _moment(groups)
    if moment is None:
        return values | custom
    aware = moment if moment.tzinfo else moment.replace(tzinfo=zone)
    return values | custom | {"started_at": aware.isoformat()}


def _moment(groups: Mapping[str, Any]) -> datetime | None:
    written = groups.get("started_at")
    if written is None:
        parts = [groups.get(name) for name in DATE_GROUPS]
        if any(part is None for part in parts[:3]) or not all(
            part is None or part.isdecimal() for part in parts
        ):
            return None
        try:
            year, *rest = (int(part or 0) for part in parts)
            return datetime(year + 2000 if year < 100 else year, *rest)  # type: ignore[arg-type]
        except ValueError:
            return None
    for form in FORMATS:
        if moment := _parsed(written, form):
            return moment
    try:
        return datetime.fromisoformat(written)
    except ValueError:
        return None


def _parsed(written: str, form: str) -> datetime | None:
    """Read a moment of exactly this form: strptime alone would take '1' for a two-digit month."""
    try:
        moment = datetime.strptime(written, form)
    except ValueError:
        return None
    return moment if moment.strftime(form) == written else None


def _slow_names() -> tuple[str, ...]:
    """Names on which patterns with repeats inside repeats try every way to split them."""
    pieces = ("a", "0", "_", "-", " ", "a_", "a0", "0-", "Ab1_", "A.")
    return tuple((piece * LONGEST_NAME)[: LONGEST_NAME - 1] + end for piece in pieces for end in ("!", ""))


def _bad(why: str) -> Invalid:
    return Invalid("The pattern for file names cannot be used.", {"filename_pattern": why})
