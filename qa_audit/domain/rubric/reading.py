"""Build a rubric from plain data, and say of everything wrong where it stands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from qa_audit.domain.checks.phrases import variables_in
from qa_audit.domain.rubric.model import CALL_VARIABLES, Rubric
from qa_audit.domain.rubric.problems import Path, Problem, RubricError, line_of, path_text
from qa_audit.domain.rubric.size import MOST_VARIANTS, variants_of_all

MOST_PROBLEMS = 100
"""So many problems of form are told; a file with more is no rubric."""

_LONGEST_MESSAGE = 300
_IN_WORDS = frozenset({"check", "na_when", "when", "not_assessed_when", "not_for"})
"""Fields below which texts may be phrases."""

_OF_FORM = frozenset(
    {
        "literal_error",
        "tuple_type",
        "model_type",
        "model_attributes_type",
        "string_type",
        "int_type",
        "float_type",
    }
)
"""Errors which only say that a value has another form than one of those that are allowed."""


def build_rubric(
    data: object, lines: Mapping[Path, int] | None = None, *, source: str = "rubric", sha256: str = ""
) -> Rubric:
    """Build a rubric from plain data; `lines` gives the line of each path.

    Raises RubricError with every problem found.
    """
    lines = lines or {}
    if not isinstance(data, Mapping):
        raise RubricError(source, [Problem("", lines.get(()), "a rubric is a mapping of fields to values")])
    if "sha256" in data:
        raise RubricError(source, [_problem(("sha256",), lines, "is not a known field")])
    _refuse_too_much(data, source)
    try:
        rubric = Rubric.model_validate({**data, "sha256": sha256})
    except ValidationError as error:
        items = _told(error.errors(), data)
        found = dict.fromkeys(_translated(item, data, lines) for item in items[:MOST_PROBLEMS])
        if items[MOST_PROBLEMS:]:
            last = max((problem.line or 0 for problem in found), default=0) or None
            found[Problem("", last, f"and {len(items) - MOST_PROBLEMS} more problems")] = None
        raise RubricError(source, [*found, *_meaning_problems(data, lines)]) from error
    problems = _meaning_problems(data, lines)
    if problems:
        raise RubricError(source, problems)
    return rubric


def _refuse_too_much(data: Mapping[str, Any], source: str) -> None:
    """Refuse phrases that together stand for more than can be loaded at once; one alone has a limit of its own."""
    stand_for = variants_of_all(text for path, text in _strings(data, ()) if _IN_WORDS & set(path))
    if stand_for > MOST_VARIANTS:
        what = f"its phrases stand for {stand_for} variants together; at most {MOST_VARIANTS} are allowed"
        raise RubricError(source, [Problem("", None, what)])


def _told(items: Sequence[Any], data: object) -> list[Any]:
    """Leave out echoes, and of a field that may have several forms the complaints of those it does not have."""
    kept = [item for item in items if not _is_echo(item)]
    paths = [_data_path(item["loc"], data) for item in kept]
    precise = [path for item, path in zip(kept, paths, strict=True) if item["type"] not in _OF_FORM]
    return [
        item
        for item, path in zip(kept, paths, strict=True)
        if item["type"] not in _OF_FORM or not any(other[: len(path)] == path for other in precise)
    ]


def _is_echo(item: Any) -> bool:
    """Say whether an error only echoes others: a list counts as too short when its items are wrong."""
    given = item["input"]
    return (
        item["type"] == "too_short"
        and isinstance(given, (list, tuple))
        and len(given) >= item["ctx"]["min_length"]
    )


def _translated(item: Any, data: object, lines: Mapping[Path, int]) -> Problem:
    """Turn one of pydantic's errors into a problem in plain words at the right place."""
    path = _data_path(item["loc"], data)
    kind, context = item["type"], item.get("ctx", {})
    if kind == "extra_forbidden":
        known = _known_fields(path[:-1])
        near = get_close_matches(str(path[-1]), known, n=1, cutoff=0.5)
        message = "is not a known field" + (f"; did you mean '{near[0]}'?" if near else "")
    elif kind == "missing":
        message = "is missing"
    elif kind == "union_tag_invalid":
        message = f"'{context.get('tag')}' is not a known kind; known are {context.get('expected_tags')}"
    elif kind == "union_tag_not_found":
        message = "needs a 'kind'"
    elif kind == "literal_error":
        message = f"must be {context.get('expected')}"
    elif kind == "value_error":
        message = str(context.get("error", item["msg"]))
    elif kind == "tuple_type":
        message = "must be a list"
    elif kind in ("model_type", "model_attributes_type", "dict_type"):
        message = "must hold named values"
    else:
        message = (item["msg"][:1].lower() + item["msg"][1:]).replace("tuple", "list")
    return _problem(path, lines, message)


