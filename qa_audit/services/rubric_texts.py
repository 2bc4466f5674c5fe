"""The text of a rubric as people edit it: begun, copied, and single lines of it changed, comments kept."""

from __future__ import annotations

import re
from datetime import date

from qa_audit.domain.rubric import RubricError
from qa_audit.services.rubric_files import load_rubric

_SKELETON = """\
schema: qa-audit/rubric@1
id: {id}
version: 1
title: {title}
effective_from: {today}
pass_mark: 80
sections:
  - id: first-section
    title: First section
    criteria:
      - id: first-line
        title: What should the agent do?
        points: 10
        check: {{kind: manual}}
"""


def begun(id: str, title: str, today: date) -> str:
    """Return the text of a rubric that has nothing yet but one line to begin with."""
    return _SKELETON.format(id=id, title=_quoted(title), today=today.isoformat())


def is_storable(text: str) -> bool:
    """Say whether every database can keep a text: no NUL, no half of a character."""
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def _quoted(title: str) -> str:
    return "'" + title.replace("'", "''") + "'"


def copied(source: str, id: str, title: str, today: date) -> str:
    """Return a rubric's text as version 1 of another rubric, its comments kept."""
    text = source
    for field, value in (
        ("id", id),
        ("version", "1"),
        ("title", _quoted(title)),
        ("effective_from", today.isoformat()),
    ):
        text = with_line(text, field, value)
    return text


def with_line(text: str, field: str, value: str) -> str:
    """Replace the value of a field at the top of a rubric's text; a comment behind it stays."""
    pattern = rf"^({field}:[ \t]*)('(?:[^'\n]|'')*'|\"[^\"\n]*\"|[^#\n]*?)([ \t]*(?:[ \t]#[^\n]*)?)$"
    return re.sub(pattern, lambda found: found[1] + value + found[3], text, count=1, flags=re.MULTILINE)


def title_in(text: str) -> str | None:
    """Return the title of a rubric's text, None where that is not a rubric."""
    try:
        return load_rubric(text).title
    except RubricError:
        return None
