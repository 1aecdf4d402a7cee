"""Which rows of a run another one takes over, that goes on where it failed or was cut, or from a place. Pure.

What another one takes over is no mere beginning where tasks ran side by side: a strand loses what it did from a row on,
and the others keep all that they did. Of whatever was tried several times the attempts are lost together, so that all
of them are there again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from omnicore.errors import JournalMismatch
from omnicore.workflows.entries import Entry, Start
from omnicore.workflows.graph import Graph
from omnicore.workflows.progress import Progress

__all__ = ["Lost", "Row", "Taken", "checked", "kept_entries", "taken_over"]

_UNDOING = "/host/compensate/"
_TASK = re.compile(r"(?:/undo/\d+)?/host/compensate/.*$")
_TIMER = re.compile(r"/(?:timeout|attempt|retry|breath)$")
_STEP = re.compile(r"(?P<branch>/fork/branches/\d+/[^/]+)|(?P<round>/for/\d+)(?=/do/)|/[a-z]+/\d+/[^/]+|/[^/]+")
_VISIT = re.compile(r"~(?:[2-9]|[1-9]\d+)$")


class Row(Protocol):
    """What is looked at of a row of a journal."""

    @property
    def seq(self) -> int: ...
    @property
    def place(self) -> str: ...
    @property
    def path(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def status(self) -> str: ...
    @property
    def fed(self) -> object: ...


@dataclass(frozen=True, slots=True, order=True)
class Lost:
    """The rows at and below a place from a number on. `late`: those too that follow from a row which is kept."""

    unit: str
    start: int
    late: bool = False


@dataclass(frozen=True, slots=True)
class Taken:
    """The first `until` rows, `without` some. What was not fed goes with the row that it follows from."""

    until: int
    without: tuple[Lost, ...] = ()

    def sieve(self) -> Callable[[int, str, bool], bool]:
        """Tells of each row in turn, by number, place and whether it was fed, whether it is among them."""
        origin = True

        def among(seq: int, place: str, fed: bool) -> bool:
            nonlocal origin
            mine = [one for one in self.without if seq >= one.start and _is_in(place, one.unit)]
            origin = not mine if fed else origin
            return origin and seq <= self.until and not any(one.late for one in mine)

        return among


@dataclass(frozen=True, slots=True)
class _Seen:
    """A row as it is remembered. `began`: the number of the fed row that it follows from, its own if it is one."""

    seq: int
    began: int
    place: str
    path: str
    kind: str
    status: str

    @property
    def fed(self) -> bool:
        return self.began == self.seq

    @property
    def late(self) -> str | None:
        """The task whose time was over, where that is what the row says; empty: the whole run's was."""
        found = self.status == "fired" and self.place.endswith(("/timeout", "/attempt"))
        return _TIMER.sub("", self.place) if found else None


def taken_over(
    rows: Iterable[Row],
    place: str | None = None,
    *,
    status: str = "faulted",
    parallel: Callable[[str], bool] = lambda path: False,
) -> Taken | None:
    """The rows that a run keeps which goes on where this one failed, or before `place`; None: nothing happened there.

    A failure that was caught and gone on from is kept; that of a `catch` which raises an error itself is not, what it
    has caught is tried again. What a task had done that was undone since is done again, with all that followed from it;
    unless it was the undoing that failed, which then goes on. A block whose time was over begins anew.

    Args:
        status: how the run ended.
        parallel: whether the rounds of the loop at a path run side by side.
    """
    main, undoing = _seen(rows)
    if place is None and (failed := next((row for row in reversed(undoing) if row.status == "faulted"), None)):
        return Taken(_again(undoing, failed).start - 1)
    until, lost = _before_the_end(main, status)
    starts = {(_TASK.sub("", row.place), 0) for row in undoing}
    starts = {(task, _first_in(main, task)) for task, _ in starts}
    if place is not None:
        first = next((row for row in main if _is_in(row.place, place) or row.path == place), None)
        if first is None:
            return None
        starts.add((first.place if first.path == place else place, first.seq))
    lost |= {one for task, start in starts for one in _strands(main, task, start, until, parallel)}
    taken = Taken(until, tuple(sorted(lost)))
    among = taken.sieve()
    last = max((row.seq for row in main if among(row.seq, row.place, row.fed)), default=0)
    return Taken(last, tuple(one for one in taken.without if one.start <= last))


def checked(taken: Taken, graph: Graph, start: Start, entries: Callable[[], Iterable[Entry]]) -> Taken:
    """The same, or, where what is kept would not follow without what is lost, the rows before the first lost one.

    A strand can have gone another way because of what another one put into the context, or have waited for its end.
    """
    if not taken.without:
        return taken
    try:
        Progress(graph, start).replay(kept_entries(taken, entries()))
    except JournalMismatch:
        return Taken(min(one.start for one in taken.without) - 1)
    return taken


