"""Users, their sessions, API tokens and browsers, and failed logins. Of keys only digests are stored."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from omnicore.storage.store import Session, Store

__all__ = [
    "AccessTable",
    "DevicesTable",
    "HolderRow",
    "SessionRow",
    "SessionsTable",
    "TokenRow",
    "TokensTable",
    "TriesRow",
    "UserRow",
    "UsersTable",
    "changing",
]


_T = TypeVar("_T")
_PRUNED = 100


@dataclass(frozen=True, slots=True)
class TriesRow:
    """Tries of one name or from one address since a time. Units: seconds since the Unix epoch."""

    key: str
    failures: int = 0
    since: float = 0.0
    locked_until: float = 0.0


def changing(session: Session) -> None:
    """Counts a change of who may do what, for every process that remembers what it read."""
    session.execute(
        "INSERT INTO access_state (name, number) VALUES ('changes', 1)"
        " ON CONFLICT (name) DO UPDATE SET number = access_state.number + 1"
    )


class AccessTable:
    """The count of changes, by which other processes notice them, and the tries."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def changes(self) -> int:
        """The number of changes so far."""
        rows = self._store.rows("SELECT number FROM access_state WHERE name = 'changes'")
        return int(rows[0][0]) if rows else 0

    def tries(self, keys: list[str]) -> list[TriesRow]:
        """The failed logins under some keys, in their order."""
        marks = ", ".join("?" for _ in keys)
        found = self._store.rows(
            f"SELECT key, failures, since, locked_until FROM login_tries WHERE key IN ({marks})", keys
        )
        known = {row[0]: TriesRow(*row) for row in found}
        return [known.get(key, TriesRow(key)) for key in keys]

    def try_all(self, keys: list[str], decide: Callable[[list[TriesRow]], tuple[list[TriesRow], _T]]) -> _T:
        """Reads the tries under some keys, writes what `decide` makes of them, and returns its answer."""
        with self._store.write(locks=[f"tries:{key}" for key in keys]) as session:
            kept, answer = decide([self._one(session, key) for key in keys])
            for row in kept:
                session.execute(
                    "INSERT INTO login_tries (key, failures, since, locked_until) VALUES (?, ?, ?, ?)"
                    " ON CONFLICT (key) DO UPDATE SET failures = excluded.failures, since = excluded.since,"
                    " locked_until = excluded.locked_until",
                    (row.key, row.failures, row.since, row.locked_until),
                )
            return answer

    def forget_tries(self, keys: list[str]) -> None:
        """Forgets what was tried under these keys."""

        def work(session: Session) -> None:
            for key in sorted(keys):
                session.execute("DELETE FROM login_tries WHERE key = ?", (key,))

        self._store.apply(work)

    def prune_tries(self, *, before: float, now: float) -> None:
        """Deletes some of the tries that began before a time and lock nobody any more."""

        def work(session: Session) -> None:
            session.execute(
                "DELETE FROM login_tries WHERE key IN (SELECT key FROM login_tries"
                " WHERE since < ? AND locked_until < ? ORDER BY since LIMIT ?)",
                (before, now, _PRUNED),
            )

        self._store.apply(work)

    @staticmethod
    def _one(session: Session, key: str) -> TriesRow:
        row = session.execute(
            "SELECT key, failures, since, locked_until FROM login_tries WHERE key = ?", (key,)
        ).fetchone()
        return TriesRow(*row) if row else TriesRow(key)


_COLUMNS = "id, name, password, role, plugins, disabled, created_at, changed_at, last_login_at, second, subject"
_OTHER_ADMINS = "SELECT count(*) FROM users WHERE role = 'admin' AND disabled = 0 AND id <> ?"


@dataclass(frozen=True, slots=True)
class UserRow:
    """A user. `password` is a salted hash, None for somebody whom only another service vouches for.

    Units: seconds since the Unix epoch.
    """

    id: str
    name: str
    role: str
    created_at: float
    changed_at: float
    password: str | None = field(default=None, repr=False)
    plugins: Mapping[str, str] = field(default_factory=dict)
    disabled: bool = False
    last_login_at: float | None = None
    second: str | None = None
    subject: str | None = None


