"""The child process: what it may do, and what the parent makes of its end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import wave
from pathlib import Path

import numpy as np
import pytest

from qa_audit.errors import Permanent, Temporary
from qa_audit.media import child
from qa_audit.media.child import ChildDied, Limits
from qa_audit.media.recordings import AvRecordings

linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc, which only Linux has")

ROOT = Path(child.PACKAGE_ROOT)


@pytest.fixture(scope="module")
def long_call(tone, tmp_path_factory):
    """Ten minutes of two channels: more than a second of work."""
    path = tmp_path_factory.mktemp("long") / "call.wav"
    minute = (np.stack([tone(60), tone(60, 700)], axis=1) * 32_767).astype("<i2").tobytes()
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(16_000)
        for _ in range(10):
            file.writeframes(minute)
    return path


def decoders(parent: int) -> list[int]:
    """Return the process ids of the decoders that `parent` started."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes()
            state, its_parent = (folder / "stat").read_text().rpartition(")")[2].split()[:2]
        except (FileNotFoundError, ProcessLookupError):
            continue
        if b"qa_audit.media.decoder" in command and int(its_parent) == parent and state != "Z":
            found.append(int(folder.name))
    return found


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    """Run a shell script in place of the decoder."""

    def use(script: str) -> None:
        path = tmp_path / "stand-in"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        monkeypatch.setattr(child.sys, "executable", str(path))

    return use


def run(seconds=10.0, **limits):
    return child.run("probe", {"path": "/nowhere"}, limits=Limits(**limits), seconds=seconds)


@linux
def test_a_child_that_is_killed_while_decoding_is_temporary_first(recordings, long_call, tmp_path):
    def kill(fraction):
        for process in decoders(os.getpid()):
            os.kill(process, signal.SIGKILL)

    with pytest.raises(ChildDied) as caught:
        recordings.measure(long_call, progress=kill)

    assert caught.value.cause == "killed"
    assert isinstance(caught.value, Temporary)
    assert "killed" in caught.value.message
    again = caught.value.as_permanent()
    assert isinstance(again, Permanent)
    assert (again.failure, again.message) == ("undecodable", caught.value.message)
    assert list((tmp_path / "work").iterdir()) == []


@linux
def test_a_child_that_takes_too_long_is_stopped_and_leaves_nothing(long_call, tmp_path):
    limits = Limits(base_seconds=0.4, bytes_per_second=1 << 40)

    with pytest.raises(ChildDied, match="longer than 0 seconds") as caught:
        AvRecordings(tmp_path / "work", limits).derive(long_call, tmp_path / "a.m4a", None)

    assert caught.value.cause == "deadline"
    assert decoders(os.getpid()) == []
    assert not (tmp_path / "a.m4a").exists()


def test_a_child_that_hangs_is_stopped_at_its_deadline(stand_in):
    stand_in("sleep 60")
    started = time.monotonic()

    with pytest.raises(ChildDied) as caught:
        run(seconds=0.3)

    assert caught.value.cause == "deadline"
    assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    ("script", "cause"),
    [
        ("kill -SEGV $$", "crashed"),
        ("kill -XCPU $$", "cpu"),
        ("exit 0", "crashed"),
        ("echo no answer", "crashed"),
        ("echo '[1, 2]'", "crashed"),
        ('echo \'{"trouble": "memory"}\'', "memory"),
        ('echo \'{"trouble": "output"}\'', "output"),
        ("echo '{\"result\": 7}'", "crashed"),
        ("yes", "crashed"),
    ],
)
def test_every_way_to_die_has_a_cause_and_words(stand_in, script, cause):
    stand_in(script)

    with pytest.raises(ChildDied) as caught:
        run()

    assert caught.value.cause == cause
    assert caught.value.message.endswith(".")


def test_a_full_disk_is_temporary_and_no_fault_of_the_recording(stand_in):
    stand_in('echo \'{"trouble": "disk"}\'')

    with pytest.raises(Temporary, match="disk") as caught:
        run()

    assert not isinstance(caught.value, ChildDied)


def test_a_program_that_cannot_be_started_is_temporary(monkeypatch):
    monkeypatch.setattr(child.sys, "executable", "/nowhere/python")

    with pytest.raises(Temporary, match="cannot be started"):
        run()


def test_the_child_gets_nothing_of_our_environment(stand_in, tmp_path, monkeypatch):
    monkeypatch.setenv("QA_AUDIT_SECRET_KEY", "do-not-tell")
    stand_in(f"env > {tmp_path}/seen; echo '{{\"result\": {{}}}}'")

    assert run() == {}

    seen = (tmp_path / "seen").read_text()
    assert "do-not-tell" not in seen
    assert "QA_AUDIT" not in seen
    assert "HOME" not in seen


