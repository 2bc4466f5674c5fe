"""Fixtures for tests that hurt real processes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from qa_audit.config import load_settings
from qa_audit.errors import Invalid
from qa_audit.queue import private_redis
from qa_audit.queue.rq_jobs import RqJobs
from qa_audit.runtime import Runtime
from qa_audit.services import rubrics
from qa_audit.services.rubric_files import load_rubric_file
from tests.conftest import missing
from tests.faults.installation import GRACE, LEASE, Installation


@pytest.fixture
def installation(tmp_path: Path, sqlite_url: str) -> Iterator[Installation]:
    """An installation without Redis, with the bundled rubrics."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("QA_AUDIT_")}
    environment |= {
        "QA_AUDIT_DATA_DIR": str(tmp_path),
        "QA_AUDIT_DATABASE_URL": sqlite_url,
        "QA_AUDIT_LEASE_SECONDS": str(LEASE),
        "QA_AUDIT_BEAT_SECONDS": "1",
        "QA_AUDIT_SWEEP_SECONDS": "0.5",
        "QA_AUDIT_GRACE_SECONDS": str(GRACE),
    }
    built = Installation(Runtime(load_settings(environment)), environment)
    rubrics.sync_bundled(built.runtime)
    texts = [load_rubric_file(path) for path in built.runtime.rubrics_dir.glob("*.yaml")]
    built.rubrics = sum(not rubric.applies_to.queue for rubric in texts)
    built.plan()
    yield built
    built.end()


@pytest.fixture
def with_redis(installation: Installation) -> Iterator[Installation]:
    """The same with a Redis of its own."""
    try:
        private_redis.find_program()
    except Invalid as error:
        missing("Redis", error.message)
    with private_redis.running(installation.folder) as address:
        installation.environment["QA_AUDIT_REDIS_URL"] = address
        runtime = installation.runtime
        runtime.settings = runtime.settings.model_copy(update={"redis_url": address})
        runtime.jobs = RqJobs(address)
        yield installation
        installation.end()
