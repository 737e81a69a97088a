"""Both stores, for tests that hold for either."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from store.redis import connect
from tests.store.backends import BINARY, Backend, RedisServer


@pytest.fixture(scope="session")
def _shared_server() -> Iterator[RedisServer]:
    server = _server()
    yield server
    server.close()


@pytest.fixture
def redis_url(_shared_server) -> str:
    """An empty Redis server that other tests use too."""
    client = connect(_shared_server.url)
    client.flushall()
    client.close()
    return _shared_server.url


@pytest.fixture
def redis_server() -> Iterator[RedisServer]:
    """A Redis server of the test's own, to be killed and started again."""
    server = _server()
    yield server
    server.close()


@pytest.fixture(params=["sqlite", "redis"])
def backend(request, tmp_path) -> Backend:
    """An empty store of either kind."""
    if request.param == "redis":
        return Backend(request.getfixturevalue("redis_url"))
    return Backend(str(tmp_path / "store.sqlite3"))


def _server() -> RedisServer:
    if BINARY is None:
        pytest.skip("neither valkey-server nor redis-server is on PATH (Debian: redis-server)")
    return RedisServer()
