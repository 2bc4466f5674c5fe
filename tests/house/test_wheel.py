"""The wheel, installed where nothing of the checkout is in reach, serves its pages."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import httpx
import pytest

from tests.house.processes import Program, free_port

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's wheel, built without the network."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=REPOSITORY, check=True, capture_output=True)
    return next(folder.glob("qa_audit-*.whl"))


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment that holds the wheel, and borrows its dependencies from the one the tests run in."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    python = folder / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--no-deps", "--no-index"]
    subprocess.run([*pip, "--quiet", str(wheel)], check=True)
    ask = "import sysconfig; print(sysconfig.get_path('purelib'))"
    site = Path(subprocess.check_output([python, "-c", ask], text=True).strip())
    # A folder named in a .pth file is searched, but the .pth files in it (the checkout's own) are not read.
    (site / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder


def test_the_wheel_holds_code_pages_rubrics_and_demo_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names}
    assert {"qa_audit", "workers"} < tops
    assert {top for top in tops if not top.endswith(".dist-info")} == {"qa_audit", "workers"}
    for wanted in (
        "qa_audit/_bundled/templates/base.html",
        "qa_audit/_bundled/static/vendor/SHA256SUMS",
        "qa_audit/_bundled/rubrics/brand_consistency.yaml",
        "qa_audit/demo/manifest.json",
        "qa_audit/demo/calls/call-01.opus",
        "qa_audit/storage/migrations/versions/0001_first_schema.py",
    ):
        assert wanted in names
    assert any(name.endswith("/licenses/LICENSE") for name in names)
    assert not [name for name in names if "__pycache__" in name]


def test_the_installed_package_is_the_wheel_not_the_checkout(environment: Path, tmp_path: Path) -> None:
    ask = "import qa_audit, workers; print(qa_audit.__file__); print(workers.__file__)"
    said = subprocess.check_output([environment / "bin" / "python", "-c", ask], cwd=tmp_path, text=True)
    assert all(Path(line).is_relative_to(environment) for line in said.splitlines()), said


def test_the_installed_command_serves_a_page_with_its_styles(environment: Path, tmp_path: Path) -> None:
    port = free_port()
    settings = {**os.environ, "QA_AUDIT_DATA_DIR": str(tmp_path / "data"), "QA_AUDIT_PORT": str(port)}
    command = str(environment / "bin" / "qa-audit")
    subprocess.run([command, "db", "upgrade"], cwd=tmp_path, env=settings, check=True, capture_output=True)
    serve = [command, "serve", "--processes", "1"]
    server = Program(serve, tmp_path / "said", cwd=tmp_path, env=settings)
    try:
        assert server.says("Booting worker"), server.words
        with httpx.Client(base_url=f"http://127.0.0.1:{port}") as browser:
            page = browser.get("/login")
            assert page.status_code == 200, server.words
            files = re.findall(r'(?:href|src)="(/static/[^"]+)"', page.text)
            assert files
            assert {browser.get(file).status_code for file in files} == {200}
    finally:
        server.end()


def test_the_installed_rubrics_and_calls_are_found(environment: Path, tmp_path: Path) -> None:
    ask = (
        "from qa_audit.runtime import bundled; from qa_audit.services.bundled_calls import load_bundle\n"
        "print(len(list(bundled('rubrics').glob('*.yaml'))))\n"
        "print(sum(call.path.is_file() for call in load_bundle().calls))"
    )
    said = subprocess.check_output([environment / "bin" / "python", "-c", ask], cwd=tmp_path, text=True)
    assert said.split() == ["4", "14"]
