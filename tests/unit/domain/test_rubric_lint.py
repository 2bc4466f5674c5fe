"""The linter finds what can be read but is a mistake, and says where; what may be meant is only a warning."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from qa_audit.domain.rubric import Problem, Rubric, RubricError, build_rubric
from qa_audit.domain.rubric.keys import PAGE_KEYS
from qa_audit.domain.rubric.lint import lint
from qa_audit.services.rubric_files import examine, examine_file
from tests.rubrics.calls import RUBRICS

TEMPLATES = RUBRICS.parent / "templates"
SCRIPTS = RUBRICS.parent / "static" / "js"


def line(id: str, **more: Any) -> dict[str, Any]:
    return {"id": id, "title": id, "points": 10, "check": {"kind": "manual"}, **more}


def said(**more: Any) -> dict[str, Any]:
    return {"kind": "said", "any": ["thank you for calling"], **more}


def rubric_of(*criteria: dict[str, Any], **changes: Any) -> Rubric:
    sections = [{"id": "all", "title": "All", "criteria": list(criteria)}]
    data = {
        "id": "linted",
        "version": 1,
        "title": "Linted",
        "effective_from": "2026-01-01",
        "pass_mark": 80,
        "sections": sections,
    }
    return build_rubric({**data, **changes})


def found(rubric: Rubric) -> list[tuple[str, str, str]]:
    return [(problem.severity, problem.path, problem.message) for problem in lint(rubric)]


def assert_only(rubric: Rubric, severity: str, path: str, words: str) -> None:
    problems = found(rubric)
    assert len(problems) == 1, problems
    assert problems[0][:2] == (severity, path)
    assert words in problems[0][2]


C0 = "sections[0].criteria[0]"
C1 = "sections[0].criteria[1]"


@pytest.mark.parametrize("path", sorted(RUBRICS.glob("*.yaml")), ids=lambda path: path.stem)
def test_the_bundled_rubrics_have_no_errors(path: Path) -> None:
    assert examine_file(path).errors == ()


def test_a_sound_rubric_has_no_remarks() -> None:
    rubric = rubric_of(
        line("a", check=said(within={"first_seconds": 15}), key="b"),
        line("b", fatal=True, when=[{"criterion": "a", "is": "yes"}], na_when=["transferred"]),
        line("c", check={"kind": "said", "any": ["{brand}"]}),
        variables={"brand": "Northwind"},
    )
    assert found(rubric) == []


def test_conditions_in_a_circle_are_told_once() -> None:
    rubric = rubric_of(
        line("a", when=[{"criterion": "b"}]),
        line("b", na_when=[{"criterion": "c"}]),
        line("c", check={"kind": "said", "all": [{"name": "x", "any": ["hello"], "leave_to": "a"}]}),
        line("d", when=[{"criterion": "a"}]),
    )
    assert_only(rubric, "error", C0, "in a circle: a → b → c → a")
    assert "a → a" in found(rubric_of(line("a", when=[{"criterion": "a"}])))[0][2]


@pytest.mark.parametrize(
    ("criterion", "severity", "path", "words"),
    [
        (
            {"when": [{"criterion": "b", "is": "maybe"}]},
            "error",
            "when[0]",
            "can never hold: 'maybe' is no answer",
        ),
        ({"when": [{"criterion": "b", "is": "not_applicable"}]}, "error", "when[0]", "can never hold"),
        ({"when": [{"criterion": "n", "is": "900"}]}, "error", "when[0]", "can never hold"),
        (
            {"when": [{"criterion": "b", "is": "yes"}, {"criterion": "b", "is": "no"}]},
            "error",
            "when[1]",
            "never applies: 'b' cannot be both 'yes' and 'no'",
        ),
        (
            {"when": [{"fact": "tier", "is": "gold"}, {"fact": "tier", "is": "blue"}]},
            "error",
            "when[1]",
            "cannot be both",
        ),
        (
            {"when": ["transferred"], "na_when": ["transferred"]},
            "error",
            "when[0]",
            "'na_when' says the opposite",
        ),
        (
            {"na_when": [{"criterion": "b", "is": "yes"}, {"criterion": "b", "is": "no"}]},
            "error",
            "na_when",
            "always holds: it names every answer of 'b'",
        ),
        ({"na_when": ["transferred", "transferred"]}, "warning", "na_when[1]", "is given twice"),
    ],
)
def test_dead_conditions(criterion: dict[str, Any], severity: str, path: str, words: str) -> None:
    numbers = {"unit": "s", "most": 60, "ranges": [{"up_to": 10, "percent": 100}, {"percent": 0}]}
    rubric = rubric_of(line("a", **criterion), line("b"), line("n", scale=numbers))
    assert_only(rubric, severity, f"{C0}.{path}", words)


@pytest.mark.parametrize(
    ("direction", "words"), [("inbound", "can never hold"), ("outbound", "always holds")]
)
def test_a_direction_that_the_rubric_fixes(direction: str, words: str) -> None:
    rubric = rubric_of(line("a", na_when=["outbound"]), applies_to={"direction": [direction]})
    assert_only(rubric, "warning", f"{C0}.na_when[0]", words)


@pytest.mark.parametrize(
    ("window", "severity", "path", "words"),
    [
        ({"first_turn": True, "last_seconds": 20}, "error", "", "cannot match: a call's first turn"),
        ({"first_seconds": 20, "last_seconds": 20}, "warning", "", "matches only in calls so short"),
        ({"first_seconds": 20, "last_turns": 2}, "warning", "", "matches only in calls so short"),
        ({"last_seconds": 0.05}, "error", ".last_seconds", "in 0.05 s nobody says a word"),
    ],
)
def test_windows_that_cannot_match(window: dict[str, Any], severity: str, path: str, words: str) -> None:
    assert_only(
        rubric_of(line("a", check=said(within=window))), severity, f"{C0}.check.within[0]{path}", words
    )


def test_a_phrase_that_takes_longer_than_its_window() -> None:
    check = {
        "kind": "said",
        "any": ["one two three four five six seven eight"],
        "within": {"first_seconds": 1},
    }
    assert_only(rubric_of(line("a", check=check)), "error", f"{C0}.check.any", "8 words do not fit into 1 s")
    assert (
        found(rubric_of(line("a", check={**check, "within": [{"first_seconds": 1}, {"last_turns": 1}]})))
        == []
    )


@pytest.mark.parametrize(
    "check",
    [
        said(within={"last_seconds": 0}),
        said(within={"first_turn": True, "last_turns": 1}),
        {"kind": "promise", "within": {"first_turn": True}},
        {"kind": "acoustic", "measure": "dead_air", "within": {"first_turn": True}},
    ],
)
def test_windows_that_mean_nothing_cannot_be_read(check: dict[str, Any]) -> None:
    with pytest.raises(RubricError):
        rubric_of(line("a", check=check))


@pytest.mark.parametrize(
    ("check", "severity", "path", "words"),
    [
        (said(maybe=["(thank|thanks) you for calling"]), "warning", "maybe", "is also among 'any'"),
        (
            {"kind": "said", "all": [{"name": "x", "any": ["ten [business] days"], "wrong": ["10 days"]}]},
            "error",
            "all[0].wrong",
            "'10 days' is also among 'any'",
        ),
        (
            {"kind": "terms", "terms": [{"right": ["credit"], "wrong": ["voucher", "credit"]}]},
            "error",
            "terms[0].wrong",
            "'credit' is also among 'right'",
        ),
        (
            {"kind": "answered", "trigger": ["angry"], "no_trigger": ["angry"], "reply": ["i am sorry"]},
            "error",
            "no_trigger",
            "'angry' is also among 'trigger'",
        ),
        ({"kind": "avoided", "any": ["voucher", "coupon", "voucher"]}, "warning", "any[2]", "is given twice"),
        (
            {"kind": "avoided", "any": ["damn"], "exact": False},
            "warning",
            "any[0]",
            "too short to be matched",
        ),
        (
            {"kind": "said", "all": [{"name": "x", "any": ["hello"]}], "maybe": ["hullo"]},
            "warning",
            "maybe",
            "is ignored beside 'all'",
        ),
        (said(same_turn=True), "warning", "same_turn", "is ignored without 'all'"),
        (
            {"kind": "acoustic", "measure": "talk_over", "longest": 30},
            "warning",
            "longest",
            "is ignored by the measure 'talk_over'",
        ),
    ],
)
def test_checks_that_work_against_themselves(
    check: dict[str, Any], severity: str, path: str, words: str
) -> None:
    assert_only(rubric_of(line("a", check=check)), severity, f"{C0}.check.{path}", words)


def test_phrases_are_compared_within_their_language() -> None:
    part = {
        "name": "x",
        "any": {"en": ["gift"], "de": ["geschenk"]},
        "wrong": {"en": ["poison"], "de": ["gift"]},
    }
    assert found(rubric_of(line("a", check={"kind": "said", "all": [part]}))) == []
    same = {**part, "wrong": {"en": ["gift"], "de": ["gift"]}}
    rubric = rubric_of(line("a", check={"kind": "said", "all": [same]}))
    assert_only(rubric, "error", f"{C0}.check.all[0].wrong", "'gift' is also among 'any'")


def test_a_language_without_phrases_is_told() -> None:
    rubric = rubric_of(
        line("a", check={"kind": "said", "any": {"en": ["thank you for calling"]}}),
        applies_to={"language": ["en-GB", "de"]},
    )
    assert_only(rubric, "warning", f"{C0}.check.any", "has no phrases for 'de'")


def test_short_phrases_are_fine_where_nothing_fuzzy_is_asked_for() -> None:
    assert found(rubric_of(line("a", check={"kind": "avoided", "any": ["damn"]}))) == []


@pytest.mark.parametrize(
    ("sections", "path", "words"),
    [
        ([(0, [line("a")]), (5, [line("b")])], "sections[0].weight", "weighs nothing"),
        ([(5, [line("a", bonus=True)]), (5, [line("b")])], "sections[0]", "only bonus points"),
        (
            [(None, [line("a", points=0.5), line("b", points=999)])],
            f"{C0}.points",
            "is only 0.05% of the score",
        ),
    ],
)
def test_weights_that_cancel(sections: list[Any], path: str, words: str) -> None:
    made = [
        {"id": f"s{n}", "title": "S", "criteria": lines, **({} if weight is None else {"weight": weight})}
        for n, (weight, lines) in enumerate(sections)
    ]
    assert_only(rubric_of(sections=made), "warning", path, words)


def test_nothing_but_bonus_points_is_no_score() -> None:
    assert_only(rubric_of(line("a", bonus=True)), "error", "sections", "there is no score")


def test_keys_collide_with_the_page_with_each_other_and_with_levels() -> None:
    levels = [{"value": 0, "label": "cold"}, {"value": 3, "label": "warm"}]
    rubric = rubric_of(
        line("a", key="k"),
        line("b", key="b"),
        line("c", key="b"),
        line("d", key="3", scale=levels),
        line("e", key="7"),
    )
    assert [(problem[1], problem[2]) for problem in found(rubric)] == [
        (f"{C0}.key", "the key 'k' plays and pauses on the audit page"),
        ("sections[0].criteria[2].key", "the key 'b' is also that of 'b'"),
        ("sections[0].criteria[3].key", "the key '3' answers a level on the audit page"),
    ]


def test_the_known_keys_are_those_of_the_audit_page() -> None:
    pages = [TEMPLATES / "review/review.html", TEMPLATES / "base.html", TEMPLATES / "calls/call.html"]
    pages += [TEMPLATES / "macros" / f"{name}.html" for name in ("review", "foot", "call", "ui")]
    texts = [page.read_text(encoding="utf-8") for page in pages if page.exists()]
    texts.append((SCRIPTS / "line.js").read_text(encoding="utf-8"))
    written = {
        key
        for text in texts
        for keys in re.findall(r"""(?:data-key|data-line-key|lineKey)(?:=|: )"([^"{}]+)\"""", text)
        for key in keys.split()
    }
    singles = {key for key in written if re.fullmatch("[a-z0-9]", key)}
    assert singles <= PAGE_KEYS.keys(), singles - PAGE_KEYS.keys()
    answers = {key for key, what in PAGE_KEYS.items() if what.startswith("answers ")}
    assert PAGE_KEYS.keys() - answers <= singles


@pytest.mark.parametrize(
    ("criterion", "path", "words"),
    [
        (
            {"guidance_for": {"maybe": "x"}},
            "guidance_for.maybe",
            "'maybe' is no answer here; answers are yes, no",
        ),
        (
            {"examples": [{"lines": ["A: hi"], "answer": "ja"}]},
            "examples[0].answer",
            "'ja' is no answer here",
        ),
        (
            {"examples": [{"lines": ["A: hi"], "answer": "yes or ja"}]},
            "examples[0].answer",
            "'ja' is no answer",
        ),
        (
            {"examples": [{"lines": ["A: hi", "hi"], "answer": "yes"}]},
            "examples[0].lines",
            "line 2: is none of",
        ),
    ],
)
def test_answers_and_scripts_that_are_none(criterion: dict[str, Any], path: str, words: str) -> None:
    assert_only(rubric_of(line("a", check=said(), **criterion)), "error", f"{C0}.{path}", words)


def test_answers_of_the_scale_are_fine() -> None:
    numbers = {"unit": "s", "most": 60, "ranges": [{"up_to": 10, "percent": 100}, {"percent": 0}]}
    guidance = {"yes": "x", "no": "y", "not_applicable": "z"}
    example = {"lines": ["A: hi"], "answer": "no or unsure"}
    rubric = rubric_of(
        line("a", check=said(), guidance_for=guidance, examples=[example]),
        line(
            "n",
            scale=numbers,
            guidance_for={"12.5": "x"},
            examples=[{"lines": ["A: hi"], "answer": "manual"}],
        ),
    )
    assert found(rubric) == []


def test_variables_that_are_not_used_or_not_known() -> None:
    rubric = rubric_of(
        line("a", check={"kind": "said", "any": ["{brand}"]}),
        variables={"brand": "Northwind", "fee": 5},
        variables_for=[{"vendor": "acme", "set": {"brnd": "Star Air"}}],
    )
    assert found(rubric) == [
        ("warning", "variables.fee", "the variable '{fee}' is never used"),
        (
            "error",
            "variables_for[0].set.brnd",
            "the variable 'brnd' is not among 'variables'; did you mean 'brand'?",
        ),
    ]


YAML = """schema: qa-audit/rubric@1
id: placed
version: 1
title: Placed
effective_from: 2026-01-01
pass_mark: 85
sections:
  - id: all
    title: All
    criteria:
      - id: greet
        title: Greets
        points: 10
        key: y
        check:
          kind: said
          any: ["good morning"]
          within: {first_turn: true, last_seconds: 5}
        examples:
          - lines: ["A: good morning"]
            answer: yes
          - lines: ["A: goodbye"]
            answer: nope
