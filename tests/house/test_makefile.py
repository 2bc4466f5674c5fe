"""`make` sets up what it needs and says what it does."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
OURS = ("PYTHON", "VENV", "PIP_ARGS", "DEMO_ARGS", "TEST_ARGS", "WORKERS")
TARGETS = ("demo", "test", "lint", "bench", "screenshots", "help")

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


def make(*words: str, folder: Path = REPOSITORY, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if name not in OURS and "MAKE" not in name}
    return subprocess.run(
        ["make", *words], cwd=folder, env={**kept, **environment}, capture_output=True, text=True, timeout=120
    )


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with nothing but the files that the Makefile looks at."""
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(REPOSITORY / name, tmp_path)
    return tmp_path


def python_that_says(folder: Path, script: str) -> str:
    """Make a `python3` of one's own that behaves as told; returns a PATH with it first."""
    program = folder / "bin" / "python3"
    program.parent.mkdir(exist_ok=True)
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return f"{program.parent}:{os.environ['PATH']}"


def test_help_lists_every_target_with_what_it_does() -> None:
    said = make("help").stdout
    for target in TARGETS:
        assert re.search(rf"^  make {target} +\S.+$", said, re.MULTILINE), target
    assert make().stdout == said


@pytest.mark.parametrize("target", TARGETS)
def test_every_target_can_be_made_from_nothing(target: str, checkout: Path) -> None:
    planned = make("-n", target, folder=checkout)
    assert planned.returncode == 0, planned.stderr
    if target != "help":
        assert "-m venv .venv" in planned.stdout
        assert "pip install" in planned.stdout
        assert "-c constraints.txt" in planned.stdout


def test_pip_args_are_passed_on_to_pip(checkout: Path) -> None:
    planned = make("-n", "demo", "PIP_ARGS=--no-cache-dir --quiet", folder=checkout).stdout
    assert re.search(r"pip install .*--no-cache-dir --quiet -c constraints.txt -e '\.\[demo\]'", planned)


def test_nothing_is_installed_again_when_nothing_changed(checkout: Path) -> None:
    (checkout / ".venv").mkdir()
    for stamp in (".made", ".demo", ".dev"):
        (checkout / ".venv" / stamp).touch()
    assert "pip install" not in make("-n", "test", folder=checkout).stdout
    os.utime(checkout / "constraints.txt", (2_000_000_000, 2_000_000_000))
    assert "pip install" in make("-n", "test", folder=checkout).stdout


def test_a_python_that_is_too_old_is_said_in_plain_words(checkout: Path) -> None:
    old = python_that_says(checkout, "exit 1")
    for name in ("python3.11", "python3.12", "python3.13"):
        shutil.copy(checkout / "bin" / "python3", checkout / "bin" / name)
    done = make("demo", folder=checkout, PATH=old)
    assert done.returncode != 0
    assert "QA Audit needs Python 3.11, 3.12 or 3.13" in done.stderr


def test_a_missing_venv_module_names_the_package_to_install(checkout: Path) -> None:
    without = python_that_says(checkout, 'case "$2" in *ensurepip*) exit 1;; *) exit 0;; esac')
    done = make("demo", folder=checkout, PATH=without)
    assert done.returncode != 0
    assert done.stderr.splitlines()[0] == "Python's venv module is missing: install the package python3-venv."


def test_the_check_of_everything_is_a_sound_script() -> None:
    script = REPOSITORY / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert subprocess.run(["bash", "-n", str(script)], check=False).returncode == 0
    text = script.read_text(encoding="utf-8")
    assert "make lint" in text
    assert "make test" in text
    assert "CI=true" in text
