"""Bundled rubrics are published once, and never changed afterwards."""

from __future__ import annotations

import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from qa_audit.domain.rubric import RubricError
from qa_audit.errors import Conflict
from qa_audit.runtime import Runtime
from qa_audit.services.rubric_files import load_rubric
from qa_audit.services.rubrics import sync_bundled
from qa_audit.storage import rubrics as stored


@pytest.fixture
def folder(runtime: Runtime, tmp_path: Path) -> Path:
    """A copy of the bundled rubrics that the runtime reads."""
    copy = tmp_path / "rubrics"
    shutil.copytree(runtime.rubrics_dir, copy)
    runtime.rubrics_dir = copy
    return copy


def versions(runtime: Runtime) -> list[tuple[str, int]]:
    with runtime.db.read() as session:
        return [(found.rubric, found.version) for found in stored.published(session)]


def test_bundled_rubrics_are_published_once(runtime: Runtime) -> None:
    new = sync_bundled(runtime)
    assert new == len(versions(runtime)) > 0
    assert sync_bundled(runtime) == 0


def test_a_text_that_is_here_is_not_read_again(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    sync_bundled(runtime)
    monkeypatch.setattr("qa_audit.services.rubrics.load_rubric", lambda *_: pytest.fail("read again"))
    assert sync_bundled(runtime) == 0


def test_processes_that_start_together_publish_once(runtime: Runtime) -> None:
    barrier = threading.Barrier(4)

    def start(_: int) -> int:
        barrier.wait()
        return sync_bundled(runtime)

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(start, range(4))) == len(versions(runtime))


def test_a_changed_text_needs_a_new_version_number(runtime: Runtime, folder: Path) -> None:
    sync_bundled(runtime)
    path = min(folder.glob("*.yaml"))
    text = path.read_text(encoding="utf-8")
    path.write_text(text + "\n# an afterthought\n", encoding="utf-8")
    with pytest.raises(Conflict, match=f"{path.name}.*new version number"):
        sync_bundled(runtime)
    number = load_rubric(text).version
    path.write_text(text.replace(f"version: {number}", f"version: {number + 1}", 1), encoding="utf-8")
    before = len(versions(runtime))
    assert sync_bundled(runtime) == 1
    assert len(versions(runtime)) == before + 1


def test_a_file_that_is_no_rubric_is_refused_by_name(runtime: Runtime, folder: Path) -> None:
    (folder / "aaa.yaml").write_text("title: nothing else\n", encoding="utf-8")
    with pytest.raises(RubricError, match=r"aaa\.yaml"):
        sync_bundled(runtime)
