"""One call: who said what, what the machine makes of it, what can be heard and done."""

from __future__ import annotations

from xml.etree.ElementTree import Element

import pytest
from flask.testing import FlaskClient

from qa_audit.domain.transcript import Event, Note
from qa_audit.errors import Permanent
from qa_audit.runtime import Runtime
from qa_audit.services import rubrics
from qa_audit.speech.scripted import segment
from qa_audit.storage.tables import Call
from tests.factories import make_call, make_recording, make_transcript, make_vendor, spoken
from tests.fakes import measured, receive, script, work_off
from tests.page import check_fragment, find, find_all, get_page, text_of
from tests.web.conftest import SignInAs, post

FRAGMENT = {"HX-Request": "true", "HX-Request-Type": "partial"}

TALK = (
    segment("agent", 1.0, "Thank you for calling Northwind, my name is Anna. How can I help you?"),
    segment("customer", 21.0, "I want my money back. My card number is 4111 1111 1111 1111 thank you."),
    segment("agent", 30.0, "I promise you will have the money tomorrow."),
    segment("agent", 40.0, "Is there anything else I can help you with?"),
    segment("customer", 45.0, "No thank you."),
    segment("agent", 50.0, "Thank you for choosing Northwind. Goodbye."),
)


@pytest.fixture
def talked(here: Runtime) -> str:
    """The public id of a call that went through every stage."""
    rubrics.sync_bundled(here)
    script(here, TALK)
    with here.db.write() as session:
        vendor = make_vendor(session, name="Kestrel")
    call, _ = receive(here, vendor, title="wants money fast", queue="refunds", language="en")
    assert work_off(here) == ["done"] * 3
    return str(call.public_id)


def page(client: FlaskClient, id: str, query: str = "") -> Element:
    return get_page(client, f"/calls/{id}{query}")


def line_of(root: Element, title: str) -> Element:
    return next(line for line in find_all(root, "li", class_="line") if title in text_of(find(line, "h3")))


def test_the_title_line_says_what_call_this_is(reviewer: FlaskClient, talked: str) -> None:
    root = page(reviewer, talked)
    head = text_of(find(root, "div", class_="call-head"))
    assert head == "Wants money fast Kestrel · refunds · stereo, agent left · Mon 2 Nov 09:30"


def test_turns_name_the_speaker_and_lead_to_their_moment(reviewer: FlaskClient, talked: str) -> None:
    root = page(reviewer, talked)
    turns = find_all(root, "li", class_="turn")
    assert [text_of(find(turn, "span", class_="who")) for turn in turns[:3]] == ["Agent", "Customer", "Agent"]
    link = find(turns[2], "a", class_="time")
    assert link.get("href") == f"/calls/{talked}?t=30#turn-2"
    assert text_of(link) == "Play from 0:30"
    assert "customer" in (turns[1].get("class") or "")


SOUNDS = (
    Event(kind="ringing", start=0.0, end=0.9),
    Event(kind="hold_music", start=31.0, end=39.0, channel=0),
    Event(kind="dead_air", start=51.0, end=59.6),
)


def test_what_is_no_speech_stands_between_the_turns_at_its_time(here: Runtime, reviewer: FlaskClient) -> None:
    script(here, TALK, measured(events=SOUNDS, warnings=("mixed_channels",)))
    call, _ = receive(here)
    assert work_off(here) == ["done"] * 3
    for address in (f"/calls/{call.public_id}", f"/calls/{call.public_id}/review"):
        root = get_page(reviewer, address)
        lines = find_all(root, "li", class_="turn")
        sounds = [line for line in lines if "sound" in (line.get("class") or "").split()]
        assert [lines.index(line) for line in sounds] == [0, 4, 8]
        assert [text_of(find(line, "p")) for line in sounds] == [
            "Ringing tone, 0:00 to 0:01",
            "Hold music on the agent's side, 0:31 to 0:39",
            "Nobody speaks for 9 s",
        ]
        link = find(sounds[1], "a", class_="time")
        assert (link.get("data-from"), link.get("href")) == ("31.0", f"{address}?t=31")
        assert "Both people are on both channels" in text_of(root)


