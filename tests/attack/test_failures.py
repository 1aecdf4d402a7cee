"""Calls that fail on purpose: they stop the caller, never the plugin for others."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from tests.api.hosting import Served

from omnicore.access.principal import Role

MOODY = """(module
  (import "extism:host/env" "input_length" (func $length (result i64)))
  (memory (export "memory") 1)
  (func (export "eat") (result i32) (if (i64.eqz (call $length)) (then unreachable)) (i32.const 0)))"""
ROUTE = "/api/v1/plugins/moody/functions/eat"


@pytest.fixture
def clients(tmp_path: Path) -> Iterator[dict[str, httpx.Client]]:
    """Four callers, each with an API token."""
    with ExitStack() as stack:
        served = stack.enter_context(Served(tmp_path, {"moody.wat": MOODY}))
        found = {}
        for name in ("mallory", "ada", "bob", "cleo"):
            _, key = served.host.access.tokens.add(name, owner=None, role=Role.operator)
            headers = {"authorization": f"Bearer {key}"}
            found[name] = stack.enter_context(httpx.Client(base_url=served.url, headers=headers, timeout=60))
        yield found


def test_one_who_makes_a_plugin_fail_stops_it_for_nobody_else(clients: dict[str, httpx.Client]) -> None:
    for _ in range(5):
        assert clients["mallory"].post(ROUTE, content=b"").status_code == 502
    refused = clients["mallory"].post(ROUTE, content=b"good")
    assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
    assert int(refused.headers["retry-after"]) > 0
    for name in ("ada", "bob"):
        assert clients[name].post(ROUTE, content=b"good").status_code == 200
    assert clients["ada"].get("/api/v1/plugins/moody").json()["state"] == "enabled"


def test_a_plugin_that_fails_for_several_rests_for_all(clients: dict[str, httpx.Client]) -> None:
    for name in ("mallory", "ada", "bob", "mallory", "ada"):
        assert clients[name].post(ROUTE, content=b"").status_code == 502
    assert clients["cleo"].post(ROUTE, content=b"good").status_code == 503
    assert clients["cleo"].get("/api/v1/plugins/moody").json()["state"] == "quarantined"
