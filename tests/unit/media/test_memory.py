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
