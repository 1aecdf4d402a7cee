"""Versions, upgrades and settings of a plugin on the command line."""

from __future__ import annotations

import json

import pytest

from .guests import ASKING_MANIFEST, ECHO

MORE = ECHO.replace("(i32.const 7)", "(i32.const 8)").replace('"spin"', '"turn"')


@pytest.fixture
def upgraded(omnicore, tmp_path):
    """A plugin `store` whose second version asks for more than its first."""
    plugins = tmp_path / "plugins"
    plugins.mkdir()
    (plugins / "store.wat").write_text(ECHO)
    assert omnicore("plugins", "ls").code == 0
    (plugins / "store.wat").write_text(MORE)
    (plugins / "store.toml").write_text(ASKING_MANIFEST)
    return plugins


def test_an_upgrade_is_shown_kept_and_approved_after_all(omnicore, upgraded):
    shown = omnicore("plugins", "diff", "store")
    assert "kv\tnew" in shown.out
    assert "function\tspin\t-" in shown.out
    assert "--approve" in shown.err
    assert "turned away" in omnicore("plugins", "upgrade", "store", "--keep").out
    kept = omnicore("plugins", "upgrade", "store", "-o", "json")
    assert json.loads(kept.out)["kept"]["who"].startswith("cli:")
    assert "store is enabled" in omnicore("plugins", "upgrade", "store", "--approve").out


def test_a_plugin_is_rolled_back(omnicore, upgraded):
    rows = json.loads(omnicore("plugins", "versions", "store", "-o", "json").out)
    assert [one["functions"][-1] for one in rows] == ["turn", "spin"]
    back = omnicore("plugins", "rollback", "store")
    assert (back.code, "store is enabled" in back.out) == (0, True), back.err
    assert (upgraded / "store.wat").read_text() == ECHO
    assert not (upgraded / "store.toml").exists()
    assert omnicore("plugins", "rollback", "store", "f" * 64).code == 5


def test_settings_are_set_shown_and_unset(omnicore, tmp_path):
    plugins = tmp_path / "plugins"
    plugins.mkdir()
    (plugins / "store.wat").write_text(ECHO)
    (plugins / "store.toml").write_text('[config.properties]\nzip = { type = "string" }\ndays = { default = 2 }\n')
    assert omnicore("plugins", "config", "store", "set", "zip", "00184").code == 0
    rows = omnicore("plugins", "config", "store", "set", "api_key", "-", stdin=b"s3cret\n").out
    assert 'zip\t"00184"\tstored' in rows
    assert "days\t2\tdefault" in rows
    assert "s3cret" not in rows
    shown = omnicore("plugins", "config", "store", "unset", "zip", "-o", "json")
    assert (json.loads(shown.out)["secrets"], "zip" in shown.out.split("values")[1]) == (["api_key"], False)
    assert omnicore("plugins", "config", "store", "set", "zip").code == 2


def test_calls_are_divided_among_versions_and_hosts_are_shown(omnicore, upgraded, tmp_path):
    shown = omnicore("plugins", "hosts", "store")
    assert (shown.code, "folder: store.wat" in shown.out) == (0, True), shown.err
    assert omnicore("plugins", "upgrade", "store", "--approve").code == 0
    old = next(
        one["hash"]
        for one in json.loads(omnicore("plugins", "versions", "store", "-o", "json").out)
        if not one["serving"]
    )
    new = json.loads(omnicore("plugins", "show", "store", "-o", "json").out)["hash"]
    divided = omnicore("plugins", "share", "store", f"{new[:12]}=95", f"{old[:12]}=5")
    assert f"95 % to {new[:8]}, 5 % to {old[:8]}" in divided.out, divided.err
    assert f"5 % to {old[:8]}" in omnicore("plugins", "show", "store").out
    assert omnicore("plugins", "share", "store", f"{new[:12]}=95", f"{old[:12]}=6").code == 2
    assert "all calls to" in omnicore("plugins", "share", "store", f"{old[:12]}=100").out


def test_a_version_that_is_held_back_leaves_the_old_one_in_service(omnicore, tmp_path):
    for folder, text in (("one", ECHO), ("two", ECHO.replace('"echo"', '"again"'))):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "store.wat").write_text(text)
    assert omnicore("plugins", "install", tmp_path / "one" / "store.wat").code == 0
    held = omnicore("plugins", "install", "--hold", tmp_path / "two" / "store.wat")
    assert "needs-review: is held back" in held.out, held.err
    assert omnicore("plugins", "call", "store.echo", "hello").out.strip() == "hello"


def test_a_version_is_rolled_out_and_stopped(omnicore, tmp_path):
    for folder, text in (("one", ECHO), ("two", ECHO.replace('"echo"', '"again"'))):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "store.wat").write_text(text)
    assert omnicore("plugins", "install", tmp_path / "one" / "store.wat").code == 0
    held = omnicore("plugins", "install", "--hold", tmp_path / "two" / "store.wat", "-o", "json")
    new = json.loads(held.out)["hash"]
    begun = omnicore("plugins", "rollout", "store", new[:8], "--share", "5,100", "--every", "1m", "--guard", "p95<2x")
    assert "running, 5 % to" in begun.out, begun.err
    assert "running, 5 % to" in omnicore("plugins", "show", "store").out
    assert "stopped, 0 % to" in omnicore("plugins", "rollout", "store", "--stop").out
    limited = omnicore("plugins", "limit", "store", "--concurrent", "8", "--per-second", "50")
    assert limited.out == "Calls of store: at most 8 at once, 0 held now; at most 50 a second\n"
    assert omnicore("plugins", "limit", "store").out == limited.out
    assert omnicore("plugins", "limit", "store", "--none").out == "Calls of store: not limited\n"
    assert omnicore("plugins", "limit", "store", "--none", "--concurrent", "8").code == 2
    omnicore("plugins", "rollout", "store", new[:8], "--share", "5,100")
    assert "paused, 5 % to" in omnicore("plugins", "rollout", "store", "--pause").out
    assert "running, 5 % to" in omnicore("plugins", "rollout", "store", "--resume").out
    assert "done, 100 % to" in omnicore("plugins", "rollout", "store", "--promote").out
    assert omnicore("plugins", "rollout", "store").code == 2
    assert omnicore("plugins", "rollout", "store", new[:8], "--share", "5,x").code == 2
    assert omnicore("plugins", "rollout", "store", new[:8], "--guard", "errors<9x").code == 2
