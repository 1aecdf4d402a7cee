"""Subscriptions, the heartbeat and the size of the database, on both databases."""

from __future__ import annotations

import pytest

from omnicore.clock import ManualClock
from omnicore.errors import LimitExceeded
from omnicore.storage.archive import stored_bytes
from omnicore.storage.store import Store
from omnicore.storage.tables.events import HeartbeatsTable, SubscriptionsTable


@pytest.fixture
def table(store: Store) -> SubscriptionsTable:
    return SubscriptionsTable(store, ManualClock())


def add(table: SubscriptionsTable, order: str, plugin: str = "a", topic: str = "t", most: int = 2) -> str:
    return table.add(order, plugin, topic, "hear", most=most, most_all=3)


def test_the_same_subscription_twice_is_one(table: SubscriptionsTable) -> None:
    assert [add(table, "s1"), add(table, "s2")] == ["s1", "s1"]
    assert [(row.id, row.plugin, row.topic, row.function) for row in table.all()] == [("s1", "a", "t", "hear")]


def test_each_plugin_has_a_quota_and_all_together_have_one(table: SubscriptionsTable) -> None:
    add(table, "s1")
    add(table, "s2", topic="u")
    with pytest.raises(LimitExceeded, match="3 subscriptions where 2 are allowed"):
        add(table, "s3", topic="v")
    add(table, "s3", plugin="b")
    with pytest.raises(LimitExceeded) as full:
        add(table, "s4", plugin="b", topic="u")
    assert full.value.details["limit"] == "events.subscriptions"


def test_a_plugin_ends_its_own_and_all_go_with_it(table: SubscriptionsTable) -> None:
    add(table, "s1")
    add(table, "s2", plugin="b")
    assert not table.remove("b", "s1")
    assert table.remove("a", "s1")
    assert (table.of("a"), table.forget("b"), table.all()) == ([], 1, [])


def test_a_heartbeat_is_one_row_for_ever(store: Store) -> None:
    clock = ManualClock()
    for _ in range(3):
        HeartbeatsTable(store, clock).beat("host")
        clock.advance(1)
    assert store.rows("SELECT name, at FROM heartbeats") == [("host", clock.now() - 1)]


def test_the_database_has_a_size(store: Store) -> None:
    assert stored_bytes(store) > 10_000