@pytest.mark.parametrize("hint", ["mono", "dual-mono"])
def test_one_voice_track_is_said_to_have_unknown_speakers(
    here: Runtime, reviewer: FlaskClient, hint: str
) -> None:
    channels = 1 if hint == "mono" else 2
    speech = (((1.0, 55.0),),) * channels
    rubrics.sync_bundled(here)
    script(
        here,
        [one.model_copy(update={"speaker": "unknown"}) for one in TALK],
        measured(channels=channels, layout_hint=hint, speech=speech),
    )
    call, _ = receive(here)
    assert work_off(here) == ["done"] * 3
    for address in (f"/calls/{call.public_id}", f"/calls/{call.public_id}/review"):
        root = get_page(reviewer, address)
        assert "speakers unknown" in text_of(find(root, "div", class_="call-head"))
        assert {text_of(who) for who in find_all(root, "span", class_="who")} == {"Speaker unknown"}


def test_words_stand_apart_and_know_their_moment(reviewer: FlaskClient, talked: str) -> None:
    turn = find_all(page(reviewer, talked), "li", class_="turn")[0]
    assert text_of(turn).endswith("Thank you for calling Northwind, my name is Anna. How can I help you?")
    starts = [float(word.get("data-t") or -1) for word in turn.iter() if word.get("data-t")]
    assert starts == sorted(starts)
    assert starts[0] == 1.0


def test_a_card_number_is_one_chip_and_nowhere_to_be_read(reviewer: FlaskClient, talked: str) -> None:
    root = page(reviewer, talked)
    chips = find_all(root, "span", class_="masked")
    assert [text_of(chip) for chip in chips] == ["number masked"]
    html = reviewer.get(f"/calls/{talked}").text
    for piece in ("4111", "1111", "•••"):
        assert piece not in html


def test_cited_words_are_marked_by_what_they_mean(reviewer: FlaskClient, talked: str) -> None:
    root = page(reviewer, talked)
    lost = [text_of(mark) for mark in find_all(root, "mark", class_="bad")]
    kept = " ".join(text_of(mark) for mark in find_all(root, "mark", class_="good"))
    assert any("promise you will have the money tomorrow" in words for words in lost)
    assert "Northwind" in kept


def test_a_suspected_fatal_comes_first_with_its_words_and_its_moment(
    reviewer: FlaskClient, talked: str
) -> None:
    root = page(reviewer, talked)
    first = find_all(root, "section", class_="rubric")[0]
    assert first.get("id") == "service-quality"
    assert "Fatal suspected" in text_of(first)
    assert "only once a person has heard and confirmed it" in text_of(first)
    fatals = [line for line in find_all(first, "li", class_="line") if "fatal" in text_of(line)]
    assert fatals[0] is find_all(first, "li", class_="line")[0] or "fatal" in text_of(
        find_all(first, "li", class_="line")[0]
    )
    line = line_of(root, "Promises only what policy allows")
    assert "machine: no, sure" in text_of(line)
    assert "0 of 10" in text_of(line)
    play = find_all(line, "a", class_="play")[0]
    assert play.get("data-from") is not None
    assert (play.get("href") or "").startswith(f"/calls/{talked}?t=30")
    assert "“" in text_of(line)
    assert "money tomorrow" in text_of(line)


def test_the_five_kinds_of_answer_never_look_alike(reviewer: FlaskClient, here: Runtime, talked: str) -> None:
    root = page(reviewer, talked)
    lines = find_all(root, "li", class_="line")
    looks = {
        (text_of(find(line, "span", class_="glyph")), (line.get("class") or "").split()[1]) for line in lines
    }
    assert ("✓", "good") in looks
    assert ("✕", "bad") in looks
    assert ("?", "person") in looks
    assert ("–", "plain") in looks
    assert len({glyph for glyph, _ in looks}) == len(looks)
    answers = {text_of(find(line, "span", class_="machine")) for line in lines}
    assert "machine: for a person" in answers
    assert "machine: not applicable" in answers
    points = {text_of(find(line, "span", class_="machine")): text_of(line) for line in lines}
    assert "not counted" in points["machine: not applicable"]
    assert "8 open" in points["machine: for a person"]