def kept_entries(taken: Taken, entries: Iterable[Entry]) -> Iterator[Entry]:
    """The entries among some that are taken over, numbered anew."""
    seq, among = 0, taken.sieve()
    for entry in entries:
        if entry.seq > taken.until:
            return
        if among(entry.seq, entry.place, entry.fed):
            seq += 1
            yield replace(entry, seq=seq)


def _seen(rows: Iterable[Row]) -> tuple[list[_Seen], list[_Seen]]:
    """The rows of the run itself, and those that undo; nothing else comes once the undoing has begun."""
    main: list[_Seen] = []
    undoing: list[_Seen] = []
    paths: dict[str, str] = {}  # a loop has many rows of few paths
    began = 0
    for row in rows:
        began = began if row.fed is None else row.seq
        one = _Seen(row.seq, began, row.place, paths.setdefault(row.path, row.path), row.kind, row.status)
        if _UNDOING in row.path:
            undoing.append(one)
        elif not undoing:
            main.append(one)
    return main, undoing


def _before_the_end(main: Sequence[_Seen], status: str) -> tuple[int, set[Lost]]:
    """How many rows there were before what ended the run, and what failed, to be tried again."""
    if not main or status == "completed":
        return (main[-1].seq if main else 0), set()
    failed = _cause(main, len(main) - 1)
    if status == "faulted" and failed is not None:
        return failed.seq - 1, {_again(main, failed)}
    first = next((row for row in main if row.seq == main[-1].began), main[0])
    if first.kind == "cancel" or first.late is not None:
        return first.seq - 1, set()
    return main[-1].seq, set()


def _cause(rows: Sequence[_Seen], index: int) -> _Seen | None:
    """The innermost task whose failure led to a row, within what followed from one result."""
    found: _Seen | None = None
    for row in reversed(rows[: index + 1]):
        if row.began != rows[index].began:
            break
        if row.status == "cancelled":
            continue
        if row.status not in ("faulted", "retried") or (found is not None and not _is_in(row.place, found.place)):
            break
        found = row
    return found


def _again(rows: Sequence[_Seen], failed: _Seen) -> Lost:
    """What is tried again, and from which row on: the outermost task with attempts, all of which are made afresh."""
    caught = _caught(failed.place)
    if caught is not None and not failed.fed:  # it was raised there: what was caught comes first
        inner = [row for row in rows if row.status == "faulted" and row.fed and _is_in(row.place, f"{caught}/try")]
        again = _again(rows, inner[-1]) if inner else Lost(caught, _first_in(rows, caught))
        return replace(again, unit=caught) if _is_in(again.unit, caught) else again
    around = [
        (index, row)
        for index, row in enumerate(rows)
        if row.status == "retried"
        and _is_in(failed.place, row.place)
        and not _is_in(failed.place, f"{row.place}/catch")
    ]
    if not around:
        return _unless_late(rows, failed.place, failed)
    index, row = min(around, key=lambda one: (len(one[1].place), one[0]))
    return _unless_late(rows, row.place, _cause(rows, index) or row)


def _unless_late(rows: Sequence[_Seen], task: str, failed: _Seen) -> Lost:
    """A failure's own row; or the first one of the block whose time was over, for that time would be over again."""
    first = next((row for row in rows if row.seq == failed.began), failed)
    late = first.late
    return Lost(task, failed.seq if not late or not _is_in(late, task) else _first_in(rows, late))


def _strands(
    rows: Sequence[_Seen], task: str, start: int, until: int, parallel: Callable[[str], bool]
) -> Iterator[Lost]:
    """What is lost with a task from a row on: all behind it on its strand, and on those that had waited for its end."""
    late = False
    while True:
        strand, owner = _strand(task, parallel)
        yield Lost(strand, start, late)
        above = [row for row in rows if row.place and start < row.seq <= until]
        beyond = [row for row in above if _is_above(_TIMER.sub("", row.place), strand)]
        if not strand or not beyond:
            return
        ended = len(beyond) == 1 and beyond[0].status == "completed" and beyond[0].place == owner
        task, start, late = owner, beyond[0].seq if ended else start, ended


def _strand(task: str, parallel: Callable[[str], bool]) -> tuple[str, str]:
    """The branch or round that a task is in, and the task that began it; empty: the run itself."""
    strand = owner = place = path = ""
    for step in _STEP.finditer(task):
        if step["branch"] or (step["round"] and parallel(path)):
            strand, owner = place + step[0], place
        place += step[0]
        path += "" if step["round"] else _VISIT.sub("", step[0])
    return strand, owner


def _caught(place: str) -> str | None:
    """The innermost `try` whose `catch` a place is in."""
    found, before = None, ""
    for step in _STEP.finditer(place):
        found = before if step[0] == "/catch" else found
        before += step[0]
    return found


def _first_in(rows: Sequence[_Seen], task: str) -> int:
    return next((row.seq for row in rows if _is_in(row.place, task)), 1)


def _is_in(place: str, task: str) -> bool:
    return place == task or place.startswith(f"{task}/")


def _is_above(place: str, task: str) -> bool:
    return place != task and task.startswith(f"{place}/")
