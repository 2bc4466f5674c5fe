"""Wherever words of an imported transcript are shown or count, it says that QA Audit did not make them."""

from __future__ import annotations

from datetime import UTC, datetime

from flask.testing import FlaskClient

from qa_audit.domain.access import SYSTEM
from qa_audit.domain.transcript import EngineInfo, Note
from qa_audit.runtime import Runtime
from qa_audit.services import scorecards
from tests import auditing
from tests.auditing import make_audited, make_side
from tests.factories import make_call, make_recording, make_transcript, spoken
from tests.page import get_page, text_of

NOW = datetime(2026, 11, 5, 20, 0, tzinfo=UTC)
IMPORTED = EngineInfo(name="imported", model="WebVTT")
WORDS = "Imported transcript (WebVTT), not made by QA Audit."


def test_the_page_of_a_call_says_it_below_the_words_and_among_the_facts(
    here: Runtime, reviewer: FlaskClient
) -> None:
    notes = (Note(kind="imported", text=WORDS),)
    with here.db.write() as session:
        call = make_call(session, status="prescored")
        make_recording(session, call)
        make_transcript(session, call, spoken(("agent", "Hello there."), engine=IMPORTED, notes=notes))
    shown = text_of(get_page(reviewer, f"/calls/{call.public_id}"))
    assert WORDS in shown
    assert "Transcript imported (WebVTT), not made by QA Audit" in shown
    assert "Transcribed by" not in shown


def test_a_scorecard_says_it_among_who_decided(here: Runtime, reviewer: FlaskClient) -> None:
    here.clock = lambda: NOW
    with here.db.write() as session:
        side = make_side(session)
        imported = auditing.MASKED.model_copy(update={"engine": IMPORTED})
        calls = [make_audited(session, side, transcript=one) for one in (imported, auditing.MASKED)]
    cards = [scorecards.publish(here, SYSTEM, call.public_id) for call in calls]
    said = [
        "The transcript was imported (WebVTT)" in text_of(get_page(reviewer, f"/scorecards/{card}"))
        for card in cards
    ]
    assert said == [True, False]
