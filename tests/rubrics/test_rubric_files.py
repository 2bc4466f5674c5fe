"""The bundled rubrics load and match their schema; hostile or broken YAML is refused with its line."""

from __future__ import annotations

import json
import time
from datetime import date
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from qa_audit.domain.rubric import RubricError, applicable, json_schema
from qa_audit.services.rubric_files import MAX_BYTES, load_rubric, load_rubric_file, parse_yaml
from tests.rubrics.calls import RUBRICS

BUNDLED = sorted(RUBRICS.glob("*.yaml"))
GOOD = """
schema: qa-audit/rubric@1
id: good
version: 1
title: Good
effective_from: 2026-01-01
pass_mark: 85
variables: {brand: Northwind}
sections:
  - id: all
    title: All
    criteria:
      - id: greet
        title: Greets
        points: 10
        check:
          kind: said
          any: ["{brand}"]
"""


def plain(value: Any) -> Any:
    """Turn dates into text, as JSON has none."""
    if isinstance(value, dict):
        return {key: plain(below) for key, below in value.items()}
    if isinstance(value, list):
        return [plain(below) for below in value]
    return value.isoformat() if isinstance(value, date) else value


@pytest.mark.parametrize("path", BUNDLED, ids=lambda path: path.stem)
def test_a_bundled_rubric_loads(path: Path) -> None:
    rubric = load_rubric_file(path)
    assert rubric.id == path.stem.replace("_", "-")
    assert rubric.pass_mark == 85
    assert 10 <= len(rubric.criteria) <= 14
    assert len(rubric.sha256) == 64


@pytest.mark.parametrize("name", ["brand_consistency", "service_quality"])
def test_the_points_of_a_refund_line_sum_to_a_hundred(name: str) -> None:
    rubric = load_rubric_file(RUBRICS / f"{name}.yaml")
    assert sum(criterion.exact_points for criterion in rubric.criteria) == 100
    assert len(rubric.criteria) == 10


@pytest.mark.parametrize("name", ["collections", "health_appointments"])
def test_the_section_weights_of_another_trade_sum_to_a_hundred(name: str) -> None:
    rubric = load_rubric_file(RUBRICS / f"{name}.yaml")
    assert sum(section.weight or 0 for section in rubric.sections) == 100


@pytest.mark.parametrize("path", BUNDLED, ids=lambda path: path.stem)
def test_a_bundled_rubric_matches_the_schema(path: Path) -> None:
    schema = json.loads((RUBRICS / "schema.json").read_text(encoding="utf-8"))
    data, _ = parse_yaml(path.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(plain(data), schema)


def test_the_schema_file_is_what_the_code_accepts() -> None:
    assert json.loads((RUBRICS / "schema.json").read_text(encoding="utf-8")) == json_schema()


@pytest.mark.parametrize(
    "change",
    [{"pionts": 3}, {"pass_mark": 200}, {"sections": []}, {"id": "Not Good"}, {"sha256": "x"}],
)
def test_the_schema_refuses_what_the_code_refuses(change: dict[str, Any]) -> None:
    data, _ = parse_yaml(GOOD)
    assert isinstance(data, dict)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(plain({**data, **change}), json_schema())


@pytest.mark.parametrize(
    ("queue", "ids"),
    [
        ("refunds", ["brand-consistency", "service-quality"]),
        ("collections", ["brand-consistency", "collections", "service-quality"]),
        ("appointments", ["brand-consistency", "health-appointments", "service-quality"]),
        (None, ["brand-consistency", "service-quality"]),
    ],
)
def test_a_rubric_of_another_trade_applies_to_its_queue_only(queue: str | None, ids: list[str]) -> None:
    found = applicable(map(load_rubric_file, BUNDLED), on=date(2026, 11, 2), queue=queue, language="en")
    assert [rubric.id for rubric in found] == ids


def test_fatals_and_criticals_are_those_of_a_refund_line() -> None:
    refunds = (RUBRICS / "brand_consistency.yaml", RUBRICS / "service_quality.yaml")
    found = {c.code: c for path in refunds for c in load_rubric_file(path).criteria}
    assert {code for code, c in found.items() if c.fatal} == {"B8", "S8", "S9"}
    assert {code for code, c in found.items() if c.critical} == {"B4", "S1"}
    assert {code for code, c in found.items() if c.incident} == {"S9"}
    assert found["B10"].answers == ("0", "1", "2", "3")


def problems(text: str) -> list[tuple[int | None, str]]:
    with pytest.raises(RubricError) as caught:
        load_rubric(text, "test.yaml")
    return [(problem.line, f"{problem.path}: {problem.message}") for problem in caught.value.problems]


def test_good_yaml_loads() -> None:
    assert load_rubric(GOOD).criterion("greet").points == 10


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        (GOOD.replace("points: 10", "pionts: 10"), 15, "did you mean 'points'"),
        (GOOD.replace("points: 10", "points: 10\n        points: 12"), 16, "is given twice"),
        (GOOD.replace("{brand}", "{brnd}"), 18, "did you mean '{brand}'"),
        (GOOD.replace("title: All", "title: &a All"), 11, "anchors and aliases"),
        (GOOD.replace("title: All", "title: *a"), 11, "anchors and aliases"),
        (GOOD.replace("title: All", "title: !!python/object:os.system x"), 11, "tag"),
        (GOOD.replace("title: All", "title: [All"), 12, "is not YAML"),
        (GOOD.replace("title: All", "title: " + "x" * 20_000), 11, "20000 characters"),
        (GOOD.replace("title: All", "title: " + "[" * 30 + "]" * 30), 11, "nested deeper"),
        (GOOD.replace("2026-01-01", "2026-13-41"), 6, "cannot be read"),
        (GOOD.replace("id: good", "1: good"), 3, "name of a field must be text"),
        ("", 1, "empty"),
        ("just words", 1, "a rubric is a mapping"),
        ("x" * (MAX_BYTES + 1), None, "too large"),
        ("a: \x00", 1, "is not YAML"),
        ("- " * 5000, 1, "nested deeper"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(text: str, line: int | None, message: str) -> None:
    found = problems(text)
    assert any(at == line and message in problem for at, problem in found), found


def test_an_anchor_bomb_is_refused_at_once() -> None:
    bomb = "a: &a [x, x]\n" + "\n".join(
        f"{chr(98 + n)}: &{chr(98 + n)} [*{chr(97 + n)}, *{chr(97 + n)}]" for n in range(20)
    )
    started = time.monotonic()
    assert "anchors and aliases" in problems(bomb)[0][1]
    assert time.monotonic() - started < 1


def test_a_phrase_that_stands_for_too_much_is_refused_at_once() -> None:
    heavy = " ".join("(a|b|c|d|e|f|g|h)" for _ in range(12))
    started = time.monotonic()
    assert "variants" in problems(GOOD.replace("{brand}", heavy))[0][1]
    assert time.monotonic() - started < 1


def test_a_missing_or_unreadable_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(RubricError, match=r"none\.yaml: cannot be read"):
        load_rubric_file(tmp_path / "none.yaml")
    path = tmp_path / "latin.yaml"
    path.write_bytes(b"title: caf\xe9")
    with pytest.raises(RubricError, match="UTF-8"):
        load_rubric_file(path)


def test_the_digest_is_of_the_text() -> None:
    assert load_rubric(GOOD).sha256 != load_rubric(GOOD + "\n").sha256
