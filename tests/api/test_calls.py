"""Calls over REST."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable

import httpx
import pytest
from tests.api.conftest import DOUBLE, ECHO, Site, many, raw, until

from omnicore.config.settings import Settings


def test_bytes_go_in_and_come_out_as_they_are(site: Site) -> None:
    site.drop("echo.wat", ECHO)
    data = bytes(range(256)) * 1000
    answer = site.client.post("/api/v1/plugins/echo/functions/echo", content=data)
    assert (answer.status_code, answer.content) == (200, data)
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["cache-control"] == "no-store"


def test_a_call_without_a_body_has_empty_input(site: Site) -> None:
    site.drop("echo.wat", ECHO)
    assert site.client.post("/api/v1/plugins/echo/functions/echo").content == b""


def test_the_answer_has_the_media_type_of_the_function(site: Site) -> None:
    site.drop("double.wat", ECHO, DOUBLE)
    answer = site.client.post("/api/v1/plugins/double/functions/echo", json={"value": 42})
    assert (answer.headers["content-type"], answer.json()) == ("application/json", {"value": 42})


@pytest.mark.parametrize("body", [b'{"value": "x"}', b"{}", b"no json", b"\xff"])
def test_input_that_breaks_the_schema_is_refused_with_its_place(site: Site, body: bytes) -> None:
    site.drop("double.wat", ECHO, DOUBLE)
    refused = site.client.post("/api/v1/plugins/double/functions/echo", content=body)
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid-input")
    assert refused.headers["content-type"] == "application/problem+json"
    if b"x" in body:
        assert "value" in refused.json()["detail"]


def test_unknown_plugins_and_functions_are_not_found(site: Site) -> None:
    site.drop("echo.wat", ECHO)
    for path in ("/api/v1/plugins/nobody/functions/echo", "/api/v1/plugins/echo/functions/nothing"):
        assert (answer := site.client.post(path)).status_code == 404
        assert answer.json()["code"] == "not-found"


@pytest.mark.parametrize(("function", "code"), [("trap", "guest-trapped"), ("fail", "guest-failed")])
def test_the_guests_own_failures_are_a_bad_gateway(site: Site, function: str, code: str) -> None:
    failed = site.client.post(f"{many(site)}/{function}", content=b"the reason")
    assert (failed.status_code, failed.json()["code"]) == (502, code)


def test_what_a_failing_guest_says_reaches_the_caller(site: Site) -> None:
    assert "the reason" in site.client.post(f"{many(site)}/fail", content=b"the reason").json()["detail"]


def test_input_over_the_plugins_limit_is_too_large(site_with: Callable[..., Site]) -> None:
    site = site_with(limits=dataclasses.replace(Settings().limits, input_bytes=10))
    site.drop("echo.wat", ECHO)
    refused = site.client.post("/api/v1/plugins/echo/functions/echo", content=b"x" * 11)
    assert (refused.status_code, refused.json()["limit"]) == (413, "input_bytes")


def test_a_call_that_takes_too_long_ends_at_its_timeout(site: Site) -> None:
    functions = many(site)
    began = time.monotonic()
    late = site.client.post(f"{functions}/spin", params={"timeout_s": "0.05"})
    assert (late.status_code, late.json()["code"]) == (504, "deadline-exceeded")
    assert time.monotonic() - began < 5
    assert site.client.post(f"{functions}/echo", content=b"still here").content == b"still here"


@pytest.mark.parametrize("value", ["0", "-1", "nan", "inf", "soon", "31"])
def test_a_timeout_must_be_a_number_within_the_requests_own(site: Site, value: str) -> None:
    refused = site.client.post(f"{many(site)}/echo", params={"timeout_s": value})
    assert (refused.status_code, refused.json()["path"]) == (422, "timeout_s")


def test_the_request_deadline_cuts_a_guest_that_may_run_longer(site_with: Callable[..., Site]) -> None:
    site = site_with(request_timeout_s=0.3)
    late = site.client.post(f"{many(site)}/spin")
    assert (late.status_code, late.json()["code"]) == (504, "request-deadline")
    until(lambda: site.traffic == 0)


def test_a_client_that_leaves_cuts_its_guest(site: Site) -> None:
    functions = many(site)
    site.client.post(f"{functions}/echo")  # compiled, so that the spin starts at once
    until(lambda: site.traffic == 0)
    connection = raw(site, f"POST {functions}/spin HTTP/1.1\nContent-Length: 0")
    until(lambda: site.traffic == 1)
    connection.close()
    until(lambda: site.traffic == 0, timeout_s=15)  # the guest could spin for 20 s
    assert site.client.post(f"{functions}/echo", content=b"x").content == b"x"


def test_a_client_that_leaves_before_its_body_ended_calls_nothing(site: Site) -> None:
    functions = many(site)
    connection = raw(site, f"POST {functions}/warn HTTP/1.1\nContent-Length: 100", body=b"half")
    until(lambda: site.traffic == 1)
    connection.close()
    until(lambda: site.traffic == 0)
    assert site.logs.tail("many") == []


def test_slow_guests_do_not_hold_up_quick_ones(site: Site) -> None:
    functions = many(site)
    spinning = raw(site, f"POST {functions}/spin?timeout_s=20 HTTP/1.1\nContent-Length: 0")
    until(lambda: site.traffic == 1)
    answer = httpx.post(f"{site.url}{functions}/echo", content=b"quick", timeout=15)
    assert answer.content == b"quick"
    spinning.close()


def test_calls_are_counted(site: Site) -> None:
    site.drop("echo.wat", ECHO)
    site.client.post("/api/v1/plugins/echo/functions/echo")
    wanted = 'omnicore_calls_total{function="echo",outcome="ok",plugin="echo"} 1.0'
    assert wanted in site.client.get("/metrics").text
