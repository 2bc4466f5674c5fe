"""Lines beyond yes and no: numbers, notes that are due, guidance per answer, sections, keys; and their card."""

from __future__ import annotations

from xml.etree.ElementTree import Element

import pytest
from flask.testing import FlaskClient

from qa_audit.domain.access import SYSTEM
from qa_audit.runtime import Runtime
from qa_audit.services import reviewing, scorecards
from qa_audit.services.reviewing import Change
from tests.auditing import Side, make_audited, make_side
from tests.factories import make_vendor
from tests.page import find, find_all, get_page, text_of
from tests.web.conftest import post

TEXT = """\
id: long
version: 1
title: Long calls
effective_from: 2026-01-01
pass_mark: 80
sections:
  - id: time
    title: Time
    weight: 40
    criteria:
      - id: hold
        title: Time on hold
        points: 10
        key: h
        comment: on_fail
        fatal_for_section: true
        guidance_for: {not_applicable: Nobody was put on hold.}
        scale:
          unit: seconds
          most: 600
          ranges:
            - {up_to: 30, percent: 100, label: short}
            - {up_to: 90, percent: 50, label: bearable}
            - {percent: 0, label: too long}
        check: {kind: manual}
  - id: tone
    title: Tone
    weight: 60
    criteria:
      - id: warm
        title: Is warm
        points: 5
        scale:
          - {value: 0, label: cold, guidance: Reads from the screen.}
          - {value: 2, label: warm}
        check: {kind: manual}
      - {id: thanks, title: Says thanks, points: 2, bonus: true, check: {kind: manual}}
"""
HOLD = "line-long-hold"


@pytest.fixture
def begun(here: Runtime) -> str:
    """The public id of a call whose audit has begun."""
    with here.db.write() as session:
        side = make_side(session, make_vendor(session))
        return _begun(session, side)


def _begun(session, side: Side) -> str:  # type: ignore[no-untyped-def]
    answers = {"hold": None, "warm": None, "thanks": None}
    call = make_audited(session, side, answers, source=TEXT, state="draft", status="in_review")
    return str(call.public_id)


def line(root: Element, id: str = HOLD) -> Element:
    return next(one for one in find_all(root, "li") if one.get("id") == id)


def answer(client: FlaskClient, call: str, criterion: str, **fields: str):  # type: ignore[no-untyped-def]
    root = get_page(client, f"/calls/{call}/review")
    seen = find_all(line(root, f"line-long-{criterion}"), "input", name="seen_version")[0].get("value")
    return post(
        client,
        f"/calls/{call}/review/answer",
        rubric="long",
        criterion=criterion,
        seen_version=seen,
        **fields,
    )


def test_a_number_is_typed_with_its_unit_and_range_shown(reviewer: FlaskClient, begun: str) -> None:
    hold = line(get_page(reviewer, f"/calls/{begun}/review"))
    field = find(hold, "input", name="number")
    assert (field.get("min"), field.get("max"), field.get("aria-label")) == (
        "0",
        "600",
        "seconds: Time on hold",
    )
    words = text_of(hold)
    assert "seconds, 0 to 600" in words
    assert (
        "up to 30: all points (short); up to 90: 50 % (bearable); more than 90: no points (too long)" in words
    )
    assert "fatal for its section" in words
    assert "N/A: Nobody was put on hold." in words
    assert "due when it fails" in words


@pytest.mark.parametrize(
    ("typed", "kept", "got"),
    [
        ("30", "30 seconds: short", "10 of 10"),
        ("60,50", "60.5 seconds: bearable", "5 of 10"),
        ("200.0", "200 seconds: too long", "0 of 10"),
    ],
)
def test_a_number_scores_by_its_range(
    reviewer: FlaskClient, begun: str, typed: str, kept: str, got: str
) -> None:
    assert answer(reviewer, begun, "hold", number=typed).status_code == 303
    words = text_of(line(get_page(reviewer, f"/calls/{begun}/review")))
    assert kept in words
    assert got in words


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"number": "601"}, "must be a number from 0 to 600 (seconds)"),
        ({"number": "soon"}, "must be a number from 0 to 600"),
        ({"number": "NaN"}, "must be a number from 0 to 600"),
        ({"number": "1e999999999"}, "must be a number from 0 to 600"),
        ({"number": "-1"}, "must be a number from 0 to 600"),
        ({"number": "3", "answer": "na"}, "not both"),
    ],
)
def test_a_number_that_cannot_be_is_refused(
    reviewer: FlaskClient, begun: str, fields: dict[str, str], said: str
) -> None:
    refused = answer(reviewer, begun, "hold", **fields)
    assert refused.status_code == 422
    assert said in refused.text
    assert "data-unanswered" in line(get_page(reviewer, f"/calls/{begun}/review")).attrib


