"""Intelligences, their ledger and skills on both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from tests.storage.stores import OpenStore

from omnicore.storage.store import Store
from omnicore.storage.tables.intelligences import IntelligencesTable, Room, SkillRow, UsageRow


def test_a_name_that_is_there_gets_the_next_version(store: Store) -> None:
    table = IntelligencesTable(store)
    first = table.add("int_1", "Researcher", "{}", 1.0, most=10)
    second = table.add("int_2", "Researcher", "{}", 2.0, most=10)
    assert first is not None
    assert second is not None
    assert (first.version, second.version) == (1, 2)
    assert table.get("int_2") == second
    assert table.get("int_3") is None


def test_hosts_that_make_versions_of_one_name_at_once_all_get_one_of_their_own(open_store: OpenStore) -> None:
    tables = [IntelligencesTable(open_store()) for _ in range(2)]
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda n: tables[n % 2].add(f"int_{n}", "Same", "{}", 1.0, most=100), range(12)))
    assert sorted(row.version for row in made if row is not None) == list(range(1, 13))


def test_no_more_are_kept_than_allowed_and_retiring_makes_room(store: Store) -> None:
    table = IntelligencesTable(store)
    assert table.add("int_1", "a", "{}", 1.0, most=1)
    assert table.add("int_2", "b", "{}", 1.0, most=1) is None
    assert table.retire("int_1", 2.0)
    assert not table.retire("int_1", 3.0)
    assert table.add("int_2", "b", "{}", 1.0, most=1)
    assert table.count() == 1


def test_pages_go_by_age_and_leave_out_what_is_retired(store: Store) -> None:
    table = IntelligencesTable(store)
    for number in range(5):
        table.add(f"int_{number}", "odd" if number % 2 else "even", "{}", 1.0, most=10)
    table.retire("int_2", 9.0)
    assert [row.id for row in table.page(after="", limit=2, retired=False, name=None)] == ["int_0", "int_1"]
    assert [row.id for row in table.page(after="int_1", limit=5, retired=False, name=None)] == ["int_3", "int_4"]
    assert [row.id for row in table.page(after="", limit=5, retired=True, name=None)] == ["int_2"]
    assert [row.id for row in table.page(after="", limit=5, retired=False, name="odd")] == ["int_1", "int_3"]


def test_a_budget_of_calls_holds_whoever_spends_it(open_store: OpenStore) -> None:
    tables = [IntelligencesTable(open_store()) for _ in range(2)]
    with ThreadPoolExecutor(4) as pool:
        taken = list(pool.map(lambda n: tables[n % 2].take("int_1", 0, Room(calls=7)), range(20)))
    assert sum(taken) == 7
    assert tables[0].usage("int_1", 0).calls == 7


def test_time_and_fuel_end_a_period_and_the_next_begins_anew(store: Store) -> None:
    table, room = IntelligencesTable(store), Room(seconds=1.0, fuel=100)
    assert table.take("int_1", 0, room)
    table.spend("int_1", 0, seconds=0.25, fuel=99)
    assert table.take("int_1", 0, room)
    table.spend("int_1", 0, seconds=0.25, fuel=1)
    assert not table.take("int_1", 0, room)
    assert table.usage("int_1", 0) == UsageRow(2, 0.5, 100)
    assert table.take("int_1", 60, room)
    assert table.usage("int_1", 0) == UsageRow()


def test_skills_add_up_and_go_with_their_plugin(store: Store) -> None:
    table = IntelligencesTable(store)
    table.learn([SkillRow("text.count", "text", 10, 1, 0.01, 1.0), SkillRow("old.f", "old", 1, 0, 0.01, 1.0)])
    table.learn([SkillRow("text.count", "text", 5, 2, 0.02, 2.0)])
    assert table.skills()["text.count"] == SkillRow("text.count", "text", 15, 3, 0.02, 2.0)
    table.forget_skills("old")
    assert set(table.skills()) == {"text.count"}
