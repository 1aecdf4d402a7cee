"""The record of changes: a chain that tells on whoever alters, removes or reorders a row."""

from __future__ import annotations

import json
import multiprocessing
import os
import threading
from contextlib import closing
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from omnicore.access.audit import AuditTrail, Verdict, is_abandoned, is_alive, verify
from omnicore.clock import ManualClock
from omnicore.errors import StorageFailed
from omnicore.storage.database import Database
from omnicore.storage.store import Store
from omnicore.storage.tables.audit import Anchor, AuditTable, HeadFile, hash_of

ANN = {"actor": "ann", "via": "session", "origin": "127.0.0.1"}


@dataclass(frozen=True)
class Options:
    audit_calls: bool = True
    audit_rows: int = 1_000_000
    audit_days: float = 365.0


def trail_on(store: Store, data: Path, *, process: str = "here:1:a", **options: Any) -> AuditTrail:
    return AuditTrail(
        AuditTable(store), HeadFile(data), Options(**options), clock=ManualClock(), process=process, queue=1000
    )


@pytest.fixture
def trail(store: Store, tmp_path: Path) -> AuditTrail:
    return trail_on(store, tmp_path)


def fill(trail: AuditTrail, count: int = 5) -> None:
    for number in range(count):
        trail.record(**ANN, action="giveGrant", target=f"plugin:p{number}", after={"n": number})


def altered(store: Store, sql: str, *values: object) -> None:
    with store.write() as session:
        session.execute(sql, values)


def broken(trail: AuditTrail) -> tuple[int | None, str]:
    verdict = verify(trail)
    assert not verdict.ok
    return verdict.broken_at, verdict.reason


def test_rows_follow_each_other_and_the_chain_is_whole(trail: AuditTrail) -> None:
    fill(trail)
    rows = trail.table.after(0, 10)
    assert [row.seq for row in rows] == [1, 2, 3, 4, 5]
    assert [row.hash for row in rows][1:] == [
        hash_of(row.seq, row.entry, before.hash) for before, row in pairwise(rows)
    ]
    assert verify(trail) == Verdict(True, 5, Anchor(5, rows[-1].hash))
    assert trail.head.read() == Anchor(5, rows[-1].hash)


def test_an_empty_record_is_whole(trail: AuditTrail) -> None:
    assert verify(trail).ok


@pytest.mark.parametrize(
    "change",
    ["actor = 'eve'", "after = '{\"n\": 2}'", "before = '{}'", "at = at + 1", "outcome = 'failed'", "via = 'cli'"],
)
def test_an_altered_row_breaks_the_chain(trail: AuditTrail, store: Store, change: str) -> None:
    fill(trail)
    altered(store, f"UPDATE audit SET {change} WHERE seq = 3")
    assert broken(trail)[0] == 3


def test_an_altered_row_with_a_hash_of_its_own_breaks_the_chain_behind_it(trail: AuditTrail, store: Store) -> None:
    fill(trail)
    rows = trail.table.after(1, 2)
    forged = rows[1].entry.ended("failed", None, "plugin:other")
    digest = hash_of(3, forged, rows[0].hash)
    altered(
        store,
        "UPDATE audit SET outcome = 'failed', after = NULL, target = ?, hash = ? WHERE seq = 3",
        "plugin:other",
        digest,
    )
    assert broken(trail)[0] == 4


def test_a_row_that_was_removed_is_missed(trail: AuditTrail, store: Store) -> None:
    fill(trail)
    altered(store, "DELETE FROM audit WHERE seq = 3")
    assert broken(trail) == (3, "row 3 is missing")


def test_rows_in_another_order_break_the_chain(trail: AuditTrail, store: Store) -> None:
    fill(trail)
    for before, after in ((2, 99), (3, 2), (99, 3)):
        altered(store, "UPDATE audit SET seq = ? WHERE seq = ?", after, before)
    assert broken(trail)[0] == 2


def test_a_tail_that_was_cut_off_is_missed(trail: AuditTrail, store: Store) -> None:
    fill(trail)
    altered(store, "DELETE FROM audit WHERE seq > 3")
    assert broken(trail)[0] == 4


def test_a_tail_that_was_cut_off_with_its_anchor_is_missed_by_the_head_in_the_data_folder(
    trail: AuditTrail, store: Store, tmp_path: Path
) -> None:
    fill(trail)
    last = trail.table.hash_at(3)
    altered(store, "DELETE FROM audit WHERE seq > 3")
    altered(store, "UPDATE audit_anchors SET seq = 3, hash = ? WHERE name = 'head'", last)
    assert broken(trail) == (4, "rows 4 to 5 are missing at the end: row 5 was signed off")
    # Rows that are added afterwards do not cover it up, in this process or another.
    other = trail_on(store, tmp_path)
    fill(other, 4)
    assert broken(other)[0] == 5
    assert broken(trail)[0] == 5


