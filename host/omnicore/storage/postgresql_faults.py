"""Errors of PostgreSQL as `StorageFailed`, with a remedy. No message shows the URL's user or password."""

from __future__ import annotations

import re

import psycopg

from omnicore.errors import InvalidInput, OmniError, StorageAway, StorageBusy, StorageFailed

__all__ = ["busy", "is_blocked", "is_lost", "is_passing", "postgresql_failed"]

_GONE = ("does not answer", "see that PostgreSQL runs and can be reached; the host connects again by itself")
_RIGHTS = ("refuses this user", "give the user of storage.url the right to make and change tables in its database")
_STATES = {
    "08": _GONE,
    "57P": _GONE,
    "25P03": _GONE,
    "28": ("refuses the credentials", "check the user and the password in storage.url"),
    "3D000": ("has no such database", "make it with `createdb`, or correct storage.url"),
    "42501": _RIGHTS,
    "25006": ("cannot be written: it is a standby", "point storage.url at the primary server"),
    "53100": ("cannot grow: the disk is full", "free space on its disk; nothing of the last change was kept"),
    "53200": ("is out of memory", "give the server more memory or fewer connections"),
    "53300": ("has no connection left", "raise its max_connections or stop other programs that use it"),
    "57014": ("took too long", "look at the load of the server; the statement was cut off and nothing was kept"),
    "40": ("is too busy: transactions collide", "try again"),
    "XX": ("is damaged", "restore a backup"),
    "58": ("cannot be read or written: the system reports an error", "look at the log of the server"),
}
_BUSY = "try again; end the session if it stays (pg_stat_activity: idle in transaction, pg_terminate_backend)"
# A connection that could not be made carries no code, only words.
_WORDS = (
    (("too many", "connection slots"), "53300"),
    (("authentication failed", "no pg_hba.conf entry", "no password supplied", "role "), "28"),
    (("database ",), "3D000"),
)
_USER = re.compile(r'(user|role) "(?:[^"]|"")*"')
_REASON = 200


def postgresql_failed(error: psycopg.Error, place: str) -> OmniError:
    """The error to raise `from error`. Details: `path` (the place), and `reason`, the server's code or words."""
    reason = error.sqlstate or _first_line(error)
    if isinstance(error, psycopg.DataError):
        remedy = "send text without NUL characters, and numbers of 64 bits"
        return InvalidInput(f"a value cannot be stored: {_first_line(error)}", remedy=remedy)
    if is_blocked(error):
        return busy(place)
    known = _known(error.sqlstate) if error.sqlstate else _of_words(error)
    fact, remedy = known or (f"failed: {_first_line(error)}", "see the reason; `omnicore db check` looks for damage")
    kind = StorageAway if known is _GONE else StorageFailed
    return kind(f"{place} {fact}", remedy=remedy, path=place, reason=reason)


def _known(state: str) -> tuple[str, str] | None:
    return next((_STATES[state[:length]] for length in (5, 3, 2) if state[:length] in _STATES), None)


def _of_words(error: psycopg.Error) -> tuple[str, str] | None:
    if not isinstance(error, psycopg.OperationalError):
        return None
    _, fatal, words = str(error).partition("FATAL:")
    state = next((state for known, state in _WORDS if any(word in words for word in known)), "08") if fatal else "08"
    return _known(state)


def is_lost(error: BaseException, connection: psycopg.Connection | None) -> bool:
    """True when the connection broke, so that another one may work."""
    return isinstance(error, psycopg.Error) and connection is not None and (connection.closed or connection.broken)


def is_passing(error: BaseException) -> bool:
    """True when the server asks for another try: transactions that collided."""
    return isinstance(error, (psycopg.errors.SerializationFailure, psycopg.errors.DeadlockDetected))


def is_blocked(error: BaseException) -> bool:
    """True when a statement waited too long for a lock that another session holds."""
    return isinstance(error, psycopg.errors.LockNotAvailable)


def busy(place: str = "the database", holder: str = "") -> StorageBusy:
    """A write that waited too long. Args: holder: the session that seems to be in the way."""
    what = f"{holder} in {place}" if holder else f"another session in {place}"
    return StorageBusy(f"a write waited too long for a lock of {what}; nothing was kept", remedy=_BUSY, path=place)


def _first_line(error: psycopg.Error) -> str:
    return _USER.sub(r"\1 ***", str(error).partition("\n")[0])[:_REASON]
