from __future__ import annotations

import threading
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from omnicore.clock import ManualClock
from omnicore.errors import InvalidInput, LimitExceeded
from omnicore.storage.store import Store
from omnicore.storage.tables.kv import KvTable, KvTotals


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def kv(store: Store, clock: ManualClock) -> KvTable:
    return KvTable(store, clock)


def test_values_are_bytes_and_come_back_as_they_went(kv: KvTable) -> None:
    value = bytes(range(256))
    version = kv.put("a", "key", value)
    assert kv.get("a", "key") == (value, version)
    assert kv.get("a", "other") is None


def test_plugins_do_not_see_each_other(kv: KvTable) -> None:
    kv.put("a", "key", b"of a")
    assert kv.get("b", "key") is None
    assert kv.list("b") == ([], None)
    assert not kv.delete("b", "key")
    assert kv.get("a", "key") is not None


def test_a_version_is_never_given_twice_even_after_a_delete(kv: KvTable) -> None:
    first = kv.put("a", "key", b"1")
    kv.delete("a", "key")
    second = kv.put("a", "key", b"1")
    assert second > first
    assert kv.cas("a", "key", first, b"2") == (False, second)


def test_delete_says_whether_there_was_something(kv: KvTable, clock: ManualClock) -> None:
    kv.put("a", "key", b"1", 5)
    clock.advance(5)
    assert not kv.delete("a", "key")
    kv.put("a", "key", b"1")
    assert kv.delete("a", "key")
    assert not kv.delete("a", "key")


def test_compare_and_set_writes_only_on_the_expected_version(kv: KvTable) -> None:
    assert kv.cas("a", "key", 5, b"x") == (False, None)
    swapped, version = kv.cas("a", "key", None, b"1")
    assert swapped
    assert kv.cas("a", "key", None, b"2") == (False, version)
    swapped, newer = kv.cas("a", "key", version, b"2")
    assert swapped
    assert kv.get("a", "key") == (b"2", newer)


