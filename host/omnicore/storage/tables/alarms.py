"""Alarms on disk: rules about figures, their states, and what each host has counted for them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated, Any, Literal, TypeAlias

from omnicore.records import HIDDEN, Json, Meta, Record, Time
from omnicore.storage.store import Session, Store
from omnicore.storage.table import Table

AlarmFigure: TypeAlias = Literal["calls", "failures", "error_rate", "p95_ms", "length"]
AlarmState: TypeAlias = Literal["quiet", "firing"]

MOST_ALARMS = 100
MOST_RUNS = 10_000
"""Runs of a workflow in each state that are looked at for a window."""


class AlarmFields(Record, frozen=True, kw_only=True):
    """The fields that an order for an alarm and the alarm share."""

    kind: Annotated[
        Literal["function", "workflow", "queue"],
        Meta(description="Calls of functions, ended runs of a workflow, or tasks that wait in a queue."),
    ]
    target: Annotated[
        str,
        Meta(min_length=1, max_length=200, description="`plugin.function`, `plugin` or `*`; a workflow; a queue."),
    ]
    figure: Annotated[
        AlarmFigure,
        Meta(description="Counts and rates (0 to 1) within the window; `length` is that of a queue now."),
    ]
    threshold: Annotated[float, Meta(ge=0, description="The alarm fires beyond it.")]
    side: Annotated[Literal["above", "below"], Meta(description="The side of the threshold that is wrong.")] = "above"
    clear: Annotated[
        float | None,
        Meta(description="It ends when the figure is back on the other side of this; null: of the threshold."),
    ] = None
    window_s: Annotated[float, Meta(ge=10, le=3600, description="The time that figures are about.")] = 300.0
    least_calls: Annotated[
        int, Meta(ge=0, le=1_000_000, description="Rates and p95 of fewer calls or runs say nothing.")
    ] = 1
    connector: Annotated[
        str | None, Meta(description="`connector.action` that is done when it fires and when it ends.")
    ] = None
    workflow: Annotated[str | None, Meta(description="A workflow that is run when it fires and when it ends.")] = None
    enabled: bool = True


class AlarmOrder(AlarmFields, frozen=True, kw_only=True):
    """An alarm to be stored in the place of one of its name.

    In texts of the input `{alarm}`, `{state}`, `{value}`, `{threshold}`, `{figure}` and `{target}` are replaced.
    """

    input: Annotated[Json, Meta(description="For the connector or workflow; null: what the event says.")] = None


class Alarm(AlarmFields, frozen=True, kw_only=True):
    """An alarm and its state. Units: times in seconds since the Unix epoch."""

    name: str
    input: Json
    changed_by: Annotated[str, Meta(description="Who stored it last.")]
    changed_at: Time
    state: AlarmState
    since: Annotated[float, Meta(description="When it came into this state.")]
    value: Annotated[float | None, Meta(description="The figure as it was last; null where it says nothing.")]
    checked_at: Annotated[float | None, Meta(description="When that was.")]
    next_at: Annotated[float, HIDDEN]
    told: Annotated[AlarmState, Meta(description="The state that the connector or workflow was told last.")]
    tries: Annotated[int, HIDDEN]
    trouble: Annotated[str, Meta(description="Why it could not be told; empty where it was.")]


class AlarmCount(Record, frozen=True):
    """The calls that a host has counted of an alarm's functions within its window. `buckets` are calls by duration."""

    alarm: str
    host: str
    at: float
    calls: int
    failures: int
    buckets: Sequence[int]


ALARMS = Table(Alarm, "alarms", key="name")
COUNTS = Table(AlarmCount, "alarm_counts", key=("alarm", "host"))


