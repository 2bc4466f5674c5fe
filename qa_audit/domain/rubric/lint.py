"""Look over a rubric for what can be read but does not do what its author wants.

An error is certainly a mistake: such a rubric should not be published. A warning may be meant.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from qa_audit.domain.checks.phrases import variables_in
from qa_audit.domain.rubric.applying import looks_at
from qa_audit.domain.rubric.keys import PAGE_KEYS
from qa_audit.domain.rubric.lint_checks import check_findings
from qa_audit.domain.rubric.lint_conditions import condition_findings
from qa_audit.domain.rubric.model import CALL_VARIABLES, Criterion, Rubric
from qa_audit.domain.rubric.problems import Path, Problem, Remark, line_of, path_text
from qa_audit.domain.rubric.scales import NumberScale
from qa_audit.domain.score import true_shares
from qa_audit.domain.script import read_script

LEAST_SHARE = 0.001
"""A criterion that is less of the whole score than this makes no difference that anybody sees."""

_STATUSES = ("not_applicable", "unsure", "not_assessed")


def lint(rubric: Rubric, lines: Mapping[Path, int] | None = None) -> tuple[Problem, ...]:
    """Return everything that looks wrong with a rubric, in order of lines; `lines` gives the line of each path."""
    known = lines or {}
    found = [
        Problem(path_text(path), line_of(path, known), what, grave) for path, grave, what in _all(rubric)
    ]
    return tuple(sorted(dict.fromkeys(found), key=lambda problem: (problem.line or 0, problem.path)))


def placed(rubric: Rubric) -> Iterator[tuple[Path, Criterion]]:
    """Yield every criterion with its place."""
    for s, section in enumerate(rubric.sections):
        for c, criterion in enumerate(section.criteria):
            yield ("sections", s, "criteria", c), criterion


def _all(rubric: Rubric) -> Iterator[Remark]:
    yield from _circles(rubric)
    yield from _weights(rubric)
    yield from _keys(rubric)
    yield from _variables(rubric)
    for path, criterion in placed(rubric):
        yield from _answers(path, criterion)
        yield from condition_findings(path, criterion, rubric)
        yield from check_findings((*path, "check"), criterion.check, rubric)


def _circles(rubric: Rubric) -> Iterator[Remark]:
    """Find criteria that look at each other in a circle; each circle is told once."""
    below = {criterion.id: looks_at(criterion) for criterion in rubric.criteria}
    places = {criterion.id: path for path, criterion in placed(rubric)}
    told: set[str] = set()
    for id in below:
        circle = _way_back(id, below)
        if circle and not told & set(circle):
            told |= set(circle)
            yield places[id], "error", f"the conditions go in a circle: {' → '.join((*circle, id))}"


def _way_back(start: str, below: Mapping[str, set[str]]) -> tuple[str, ...]:
    """Return the shortest way from a criterion over those it looks at back to itself; empty when there is none."""
    ways: list[tuple[str, ...]] = [(start,)]
    seen: set[str] = set()
    for way in ways:
        for id in sorted(below.get(way[-1], ())):
            if id == start:
                return way
            if id not in seen:
                seen.add(id)
                ways.append((*way, id))
    return ()


def _weights(rubric: Rubric) -> Iterator[Remark]:
    if all(criterion.bonus for criterion in rubric.criteria):
        yield ("sections",), "error", "every criterion is a bonus, so that there is no score"
    shares = true_shares(rubric)
    for s, section in enumerate(rubric.sections):
        only_bonus = all(criterion.bonus for criterion in section.criteria)
        if section.weight == 0:
            yield ("sections", s, "weight"), "warning", "weighs nothing: its points never count"
            continue
        if section.weight is not None and only_bonus:
            what = "has only bonus points, which count nothing in a section with a weight of its own"
            yield ("sections", s), "warning", what
        for c, criterion in enumerate(section.criteria):
            if not criterion.bonus and shares[criterion.id] < LEAST_SHARE:
                what = f"is only {float(shares[criterion.id]):.2%} of the score"
                yield ("sections", s, "criteria", c, "points"), "warning", what


def _keys(rubric: Rubric) -> Iterator[Remark]:
    levels = {answer for c in rubric.criteria if c.scale != "yes_no" for answer in c.answers}
    taken: dict[str, str] = {}
    for path, criterion in placed(rubric):
        key = criterion.key
        if key is None:
            continue
        if key in PAGE_KEYS:
            what = f"the key '{key}' {PAGE_KEYS[key]} on the audit page"
            yield (*path, "key"), "error", what
        elif key in levels:
            yield (*path, "key"), "error", f"the key '{key}' answers a level on the audit page"
        elif key in taken:
            yield (*path, "key"), "error", f"the key '{key}' is also that of '{taken[key]}'"
        taken.setdefault(key, criterion.id)


def _variables(rubric: Rubric) -> Iterator[Remark]:
    checked = (
        [rubric.not_for.model_dump()]
        + [c.check.model_dump() for c in rubric.criteria]
        + [
            condition.model_dump()
            for c in rubric.criteria
            for condition in (*c.na_when, *c.when, *c.not_assessed_when)
        ]
    )
    used = {name for text in _texts(checked) for name in variables_in(text)}
    for name in rubric.variables:
        if name not in used:
            yield ("variables", name), "warning", f"the variable '{{{name}}}' is never used"
    known = {*rubric.variables, *CALL_VARIABLES}
    for place, other in enumerate(rubric.variables_for):
        for name in other.set:
            if name not in known:
                near = get_close_matches(name, known, n=1)
                hint = f"; did you mean '{near[0]}'?" if near else ""
                path: Path = ("variables_for", place, "set", name)
                yield path, "error", f"the variable '{name}' is not among 'variables'{hint}"


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for below in value.values():
            yield from _texts(below)
    elif isinstance(value, (list, tuple)):
        for below in value:
            yield from _texts(below)


def _answers(path: Path, criterion: Criterion) -> Iterator[Remark]:
    """Find guidance for, and examples of, answers that a criterion cannot have, and scripts that are none."""
    for answer in criterion.guidance_for:
        if answer != "not_applicable" and not has_answer(criterion, answer):
            yield (
                (*path, "guidance_for", answer),
                "error",
                f"'{answer}' is no answer here; {_known(criterion)}",
            )
    statuses = (*_STATUSES, "manual") if criterion.check.kind == "manual" else _STATUSES
    for place, example in enumerate(criterion.examples):
        for answer in example.answer.split(" or "):
            if answer not in statuses and not has_answer(criterion, answer):
                what = f"'{answer}' is no answer here; {_known(criterion)}"
                yield (*path, "examples", place, "answer"), "error", what
        try:
            read_script(example.lines)
        except ValueError as error:
            yield (*path, "examples", place, "lines"), "error", str(error)


def has_answer(criterion: Criterion, answer: str) -> bool:
    """Say whether an answer is one of a criterion's scale."""
    try:
        criterion.share(answer)
    except ValueError:
        return False
    return True


def _known(criterion: Criterion) -> str:
    scale = criterion.scale
    if isinstance(scale, NumberScale):
        return f"answers are numbers from {scale.least:g} to {scale.most:g}"
    return f"answers are {', '.join(criterion.answers)}"
