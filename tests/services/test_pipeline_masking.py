"""Spoken card numbers: in no column, log line or copy, except where the scorer alone reads."""

from __future__ import annotations

import ast
import json
import re
import zlib
from pathlib import Path

import pytest
from sqlalchemy import inspect, select, text

import qa_audit
from qa_audit.domain.text import MASK
from qa_audit.media.fakes import ScriptedRecordings
from qa_audit.runtime import Runtime
from qa_audit.services import rubrics
from qa_audit.speech.scripted import segment
from qa_audit.storage import results, tables
from tests.fakes import receive, script, work_off

CARD = "four one one one one one one one one one one one one one one one"
WORDS = (
    segment("agent", 1.0, "Thank you for calling Northwind, my name is Anna."),
    segment("agent", 6.0, "Please read me the number of the card."),
    segment("customer", 21.0, f"It is {CARD} thank you."),
    segment("customer", 30.0, "And written it is 4111 1111 1111 1111 as well."),
    segment("agent", 36.0, "What is the security code?"),
    segment("customer", 39.0, "Seven three nine."),
)
SPOKEN = re.compile(r"one one one|4111|1111|seven three nine", re.IGNORECASE)
SEALED = {("transcript", "sealed")}
PACKAGE = Path(qa_audit.__file__).parent


def columns_with(runtime: Runtime, pattern: re.Pattern[str]) -> set[tuple[str, str]]:
    """Return table and column of every value in the database that the pattern is found in, packed or not."""
    found = set()
    with runtime.db.read() as session:
        connection = session.connection()
        for table in inspect(connection).get_table_names():
            for row in connection.execute(text(f'SELECT * FROM "{table}"')).mappings():
                for column, value in row.items():
                    shown = [json.dumps(value, default=str), str(value)]
                    if isinstance(value, bytes | memoryview):
                        shown.append(zlib.decompress(bytes(value)).decode())
                    if any(pattern.search(each) for each in shown):
                        found.add((table, column))
    return found


def test_a_spoken_card_number_is_in_no_column_but_the_sealed_one(
    runtime: Runtime, capfd: pytest.CaptureFixture[str]
) -> None:
    rubrics.sync_bundled(script(runtime, WORDS))
    examples = columns_with(runtime, SPOKEN)
    assert examples <= {("rubric_version", "source")}
    receive(runtime)
    assert work_off(runtime) == ["done", "done", "done"]
    assert columns_with(runtime, SPOKEN) - examples == SEALED
    out, err = capfd.readouterr()
    assert not SPOKEN.search(out + err)


def test_masking_keeps_segments_and_words_in_place(runtime: Runtime) -> None:
    script(runtime, WORDS)
    call, _ = receive(runtime)
    work_off(runtime)
    assert call.id is not None
    with runtime.db.read() as session:
        masked = results.masked_transcript(session, call.id)
        unmasked = results.unmasked_transcript(session, call.id)
    assert [len(s.words or ()) for s in masked.segments] == [len(s.words or ()) for s in unmasked.segments]
    assert masked.segments[0] == unmasked.segments[0]
    assert CARD in unmasked.segments[2].text
    digits = [word.text for word in (masked.segments[2].words or ())[2:18]]
    assert digits == [MASK] * 16


def test_the_copies_are_silent_where_words_are_masked(runtime: Runtime) -> None:
    script(runtime, WORDS)
    receive(runtime)
    work_off(runtime)
    assert isinstance(runtime.recordings, ScriptedRecordings)
    (silent,) = runtime.recordings.silences
    first, last = WORDS[2].words[2], WORDS[2].words[17]  # type: ignore[index]
    assert any(start <= first.start and end >= last.end for start, end in silent)
    with runtime.db.read() as session:
        kept = session.scalars(select(tables.TranscriptRow.mask_spans)).one()
        facts = session.scalars(select(tables.MeasurementRow.facts)).one()
    assert kept == [list(span) for span in silent]
    assert facts["unmasked"] is False


def test_only_the_scorer_opens_the_sealed_words() -> None:
    """`sealed` is touched by the table and one storage module, whose reader only the scorer calls."""
    touching, reading = set(), set()
    for path in [*PACKAGE.rglob("*.py"), *(PACKAGE.parent / "workers").rglob("*.py")]:
        name = path.relative_to(PACKAGE.parent).as_posix()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            word = getattr(node, "attr", None) or getattr(node, "id", None) or getattr(node, "arg", None)
            touching |= {name} if word == "sealed" else set()
            reading |= {name} if word == "unmasked_transcript" else set()
    assert touching == {"qa_audit/storage/tables/calls.py", "qa_audit/storage/results.py"}
    assert reading == {"qa_audit/services/prescoring.py"}
