"""The private Redis: found, started on a socket only, gone with whoever started it."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
import redis

from qa_audit.errors import Invalid
from qa_audit.queue import private_redis

REPOSITORY = Path(__file__).resolve().parents[2]


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state != "Z"


def test_it_runs_on_a_private_socket_without_a_port_and_keeps_nothing(tmp_path: Path) -> None:
    with private_redis.running(tmp_path) as address:
        client = redis.Redis.from_url(address)
        settings = client.config_get("*")
        assert settings["port"] == "0"
        assert settings["save"] == ""
        assert settings["appendonly"] == "no"
        assert settings["maxmemory-policy"] == "noeviction"
        socket = Path(address.removeprefix("unix://"))
        assert stat.S_IMODE(socket.parent.stat().st_mode) == 0o700
        assert len(os.fsencode(socket)) < private_redis.SOCKET_LIMIT
        assert (tmp_path / "redis-url").read_text().strip() == address
        assert private_redis.private_url(tmp_path) == address
        client.close()
    assert private_redis.private_url(tmp_path) is None
    assert not (tmp_path / "redis-url").exists()
    assert not socket.parent.exists()


def test_an_address_left_behind_by_a_crash_counts_as_no_redis(tmp_path: Path) -> None:
    (tmp_path / "redis-url").write_text("unix:///tmp/qa-redis-gone/s\n")
    assert private_redis.private_url(tmp_path) is None
    (tmp_path / "redis-url").write_text("no address at all\n")
    assert private_redis.private_url(tmp_path) is None


def test_a_second_one_in_the_same_folder_does_not_lose_its_address_to_the_first(tmp_path: Path) -> None:
    with private_redis.running(tmp_path):
        with private_redis.running(tmp_path) as second:
            assert private_redis.private_url(tmp_path) == second
        assert private_redis.private_url(tmp_path) is None


def test_a_program_in_the_environment_serves_where_none_is_on_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "bin" / "valkey-server"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    monkeypatch.setattr(sys, "executable", str(program.with_name("python")))
    assert private_redis.find_program() == program


def test_no_program_at_all_is_one_line_that_names_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(Invalid, match="redis-server") as caught:
        private_redis.find_program()
    assert "\n" not in caught.value.message


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's signal for a parent's death is Linux only")
def test_it_dies_when_its_starter_is_killed(tmp_path: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path; from qa_audit.queue import private_redis, protocol\n"
        "import redis\n"
        "with private_redis.running(Path(sys.argv[1])) as address:\n"
        "    print(redis.Redis.from_url(address).info()['process_id'], flush=True)\n"
        "    time.sleep(60)\n"
    )
    starter = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, text=True, cwd=REPOSITORY
    )
    assert starter.stdout is not None
    server = int(starter.stdout.readline())
    assert alive(server)
    starter.send_signal(signal.SIGKILL)
    starter.wait()
    starter.stdout.close()
    until = time.monotonic() + 5
    while alive(server) and time.monotonic() < until:
        time.sleep(0.02)
    assert not alive(server)
    left = Path((tmp_path / "redis-url").read_text().strip().removeprefix("unix://")).parent
    assert left.is_dir()
    with private_redis.running(tmp_path):
        assert not left.exists()
