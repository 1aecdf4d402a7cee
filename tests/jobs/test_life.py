"""The life of tasks: whatever hosts and people do, the tables agree with a model that fits on a page."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, rule

from omnicore.clock import ManualClock
from omnicore.errors import Conflict, LimitExceeded
from omnicore.jobs.tasks import StoredTasks
from omnicore.storage.database import Database
from omnicore.storage.tables.tasks import Ending, Task, TaskClaims, TaskOrder

QUOTA = 6
MOST_LOST = 2
OWNERS = st.sampled_from(["mail", "news"])
HOSTS = st.sampled_from(["one", "two", "three"])


@dataclass(slots=True)
class Model:
    """One task as it should be."""

    owner: str
    priority: int
    due_at: float
    most: int
    state: str = "waiting"
    attempts: int = 0
    lost: int = 0
    token: int = 0
    host: str | None = None


class Life(RuleBasedStateMachine):
    """Three hosts that share a database, and the people who order."""

    held = Bundle("held")

    @initialize()
    def begin(self) -> None:
        self.clock = ManualClock()
        self.store = Database.open(None)
        self.stored = StoredTasks(self.store, clock=self.clock)
        self.claims = TaskClaims(self.store)
        self.models: dict[str, Model] = {}
        self.keys: dict[tuple[str, str], str] = {}

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.store.close()

    def pending(self, owner: str) -> int:
        return sum(one.owner == owner and one.state in ("waiting", "running") for one in self.models.values())

    @rule(
        owner=OWNERS,
        priority=st.integers(0, 9),
        delay=st.sampled_from([0, 5]),
        most=st.integers(1, 3),
        key=st.sampled_from([None, None, "a", "b"]),
    )
    def submit(self, owner: str, priority: int, delay: float, most: int, key: str | None) -> None:
        order = TaskOrder("f.g", priority=priority, delay_s=delay, attempts=most, key=key)
        known = self.keys.get((owner, key)) if key else None
        try:
            task = self.stored.submit(order, owner=owner, max_pending=QUOTA)
        except LimitExceeded:
            assert known is None
            assert self.pending(owner) >= QUOTA
            return
        if known:
            assert task == known
            return
        assert self.pending(owner) < QUOTA
        self.models[task] = Model(owner, priority, self.clock.now() + delay, most)
        if key:
            self.keys[owner, key] = task

    @rule(target=held, host=HOSTS)
    def claim(self, host: str) -> Task | None:
        ready = {
            task: one for task, one in self.models.items() if one.state == "waiting" and one.due_at <= self.clock.now()
        }
        rows = self.claims.turn(host, [], free=1, now=self.clock.now(), limits={}).tasks
        assert len(rows) == min(1, len(ready))
        if not rows:
            return None
        (row,) = rows
        model = ready[row.id]
        first = min(ready.values(), key=lambda one: (-one.priority, one.due_at))
        assert (model.priority, model.due_at) == (first.priority, first.due_at)
        assert row.token > model.token
        model.state, model.host, model.token = "running", host, row.token
        model.attempts += 1
        return row

    @rule(row=consumes(held), state=st.sampled_from(["done", "failed", "waiting"]), counted=st.booleans())
    def end(self, row: Task | None, state: str, counted: bool) -> None:
        if row is None:
            return
        counted = counted or state != "waiting"
        ending = Ending(row.id, row.token, state, self.clock.now(), output="1", counted=counted)
        refused = self.claims.turn("any", [ending], free=0, now=self.clock.now(), limits={}).refused
        model = self.models[row.id]
        current = model.state == "running" and model.token == row.token
        assert (row.id in refused) is not current
        if current:
            model.state, model.host = state, None
            model.attempts -= not counted

    @rule(host=HOSTS)
    def die(self, host: str) -> None:
        for silence in self.claims.others("me"):
            if silence.host == host:
                self.claims.take_over(silence, now=self.clock.now(), most_lost=MOST_LOST)
        for model in self.models.values():
            if model.state == "running" and model.host == host:
                model.state = "waiting" if model.lost < MOST_LOST else "failed"
                model.attempts -= model.state == "waiting"
                model.lost, model.host = model.lost + 1, None

    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        if self.models:
            task = data.draw(st.sampled_from(sorted(self.models)))
            model = self.models[task]
            assert self.stored.cancel(task) is (model.state in ("waiting", "running"))
            if model.state in ("waiting", "running"):
                model.state = "cancelled"

    @rule(data=st.data())
    def retry(self, data: st.DataObject) -> None:
        if not self.models:
            return
        task = data.draw(st.sampled_from(sorted(self.models)))
        model = self.models[task]
        try:
            self.stored.retry(task)
        except Conflict:
            assert model.state in ("waiting", "running", "done")
            return
        assert model.state in ("failed", "cancelled")
        model.state, model.attempts, model.lost, model.due_at = "waiting", 0, 0, self.clock.now()

    @rule()
    def wait(self) -> None:
        self.clock.advance(5)

    @invariant()
    def the_tables_agree(self) -> None:
        if not hasattr(self, "models"):
            return
        for task, model in self.models.items():
            view = self.stored.get(task)
            assert (view.state, view.attempts, view.lost) == (model.state, model.attempts, model.lost)
        totals = dict(self.store.rows("SELECT owner, pending FROM task_totals"))
        for owner in ("mail", "news"):
            assert totals.get(owner, 0) == self.pending(owner)


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
