from __future__ import annotations

from dataclasses import replace

from omnicore.storage.store import Store
from omnicore.storage.tables.grants import GrantRow, GrantsTable
from omnicore.storage.tables.plugins import PluginRow, PluginsTable, VersionRow

ROW = PluginRow(
    name="counter",
    path="counter.wasm",
    signature="1:2:3",
    hash="aa",
    manifest="{}",
    state="enabled",
    reason="",
    problem="",
    switched_off=False,
    serving="aa",
    verified="omnicore 50",
    last_error=None,
    last_error_at=None,
    added_at=1.0,
    changed_at=2.0,
    present=True,
)


def test_a_row_comes_back_as_it_was_saved(store: Store) -> None:
    table = PluginsTable(store)
    table.save(ROW, replace(ROW, name="a", switched_off=True, hash=None, present=False))
    assert table.get("counter") == ROW
    assert [row.name for row in table.all()] == ["a", "counter"]
    assert table.get("nobody") is None


def test_the_last_error_stays_with_its_plugin(store: Store) -> None:
    table = PluginsTable(store)
    table.save(ROW)
    table.record_error("counter", '{"code": "x"}', 5.0)
    assert table.get("counter") == replace(ROW, last_error='{"code": "x"}', last_error_at=5.0)


def test_versions_nobody_serves_or_waits_for_are_dropped(store: Store) -> None:
    table = PluginsTable(store)
    table.save(replace(ROW, hash="new", serving="old"))
    for digest in ("older", "old", "new"):
        table.keep_version(VersionRow("counter", digest, "{}", 3, 0.0))
    table.keep_version(VersionRow("gone", "lost", "{}", 3, 0.0))
    assert table.drop_unused() == {"old", "new"}
    assert table.version("counter", "older") is None
    assert table.version("counter", "old") == VersionRow("counter", "old", "{}", 3, 0.0)


def test_forgetting_a_plugin_drops_its_versions(store: Store) -> None:
    table = PluginsTable(store)
    table.save(ROW)
    table.keep_version(VersionRow("counter", "aa", "{}", 3, 0.0))
    table.forget("counter")
    assert table.all() == []
    assert table.version("counter", "aa") is None


def test_a_newer_grant_takes_the_place_of_the_older(store: Store) -> None:
    table = GrantsTable(store)
    table.give(GrantRow("a", "http", {"hosts": ["x"]}, "ann", 1.0))
    newer = GrantRow("a", "http", {"hosts": ["x", "y"]}, "bob", 2.0)
    other = GrantRow("b", "kv", {}, "ann", 3.0)
    table.give(newer)
    table.give(other)
    assert table.of("a") == (newer,)
    assert table.all() == {"a": (newer,), "b": (other,)}


def test_taking_a_grant_back_says_whether_there_was_one(store: Store) -> None:
    table = GrantsTable(store)
    table.give(GrantRow("a", "kv", {}, "ann", 1.0))
    assert table.take("a", "kv")
    assert not table.take("a", "kv")
    table.give(GrantRow("a", "kv", {}, "ann", 1.0))
    table.forget("a")
    assert table.of("a") == ()
