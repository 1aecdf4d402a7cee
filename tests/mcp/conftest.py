"""A host that serves `/mcp`, one for the tests that change nothing of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.api.conftest import ASKS, DOUBLE, ECHO, MANY, SLOW
from tests.mcp.hosting import McpHost

from omnicore.sandbox.abi import Limits

FILES = {
    "echo.wat": ECHO,
    "many.wat": MANY,
    "many.toml": SLOW,
    "double.wat": ECHO,
    "double.toml": DOUBLE,
    "hinted.wat": ECHO,
    "hinted.toml": "[functions.echo]\nhints = { read_only = true }\n",
    "counter.wat": ECHO,
    "counter.toml": ASKS.format(name="counter"),
}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[McpHost]:
    with McpHost(tmp_path_factory.mktemp("served"), FILES, limits=Limits(timeout_s=20.0)) as host:
        yield host