class UsersTable:
    """Every change ends the user's sessions, in the same transaction. Changes are on the disk when they return."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def any(self) -> bool:
        """True if there is a user."""
        return bool(self._store.rows("SELECT 1 FROM users LIMIT 1"))

    def page(self, after: str, limit: int) -> tuple[UserRow, ...]:
        """Users by name, after a name."""
        return self._read("WHERE name > ? ORDER BY name LIMIT ?", after, limit)

    def get(self, user: str) -> UserRow | None:
        """The user with an id."""
        return next(iter(self._read("WHERE id = ?", user)), None)

    def named(self, name: str) -> UserRow | None:
        """The user of a name."""
        return next(iter(self._read("WHERE name = ?", name)), None)

    def vouched(self, second: str, subject: str) -> UserRow | None:
        """The user whom another service knows as `subject`."""
        return next(iter(self._read("WHERE second = ? AND subject = ?", second, subject)), None)

    def add(self, user: UserRow, *, first: bool = False) -> bool:
        """Adds a user and returns True if the name was free and, with `first`, there was no other user."""
        with self._store.write(durable=True) as session:
            changing(session)
            if first and session.execute("SELECT 1 FROM users LIMIT 1").fetchone():
                return False
            added = session.execute(
                f"INSERT INTO users ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (
                    *(user.id, user.name, user.password, user.role, json.dumps(dict(user.plugins), sort_keys=True)),
                    *(int(user.disabled), user.created_at, user.changed_at, user.last_login_at),
                    *(user.second, user.subject),
                ),
            )
            return added.rowcount > 0

    def change(self, user: str, make: Callable[[UserRow], UserRow]) -> tuple[UserRow, UserRow] | None:
        """Keeps role, plugins, password and whether somebody is disabled, as `make` makes them of what is there now.

        Of two changes at the same time neither takes the other back. What `make` raises changes nothing.

        Returns: the user before and after; None: that one is gone, or nobody else is an admin.
        """
        with self._store.write(durable=True) as session:
            changing(session)
            found = session.execute(f"SELECT {_COLUMNS} FROM users WHERE id = ?", (user,)).fetchone()
            if found is None:
                return None
            before = _row(found)
            after = make(before)
            if (after.role != "admin" or after.disabled) and self._is_last(session, user):
                return None
            session.execute(
                "UPDATE users SET password = ?, role = ?, plugins = ?, disabled = ?, changed_at = ? WHERE id = ?",
                (
                    *(after.password, after.role, json.dumps(dict(after.plugins), sort_keys=True)),
                    *(int(after.disabled), after.changed_at, user),
                ),
            )
            session.execute("DELETE FROM sessions WHERE user_id = ?", (user,))
            return before, after

    def remove(self, user: str) -> bool:
        """Removes somebody with sessions and tokens; False: nobody else is an admin."""
        with self._store.write(durable=True) as session:
            changing(session)
            if self._is_last(session, user):
                return False
            session.execute("DELETE FROM sessions WHERE user_id = ?", (user,))
            session.execute("DELETE FROM tokens WHERE owner_id = ?", (user,))
            session.execute("DELETE FROM devices WHERE user_id = ?", (user,))
            session.execute("DELETE FROM users WHERE id = ?", (user,))
            return True

    def logged_in(self, user: str, *, at: float) -> None:
        """Records that somebody logged in."""

        def work(session: Session) -> None:
            session.execute("UPDATE users SET last_login_at = ? WHERE id = ?", (at, user))

        self._store.apply(work)

    def rehash(self, user: str, *, old: str, new: str) -> None:
        """Takes a stronger hash of the same password, unless it was changed meanwhile."""

        def work(session: Session) -> None:
            session.execute("UPDATE users SET password = ? WHERE id = ? AND password = ?", (new, user, old))

        self._store.apply(work)

    @staticmethod
    def _is_last(session: Session, user: str) -> bool:
        """True if the user is the only admin who can log in."""
        row = session.execute("SELECT 1 FROM users WHERE id = ? AND role = 'admin' AND disabled = 0", (user,))
        return row.fetchone() is not None and session.execute(_OTHER_ADMINS, (user,)).fetchone()[0] == 0

    def _read(self, clause: str, *parameters: str | int) -> tuple[UserRow, ...]:
        found = self._store.rows(f"SELECT {_COLUMNS} FROM users {clause}", parameters)
        return tuple(_row(one) for one in found)


def _row(found: Any) -> UserRow:
    return UserRow(
        id=found[0],
        name=found[1],
        password=found[2],
        role=found[3],
        plugins=json.loads(found[4]),
        disabled=bool(found[5]),
        created_at=found[6],
        changed_at=found[7],
        last_login_at=found[8],
        second=found[9],
        subject=found[10],
    )


_SESSION_COLUMNS = "id, user_id, via, origin, agent, created_at, seen_at, expires_at"
_PRUNED_SESSIONS = 100


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A session. `via` is `password` or `oidc`. Units: seconds since the Unix epoch."""

    id: str
    user_id: str
    via: str
    origin: str
    agent: str
    created_at: float
    seen_at: float
    expires_at: float


