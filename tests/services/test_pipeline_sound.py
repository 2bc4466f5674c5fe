"""The pipeline on real sound: what is masked in the words cannot be heard in the copy, on either channel."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import select

from qa_audit.config import Settings
from qa_audit.errors import Invalid
from qa_audit.media.recordings import AvRecordings
from qa_audit.runtime import Runtime
from qa_audit.speech.engine import WhisperEngine
from qa_audit.speech.engines import open_engine
from qa_audit.speech.scripted import ScriptedTranscriber, segment
from qa_audit.storage import tables
from tests.factories import make_call, make_recording, make_task
from tests.fakes import REAL_MODEL, RememberedJobs, work_off

ROOT = Path(__file__).resolve().parents[2]
CALL = ROOT / "qa_audit" / "demo" / "calls" / "call-03.opus"
SPOKEN = segment(
    "customer", 20.0, "It is four one one one one one one one one one one one one one one one.", 0.4
)


def level(samples: np.ndarray, start: float, end: float) -> float:
    """Return the RMS in dBFS between two times at 16 kHz."""
    part = samples[int(start * 16_000) : int(end * 16_000)].astype(np.float64)
    return float(10 * np.log10((part**2).mean() + 1e-20))


def test_a_card_number_cannot_be_heard_in_the_playback_copy(tmp_path: Path, sqlite_url: str) -> None:
    runtime = Runtime(Settings(data_dir=tmp_path, database_url=sqlite_url))
    runtime.jobs = RememberedJobs()
    runtime.speech = ScriptedTranscriber([SPOKEN], info=REAL_MODEL)
    with runtime.db.write() as session:
        call = make_call(session)
        recording = make_recording(session, call)
        make_task(session, call)
    runtime.media.put_bytes(recording.media_key, CALL.read_bytes())
    assert work_off(runtime) == ["done", "done", "done"]
    with runtime.db.read() as session:
        stored = session.scalars(select(tables.Recording)).one()
        silent = session.scalars(select(tables.TranscriptRow.mask_spans)).one()
    assert stored.playback_key
    assert stored.peaks_key
    words = SPOKEN.words or ()
    assert silent[0][0] <= words[2].start < words[17].end <= silent[0][1]
    reader = AvRecordings(tmp_path / "look")
    original = reader.samples(CALL)
    copy = reader.samples(runtime.media.local_path(stored.playback_key))
    heard = [level(channel, silent[0][0], silent[0][1]) for channel in original.channels]
    left = [level(channel, silent[0][0] + 0.1, silent[0][1] - 0.1) for channel in copy.channels]
    assert max(heard) > -50
    assert max(left) < -70
    assert max(level(channel, 0.0, 15.0) for channel in copy.channels) > -50
    peaks = json.loads(runtime.media.local_path(stored.peaks_key).read_text())
    first, last = (int(time * peaks["per_second"]) for time in silent[0])
    assert all(not any(channel[first + 1 : last]) for channel in peaks["channels"])
    runtime.db.dispose()


def test_the_engine_is_chosen_by_name_and_loads_nothing_yet(tmp_path: Path) -> None:
    assert isinstance(open_engine("openai-whisper", "base.en", tmp_path), WhisperEngine)
    with pytest.raises(Invalid, match="no speech engine called 'other'"):
        open_engine("other", "base.en", tmp_path)
    program = (
        "import sys; from pathlib import Path; from qa_audit.speech.engines import open_engine;"
        "open_engine('openai-whisper', 'base.en', Path('.')); print('torch' in sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, check=True)
    assert found.stdout.strip() == b"False"
