"""`backup` and `restore` as somebody types them."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from qa_audit.cli.main import main
from qa_audit.config import Settings
from qa_audit.runtime import Runtime
from tests.factories import make_call, make_recording


@pytest.fixture
def installation(tmp_path: Path, sqlite_template: Path) -> Path:
    """A data folder with one call, of which only the original is there."""
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "qa_audit.sqlite3").write_bytes(sqlite_template.read_bytes())
    runtime = Runtime(Settings(data_dir=folder))
    runtime.media.put_bytes("original/a-recording", b"sound")
    with runtime.db.write() as session:
        make_recording(session, make_call(session), media_key="original/a-recording")
    runtime.db.dispose()
    return folder


def qa_audit(folder: Path, *words: str | Path) -> Result:
    environment = {"QA_AUDIT_DATA_DIR": str(folder)}
    return CliRunner().invoke(main, [str(word) for word in words], env=environment)


def test_a_copy_is_made_and_put_back(installation: Path, tmp_path: Path) -> None:
    made = qa_audit(installation, "backup", tmp_path / "copy")
    assert "Calls: 1, files: 2" in made.output
    back = qa_audit(tmp_path / "other", "restore", tmp_path / "copy")
    assert back.exit_code == 0, back.output
    assert "every row has its file, every file its row" in back.output
    assert (tmp_path / "other" / "media" / "original" / "a-recording").read_bytes() == b"sound"


def test_an_original_that_is_not_what_was_uploaded_makes_the_command_fail(
    installation: Path, tmp_path: Path
) -> None:
    made = qa_audit(installation, "backup", tmp_path / "copy")
    assert made.exit_code == 1
    assert "Not the bytes that were uploaded: call" in made.stderr


def test_restoring_over_data_is_one_line_and_changes_nothing(installation: Path, tmp_path: Path) -> None:
    qa_audit(installation, "backup", tmp_path / "copy")
    before = (installation / "qa_audit.sqlite3").read_bytes()
    refused = qa_audit(installation, "restore", tmp_path / "copy")
    assert refused.exit_code == 1
    assert refused.stderr.count("\n") == 1
    assert "already holds data" in refused.stderr
    assert (installation / "qa_audit.sqlite3").read_bytes() == before


def test_a_full_folder_is_refused_as_wrong_usage(installation: Path) -> None:
    refused = qa_audit(installation, "backup", installation)
    assert refused.exit_code == 2
    assert "not an empty folder" in refused.stderr