def test_a_failing_answer_waits_for_its_note(reviewer: FlaskClient, begun: str) -> None:
    answer(reviewer, begun, "hold", number="200", pin_at="0:02")
    hold = line(get_page(reviewer, f"/calls/{begun}/review"))
    assert "a no here needs a note for the vendor" in text_of(hold)
    answer(reviewer, begun, "hold", number="200", pin_at="0:02", note="Call back instead.")
    assert "Before this can be published" not in text_of(line(get_page(reviewer, f"/calls/{begun}/review")))


def test_sections_and_bonus_show_what_they_come_to(reviewer: FlaskClient, begun: str) -> None:
    assert "bonus, up to +2" in text_of(
        line(get_page(reviewer, f"/calls/{begun}/review"), "line-long-thanks")
    )
    sections = find(get_page(reviewer, f"/calls/{begun}/review"), "ul", id="long-sections")
    assert sections.get("hidden") is not None
    answer(reviewer, begun, "hold", number="60")
    answer(reviewer, begun, "warm", answer="0")
    answer(reviewer, begun, "thanks", answer="yes")
    root = get_page(reviewer, f"/calls/{begun}/review")
    assert text_of(find(root, "ul", id="long-sections")) == (
        "Time 50 % 5 of 10 points, 40 % of the score Tone 40 % 2 of 5 points, 60 % of the score"
    )
    assert "+2" in text_of(line(root, "line-long-thanks"))
    assert "0: cold: Reads from the screen." in text_of(line(root, "line-long-warm"))


def test_saving_a_line_brings_its_sections_along(reviewer: FlaskClient, begun: str) -> None:
    answer(reviewer, begun, "warm", answer="2")
    root = get_page(reviewer, f"/calls/{begun}/review")
    seen = find_all(line(root), "input", name="seen_version")[0].get("value")
    token = find_all(root, "input", name="csrf_token")[0].get("value")
    saved = reviewer.post(
        f"/calls/{begun}/review/answer",
        data={
            "rubric": "long",
            "criterion": "hold",
            "seen_version": seen,
            "number": "10",
            "csrf_token": token,
        },
        headers={"HX-Request": "true", "HX-Request-Type": "partial"},
    )
    assert saved.status_code == 200
    assert 'id="long-sections"' in saved.text
    assert "100 %" in saved.text


def test_a_lines_key_leads_to_it_and_stands_in_the_list_of_keys(reviewer: FlaskClient, begun: str) -> None:
    root = get_page(reviewer, f"/calls/{begun}/review")
    (jump,) = [one for one in find_all(root, "a") if "data-jump" in one.attrib]
    assert (jump.get("data-key"), jump.get("data-key-label"), jump.get("href")) == (
        "h", "Go to: Time on hold", f"#{HOLD}",
    )  # fmt: skip


def test_the_card_shows_sections_and_the_words_of_numbers(
    reviewer: FlaskClient, here: Runtime, begun: str
) -> None:
    for criterion, change in (
        ("hold", Change("200", "Call back instead.", "", (1.0, 2.0))),
        ("warm", Change("2")),
        ("thanks", Change("yes")),
    ):
        reviewing.answer(here, SYSTEM, begun, "long", criterion, change)
    reviewing.submit(here, SYSTEM, begun)
    card = scorecards.publish(here, SYSTEM, begun)
    words = text_of(get_page(reviewer, f"/scorecards/{card}"))
    assert "Long calls by section" in words
    assert "Time 0 % 0 of 10 points, 40 % of the score. Nothing is left of it: Time on hold" in words
    assert "Answer: 200 seconds: too long" in words
    assert "+2" in words
