from __future__ import annotations

import pytest

from omnicore.records import replace
from omnicore.storage.store import Store
from omnicore.storage.tables.plugins import (
    STATES_COUNTED,
    GrantRow,
    GrantsTable,
    PluginConfigTable,
    PluginRow,
    PluginsTable,
    RollbackRow,
    TurnedAwayRow,
    VersionRow,
    VersionsTable,
)

ROW = PluginRow(
    name="counter",
    path="counter.wasm",
    hash="aa",
    manifest="{}",
    state="enabled",
    reason="",
    problem="",
    switched_off=False,
    serving="aa",
    last_error=None,
    last_error_at=None,
    added_at=1.0,
    changed_at=2.0,
    present=True,
)


def test_a_row_comes_back_as_it_was_saved(store: Store) -> None:
    table = PluginsTable(store)
    table.save(ROW, replace(ROW, name="a", switched_off=True, hash=None, present=False))
    assert table.get("counter") == replace(ROW, revision=1)
    assert [row.name for row in table.all()] == ["a", "counter"]
    assert table.get("nobody") is None


def test_plugins_are_counted_by_state_without_reading_their_rows(store: Store) -> None:
    table = PluginsTable(store)
    off = [replace(ROW, name=f"off{number}", state="disabled") for number in range(3)]
    table.save(ROW, *off, replace(ROW, name="gone", present=False))
    assert table.count_states() == {"enabled": 1, "disabled": 3}
    if store.dialect == "sqlite":
        assert "plugins_state" in str(store.rows(f"EXPLAIN QUERY PLAN {STATES_COUNTED}"))


def test_the_last_error_stays_with_its_plugin(store: Store) -> None:
    table = PluginsTable(store)
    table.save(ROW)
    table.record_error("counter", '{"code": "x"}', 5.0)
    assert table.get("counter") == replace(ROW, revision=1, last_error='{"code": "x"}', last_error_at=5.0)


def test_versions_nobody_serves_or_waits_for_are_dropped(store: Store) -> None:
    table = PluginsTable(store)
    table.save(replace(ROW, hash="new", serving="old"))
    for digest in ("older", "old", "new"):
        table.keep_version(VersionRow("counter", digest, "{}", 3, 0.0))
    table.keep_version(VersionRow("gone", "lost", "{}", 3, 0.0))
    assert table.drop_unused() == {"old", "new"}
    assert table.version("counter", "older") is None
    assert table.version("counter", "old") == VersionRow("counter", "old", "{}", 3, 0.0)


def test_the_last_few_versions_of_each_plugin_are_kept_with_their_manifests(store: Store) -> None:
    table, about = PluginsTable(store), VersionsTable(store)
    for name in ("counter", "other"):
        table.save(replace(ROW, name=name, hash="9", serving="0"))
        for number in range(10):
            table.keep_version(VersionRow(name, str(number), "{}", 3, float(number)))
            about.keep_sidecar(name, str(number), f"# {number}")
    assert table.drop_unused(2) == {"0", "7", "8", "9"}
    assert [one.hash for one in about.of("counter")] == ["9", "8", "7", "0"]
    assert (about.sidecar("counter", "8"), about.sidecar("counter", "6")) == ("# 8", None)


def test_a_page_of_plugins_is_by_name_and_narrowed_by_state_and_text(store: Store) -> None:
    table = PluginsTable(store)
    names = ["a", "b", "c_c", "cxc", "Z"]
    table.save(*[replace(ROW, name=name, path=f"{name}.wasm", state="enabled", reason="") for name in names])
    table.save(replace(ROW, name="d", path="d.wasm", state="rejected", reason="50% Nonsense"))
    table.save(replace(ROW, name="gone", path="gone.wasm", present=False))

    def page(after: str = "", limit: int = 10, **wanted: str) -> list[str]:
        return [row.name for row in table.page(after, limit, **wanted)]

    assert page() == ["Z", "a", "b", "c_c", "cxc", "d"]
    assert page("a", 2) == ["b", "c_c"]
    assert page(state="rejected") == ["d"]
    assert page(text="C_C") == ["c_c"]
    assert page(text="50% n") == ["d"]
    assert page(text="!") == page(text="%%") == page(text="gone") == []
    assert page("Z", state="enabled", text="Z") == []


def test_a_rollback_that_began_is_known_until_it_ends(store: Store) -> None:
    about = VersionsTable(store)
    with store.write() as session:
        about.turn_away(session, TurnedAwayRow("counter", "aa", "ann", 1.0))
    assert about.turned_away("counter") == {"aa": TurnedAwayRow("counter", "aa", "ann", 1.0)}
    row = RollbackRow("counter", "aa", "counter.wasm", "1:2:3", 2.0)
    about.begin(row, "aa")
    assert about.begun("") == [row]
    assert about.turned_away("counter") == {}
    about.end(row)
    assert about.begun("") == []


def test_settings_of_a_plugin_are_replaced_together(store: Store) -> None:
    table = PluginConfigTable(store)
    table.replace("a", {"city": "Oslo", "days": [1, None]}, who="ann", at=1.0)
    table.replace("b", {"city": "Rome"}, who="ann", at=1.0)
    table.replace("a", {"days": 2}, who="bob", at=2.0)
    assert (table.of("a"), table.of("b")) == ({"days": 2}, {"city": "Rome"})
    table.forget("a")
    assert table.of("a") == {}


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


def test_a_grant_is_taken_back_with_what_follows_from_it_or_not_at_all(store: Store) -> None:
    table = GrantsTable(store)
    table.give(GrantRow("a", "kv", {}, "ann", 1.0))

    def take_and_fail() -> None:
        with store.write() as session:
            table.take(session, "a", "kv")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        take_and_fail()
    assert [grant.capability for grant in table.of("a")] == ["kv"]
    with store.write() as session:
        table.take(session, "a", "kv")
    assert table.of("a") == ()
    table.give(GrantRow("a", "kv", {}, "ann", 1.0))
    table.forget("a")
    assert table.of("a") == ()