class AlarmsTable:
    """Rows of alarms. All block. Raises: StorageFailed."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def put(self, one: Alarm) -> bool:
        """Keeps an alarm in the place of one of its name, on the disk; False where there are too many."""
        with self._store.write(durable=True) as session:
            session.execute("DELETE FROM alarms WHERE name = ?", (one.name,))
            if session.execute("SELECT count(*) FROM alarms").fetchall()[0][0] >= MOST_ALARMS:
                return False
            session.execute(ALARMS.insert, ALARMS.values(one))
        return True

    def get(self, name: str) -> Alarm | None:
        """One alarm."""
        found = self._store.rows(f"{ALARMS.select} WHERE name = ?", (name,))
        return ALARMS.row(found[0]) if found else None

    def all(self) -> list[Alarm]:
        """Every alarm, by name."""
        return [ALARMS.row(row) for row in self._store.rows(f"{ALARMS.select} ORDER BY name LIMIT ?", (MOST_ALARMS,))]

    def remove(self, name: str) -> bool:
        """Removes an alarm; True if there was one."""
        with self._store.write(durable=True) as session:
            session.execute("DELETE FROM alarm_counts WHERE alarm = ?", (name,))
            return session.execute("DELETE FROM alarms WHERE name = ?", (name,)).rowcount == 1

    def claim(self, one: Alarm, next_at: float) -> bool:
        """Takes a check that is due; False where another host was first, or the alarm was changed."""

        def work(session: Session) -> bool:
            done = session.execute(
                "UPDATE alarms SET next_at = ? WHERE name = ? AND next_at = ? AND changed_at = ? AND enabled = 1",
                (next_at, one.name, one.next_at, one.changed_at),
            )
            return done.rowcount == 1

        return self._store.apply(work)

    def check(self, one: Alarm) -> bool:
        """Keeps what a check has found; False where the alarm was changed or removed meanwhile."""

        def work(session: Session) -> bool:
            done = session.execute(
                "UPDATE alarms SET state = ?, since = ?, value = ?, checked_at = ?, told = ?, tries = ?, trouble = ?"
                " WHERE name = ? AND changed_at = ?",
                (
                    *(one.state, one.since, one.value, one.checked_at, one.told, one.tries, one.trouble),
                    *(one.name, one.changed_at),
                ),
            )
            return done.rowcount == 1

        return self._store.apply(work)

    def count(self, counts: Sequence[AlarmCount]) -> None:
        """Keeps what a host has counted, in the place of what it had before."""

        def work(session: Session) -> None:
            for one in counts:
                session.execute("DELETE FROM alarm_counts WHERE alarm = ? AND host = ?", (one.alarm, one.host))
                session.execute(COUNTS.insert, COUNTS.values(one))

        self._store.apply(work)

    def counted(self, alarm: str, since: float) -> list[AlarmCount]:
        """The counts of hosts since a time; older rows, of hosts that are gone, go."""
        found = self._store.rows(f"{COUNTS.select} WHERE alarm = ?", (alarm,))
        counts = [COUNTS.row(row) for row in found]
        if any(one.at < since for one in counts):
            self._store.apply(
                lambda session: session.execute("DELETE FROM alarm_counts WHERE alarm = ? AND at < ?", (alarm, since))
            )
        return [one for one in counts if one.at >= since]

    def runs(self, workflow: str, since: float) -> dict[str, list[float]]:
        """Seconds of the newest runs of a workflow that ended since a time, by status."""
        sql = (
            "SELECT ended_at - created_at FROM workflow_runs WHERE workflow = ? AND status = ? AND ended_at IS NOT NULL"
            " AND ended_at >= ? ORDER BY ended_at DESC LIMIT ?"
        )
        return {
            status: [float(row[0]) for row in self._store.rows(sql, (workflow, status, since, MOST_RUNS))]
            for status in ("completed", "faulted", "cancelled")
        }

    def length(self, queue: str) -> int:
        """Tasks that wait in a queue. Costs what waits in all of them."""
        found = self._store.rows("SELECT count(*) FROM tasks WHERE state = 'waiting' AND queue = ?", (queue,))
        return int(found[0][0])


def filled(value: Any, words: dict[str, Any]) -> Any:
    """A JSON value, with words in the place of their names in braces.

    >>> filled({"text": "{alarm}: {value}"}, {"alarm": "slow", "value": 3})
    {'text': 'slow: 3'}
    """
    if isinstance(value, str):
        for name, word in words.items():
            value = value.replace(f"{{{name}}}", word if isinstance(word, str) else json.dumps(word))
        return value
    if isinstance(value, dict):
        return {key: filled(one, words) for key, one in value.items()}
    return [filled(one, words) for one in value] if isinstance(value, list) else value
