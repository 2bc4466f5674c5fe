"""Sending mails: one plain text to one person at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from qa_audit.errors import Temporary


@dataclass(frozen=True)
class Letter:
    """A mail in plain text. `id` is the same whenever the same mail is sent, so that a second copy is known as one."""

    id: str
    sender: str
    to: str
    subject: str
    text: str


class Mailer(Protocol):
    """A way to send mails."""

    def send(self, letter: Letter) -> None:
        """Hand a mail over, so that it is on its way when this returns.

        Raises MailRefused when it will never be taken, Temporary when another try can help, and ServerDown when
        no mail can be sent at all now.
        """
        ...


class MailRefused(Exception):
    """The server will never take this mail for this person."""


class ServerDown(Temporary):
    """No mail can be sent now, whoever it is for."""
