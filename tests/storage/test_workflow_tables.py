"""Tables of workflows: definitions and their versions, waits, rates, and that each look costs what it finds."""

from __future__ import annotations

from pathlib import Path

import pytest

from omnicore.clock import ManualClock
from omnicore.storage.backup import backup, restore_sqlite
from omnicore.storage.database import Database
from omnicore.storage.store import Store
from omnicore.storage.tables.workflow_definitions import BriefRow, BriefsTable, DefinitionsTable, LastRun, keep_document
from omnicore.storage.tables.workflow_runs import READY_SQL, RunRow, RunsTable, add_runs
from omnicore.storage.tables.workflow_triggers import (
    ScheduleRow,
    WaitRow,
    WaitsTable,
    WorkflowSchedulesTable,
    add_waits,
    drop_waits,
    first_seen,
    gcra,
    replace_schedules,
    sweep_seen,
)

NOW = 1_700_000_000.0


def run(name: str, workflow: str = "orders", status: str = "completed", **more: object) -> RunRow:
    values = dict.fromkeys(RunRow.__dataclass_fields__, None) | {
        **{"id": name, "workflow": workflow, "digest": "d", "number": 1, "status": status, "priority": 4},
        **{"begin_at": NOW, "stamped_at": NOW, "held": 0, "trigger": "{}", "root": name, "depth": 0, "trial": 0},
        **{"created_by": "ana", "created_at": NOW, "input": "{}", "nonce": "n", "seq": 0, "hash": "h"},
    }
    return RunRow(**(values | more))  # type: ignore[arg-type]


def put(table: DefinitionsTable, text: str, name: str = "orders", **more: object) -> object:
    told = {"digest": f"digest of {text.strip()}", "text": text, "document": f'{{"d":"{text.strip()}"}}'}
    return table.put(name, **told, by="ana", now=NOW, **more)  # type: ignore[arg-type]


def test_a_definition_has_numbered_versions_and_the_newest_is_the_present_one(store: Store) -> None:
    table = DefinitionsTable(store)
    assert put(table, "one", new=False) is None
    first = put(table, "one", new=True)
    assert first == table.get("orders")
    assert put(table, "two", new=True) is None
    assert put(table, "two", expected="digest of other") is None
    assert put(table, "one") == first
    numbers = []
    put(table, "two", expected="digest of one", new=False, also=lambda session, number: numbers.append(number))
    put(table, "two  ")
    put(table, "one")
    row = table.get("orders")
    assert row is not None
    assert (row.number, row.digest, row.text, row.enabled, numbers) == (4, "digest of one", "one", True, [2])
    assert [(one.number, one.text) for one in table.versions("orders")] == [(4, ""), (3, ""), (2, ""), (1, "")]
    assert [one.number for one in table.versions("orders", 2, before=3)] == [2, 1]
    third = table.version("orders", 3)
    assert third is not None
    assert (third.text, table.document(third.digest)) == ("two  ", '{"d":"two"}')


def test_definitions_are_switched_listed_and_removed_and_their_documents_stay_for_runs(store: Store) -> None:
    table = DefinitionsTable(store)
    for name in ("orders", "shop.orders", "a_b", "axb"):
        put(table, f"text of {name}", name)
    assert table.switch("orders", on=False, now=NOW + 1)
    assert not table.switch("other", on=False, now=NOW)
    put(table, "changed")
    lists = BriefsTable(store)
    assert [(one.workflow, one.enabled) for one in lists.page(9, containing="Orders")] == [
        ("orders", False),
        ("shop.orders", True),
    ]
    assert [one.workflow for one in lists.page(9, containing="a_b")] == ["a_b"]
    assert [one.workflow for one in lists.page(2, after="a_b")] == ["axb", "orders"]
    row = ScheduleRow("orders", 0, "cron", "* * * * *", "UTC", "one", "null", NOW, NOW, NOW)
    store.apply(lambda session: replace_schedules(session, "orders", [row]))
    store.apply(lambda session: add_runs(session, [run("run_1", digest="digest of changed")]))
    assert table.remove("orders")
    assert not table.remove("orders")
    assert (table.get("orders"), table.versions("orders")) == (None, [])
    assert WorkflowSchedulesTable(store).of("orders") == []
    assert table.sweep_documents(NOW + 1) == (1, None)
    assert table.document("digest of changed") is not None
    assert table.document("digest of text of orders") is None


def test_documents_of_trials_go_with_their_last_run(store: Store) -> None:
    table = DefinitionsTable(store)
    for number in range(5):
        store.apply(lambda session, number=number: keep_document(session, f"trial {number}", "{}", NOW + number))
    gone, place = table.sweep_documents(NOW + 4, limit=3)
    assert (gone, place) == (3, (NOW + 2, "trial 2"))
    assert table.sweep_documents(NOW + 4, place or (0.0, ""), limit=3) == (1, None)
    assert table.document("trial 4") is not None


