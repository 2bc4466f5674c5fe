"""For load balancers and monitors: is the process alive, can it accept uploads, how much work is there."""

from __future__ import annotations

import ipaddress

from flask import Blueprint, Response, jsonify, request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest

from qa_audit.errors import NotFound
from qa_audit.services import accounts, health
from qa_audit.web.context import runtime
from qa_audit.web.sessions import is_loopback_host

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def alive() -> Response:
    """Say that the process answers."""
    return Response("ok\n", mimetype="text/plain")


@blueprint.get("/readyz")
def ready() -> tuple[Response, int]:
    """Name each part's state; 503 only when an upload could not be accepted."""
    found = health.readiness(runtime())
    parts = {"database": found.database, "media": found.media, "redis": found.redis}
    return jsonify(status=found.status, **parts), 200 if found.accepts_uploads else 503


@blueprint.get("/metrics")
def metrics() -> Response:
    """Give a monitor its numbers: to this machine, or to a token that may read everything."""
    if not (_comes_from_here() or _may_read_all()):
        raise NotFound()
    found = health.work(runtime())
    registry = CollectorRegistry()
    calls = Gauge("qa_audit_calls", "Calls by status.", ["status"], registry=registry)
    tasks = Gauge("qa_audit_tasks", "Tasks by state.", ["state"], registry=registry)
    oldest = Gauge(
        "qa_audit_oldest_queued_seconds",
        "Age of the oldest task that waits to be worked on.",
        registry=registry,
    )
    for status, number in found.calls.items():
        calls.labels(status).set(number)
    for state, number in found.tasks.items():
        tasks.labels(state).set(number)
    oldest.set(found.oldest_queued)
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def _comes_from_here() -> bool:
    """Say whether the request was made on this very machine; one that a proxy passed on was not."""
    forwarded = any(name.startswith(("X-Forwarded", "Forwarded", "X-Real")) for name, _ in request.headers)
    try:
        near = ipaddress.ip_address(request.remote_addr or "").is_loopback
    except ValueError:
        return False
    return near and not forwarded and is_loopback_host(request.host)


def _may_read_all() -> bool:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        return False
    actor = accounts.authenticate_token(runtime(), token.strip())
    return actor is not None and actor.role in ("read_token", "admin_token") and actor.vendor_id is None
