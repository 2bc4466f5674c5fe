"""A manifest names each bad row with its reason; the others can be used."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from qa_audit.errors import Invalid
from qa_audit.services.manifest import Manifest, read_manifest

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def table(folder: Path, text: str, encoding: str = "utf-8") -> Manifest:
    path = folder / "calls.csv"
    path.write_bytes(text.encode(encoding))
    return read_manifest(path, NOW)


def test_rows_say_what_their_columns_mean(tmp_path: Path) -> None:
    found = table(tmp_path, "file,agent,custom.CSAT\na.wav,Dana,5\n\nb.wav,,\n")
    assert [(row.number, row.file, row.fields) for row in found.rows] == [
        (2, "a.wav", {"agent": "Dana", "custom.CSAT": "5"}),
        (4, "b.wav", {}),
    ]
    assert found.errors == []


def test_a_transcript_is_a_file_and_no_field_of_the_call(tmp_path: Path) -> None:
    found = table(tmp_path, "file,Transcript,agent\na.wav,words/a.vtt,Dana\nb.wav,,\n")
    assert [(row.transcript, row.fields) for row in found.rows] == [
        ("words/a.vtt", {"agent": "Dana"}),
        (None, {}),
    ]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_tables_of_every_spreadsheet_can_be_read(
    tmp_path: Path, delimiter: str, encoding: str, end: str
) -> None:
    lines = [delimiter.join(cells) for cells in (("File", "Agent", "queue"), ("a.wav", "Zoë", '"a;b,c"'))]
    found = table(tmp_path, end.join(lines) + end, encoding)
    assert [row.fields for row in found.rows] == [{"agent": "Zoë", "queue": "a;b,c"}]


def test_every_bad_row_is_named_with_its_line_and_reason(tmp_path: Path) -> None:
    found = table(
        tmp_path,
        "file,started_at,direction,nonsense\n"
        "good.wav,2026-11-02T09:00:00Z,inbound,\n"
        ",2026-11-02T09:00:00Z,,\n"
        "date.wav,2.11.2026,sideways,\n"
        "good.wav,,,\n"
        "column.wav,,,x\n"
        '"two\nlines.wav",,,\n'
        "wide.wav,,,,y\n"
        "last.wav,,outbound\n",
    )
    assert [row.file for row in found.rows] == ["good.wav", "two\nlines.wav", "last.wav"]
    reasons = {error.number: error.reason for error in found.errors}
    assert set(reasons) == {3, 4, 5, 6, 9}
    assert "empty" in reasons[3]
    assert "started_at" in reasons[4]
    assert "direction" in reasons[4]
    assert "row 2" in reasons[5]
    assert "'nonsense'" in reasons[6]
    assert "more cells" in reasons[9]


@pytest.mark.parametrize(
    "text",
    ["", "\n", "agent,queue\nDana,q\n", "file,agent,agent\na.wav,b,c\n", 'file\n"unclosed' + "x" * (1 << 21)],
)
def test_what_is_no_manifest_is_refused_as_a_whole(tmp_path: Path, text: str) -> None:
    with pytest.raises(Invalid, match=r"calls\.csv"):
        table(tmp_path, text)


def test_a_table_of_another_encoding_says_how_to_save_it(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="UTF-8"):
        table(tmp_path, "file,agent\na.wav,Zoë\n", "latin-1")
