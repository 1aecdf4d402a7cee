"""The nearest memories by meaning: each is looked at while they are few, a graph proposes when they are many.

The graph only names candidates, whose cosines come from the matrix: when it is being built, is behind, fails or
cannot be had at all, the same question is answered exactly, only slower.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from omnicore.memory.columns import Bools, Floats, Matrix, Places, Shelf, best
from omnicore.memory.ranking import LISTED, nearest
from omnicore.vectors.ann import Graph, GraphFailed, available
from omnicore.vectors.numeric import np

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable
    from concurrent.futures import Executor

__all__ = ["Nearby"]


_log = logging.getLogger(__name__)
_SLICE = 500
_TAIL = 2000  # memories that wait for the graph; each is looked at meanwhile
_AGAIN_S = 60.0


class Nearby:
    """The graph over one space of a shelf.

    Args:
        exact_upto: so many allowed memories are looked at one by one: at 256 numbers 20,000 take 1 to 2 ms.
        lock: the shelf's; whoever calls `places` holds it.
        executor: runs the building; None builds no graph.
        monotonic: seconds, for the wait after a failure.
        exact_only: whether the graph is left alone now.
        m, ef: links of each memory in the graph, and candidates looked at while searching and building.
    """

    def __init__(
        self,
        space: str,
        *,
        exact_upto: int,
        lock: threading.RLock,
        executor: Executor | None,
        monotonic: Callable[[], float],
        exact_only: Callable[[], bool] = lambda: False,
        m: int = 16,
        ef: int = 100,
    ) -> None:
        self._space = space
        self._exact_upto = exact_upto
        self._lock = lock
        self._executor = executor if available() else None
        self._monotonic = monotonic
        self._exact_only = exact_only
        self._m, self._ef = m, ef
        self._graph: Graph | None = None
        self._upto = 0
        self._building = False
        self._failed_at: float | None = None
        self.problem: str | None = None

    @property
    def ready(self) -> bool:
        """True if a graph is in use."""
        return self._graph is not None

    def places(self, shelf: Shelf, query: Floats, allowed: Bools) -> Places:
        """The places of about the nearest `LISTED` that are allowed."""
        open_count = int(np.count_nonzero(allowed))
        if open_count <= self._exact_upto:
            return self._exact(shelf, query, allowed, open_count)
        self._keep_up(shelf)
        if self._graph is not None and not self._exact_only():
            found = self._proposed(shelf, self._graph, query, allowed, open_count)
            if found is not None:
                return found
        return nearest(shelf, self._space, query, allowed)

    def _exact(self, shelf: Shelf, query: Floats, allowed: Bools, open_count: int) -> Places:
        if open_count * 4 > shelf.count:
            return nearest(shelf, self._space, query, allowed)
        matrix = self._matrix(shelf)
        places = np.flatnonzero(allowed)
        places = places[matrix.has(places)]
        return places[best(matrix.scores(query, places), LISTED)]

    def _proposed(self, shelf: Shelf, graph: Graph, query: Floats, allowed: Bools, open_count: int) -> Places | None:
        matrix = self._matrix(shelf)
        # The rarer the allowed ones are, the more must be asked for; far beyond that, looking at each is cheaper.
        wanted = int(LISTED * 1.5 * shelf.count / open_count) + 1
        try:
            found = graph.search(query, wanted)
        except GraphFailed as error:
            self._fail(str(error))
            return None
        tail = np.arange(self._upto, shelf.count)
        places = np.concatenate([found[found < shelf.count], tail[matrix.has(tail)]])
        places = places[allowed[places]]
        return places[best(matrix.scores(query, places), LISTED)] if len(places) >= LISTED else None

    def _keep_up(self, shelf: Shelf) -> None:
        behind = shelf.count - self._upto
        waits = self._failed_at is not None and self._monotonic() - self._failed_at < _AGAIN_S
        if self._executor is None or self._building or waits or (self._graph is not None and behind < _TAIL):
            return
        self._building = True
        self._executor.submit(self._build, shelf)

    def _build(self, shelf: Shelf) -> None:
        try:
            with self._lock:
                matrix, graph, upto = self._matrix(shelf), self._graph, self._upto
            graph = graph or Graph(matrix.dimensions, "cosine", m=self._m, ef=self._ef)
            while True:
                with self._lock:  # a copy of a slice: the matrix moves when it grows
                    places = np.arange(upto, min(upto + _SLICE, shelf.count))
                    labels = places[matrix.has(places)]
                    rows = matrix.rows(labels)
                if len(labels):
                    graph.add(labels, rows)
                if not len(places):
                    break
                upto = int(places[-1]) + 1
            with self._lock:
                self._graph, self._upto = graph, upto
                self._failed_at = self.problem = None
        except GraphFailed as error:
            self._fail(str(error))
        finally:
            self._building = False

    def _fail(self, problem: str) -> None:
        """Looks at each memory from now on, and builds anew in a while."""
        _log.warning("the index of memories failed: %s; recall looks at each of them", problem)
        with self._lock:
            self._graph, self._upto = None, 0
            self._failed_at = self._monotonic()
            self.problem = problem

    def _matrix(self, shelf: Shelf) -> Matrix:
        return shelf.sense if self._space == "sense" else shelf.given
