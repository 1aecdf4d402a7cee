"""`omnicore doctor` finds what would keep plugins from running, and says what to do."""

from __future__ import annotations

import json
import socket

import pytest

from .guests import echo_app


def checks(omnicore, *arguments: str, **environment: str) -> tuple[int, dict[str, dict]]:
    ran = omnicore("doctor", "-o", "json", *arguments, **environment)
    return ran.code, {check["name"]: check for check in json.loads(ran.out)["checks"]}


def test_a_healthy_machine_passes_with_a_real_call(omnicore, tmp_path):
    echo_app(tmp_path)
    code, found = checks(omnicore, "--plugins", "plugins", OMNICORE_PORT="0")
    assert code == 0
    assert {check["verdict"] for check in found.values()} == {"ok"}
    assert "answered in" in found["call"]["fact"]


def test_the_reference_engine_can_be_checked(omnicore, tmp_path):
    echo_app(tmp_path)
    _, found = checks(omnicore, OMNICORE_ENGINE="extism")
    assert found["call"]["verdict"] == "ok"


def test_a_missing_folder_and_a_port_in_use_are_warnings(omnicore):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        code, found = checks(omnicore, OMNICORE_PORT=str(taken.getsockname()[1]))
    assert code == 0
    assert found["plugins"]["verdict"] == found["port"]["verdict"] == "warn"
    assert found["plugins"]["remedy"]
    assert found["port"]["remedy"]


def test_a_data_folder_that_everybody_may_write_to_fails(omnicore, tmp_path):
    echo_app(tmp_path)
    (tmp_path / ".omnicore").mkdir()
    (tmp_path / ".omnicore").chmod(0o777)
    code, found = checks(omnicore)
    assert code == 1
    assert found["data"]["verdict"] == "fail"


def test_an_address_beyond_loopback_without_a_token_fails(omnicore):
    code, found = checks(omnicore, OMNICORE_HOST="0.0.0.0")
    assert code == 1
    assert "OMNICORE_TOKEN" in found["token"]["remedy"]


@pytest.mark.parametrize("form", ["text", "table"])
def test_people_see_a_verdict_in_each_line(omnicore, tmp_path, form):
    echo_app(tmp_path)
    ran = omnicore("doctor", "-o", form)
    assert "wasmtime" in ran.out
    assert ran.out.count("ok") > 4
