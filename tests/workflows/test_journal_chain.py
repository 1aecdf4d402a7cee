"""The chain of a run: it holds over what was written, and tells on what was altered since."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.workflows.journals import Sizes, Told, done, entry, journal_on, new, step

from omnicore.access.audit import AuditTrail
from omnicore.clock import ManualClock
from omnicore.config.settings import AccessSettings
from omnicore.errors import NotFound
from omnicore.storage.store import Store
from omnicore.storage.tables.audit import AuditTable, HeadFile
from omnicore.workflows.faults import Fault
from omnicore.workflows.journal import Journal
from omnicore.workflows.journal_records import RunRecord

BIG = {"text": "x" * 1000}


async def ended(journal: Journal) -> str:
    run = (await journal.start(new())).run
    for seq in range(1, 5):
        await journal.keep(step(run, seq, {"n": seq}))
    await journal.keep(done(run, 5, BIG))
    return run


def change(store: Store, sql: str, parameters: Sequence[Any] = ()) -> None:
    assert store.apply(lambda session: session.execute(sql, parameters).rowcount) >= 1


async def test_a_run_that_nobody_touched_verifies_at_any_time(store: Store) -> None:
    async with journal_on(store) as journal:
        run = (await journal.start(new())).run
        assert (await journal.queries.verify(run)).ok
        await journal.keep(step(run, 1, BIG))
        assert (await journal.queries.verify(run)).rows == 1
        await journal.keep(RunRecord(run, (entry(2),), "waiting"))
        assert (await journal.queries.verify(run)).ok
        await journal.signal(run, "event")
        (claimed,) = await journal.claim(1)
        await journal.keep(step(run, 3))
        await journal.release([run])
        assert (await journal.queries.verify(run)).ok
        await journal.claim(1)
        await journal.keep(done(run, 4))
        found = await journal.queries.verify(run)
        assert (found.ok, found.rows, found.seq, claimed.run.seq) == (True, 4, None, 2)
        with pytest.raises(NotFound):
            await journal.queries.verify("run_no")


ALTERED = {
    "a column": ("UPDATE workflow_steps SET result = '{\"n\":9}' WHERE run = ? AND seq = 3", 3, "altered"),
    "a time": ("UPDATE workflow_steps SET at = at + 1 WHERE run = ? AND seq = 2", 2, "altered"),
    "a hash": ("UPDATE workflow_steps SET hash = 'x' WHERE run = ? AND seq = 2", 2, "altered"),
    "a row in the middle": ("DELETE FROM workflow_steps WHERE run = ? AND seq = 2", 2, "missing"),
    "the first row": ("DELETE FROM workflow_steps WHERE run = ? AND seq = 1", 1, "missing"),
    "the last row": ("DELETE FROM workflow_steps WHERE run = ? AND seq = 5", 4, "last row should be 5"),
    "the input": ("UPDATE workflow_runs SET input = '{}' WHERE id = ?", 1, "altered"),
    "the workflow": ("UPDATE workflow_runs SET workflow = 'other' WHERE id = ?", 1, "altered"),
    "a value": ("UPDATE workflow_values SET data = '{}' WHERE hash IN (SELECT hash FROM workflow_value_refs"
                " WHERE run = ?)", 5, "a value was altered"),
    "no value": ("DELETE FROM workflow_values WHERE hash IN (SELECT hash FROM workflow_value_refs WHERE run = ?)",
                 5, "a value is missing"),
}  # fmt: skip


@pytest.mark.parametrize("what", ALTERED)
async def test_what_is_altered_is_told_with_its_row(store: Store, what: str) -> None:
    sql, seq, fact = ALTERED[what]
    async with journal_on(store) as journal:
        run, other = await ended(journal), await ended(journal)
        change(store, sql, (run,))
        found = await journal.queries.verify(run)
        assert (found.ok, found.seq) == (False, seq)
        assert fact in found.fact
        assert (await journal.queries.verify(other)).ok is ("value" not in what)


async def test_rows_in_another_order_or_of_another_run_are_told(store: Store) -> None:
    async with journal_on(store) as journal:
        run, other = await ended(journal), await ended(journal)
        for was, now in ((2, 99), (3, 2), (99, 3)):
            change(store, "UPDATE workflow_steps SET seq = ? WHERE run = ? AND seq = ?", (now, run, was))
        assert (await journal.queries.verify(run)).seq == 2
        for table, column in (("workflow_steps", "run"), ("workflow_value_refs", "run")):
            change(store, f"DELETE FROM {table} WHERE {column} = ?", (run,))
            change(store, f"UPDATE {table} SET {column} = ? WHERE {column} = ?", (run, other))
        change(
            store,
            "UPDATE workflow_runs SET hash = (SELECT hash FROM workflow_runs WHERE id = ?) WHERE id = ?",
            (other, run),
        )
        assert (await journal.queries.verify(run)).seq == 1


async def test_a_chain_that_was_written_anew_does_not_fit_the_hosts_record(store: Store) -> None:
    async with journal_on(store) as journal:
        run = await ended(journal)
        found = await journal.queries.verify(run)
        assert found.record_seq is not None
        (row,) = AuditTable(store).after(found.record_seq - 1, 1)
        assert (row.action, row.target, row.outcome) == ("workflow.run", "orders", "done")
        assert found.hash in (row.after or "")
        change(store, "DELETE FROM workflow_steps WHERE run = ? AND seq = 5", (run,))
        change(
            store,
            "UPDATE workflow_runs SET seq = 4, hash = (SELECT hash FROM workflow_steps s WHERE s.run = workflow_runs.id"
            " AND s.seq = 4) WHERE id = ?",
            (run,),
        )
        assert "record holds another hash" in (await journal.queries.verify(run)).fact


async def test_the_record_is_a_chain_over_the_ends_of_many_runs_at_once(store: Store, tmp_path: Path) -> None:
    trail = AuditTrail(AuditTable(store), HeadFile(tmp_path), AccessSettings(), clock=ManualClock(), process="p")
    async with journal_on(store) as journal:
        journal._sign_off.signed = trail.signed
        runs = [(await journal.start(new())).run for _ in range(2)]
        await journal.keep(done(runs[0], 1))
        await journal.keep(RunRecord(runs[1], (entry(1),), "faulted", fault=Fault("runtime", 500, "no")))
        assert trail.head.read() is None
        await journal.beat()
        rows = AuditTable(store).after(0, 10)
        assert [row.outcome for row in rows] == ["done", "failed"]
        assert (trail.head.read() or rows[0]) == AuditTable(store).anchor("head")
        trail.record(actor="ana", via="cli", origin="here", action="x", target="y")
        assert trail.confirmed(AuditTable(store).anchor("head"))


async def test_without_the_setting_a_run_leaves_no_row_in_the_record(store: Store) -> None:
    async with journal_on(store, sizes=Sizes(audit=False), told=Told()) as journal:
        run = await ended(journal)
        found = await journal.queries.verify(run)
        assert (found.ok, found.record_seq) == (True, None)
        assert AuditTable(store).after(0, 10) == []
