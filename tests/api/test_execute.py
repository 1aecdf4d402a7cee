"""OmniFlow's own paths."""

from __future__ import annotations

from typing import Any

import pytest
from tests.api.conftest import DOUBLE, ECHO, Site, many


def test_a_plugin_with_one_function_is_executed_by_its_name(site: Site) -> None:
    site.drop("double.wat", ECHO, DOUBLE)
    answer = site.client.post("/api/plugins/double/execute", json={"input": {"value": 42}})
    assert (answer.status_code, answer.json()) == (200, {"output": {"value": 42}})


@pytest.mark.parametrize(
    ("given", "output"),
    [
        ("text", "text"),
        (None, ""),
        ({"a": [1]}, '{"a":[1]}'),
        ({"base64": "aGk="}, "hi"),
        ({"base64": "/w=="}, {"base64": "/w=="}),
    ],
)
def test_bytes_travel_as_text_or_base64(site: Site, given: Any, output: Any) -> None:
    site.drop("echo.wat", ECHO)
    answer = site.client.post("/api/plugins/echo/execute", json={"input": given})
    assert answer.json() == {"output": output}


def test_one_of_several_functions_must_be_named(site: Site) -> None:
    many(site)
    assert site.client.post("/api/plugins/many/execute", json={"input": "x"}).status_code in (404, 422)
    named = site.client.post("/api/plugins/many/execute", json={"input": "x", "function": "echo"})
    assert named.json() == {"output": "x"}


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"function": 7}', b'{"inputs": 1}', b'{"input": {"base64": "?"}}'])
def test_a_body_that_makes_no_sense_is_refused(site: Site, body: bytes) -> None:
    site.drop("echo.wat", ECHO)
    refused = site.client.post("/api/plugins/echo/execute", content=body)
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid-input")


def test_failures_are_problems_here_too(site: Site) -> None:
    many(site)
    failed = site.client.post("/api/plugins/many/execute", json={"input": "no", "function": "fail"})
    assert (failed.status_code, failed.json()["code"]) == (502, "guest-failed")
    assert site.client.post("/api/plugins/nobody/execute", json={}).status_code == 404


def test_the_plain_list_names_plugins_and_their_functions(site: Site) -> None:
    site.drop("echo.wat", ECHO)
    (plugin,) = site.client.get("/api/plugins").json()
    assert (plugin["id"], plugin["state"], plugin["functions"]) == ("echo", "enabled", ["echo"])