def confined(code: str, **limits: int) -> subprocess.CompletedProcess[str]:
    """Run code in a Python process that has confined itself."""
    given = {
        "memory_bytes": 1 << 30,
        "cpu_seconds": 10,
        "file_bytes": 1 << 20,
        "parent": os.getpid(),
        **limits,
    }
    start = f"from qa_audit.media.confine import confine\nconfine(**{given!r})\n"
    return subprocess.run(
        [sys.executable, "-c", start + code], cwd=ROOT, capture_output=True, text=True, timeout=30
    )


def test_memory_is_limited():
    done = confined("b = bytearray(600 << 20)", memory_bytes=512 << 20)

    assert "MemoryError" in done.stderr


def test_recordings_decode_within_half_of_the_memory_limit(write_wav, tone, tmp_path):
    recordings = AvRecordings(tmp_path / "work", Limits(memory_bytes=512 << 20))

    recordings.derive(write_wav(tone(5), tone(5)), tmp_path / "a.m4a", tmp_path / "a.json")

    assert (tmp_path / "a.m4a").stat().st_size > 1_000


def test_too_little_memory_is_a_death_with_a_cause(write_wav, tone, tmp_path):
    recordings = AvRecordings(tmp_path / "work", Limits(memory_bytes=110 << 20))

    with pytest.raises(ChildDied) as caught:
        recordings.samples(write_wav(tone(5), tone(5)))

    assert caught.value.cause in ("memory", "crashed")


def test_output_files_are_limited(tmp_path):
    done = confined(f"open('{tmp_path}/big', 'wb').write(bytes(2 << 20))")

    assert "File too large" in done.stderr
    assert (tmp_path / "big").stat().st_size <= 1 << 20


def test_processor_time_is_limited():
    done = confined("while True: pass", cpu_seconds=1)

    assert done.returncode == -signal.SIGXCPU


def test_a_child_whose_parent_is_gone_exits_at_once():
    assert confined("print('still here')", parent=1).stdout == ""


@linux
def test_the_network_is_out_of_reach_where_the_system_allows():
    done = confined(
        "import socket\n"
        "print([name for _, name in socket.if_nameindex() if name != 'lo'])\n"
        "try: socket.create_connection(('127.0.0.1', 9), 1)\n"
        "except OSError as error: print(error.strerror)"
    )
    allowed = subprocess.run(["unshare", "-n", "true"], capture_output=True).returncode == 0
    if not allowed:
        pytest.skip("this system does not let a process leave the network")
    assert done.stdout.splitlines() == ["[]", "Network is unreachable"]


@linux
def test_the_child_dies_with_its_parent(long_call, tmp_path):
    code = (
        "import sys; from pathlib import Path; from qa_audit.media.recordings import AvRecordings\n"
        f"AvRecordings(Path({str(tmp_path / 'work')!r})).derive(Path({str(long_call)!r}), Path('x'), None,"
        " progress=lambda done: print(done, flush=True))"
    )
    with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        parent.stdout.readline()
        (process,) = decoders(parent.pid)
        parent.kill()
        parent.wait()
    until = time.monotonic() + 5
    while time.monotonic() < until and alive(process):
        time.sleep(0.02)
    assert not alive(process)


def alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_what_dead_workers_left_a_day_ago_is_removed(recordings, write_wav, tone, tmp_path):
    old, new = tmp_path / "work" / "decode-old", tmp_path / "work" / "decode-new"
    for folder in (old, new):
        folder.mkdir(parents=True)
    os.utime(old, (1, 1))

    recordings.samples(write_wav(tone(1)))

    assert not old.exists()
    assert new.exists()


def test_a_look_at_the_door_needs_no_numpy(write_wav, tone):
    path = write_wav(tone(1))
    code = (
        f"import sys; from qa_audit.media import decoder; print(decoder.probe({{'path': {str(path)!r}}}))\n"
        "print('numpy' in sys.modules, 'av' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)

    assert done.stdout.splitlines()[-1] == "False True"


def test_looking_at_a_recording_loads_neither_torch_nor_onnxruntime_in_the_child():
    code = (
        "import sys; import qa_audit.media.decoder, qa_audit.media.decode, qa_audit.media.playback\n"
        "print(sorted({'torch', 'onnxruntime', 'pydantic', 'flask'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def test_recordings_load_no_heavy_library_before_they_are_used():
    code = (
        "import sys; from qa_audit.media import fakes, recordings, s3, store\n"
        "print(sorted({'av', 'numpy', 'onnxruntime', 'torch', 'boto3'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