def test_what_somebody_noted_elsewhere_must_be_there(trail: AuditTrail) -> None:
    fill(trail)
    digest = trail.table.hash_at(4) or ""
    assert verify(trail, noted=Anchor(4, digest)).ok
    assert verify(trail, noted=Anchor(4, "0" * 64)).broken_at == 4
    assert verify(trail, noted=Anchor(9, digest)).broken_at == 6


def test_a_row_beyond_the_end_that_nobody_recorded_is_found(trail: AuditTrail, store: Store) -> None:
    fill(trail)
    last = trail.table.after(4, 1)[0]
    digest = hash_of(6, last.entry, last.hash)
    altered(
        store,
        "INSERT INTO audit SELECT 6, at, actor, via, origin, action, target, before, after, outcome, ?"
        " FROM audit WHERE seq = 5",
        digest,
    )
    assert broken(trail)[0] == 6


def test_a_damaged_head_is_told(trail: AuditTrail) -> None:
    fill(trail)
    trail.head.path.write_text("nonsense")
    assert "no signed-off head" in broken(trail)[1]
    fill(trail, 1)  # the change is recorded all the same
    trail.accept(**ANN, action="audit verify")
    assert verify(trail).ok


def test_a_database_that_was_restored_is_accepted_with_a_row_that_says_so(trail: AuditTrail, store: Store) -> None:
    fill(trail)
    last = trail.table.hash_at(2)
    altered(store, "DELETE FROM audit WHERE seq > 2")
    altered(store, "UPDATE audit_anchors SET seq = 2, hash = ? WHERE name = 'head'", last)
    row = trail.accept(**ANN, action="db restore")
    assert verify(trail).ok
    assert json.loads(row.entry.before or "")["seq"] == 5


def test_old_rows_go_behind_a_checkpoint_and_the_chain_stays_whole(store: Store, tmp_path: Path) -> None:
    trail = trail_on(store, tmp_path, audit_rows=4)
    fill(trail, 10)
    assert trail.trim() == 6
    rows = trail.table.after(0, 20)
    assert [row.seq for row in rows] == [7, 8, 9, 10, 11]
    assert (rows[-1].entry.action, json.loads(rows[-1].entry.after or "")["seq"]) == ("trimAudit", 6)
    assert verify(trail).ok
    fill(trail, 3)
    assert trail.trim() == 4
    assert verify(trail).ok
    assert trail.trim() == 0  # for the row of a checkpoint alone there is none
    altered(store, "DELETE FROM audit WHERE seq <= 12")
    altered(store, "UPDATE audit_anchors SET seq = 12, hash = ? WHERE name = 'base'", "0" * 64)
    assert not verify(trail).ok


def test_rows_that_were_removed_from_the_beginning_need_a_checkpoint(trail: AuditTrail, store: Store) -> None:
    fill(trail)
    last = trail.table.hash_at(2)
    altered(store, "DELETE FROM audit WHERE seq <= 2")
    altered(store, "INSERT INTO audit_anchors (name, seq, hash) VALUES ('base', 2, ?)", last)
    assert broken(trail)[0] == 3


def test_rows_of_a_time_that_is_over_go(store: Store, tmp_path: Path) -> None:
    clock = ManualClock()
    trail = AuditTrail(AuditTable(store), HeadFile(tmp_path), Options(audit_days=1.0), clock=clock, process="here:1:a")
    fill(trail, 3)
    clock.advance(90_000)
    fill(trail, 2)
    assert trail.trim() == 3
    assert verify(trail).ok


def test_a_check_goes_on_where_its_time_was_over(trail: AuditTrail) -> None:
    for _ in range(1500):
        trail.note(**ANN, action="callFunction", target="plugin:a.b") if trail.waiting < 900 else trail.flush()
    trail.flush()
    first = verify(trail, go_on=lambda _rows: False)
    assert (first.ok, first.complete, first.rows) == (True, False, 1000)
    second = verify(trail, after=first.last.seq)
    assert second.complete
    assert first.rows + second.rows == trail.table.anchor("head").seq


