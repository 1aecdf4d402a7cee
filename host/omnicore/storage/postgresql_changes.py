"""News between processes: each says that it has written, and hears of the others at once."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress

import psycopg

from omnicore.errors import OmniError
from omnicore.storage.postgresql_link import Connection

__all__ = ["CHANNEL", "ChangeNotes", "PostgresChanges"]

CHANNEL = "omnicore_changes"
"""Each process that has written says so here, soon after its commit."""

# NOTIFY takes a lock of the whole server until its transaction ends, and one row that counts changes would make all
# writers wait for each other. So both come after the commit, in a transaction that waits for no disk, and one speaks
# for all commits of a process in this time.
_PAUSE_S = 0.02
_AGAIN_S = 0.5
_SAY = f"SELECT nextval('change_numbers'), pg_notify('{CHANNEL}', '')"
_ASK = "SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM change_numbers"


class ChangeNotes:
    """Says that this process has written, and tells how often the others have.

    Args: connection: gives the connection that speaks, which nobody else uses.
    Owns: a thread, from the first note until `close`.
    """

    def __init__(self, connection: Callable[[], Connection]) -> None:
        self._connection = connection
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._own = 0
        self._unsaid = self._closed = False

    def note(self, *, wait: bool) -> None:
        """Something was committed. Args: wait: others know when this returns, unless the server went away."""
        self._unsaid = True
        if wait:
            with suppress(psycopg.Error, OmniError):
                self._say()
                return
        if self._thread is None:
            with self._lock:
                if self._thread is None and not self._closed:
                    self._thread = threading.Thread(target=self._serve, name="omnicore-changes", daemon=True)
                    self._thread.start()
        self._wake.set()

    def number(self, ask: Callable[[str], int]) -> int:
        """A number that changes when another process has written. Args: ask: the answer to a query."""
        with self._lock:
            return ask(_ASK) - self._own

    def close(self) -> None:
        """Says what is unsaid, and ends the thread."""
        with self._lock:
            self._closed = True
        self._wake.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()
        with suppress(psycopg.Error, OmniError):
            self._say()

    def _say(self) -> None:
        with self._lock:
            if not self._unsaid:
                return
            self._unsaid = False
            try:
                self._connection().execute(_SAY, prepare=False)
            except BaseException:
                self._unsaid = True
                raise
            self._own += 1

    def _serve(self) -> None:
        pause = threading.Event()  # never set
        while not self._closed:
            self._wake.wait()
            self._wake.clear()
            try:
                self._say()
            except (psycopg.Error, OmniError):  # the server went away: whoever listens asks again by itself
                pause.wait(_AGAIN_S)
                if not self._closed:
                    self._wake.set()
            pause.wait(_PAUSE_S)


class PostgresChanges:
    """Calls back on an event loop. See `omnicore.storage.store.Changes`.

    Args:
        connection: one that nobody else uses, listening already.
        own: the server's process that speaks for this store: what that says is no news.
    Owns: the connection, until `close`.
    """

    def __init__(self, connection: Connection, own: Callable[[], int | None]) -> None:
        self._connection, self._own = connection, own
        self._loop: asyncio.AbstractEventLoop | None = None
        self._told: Callable[[], None] = lambda: None
        self._watched = -1
        self.works = True

    def begin(self, told: Callable[[], None]) -> None:
        """Calls `told` on the running loop from now on."""
        self._told, self._loop = told, asyncio.get_running_loop()
        self._watched = self._connection.fileno()
        self._loop.add_reader(self._watched, self._readable)

    def close(self) -> None:
        """Calls nobody any more."""
        self.works = False
        if self._loop is not None:
            # By its number as it was: when it breaks its socket is closed at once, and the loop, which still knew the
            # number, would refuse the next socket that gets it.
            self._loop.remove_reader(self._watched)
            self._loop = None
        self._connection.close()

    def _readable(self) -> None:
        news, server, own = False, self._connection.pgconn, self._own()
        try:
            server.consume_input()
            while (note := server.notifies()) is not None:
                news = news or note.be_pid != own
        except psycopg.Error:  # the server went away: whoever listens has to ask again
            self._lost()
            return
        if server.status != psycopg.pq.ConnStatus.OK:
            self._lost()
        elif news:
            self._told()

    def _lost(self) -> None:
        told = self._told
        self.close()
        told()