def _data_path(location: Sequence[str | int], data: object) -> Path:
    """Keep of pydantic's location what is a place in the data: it also names kinds and union members."""
    path: list[str | int] = []
    at: object = data
    for step, part in enumerate(location):
        if isinstance(at, Mapping) and (part in at or step == len(location) - 1):
            path.append(part)
            at = at.get(part)
        elif isinstance(at, (list, tuple)) and isinstance(part, int) and part < len(at):
            path.append(part)
            at = at[part]
    return tuple(path)


def _problem(path: Path, lines: Mapping[Path, int], message: str) -> Problem:
    if len(message) > _LONGEST_MESSAGE:
        message = f"{message[: _LONGEST_MESSAGE // 3]} … {message[-2 * _LONGEST_MESSAGE // 3 :]}"
    return Problem(path_text(path), line_of(path, lines), message)


def _known_fields(path: Path) -> list[str]:
    """Return the field names known at a path, over all kinds of check where it lies in one."""
    models: list[type[BaseModel]] = [Rubric]
    for part in path:
        if isinstance(part, int):
            continue
        below = [
            _models_in(m.model_fields[f].annotation)
            for m in models
            for f in m.model_fields
            if _name(m, f) == part
        ]
        models = [model for found in below for model in found] or models
    return [_name(model, field) for model in models for field in model.model_fields if field != "sha256"]


def _name(model: type[BaseModel], field: str) -> str:
    return model.model_fields[field].alias or field


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in _models_in(part)]


def _meaning_problems(data: Mapping[str, Any], lines: Mapping[Path, int]) -> list[Problem]:
    """Find what no single field shows: ids used twice, unknown variables and references."""
    problems = _sections_used_twice(data, lines)
    ids: dict[str, None] = {}
    seen: dict[tuple[str, str], None] = {}
    for path, criterion in _criteria_in(data):
        for field in ("id", "code"):
            value = criterion.get(field)
            if isinstance(value, str):
                if (field, value) in seen:
                    problems.append(_problem((*path, field), lines, f"'{value}' is used twice"))
                seen[field, value] = None
                if field == "id":
                    ids[value] = None
    variables = data.get("variables")
    defined = {*(variables if isinstance(variables, Mapping) else ()), *CALL_VARIABLES}
    for path, text in _strings(data, ()):
        if not _IN_WORDS & set(path):
            continue
        for name in variables_in(text):
            if name not in defined:
                near = get_close_matches(name, defined, n=1)
                hint = f"; did you mean '{{{near[0]}}}'?" if near else ""
                problems.append(_problem(path, lines, f"the variable '{{{name}}}' is not defined{hint}"))
        if path[-1] in ("leave_to", "criterion") and text not in ids:
            problems.append(_problem(path, lines, f"there is no criterion '{text}'"))
    return problems


def _sections_used_twice(data: Mapping[str, Any], lines: Mapping[Path, int]) -> list[Problem]:
    sections, seen, problems = data.get("sections"), set(), []
    for s, section in enumerate(sections if isinstance(sections, (list, tuple)) else ()):
        id = section.get("id") if isinstance(section, Mapping) else None
        if isinstance(id, str) and id in seen:
            problems.append(_problem(("sections", s, "id"), lines, f"'{id}' is used twice"))
        seen.add(id if isinstance(id, str) else None)
    return problems


def _criteria_in(data: Mapping[str, Any]) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    sections = data.get("sections")
    for s, section in enumerate(sections if isinstance(sections, (list, tuple)) else ()):
        criteria = section.get("criteria") if isinstance(section, Mapping) else None
        for c, criterion in enumerate(criteria if isinstance(criteria, (list, tuple)) else ()):
            if isinstance(criterion, Mapping):
                yield ("sections", s, "criteria", c), criterion


def _strings(value: object, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for key, below in value.items():
            yield from _strings(below, (*path, str(key)))
    elif isinstance(value, (list, tuple)):
        for index, below in enumerate(value):
            yield from _strings(below, (*path, index))


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of a rubric; `rubrics/schema.json` holds it for editors."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Rubric.model_json_schema(by_alias=True),
    }
