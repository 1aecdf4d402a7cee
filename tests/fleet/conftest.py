"""Fixtures: a cluster over an empty PostgreSQL database, and servers of NATS. Tests of this room may be coroutines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.coroutines import pytest_pyfunc_call
from tests.fleet.cluster import Cluster
from tests.services.conftest import Servers, servers

__all__ = ["Servers", "cluster", "pytest_pyfunc_call", "servers"]


@pytest.fixture
def cluster(tmp_path: Path, postgresql_url: str) -> Iterator[Cluster]:
    """Hosts are added by the test, and all end with it."""
    hosts = Cluster(tmp_path, postgresql_url)
    yield hosts
    hosts.close()
