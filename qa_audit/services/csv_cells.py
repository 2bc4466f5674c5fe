"""Cells of exported tables that no spreadsheet runs as a formula."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence

_STARTERS = frozenset("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20|%")
"""What spreadsheets take for the beginning of a formula, with the full-width forms (OWASP, CSV injection)."""

_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")


def safe(value: str | None) -> str:
    """Return a cell that stays text: what could start a formula gets an apostrophe; plain numbers stay."""
    if not value:
        return ""
    text = value.replace("\0", "")
    first = text.lstrip(" \u00a0\u200b\ufeff")[:1]
    starts = first in _STARTERS or text[:1] in _STARTERS
    return f"'{text}" if starts and text and not _NUMBER.fullmatch(text) else text


def lines(rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Yield the rows as lines of CSV (RFC 4180), one at a time: a long list is never held in memory."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    for row in rows:
        writer.writerow(row)
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
