"""Mails over a real SMTP conversation, printed ones, and what is refused."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import cast

import pytest

from qa_audit.config import load_settings
from qa_audit.errors import Invalid, Temporary
from qa_audit.mail.console import ConsoleMailer
from qa_audit.mail.protocol import Letter, MailRefused, ServerDown
from qa_audit.mail.smtp import SmtpMailer
from qa_audit.runtime import Runtime

LETTER = Letter("abc", "QA Audit <qa@example.org>", "lead@example.org", "A scorecard", "Hello\nthere\n")


@dataclass
class Script:
    """What a small mail server answers to each command, and what it heard."""

    answers: dict[str, str] = field(default_factory=dict)
    heard: list[str] = field(default_factory=list)
    data: str = ""


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    script: Script


class Handler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        script = cast(Server, self.server).script
        self.say(script.answers.get("", "220 ready"))
        while line := self.rfile.readline().decode().strip():
            script.heard.append(line)
            word = line.split()[0].upper()
            if word == "DATA" and "DATA" not in script.answers:
                self.say("354 go on")
                lines = iter(lambda: self.rfile.readline().decode(), ".\r\n")
                script.data = "".join(lines)
                self.say(script.answers.get(".", "250 taken"))
            elif word == "QUIT":
                self.say("221 bye")
                return
            else:
                self.say(script.answers.get(word, "250 ok"))

    def say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())


@pytest.fixture
def script() -> Script:
    return Script()


@pytest.fixture
def port(script: Script) -> Iterator[int]:
    server = Server(("127.0.0.1", 0), Handler)
    server.script = script
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()
    thread.join(10)


def test_a_mail_goes_over_as_plain_text_with_its_own_id(port: int, script: Script) -> None:
    SmtpMailer(f"smtp://127.0.0.1:{port}").send(LETTER)
    assert "mail FROM:<qa@example.org>" in script.heard[1]
    assert script.heard[2] == "rcpt TO:<lead@example.org>"
    for header in ("Message-ID: <abc@example.org>", "Auto-Submitted: auto-generated", "To: lead@example.org"):
        assert header in script.data
    assert "text/plain" in script.data
    assert script.data.endswith("Hello\r\nthere\r\n")


def test_name_and_password_are_sent_to_a_server_that_asks(port: int, script: Script) -> None:
    script.answers |= {"EHLO": "250-here\r\n250 AUTH PLAIN", "AUTH": "235 welcome"}
    SmtpMailer(f"smtp://us%40er:p%2Fw@127.0.0.1:{port}").send(LETTER)
    import base64

    sent = next(line for line in script.heard if line.startswith("AUTH PLAIN"))
    assert base64.b64decode(sent.split()[2]) == b"\0us@er\0p/w"


def test_a_password_is_not_sent_over_an_open_line_to_another_machine(
    port: int, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qa_audit.mail.smtp._is_here", lambda host: False)
    with pytest.raises(ServerDown, match="no encryption"):
        SmtpMailer(f"smtp://user:secret@127.0.0.1:{port}").send(LETTER)
    assert not [line for line in script.heard if line.upper().startswith(("AUTH", "RCPT"))]


@pytest.mark.parametrize(
    ("answers", "error"),
    [
        ({"RCPT": "550 no such person"}, MailRefused),
        ({"RCPT": "450 try later"}, Temporary),
        ({".": "554 not like this"}, Temporary),
        ({"": "554 go away"}, ServerDown),
        ({"MAIL": "451 not now"}, ServerDown),
        ({"EHLO": "250-here\r\n250 AUTH PLAIN", "AUTH": "535 wrong"}, ServerDown),
    ],
)
def test_what_the_server_says_decides_whether_to_try_again(
    port: int, script: Script, answers: dict[str, str], error: type[Exception]
) -> None:
    script.answers |= answers
    user = "user:secret@" if "AUTH" in answers else ""
    with pytest.raises(error) as caught:
        SmtpMailer(f"smtp://{user}127.0.0.1:{port}").send(LETTER)
    assert type(caught.value) is error
    assert "example.org" not in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_server_that_is_not_there_is_down() -> None:
    with pytest.raises(ServerDown):
        SmtpMailer("smtp://127.0.0.1:9").send(LETTER)


def test_a_line_break_smuggles_no_header_in(port: int) -> None:
    with pytest.raises(ValueError, match="linefeed"):
        SmtpMailer(f"smtp://127.0.0.1:{port}").send(
            Letter("a", "qa@example.org", "x@example.org\nBcc: y@example.org", "s", "t")
        )


def test_without_a_server_the_mail_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    ConsoleMailer().send(LETTER)
    printed = capsys.readouterr().out
    assert "To: lead@example.org\nSubject: A scorecard\n\nHello\nthere\n" in printed


def test_the_settings_choose_the_mailer(tmp_path: object) -> None:
    assert isinstance(Runtime(load_settings({})).mailer, ConsoleMailer)
    found = load_settings({"QA_AUDIT_SMTP_URL": "smtps://mail.example.org"})
    assert isinstance(Runtime(found).mailer, SmtpMailer)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SMTP_URL", "mail.example.org"),
        ("SMTP_URL", "http://user:secret@mail.example.org"),
        ("SMTP_URL", "smtp://user:secret@"),
        ("SMTP_URL", "smtp://user:secret@host:port"),
        ("MAIL_FROM", "nobody"),
        ("MAIL_FROM", "a@b\nBcc: c@d"),
        ("PUBLIC_URL", "qa.example.org"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named_without_its_secret(name: str, value: str) -> None:
    with pytest.raises(Invalid, match=f"QA_AUDIT_{name} is not usable") as caught:
        load_settings({f"QA_AUDIT_{name}": value})
    assert "secret" not in caught.value.message


def test_the_server_may_stand_in_a_file_and_links_have_one_slash(tmp_path: object) -> None:
    from pathlib import Path

    file = Path(str(tmp_path)) / "smtp"
    file.write_text("smtp://u:p@mail.example.org:2525\n")
    found = load_settings(
        {"QA_AUDIT_SMTP_URL_FILE": str(file), "QA_AUDIT_PUBLIC_URL": "https://qa.example.org/"}
    )
    assert found.smtp_url == "smtp://u:p@mail.example.org:2525"
    assert found.address == "https://qa.example.org"
    assert load_settings({"QA_AUDIT_PORT": "8123"}).address == "http://127.0.0.1:8123"
