"""A snapshot is cut from an audit: clips, gravity, what is named first, and that it survives its JSON form."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from qa_audit.domain.audit import HumanAnswer, lines_of
from qa_audit.domain.clips import MOST_BEFORE, clip_of
from qa_audit.domain.findings import CriterionResult, Evidence, PreScore, RubricRef, Score
from qa_audit.domain.rubric import Rubric, build_rubric
from qa_audit.domain.scorecard import CardCall, Snapshot, build, losses
from qa_audit.domain.transcript import EngineInfo, Segment, Transcript

NOW = datetime(2026, 11, 5, tzinfo=UTC)
CALL = CardCall(
    id="c", title="t", external_id=None, vendor="acme", vendor_name="Acme", team=None, agent=None, started_at=None,
    received_at=NOW, duration=60.0, direction=None, queue=None, language=None, picked=None,
)  # fmt: skip


def segments(*turns: tuple[str, float, float]) -> Sequence[Segment]:
    return [
        Segment.model_validate({"id": n, "speaker": who, "start": start, "end": end, "text": f"w{n}a w{n}b"})
        for n, (who, start, end) in enumerate(turns)
    ]


def rubric(**changes: Any) -> Rubric:
    manual = {"check": {"kind": "manual"}}
    levels = [{"value": 0, "label": "Cold"}, {"value": 1, "label": "Fair"}, {"value": 2, "label": "Warm"}]
    criteria = [
        {"id": "small", "title": "Small", "points": 5, **manual},
        {"id": "tone", "title": "Tone", "points": 10, "scale": levels, **manual},
        {"id": "grave", "title": "Grave", "points": 2, "critical": True, **manual},
        {"id": "deadly", "title": "Deadly", "points": 1, "fatal": True, **manual},
    ]
    data = {
        "schema": "qa-audit/rubric@1",
        "id": "small",
        "version": 3,
        "title": "Small",
        "effective_from": "2026-01-01",
        "pass_mark": 60,
        "sections": [{"id": "all", "title": "All", "criteria": criteria}],
        **changes,
    }
    return build_rubric(data)


def snapshot(
    answers: dict[str, str | None], found: PreScore | None = None, heard: Transcript | None = None
) -> Snapshot:
    used = rubric()
    humans = {
        id: HumanAnswer(id, answer, note="why", private_note="hush", by="Rita", at=NOW)
        for id, answer in answers.items()
    }
    audited = [(used, lines_of(used, found, humans))]
    return build(CALL, audited, heard, speakers={}, reviewer="Rita", published_at=NOW, answer_by=NOW)


def machine(*results: CriterionResult) -> PreScore:
    empty = Score(percent=None, percent_without_fatal=None, points=0, possible=0, outcome="undetermined")
    return PreScore(rubric=RubricRef(id="small", version=3, sha256="0" * 64), score=empty, criteria=results)


def test_a_clip_begins_a_turn_earlier_and_leaves_out_what_comes_after() -> None:
    heard = segments(("agent", 0, 4), ("customer", 5, 8), ("agent", 9, 11), ("customer", 12, 15))
    clip = clip_of(heard, 9.0, 10.0)
    assert (clip.start, clip.end) == (5.0, 10.0)
    assert [(word.speaker, word.text, word.is_moment) for word in clip.words] == [
        ("customer", "w1a w1b", False),
        ("agent", "w2a", True),
    ]


def test_the_turn_before_may_have_several_parts_of_one_speaker() -> None:
    heard = segments(
        ("agent", 0, 2), ("customer", 3, 4), ("customer", 4, 5), ("agent", 6, 7), ("agent", 7, 9)
    )
    assert clip_of(heard, 7.0, 9.0).start == 3.0


def test_a_long_turn_before_is_cut_but_never_the_part_just_before() -> None:
    far = segments(("customer", 0, 10), ("customer", 10, 40), ("agent", 50, 52))
    assert clip_of(far, 50.0, 52.0).start == 10.0
    near = segments(("customer", 0, 5), ("customer", 33, 40), ("customer", 41, 45), ("agent", 50, 52))
    assert clip_of(near, 50.0, 52.0).start == 33.0
    assert MOST_BEFORE == 20.0


@pytest.mark.parametrize(
    ("turns", "start", "end", "begins"),
    [
        ((), 3.0, 4.0, 3.0),
        ((("agent", 1.0, 5.0),), 1.0, 2.0, 1.0),
        ((("agent", 1.0, 5.0),), 8.0, 9.0, 8.0),
        ((("agent", 5.0, 9.0),), 1.0, 2.0, 1.0),
        ((("agent", 5.0, 9.0),), 4.0, 6.0, 4.0),
    ],
)
def test_a_moment_at_the_edge_of_what_was_said_still_has_a_clip(
    turns: tuple[tuple[str, float, float], ...], start: float, end: float, begins: float
) -> None:
    clip = clip_of(segments(*turns), start, end)
    assert (clip.start, clip.end) == (begins, end)


def test_the_gravest_line_comes_first_and_then_the_dearest() -> None:
    card = snapshot({"small": "no", "tone": "1", "grave": "no", "deadly": "no"})
    assert [line.id for _, line in losses(card.rubrics)] == ["deadly", "grave", "small", "tone"]
    assert card.summary.lost == ("deadly", "grave", "small", "tone")
    assert card.summary.problem is not None
    assert (card.summary.problem.line, card.summary.problem.gravity) == ("deadly", "fatal")
    assert card.summary.outcome == "fail"
    tone = card.line("small", "tone")
    assert (tone.label, tone.points, tone.possible, tone.gravity) == ("Fair", 5.0, 10.0, "points")


def test_not_applicable_open_and_kept_lines_lose_nothing() -> None:
    card = snapshot({"small": "yes", "tone": "na", "grave": None})
    assert card.summary.lost == ()
    assert card.summary.problem is None
    assert [line.answer for line in card.rubrics[0].lines] == ["yes", "na", None, None]
    assert [line.gravity for line in card.rubrics[0].lines] == [None] * 4
    assert card.rubrics[0].score.open == 2
    grave = card.line("small", "grave")
    assert (grave.origin, grave.note, grave.decided_by) == (None, "", None)


def test_the_machines_reason_is_told_only_where_it_says_the_same() -> None:
    heard = Evidence(kind="searched", start=1.0, end=30.0)
    results = [
        CriterionResult(id=id, status=status, answer=answer, reason=f"because {id}", evidence=(heard,))
        for id, status, answer in (
            ("small", "decided", "no"),
            ("grave", "decided", "yes"),
            ("deadly", "unsure", "no"),
            ("tone", "manual", None),
        )
    ]
    said = Transcript(duration=60, layout="mono", engine=EngineInfo(name="x", model="y"))
    card = snapshot({"small": "no", "grave": "no", "deadly": "no", "tone": "2"}, machine(*results), said)
    assert {line.id: line.reason for line in card.rubrics[0].lines} == {
        "small": "because small",
        "tone": "",
        "grave": "",
        "deadly": "because deadly",
    }
    clip = card.line("small", "small").clip
    assert clip is not None
    assert (clip.start, clip.end, clip.words) == (1.0, 30.0, ())
    assert card.line("small", "grave").clip is None


def test_a_snapshot_survives_its_json_form_without_the_private_note() -> None:
    card = snapshot({"small": "no", "tone": "1", "grave": "yes", "deadly": "na"})
    data = card.to_json()
    assert data["schema"] == "qa-audit/scorecard@1"
    assert "hush" not in str(data)
    assert Snapshot.model_validate(data) == card
    with pytest.raises(KeyError):
        card.line("small", "none")
