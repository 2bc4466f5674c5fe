"""The daily edits of a rubric: only the lines that must change do, and what loads is what was wanted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from difflib import SequenceMatcher

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qa_audit.domain.rubric import Rubric, RubricError
from qa_audit.errors import Invalid, NotFound
from qa_audit.runtime import bundled
from qa_audit.services.rubric_editing import (
    EVENTS,
    GRAVITIES,
    as_edit,
    edit_criterion,
    edit_rubric,
    phrase_lists,
    rubric_as_edit,
)
from qa_audit.services.rubric_files import load_rubric
from qa_audit.services.yaml_edits import changed

TEXTS = {path.stem: path.read_text(encoding="utf-8") for path in sorted(bundled("rubrics").glob("*.yaml"))}
SMALL = """\
# What good means here.
id: small
version: 3   # counts up
title: 'Small'
effective_from: 2026-01-01
pass_mark: 85

sections:
  # The beginning.
  - id: first
    title: First   # said aloud
    criteria:
      # Greeting.
      - id: greets
        title: "Greets"
        points: 10  # of 20
        guidance: >-
          The brand name
          in the first turn.

        # When it is not asked for.
        na_when: [started_late, {fact: ivr}]
        check:
          kind: said
          any:
            - hello there   # usual
            # the other way
            - "good (morning|evening)"
            - hi there now
      - {id: closes, title: Closes, points: 10, check: {kind: said, any: [good bye now, thanks a lot]}}
