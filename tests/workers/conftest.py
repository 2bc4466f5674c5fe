"""A Redis for the tests of doorbell and listener."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from qa_audit.errors import Invalid
from qa_audit.queue import private_redis
from tests.conftest import missing


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Redis of our own."""
    try:
        private_redis.find_program()
    except Invalid as error:
        missing("Redis", error.message)
    with private_redis.running(Path(tmp_path_factory.mktemp("redis"))) as address:
        yield address


@pytest.fixture
def redis_url(redis_server: str) -> str:
    """The address of an empty Redis."""
    with redis.Redis.from_url(redis_server) as client:
        client.flushall()
    return redis_server
