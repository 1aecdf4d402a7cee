"""How much of a faulted run another one takes over. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

__all__ = ["Row", "taken_over"]

_UNDOING = "/host/compensate/"


class Row(Protocol):
    """What is looked at of a row of a journal."""

    @property
    def seq(self) -> int: ...
    @property
    def place(self) -> str: ...
    @property
    def path(self) -> str: ...
    @property
    def status(self) -> str: ...
    @property
    def fed(self) -> object: ...


def taken_over(rows: Iterable[Row]) -> int:
    """How many rows, the first ones, a run keeps that goes on where this one failed.

    The last failure counts: one that was caught and gone on from is kept. Attempts that followed one another are made
    afresh, all of them. What a task had done that was undone since is done again, so nothing from there on is kept;
    unless it was the undoing that failed, which then goes on.
    """
    failure, last_good, undone = _Failure(), 0, set[str]()
    first: dict[str, int] = {}
    for row in rows:
        task, undoing, _ = row.path.partition(_UNDOING)
        if undoing:
            undone.add(task)
        first.setdefault(row.path, row.seq)
        failure.take(row)
        if row.status != "faulted":
            last_good = row.seq
    if _UNDOING not in failure.path and (again := [first[task] for task in undone if task in first]):
        return min(again) - 1
    return failure.seq - 1 if failure.seq else last_good


class _Failure:
    """The last failure so far. `seq` is the first of the attempts that led to it, 0 without one."""

    def __init__(self) -> None:
        self.seq, self.path = 0, ""
        self._start, self._at = 0, ""

    def take(self, row: Row) -> None:
        """Looks at the next row."""
        paused = row.status == "fired" and row.place.endswith("/retry")
        if paused or row.status == "retried":
            self._retried(row, row.place.removesuffix("/retry") if paused else row.place)
        elif row.status == "faulted" and row.fed is not None:
            if not self._at or not _is_in(row.place, self._at):
                self._start, self._at = row.seq, row.place
            self.seq, self.path = self._start, row.path
        else:
            self._at = ""

    def _retried(self, row: Row, place: str) -> None:
        if not self._at or not _is_in(self._at, place):
            self._start = row.seq
        self._at = place


def _is_in(place: str, task: str) -> bool:
    return place == task or place.startswith(f"{task}/")
