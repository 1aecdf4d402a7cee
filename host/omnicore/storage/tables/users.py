"""Users: who they are, and what they may do."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from omnicore.storage.store import Session, Store
from omnicore.storage.tables.access import changing

__all__ = ["UserRow", "UsersTable"]

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
        """Whether there is a user."""
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
        """Whether the name was free; with `first`, also whether nobody was there."""
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
        """Whether somebody is the only admin who can log in."""
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
