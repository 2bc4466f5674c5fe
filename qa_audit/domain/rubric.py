"""A rubric: what good means, as data.

Built from a plain mapping (services read the YAML); every problem is collected with its path and line.
Published versions never change: an edit makes a new version with its own `effective_from`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from fractions import Fraction
from typing import Annotated, Any, Final, Literal, get_args

from pydantic import BaseModel, Field, StringConstraints, ValidationError, model_validator
from pydantic.json_schema import SkipJsonSchema

from qa_audit.domain.checks import CheckSpec
from qa_audit.domain.checks.conditions import Condition, NotFor
from qa_audit.domain.checks.model import Model
from qa_audit.domain.checks.phrases import variables_in
from qa_audit.domain.checks.said import SaidSpec
from qa_audit.errors import Invalid

SCHEMA: Final = "qa-audit/rubric@1"
CALL_VARIABLES = frozenset({"vendor_name"})
"""Variables that every call brings along, so that a rubric need not define them."""

Path = tuple[str | int, ...]
Identifier = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,39}$")]
Line = Annotated[str, StringConstraints(min_length=1, max_length=250)]
Prose = Annotated[str, StringConstraints(max_length=2000)]
Value = str | int | float | tuple[str, ...]


class Level(Model):
    """One labelled level of a scale."""

    value: int = Field(ge=0, le=10)
    label: Line
    passes: bool | None = Field(default=None, description="Counts as passed where only pass or fail matters.")


class Criterion(Model):
    """One line of a scorecard: the question, its points, and how a machine may answer it."""

    id: Identifier
    code: Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9]{0,4}$")] | None = None
    title: Line
    points: float = Field(gt=0, le=1000)
    fatal: bool = Field(default=False, description="A confirmed no fails the whole audit.")
    critical: bool = Field(default=False, description="A no is counted in the critical-error rate.")
    incident: bool = Field(default=False, description="A confirmed no opens an incident.")
    scale: Literal["yes_no"] | tuple[Level, ...] = "yes_no"
    guidance: Prose = ""
    policy: Prose = Field(default="", description="The policy text behind the question.")
    na: Prose = Field(default="", description="When it does not apply, in words for people.")
    na_when: tuple[Condition, ...] = Field(default=(), description="When it does not apply, for the machine.")
    when: tuple[Condition, ...] = Field(default=(), description="Applies only when all of these hold.")
    not_assessed_when: tuple[Condition, ...] = ()
    check: CheckSpec

    @model_validator(mode="after")
    def _sound(self) -> Criterion:
        if self.fatal and self.critical:
            raise ValueError("a criterion is either fatal or critical, not both")
        if self.scale != "yes_no":
            values = [level.value for level in self.scale]
            if len(values) < 2 or len(set(values)) != len(values):
                raise ValueError("a scale needs two or more levels with different values")
            if self.check.kind != "manual":
                raise ValueError("a scale of levels needs a check of kind 'manual'")
        return self

    @property
    def answers(self) -> tuple[str, ...]:
        """Return the answers one can give, best last for scales of levels."""
        if self.scale == "yes_no":
            return ("yes", "no")
        return tuple(str(level.value) for level in sorted(self.scale, key=lambda level: level.value))

    def share(self, answer: str) -> Fraction:
        """Return which part of the points an answer earns: (value - lowest) / (highest - lowest).

        Raises ValueError for an answer that the scale does not have.
        """
        if answer not in self.answers:
            raise ValueError(f"'{answer}' is no answer to '{self.id}'")
        if self.scale == "yes_no":
            return Fraction(answer == "yes")
        values = [level.value for level in self.scale]
        return Fraction(int(answer) - min(values), max(values) - min(values))

    @property
    def exact_points(self) -> Fraction:
        """Return the points as an exact number."""
        return Fraction(str(self.points))


class Section(Model):
    """Criteria that belong together."""

    id: Identifier
    title: Line
    criteria: tuple[Criterion, ...] = Field(min_length=1, max_length=100)


class AppliesTo(Model):
    """Which calls a rubric is for; an empty list means any."""

    vendor: tuple[str, ...] = ()
    queue: tuple[str, ...] = ()
    language: tuple[str, ...] = ()
    direction: tuple[Literal["inbound", "outbound"], ...] = ()


class Rubric(Model):
    """One version of a rubric; `sha256` is of the text it was read from."""

    schema_: Literal["qa-audit/rubric@1"] = Field(default=SCHEMA, alias="schema")
    id: Identifier
    version: int = Field(ge=1)
    title: Line
    description: Prose = ""
    effective_from: date
    pass_mark: float = Field(ge=0, le=100)
    fatal_score: Literal["zero", "kept"] = Field(
        default="zero", description="What a fatal no makes of the percent."
    )
    applies_to: AppliesTo = AppliesTo()
    not_for: NotFor = NotFor()
    variables: dict[str, Value] = Field(default_factory=dict)
    sections: tuple[Section, ...] = Field(min_length=1, max_length=50)
    sha256: SkipJsonSchema[str] = ""

    @property
    def criteria(self) -> tuple[Criterion, ...]:
        """Return all criteria in the order of the sections."""
        return tuple(criterion for section in self.sections for criterion in section.criteria)

    def criterion(self, id: str) -> Criterion:
        """Return one criterion; raises KeyError."""
        for criterion in self.criteria:
            if criterion.id == id:
                return criterion
        raise KeyError(id)


@dataclass(frozen=True)
class Problem:
    """One thing wrong with a rubric: where (path and line, both may be unknown) and what."""

    path: str
    line: int | None
    message: str

    def __str__(self) -> str:
        place = f"line {self.line}: " if self.line else ""
        return f"{place}{self.path}: {self.message}" if self.path else f"{place}{self.message}"


class RubricError(Invalid):
    """A rubric is not usable; `problems` holds everything wrong with it, in order of lines."""

    def __init__(self, source: str, problems: Sequence[Problem]) -> None:
        self.source = source
        self.problems = tuple(sorted(problems, key=lambda problem: (problem.line or 0, problem.path)))
        lines = "\n".join(f"{source}: {problem}" for problem in self.problems)
        super().__init__(lines, {problem.path or source: problem.message for problem in self.problems})


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
    try:
        rubric = Rubric.model_validate({**data, "sha256": sha256})
    except ValidationError as error:
        found = [_translated(item, data, lines) for item in error.errors() if not _is_echo(item)]
        raise RubricError(source, [*dict.fromkeys(found), *_meaning_problems(data, lines)]) from error
    problems = _meaning_problems(data, lines)
    if problems:
        raise RubricError(source, problems)
    return rubric


def applicable(
    rubrics: Iterable[Rubric],
    *,
    on: date,
    vendor: str = "",
    queue: str | None = None,
    language: str | None = None,
    direction: str | None = None,
) -> tuple[Rubric, ...]:
    """Return the rubrics for a call, one version of each id: the newest in effect on the day of the call."""
    newest: dict[str, Rubric] = {}
    for rubric in rubrics:
        if rubric.effective_from > on or not _is_for(rubric.applies_to, vendor, queue, language, direction):
            continue
        known = newest.get(rubric.id)
        key = (rubric.effective_from, rubric.version)
        if known is None or key > (known.effective_from, known.version):
            newest[rubric.id] = rubric
    return tuple(newest[id] for id in sorted(newest))


def _is_for(
    rule: AppliesTo, vendor: str, queue: str | None, language: str | None, direction: str | None
) -> bool:
    spoken = (language or "").split("-")[0].lower()
    languages = tuple(wanted.split("-")[0].lower() for wanted in rule.language)
    return (
        (not rule.vendor or vendor in rule.vendor)
        and (not rule.queue or queue in rule.queue)
        and (not rule.language or not spoken or spoken in languages)
        and (not rule.direction or direction is None or direction in rule.direction)
    )


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
    else:
        message = item["msg"][:1].lower() + item["msg"][1:]
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
    known = next((lines[path[:size]] for size in range(len(path), -1, -1) if path[:size] in lines), None)
    return Problem(_path_text(path), known, message)


def _path_text(path: Path) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")


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
    problems: list[Problem] = []
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
        if "check" not in path and "na_when" not in path:
            continue
        for name in variables_in(text):
            if name not in defined:
                near = get_close_matches(name, defined, n=1)
                hint = f"; did you mean '{{{near[0]}}}'?" if near else ""
                problems.append(_problem(path, lines, f"the variable '{{{name}}}' is not defined{hint}"))
        if path[-1] == "leave_to" and text not in ids:
            problems.append(_problem(path, lines, f"there is no criterion '{text}'"))
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


def in_order(rubric: Rubric) -> tuple[Criterion, ...]:
    """Return the criteria so that each comes after those its check looks at."""
    waiting = {
        c.id
        for c in rubric.criteria
        if isinstance(c.check, SaidSpec) and any(p.leave_to for p in c.check.all)
    }
    return tuple(sorted(rubric.criteria, key=lambda criterion: criterion.id in waiting))


def variable_values(value: Value) -> tuple[str, ...]:
    """Return what a variable stands for as texts."""
    if isinstance(value, (list, tuple)):
        return tuple(str(part) for part in value)
    text = re.sub(r"\.0$", "", str(value))
    return (text,) if text else ()
