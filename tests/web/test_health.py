"""For load balancers and monitors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from flask.testing import FlaskClient

from qa_audit.runtime import Runtime
from qa_audit.services import accounts
from tests.fakes import RememberedJobs, receive


def test_the_process_says_that_it_answers(client: FlaskClient) -> None:
    answer = client.get("/healthz")
    assert (answer.status_code, answer.text) == (200, "ok\n")


def test_every_part_is_named(client: FlaskClient) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.get_json() == {"status": "ok", "database": "ok", "media": "ok", "redis": "ok"}


def test_without_redis_uploads_are_still_accepted(client: FlaskClient, here: Runtime) -> None:
    here.jobs = RememberedJobs(works=False)
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.get_json()["status"] == "degraded"
    assert answer.get_json()["redis"] == "away"


def test_without_database_nothing_is_accepted(
    client: FlaskClient, here: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def away() -> Iterator[None]:
        raise OSError("away")
        yield

    monkeypatch.setattr(here.db, "read", away)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.get_json()["database"] == "away"


def test_a_full_disk_accepts_nothing(client: FlaskClient, here: Runtime) -> None:
    here.settings = here.settings.model_copy(update={"reserve_bytes": 1 << 60})
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.get_json()["media"] == "full or not writable"


def test_a_monitor_gets_numbers_and_nobodys_name(client: FlaskClient, here: Runtime) -> None:
    call, _ = receive(here)
    text = client.get("/metrics").text
    assert 'qa_audit_calls{status="received"} 1.0' in text
    assert 'qa_audit_tasks{state="queued"} 1.0' in text
    assert "qa_audit_oldest_queued_seconds" in text
    assert call.public_id not in text
    assert (call.title or "") not in text


@pytest.mark.parametrize(
    ("base", "peer", "headers"),
    [
        ("http://qa.example.org", "127.0.0.1", {}),
        ("http://localhost", "93.184.216.34", {}),
        ("http://localhost", "127.0.0.1", {"X-Forwarded-For": "93.184.216.34"}),
        ("http://localhost", "127.0.0.1", {"Forwarded": "for=93.184.216.34"}),
    ],
)
def test_from_elsewhere_the_numbers_need_a_token(
    client: FlaskClient, here: Runtime, base: str, peer: str, headers: dict[str, str]
) -> None:
    def status(token: str = "") -> int:
        sent = {**headers, "Authorization": f"Bearer {token}"} if token else headers
        environment = {"REMOTE_ADDR": peer}
        return client.get("/metrics", base_url=base, environ_base=environment, headers=sent).status_code

    assert status() == status("qa_unknown") == 404
    by_scope = {scope: status(accounts.create_token(here, scope)) for scope in accounts.SCOPES}
    assert by_scope == {"read": 200, "admin": 200, "upload": 404}
