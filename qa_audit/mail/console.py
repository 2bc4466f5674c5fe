"""Mails without a server: printed, for trying things out."""

from __future__ import annotations

import sys

from qa_audit.mail.message import message_of
from qa_audit.mail.protocol import Letter


class ConsoleMailer:
    """Print each mail to the standard output of this process."""

    def send(self, letter: Letter) -> None:
        """Print the mail between two lines."""
        message = message_of(letter)
        head = "\n".join(f"{name}: {message[name]}" for name in ("From", "To", "Subject"))
        print(
            f"--- mail ---\n{head}\n\n{letter.text.rstrip()}\n--- end of mail ---",
            file=sys.stdout,
            flush=True,
        )
