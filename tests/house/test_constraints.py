"""One file pins everything, on every Python that is supported, whatever build of torch is offered."""

from __future__ import annotations

import re
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

REPOSITORY = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LINES = [
    line.strip()
    for line in (REPOSITORY / "constraints.txt").read_text(encoding="utf-8").splitlines()
    if line.strip() and not line.startswith("#")
]
PINS = {canonicalize_name(Requirement(line).name): Requirement(line) for line in LINES}


def wanted() -> list[str]:
    extras = [name for names in PROJECT["optional-dependencies"].values() for name in names]
    return sorted({*PROJECT["dependencies"], *extras})


@pytest.mark.parametrize("written", wanted())
def test_every_requirement_is_pinned(written: str) -> None:
    requirement = Requirement(written)
    pin = PINS[canonicalize_name(requirement.name)]
    assert requirement.specifier.contains(next(iter(pin.specifier)).version)
    assert str(pin.marker or "") == str(requirement.marker or ""), "a package is pinned where it is wanted"


def test_what_the_requirements_require_in_turn_is_pinned_too() -> None:
    seen: set[str] = set()
    names = [canonicalize_name(Requirement(written).name) for written in wanted()]
    while names:
        name = names.pop()
        if name in seen:
            continue
        seen.add(name)
        try:
            required = metadata.requires(name) or []
        except metadata.PackageNotFoundError:
            continue  # an extra that is not installed here
        assert name in PINS, f"{name} is not pinned"
        chosen = (Requirement(text) for text in required)
        names += [
            canonicalize_name(r.name) for r in chosen if r.marker is None or r.marker.evaluate({"extra": ""})
        ]
    assert len(seen) > 80


@pytest.mark.parametrize("line", LINES)
def test_a_pin_is_one_exact_version_from_no_particular_place(line: str) -> None:
    assert re.fullmatch(r"[a-z0-9-]+==[a-z0-9.]+(; .+)?", line), line


def test_torch_may_come_in_any_build_and_triton_is_the_one_it_demands() -> None:
    assert str(PINS["torch"]) == "torch==2.13.0"
    assert str(PINS["triton"].specifier) == "==3.7.1"
    here = {"sys_platform": "linux", "platform_machine": "x86_64"}
    assert PINS["triton"].marker is not None
    assert PINS["triton"].marker.evaluate(here)
    assert not PINS["triton"].marker.evaluate({**here, "platform_machine": "arm64"})


def test_each_package_is_pinned_once() -> None:
    assert len(PINS) == len(LINES)
