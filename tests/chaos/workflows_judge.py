"""What became of the runs of a campaign: the journal held against the ledger of effects and the marks of the hosts.

Nothing is excused. Of each action the journal says whose effect was recorded; that must be the one that was begun last,
and each one before it must be of a host that had lost the run by then. So an effect that comes after its step was
recorded can only be of an action that was in a host's hands before others took over, and whose outcome nobody kept.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from tests.chaos.workflows_documents import MOST
from tests.chaos.workflows_marks import Begun, Marks

from omnicore.storage.store import Store

__all__ = ["Found", "judged"]

_PAGE = 1000
_GUESTS = {("steps", "a"), ("steps", "d"), ("each", "b"), ("branches", "middle")}
"""Steps that call a plugin: the ledger knows nothing of them."""

_UNANSWERED = "gave no answer"
_HAND = re.compile(r"wfh_[0-9a-z]{26}:[0-9]+")
Calls = Mapping[str, Sequence[tuple[float, str]]]


@dataclass
class Found:
    """What a campaign has shown. `ghosts` are effects that came after their step was recorded by another host."""

    runs: int = 0
    steps: int = 0
    repeats: int = 0
    ghosts: int = 0
    problems: list[str] = field(default_factory=list)


def judged(store: Store, calls: Calls, acknowledged: Mapping[str, int], marks: Marks, seconds: float) -> Found:
    """All that there is, and all that is wrong. Args: seconds: for how long the runs of a schedule began."""
    runs = _runs(store)
    found = Found(len(runs))
    problems = found.problems
    problems += [f"{run} was acknowledged and is lost" for run in acknowledged if run not in runs]
    left = [(run, row) for run, row in runs.items() if row["status"] != "completed"]
    problems += [f"{run} of {row['workflow']} is {row['status']}: {row['fault']}" for run, row in left]
    recorded = set[str]()
    for run, rows in _rows_of_runs(store):
        row = runs.get(run)
        if row is None:
            problems.append(f"{run} has rows and is no run")
            continue
        found.steps += len(rows)
        if [one[1] for one in rows] != list(range(1, len(rows) + 1)):
            problems.append(f"{run} has rows {[one[1] for one in rows]}")
        for one in rows:
            if one[4] == "call":
                _step(found, row["workflow"], one, calls, marks, recorded)
    problems += [
        f"{key or 'something without a key'} was done and not recorded" for key in {*calls, *marks.begun} - recorded
    ]
    problems += [*_leftovers(store), *_records(store, runs), *_lanes(runs), *_ticks(runs, seconds), *_heard(runs)]
    problems += _answers(store, runs, acknowledged)
    return found


def _runs(store: Store) -> dict[str, dict[str, Any]]:
    names = ("id", "workflow", "status", "lane", "started_at", "ended_at", "trigger", "output", "fault", "record_seq")
    found = store.rows(f"SELECT {', '.join(names)} FROM workflow_runs")
    return {row[0]: dict(zip(names, row, strict=True)) for row in found}


def _rows_of_runs(store: Store) -> Iterator[tuple[str, list[Any]]]:
    after = ("", 0)
    run, kept = "", list[Any]()
    while True:
        page = store.rows(
            "SELECT run, seq, place, attempt, kind, status, at, name, began_at, output, result, fault"
            " FROM workflow_steps WHERE (run, seq) > (?, ?)"
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


def _step(found: Found, workflow: str, row: Sequence[Any], calls: Calls, marks: Marks, recorded: set[str]) -> None:
    """One recorded attempt of a call."""
    run, _, place, attempt, _, status, at, name, began_at, *said = row
    key = f"{run}{place}/{attempt}"
    if key in recorded:
        found.problems.append(f"{key} is recorded twice")
    recorded.add(key)
    # The record of a request without an answer names no hand, and the ledger may have heard of it or not.
    unanswered = status != "completed" and _UNANSWERED in str(said)
    begun, guest = marks.begun.get(key, []), unanswered or (workflow, name) in _GUESTS
    kept = _by_time(begun, began_at, at) if guest else _by_hand(begun, said)
    if kept is None:
        found.problems.append(f"{key} is recorded as {status}, and no host has done what is recorded: {said}")
        return
    found.repeats += len(begun) - 1
    for one in begun:
        if one is not kept and (about := _unlawful(one, kept, run, marks)):
            late = ", after it was recorded" if one.at > at else ""
            found.problems.append(f"{key} was begun by {one.hand} at {one.at:.3f}{late}: {about}")
    if guest:
        return
    came = Counter(hand for _, hand in calls.get(key, ()))
    hands = {one.hand for one in begun}
    if kept.hand not in came:
        found.problems.append(f"{key} is recorded as {status} and was never done")
    for hand, count in came.items():
        if hand not in hands or count > 1:
            found.problems.append(f"{key} was done {count} times by {hand}, which began it once or never")
    found.ghosts += sum(moment > at for moment, _ in calls.get(key, ()))


def _by_hand(begun: Sequence[Begun], said: Sequence[Any]) -> Begun | None:
    """The one whose answer is in the record."""
    hands = {hand for text in said if text is not None for hand in _HAND.findall(text)}
    return next((one for one in begun if hands == {one.hand}), None)


def _by_time(begun: Sequence[Begun], began_at: float, at: float) -> Begun | None:
    """The first that was begun since the host that recorded it says that it began; the last, if its database failed."""
    mine = [one for one in begun if began_at <= one.at + 1e-6 and one.at <= at]
    return next((one for one in reversed(mine) if one.host == mine[0].host), None)


def _unlawful(one: Begun, kept: Begun, run: str, marks: Marks) -> str:
    """Why an action should not have been begun beside the one that is recorded; empty when it should."""
    if one.at >= kept.at:
        return f"{kept.hand} had begun it at {kept.at:.3f}, and that is what is recorded"
    if one.hand in marks.failed:
        return ""
    if not marks.parted(one.host, run, one.at, kept.at):
        return f"the run was still its own when {kept.hand} began it at {kept.at:.3f}"
    return ""


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


def _ticks(runs: Mapping[str, Mapping[str, Any]], seconds: float) -> Iterator[str]:
    """Each tick began one run, of two hosts with a clock each, and none was left out."""
    found = sorted(round(json.loads(row["trigger"])["at"], 3) for row in runs.values() if row["workflow"] == "ticks")
    gaps = {round(then - first, 2) for first, then in pairwise(found)}
    if gaps - {1.0}:
        yield f"ticks are {sorted(gaps)} s apart"
    if len(found) < seconds - 3:
        yield f"{len(found)} ticks began a run in {seconds:.0f} s"


def _heard(runs: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    counts = Counter(row["workflow"] for row in runs.values())
    if not all(counts[name] for name in ("emits", "outer", "listens", "keyed", "each", "branches", "retries")):
        yield f"of some workflows there is no run: {dict(counts)}"
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
