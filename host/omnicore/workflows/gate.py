"""The gate: which actions may begin, of all that live runs want done. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

__all__ = ["Gate"]

Run = TypeVar("Run", bound=Hashable)
Wish = TypeVar("Wish")

_LOWEST_EVERY = 8
"""Each so manyth choice goes to the lowest priority that waits, so that none is starved."""


class Gate(Generic[Run, Wish]):
    """Lets so many wishes through at once, and so many of one run. Runs of one priority take turns.

    Args:
        most: wishes of all runs under way at once.
        most_of_one: of one run.
    """

    def __init__(self, most: int, most_of_one: int) -> None:
        self._most, self._most_of_one = most, most_of_one
        self._turns: dict[int, deque[Run]] = {}
        self._waiting: dict[Run, deque[Wish]] = {}
        self._ranks: dict[Run, int] = {}
        self._under_way: dict[Run, int] = {}
        self._total = self._choices = 0

    @property
    def under_way(self) -> int:
        """Wishes that were let through and are not done."""
        return self._total

    def under_way_of(self, run: Run) -> int:
        """Those of one run."""
        return self._under_way.get(run, 0)

    def waiting(self, run: Run) -> int:
        """Wishes of a run that wait."""
        return len(self._waiting.get(run, ()))

    def add(self, run: Run, wish: Wish, priority: int) -> None:
        """Takes a wish in."""
        queue = self._waiting.get(run)
        if queue is None:
            queue = self._waiting[run] = deque()
            self._ranks[run] = priority
            if self._under_way.get(run, 0) < self._most_of_one:
                self._line_up(run)
        queue.append(wish)

    def next(self) -> tuple[Run, Wish] | None:
        """The next wish to begin, counted as under way from now on; None when none may."""
        if self._total >= self._most or not self._turns:
            return None
        self._choices += 1
        rank = (min if self._choices % _LOWEST_EVERY == 0 else max)(self._turns)
        turns = self._turns[rank]
        run = turns.popleft()
        if not turns:
            del self._turns[rank]
        queue = self._waiting[run]
        wish = queue.popleft()
        self._total += 1
        mine = self._under_way[run] = self._under_way.get(run, 0) + 1
        if not queue:
            del self._waiting[run], self._ranks[run]
        elif mine < self._most_of_one:
            self._line_up(run)
        return run, wish

    def done(self, run: Run) -> None:
        """A wish that was let through is done."""
        self._total -= 1
        mine = self._under_way[run] - 1
        if mine:
            self._under_way[run] = mine
        else:
            del self._under_way[run]
        if mine == self._most_of_one - 1 and run in self._waiting:
            self._line_up(run)

    def drop(self, run: Run) -> list[Wish]:
        """Takes out what waits of a run."""
        queue = self._waiting.pop(run, None)
        if queue is None:
            return []
        rank = self._ranks.pop(run)
        self._leave_line(run, rank)
        return list(queue)

    def withdraw(self, run: Run, unwanted: Callable[[Wish], bool]) -> None:
        """Takes out wishes of a run that wait."""
        queue = self._waiting.get(run)
        if queue is None:
            return
        left = deque(wish for wish in queue if not unwanted(wish))
        if left:
            self._waiting[run] = left
        else:
            self.drop(run)

    def _line_up(self, run: Run) -> None:
        self._turns.setdefault(self._ranks[run], deque()).append(run)

    def _leave_line(self, run: Run, rank: int) -> None:
        turns = self._turns.get(rank)
        if turns is not None and run in turns:
            turns.remove(run)
            if not turns:
                del self._turns[rank]
