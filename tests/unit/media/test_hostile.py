"""Broken and malicious files end in a named outcome: never another error, and never slow.

A file that needs more than the child's gigabyte would end as ChildDied, which is no outcome here.
"""

from __future__ import annotations

import hashlib
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from qa_audit.domain.workflow import FAILURES
from qa_audit.errors import Permanent, Refused
from qa_audit.media.judge import WARNINGS

FOLDERS = ("flac-faulty", "hound", "mp4parse-rust", "small", "taglib", "notaudio")
MAX_SECONDS = 30.0


def outcome(recordings, path, name):
    """Take the file through the door and measure what passes; return what became of it."""
    started = time.monotonic()
    try:
        probe = recordings.probe(path, name)
        measured = recordings.measure(path)
    except Refused as refused:
        return refused.kind
    except Permanent as failed:
        return failed.failure
    finally:
        assert time.monotonic() - started < MAX_SECONDS
    assert probe.decoded_seconds > 0
    assert measured.duration >= 1.0
    assert set(measured.warnings) <= set(WARNINGS)
    return "measured"


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_hostile_file_ends_in_a_named_outcome(recordings, shared, tmp_path, folder):
    source = shared / "hostile" / folder if folder == "notaudio" else shared / "hostile" / "audio" / folder
    different = {hashlib.sha256(path.read_bytes()).digest(): path for path in sorted(source.iterdir())}
    renamed = []
    for number, path in enumerate(different.values()):
        renamed.append(tmp_path / f"{number}.{'wav' if number % 2 else 'mp3'}")
        renamed[-1].symlink_to(path)

    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(lambda path: outcome(recordings, path, path.name), renamed))

    assert set(outcomes) <= {"measured", "not_audio", "broken", *FAILURES} - {"crashed_worker"}
    if folder == "notaudio":
        assert set(outcomes) == {"not_audio", "broken"}
        assert outcomes.count("broken") == 1, "only the empty file"
    else:
        assert len(set(outcomes)) > 1


def test_the_same_bytes_have_the_same_outcome_under_each_name(recordings, shared):
    path = shared / "hostile" / "audio" / "taglib" / "mpeg2.mp3"

    assert {outcome(recordings, path, name) for name in ("a.wav", "a.mp3", "a.ogg")} == {"measured"}


def test_a_header_that_claims_an_hour_and_a_half_for_five_seconds_is_not_believed(recordings, shared):
    measured = recordings.measure(shared / "hostile" / "audio" / "taglib" / "mpeg2.mp3")

    assert measured.duration == pytest.approx(5.1, abs=0.1)
    assert "truncated" in measured.warnings