"""
PROSE = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=60).filter(
    lambda text: "\u2028" not in text and "\u2029" not in text and "\ufeff" not in text and "\x85" not in text
)
WORDS = st.sampled_from(
    ["hello", "thank you", "no", "yes", "it's 10: ok # sure", "a, b", "- x", "{brand}", "[x] y"]
)


def lines_changed(old: str, new: str) -> list[str]:
    """Return the lines of the old text that are not in the new one at their place."""
    before, after = old.splitlines(), new.splitlines()
    codes = SequenceMatcher(None, before, after, False).get_opcodes()
    return [line for kind, i1, i2, _, _ in codes if kind != "equal" for line in before[i1:i2]]


def comments(text: str) -> list[str]:
    return [line[line.index("#") :] for line in text.splitlines() if " # " in f" {line}"]


def greets(text: str) -> object:
    return load_rubric(text).criterion("greets")


def test_a_title_changes_its_line_and_keeps_its_quotes() -> None:
    edit = replace(as_edit(load_rubric(SMALL).criterion("greets")), title='Says "hello"')
    new = edit_criterion(SMALL, "greets", edit)
    assert new == SMALL.replace('"Greets"', '"Says \\"hello\\""')


def test_points_change_beside_their_comment() -> None:
    edit = replace(as_edit(load_rubric(SMALL).criterion("greets")), points=12.5)
    assert edit_criterion(SMALL, "greets", edit) == SMALL.replace(
        "points: 10  # of 20", "points: 12.5  # of 20"
    )


def test_guidance_in_several_lines_is_replaced_and_the_next_comment_stays() -> None:
    edit = replace(as_edit(load_rubric(SMALL).criterion("greets")), guidance="One.\nTwo.")
    new = edit_criterion(SMALL, "greets", edit)
    assert load_rubric(new).criterion("greets").guidance == "One.\nTwo."
    assert "        guidance: |-\n          One.\n          Two.\n\n        # When it is not" in new


def test_phrases_that_stay_keep_their_comments() -> None:
    criterion = load_rubric(SMALL).criterion("greets")
    wanted = ("hello there", "how are you", "good (morning|evening)")
    new = edit_criterion(SMALL, "greets", replace(as_edit(criterion), phrases={"check.any": wanted}))
    assert new == SMALL.replace("            - hi there now\n", "").replace(
        "            - hello there   # usual\n",
        "            - hello there   # usual\n            - how are you\n",
    )


def test_a_list_that_is_not_there_yet_is_added_and_goes_again() -> None:
    edit = as_edit(load_rubric(SMALL).criterion("greets"))
    more = edit_criterion(SMALL, "greets", replace(edit, phrases={"check.maybe": ("hell there", "no")}))
    assert load_rubric(more).criterion("greets").check.maybe == ("hell there", "no")  # type: ignore[union-attr]
    assert lines_changed(SMALL, more) == []
    assert edit_criterion(more, "greets", replace(edit, phrases={"check.maybe": ()})) == SMALL


def test_a_criterion_in_braces_is_edited_in_its_line() -> None:
    edit = as_edit(load_rubric(SMALL).criterion("closes"))
    wanted = replace(
        edit, points=5, gravity="fatal", na="Never, ever.", phrases={"check.any": ("good bye now", "a, b")}
    )
    new = edit_criterion(SMALL, "closes", wanted)
    criterion = load_rubric(new).criterion("closes")
    found = as_edit(criterion)
    filled = {place: phrases for place, phrases in found.phrases.items() if phrases}
    assert replace(found, phrases=filled) == wanted
    assert len(lines_changed(SMALL, new)) == 1
    assert edit_criterion(new, "closes", edit) == SMALL


def test_events_that_make_it_not_applicable_leave_other_conditions_alone() -> None:
    edit = as_edit(load_rubric(SMALL).criterion("greets"))
    new = edit_criterion(SMALL, "greets", replace(edit, na_events=("outbound",)))
    assert "na_when: [{fact: ivr}, outbound]" in new
    assert comments(new) == comments(SMALL)


def test_a_rubrics_own_fields_change_where_they_stand() -> None:
    edit = replace(
        rubric_as_edit(load_rubric(SMALL)),
        title="Small, but fine",
        version=4,
        effective_from=date(2026, 12, 1),
        pass_mark=90.0,
        weights={"first": 40.0},
    )
    new = edit_rubric(SMALL, edit)
    assert rubric_as_edit(load_rubric(new)) == edit
    assert (
        "version: 4   # counts up\ntitle: 'Small, but fine'\neffective_from: 2026-12-01\npass_mark: 90\n"
        in new
    )
    assert "    title: First   # said aloud\n    weight: 40\n" in new
    assert comments(new) == comments(SMALL)


def test_what_does_not_load_is_refused() -> None:
    edit = as_edit(load_rubric(SMALL).criterion("greets"))
    with pytest.raises(RubricError, match="line 16"):
        edit_criterion(SMALL, "greets", replace(edit, points=0))
    with pytest.raises(RubricError):
        edit_criterion(SMALL, "greets", replace(edit, phrases={"check.any": ()}))
    with pytest.raises(RubricError):
        edit_criterion(SMALL + "id: small\n", "greets", edit)
    with pytest.raises(NotFound):
        edit_criterion(SMALL, "nothing", edit)


def test_what_the_text_leaves_no_place_for_is_refused_and_says_where_to_go() -> None:
    with pytest.raises(Invalid, match="change it in the YAML itself"):
        changed("a:\n  - x: 1\n    y: 2\n", ("a", 0, "x"), None)
    with pytest.raises(Invalid, match="change it in the YAML itself"):
        changed("a: b\n", ("a", "c"), "d")


@given(
    name=st.sampled_from(sorted(TEXTS)),
    number=st.integers(0, 30),
    title=PROSE.filter(lambda text: bool(text)),
    prose=st.tuples(PROSE, PROSE, PROSE),
    points=st.integers(1, 4000).map(lambda quarter: quarter / 4),
    gravity=st.sampled_from(GRAVITIES),
    events=st.lists(st.sampled_from(EVENTS), unique=True, max_size=3),
    phrases=st.lists(WORDS, unique=True, min_size=1, max_size=4),
)
@settings(max_examples=12)
def test_any_edit_is_read_back_and_keeps_every_comment(
    name: str, number: int, title: str, prose: tuple[str, str, str], points: float, gravity: str,
    events: Sequence[str], phrases: Sequence[str],
) -> None:  # fmt: skip
    text = TEXTS[name]
    rubric = load_rubric(text)
    criterion = rubric.criteria[number % len(rubric.criteria)]
    before = as_edit(criterion)
    wanted = replace(
        before, title=title, points=points, gravity="none" if criterion.bonus else gravity,  # type: ignore[arg-type]
        guidance=prose[0], policy=prose[1], na=prose[2],
    )  # fmt: skip
    new = edit_criterion(text, criterion.id, wanted)
    assert as_edit(load_rubric(new).criterion(criterion.id)) == wanted
    others_as_before(rubric, load_rubric(new), criterion.id)
    assert comments_above(new) == comments_above(text)
    moved = edit_criterion(new, criterion.id, replace(wanted, na_events=tuple(events)))
    assert set(as_edit(load_rubric(moved).criterion(criterion.id)).na_events) == set(events)
    lists = phrase_lists(criterion)
    if lists:
        spoken = tuple(phrase for phrase in phrases if "[x]" not in phrase and "brand" not in phrase) or (
            "hello",
        )
        last = try_phrases(new, criterion.id, lists[0].place, spoken)
        if last is not None:
            found = as_edit(load_rubric(last).criterion(criterion.id)).phrases[lists[0].place]
            assert found == spoken
            assert comments_above(last) == comments_above(text)


def try_phrases(text: str, id: str, place: str, phrases: tuple[str, ...]) -> str | None:
    """Set a list; a check may refuse phrases that do not fit it."""
    edit = as_edit(load_rubric(text).criterion(id))
    try:
        return edit_criterion(text, id, replace(edit, phrases={place: phrases}))
    except RubricError:
        return None


def comments_above(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.lstrip().startswith("# ")]


def others_as_before(old: Rubric, new: Rubric, but: str) -> None:
    assert old.model_dump(exclude={"sections", "sha256"}) == new.model_dump(exclude={"sections", "sha256"})
    for one, other in zip(old.criteria, new.criteria, strict=True):
        assert one.id == other.id
        if one.id != but:
            assert one == other