def test_waits_are_found_by_task_and_correlation_and_approvals_newest_first(store: Store) -> None:
    table = WaitsTable(store)
    waits = [
        WaitRow("run_1", "/a", "event", "d#/a", "7"),
        WaitRow("run_2", "/a", "event", "d#/a", "8"),
        WaitRow("run_3", "/a", "event", "d#/a", "7"),
        WaitRow("run_1", "/b", "event", "e#/b"),
        *(WaitRow(f"run_{n}", place, "approval") for n in (1, 2, 3) for place in ("/x", "/y")),
    ]
    store.apply(lambda session: add_waits(session, waits))
    store.apply(lambda session: add_waits(session, [WaitRow("run_2", "/a", "event", "d#/a", "9")]))
    assert table.keys() == ["d#/a", "e#/b"]
    assert [one.run for one in table.listening("d#/a", "7")] == ["run_1", "run_3"]
    assert [one.run for one in table.listening("d#/a", "7", after="run_1")] == ["run_3"]
    assert (table.listening("d#/a", "8"), len(table.of_run("run_1"))) == ([], 4)
    asked = [(f"run_{n}", place) for n in (3, 2, 1) for place in ("/x", "/y")]
    assert [(one.run, one.place) for one in table.approvals(3)] == asked[:3]
    assert [(one.run, one.place) for one in table.approvals(9, before=asked[2])] == asked[3:]
    assert [(one.run, one.place) for one in table.approvals(9, run="run_2")] == asked[2:4]
    assert [(one.run, one.place) for one in table.approvals(9, before=asked[2], run="run_2")] == asked[3:4]
    store.apply(lambda session: drop_waits(session, [("run_1", "/b")]))
    assert table.keys() == ["d#/a"]


def test_runs_are_listed_by_workflow_and_status_newest_first(store: Store) -> None:
    statuses = ("completed", "faulted", "running")
    rows = [run(f"run_{n:02}", "ab"[n % 2], statuses[n % 3], parent_run="run_00") for n in range(12)]
    store.apply(lambda session: add_runs(session, rows))
    table = RunsTable(store)
    assert [one.id for one in table.page(limit=2)] == ["run_11", "run_10"]
    assert [one.id for one in table.page("a", limit=3, before="run_08")] == ["run_06", "run_04", "run_02"]
    assert [one.id for one in table.page("a", "faulted")] == ["run_10", "run_04"]
    assert [one.id for one in table.page(status="running", limit=2)] == ["run_11", "run_08"]
    assert [one.id for one in table.children("run_00", 2, "run_03")] == ["run_04", "run_05"]
    assert table.live("a") == ["run_02", "run_08"]
    assert table.counts() == {"running": 4}


def test_a_list_has_what_is_kept_of_the_present_version_and_the_newest_runs(store: Store) -> None:
    table, lists = DefinitionsTable(store), BriefsTable(store)
    for name in ("a", "b", "c"):
        put(table, f"text of {name}", name)
    lists.keep([BriefRow(name, f"digest of text of {name}", "a 50% offer", f'"{name}"') for name in ("a", "b")])
    assert [one.about for one in lists.page(9)] == ['"a"', '"b"', None]
    assert [one.workflow for one in lists.page(9, containing="50% OFFER")] == ["a", "b"]
    put(table, "changed", "a")
    assert [(one.number, one.about) for one in lists.page(1)] == [(2, None)]
    lists.keep([BriefRow("a", "digest of changed", "", "1")])
    assert lists.page(1)[0].about == "1"
    statuses = ("completed", "faulted", "running")
    store.apply(lambda session: add_runs(session, [run(f"run_{n:02}", "ab"[n % 2], statuses[n % 3]) for n in range(9)]))
    assert lists.last_runs(["a", "b", "c"]) == {
        "a": LastRun("run_08", "running", NOW),
        "b": LastRun("run_07", "faulted", NOW),
    }
    assert lists.last_runs([]) == {}
    rows = [ScheduleRow(name, 0, "cron", "* * * * *", "UTC", "one", "null", NOW, NOW, NOW) for name in ("a", "b")]
    store.apply(lambda session: [replace_schedules(session, one.workflow, [one]) for one in rows])
    assert WorkflowSchedulesTable(store).next_of(["a", "c"]) == {"a": {0: NOW}}
    assert WorkflowSchedulesTable(store).next_of([]) == {}
    assert table.remove("a")
    assert [one.workflow for one in lists.page(9)] == ["b", "c"]


