"""`omnicore plugins` shows and changes the catalogue, without a server too."""

from __future__ import annotations

import json

import pytest

from .guests import ASKING_MANIFEST, ECHO, asking_app, echo_app


def states(omnicore) -> dict[str, str]:
    return {view["name"]: view["state"] for view in json.loads(omnicore("plugins", "ls", "-o", "json").out)}


def test_the_list_is_lines_with_tabs_in_a_pipe(omnicore, tmp_path):
    asking_app(tmp_path)
    lines = omnicore("plugins", "ls").out.splitlines()
    assert lines[0].split("\t") == ["plugin", "version", "state", "functions", "about"]
    assert lines[1].split("\t")[:4] == ["echo", "-", "enabled", "echo, fail, spin"]
    assert lines[2].split("\t")[:3] == ["store", "1.0.0", "needs-grant"]


def test_the_list_can_be_narrowed_to_a_state(omnicore, tmp_path):
    asking_app(tmp_path)
    found = json.loads(omnicore("plugins", "ls", "--state", "needs-grant", "-o", "json").out)
    assert [view["name"] for view in found] == ["store"]


def test_an_empty_folder_says_what_to_do(omnicore, tmp_path):
    (tmp_path / "plugins").mkdir()
    ran = omnicore("plugins", "ls")
    assert ran.code == 0
    assert "omnicore plugins install" in ran.err


def test_one_plugin_is_shown_with_all_that_is_known(omnicore, tmp_path):
    asking_app(tmp_path)
    ran = omnicore("plugins", "inspect", "store")
    assert 'asks for\tkv {"max_bytes": 1024}  because: Stores the things' in ran.out
    assert "limit timeout_s\t1.0" in ran.out
    document = json.loads(omnicore("plugins", "inspect", "store", "-o", "json").out)
    asked = {"name": "kv", "scope": {"max_bytes": 1024}, "reason": "Stores the things", "warnings": []}
    assert document["asked"] == [asked]


@pytest.mark.parametrize("command", ["inspect", "enable", "disable", "grant", "diff", "remove --yes"])
def test_a_plugin_that_is_not_there_is_told(omnicore, tmp_path, command):
    echo_app(tmp_path)
    ran = omnicore("plugins", *command.split(), "nobody")
    assert ran.code == 5
    assert "nobody" in ran.err


def test_a_plugin_that_asks_is_denied_until_it_is_granted_and_again_after_it_is_revoked(omnicore, tmp_path):
    asking_app(tmp_path)
    denied = omnicore("call", "store.echo", "x")
    assert denied.code == 3
    assert "omnicore plugins grant store" in denied.err

    diff = json.loads(omnicore("plugins", "diff", "store", "-o", "json").out)
    assert [(change["capability"], change["change"]) for change in diff] == [("kv", "new")]

    granted = omnicore("plugins", "grant", "store", "kv")
    assert (granted.code, granted.out) == (0, "Granted store: kv. It is enabled.\n")
    assert omnicore("call", "store.echo", "x").out == "x"
    grants = json.loads(omnicore("plugins", "inspect", "store", "-o", "json").out)["granted"]
    assert grants[0]["granted_by"].startswith("cli:")

    assert "needs-grant" in omnicore("plugins", "revoke", "store", "kv").out
    assert omnicore("call", "store.echo", "x").code == 3


def test_a_grant_for_an_address_of_the_host_itself_is_given_with_a_warning(omnicore, tmp_path, monkeypatch):
    asking_app(tmp_path)
    manifest = ASKING_MANIFEST.replace('name = "kv"', 'name = "http"')
    manifest = manifest.replace("max_bytes = 1024", 'hosts = ["127.0.0.1:8099"]')
    (tmp_path / "plugins" / "store.toml").write_text(manifest)
    monkeypatch.setenv("OMNICORE_PORT", "8099")
    granted = omnicore("plugins", "grant", "store", "http")
    assert granted.code == 0
    assert "Warning: " in granted.err
    assert "the host's own interface" in granted.err


def test_a_disabled_plugin_takes_no_calls_until_it_is_enabled(omnicore, tmp_path):
    echo_app(tmp_path)
    assert omnicore("plugins", "disable", "echo").out == "echo is disabled\n"
    ran = omnicore("call", "echo.echo", "x")
    assert ran.code == 1
    assert "omnicore plugins enable echo" in ran.err
    assert omnicore("plugins", "enable", "echo").out == "echo is enabled\n"
    assert omnicore("call", "echo.echo", "x").out == "x"


def test_a_file_is_installed_with_the_manifest_beside_it(omnicore, tmp_path):
    (tmp_path / "built").mkdir()
    (tmp_path / "built" / "store.wat").write_text(ECHO)
    (tmp_path / "built" / "store.toml").write_text(ASKING_MANIFEST)
    ran = omnicore("plugins", "install", "built/store.wat")
    assert ran.code == 0, ran.err
    assert "Installed store (needs-grant" in ran.out
    assert "omnicore plugins diff store" in ran.err
    assert states(omnicore) == {"store": "needs-grant"}


def test_a_file_that_cannot_be_a_plugin_is_not_installed(omnicore, tmp_path):
    (tmp_path / "bad.wasm").write_bytes(b"\0asm\1\0\0\0\xff")
    (tmp_path / "notes.txt").write_text("")
    assert omnicore("plugins", "install", "bad.wasm").code == 1
    assert omnicore("plugins", "install", "notes.txt").code == 2
    assert omnicore("plugins", "install", "none.wasm").code == 5
    assert list((tmp_path / "plugins").iterdir()) == []


def test_a_broken_file_in_the_folder_stays_in_the_list_with_its_reason(omnicore, tmp_path):
    echo_app(tmp_path)
    (tmp_path / "plugins" / "broken.wasm").write_bytes(b"\0asm\1\0\0\0\xff")
    found = {view["name"]: view for view in json.loads(omnicore("plugins", "ls", "-o", "json").out)}
    assert found["broken"]["state"] == "rejected"
    assert found["broken"]["reason"]


def test_removing_asks_and_in_a_pipe_wants_the_answer_beforehand(omnicore, tmp_path):
    echo_app(tmp_path)
    refused = omnicore("plugins", "remove", "echo")
    assert refused.code == 2
    assert "--yes" in refused.err
    assert (tmp_path / "plugins" / "echo.wat").exists()
    assert omnicore("plugins", "remove", "echo", "--yes").out == "Removed echo\n"
    assert not (tmp_path / "plugins" / "echo.wat").exists()


def test_logs_without_a_server_say_where_they_are(omnicore, tmp_path):
    echo_app(tmp_path)
    ran = omnicore("plugins", "logs", "echo")
    assert ran.code == 1
    assert "no server runs" in ran.err
    assert "call --logs" in ran.err
