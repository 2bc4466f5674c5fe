"""What an uploader may say about a call: read from text, checked, brought into one form."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta

from qa_audit.domain.redact import mask_text
from qa_audit.errors import Invalid
from qa_audit.services import card_numbers

CUSTOM = "custom."
MOST_CUSTOM = 30
LONGEST_CUSTOM = 500
EARLIEST_YEAR = 1990
AHEAD = timedelta(days=1)
"""A call may begin this far in the future, for clocks and days that differ; more is a mistake."""

DIRECTIONS = ("inbound", "outbound")
CHANNELS = ("agent-left", "agent-right", "mono")

_LANGUAGE = re.compile(r"[a-z]{2,3}(-[a-z0-9]{2,8}){0,4}", re.IGNORECASE)
_CUSTOM_NAME = re.compile(r"[A-Za-z0-9_.-]{1,50}")
_BIDI = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Signs that turn the direction of writing: they can make a name look like another one."""


@dataclass(frozen=True)
class CallFields:
    """What is said about a call; None where nothing is. `started_at` has its offset.

    `title`, `survey` (a mark from 1 to 5) and `picked` (how it was chosen) come with bundled calls only.
    """

    agent: str | None = None
    external_id: str | None = None
    started_at: datetime | None = None
    direction: str | None = None
    queue: str | None = None
    language: str | None = None
    channels: str | None = None
    custom: Mapping[str, object] = field(default_factory=dict)
    title: str | None = None
    survey: int | None = None
    picked: str | None = None

    def given(self) -> dict[str, object]:
        """Return what is said as plain values by field name, a custom fact as `custom.<name>`."""
        named = {item.name: getattr(self, item.name) for item in fields(self) if item.name != "custom"}
        if self.started_at is not None:
            named["started_at"] = self.started_at.isoformat()
        named |= {f"{CUSTOM}{name}": value for name, value in self.custom.items()}
        return {name: named[name] for name in sorted(named) if named[name] is not None}

    def completed(self, other: CallFields) -> CallFields:
        """Return these fields, with those of `other` where nothing is said here."""
        missing = {
            item.name: getattr(other, item.name)
            for item in fields(self)
            if item.name != "custom" and getattr(self, item.name) is None
        }
        return replace(self, custom={**other.custom, **self.custom}, **missing)


def read_fields(pairs: Iterable[tuple[str, str]], now: datetime) -> CallFields:
    """Read the fields of one upload from pairs of name and text; empty texts say nothing.

    Long numbers are masked in free texts, in identifiers only card numbers. Raises Invalid that names every
    field which is unknown, given twice or of the wrong form.
    """
    pairs = list(pairs)
    errors = {
        name: "is given more than once" for name, n in Counter(name for name, _ in pairs).items() if n > 1
    }
    values: dict[str, object] = {}
    custom: dict[str, object] = {}
    for name, written in pairs:
        if name in errors:
            continue
        try:
            if name.startswith(CUSTOM):
                if text := _text(written, LONGEST_CUSTOM):
                    custom[_custom_name(name.removeprefix(CUSTOM))] = mask_text(text)
            elif name in _READERS:
                values[name] = _READERS[name](written) if written.strip() else None
            else:
                errors[name] = "is no field of an upload"
        except ValueError as error:
            errors[name] = str(error)
    started_at = values.get("started_at")
    if isinstance(started_at, datetime) and started_at > now + AHEAD:
        errors["started_at"] = "lies in the future"
    if len(custom) > MOST_CUSTOM:
        errors["custom"] = f"has more than {MOST_CUSTOM} facts"
    if errors:
        raise Invalid("The upload's fields cannot be used.", errors)
    return CallFields(custom=custom, **values)  # type: ignore[arg-type]


def same_value(stored: object, said: object) -> bool:
    """Say whether two values of a field mean the same: moments do in whatever offset they are written."""
    if isinstance(stored, str) and isinstance(said, str) and stored != said:
        try:
            return datetime.fromisoformat(stored) == datetime.fromisoformat(said)
        except ValueError:
            return False
    return stored == said


def shown_filename(name: str) -> str:
    """Return the last part of a file's name as it may be kept: no folder, long number or control sign."""
    last = re.split(r"[/\\]", name)[-1]
    plain = "".join(char for char in unicodedata.normalize("NFC", last) if _is_plain(char))
    return mask_text(plain.strip())[:255] or "recording"


def _text(written: str, longest: int) -> str:
    """Return a text in one form: composed letters, single spaces; raises ValueError."""
    text = " ".join(unicodedata.normalize("NFC", written).split())
    if not all(_is_plain(char) for char in text):
        raise ValueError("holds signs that cannot be shown")
    if len(text) > longest:
        raise ValueError(f"is longer than {longest} characters")
    return text


def _is_plain(char: str) -> bool:
    return char not in _BIDI and unicodedata.category(char) not in ("Cc", "Cs", "Co")


def _agent(written: str) -> str:
    return card_numbers.truncate(_text(written, 100))


def _external_id(written: str) -> str:
    return card_numbers.truncate(_text(written, 200))


def _queue(written: str) -> str:
    return card_numbers.truncate(_text(written, 100))


def _started_at(written: str) -> datetime:
    example = "must be a moment with its offset, such as 2026-11-02T09:30:00+01:00"
    try:
        moment = datetime.fromisoformat(written.strip())
    except ValueError:
        raise ValueError(example) from None
    offset = moment.utcoffset()
    if offset is None or offset.total_seconds() % 60:
        raise ValueError(example)
    if not EARLIEST_YEAR <= moment.year < 9999:
        raise ValueError(f"must be {EARLIEST_YEAR} or later")
    return moment


def _direction(written: str) -> str:
    return _one_of(written, DIRECTIONS)


def _channels(written: str) -> str:
    return _one_of(written, CHANNELS)


def _one_of(written: str, known: tuple[str, ...]) -> str:
    if (value := written.strip().lower()) not in known:
        raise ValueError(f"must be one of {', '.join(known)}")
    return value


def _language(written: str) -> str:
    """Bring a language tag (BCP 47) into its usual form: 'en', 'en-GB', 'zh-Hant-TW'."""
    tag = written.strip()
    if not _LANGUAGE.fullmatch(tag):
        raise ValueError("must be a language such as 'en' or 'en-GB'")
    first, *rest = tag.lower().split("-")
    return "-".join([first, *(_subtag(part) for part in rest)])


def _subtag(part: str) -> str:
    return part.upper() if len(part) == 2 else part.title() if len(part) == 4 and part.isalpha() else part


def _custom_name(name: str) -> str:
    if not _CUSTOM_NAME.fullmatch(name) or mask_text(name) != name:
        raise ValueError("must be named with up to 50 letters, digits, '_', '-' and '.', and no long number")
    return name


_READERS = {
    "agent": _agent,
    "external_id": _external_id,
    "started_at": _started_at,
    "direction": _direction,
    "queue": _queue,
    "language": _language,
    "channels": _channels,
}
NAMES = tuple(_READERS)
"""The fields' names, custom facts apart."""