def test_scores_so_far_say_so(reviewer: FlaskClient, talked: str) -> None:
    text = text_of(find(page(reviewer, talked), "section", id="answers"))
    assert "so far" in text
    assert "points decided by the machine, pass mark 85" in text
    assert "version 2, in force since 1 Jan 2026" in text


def test_the_rule_behind_a_line_is_there(reviewer: FlaskClient, talked: str) -> None:
    line = line_of(page(reviewer, talked), "Promises only what policy allows")
    assert "The rule" in text_of(find(line, "details"))


def test_mono_lines_are_not_assessed_and_say_why(reviewer: FlaskClient, here: Runtime) -> None:
    from tests.fakes import measured

    rubrics.sync_bundled(here)
    talk = tuple(one.model_copy(update={"speaker": "unknown"}) for one in TALK)
    script(here, talk, measured(channels=1, layout_hint="mono", speech=(((1.0, 55.0),),), levels=(-20.0,)))
    call, _ = receive(here, language="en")
    work_off(here)
    root = page(reviewer, call.public_id)
    assert "mono, speakers unknown" in text_of(find(root, "div", class_="call-head"))
    assert "machine: not assessed" in text_of(root)
    assert "not known who of the speakers is the agent" in text_of(root)
    assert find(root, "section", id="player").get("data-lanes") == "unknown"


def test_the_player_begins_where_the_address_says(reviewer: FlaskClient, talked: str) -> None:
    player = find(page(reviewer, talked, "?t=30.5"), "section", id="player")
    assert player.get("data-begin") == "30.5"
    assert find(player, "audio").get("src") == f"/calls/{talked}/audio#t=30.5"
    assert player.get("data-lanes") == "agent customer"
    for nonsense in ("?t=abc", "?t=-4", "?t=1e9", "?t=nan", "?t=inf"):
        assert find(page(reviewer, talked, nonsense), "section", id="player").get("data-begin") == "0.0"


def test_agent_right_recordings_swap_the_lanes(reviewer: FlaskClient, here: Runtime) -> None:
    with here.db.write() as session:
        vendor = make_vendor(session, channels="agent-right")
    call, _ = receive(here, vendor)
    work_off(here)
    assert find(page(reviewer, call.public_id), "section", id="player").get("data-lanes") == "customer agent"


def test_while_being_worked_on_the_page_renews_itself_and_stops(reviewer: FlaskClient, here: Runtime) -> None:
    call, _ = receive(here)
    with here.db.write() as session:
        row = session.get(Call, call.id)
        assert row is not None
        row.status, row.stage, row.progress, row.seconds_left = "transcribing", "transcribe", 42, 170
    address = f"/calls/{call.public_id}"
    root = get_page(reviewer, address)
    body = find(root, "div", id="body")
    assert (body.get("hx-get"), body.get("hx-trigger"), body.get("hx-swap")) == (
        address,
        "every 3s",
        "outerMorph",
    )
    assert find(root, "progress").get("value") == "42"
    assert "transcribing 42 %, about 3 minutes left" in text_of(body)
    work_off(here)
    done = check_fragment(reviewer.get(address, headers=FRAGMENT).text)
    body = find(done, "div", id="body")
    assert not [name for name in body.attrib if name.startswith("hx-")]
    assert not find_all(done, "progress")
    assert find_all(done, "section", id="player")
    assert find_all(done, "li", class_="turn")


def test_a_failed_call_says_why_and_an_admin_can_try_again(
    admin: FlaskClient, reviewer: FlaskClient, here: Runtime
) -> None:
    script(here, measurement=Permanent("silent", "The recording is silent. Check how it was recorded."))
    call, _ = receive(here)
    work_off(here)
    for client, buttons in ((reviewer, 0), (admin, 1)):
        state = find(page(client, call.public_id), "section", aria_label="Status")
        assert "failed: nobody can be heard" in text_of(state)
        assert "Check how it was recorded." in text_of(state)
        assert len(find_all(state, "button")) == buttons
    script(here)
    answer = post(admin, f"/calls/{call.public_id}/retry")
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/calls/{call.public_id}")
    assert "waits for measuring" in text_of(page(admin, call.public_id))
    work_off(here)
    assert post(admin, f"/calls/{call.public_id}/retry").status_code == 409


