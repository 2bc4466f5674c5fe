"""From the first answer to the published card, by the ways that people take, on a real recording."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from qa_audit.config import Settings
from qa_audit.domain.access import Actor
from qa_audit.domain.audit import Line
from qa_audit.errors import Conflict
from qa_audit.runtime import Runtime
from qa_audit.services import reviewing, scorecards
from qa_audit.services.audit_desk import show
from qa_audit.services.reviewing import Change
from tests import seeding

REVIEWER = Actor(id="the-reviewer", role="reviewer", name="Rita")
NOTE = "It takes five to ten days."


@pytest.fixture
def audited(sqlite_url: str, tmp_path: Path) -> Iterator[tuple[Runtime, str]]:
    """A bundled call with a suspected fatal, of which only the sure answers were taken over."""
    built = Runtime(Settings(data_dir=tmp_path, database_url=sqlite_url, secret_key="x", reserve_bytes=0))
    call = seeding.bundled(built, "call-10")["call-10"]
    reviewing.accept_sure(built, REVIEWER, call)
    yield built, call
    built.db.dispose()


def open_lines(runtime: Runtime, call: str) -> list[tuple[str, Line]]:
    return [(part.rubric.id, line) for part in show(runtime, REVIEWER, call).parts for line in part.open]


def finish(runtime: Runtime, call: str, **grave: object) -> None:
    """Answer what is open; `grave` are the values of what confirms a suspected fatal."""
    for rubric, line in open_lines(runtime, call):
        best = line.criterion.answers[0 if line.criterion.scale == "yes_no" else -1]
        change = Change(answer="no", **grave) if line.is_suspected else Change(answer=best)  # type: ignore[arg-type]
        reviewing.answer(runtime, REVIEWER, call, rubric, line.criterion.id, change)
    reviewing.submit(runtime, REVIEWER, call)


def test_accepting_everything_and_leaving_the_rest_open_publishes_no_fatal(
    audited: tuple[Runtime, str],
) -> None:
    runtime, call = audited
    suspected = [line.criterion.title for _, line in open_lines(runtime, call) if line.is_suspected]
    assert suspected == ["Promises only what policy allows"]
    reviewing.submit(runtime, REVIEWER, call, leave_open=True)
    with pytest.raises(Conflict, match="“Promises only what policy allows”: the machine suspects a no"):
        scorecards.publish(runtime, REVIEWER, call)


def test_a_fatal_that_nobody_heard_or_explained_is_not_published(audited: tuple[Runtime, str]) -> None:
    runtime, call = audited
    finish(runtime, call)
    with pytest.raises(Conflict, match="the moment it was heard, pinned and a note for the vendor"):
        scorecards.publish(runtime, REVIEWER, call)


def test_a_confirmed_fatal_is_published_and_stays_as_it_is(audited: tuple[Runtime, str]) -> None:
    runtime, call = audited
    finish(runtime, call, pin=(40.0, 43.0), note=NOTE, private_note="Only for the coach")
    card = scorecards.show(runtime, REVIEWER, scorecards.publish(runtime, REVIEWER, call))
    assert card.has_sound
    line = card.snapshot.line("service-quality", "no-unsafe-promise")
    assert (line.note, line.pin, line.origin, line.gravity) == (NOTE, (40.0, 43.0), "person", "fatal")
    assert line.clip is not None
    assert line.clip.start < 40.0
    assert any(words.is_moment for words in line.clip.words)
    assert "Only for the coach" not in str(card.snapshot.to_json())
    scores = {rubric.id: rubric.score for rubric in card.snapshot.rubrics}
    assert (scores["service-quality"].percent, scores["service-quality"].percent_without_fatal) == (0.0, 76.0)
    assert scores["brand-consistency"].outcome == "pass"
    with pytest.raises(Conflict, match="published"):
        reviewing.take_back(runtime, REVIEWER, call)
    with pytest.raises(Conflict):
        reviewing.answer(
            runtime, REVIEWER, call, "service-quality", "no-unsafe-promise", Change(answer="yes")
        )
    assert scorecards.show(runtime, REVIEWER, card.id).snapshot == card.snapshot