def test_a_change_leaves_its_row_when_it_is_over(trail: AuditTrail) -> None:
    entered = trail.begin(**ANN, action="switchPlugin", target="plugin:text", before={"state": "enabled"})
    assert not trail.table.after(0, 1)
    trail.finish(entered, "done", {"state": "disabled"})
    row = trail.table.after(0, 2)[0].to_json()
    assert (row["before"], row["after"], row["outcome"]) == ({"state": "enabled"}, {"state": "disabled"}, "done")
    trail.finish(entered, "done")  # a second time adds nothing
    assert len(trail.table.after(0, 9)) == 1
    assert not trail.table.intents()


def test_a_change_that_was_not_made_leaves_nothing(trail: AuditTrail) -> None:
    trail.drop(trail.begin(**ANN, action="switchPlugin", target="plugin:text"))
    assert not trail.table.after(0, 1)
    assert not trail.table.intents()


def test_a_change_whose_process_died_becomes_a_row_of_unknown_outcome(store: Store, tmp_path: Path) -> None:
    dead, alive = trail_on(store, tmp_path, process="here:7:x"), trail_on(store, tmp_path, process="here:8:y")
    dead.begin(**ANN, action="removePlugin", target="plugin:text")
    alive.begin(**ANN, action="giveGrant", target="plugin:text")

    def abandoned(intent: Any) -> bool:
        return is_abandoned(intent, here="here:9:z", now=intent.at, alive=lambda pid: pid == 8)

    assert alive.settle(abandoned) == 1
    assert dead.settle(abandoned) == 0
    rows = alive.table.after(0, 9)
    assert [(row.entry.action, row.entry.outcome) for row in rows] == [("removePlugin", "unknown")]
    assert len(alive.table.intents()) == 1


def test_this_process_is_alive_and_one_that_ended_is_not() -> None:
    assert is_alive(os.getpid())
    process = multiprocessing.get_context("spawn").Process(target=int)
    process.start()
    process.join()
    assert process.pid is not None
    assert not is_alive(process.pid)


def test_what_waits_is_appended_in_order_and_a_full_queue_says_what_it_lost(store: Store, tmp_path: Path) -> None:
    trail = trail_on(store, tmp_path)
    for number in range(1005):
        trail.note(**ANN, action="callFunction", target=f"plugin:p.f{number}")
    assert trail.dropped == 5
    assert trail.flush() == 1000
    rows = trail.table.after(0, 2000)
    assert [row.entry.target for row in rows if row.entry.action == "callFunction"] == [
        f"plugin:p.f{number}" for number in range(1000)
    ]
    assert [json.loads(row.entry.after or "") for row in rows if row.entry.action == "dropAudit"] == [{"rows": 5}]
    assert trail.dropped == 0


def test_of_a_flood_of_refusals_only_the_first_are_kept(trail: AuditTrail) -> None:
    for _ in range(500):
        trail.refuse(**ANN, action="createSession", target="user:ann", outcome="failed")
    trail.flush()
    rows = trail.table.after(0, 1000)
    assert len(rows) == 121
    assert trail.dropped == 0


@pytest.mark.parametrize("by", ["actor", "action", "target", ""])
def test_a_page_is_found_by_an_index_without_sorting(tmp_path: Path, by: str) -> None:
    with closing(Database.open(tmp_path / "omnicore.db")) as database:
        asked: list[str] = []

        class Asked:
            def rows(self, sql: str, parameters: tuple[object, ...]) -> list[object]:
                asked.extend(row[3] for row in database.rows(f"EXPLAIN QUERY PLAN {sql}", parameters))
                return []

        AuditTable(Asked()).before(None, 50, by, "x")  # type: ignore[arg-type]
        assert "SEARCH" in asked[0]
        assert not any("TEMP" in line or "SCAN" in line for line in asked)


def test_threads_that_record_at_once_make_one_chain(trail: AuditTrail) -> None:
    threads = [threading.Thread(target=fill, args=(trail, 20)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert verify(trail).rows == 80
    assert verify(trail).ok


def test_a_full_disk_refuses_the_change_before_it_begins(tmp_path: Path) -> None:
    with closing(Database.open(tmp_path / "omnicore.db")) as database:
        trail = trail_on(database, tmp_path)
        fill(trail, 1)
        pages = database.rows("PRAGMA page_count")[0][0]
        with database.write() as session:
            session.execute(f"PRAGMA max_page_count = {pages}")

        def begin_many() -> None:
            for number in range(5000):
                trail.begin(**ANN, action="giveGrant", target=f"plugin:{number}", before={"x": "y" * 500})

        with pytest.raises(StorageFailed, match="disk is full"):
            begin_many()
        assert verify(trail).ok
