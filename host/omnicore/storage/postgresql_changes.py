"""Hearing at once that another process has written, in place of asking again and again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import psycopg

from omnicore.storage.postgresql_link import Connection

__all__ = ["CHANNEL", "PostgresChanges"]

CHANNEL = "omnicore_changes"
"""Each transaction that wrote says so here when it commits."""


class PostgresChanges:
    """Calls back on an event loop. See `omnicore.storage.store.Changes`.

    Args:
        connection: one that nobody else uses, listening already.
        own: the server's process that writes for this store: what that says is no news.
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
