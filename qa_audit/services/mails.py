"""Sending the mails that wait: claimed one by one, so that several processes never send the same one.

A mail is sent between two short transactions. A process that dies in between leaves a lease that runs out; then the
mail is sent again with the same Message-ID. While the server is down nothing is lost: mails wait, longer each time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from qa_audit import logs
from qa_audit.errors import Temporary
from qa_audit.mail.protocol import Letter, MailRefused, ServerDown
from qa_audit.services.ports import Ports
from qa_audit.storage import mails as store
from qa_audit.storage.mails import Claimed

PAUSES = (60.0, 300.0, 900.0, 3600.0)
"""Seconds to wait after the first, second, third try; from then on the last."""

MOST_AT_ONCE = 50
GONE = "nothing is left to tell of, or the recipient's account is closed"

SUBJECT = "A scorecard is published: answer by {until}"
TEXT = """\
A scorecard is published.

Answer by {until}, end of the day ({zone}):
{address}

Acknowledge it there. To dispute a point, answer this mail until then; acknowledging does not end that right.
"""

log = logs.get(__name__)


@dataclass(frozen=True)
class Sent:
    """What became of the mails that were due."""

    sent: int = 0
    failed: int = 0
    postponed: int = 0


def send_due(ports: Ports, limit: int = MOST_AT_ONCE) -> Sent:
    """Send what is due, up to `limit` mails; once the server does not answer, all that are due wait."""
    with ports.db.read() as session:
        keys = store.due(session, now=ports.db.now(session), limit=limit)
    sent = failed = postponed = 0
    for key in keys:
        with ports.db.write() as session:
            now = ports.db.now(session)
            mail = store.claim(session, key, now=now, seconds=ports.settings.lease_seconds)
        if mail is None:
            continue
        try:
            done = _send(ports, mail)
        except Temporary as error:
            postponed += _put_off(ports, mail, error)
            if isinstance(error, ServerDown):
                break
            continue
        sent, failed = sent + done, failed + (not done)
    if sent or failed:
        log.info("mails sent", sent=sent, failed=failed)
    return Sent(sent, failed, postponed)


def letter_of(ports: Ports, mail: Claimed, answer_by: datetime) -> Letter:
    """Write a mail: that something is there, until when, and where; nothing of what was said, and no name."""
    zone = ports.settings.time_zone
    last = answer_by.astimezone(ZoneInfo(zone))
    until = f"{last:%a} {last.day} {last:%b %Y}"
    address = f"{ports.settings.address}/scorecards/{mail.thing}"
    return Letter(
        id=mail.id,
        sender=ports.settings.mail_from,
        to=mail.email,
        subject=SUBJECT.format(until=until),
        text=TEXT.format(until=until, zone=zone, address=address),
    )


def _send(ports: Ports, mail: Claimed) -> bool:
    """Send one mail and note what became of it; False when it will never be sent. Raises Temporary."""
    error = GONE
    if mail.answer_by is not None and not mail.shut_out:
        try:
            ports.mailer.send(letter_of(ports, mail, mail.answer_by))
        except (MailRefused, ValueError) as refused:
            error = str(refused) if isinstance(refused, MailRefused) else "the mail cannot be written"
        else:
            with ports.db.write() as session:
                store.sent(session, mail)
            return True
    with ports.db.write() as session:
        store.failed(session, mail, error)
    log.warning("mail not sent", mail=mail.id, attempt=mail.attempt)
    return False


def _put_off(ports: Ports, mail: Claimed, error: Temporary) -> int:
    """Let a mail wait, and all others that are due when it is the server that does not answer."""
    pause = PAUSES[min(mail.attempt, len(PAUSES)) - 1]
    with ports.db.write() as session:
        now = ports.db.now(session)
        store.postpone(session, mail, until=now + pause, error=error.message)
        down = isinstance(error, ServerDown)
        others = store.postpone_due(session, now=now, until=now + pause) if down else 0
    log.warning("mails wait", attempt=mail.attempt, pause=pause, mails=others + 1)
    return others + 1
