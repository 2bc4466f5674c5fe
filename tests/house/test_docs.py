"""What the documents name is there."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
DOCUMENTS = [*sorted(REPOSITORY.glob("*.md")), *sorted((REPOSITORY / "docs").rglob("*.md"))]
SECURITY = (REPOSITORY / "SECURITY.md").read_text(encoding="utf-8")


@cache
def names_in(path: Path) -> frozenset[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


@pytest.mark.parametrize("named", re.findall(r"`(tests/\S+\.py::\w+)`", SECURITY))
def test_every_test_that_a_promise_names_exists(named: str) -> None:
    file, _, name = named.partition("::")
    assert name in names_in(REPOSITORY / file)


@pytest.mark.parametrize("promise", ["P1", "P2", "P3", "P4", "P5", "P6", "P8", "P10", "S6", "S13", "S14"])
def test_every_promise_names_the_tests_that_show_it(promise: str) -> None:
    part = re.search(rf"^### {promise} .+?(?=^##)", SECURITY, re.MULTILINE | re.DOTALL)
    assert part is not None
    assert "`tests/" in part[0]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_leads_to_a_file(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#\s]+)", text):
        if "://" not in target:
            assert (document.parent / target).exists(), f"{document.name} → {target}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_path_of_the_project_in_a_document_exists(document: Path) -> None:
    known = r"`((?:qa_audit|workers|tests|tools|bench|rubrics|docs|services|domain|media|queue|web|cli)/[\w/.-]+)`"
    for named in re.findall(known, document.read_text(encoding="utf-8")):
        places = (REPOSITORY / named, REPOSITORY / "qa_audit" / named)
        assert any(place.exists() for place in places), f"{document.name} names {named}"


def test_pictures_are_small() -> None:
    for path in (REPOSITORY / "docs").rglob("*.png"):
        assert path.stat().st_size < 400_000, path.name


def test_the_licence_is_the_one_the_package_names() -> None:
    text = (REPOSITORY / "LICENSE").read_text(encoding="utf-8")
    assert "GNU AFFERO GENERAL PUBLIC LICENSE" in text
    assert 'license = "AGPL-3.0-or-later"' in (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")
