"""Memory stays flat however long the call is."""

from __future__ import annotations

import json
import subprocess
import sys
import wave
from pathlib import Path

import numpy as np
import pytest

REPOSITORY = Path(__file__).resolve().parents[3]

CODE = """
import json, re, resource, sys
from pathlib import Path
from qa_audit.media.recordings import AvRecordings
measured = AvRecordings(Path(sys.argv[2])).measure(Path(sys.argv[1]))
own = int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
peaks = [own, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss]
print(json.dumps({"seconds": measured.duration, "spans": len(measured.speech[0]), "peaks": peaks}))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc, which only Linux has")
def test_half_an_hour_is_measured_in_a_quarter_gigabyte_for_parent_and_child_together(speech, tmp_path):
    path = tmp_path / "long.wav"
    narrow = (speech[: len(speech) // 2 * 2].reshape(-1, 2).mean(axis=1) * 32_767).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8_000)
        file.writeframes(np.tile(narrow, 1_800 * 8_000 // len(narrow) + 1).tobytes())

    done = subprocess.run(
        [sys.executable, "-c", CODE, str(path), str(tmp_path / "work")],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )

    said = json.loads(done.stdout)
    assert said["seconds"] >= 1_800
    assert said["spans"] > 100
    assert sum(said["peaks"]) * 1024 < 250 << 20


TOLD = """
import json, re, sys
from pathlib import Path
import numpy as np
from qa_audit.media.recordings import AvRecordings

def kilobytes(name):
    return int(re.search(name + r":\\s+(\\d+)", Path("/proc/self/status").read_text())[1])

recordings = AvRecordings(Path(sys.argv[2]))
recordings._detector.listen([np.zeros(16_000, np.float32)])
before = kilobytes("VmRSS")
measured = recordings.measure(Path(sys.argv[1]))
samples = recordings.samples(Path(sys.argv[1]))
loudest = max(
    float(np.abs(channel[at : at + 480_000]).max())
    for channel in samples.channels
    for at in range(0, len(channel), 480_000)
)
print(json.dumps([measured.channels, measured.duration, loudest, kilobytes("VmHWM") - before]))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc, which only Linux has")
def test_measuring_and_reading_eight_minutes_of_stereo_adds_little_to_the_process(speech, tmp_path):
    path = tmp_path / "stereo.wav"
    narrow = (speech[: len(speech) // 2 * 2].reshape(-1, 2).mean(axis=1) * 32_767).astype("<i2")
    both = np.concatenate(
        [np.stack([narrow, 0 * narrow], axis=1), np.stack([0 * narrow, narrow[::-1]], axis=1)]
    )
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(8_000)
        file.writeframes(np.tile(both, (480 * 8_000 // len(both) + 1, 1)).tobytes())

    done = subprocess.run(
        [sys.executable, "-c", TOLD, str(path), str(tmp_path / "work")],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )

    channels, seconds, loudest, grown = json.loads(done.stdout)
    assert channels == 2
    assert seconds >= 480
    assert loudest > 0.1
    assert grown * 1024 < 70 << 20
