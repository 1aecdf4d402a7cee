"""Runs of two hosts in any order of events: every run is in one state, in one pair of hands, and its chain holds."""

from __future__ import annotations

import asyncio
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from tests.workflows.journals import Sizes, entry, new

from omnicore.clock import ManualClock
from omnicore.errors import HostLost, RunLost
from omnicore.jobs.engine import ENDED
from omnicore.storage.database import Database
from omnicore.storage.tables.workflow_runs import RunRow, RunsTable
from omnicore.workflows.journal import Journal
from omnicore.workflows.journal_records import RunRecord

HOSTS = st.integers(0, 1)
PICKS = st.integers(0, 7)
LANE, MOST = "k", 1


class Hosts(RuleBasedStateMachine):
    """Two journals on one database, and what they should know: `mine` are runs that a host may write to."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.clock = ManualClock()
        self.store = Database.open(None)
        self.journals = [Journal(self.store, self.clock, Sizes(), signed=lambda rows: None) for _ in range(2)]
        self.mine: list[dict[str, int]] = [{}, {}]
        self.rows: dict[str, int] = {}
        self.wait(*(journal.open() for journal in self.journals))

    def wait(self, *work: Any) -> list[Any]:
        async def all_of() -> list[Any]:
            return await asyncio.gather(*work, return_exceptions=True)

        return self.loop.run_until_complete(all_of())

    @rule(host=HOSTS, room=st.booleans(), keyed=st.sampled_from([True, True, False]))
    def start(self, host: int, room: bool, keyed: bool) -> None:
        (one,) = self.wait(self.journals[host].start(new(key=LANE if keyed else None, most=MOST), room=room))
        if isinstance(one, HostLost):
            self.comes_back(host)
            return
        self.rows[one.run] = 0
        if one.owned:
            self.mine[host][one.run] = 0

    @rule(host=HOSTS, limit=st.integers(1, 3))
    def claim(self, host: int, limit: int) -> None:
        (found,) = self.wait(self.journals[host].claim(limit))
        if isinstance(found, HostLost):
            self.comes_back(host)
            return
        for one in found:
            assert one.run.seq == self.rows[one.run.id]
            assert not one.run.held or "cancel" in [signal.kind for signal in one.signals]
            self.mine[host][one.run.id] = one.run.seq

    @rule(
        host=HOSTS,
        pick=PICKS,
        status=st.sampled_from(["running", "running", "waiting", "suspended", "completed", "faulted", "cancelled"]),
        steps=st.integers(0, 2),
        due_s=st.sampled_from([None, 5.0]),
    )
    def keep(self, host: int, pick: int, status: Any, steps: int, due_s: float | None) -> None:
        if not self.mine[host]:
            return
        run = sorted(self.mine[host])[pick % len(self.mine[host])]
        seq = self.mine[host][run]
        due_at = None if due_s is None else self.clock.now() + due_s
        entries = tuple(entry(seq + more) for more in range(1, steps + 1))
        (end,) = self.wait(self.journals[host].keep(RunRecord(run, entries, status, due_at)))
        if isinstance(end, HostLost | RunLost):
            assert self.was_buried(host)
            self.comes_back(host)
            return
        assert end == ()
        assert not self.was_buried(host)
        self.rows[run] += steps
        self.mine[host][run] += steps
        if status != "running":
            del self.mine[host][run]

    @rule(host=HOSTS, pick=PICKS, kind=st.sampled_from(["event", "resume", "cancel"]))
    def signal(self, host: int, pick: int, kind: Any) -> None:
        if self.rows:
            run = sorted(self.rows)[pick % len(self.rows)]
            before = self.row(run)
            (kept,) = self.wait(self.journals[host].signal(run, kind))
            assert kept is (before.status not in ENDED)
            after = self.row(run)
            if before.status == "waiting" or (before.status == "suspended" and kind != "event"):
                assert after.due_at is not None
                assert after.due_at <= self.clock.now()

    @rule(host=HOSTS)
    def release(self, host: int) -> None:
        self.wait(self.journals[host].release(sorted(self.mine[host])))
        self.mine[host] = {}

    @rule(host=HOSTS)
    def bury(self, host: int) -> None:
        (others,) = self.wait(self.journals[host].others())
        self.wait(*(self.journals[host].bury(one) for one in others))

    @rule(seconds=st.sampled_from([1.0, 5.0]))
    def time_passes(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @rule()
    def sweep(self) -> None:
        for status in sorted(ENDED):
            while self.wait(self.journals[0].queries.sweep("orders", status, before=0.0, most=2))[0]:
                pass
        left = {row[0] for row in self.store.rows("SELECT id FROM workflow_runs")}
        self.rows = {run: count for run, count in self.rows.items() if run in left}
        assert self.store.rows("SELECT count(*) FROM workflow_steps") == [(sum(self.rows.values()),)]

    @invariant()
    def every_run_is_in_one_pair_of_hands(self) -> None:
        for row in (self.row(run) for run in self.rows):
            assert (row.host is not None) is (row.status == "running")
            assert row.due_at is None or row.host is None
            assert (row.ended_at is not None) is (row.status in ENDED)
            hands = [host for host in (0, 1) if row.id in self.mine[host] and not self.was_buried(host)]
            assert len(hands) <= 1
            assert [self.journals[host].host for host in hands] == ([row.host] if hands else [])
            if row.status == "pending" and not row.held:
                assert row.due_at is not None

    @invariant()
    def no_more_runs_have_the_key_than_may(self) -> None:
        lane = [row for row in map(self.row, self.rows) if row.lane is not None and row.status not in ENDED]
        having = sum(not row.held for row in lane)
        assert having <= MOST
        assert having == MOST or not any(row.held and row.host is None for row in lane)
        counted = self.store.rows("SELECT active FROM workflow_keys")
        assert (counted[0][0] if counted else 0) == having

    @invariant()
    def every_chain_holds(self) -> None:
        for run, count in self.rows.items():
            (found,) = self.wait(self.journals[0].queries.verify(run))
            assert (found.ok, found.rows) == (True, count), found.fact

    def row(self, run: str) -> RunRow:
        row = RunsTable(self.store).get(run)
        assert row is not None
        return row

    def was_buried(self, host: int) -> bool:
        return not self.store.rows("SELECT 1 FROM workflow_hosts WHERE host = ?", (self.journals[host].host,))

    def comes_back(self, host: int) -> None:
        self.mine[host] = {}
        self.wait(self.journals[host].open())

    def teardown(self) -> None:
        self.wait(*(journal.close() for journal in self.journals))
        self.store.close()
        self.loop.run_until_complete(self.loop.shutdown_default_executor())
        self.loop.close()


TestHosts = Hosts.TestCase
TestHosts.settings = settings(max_examples=25, stateful_step_count=30, deadline=None)
