"""Broken and malicious files through the whole door, with the real decoder: a clean answer to each."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from qa_audit.media.recordings import AvRecordings
from qa_audit.runtime import Runtime
from qa_audit.storage.tables import Call, Recording, Task
from tests.api.helping import counted, files_of

URL = "/api/v1/calls"
ROOT = Path(__file__).resolve().parents[3] / "shared" / "hostile"
Tokens = Callable[..., FlaskClient]


def hostile() -> Iterator[object]:
    """Yield some files of each folder, all of the smaller folders, so that the test stays short."""
    folders = [ROOT / "notaudio", *sorted(path for path in (ROOT / "audio").glob("*") if path.is_dir())]
    for folder in folders if ROOT.is_dir() else []:
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        for path in files[:: max(1, len(files) // 6)]:
            yield pytest.param(path, id=f"{folder.name}-{path.name}"[:60])


@pytest.fixture
def real(ready: Runtime) -> Runtime:
    ready.recordings = AvRecordings(ready.settings.data_dir / "tmp")  # type: ignore[misc]
    return ready


FILES = list(hostile()) or [pytest.param(None, id="absent")]


@pytest.mark.parametrize("path", FILES)
def test_a_hostile_file_is_taken_whole_or_refused_without_a_trace(
    as_token: Tokens, real: Runtime, path: Path | None
) -> None:
    if path is None:
        pytest.skip("the folder 'shared' with hostile files is absent")
    name = f"{path.stem}.wav" if "notaudio" in path.parts else path.name
    form = {"vendor": "acme", "audio": (io.BytesIO(path.read_bytes()), name)}
    response = as_token().post(URL, data=form)
    assert response.status_code in (201, 415, 422)
    if "notaudio" in path.parts:
        assert response.status_code != 201
    taken = int(response.status_code == 201)
    assert counted(real, Call, Recording, Task) == [taken] * 3
    assert len(files_of(real)) == taken


@pytest.mark.parametrize(
    ("data", "name", "status"),
    [
        (b"", "empty.wav", 422),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF" + b"\0" * 500, "picture.wav", 415),
        (b"RIFF\x24\x00\x00\x00WAVEfmt ", "head.wav", 422),
        (b"ffconcat version 1.0\nfile /etc/passwd\n", "list.wav", 415),
        (b"#EXTM3U\nhttp://127.0.0.1:9/x.mp3\n", "playlist.mp3", 415),
        (b"PK\x03\x04" + b"\0" * 100, "archive.mp3", 415),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_what_is_no_recording_is_refused_with_the_right_status(
    as_token: Tokens, real: Runtime, data: bytes, name: str, status: int
) -> None:
    response = as_token().post(URL, data={"vendor": "acme", "audio": (io.BytesIO(data), name)})
    assert response.status_code == status, response.text
    assert files_of(real) == []
