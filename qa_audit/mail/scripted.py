"""The mailer's twin for tests: it remembers what it sent, and fails when it is told to."""

from __future__ import annotations

from dataclasses import dataclass, field

from qa_audit.mail.protocol import Letter


@dataclass
class ScriptedMailer:
    """Keep every mail in `sent`; the errors in `troubles` are raised first, one per call."""

    sent: list[Letter] = field(default_factory=list)
    troubles: list[Exception] = field(default_factory=list)

    def send(self, letter: Letter) -> None:
        """Raise the next trouble, or remember the mail."""
        if self.troubles:
            raise self.troubles.pop(0)
        self.sent.append(letter)
