"""A table (CSV) that says which recordings to upload and what is known about each, row by row."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from qa_audit.errors import Invalid
from qa_audit.services.call_fields import CUSTOM, NAMES, read_fields

FILE = "file"
TRANSCRIPT = "transcript"
_DELIMITERS = (",", ";", "\t")
_LONGEST_CELL = 1 << 20


@dataclass(frozen=True)
class Row:
    """One recording: `number` is the line in the table, `fields` what it says, as text by field name.

    `transcript` is the file with its transcript, from the manifest's folder on.
    """

    number: int
    file: str
    fields: dict[str, str]
    transcript: str | None = None


@dataclass(frozen=True)
class BadRow:
    """A row that cannot be used, and why."""

    number: int
    file: str
    reason: str


@dataclass
class Manifest:
    """The rows of a table that can be used, and those that cannot."""

    rows: list[Row] = field(default_factory=list)
    errors: list[BadRow] = field(default_factory=list)


def read_manifest(path: Path, now: datetime) -> Manifest:
    """Read a table; each bad row is named with its reason, the others can be used.

    Columns: file, agent, external_id, started_at, direction, queue, language, channels, transcript,
    custom.<name>. Cells are divided by commas, semicolons or tabs. Raises Invalid when it is no such table at
    all.
    """
    lines = _lines(path)
    _, header = next(lines, (1, []))
    columns = [
        cell.strip().lower() if not cell.strip().startswith(CUSTOM) else cell.strip() for cell in header
    ]
    if FILE not in columns:
        raise _bad(path, f"has no column '{FILE}' in its first line")
    twice = sorted({name for name in columns if name and columns.count(name) > 1})
    if twice:
        raise _bad(path, f"has the column '{twice[0]}' more than once")
    manifest = Manifest()
    seen: dict[str, int] = {}
    for number, cells in lines:
        if not any(cell.strip() for cell in cells):
            continue
        values = {name: cell.strip() for name, cell in zip(columns, cells, strict=False) if cell.strip()}
        file, transcript = values.pop(FILE, ""), values.pop(TRANSCRIPT, None)
        reason = _reason(columns, cells, file, values, seen.get(file), now)
        if reason:
            manifest.errors.append(BadRow(number, file, reason))
        else:
            manifest.rows.append(Row(number, file, values, transcript))
        if file:
            seen.setdefault(file, number)
    return manifest


def _reason(
    columns: list[str], cells: list[str], file: str, values: dict[str, str], first: int | None, now: datetime
) -> str:
    """Say why a row cannot be used; empty when it can."""
    if not file:
        return "the column 'file' is empty"
    if first is not None:
        return f"the same file stands in row {first}"
    if any(cell.strip() for cell in cells[len(columns) :]):
        return "has more cells than the first line has columns"
    unknown = [name for name in values if name not in NAMES and not name.startswith(CUSTOM)]
    if unknown:
        return "; ".join(f"the column '{name}' is not known" for name in unknown)
    try:
        read_fields(values.items(), now)
    except Invalid as error:
        return "; ".join(f"{name} {text}" for name, text in error.fields.items())
    return ""


def _lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield each record with the line it begins on."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise _bad(path, "is not UTF-8 text; save it as 'CSV UTF-8'") from error
    except OSError as error:
        raise _bad(path, f"cannot be read: {error.strerror}") from error
    first = text.split("\n", 1)[0]
    delimiter = max(_DELIMITERS, key=first.count)
    csv.field_size_limit(_LONGEST_CELL)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    begins = 1
    try:
        for cells in reader:
            yield begins, cells
            begins = reader.line_num + 1
    except csv.Error as error:
        raise _bad(path, f"cannot be read beyond line {begins}: {error}") from error


def _bad(path: Path, why: str) -> Invalid:
    return Invalid(f"The manifest '{path.name}' {why}.")
