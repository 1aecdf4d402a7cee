"""The journal: what a run wants kept is kept at once or not at all, and read back as it was."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from tests.workflows.journals import DIGEST, Breaking, Sizes, Told, done, entry, everything, journal_on, new, step

from omnicore.clock import ManualClock
from omnicore.errors import Conflict, InvalidInput, LimitExceeded, NotFound, RunLost, StorageFailed
from omnicore.storage.database import Database
from omnicore.storage.store import Store
from omnicore.storage.tables.workflow_runs import RunsTable
from omnicore.storage.tables.workflow_triggers import WaitRow, WaitsTable
from omnicore.workflows.entries import JournalEntry, StepResult
from omnicore.workflows.faults import Fault
from omnicore.workflows.journal import Journal
from omnicore.workflows.journal_records import RunRecord
from omnicore.workflows.progress import KeptRows

EVENT = {"specversion": "1.0", "id": "e1", "source": "/shop", "type": "order.paid", "data": {"n": 1}}


def row_of(store: Store, run: str) -> Any:
    row = RunsTable(store).get(run)
    assert row is not None
    return row


async def test_a_run_is_kept_from_its_start_to_its_end(store: Store) -> None:
    async with journal_on(store) as journal:
        started = await journal.start(new(by="ana", trigger={"kind": "manual"}))
        assert (started.status, started.owned, started.new) == ("running", True, True)
        assert row_of(store, started.run).host == journal.host
        await journal.keep(step(started.run, 1, {"a": 1}))
        await journal.keep(done(started.run, 2, {"b": 2}))
        row = row_of(store, started.run)
        assert (row.status, row.host, row.seq, row.due_at, row.created_by) == ("completed", None, 2, None, "ana")
        assert await journal.queries.value(row.output) == {"b": 2}
        assert await journal.queries.value(row.input) == {"n": 1}
        assert await journal.queries.value(row.trigger) == {"kind": "manual"}


async def test_entries_come_back_as_they_were(store: Store) -> None:
    fault = Fault("communication", 503, "down", "the server is down", "/do/2/b", extra={"host": "x"})
    late = StepResult("failed", "/do/2/b", 2, 5.0, None, fault, 4.0, {"by": "ana"})
    other = StepResult("fired", "/do/3/c~timeout", 1, 7.5)
    entries = (
        entry(1, {"big": "x" * 500}, input={"big": "y" * 500}),
        JournalEntry(2, "/do/2/b", "/do/2/b", "b", "call", "retried", 2, True, 5.0, 4.0, [1, "ü\0"], late, None, fault),
        JournalEntry(3, "/do/3/c", "/do/3/c", "c", "wait", "faulted", 1, True, 8.0, 6.0, None, other, {"o": 1}, fault),
        JournalEntry(4, "/do/4/d", "/do/4/d", "d", "set", "completed", 1, False, 8.0, 8.0, 1.5, None, False),
    )
    async with journal_on(store) as journal:
        run = (await journal.start(new())).run
        await journal.keep(RunRecord(run, entries))
        found = [one async for one in journal.queries.rows(run)]
        assert [told(one) for one in found] == [told(one) for one in entries]
        assert [told(one) async for one in journal.queries.rows(run, after=2)] == [told(one) for one in entries[2:]]


def told(one: JournalEntry) -> Any:
    """An entry with its faults as JSON: exceptions are equal to themselves only."""
    result = one.result
    plain = None if result is None else (*_plain(result), None if result.fault is None else result.fault.to_json())
    names = ("seq", "place", "path", "name", "kind", "status", "attempt", "fed", "at", "began_at", "input", "output")
    return (*(getattr(one, name) for name in names), plain, None if one.fault is None else one.fault.to_json())


def _plain(result: StepResult) -> tuple[Any, ...]:
    names = ("kind", "place", "attempt", "at", "output", "began_at", "meta")
    return tuple(getattr(result, name) for name in names)


@pytest.mark.parametrize("at", range(1, 16))
async def test_what_breaks_between_two_statements_leaves_nothing(store: Store, at: int) -> None:
    breaking = Breaking(store)
    async with journal_on(breaking, told=Told()) as journal:  # type: ignore[arg-type]
        run = (await journal.start(new(key="k"))).run
        await journal.keep(RunRecord(run, waits=(WaitRow(run, "/do/0", "event", "d#/do/0"),)))
        await journal.signal(run, "event", "/do/0", {"n": 1}, key="e")
        held = (await journal.start(new(key="k"))).run
        before = everything(store)
        (signal,) = await journal.signals()
        kept = RunRecord(
            run,
            (entry(1, {"big": "x" * 300}),),
            "completed",
            output={"big": "x" * 300},
            taken=(signal.id,),
            events=(EVENT,),
            drops=("/do/0",),
            children=(new(parent_run=run, parent_place="/do/1"),),
        )
        breaking.count, breaking.at = 0, at
        try:
            await journal.keep(kept)
        except KeyError:
            assert everything(store) == before
            breaking.at = 0
            await journal.keep(kept)
        assert row_of(store, run).status == "completed"
        assert row_of(store, held).held == 0
        assert len(store.rows("SELECT 1 FROM workflow_events")) == 1
        assert store.rows("SELECT 1 FROM workflow_signals") == store.rows("SELECT 1 FROM workflow_waits") == []
        assert (await journal.queries.verify(run)).ok


async def test_one_that_cannot_be_kept_spoils_no_other(store: Store) -> None:
    async with journal_on(store) as journal:
        runs = [(await journal.start(new())).run for _ in range(4)]
        store.apply(lambda session: session.execute("UPDATE workflow_runs SET host = NULL WHERE id = ?", (runs[1],)))
        ends = await asyncio.gather(*(journal.keep(done(run, 1)) for run in runs), return_exceptions=True)
        assert [type(one) for one in ends] == [tuple, RunLost, tuple, tuple]
        assert [row_of(store, run).status for run in runs] == ["completed", "running", "completed", "completed"]
        assert await journal.queries.head(runs[1]) == (0, row_of(store, runs[1]).hash)
        with pytest.raises(RunLost):
            await journal.keep(done(runs[1], 1))


async def test_work_that_fails_undoes_its_own_writes_only(store: Store) -> None:
    def bad(session: Any) -> None:
        session.execute("INSERT INTO workflow_rates (workflow, tat, stamped_at) VALUES ('bad', 1, 1)")
        raise NotFound("no")

    def good(session: Any) -> int:
        session.execute("INSERT INTO workflow_rates (workflow, tat, stamped_at) VALUES ('good', 1, 1)")
        return 7

    async with journal_on(store) as journal:
        ends = await asyncio.gather(journal.apply(bad), journal.apply(good), return_exceptions=True)
        assert (type(ends[0]), ends[1]) == (NotFound, 7)
        assert store.rows("SELECT workflow FROM workflow_rates") == [("good",)]


async def test_rows_must_follow_the_last_one(store: Store) -> None:
    async with journal_on(store) as journal:
        run = (await journal.start(new())).run
        with pytest.raises(InvalidInput, match="do not follow"):
            await journal.keep(step(run, 2))
        await journal.keep(step(run, 1))
        with pytest.raises(InvalidInput, match="do not follow"):
            await journal.keep(step(run, 1))


async def test_a_value_that_is_too_large_or_no_json_is_refused_before_anything_is_kept(store: Store) -> None:
    async with journal_on(store) as journal:
        run = (await journal.start(new())).run
        with pytest.raises(LimitExceeded, match="too large for a run"):
            await journal.keep(step(run, 1, "x" * 100_001))
        with pytest.raises(LimitExceeded):
            await journal.start(new(input="x" * 100_001))
        for bad in (float("nan"), b"x", object()):
            with pytest.raises(InvalidInput):
                await journal.keep(step(run, 1, {"a": bad}))
            with pytest.raises(Fault) as found:
                journal.measure([bad])
            assert found.value.status == 422
        with pytest.raises(Fault, match="too large") as caught:
            journal.measure("x" * 100_001)
        assert caught.value.status == 413
        journal.measure({"fine": 1})
        await journal.keep(step(run, 1, "fine"))


async def test_a_large_value_is_kept_once_however_many_runs_have_it(store: Store) -> None:
    big = {"text": "x" * 1000}
    async with journal_on(store) as journal:
        runs = [(await journal.start(new(input=big))).run for _ in range(3)]
        for run in runs:
            await journal.keep(done(run, 1, {"text": "x" * 1000}))
        assert store.rows("SELECT count(*) FROM workflow_values") == [(1,)]
        assert store.rows("SELECT count(*) FROM workflow_value_refs") == [(3,)]
        while await journal.queries.sweep("orders", "completed", before=0.0, most=1):
            pass
        assert store.rows("SELECT count(*) FROM workflow_value_refs") == [(1,)]
        assert await journal.queries.value(row_of(store, runs[2]).output) == big
        while await journal.queries.sweep("orders", "completed", before=2e9, most=1):
            pass
        assert {name: rows for name, rows in everything(store).items() if rows and name != "audit"} == {}


async def test_a_value_that_changes_under_the_journal_is_not_taken_for_another(store: Store) -> None:
    async with journal_on(store) as journal:
        run = (await journal.start(new())).run
        for seq in range(1, 6):
            await journal.keep(step(run, seq, {"text": f"{seq}" * 1000}))
        outputs = [one.result.output["text"][0] async for one in journal.queries.rows(run) if one.result is not None]
        assert outputs == list("12345")


async def test_a_full_disk_fails_what_is_kept_then_and_leaves_the_rest_whole(tmp_path: Path) -> None:
    store = Database.open(tmp_path / "omnicore.db")
    async with journal_on(store, sizes=Sizes(value_bytes=10_000_000)) as journal:
        runs = [(await journal.start(new())).run for _ in range(3)]
        await asyncio.gather(*(journal.keep(step(run, 1)) for run in runs))
        store.apply(lambda session: session.execute("PRAGMA max_page_count = 300").fetchall())
        big = "x" * 5_000_000
        ends = await asyncio.gather(*(journal.keep(step(run, 2, big)) for run in runs), return_exceptions=True)
        assert [type(one) for one in ends] == [StorageFailed] * 3
        assert "disk is full" in str(ends[0])
        store.apply(lambda session: session.execute("PRAGMA max_page_count = 1000000").fetchall())
        await asyncio.gather(*(journal.keep(done(run, 2)) for run in runs))
        assert all([(await journal.queries.verify(run)).ok for run in runs])
    store.close()


class Forgetful(Breaking):
    """A store that keeps what it is given, and then says that it does not know."""

    lost = False

    async def apply_async(self, work: Any) -> Any:
        answer = await self._store.apply_async(work)
        if self.lost:
            self.lost = False
            raise StorageFailed("the connection broke", remedy="look")
        return answer


async def test_what_was_kept_after_all_is_not_kept_twice(store: Store) -> None:
    forgetful = Forgetful(store)
    async with journal_on(forgetful) as journal:  # type: ignore[arg-type]
        run = (await journal.start(new())).run
        first = RunRecord(run, (entry(1),), children=(new(parent_run=run, parent_place="/do/1"),))
        forgetful.lost = True
        with pytest.raises(StorageFailed):
            await journal.keep(first)
        (child,) = await journal.keep(first)
        assert [row.id for row in RunsTable(store).children(run)] == [child.run]
        forgetful.lost = True
        with pytest.raises(StorageFailed):
            await journal.keep(done(run, 2))
        await journal.keep(done(run, 2))
        assert (await journal.queries.verify(run)).rows == 2
        assert row_of(store, run).status == "completed"


async def test_a_run_that_was_begun_while_the_connection_broke_is_given_back(store: Store) -> None:
    forgetful = Forgetful(store)
    async with journal_on(forgetful) as journal:  # type: ignore[arg-type]
        run = (await journal.start(new())).run
        forgetful.lost = True
        with pytest.raises(StorageFailed):
            await journal.start(new())
        await journal.beat()
        assert len(store.rows("SELECT 1 FROM workflow_runs WHERE status = 'running'")) == 2
        await journal.beat()
        assert store.rows("SELECT id FROM workflow_runs WHERE status = 'running'") == [(run,)]


async def test_a_run_whose_starter_was_cancelled_is_given_back(store: Store) -> None:
    async with journal_on(store) as journal:
        starting = asyncio.ensure_future(journal.start(new()))
        await asyncio.sleep(0)
        starting.cancel()
        await asyncio.wait([starting])
        while not store.rows("SELECT 1 FROM workflow_runs WHERE status = 'pending'"):
            await asyncio.sleep(0)
        (claimed,) = await journal.claim(10)
        await journal.release([claimed.run.id])
        taking = asyncio.ensure_future(journal.claim(10))
        await asyncio.sleep(0)
        taking.cancel()
        await asyncio.wait([taking])
        while not store.rows("SELECT 1 FROM workflow_runs WHERE status = 'pending'"):
            await asyncio.sleep(0)


async def test_a_fork_has_the_rows_of_the_run_up_to_one(store: Store) -> None:
    async with journal_on(store) as journal:
        run = (await journal.start(new())).run
        for seq in range(1, 6):
            await journal.keep(step(run, seq, {"text": f"{seq}" * 500}))
        fork = await journal.fork(new(forked_from=run), of=run, taken=KeptRows(3))
        assert (fork.owned, fork.status) == (False, "pending")
        (claimed,) = await journal.claim(10)
        assert (claimed.run.id, claimed.run.seq, claimed.run.forked_from) == (fork.run, 3, run)
        mine, theirs = (
            [one async for one in journal.queries.rows(fork.run)],
            [one async for one in journal.queries.rows(run)],
        )
        assert [told(one) for one in mine] == [told(one) for one in theirs[:3]]
        await journal.keep(done(fork.run, 4))
        assert (await journal.queries.verify(fork.run)).ok
        with pytest.raises(Conflict, match="5 rows only"):
            await journal.fork(new(), of=run, taken=KeptRows(6))
        with pytest.raises(NotFound):
            await journal.fork(new(), of="run_no", taken=KeptRows(1))


async def test_waits_and_events_are_kept_with_the_step_and_events_once(store: Store) -> None:
    clock = ManualClock()
    async with journal_on(store, clock) as journal:
        run = (await journal.start(new())).run
        await journal.keep(
            RunRecord(run, (entry(1),), "running", events=(EVENT,), waits=(WaitRow(run, "/p", "event"),))
        )
        assert WaitsTable(store).get(run, "/p") is not None
        assert await journal.emit([EVENT, {**EVENT, "id": "e2"}]) == 1
        clock.advance(Sizes.event_s + 1)
        assert await journal.emit([EVENT]) == 1
        with pytest.raises(InvalidInput):
            await journal.emit([{"type": "x"}])
        with pytest.raises(InvalidInput):
            await journal.keep(RunRecord(run, events=({**EVENT, "data": b"x"},)))


async def test_an_event_is_dispatched_once(store: Store) -> None:
    async with journal_on(store) as journal:
        run = (await journal.start(new())).run
        await journal.emit([EVENT])
        ((event,),) = store.rows("SELECT id FROM workflow_events")
        one, two = await asyncio.gather(
            *(journal.dispatch(event, [(run, "/p", EVENT)], [new(dedupe="e1")]) for _ in range(2))
        )
        assert (one is None) is not (two is None)
        assert [signal.data for signal in await journal.signals()] == [EVENT]
        assert len(RunsTable(store).page("orders")) == 2


def test_the_journal_needs_no_more_of_the_store_than_its_protocol(store: Store) -> None:
    assert Journal(store, ManualClock(), Sizes()).host == ""
    assert DIGEST
