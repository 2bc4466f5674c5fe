"""The rules of the house: layers, purity, nothing at import, names that resolve, everything told."""

from __future__ import annotations

import ast
import importlib
import os
import re
import subprocess
import sys
import tomllib
import warnings
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import click
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from qa_audit.cli.main import COMMANDS, main
from qa_audit.config import PREFIX, Settings
from qa_audit.queue import names

REPOSITORY = Path(__file__).resolve().parents[1]
PACKAGES = ("qa_audit", "workers")
TEXTS = {".py", ".md", ".toml", ".txt", ".yaml", ".yml", ".html", ".css", ".js", ".json", ".cfg", ".sh", ""}
README = REPOSITORY / "README.md"


def python_files(*folders: str) -> Iterator[Path]:
    for folder in folders:
        yield from sorted((REPOSITORY / folder).rglob("*.py"))


def modules(*packages: str) -> list[str]:
    found = []
    for path in python_files(*packages):
        parts = path.relative_to(REPOSITORY).with_suffix("").parts
        if "versions" not in parts and parts[-2:] != (
            "migrations",
            "env",
        ):  # Alembic runs these, nobody imports
            found.append(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
    return found


def run(script: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run Python code in a new process; given variables are all that it finds in the environment."""
    command = [sys.executable, "-c", script, *arguments]
    settings = {"PATH": os.environ["PATH"], **environment}
    return subprocess.run(
        command, cwd=REPOSITORY, env=settings, capture_output=True, text=True, timeout=170, check=False
    )


def test_imports_point_down_only() -> None:
    program = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [program, "--no-cache"], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_the_domain_imports_only_itself_pydantic_rapidfuzz_and_the_standard_library() -> None:
    allowed = {*sys.stdlib_module_names, "pydantic", "rapidfuzz"}
    for path in python_files("qa_audit/domain"):
        for module in imported(path):
            top = module.split(".")[0]
            ours = module.startswith(("qa_audit.domain", "qa_audit.errors"))
            assert ours or top in allowed, f"{path.name} imports {module}"


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            yield node.module or ""


@pytest.mark.parametrize(
    ("folders", "extras"),
    [(("qa_audit", "workers"), ("faster", "s3", "semantic")), (("tests", "tools", "bench"), ("dev",))],
    ids=["program", "tests and tools"],
)
def test_every_package_that_is_imported_is_asked_for(
    folders: tuple[str, ...], extras: tuple[str, ...]
) -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    written = [*project["dependencies"]]
    for extra in extras:
        written += project["optional-dependencies"][extra]
    asked_for = {canonicalize_name(Requirement(line).name) for line in written}
    known = metadata.packages_distributions()
    ours = {*sys.stdlib_module_names, *PACKAGES, *(path.name for path in REPOSITORY.iterdir())}
    for path in python_files(*folders):
        for module in imported(path):
            top = module.split(".")[0]
            providers = {canonicalize_name(name) for name in known.get(top, [top])}
            assert top in ours or providers & asked_for, f"{path} imports {top}"


def test_the_names_that_stand_in_redis_resolve() -> None:
    module, _, function = names.RUN_TASK.rpartition(".")
    assert callable(getattr(importlib.import_module(module), function))
    assert set(names.QUEUE_OF_STAGE.values()) <= set(names.QUEUES)


SHUT_OFF = """
import importlib, sys, threading
FORBIDDEN = "socket.connect socket.bind socket.getaddrinfo subprocess.Popen os.system os.mkdir".split()
def watch(event, args):
    if event in FORBIDDEN:
        raise AssertionError(f"{event} {args} at import")
    if event == "open" and set(args[1] or "") & set("wax+") and not str(args[0]).startswith("/dev/"):
        raise AssertionError(f"{args[0]} is opened for writing at import")
before = threading.active_count()
for name in ("numpy", "sqlalchemy", "flask", "redis", "rq", "click"):
    importlib.import_module(name)  # what these do at their own import is theirs to answer for
sys.addaudithook(watch)
for name in sys.argv[1:]:
    importlib.import_module(name)
assert threading.active_count() == before, "a thread was started at import"
"""


def test_every_module_imports_with_the_network_and_the_environment_shut_off(tmp_path: Path) -> None:
    nonsense = {"QA_AUDIT_PORT": "nonsense", "QA_AUDIT_NO_SETTING": "x"}  # whoever reads settings now fails
    done = run(SHUT_OFF, *modules(*PACKAGES), HOME=str(tmp_path), PYTHONDONTWRITEBYTECODE="1", **nonsense)
    assert done.returncode == 0, done.stderr[-2000:]
    assert list(tmp_path.iterdir()) == []


HEAVY = """
import importlib, sys
importlib.import_module(sys.argv[1])
found = sorted({name.split(".")[0] for name in sys.modules} & set(sys.argv[2].split(",")))
assert not found, found
"""


@pytest.mark.parametrize(
    ("module", "heavy"),
    [
        ("qa_audit.web.app", "torch,whisper,av,onnxruntime,rq,numba,boto3"),
        ("qa_audit.cli.main", "torch,whisper,av,onnxruntime,rq,flask,sqlalchemy,redis,httpx"),
        ("workers.supervisor", "torch,whisper,av,onnxruntime,rq,flask,sqlalchemy"),
    ],
)
def test_a_door_loads_nothing_that_it_does_not_need(module: str, heavy: str) -> None:
    done = run(HEAVY, module, heavy)
    assert done.returncode == 0, done.stderr[-500:]


def test_every_setting_is_told_in_the_readme() -> None:
    told = README.read_text(encoding="utf-8")
    missing = [PREFIX + name.upper() for name in Settings.model_fields if PREFIX + name.upper() not in told]
    assert not missing


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_told_in_the_readme_and_helps_with_an_example(name: str) -> None:
    assert re.search(rf"`(qa-audit )?{name}\b", README.read_text(encoding="utf-8")), name
    command = main.get_command(click.Context(main), name)
    assert command is not None
    for each in all_commands(command):
        assert "Example:" in (each.help or ""), f"{name} {each.name}: --help has no example"


def all_commands(command: click.Command) -> Iterator[click.Command]:
    yield command
    if isinstance(command, click.Group):
        for below in command.commands.values():
            yield from all_commands(below)


def kept_files() -> list[Path]:
    """Return the text files that belong to the project: what git tracks or would track."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip("the files of the project are known by git only, and this is no checkout")
    paths = (REPOSITORY / name for name in done.stdout.splitlines())
    return [path for path in paths if path.suffix in TEXTS and path.is_file() and "vendor" not in path.parts]


PLACES = re.compile(r"(/home/\w+|/Users/\w+|/root/|/work/|/opt/(?!qa-audit\b)\w+|/mnt/|\b[A-Z]:\\Users)")
HOSTS = re.compile(r"(pypi\.org|pythonhosted|registry\.npmjs|download\.pytorch|--(extra-)?index-url +\S+://)")


def test_no_file_names_a_place_on_somebody_s_machine_or_a_registry() -> None:
    found = []
    for path in kept_files():
        if path == Path(__file__):
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
            if PLACES.search(line) or HOSTS.search(line):
                found.append(f"{path.relative_to(REPOSITORY)}:{number}: {line.strip()[:100]}")
    assert not found, "\n".join(found)


def test_large_functions_and_modules_are_reported() -> None:
    """Smell alarms, not laws: they warn."""
    for path in python_files(*PACKAGES):
        text = path.read_text(encoding="utf-8")
        if "migrations" in path.parts:
            continue
        name = path.relative_to(REPOSITORY)
        if (lines := text.count("\n")) > 400:
            warnings.warn(f"{name} has {lines} lines", stacklevel=1)
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                if length > 40:
                    warnings.warn(f"{name}: {node.name} has {length} lines", stacklevel=1)


def test_public_functions_say_what_they_do() -> None:
    silent = []
    for path in python_files(*PACKAGES):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in tree.body:
            shown = isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")
            if shown and "versions" not in path.parts and not ast.get_docstring(node):
                silent.append(f"{path.relative_to(REPOSITORY)}: {node.name}")
    assert not silent
