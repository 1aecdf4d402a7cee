"""`omnicore doctor` finds what would keep plugins from running, and says what to do."""

from __future__ import annotations

import json
import socket
import zipfile

import pytest
from tests.trusting import trusted

from omnicore.config.folders import project_data

from .guests import echo_app


def checks(omnicore, *arguments: str, **environment: str) -> tuple[int, dict[str, dict]]:
    ran = omnicore("doctor", "-o", "json", *arguments, **environment)
    return ran.code, {check["name"]: check for check in json.loads(ran.out)["checks"]}


def test_a_healthy_machine_passes_with_a_real_call(omnicore, tmp_path):
    echo_app(tmp_path)
    code, found = checks(omnicore, "--plugins", "plugins", OMNICORE_PORT="0")
    assert code == 0
    assert {check["verdict"] for name, check in found.items() if name != "advisories"} == {"ok"}
    assert "an offline list" in found["advisories"]["fact"]
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
    project_data(tmp_path).mkdir(parents=True)
    project_data(tmp_path).chmod(0o777)
    code, found = checks(omnicore)
    assert code == 1
    assert (found["data"]["verdict"], "chmod -R go-rwx" in found["data"]["remedy"]) == ("fail", True)


def test_an_address_beyond_loopback_without_a_token_fails(omnicore):
    code, found = checks(omnicore, OMNICORE_HOST="0.0.0.0")
    assert code == 1
    assert "OMNICORE_TOKEN" in found["token"]["remedy"]


def test_a_bundle_for_who_helps_holds_the_checks_and_no_secret(omnicore, tmp_path):
    echo_app(tmp_path)
    (tmp_path / "omnicore.toml").write_text("token = 'hush-12345'\n[plugin_settings.echo]\ndsn = 'hush-67890'\n")
    trusted(tmp_path)
    ran = omnicore("doctor", "--bundle", "help.zip", OMNICORE_PORT="0", CONNECTOR_MAIL="hush-abcdef")
    assert ran.code == 0, ran.err
    with zipfile.ZipFile(tmp_path / "help.zip") as archive:
        parts = {name: archive.read(name).decode() for name in archive.namelist()}
    assert "hush" not in "".join(parts.values())
    assert {check["name"] for check in json.loads(parts["checks.json"])} >= {"python", "advisories", "data"}
    settings = {one["name"]: one for one in json.loads(parts["settings.json"])}
    assert settings["token"] == {**settings["token"], "value": "********", "origin": "omnicore.toml:1"}
    assert json.loads(parts["plugins.json"])[0]["name"] == "echo"
    assert (tmp_path / "help.zip").stat().st_mode & 0o777 == 0o600
    again = omnicore("doctor", "--bundle", "help.zip", OMNICORE_PORT="0")
    assert (again.code, "is there already" in again.err) == (1, True)


def test_a_host_that_does_not_start_has_a_bundle_that_says_why(omnicore, tmp_path):
    project_data(tmp_path).mkdir(parents=True)
    (project_data(tmp_path) / "omnicore.db").write_bytes(b"rubbish" * 1000)
    (tmp_path / "plugins").mkdir()
    ran = omnicore("doctor", "--bundle", "help.zip", OMNICORE_PORT="0", OMNICORE_TOKEN="hush-12345")
    with zipfile.ZipFile(tmp_path / "help.zip") as archive:
        parts = {name: archive.read(name).decode() for name in archive.namelist()}
    assert json.loads(parts["error.json"])["code"] == "storage-failed", ran.err
    assert json.loads(parts["host.json"])["engines"]
    assert "hush" not in "".join(parts.values())


@pytest.mark.parametrize("form", ["text", "table"])
def test_people_see_a_verdict_in_each_line(omnicore, tmp_path, form):
    echo_app(tmp_path)
    ran = omnicore("doctor", "-o", form)
    assert "wasmtime" in ran.out
    assert ran.out.count("ok") > 4
