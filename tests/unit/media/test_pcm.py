"""Decoded sound is read from disk where it is sliced."""

from __future__ import annotations

import os

import numpy as np
import pytest

from qa_audit.media.pcm import PcmFile


@pytest.fixture
def stored(tmp_path):
    """Return samples, and the file object over them after the file was unlinked."""
    values = np.arange(-30_000, 30_001, 7, dtype=np.int16)
    path = tmp_path / "0.pcm"
    values.tofile(path)
    file = PcmFile(path)
    path.unlink()
    return values.astype(np.float32) / np.float32(32_767), file


@pytest.mark.parametrize(
    "part",
    [slice(None), slice(5, 9), slice(-3, None), slice(8_000, 99_999), slice(7, 7), slice(9, 3), slice(0, 0)],
)
def test_slices_are_those_of_an_array(stored, part):
    values, file = stored

    read = file[part]

    assert len(file) == len(values)
    assert read.dtype == np.float32
    np.testing.assert_array_equal(read, values[part])


def test_a_step_is_refused(stored):
    with pytest.raises(ValueError, match="step"):
        stored[1][::2]


def test_blocks_are_all_of_it(stored, monkeypatch):
    monkeypatch.setattr("qa_audit.media.pcm._BLOCK", 1_000)
    values, file = stored

    np.testing.assert_array_equal(np.concatenate(list(file.blocks())), values)


def test_what_was_read_may_be_changed_and_the_file_not(stored):
    values, file = stored

    file[:10][:] = 0

    np.testing.assert_array_equal(file[:10], values[:10])


def test_the_file_is_closed_with_the_object(tmp_path):
    path = tmp_path / "0.pcm"
    path.write_bytes(bytes(8))
    open_before = set(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else None
    file = PcmFile(path)
    del file

    if open_before is not None:
        assert set(os.listdir("/proc/self/fd")) <= open_before


def test_a_file_that_shrank_is_an_error(tmp_path):
    path = tmp_path / "0.pcm"
    path.write_bytes(bytes(100))
    file = PcmFile(path)
    os.truncate(path, 10)

    with pytest.raises(OSError, match="shorter"):
        file[:]
