"""A lock for many readers or one writer, by turns."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["TurnLock"]


class TurnLock:
    """Readers share, a writer is alone, and neither starves the other.

    A writer that waits holds back new readers; when it leaves, all readers that came meanwhile go before the next
    writer. So a search waits for one slice of an insertion at most.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._reading = 0
        self._writing = False
        self._writers = 0  # that wait or write
        self._waiting = 0  # readers
        self._due = 0  # readers that go before the next writer
        self._turn = 0

    @contextmanager
    def reading(self) -> Iterator[None]:
        """The block of a reader."""
        with self._changed:
            if self._writers:
                self._await_turn()
            self._reading += 1
        try:
            yield
        finally:
            with self._changed:
                self._reading -= 1
                if not self._reading:
                    self._changed.notify_all()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """The block of a writer."""
        with self._changed:
            self._writers += 1
            while self._writing or self._reading or self._due:
                self._changed.wait()
            self._writing = True
        try:
            yield
        finally:
            with self._changed:
                self._writing = False
                self._writers -= 1
                self._due = self._waiting
                self._turn += 1
                self._changed.notify_all()

    def _await_turn(self) -> None:
        turn = self._turn
        self._waiting += 1
        while self._turn == turn:
            self._changed.wait()
        self._waiting -= 1
        self._due -= 1
        if not self._due:
            self._changed.notify_all()
