"""Lanes on both databases: what several hosts see of them."""

from __future__ import annotations

from tests.storage.stores import OpenStore

from omnicore.storage.store import Store
from omnicore.storage.tables.loops import LoopsTable


def test_a_lane_begins_when_it_is_first_seen_and_keeps_that(store: Store) -> None:
    table = LoopsTable(store)
    assert table.enter(["adaptive"], 100.0)["adaptive"].since == 100.0
    again = table.enter(["adaptive", "deliberative"], 200.0)
    assert (again["adaptive"].since, again["deliberative"].since) == (100.0, 200.0)
    assert again["adaptive"].last_run_at is None


def test_one_host_holds_a_lane_until_it_reports(open_store: OpenStore) -> None:
    one, other = LoopsTable(open_store()), LoopsTable(open_store())
    one.enter(["adaptive"], 0.0)
    fence = one.claim("adaptive", "a", now=100.0, until=200.0, due_before=50.0)
    assert fence is not None
    assert other.claim("adaptive", "b", now=150.0, until=250.0, due_before=None) is None
    assert one.finish("adaptive", fence, at=160.0, failed=True, seconds=2.5)
    row = other.all()["adaptive"]
    assert (row.last_run_at, row.cycles, row.failures, row.seconds, row.owner) == (160.0, 1, 1, 2.5, "")
    assert other.claim("adaptive", "b", now=170.0, until=270.0, due_before=159.0) is None  # it has just run
    assert other.claim("adaptive", "b", now=170.0, until=270.0, due_before=160.0) is not None


def test_a_host_that_lost_its_lease_cannot_report(open_store: OpenStore) -> None:
    one, other = LoopsTable(open_store()), LoopsTable(open_store())
    one.enter(["adaptive"], 0.0)
    old = one.claim("adaptive", "a", now=100.0, until=200.0, due_before=None)
    new = other.claim("adaptive", "b", now=201.0, until=300.0, due_before=None)
    assert old is not None
    assert new is not None
    assert new > old
    assert not one.finish("adaptive", old, at=202.0, failed=False, seconds=1.0)
    one.give_back("adaptive", old)
    assert other.all()["adaptive"].owner == "b"
    other.give_back("adaptive", new)
    row = other.all()["adaptive"]
    assert (row.owner, row.cycles, row.last_run_at) == ("", 0, None)


def test_cycles_that_hosts_run_for_themselves_add_up(open_store: OpenStore) -> None:
    one, other = LoopsTable(open_store()), LoopsTable(open_store())
    one.enter(["reactive"], 0.0)
    one.add("reactive", at=5.0, cycles=3, failures=1, seconds=0.5)
    other.add("reactive", at=6.0, cycles=2, failures=0, seconds=0.25)
    row = one.all()["reactive"]
    assert (row.cycles, row.failures, row.seconds, row.last_run_at) == (5, 1, 0.75, 6.0)


def test_measures_are_one_row_a_week_and_the_oldest_go(store: Store) -> None:
    table = LoopsTable(store)
    assert table.measured_before(10) is None
    table.measure(8, {"calls": 1.0}, 0.0)
    table.measure(9, {"calls": 2.0}, 1.0)
    table.measure(9, {"calls": 3.0}, 2.0)
    assert table.measured_before(10) == (9, {"calls": 3.0})
    assert (table.measured(9), table.measured(10)) == ({"calls": 3.0}, {})
    assert table.measured_before(9) == (8, {"calls": 1.0})
    table.measure(1000, {}, 3.0)
    assert table.measured_before(1000) is None
