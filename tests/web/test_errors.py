"""Errors become pages, fragments or problem documents."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from qa_audit import errors as ours
from qa_audit.runtime import Runtime
from qa_audit.services.accounts import TooManyTries
from qa_audit.web.errors import STATUS_OF, status_of
from tests.page import check_fragment, check_page, find, get_page, text_of

FRAGMENT = {"HX-Request": "true", "HX-Request-Type": "partial"}


def broken(app: Flask, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """Let the list of calls raise an error."""

    def fail(*args: object) -> None:
        raise error

    monkeypatch.setitem(app.view_functions, "calls.index", fail)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ours.Invalid("The filter cannot be used."), 422),
        (ours.Refused("not_audio", "No."), 415),
        (ours.Refused("broken", "No."), 422),
        (ours.Refused("too_large", "No."), 413),
        (ours.NotFound(), 404),
        (ours.Forbidden("Your role does not allow this."), 403),
        (ours.Conflict("Somebody was faster."), 409),
        (TooManyTries(90), 429),
        (ours.NoSpace("The disk is full."), 507),
        (ours.Temporary("Later."), 503),
        (ours.Permanent("silent", "No."), 422),
        (ours.Waiting("Later."), 503),
        (ours.QaAuditError("Whatever."), 500),
    ],
)
def test_each_error_has_its_status_and_says_its_words(
    app: Flask, admin: FlaskClient, monkeypatch: pytest.MonkeyPatch, error: ours.QaAuditError, status: int
) -> None:
    broken(app, monkeypatch, error)
    root = get_page(admin, "/calls", status=status)
    assert error.message in text_of(root)
    assert status_of(error) == status


def test_every_kind_of_error_is_decided() -> None:
    kinds = {
        kind for kind in vars(ours).values() if isinstance(kind, type) and issubclass(kind, ours.QaAuditError)
    }
    inside = {ours.QaAuditError, ours.LeaseLost, ours.Stopped, ours.UnknownLanguage}
    assert kinds - inside <= {kind for kind, _ in STATUS_OF}


def test_waiting_is_told_in_seconds(app: Flask, admin: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    broken(app, monkeypatch, ours.Conflict("Somebody was faster.", retry_after=7))
    assert admin.get("/calls").headers["Retry-After"] == "7"


def test_a_live_region_gets_a_notice_instead_of_a_page(
    app: Flask, admin: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken(app, monkeypatch, ours.Conflict("Somebody was faster."))
    answer = admin.get("/calls", headers=FRAGMENT)
    assert answer.status_code == 409
    assert answer.headers["HX-Retarget"] == "#flash"
    notice = find(check_fragment(answer.text), "p", role="alert")
    assert text_of(notice) == "Somebody was faster."


def test_an_unforeseen_error_gives_a_number_and_tells_nothing(
    app: Flask, admin: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken(app, monkeypatch, RuntimeError("card 4111 1111 1111 1111"))
    with capture_logs([merge_contextvars]) as logged:
        answer = admin.get("/calls")
    assert answer.status_code == 500
    root = check_page(answer.text, answer.headers["Content-Security-Policy"])
    assert answer.headers["X-Request-Id"] in text_of(root)
    assert "4111" not in answer.text
    assert [line["kind"] for line in logged] == ["RuntimeError"]
    assert logged[0]["request_id"] == answer.headers["X-Request-Id"]
    assert "4111" not in str(logged)


def test_the_page_of_an_unforeseen_error_asks_no_database(
    app: Flask, admin: FlaskClient, here: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*args: object) -> None:
        raise OSError("the database is away")

    monkeypatch.setattr(here.db, "read", away)
    monkeypatch.setattr(here.db, "write", away)
    answer = admin.get("/calls")
    assert answer.status_code == 500
    check_page(answer.text, answer.headers["Content-Security-Policy"])


def test_an_unknown_address_is_a_page(client: FlaskClient, admin: FlaskClient) -> None:
    for who in (client, admin):
        assert "it is not yours to see" in text_of(get_page(who, "/no-such-page", status=404))


def test_under_the_api_errors_are_problem_documents(client: FlaskClient) -> None:
    for answer, status in ((client.get("/api/v1/nothing"), 404), (client.patch("/api/v1/calls"), 405)):
        assert answer.status_code == status
        assert answer.mimetype == "application/problem+json"
        assert answer.get_json()["status"] == status


def test_a_wrong_filter_says_what_is_wrong(admin: FlaskClient) -> None:
    root = get_page(admin, "/calls?from=yesterday", status=422)
    assert "The filter cannot be used." in text_of(root)
    assert "from must be a day such as 2026-11-02" in text_of(root)