@dataclass(frozen=True, slots=True)
class HolderRow:
    """The current state of the user to whom a session or a token belongs."""

    user_id: str
    name: str
    role: str
    plugins: Mapping[str, str] = field(default_factory=dict)


class SessionsTable:
    """Those of one user are few: the oldest makes room."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, row: SessionRow, digest: str, *, most: int, now: float, old: str | None, as_of: float) -> bool:
        """Keeps a new session, and ends those that are over, one too many, or have the digest `old`.

        Args: as_of: when the user was changed last, as far as who opens the session knows.
        Returns: False when the user was changed, disabled or removed meanwhile.
        """
        with self._store.write(durable=True) as session:
            changing(session)
            unchanged = "SELECT 1 FROM users WHERE id = ? AND disabled = 0 AND changed_at = ?"
            if not session.execute(unchanged, (row.user_id, as_of)).fetchone():
                return False
            session.execute("DELETE FROM sessions WHERE digest = ?", (old or "",))
            session.execute(
                "DELETE FROM sessions WHERE id IN"
                " (SELECT id FROM sessions WHERE expires_at < ? ORDER BY expires_at LIMIT ?)",
                (now, _PRUNED_SESSIONS),
            )
            session.execute(
                "DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE user_id = ?"
                " ORDER BY id DESC LIMIT ? OFFSET ?)",
                (row.user_id, _PRUNED_SESSIONS, most - 1),
            )
            session.execute(
                f"INSERT INTO sessions (digest, {_SESSION_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    *(digest, row.id, row.user_id, row.via, row.origin, row.agent),
                    *(row.created_at, row.seen_at, row.expires_at),
                ),
            )
            return True

    def end_all(self) -> None:
        """Ends every session, as after a restore: who logged out since the backup must not be logged in again."""

        def work(session: Session) -> None:
            changing(session)
            session.execute("DELETE FROM sessions")

        self._store.apply(work)

    def holder(self, digest: str) -> tuple[SessionRow, HolderRow] | None:
        """The session of a digest and its user, unless that one is disabled."""
        columns = ", ".join(f"s.{name}" for name in _SESSION_COLUMNS.split(", "))
        found = self._store.rows(
            f"SELECT {columns}, u.name, u.role, u.plugins FROM sessions s"
            " JOIN users u ON u.id = s.user_id WHERE s.digest = ? AND u.disabled = 0",
            (digest,),
        )
        if not found:
            return None
        row = SessionRow(*found[0][:8])
        return row, HolderRow(row.user_id, found[0][8], found[0][9], json.loads(found[0][10]))

    def page(self, after: str, limit: int, *, now: float, user: str | None) -> tuple[tuple[SessionRow, str], ...]:
        """Sessions that are not over, each with its user's name; of one user, or of all."""
        columns = ", ".join(f"s.{name}" for name in _SESSION_COLUMNS.split(", "))
        whose, parameters = (" AND s.user_id = ?", (after, now, user)) if user else ("", (after, now))
        found = self._store.rows(
            f"SELECT {columns}, u.name FROM sessions s JOIN users u ON u.id = s.user_id"
            f" WHERE s.id > ? AND s.expires_at > ?{whose} ORDER BY s.id LIMIT ?",
            (*parameters, limit),
        )
        return tuple((SessionRow(*row[:8]), row[8]) for row in found)

    def seen(self, session_id: str, *, at: float) -> None:
        """Records that a session was used."""

        def work(session: Session) -> None:
            session.execute("UPDATE sessions SET seen_at = ? WHERE id = ? AND seen_at < ?", (at, session_id, at))

        self._store.apply(work)

    def end(self, session_id: str, *, user: str | None) -> bool:
        """Ends a session, of one user or of anybody, and returns True if there was one."""
        whose, parameters = (" AND user_id = ?", (session_id, user)) if user else ("", (session_id,))
        with self._store.write(durable=True) as session:
            changing(session)
            return session.execute(f"DELETE FROM sessions WHERE id = ?{whose}", parameters).rowcount > 0


_TOKEN_COLUMNS = "id, name, owner_id, role, plugins, scopes, created_at, expires_at, last_used_at"  # noqa: S105


@dataclass(frozen=True, slots=True)
class TokenRow:
    """A token. Without an owner it was made by whoever runs the host. Units: seconds since the Unix epoch."""

    id: str
    name: str
    owner_id: str | None
    role: str
    created_at: float
    plugins: Mapping[str, str] = field(default_factory=dict)
    scopes: Sequence[str] | None = None
    expires_at: float | None = None
    last_used_at: float | None = None