def test_a_call_that_waits_for_the_real_model_says_how_to_get_it(
    reviewer: FlaskClient, here: Runtime
) -> None:
    script(here, whisper_model="demo")
    call, _ = receive(here)
    work_off(here)
    text = text_of(page(reviewer, call.public_id))
    assert "waiting: needs the real model" in text
    assert "QA_AUDIT_WHISPER_MODEL" in text
    assert "Not scored." in text


def test_before_its_words_are_known_a_recording_is_not_for_every_role(
    reviewer: FlaskClient, sign_in_as: SignInAs, here: Runtime
) -> None:
    script(here, whisper_model="demo")
    call, _ = receive(here)
    work_off(here)
    address = f"/calls/{call.public_id}"
    assert reviewer.get(f"{address}/audio").status_code == 200
    viewer = sign_in_as("viewer")
    assert viewer.get(f"{address}/audio").status_code == 404
    assert viewer.get(f"{address}/peaks").status_code == 404
    root = get_page(viewer, address)
    assert not find_all(root, "section", id="player")
    assert "no number in it is silenced" in text_of(root)


def test_a_transcript_of_the_demo_model_says_so(reviewer: FlaskClient, here: Runtime) -> None:
    note = Note(kind="demo_model", text="Made with the demo model.")
    with here.db.write() as session:
        call = make_call(session, status="prescored", duration=10.0)
        make_recording(session, call)
        make_transcript(session, call, spoken(("agent", "Hello."), notes=(note,)))
    assert "The demo model is in use" in text_of(page(reviewer, call.public_id))


def test_warnings_notes_and_facts_are_words(reviewer: FlaskClient, here: Runtime) -> None:
    note = Note(kind="repetition", text="A repeated passage was left out.")
    with here.db.write() as session:
        call = make_call(
            session, status="prescored", duration=10.0, warnings=["truncated", "clipped"], external_id="KES-7",
            custom={"transferred": True}, survey=4,
        )  # fmt: skip
        make_recording(session, call, filename="noon.wav", sample_rate=8000, channels=2)
        make_transcript(session, call, spoken(("agent", "Hello there."), notes=(note,)))
    text = text_of(page(reviewer, call.public_id))
    for words in (
        "its file was cut",
        "recorded too loud",
        "A repeated passage was left out.",
        "KES-7",
        "noon.wav",
        "8 kHz, 2 channels",
        "4 of 5",
        "transferred True",
        "Words 2",
        "scripted, scripted",
        "No rubric applies to this call.",
    ):
        assert words in text


def test_deleting_asks_first_and_works_without_javascript(
    admin: FlaskClient, reviewer: FlaskClient, here: Runtime, talked: str
) -> None:
    address = f"/calls/{talked}"
    assert f"{address}/delete" not in reviewer.get(address).text
    assert f"{address}/delete" in admin.get(address).text
    root = get_page(admin, f"{address}/delete")
    assert "Wants money fast, Kestrel" in text_of(find(root, "main"))
    answer = post(admin, f"{address}/delete")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/calls")
    assert "The call is deleted." in text_of(get_page(admin, "/calls"))
    assert admin.get(address).status_code == 404
    assert not list(here.media.keys())


def test_a_call_under_review_offers_no_deleting(admin: FlaskClient, here: Runtime) -> None:
    with here.db.write() as session:
        call = make_call(session, status="in_review")
        make_recording(session, call)
    assert "Delete this call" not in text_of(page(admin, call.public_id))
    assert post(admin, f"/calls/{call.public_id}/delete").status_code == 409


def test_a_transcript_is_never_markup(reviewer: FlaskClient, here: Runtime) -> None:
    nasty = "<script>alert(1)</script> <img/src=x> \"'&amp; {{7*7}}"
    with here.db.write() as session:
        call = make_call(session, status="prescored", duration=10.0)
        make_recording(session, call)
        make_transcript(session, call, spoken(("customer", nasty)))
    root = page(reviewer, call.public_id)
    assert not find_all(root, "img")
    assert nasty in text_of(find(root, "li", class_="turn"))
    assert find(root, "ol", class_="turns").get("hx-ignore") is not None
