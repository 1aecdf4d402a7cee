"""Versions that are kept, and the way back to one of them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.plugins.conftest import Rig
from tests.plugins.guests import says
from tests.plugins.killed import after_each_kill

from omnicore.errors import Conflict, InvalidInput, NotFound
from omnicore.sandbox.capi.code import wat_to_wasm

KV = '[[capabilities]]\nname = "kv"\nreason = "Stores the count"\n'


def wasm(letter: str) -> bytes:
    return wat_to_wasm(says(letter).encode())


def digest(letter: str) -> str:
    return hashlib.sha256(wasm(letter)).hexdigest()


def seen(rig: Rig, *letters: str) -> None:
    """Has the host see one version after the other."""
    for number, letter in enumerate(letters):
        rig.drop("a.toml", f'version = "{number + 1}.0"')
        rig.drop("a.wasm", wasm(letter))
        rig.scan()


def test_the_versions_that_were_seen_are_listed_the_newest_first(rig: Rig) -> None:
    seen(rig, "1", "2")
    newer, older = rig.host.versions("a")
    assert (newer.version, newer.serving, newer.newest, newer.hash) == ("2.0", True, True, digest("2"))
    assert (older.version, older.serving, older.newest, older.turned_away) == ("1.0", False, False, False)
    assert (older.size_bytes, older.functions) == (len(wasm("1")), ("say",))
    assert older.seen_at <= newer.seen_at


def test_no_more_versions_are_kept_than_the_setting_says(rig_at: Callable[..., Rig], tmp_path: Path) -> None:
    rig = rig_at(tmp_path, kept_versions=2)
    seen(rig, *"12345")
    assert [one.version for one in rig.host.versions("a")] == ["5.0", "4.0", "3.0"]
    assert len(list((rig.settings.data / "modules").iterdir())) == 3


def test_a_rollback_puts_the_earlier_file_and_its_manifest_back(rig: Rig) -> None:
    seen(rig, "1", "2")
    view = rig.host.rollback("a", digest("1"), who="ann")
    assert (view.version, view.state, view.serving, view.hash) == ("1.0", "enabled", digest("1"), digest("1"))
    assert rig.host.call_blocking("a") == b"1"
    assert rig.settings.plugins.joinpath("a.wasm").read_bytes() == wasm("1")
    assert rig.settings.plugins.joinpath("a.toml").read_text() == 'version = "1.0"'


def test_after_a_rollback_a_later_host_finds_the_same(rig_at: Callable[..., Rig], tmp_path: Path) -> None:
    first = rig_at(tmp_path)
    seen(first, "1", "2")
    first.host.rollback("a", digest("1")[:8], who="ann")
    later = rig_at(tmp_path)
    assert later.scan() == {"a": "enabled"}
    assert later.host.call_blocking("a") == b"1"
    later.host.rollback("a", digest("2"), who="ann")
    assert later.host.call_blocking("a") == b"2"


def test_a_plugin_in_text_gets_its_text_back(rig: Rig) -> None:
    for letter in "12":
        rig.drop("a.wat", says(letter))
        rig.scan()
    rig.host.rollback("a", digest("1"), who="ann")
    assert rig.settings.plugins.joinpath("a.wat").read_text() == says("1")
    assert rig.host.call_blocking("a") == b"1"


def test_a_plugin_with_its_source_beside_it_keeps_that_untouched(rig: Rig) -> None:
    rig.drop("a/plugin.toml", 'version = "1.0"')
    rig.drop("a/dist/a.wasm", wasm("1"))
    rig.scan()
    rig.drop("a/plugin.toml", 'version = "2.0"')
    rig.drop("a/dist/a.wasm", wasm("2"))
    rig.scan()
    assert rig.host.rollback("a", digest("1"), who="ann").version == "1.0"
    assert rig.settings.plugins.joinpath("a/plugin.toml").read_text() == 'version = "2.0"'
    assert rig.settings.plugins.joinpath("a/dist/a.toml").read_text() == 'version = "1.0"'


def test_a_manifest_that_came_later_goes_with_the_rollback(rig: Rig) -> None:
    rig.drop("a.wasm", wasm("1"))
    rig.scan()
    rig.drop("a.wasm", wasm("2"))
    rig.drop("a.toml", 'version = "2.0"')
    rig.scan()
    assert rig.host.rollback("a", digest("1"), who="ann").version == ""
    assert not rig.settings.plugins.joinpath("a.toml").exists()


def test_a_version_that_asks_for_less_needs_no_new_grant(rig: Rig) -> None:
    rig.drop("a.wasm", wasm("1"))
    rig.scan()
    rig.drop("a.toml", KV)
    rig.drop("a.wasm", wasm("2"))
    rig.scan()
    rig.host.approve("a", who="ann")
    assert rig.host.rollback("a", digest("1"), who="ann").state == "enabled"
    assert rig.host.scope("a", "kv") is None
    assert rig.host.rollback("a", digest("2"), who="ann").state == "enabled"


def test_a_version_that_asks_for_more_than_it_has_waits_while_the_other_serves(rig: Rig) -> None:
    rig.drop("a.wasm", wasm("1"))
    rig.drop("a.toml", KV)
    rig.scan()
    rig.host.grant("a", who="ann")
    rig.settings.plugins.joinpath("a.toml").unlink()
    rig.drop("a.wasm", wasm("2"))
    rig.scan()
    rig.host.approve("a", who="ann")
    rig.host.revoke("a", "kv", who="ann")
    view = rig.host.rollback("a", digest("1"), who="ann")
    assert (view.state, view.serving) == ("needs-grant", digest("2"))
    assert rig.host.call_blocking("a") == b"2"


def test_a_file_that_was_broken_is_mended_by_going_back_to_what_serves(rig: Rig) -> None:
    seen(rig, "1")
    rig.drop("a.wasm", b"nonsense")
    assert rig.scan() == {"a": "rejected"}
    assert rig.host.rollback("a", digest("1"), who="ann").state == "enabled"


@pytest.mark.parametrize(
    ("wanted", "error"),
    [("0" * 64, NotFound), ("12345", InvalidInput), ("../" * 5, InvalidInput), ("%" * 8, InvalidInput)],
)
def test_only_versions_that_are_kept_can_be_gone_back_to(rig: Rig, wanted: str, error: type[Exception]) -> None:
    seen(rig, "1")
    with pytest.raises(error):
        rig.host.rollback("a", wanted, who="ann")


def test_what_lies_in_the_folder_already_is_no_way_back(rig: Rig) -> None:
    seen(rig, "1")
    with pytest.raises(Conflict, match="already"):
        rig.host.rollback("a", digest("1"), who="ann")


def test_a_version_whose_bytes_were_deleted_says_so_and_changes_nothing(rig: Rig) -> None:
    seen(rig, "1", "2")
    (rig.settings.data / "modules" / f"{digest('1')}.wasm").unlink()
    with pytest.raises(Exception, match="cannot be used"):
        rig.host.rollback("a", digest("1"), who="ann")
    assert rig.host.call_blocking("a") == b"2"


def test_a_removed_plugin_leaves_no_versions_behind(rig: Rig) -> None:
    seen(rig, "1", "2")
    rig.host.remove("a")
    seen(rig, "3")
    assert [one.hash for one in rig.host.versions("a")] == [digest("3")]


def _roll_back(rig: Rig) -> None:
    rig.host.rollback("a", digest("1"), who="ann")


def _agreement(rig: Rig) -> tuple[str, str, str, int]:
    view = rig.host.get("a")
    file = hashlib.sha256(rig.settings.plugins.joinpath("a.wasm").read_bytes()).hexdigest()
    said = rig.host.call_blocking("a").decode()
    left = len([one for one in rig.settings.plugins.iterdir() if not one.name.startswith(".")])
    assert file == view.hash == view.serving == digest(said), (file, view.hash, view.serving, said)
    manifest = rig.settings.plugins.joinpath("a.toml").read_text()
    return (said, view.version, manifest, left)


def test_a_rollback_killed_anywhere_is_done_wholly_or_not_at_all(rig: Rig, tmp_path: Path) -> None:
    seen(rig, "1", "2")
    rig.close()
    found = after_each_kill(tmp_path, _roll_back, _agreement, times=8)
    before, after = ("2", "2.0", 'version = "2.0"', 2), ("1", "1.0", 'version = "1.0"', 2)
    assert set(found) == {before, after}
    assert found == sorted(found, reverse=True)  # once it has begun, it is done


def _install(rig: Rig) -> None:
    rig.host.install("a.wasm", wasm("1"), manifest=b'version = "1.0"')


def test_an_upload_of_two_files_killed_anywhere_is_done_wholly_or_not_at_all(rig: Rig, tmp_path: Path) -> None:
    seen(rig, "1", "2")
    rig.close()
    found = after_each_kill(tmp_path, _install, _agreement, times=6)
    before, after = ("2", "2.0", 'version = "2.0"', 2), ("1", "1.0", 'version = "1.0"', 2)
    assert set(found) == {before, after}


def test_a_file_put_there_after_a_killed_rollback_is_left_alone(rig: Rig) -> None:
    seen(rig, "1", "2")
    rig.host._rollbacks.begin("a", "a.wasm", digest("1"))
    rig.drop("a.wasm", wasm("3"))
    rig.scan()
    assert rig.host.call_blocking("a") == b"3"
