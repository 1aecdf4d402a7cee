"""What became of the runs of a campaign: the journal held against the ledger of effects."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from tests.chaos.workflows_documents import MOST

from omnicore.storage.store import Store

__all__ = ["Blows", "judged"]

_PAGE = 1000
_GUESTS = {("steps", "a"), ("steps", "d"), ("each", "b"), ("branches", "middle")}
"""Steps that call a plugin: the ledger knows nothing of them."""

_SLACK_S = 0.002  # the journal's times and the ledger's are of two processes
_LAG_S = 0.5  # what a host sent before it died is read a little later


@dataclass
class Blows:
    """When something was done to hosts. One that was stopped goes on for a moment until it knows that it is dead."""

    kills: list[float] = field(default_factory=list)
    lapses: list[tuple[float, float]] = field(default_factory=list)
    """Times in which a host may have done what another one has done already: it had lost its runs unknowingly."""

    def between(self, first: float, then: float) -> bool:
        """Whether a repeat at `then` of what came first at `first` is owed to one of them."""
        killed = any(first - _LAG_S <= at <= then + _SLACK_S for at in self.kills)
        return killed or any(begin <= then and first <= end for begin, end in self.lapses)

    def lapsed(self, moment: float) -> bool:
        """Whether some host went on at a moment that had lost its runs."""
        return any(begin <= moment <= end for begin, end in self.lapses)


def judged(
    store: Store, calls: Mapping[str, Sequence[float]], acknowledged: Mapping[str, int], blows: Blows
) -> tuple[int, int, list[str]]:
    """How many runs and steps there are, and all that is wrong."""
    runs = _runs(store)
    problems = [f"{run} was acknowledged and is lost" for run in acknowledged if run not in runs]
    left = [(run, row) for run, row in runs.items() if row["status"] != "completed"]
    problems += [f"{run} of {row['workflow']} is {row['status']}: {row['fault']}" for run, row in left]
    steps, recorded = 0, set[str]()
    for run, seqs in _rows_of_runs(store):
        row = runs.get(run)
        if row is None:
            problems.append(f"{run} has rows and is no run")
            continue
        steps += len(seqs)
        if [one[1] for one in seqs] != list(range(1, len(seqs) + 1)):
            problems.append(f"{run} has rows {[one[1] for one in seqs]}")
        problems += _effects(row["workflow"], seqs, calls, blows, recorded)
    problems += [f"{key or 'something without a key'} was done and not recorded" for key in calls.keys() - recorded]
    problems += [*_leftovers(store), *_records(store, runs), *_lanes(runs), *_ticks(runs), *_heard(runs)]
    problems += _answers(store, runs, acknowledged)
    return len(runs), steps, problems


def _runs(store: Store) -> dict[str, dict[str, Any]]:
    names = ("id", "workflow", "status", "lane", "started_at", "ended_at", "trigger", "output", "fault", "record_seq")
    found = store.rows(f"SELECT {', '.join(names)} FROM workflow_runs")
    return {row[0]: dict(zip(names, row, strict=True)) for row in found}


def _rows_of_runs(store: Store) -> Iterator[tuple[str, list[Any]]]:
    after = ("", 0)
    run, kept = "", list[Any]()
    while True:
        page = store.rows(
            "SELECT run, seq, place, attempt, kind, status, at, name FROM workflow_steps WHERE (run, seq) > (?, ?)"
            " ORDER BY run, seq LIMIT ?",
            (*after, _PAGE),
        )
        for row in page:
            if row[0] != run:
                if kept:
                    yield run, kept
                run, kept = row[0], []
            kept.append(row)
        if len(page) < _PAGE:
            break
        after = (page[-1][0], page[-1][1])
    if kept:
        yield run, kept


def _effects(
    workflow: str, rows: Sequence[Any], calls: Mapping[str, Sequence[float]], blows: Blows, recorded: set[str]
) -> Iterator[str]:
    """Each recorded step was done, before it was recorded, and again only where a host died in between."""
    for run, _, place, attempt, kind, status, at, name in rows:
        if kind != "call" or (workflow, name) in _GUESTS:
            continue
        key = f"{run}{place}/{attempt}"
        times = calls.get(key, ())
        if key in recorded:
            yield f"{key} is recorded twice"
        recorded.add(key)
        if not times:
            yield f"{key} is recorded as {status} and was never done"
        for first, then in pairwise(times):
            if not blows.between(first, then):
                yield f"{key} was done at {first:.3f} and again at {then:.3f}, and nobody died"
        late = [time for time in times if time > at + _SLACK_S and not blows.lapsed(time)]
        if late:
            yield f"{key} began again at {late[0]:.3f} after it was recorded at {at:.3f}"


def _leftovers(store: Store) -> Iterator[str]:
    for table in ("signals", "waits", "keys", "events"):
        (count,) = store.rows(f"SELECT count(*) FROM workflow_{table}")[0]
        if count:
            yield f"{count} rows are left in workflow_{table}"
    where = "held = 1 OR host IS NOT NULL OR due_at IS NOT NULL"
    (held,) = store.rows(f"SELECT count(*) FROM workflow_runs WHERE {where}")[0]
    if held:
        yield f"{held} runs are held back, due or in somebody's hands after all have ended"


def _records(store: Store, runs: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """The end of each run is one row of the host's record."""
    seqs = [row["record_seq"] for row in runs.values()]
    if len(set(seqs)) != len(seqs):
        yield "two runs have one row of the record, or some have none"
    (count,) = store.rows("SELECT count(*) FROM audit WHERE action = 'workflow.run'")[0]
    if count != len(runs):
        yield f"{len(runs)} runs have ended, and {count} rows of the record say so"


def _lanes(runs: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Never more runs of a concurrency key than may be."""
    moments: dict[str, list[tuple[float, int]]] = defaultdict(list)
    for row in runs.values():
        if row["lane"] is not None and row["ended_at"] is not None:
            moments[row["lane"]] += [(row["started_at"], 1), (row["ended_at"], -1)]
    for lane, found in moments.items():
        count = most = 0
        for _, change in sorted(found):
            count += change
            most = max(most, count)
        if most > MOST:
            yield f"{most} runs had the concurrency key {lane} at once"


def _ticks(runs: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Each tick began one run, and none was left out."""
    found = sorted(round(json.loads(row["trigger"])["at"], 3) for row in runs.values() if row["workflow"] == "ticks")
    gaps = {round(then - first, 2) for first, then in pairwise(found)}
    if gaps - {1.0}:
        yield f"ticks are {sorted(gaps)} s apart"


def _heard(runs: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    counts = Counter(row["workflow"] for row in runs.values())
    if counts["emits"] != counts["hears"]:
        yield f"{counts['emits']} events were emitted, and {counts['hears']} runs began for them"
    if 2 * counts["outer"] != counts["inner"]:
        yield f"{counts['outer']} runs begin two others each, and {counts['inner']} of those began"


def _answers(store: Store, runs: Mapping[str, Mapping[str, Any]], acknowledged: Mapping[str, int]) -> Iterator[str]:
    """Who listened got its own event, once, however often it came."""
    for run, row in runs.items():
        if row["workflow"] == "listens" and row["output"] is not None:
            found = json.loads(row["output"])
            if found != [{"n": acknowledged.get(run)}]:
                yield f"{run} heard {found}, and not {acknowledged.get(run)}"