def test_compare_and_set_lets_exactly_one_of_many_threads_win(kv: KvTable) -> None:
    def count(times: int) -> None:
        for _ in range(times):
            while True:
                found = kv.get("a", "n")
                value, version = (int(found[0]), found[1]) if found else (0, None)
                if kv.cas("a", "n", version, str(value + 1).encode())[0]:
                    break

    threads = [threading.Thread(target=count, args=(25,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert kv.get("a", "n")[0] == b"100"


def test_an_entry_is_gone_when_its_time_is_over(kv: KvTable, clock: ManualClock) -> None:
    kv.put("a", "key", b"1", 10)
    clock.advance(9.9)
    assert kv.get("a", "key") is not None
    clock.advance(0.1)
    assert kv.get("a", "key") is None
    assert kv.list("a") == ([], None)
    assert kv.cas("a", "key", None, b"2")[0]


def test_writing_again_without_a_time_keeps_the_entry(kv: KvTable, clock: ManualClock) -> None:
    kv.put("a", "key", b"1", 10)
    kv.put("a", "key", b"2")
    clock.advance(100)
    assert kv.get("a", "key") is not None


def test_sweep_deletes_what_expired_of_all_plugins(kv: KvTable, clock: ManualClock) -> None:
    for plugin in ("a", "b"):
        kv.put(plugin, "short", b"1", 1)
        kv.put(plugin, "long", b"1", 100)
    clock.advance(2)
    assert kv.sweep() == 2
    assert kv.totals("a") == KvTotals(bytes=5, keys=1)


def test_the_quota_of_bytes_counts_keys_and_values(kv: KvTable) -> None:
    kv.put("a", "key", b"x" * 7, max_bytes=10)
    with pytest.raises(LimitExceeded, match=r"a may keep 10 bytes in kv and has no room left; .*max_bytes") as caught:
        kv.put("a", "k2", b"", max_bytes=10)
    assert caught.value.details == {"limit": "max_bytes", "allowed": 10}
    assert kv.get("a", "k2") is None
    kv.put("b", "key", b"x" * 7, max_bytes=10)


def test_the_quota_of_keys_allows_overwriting(kv: KvTable) -> None:
    kv.put("a", "one", b"1", max_keys=1)
    kv.put("a", "one", b"longer", max_keys=1)
    with pytest.raises(LimitExceeded, match="may keep 1 keys"):
        kv.put("a", "two", b"2", max_keys=1)
    with pytest.raises(LimitExceeded, match="may keep 1 keys"):
        kv.cas("a", "two", None, b"2", max_keys=1)


def test_a_refused_write_leaves_the_old_value(kv: KvTable) -> None:
    version = kv.put("a", "key", b"old", max_bytes=10)
    with pytest.raises(LimitExceeded):
        kv.put("a", "key", b"x" * 100, max_bytes=10)
    assert kv.get("a", "key") == (b"old", version)
    assert kv.totals("a") == KvTotals(bytes=6, keys=1)


def test_under_a_lowered_quota_a_plugin_can_still_shrink(kv: KvTable) -> None:
    kv.put("a", "key", b"x" * 50)
    kv.put("a", "key", b"x" * 40, max_bytes=10)
    with pytest.raises(LimitExceeded):
        kv.put("a", "key", b"x" * 41, max_bytes=10)


def test_expired_entries_make_room(kv: KvTable, clock: ManualClock) -> None:
    kv.put("a", "old", b"x" * 7, 1, max_bytes=10)
    clock.advance(1)
    kv.put("a", "new", b"x" * 7, max_bytes=10)
    assert kv.totals("a") == KvTotals(bytes=10, keys=1)


def test_listing_goes_page_by_page_through_one_prefix(kv: KvTable) -> None:
    for key in ("a", "user:1", "user:2", "user:3", "user;", "zz", "user"):
        kv.put("p", key, b"")
    assert kv.list("p", "user:", 2) == (["user:1", "user:2"], "user:2")
    assert kv.list("p", "user:", 2, "user:2") == (["user:3"], None)
    assert kv.list("p", "user:", 3) == (["user:1", "user:2", "user:3"], None)
    assert kv.list("p")[0] == ["a", "user", "user:1", "user:2", "user:3", "user;", "zz"]


@pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)
def test_listing_reads_only_its_own_range_of_the_index(store: Store) -> None:
    plan = store.rows(
        "EXPLAIN QUERY PLAN SELECT key FROM kv WHERE plugin = ? AND key >= ?"
        " AND (expires_at IS NULL OR expires_at > ?) AND key < ? ORDER BY key LIMIT ?",
        ("p", b"a", 0, b"b", 10),
    )
    assert "SEARCH kv USING INDEX sqlite_autoindex_kv_1 (plugin=? AND key>? AND key<?)" in plan[0][-1]
    assert len(plan) == 1  # no temporary tree for the order


@pytest.mark.parametrize("prefix", ["\x7f", "é", "\u07ff", "\uffff", "\U0010ffff", "\ud7ff"])
def test_any_prefix_finds_its_keys(kv: KvTable, prefix: str) -> None:
    kv.put("p", prefix, b"")
    kv.put("p", prefix + "\U0010ffff", b"")
    assert kv.list("p", prefix)[0] == [prefix, prefix + "\U0010ffff"]


def test_a_lone_surrogate_finds_nothing_and_cannot_be_a_key(kv: KvTable) -> None:
    kv.put("p", "a", b"")
    assert kv.list("p", "\ud800") == ([], None)
    with pytest.raises(InvalidInput, match="no valid Unicode"):
        kv.put("p", "\ud800", b"")


@pytest.mark.parametrize("key", ["", "x" * 1025])
def test_a_key_of_no_or_too_many_bytes_is_refused(kv: KvTable, key: str) -> None:
    with pytest.raises(InvalidInput, match="use 1 to 1024 bytes"):
        kv.put("p", key, b"")


@pytest.mark.parametrize("ttl_s", [0, -1, float("nan")])
def test_a_time_to_live_must_be_above_nothing(kv: KvTable, ttl_s: float) -> None:
    with pytest.raises(InvalidInput, match="give seconds above 0"):
        kv.put("p", "key", b"", ttl_s)


def test_a_page_must_hold_something(kv: KvTable) -> None:
    with pytest.raises(InvalidInput, match="limit of 1 or more"):
        kv.list("p", limit=0)


def test_clear_forgets_one_plugin_only(kv: KvTable) -> None:
    kv.put("a", "key", b"1")
    kv.put("b", "key", b"1")
    kv.clear("a")
    assert kv.totals("a") == KvTotals(0, 0)
    assert kv.totals("b") == KvTotals(bytes=4, keys=1)


_plugins = count()
_keys = st.sampled_from(["a", "b", "ab", "é", "\U0001f600"])
_steps = st.lists(
    st.one_of(
        st.tuples(st.just("put"), _keys, st.binary(max_size=20), st.none() | st.integers(1, 5)),
        st.tuples(st.just("delete"), _keys),
        st.tuples(st.just("wait"), st.integers(1, 3)),
        st.tuples(st.just("sweep")),
    ),
    max_size=30,
)


@given(steps=_steps)
@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
def test_it_behaves_like_a_dictionary_and_its_totals_are_always_right(store: Store, steps: list[tuple]) -> None:
    clock, model, plugin = ManualClock(), {}, f"p{next(_plugins)}"
    kv = KvTable(store, clock)
    for step in steps:
        if step[0] == "put":
            kv.put(plugin, step[1], step[2], step[3])
            model[step[1]] = (step[2], None if step[3] is None else clock.now() + step[3])
        elif step[0] == "delete":
            kv.delete(plugin, step[1])
            model.pop(step[1], None)
        elif step[0] == "wait":
            clock.advance(step[1])
        else:
            kv.sweep()
        alive = {key: one for key, (one, end) in model.items() if end is None or end > clock.now()}
        assert kv.list(plugin)[0] == sorted(alive, key=str.encode)
        for key, value in alive.items():
            assert kv.get(plugin, key)[0] == value
        held = "SELECT coalesce(sum(length(key) + length(value)), 0), count(*) FROM kv WHERE plugin = ?"
        assert kv.totals(plugin) == KvTotals(*store.rows(held, (plugin,))[0])
