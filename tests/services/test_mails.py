"""Mails that wait: sent once each, kept while the server is down, and telling nothing of the call."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlmodel import select

from qa_audit.domain.access import Actor
from qa_audit.errors import Temporary
from qa_audit.mail.protocol import Letter, MailRefused, ServerDown
from qa_audit.mail.scripted import ScriptedMailer
from qa_audit.runtime import Runtime
from qa_audit.services import mails, scorecards
from qa_audit.services.mails import PAUSES, Sent
from qa_audit.storage import mails as store
from qa_audit.storage import tables
from tests import auditing, factories
from tests.auditing import GRAVE_NO, make_audited, make_side
from workers.sweep import SweepLoop

NOW = datetime(2026, 11, 5, 20, 0, tzinfo=UTC)
REVIEWER = Actor(id="the-reviewer", role="reviewer")


@pytest.fixture
def mailer() -> ScriptedMailer:
    return ScriptedMailer()


@pytest.fixture
def posted(runtime: Runtime, mailer: ScriptedMailer) -> Runtime:
    """A runtime with one published card and its three mails."""
    runtime.clock = lambda: NOW
    runtime.mailer = mailer  # type: ignore[misc]
    with runtime.db.write() as session:
        side = make_side(session)
        factories.make_user(session, "manager", email="maria@acme.example", vendor_id=side.vendor.id)
        for name in ("lena", "liam"):
            factories.make_user(session, "lead", email=f"{name}@acme.example", **side.lead)
        call = make_audited(session, side, {**auditing.ALL_YES, "promises": GRAVE_NO})
    scorecards.publish(runtime, REVIEWER, call.public_id)
    return runtime


def all_mails(runtime: Runtime) -> list[tables.Mail]:
    with runtime.db.read() as session:
        return list(session.exec(select(tables.Mail).order_by(tables.Mail.id)))  # type: ignore[arg-type]


def change(runtime: Runtime, **values: Any) -> None:
    with runtime.db.write() as session:
        for mail in session.exec(select(tables.Mail)):
            for name, value in values.items():
                setattr(mail, name, value)


def test_each_mail_is_sent_once(posted: Runtime, mailer: ScriptedMailer) -> None:
    assert mails.send_due(posted) == Sent(sent=3)
    assert mails.send_due(posted) == Sent()
    assert sorted(letter.to for letter in mailer.sent) == [
        "lena@acme.example",
        "liam@acme.example",
        "maria@acme.example",
    ]
    assert len({letter.id for letter in mailer.sent}) == 3
    assert {(mail.state, mail.attempt, mail.error) for mail in all_mails(posted)} == {("sent", 1, None)}


def test_a_mail_says_that_until_when_and_where_and_nothing_of_the_call(
    posted: Runtime, mailer: ScriptedMailer
) -> None:
    posted.settings = posted.settings.model_copy(
        update={"public_url": "https://qa.example.org", "time_zone": "Pacific/Auckland"}
    )
    mails.send_due(posted)
    letter, card = mailer.sent[0], all_mails(posted)[0].thing
    assert letter.subject == "A scorecard is published: answer by Fri 13 Nov 2026"
    assert f"\nhttps://qa.example.org/scorecards/{card}\n" in letter.text
    assert "Pacific/Auckland" in letter.text
    for told in ("Wants money fast", "Agent", "promise", "fatal", auditing.NOTE, "Vendor"):
        assert told not in letter.subject + letter.text


def test_several_processes_send_each_mail_once(posted: Runtime, mailer: ScriptedMailer) -> None:
    threads = [threading.Thread(target=mails.send_due, args=(posted,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(mailer.sent) == 3
    assert {mail.state for mail in all_mails(posted)} == {"sent"}


def test_while_the_server_is_down_nothing_is_lost_and_nobody_hammers_it(
    posted: Runtime, mailer: ScriptedMailer
) -> None:
    for attempt, pause in enumerate((*PAUSES, PAUSES[-1]), 1):
        change(posted, run_after=0.0)
        mailer.troubles = [ServerDown("The mail server cannot be reached.")]
        assert mails.send_due(posted) == Sent(postponed=3)
        assert mailer.troubles == []
        with posted.db.read() as session:
            now = posted.db.now(session)
        waits = [mail.run_after - now for mail in all_mails(posted)]
        assert all(abs(wait - pause) < 5 for wait in waits), (attempt, waits)
        assert mails.send_due(posted) == Sent()
    assert {mail.state for mail in all_mails(posted)} == {"queued"}
    change(posted, run_after=0.0)
    assert mails.send_due(posted) == Sent(sent=3)


def test_one_mail_that_is_not_taken_now_does_not_hold_the_others_back(
    posted: Runtime, mailer: ScriptedMailer
) -> None:
    mailer.troubles = [Temporary("The mail server does not take the recipient now.")]
    assert mails.send_due(posted) == Sent(sent=2, postponed=1)
    assert sorted(mail.state for mail in all_mails(posted)) == ["queued", "sent", "sent"]


def test_a_recipient_who_is_refused_is_given_up(posted: Runtime, mailer: ScriptedMailer) -> None:
    mailer.troubles = [MailRefused("the mail server refuses the recipient (550)")]
    assert mails.send_due(posted) == Sent(sent=2, failed=1)
    failed = [mail for mail in all_mails(posted) if mail.state == "failed"]
    assert [mail.error for mail in failed] == ["the mail server refuses the recipient (550)"]
    change(posted, run_after=0.0)
    assert mails.send_due(posted) == Sent()


def test_whose_account_was_closed_gets_no_mail(posted: Runtime, mailer: ScriptedMailer) -> None:
    with posted.db.write() as session:
        session.exec(
            select(tables.User).where(tables.User.email == "liam@acme.example")
        ).one().disabled_at = NOW
    assert mails.send_due(posted) == Sent(sent=2, failed=1)
    assert "liam@acme.example" not in {letter.to for letter in mailer.sent}


def test_a_card_that_was_taken_back_is_not_told_of(posted: Runtime, mailer: ScriptedMailer) -> None:
    with posted.db.write() as session:
        session.exec(select(tables.Scorecard)).one().state = "withdrawn"
    assert mails.send_due(posted) == Sent(failed=3)
    assert mailer.sent == []


def test_a_process_that_dies_while_sending_leaves_the_mail_to_another(
    posted: Runtime, mailer: ScriptedMailer
) -> None:
    mailer.troubles = [KeyboardInterrupt()]  # type: ignore[list-item]
    with pytest.raises(KeyboardInterrupt):
        mails.send_due(posted)
    assert mails.send_due(posted) == Sent(sent=2)
    with posted.db.write() as session:
        for mail in session.exec(select(tables.Mail).where(tables.Mail.state == "queued")):
            mail.lease_until = posted.db.now(session) - 1
    assert mails.send_due(posted) == Sent(sent=1)


def test_who_lost_a_mail_to_another_process_changes_nothing_of_it(posted: Runtime) -> None:
    key = all_mails(posted)[0].id or 0
    with posted.db.write() as session:
        now = posted.db.now(session)
        late = store.claim(session, key, now=now, seconds=-1)
        quick = store.claim(session, key, now=now, seconds=60)
        assert late is not None
        assert quick is not None
        assert not store.sent(session, late)
        assert not store.postpone(session, late, until=now, error="x")
        assert store.sent(session, quick)
        assert not store.failed(session, late, "x")


def test_a_mail_that_cannot_be_written_is_given_up(posted: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    class Strict(ScriptedMailer):
        def send(self, letter: Letter) -> None:
            raise ValueError("a line break")

    posted.mailer = Strict()  # type: ignore[misc]
    assert mails.send_due(posted) == Sent(failed=3)


def test_the_sweep_sends_what_waits_and_outlives_trouble(posted: Runtime, mailer: ScriptedMailer) -> None:
    SweepLoop(posted).run(once=True)
    assert len(mailer.sent) == 3
    posted.mailer = None  # type: ignore[assignment, misc]
    change(posted, state="queued", run_after=0.0, lease_until=None)
    SweepLoop(posted).run(once=True)
    assert {mail.state for mail in all_mails(posted)} == {"queued"}