class TokensTable:
    """Changes are on the disk when they return."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, row: TokenRow, digest: str, *, most: int) -> bool:
        """Keeps a new token; False: the owner has `most` of them."""
        whose, parameters = ("= ?", (row.owner_id,)) if row.owner_id else ("IS NULL", ())
        with self._store.write(durable=True) as session:
            changing(session)
            held = session.execute(f"SELECT count(*) FROM tokens WHERE owner_id {whose}", parameters).fetchone()[0]
            if held >= most:
                return False
            session.execute(
                f"INSERT INTO tokens (digest, {_TOKEN_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    *(digest, row.id, row.name, row.owner_id, row.role),
                    json.dumps(dict(row.plugins), sort_keys=True),
                    None if row.scopes is None else json.dumps(sorted(row.scopes)),
                    *(row.created_at, row.expires_at, row.last_used_at),
                ),
            )
            return True

    def holder(self, digest: str) -> tuple[TokenRow, HolderRow | None] | None:
        """The token of a digest and its owner, unless that one is disabled."""
        columns = ", ".join(f"t.{name}" for name in _TOKEN_COLUMNS.split(", "))
        found = self._store.rows(
            f"SELECT {columns}, u.id, u.name, u.role, u.plugins FROM tokens t LEFT JOIN users u ON u.id = t.owner_id"
            " WHERE t.digest = ? AND (t.owner_id IS NULL OR u.disabled = 0)",
            (digest,),
        )
        if not found:
            return None
        user_id, name, role, plugins = found[0][9:]
        return _token(found[0]), HolderRow(user_id, name, role, json.loads(plugins)) if user_id else None

    def page(self, after: str, limit: int, *, owner: str | None) -> tuple[tuple[TokenRow, str | None], ...]:
        """Tokens, each with its owner's name; of one owner, or all."""
        columns = ", ".join(f"t.{name}" for name in _TOKEN_COLUMNS.split(", "))
        whose, parameters = (" AND t.owner_id = ?", (after, owner)) if owner else ("", (after,))
        found = self._store.rows(
            f"SELECT {columns}, u.name FROM tokens t LEFT JOIN users u ON u.id = t.owner_id"
            f" WHERE t.id > ?{whose} ORDER BY t.id LIMIT ?",
            (*parameters, limit),
        )
        return tuple((_token(row), row[9]) for row in found)

    def used(self, token: str, *, at: float) -> None:
        """Records that a token was used."""

        def work(session: Session) -> None:
            session.execute("UPDATE tokens SET last_used_at = ? WHERE id = ?", (at, token))

        self._store.apply(work)

    def remove(self, token: str, *, owner: str | None) -> bool:
        """Removes a token, of one owner or of anybody, and returns True if there was one."""
        whose, parameters = (" AND owner_id = ?", (token, owner)) if owner else ("", (token,))
        with self._store.write(durable=True) as session:
            changing(session)
            return session.execute(f"DELETE FROM tokens WHERE id = ?{whose}", parameters).rowcount > 0


def _token(row: Sequence[Any]) -> TokenRow:
    return TokenRow(
        id=row[0],
        name=row[1],
        owner_id=row[2],
        role=row[3],
        plugins=json.loads(row[4]),
        scopes=None if row[5] is None else tuple(json.loads(row[5])),
        created_at=row[6],
        expires_at=row[7],
        last_used_at=row[8],
    )


_PRUNED_DEVICES = 100


class DevicesTable:
    """Those of one user are few: the one that was used longest ago makes room."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, user: str, digest: str, *, most: int, now: float) -> None:
        """Keeps a browser of a user."""

        def work(session: Session) -> None:
            session.execute(
                "DELETE FROM devices WHERE digest IN (SELECT digest FROM devices WHERE user_id = ?"
                " ORDER BY seen_at DESC, digest LIMIT ? OFFSET ?)",
                (user, _PRUNED_DEVICES, most - 1),
            )
            session.execute(
                "INSERT INTO devices (digest, user_id, created_at, seen_at) VALUES (?, ?, ?, ?)",
                (digest, user, now, now),
            )

        self._store.apply(work, locks=(f"devices:{user}",))

    def has(self, user: str, digest: str, *, since: float) -> bool:
        """True if it is a browser of that user, used since a time."""
        found = self._store.rows(
            "SELECT 1 FROM devices WHERE digest = ? AND user_id = ? AND seen_at >= ?", (digest, user, since)
        )
        return bool(found)

    def seen(self, digest: str, *, now: float) -> None:
        """Records that somebody logged in there."""

        def work(session: Session) -> None:
            session.execute("UPDATE devices SET seen_at = ? WHERE digest = ?", (now, digest))

        self._store.apply(work)

    def forget(self, user: str) -> None:
        """Forgets every browser of a user."""

        def work(session: Session) -> None:
            session.execute("DELETE FROM devices WHERE user_id = ?", (user,))

        self._store.apply(work)
