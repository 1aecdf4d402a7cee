"""What a call costs, for those who ask."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import httpx
from tests.api.conftest import ECHO, Site, many
from tests.plugins.guests import door

ASK = {"omnicore-cost": "1"}
KV = '[[capabilities]]\nname = "kv"\nreason = "Counts"\n'


def cost(answer: httpx.Response) -> Any:
    return json.loads(answer.headers["omnicore-cost"])


def test_a_call_tells_what_it_cost_when_it_is_asked(site: Site) -> None:
    site.drop("echo.wat", ECHO, "[limits]\nfuel = 1000000\n")
    url = "/api/v1/plugins/echo/functions/echo"
    short, long = (site.client.post(url, content=b"x" * length, headers=ASK) for length in (1, 100))
    assert short.content == b"x"
    assert 0 < cost(short)["fuel"] < cost(long)["fuel"]
    assert cost(short)["time_ms"] > 0
    assert cost(short)["memory_bytes"] >= 65536
    assert cost(short)["host_calls"] == {}
    assert short.headers["content-type"] == "application/octet-stream"
    assert "omnicore-cost" not in site.client.post(url, content=b"x").headers
    assert "omnicore-cost" not in site.client.post(url, content=b"x", headers={"omnicore-cost": "0"}).headers


def test_what_is_not_counted_is_null(site: Site) -> None:
    site.drop("echo.wat", ECHO)
    assert cost(site.client.post("/api/v1/plugins/echo/functions/echo", headers=ASK))["fuel"] is None


def test_host_calls_are_counted_by_verb(site: Site) -> None:
    site.drop("a.wat", door("kv_get_v1"), KV)
    site.host.grant("a", who="ann")
    answer = site.client.post("/api/v1/plugins/a/functions/ask", content=b'{"key": "k"}', headers=ASK)
    assert cost(answer)["host_calls"] == {"kv.get": 1}
    refused = site.client.post("/api/v1/plugins/a/functions/ask", content=b'{"keys": 1}', headers=ASK)
    assert cost(refused)["host_calls"] == {"kv.get": 1}


def test_a_call_that_fails_tells_its_cost_too(site: Site) -> None:
    calls = many(site)
    for function, status in (("trap", 502), ("fail", 502), ("nothing", 404)):
        failed = site.client.post(f"{calls}/{function}", content=b"why", headers=ASK)
        assert failed.status_code == status
        assert cost(failed)["time_ms"] > 0
        assert failed.json()["status"] == status
    late = site.client.post(f"{calls}/spin?timeout_s=0.05", headers=ASK)
    assert late.status_code == 504
    assert cost(late)["time_ms"] >= 50


def test_a_function_that_computes_on_a_thread_tells_its_cost(site: Site) -> None:
    site.drop("echo.wat", ECHO, "threads = true\n[limits]\nfuel = 1000000\n")
    assert cost(site.client.post("/api/v1/plugins/echo/functions/echo", content=b"x", headers=ASK))["fuel"] > 0


def test_a_client_that_leaves_ends_a_measured_call(site: Site) -> None:
    calls = many(site)
    with suppress(httpx.ReadTimeout):
        site.client.post(f"{calls}/spin", headers=ASK, timeout=0.3)
    assert site.client.post(f"{calls}/echo", content=b"x").content == b"x"