"""


def test_everything_is_told_with_its_line_in_order() -> None:
    examined = examine(YAML)
    assert examined.rubric is not None
    assert [(problem.line, problem.path.rsplit(".", 1)[-1]) for problem in examined.problems] == [
        (14, "key"),
        (18, "within[0]"),
        (23, "answer"),
    ]


def test_a_text_that_cannot_be_used_has_problems_and_no_rubric() -> None:
    examined = examine(YAML.replace("points", "pionts"))
    assert examined.rubric is None
    assert 13 in [problem.line for problem in examined.errors]


def test_two_sections_with_one_id_are_refused() -> None:
    sections = [{"id": "s", "title": "S", "criteria": [line(id)]} for id in ("a", "b")]
    with pytest.raises(RubricError, match=r"sections\[1\]\.id: 's' is used twice"):
        rubric_of(sections=sections)


def test_a_variable_of_calls_that_are_left_out_must_be_known() -> None:
    with pytest.raises(RubricError, match=r"'\{brand\}' is not defined"):
        rubric_of(line("a"), not_for={"said": [{"name": "x", "any": ["{brand}"]}]})


def test_a_warning_says_that_it_is_one() -> None:
    assert str(Problem("a.b", 3, "is odd", "warning")) == "line 3: warning: a.b: is odd"
    assert str(Problem("a.b", 3, "is wrong")) == "line 3: a.b: is wrong"
