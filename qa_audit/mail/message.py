"""A letter as the mail format has it (RFC 5322)."""

from __future__ import annotations

from email.message import EmailMessage
from email.utils import format_datetime, localtime, parseaddr

from qa_audit.mail.protocol import Letter


def message_of(letter: Letter) -> EmailMessage:
    """Build the message of a letter; raises ValueError when a line break would smuggle in another header."""
    message = EmailMessage()
    domain = parseaddr(letter.sender)[1].rpartition("@")[2] or "localhost"
    message["From"] = letter.sender
    message["To"] = letter.to
    message["Subject"] = letter.subject
    message["Date"] = format_datetime(localtime())
    message["Message-ID"] = f"<{letter.id}@{domain}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(letter.text)
    return message
