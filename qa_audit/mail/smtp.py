"""Mails over SMTP, encrypted wherever the server offers it."""

from __future__ import annotations

import ipaddress
import smtplib
import ssl
from urllib.parse import unquote, urlsplit

from qa_audit.errors import Temporary
from qa_audit.mail.message import message_of
from qa_audit.mail.protocol import Letter, MailRefused, ServerDown

PATIENCE = 10.0
"""Seconds to wait for any answer of the server."""

PORTS = {"smtp": 587, "smtps": 465}


class SmtpMailer:
    """Send through the server of an address: smtp:// turns encryption on if it can, smtps:// begins with it.

    A password is never sent over an unencrypted line, except to this machine itself.
    """

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        self._scheme = parts.scheme
        self._host = parts.hostname or ""
        self._port = parts.port or PORTS[parts.scheme]
        self._user = unquote(parts.username or "")
        self._password = unquote(parts.password or "")

    def send(self, letter: Letter) -> None:
        """Send one mail over a connection of its own; its errors name no address."""
        message = message_of(letter)
        try:
            with self._connect() as server:
                self._greet(server)
                server.send_message(message)
        except smtplib.SMTPRecipientsRefused as error:
            codes = [code for code, _ in error.recipients.values()]
            if codes and all(500 <= code < 600 for code in codes):
                raise MailRefused(f"the mail server refuses the recipient ({codes[0]})") from None
            raise Temporary(f"The mail server does not take the recipient now ({codes[:1]}).") from None
        except smtplib.SMTPDataError as error:
            raise Temporary(f"The mail server does not take this mail now ({error.smtp_code}).") from None
        except smtplib.SMTPResponseException as error:
            raise ServerDown(f"The mail server answered {error.smtp_code}.") from None
        except (smtplib.SMTPException, OSError) as error:
            raise ServerDown(f"The mail server cannot be reached ({type(error).__name__}).") from None

    def _connect(self) -> smtplib.SMTP:
        if self._scheme == "smtps":
            context = ssl.create_default_context()
            return smtplib.SMTP_SSL(self._host, self._port, timeout=PATIENCE, context=context)
        return smtplib.SMTP(self._host, self._port, timeout=PATIENCE)

    def _greet(self, server: smtplib.SMTP) -> None:
        server.ehlo_or_helo_if_needed()
        encrypted = self._scheme == "smtps"
        if not encrypted and server.has_extn("starttls"):
            server.starttls(context=ssl.create_default_context())
            server.ehlo()
            encrypted = True
        if not self._user:
            return
        if not encrypted and not _is_here(self._host):
            raise ServerDown("The mail server offers no encryption, so the password was not sent.")
        server.login(self._user, self._password)


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