def test_a_rate_allows_a_burst_and_then_one_at_a_time() -> None:
    tat, found = 0.0, []
    for _ in range(5):
        at, tat = gcra(tat, 100.0, (3, 30.0))
        found.append(at)
    assert found == [100.0, 100.0, 100.0, 110.0, 120.0]
    assert gcra(tat, 1000.0, (3, 30.0))[0] == 1000.0


def test_keys_are_forgotten_in_batches(store: Store) -> None:
    def seen(session: object) -> list[str | None]:
        return [first_seen(session, "s", f"{n}", f"run_{n}", now=NOW, until=NOW + n) for n in range(5)]  # type: ignore[arg-type]

    assert store.apply(seen) == [None] * 5
    assert store.apply(seen) == [None, "run_1", "run_2", "run_3", "run_4"]
    assert [sweep_seen(store, NOW + 2, limit=2) for _ in range(3)] == [2, 1, 0]


PLANS = {
    "what may be claimed": (READY_SQL, "workflow_runs_ready"),
    "signals of a host": ("SELECT id FROM workflow_signals WHERE host = ? ORDER BY id", "workflow_signals_owned"),
    "signals of a run": ("SELECT id FROM workflow_signals WHERE run = ? ORDER BY id", "idx_workflow_signals_run_id"),
    "runs of a host": ("SELECT id FROM workflow_runs WHERE host = ?", "workflow_runs_owned"),
    "waits of a task": (
        "SELECT run FROM workflow_waits WHERE kind = 'event' AND key = ? AND correlation = ? AND run > ? ORDER BY run",
        "idx_workflow_waits_kind_key_correlation_run",
    ),
    "tasks that are waited at": (
        "SELECT key FROM workflow_waits WHERE kind = 'event' AND key > ? ORDER BY key LIMIT 1",
        "idx_workflow_waits_kind_key",
    ),
    "held runs": (
        "SELECT id FROM workflow_runs WHERE workflow = ? AND lane = ? AND held = 1 AND ended_at IS NULL"
        " AND host IS NULL ORDER BY id LIMIT 1",
        "workflow_runs_lane",
    ),
    "old runs": (
        "SELECT id FROM workflow_runs WHERE workflow = ? AND status = ? AND ended_at IS NOT NULL"
        " AND (ended_at, id) <= (?, ?) ORDER BY ended_at, id LIMIT ?",
        "workflow_runs_over",
    ),
    "schedules that tick": (
        "SELECT workflow FROM workflow_schedules WHERE next_at IS NOT NULL AND next_at <= ? ORDER BY next_at",
        "workflow_schedules_due",
    ),
    "the end of a chain": (
        "SELECT seq, hash FROM workflow_steps WHERE run = ? ORDER BY seq DESC LIMIT 1",
        "sqlite_autoindex_workflow_steps",
    ),
    "keys whose time is over": (
        "SELECT key FROM workflow_dedupe WHERE until <= ? ORDER BY until LIMIT ?",
        "idx_workflow_dedupe_until",
    ),
    "references to a value": ("SELECT 1 FROM workflow_value_refs WHERE hash = ?", "idx_workflow_value_refs_hash"),
    "runs of a document": ("SELECT 1 FROM workflow_runs WHERE digest = ?", "idx_workflow_runs_digest"),
    "runs of a workflow": (
        "SELECT id FROM workflow_runs WHERE workflow = ? AND status = ? AND id < ? ORDER BY id DESC LIMIT ?",
        "idx_workflow_runs_workflow_status_id",
    ),
}


@pytest.mark.parametrize("what", PLANS)
def test_no_look_reads_more_than_it_finds(what: str) -> None:
    sql, index = PLANS[what]
    store = Database.open(None)
    plan = [row[3] for row in store.rows(f"EXPLAIN QUERY PLAN {sql}", (1,) * sql.count("?"))]
    store.close()
    read = [line for line in plan if line.startswith(("SEARCH", "SCAN")) and "CONSTANT" not in line]
    assert [line for line in read if index not in line and not line.startswith("SCAN p")] == []
    assert "USE TEMP B-TREE" not in " ".join(plan)


def test_a_backup_takes_runs_and_definitions_along(store: Store, tmp_path: Path) -> None:
    put(DefinitionsTable(store), "one")
    store.apply(lambda session: add_runs(session, [run("run_1", output="é" * 5)]))
    file = tmp_path / "all.backup"
    backup(store, tmp_path, file, clock=ManualClock())
    (tmp_path / "other").mkdir()
    restore_sqlite(file, tmp_path / "other", clock=ManualClock(), derive=lambda store, session: None)
    restored = Database.open(tmp_path / "other" / "omnicore.db")
    assert RunsTable(restored).get("run_1") == RunsTable(store).get("run_1")
    assert DefinitionsTable(restored).get("orders") == DefinitionsTable(store).get("orders")
    restored.close()
