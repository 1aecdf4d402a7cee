"""Users, their sessions, API tokens and browsers, and failed logins. Of keys only digests are stored."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar, get_args

from omnicore.records import HIDDEN, UNSET, Meta, Record, Time, UnsetType, field
from omnicore.storage.table import Table

if TYPE_CHECKING:
    from omnicore.storage.store import Session, Store


_T = TypeVar("_T")
_PRUNED = 100


RoleName = Literal["nobody", "viewer", "operator", "admin"]
_ROLES = {"enum": list(get_args(RoleName))}
_Role = Annotated[RoleName, Meta(description="Each role may do what those before it may.", extra_json_schema=_ROLES)]
_Plugins = Annotated[Mapping[str, _Role], Meta(description="Roles that are higher for single plugins.")]
# The length is checked with the other rules for passwords, see `omnicore.access.passwords`.
_Password = Annotated[str, Meta(extra_json_schema={"format": "password", "maxLength": 1024})]
_Minute = Annotated[float, Meta(description="To the minute, in seconds since the Unix epoch.")]


class TriesRow(Record, frozen=True):
    """Tries of one name or from one address since a time. Units: seconds since the Unix epoch."""

    key: str
    failures: int = 0
    since: float = 0.0
    locked_until: float = 0.0


TRIES = Table(TriesRow, "login_tries", key="key", indexes=(("since",),))


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
        known = {row[0]: TRIES.row(row) for row in self._store.rows(f"{TRIES.select} WHERE key IN ({marks})", keys)}
        return [known.get(key, TriesRow(key)) for key in keys]

    def try_all(self, keys: list[str], decide: Callable[[list[TriesRow]], tuple[list[TriesRow], _T]]) -> _T:
        """Reads the tries under some keys, writes what `decide` makes of them, and returns its answer."""
        with self._store.write(locks=[f"tries:{key}" for key in keys]) as session:
            kept, answer = decide([self._one(session, key) for key in keys])
            for row in kept:
                session.execute(
                    f"{TRIES.insert} ON CONFLICT (key) DO UPDATE SET failures = excluded.failures,"
                    " since = excluded.since, locked_until = excluded.locked_until",
                    TRIES.values(row),
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
        row = session.execute(f"{TRIES.select} WHERE key = ?", (key,)).fetchone()
        return TRIES.row(row) if row else TriesRow(key)


_OTHER_ADMINS = "SELECT count(*) FROM users WHERE role = 'admin' AND disabled = 0 AND id <> ?"


class UserFields(Record, frozen=True, kw_only=True):
    """The fields that an order for a user and the user share."""

    name: str
    role: _Role
    plugins: _Plugins = field(default_factory=dict)


class UserOrder(UserFields, frozen=True, kw_only=True):
    """A user to be added."""

    password: _Password


class UserChange(Record, frozen=True, kw_only=True):
    """The changes to a user; what is not given stays."""

    role: _Role | UnsetType = UNSET
    plugins: _Plugins | UnsetType = UNSET
    disabled: bool | UnsetType = UNSET
    password: _Password | UnsetType = UNSET


class UserRow(UserFields, frozen=True, kw_only=True):
    """A user. `password` is a salted hash, None for a user whom only another service knows as `subject`."""

    id: str
    disabled: bool = False
    created_at: Time
    changed_at: Annotated[float, HIDDEN]
    last_login_at: Time | None = None
    second: Annotated[Literal["oidc", None], Meta(description="Who vouches for somebody without a password.")] = None
    subject: Annotated[str | None, HIDDEN] = None
    password: Annotated[str | None, HIDDEN] = None

    def __repr__(self) -> str:
        return f"UserRow({self.id!r}, {self.name!r}, {self.role!r})"  # logs show no hash


USERS = Table(UserRow, "users", key="id", unique=(("name",),))


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
            added = session.execute(f"{USERS.insert} ON CONFLICT DO NOTHING", USERS.values(user))
            return added.rowcount > 0

    def change(self, user: str, make: Callable[[UserRow], UserRow]) -> tuple[UserRow, UserRow] | None:
        """Keeps role, plugins, password and whether somebody is disabled, as `make` makes them of what is there now.

        Of two changes at the same time neither takes the other back. What `make` raises changes nothing.

        Returns: the user before and after; None: that one is gone, or nobody else is an admin.
        """
        with self._store.write(durable=True) as session:
            changing(session)
            found = session.execute(f"{USERS.select} WHERE id = ?", (user,)).fetchone()
            if found is None:
                return None
            before = USERS.row(found)
            after = make(before)
            if (after.role != "admin" or after.disabled) and self._is_last(session, user):
                return None
            values = dict(zip(UserRow.__struct_fields__, USERS.values(after), strict=True))
            session.execute(
                "UPDATE users SET password = ?, role = ?, plugins = ?, disabled = ?, changed_at = ? WHERE id = ?",
                (*(values[name] for name in ("password", "role", "plugins", "disabled", "changed_at")), user),
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
            session.execute("DELETE FROM workflow_drafts WHERE who IN (SELECT name FROM users WHERE id = ?)", (user,))
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
        return tuple(map(USERS.row, self._store.rows(f"{USERS.select} {clause}", parameters)))


_PRUNED_SESSIONS = 100


class SessionRow(Record, frozen=True, kw_only=True):
    """A session."""

    id: str
    user_id: Annotated[str, HIDDEN]
    via: Literal["password", "oidc"]
    origin: Annotated[str, Meta(description="Address.")] = field(name="from")
    agent: Annotated[str, Meta(description="What the browser calls itself.")]
    created_at: Time
    seen_at: _Minute
    expires_at: Time
    digest: Annotated[str, HIDDEN]


SESSIONS = Table(SessionRow, "sessions", key="id", indexes=(("user_id", "id"), ("expires_at",)), unique=(("digest",),))
_SESSION_COLUMNS = ", ".join(f"s.{name}" for name in SessionRow.__struct_fields__)


class HolderRow(Record, frozen=True):
    """The current state of the user to whom a session or a token belongs."""

    user_id: str
    name: str
    role: RoleName
    plugins: Mapping[str, RoleName] = field(default_factory=dict)


class SessionsTable:
    """Those of one user are few: the oldest makes room."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, row: SessionRow, *, most: int, now: float, old: str | None, as_of: float) -> bool:
        """Adds a session, and ends those that are over, one too many, or have the digest `old`.

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
            session.execute(SESSIONS.insert, SESSIONS.values(row))
            return True

    def end_all(self) -> None:
        """Ends every session, as after a restore: who logged out since the backup must not be logged in again."""

        def work(session: Session) -> None:
            changing(session)
            session.execute("DELETE FROM sessions")

        self._store.apply(work)

    def holder(self, digest: str) -> tuple[SessionRow, HolderRow] | None:
        """The session of a digest and its user, unless that one is disabled."""
        found = self._store.rows(
            f"SELECT {_SESSION_COLUMNS}, u.name, u.role, u.plugins FROM sessions s"
            " JOIN users u ON u.id = s.user_id WHERE s.digest = ? AND u.disabled = 0",
            (digest,),
        )
        if not found:
            return None
        row = SESSIONS.row(found[0][:-3])
        return row, _holder(row.user_id, *found[0][-3:])

    def page(self, after: str, limit: int, *, now: float, user: str | None) -> tuple[tuple[SessionRow, str], ...]:
        """Sessions that are not over, each with its user's name; of one user, or of all."""
        whose, parameters = (" AND s.user_id = ?", (after, now, user)) if user else ("", (after, now))
        found = self._store.rows(
            f"SELECT {_SESSION_COLUMNS}, u.name FROM sessions s JOIN users u ON u.id = s.user_id"
            f" WHERE s.id > ? AND s.expires_at > ?{whose} ORDER BY s.id LIMIT ?",
            (*parameters, limit),
        )
        return tuple((SESSIONS.row(row[:-1]), row[-1]) for row in found)

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


class TokenFields(Record, frozen=True, kw_only=True):
    """The fields that an order for a token and the token share."""

    name: str
    role: _Role
    plugins: _Plugins = field(default_factory=dict)
    scopes: Annotated[
        tuple[str, ...] | None, Meta(description="Tags of the operations that it may use; null for all of them.")
    ] = None
    expires_at: Time | None = None


class TokenOrder(TokenFields, frozen=True, kw_only=True):
    """A token to be made."""

    role: Annotated[RoleName, Meta(description="No more than its owner has, whatever is asked; default: viewer.")] = (
        "viewer"
    )
    expires_at: Annotated[
        float | None, Meta(description="Seconds since the Unix epoch; default: as the settings say.")
    ] = None
    owner: Annotated[
        str | None, Meta(description="Name of a user, which only the owner of the host may give; default: the caller.")
    ] = None


class TokenRow(TokenFields, frozen=True, kw_only=True):
    """A token. One without an owner was made by whoever runs the host."""

    id: str
    owner_id: Annotated[str | None, HIDDEN]
    created_at: Time
    last_used_at: _Minute | None = None
    digest: Annotated[str, HIDDEN] = ""


TOKENS = Table(TokenRow, "tokens", key="id", indexes=(("owner_id", "id"),), unique=(("digest",),))
_TOKEN_COLUMNS = ", ".join(f"t.{name}" for name in TokenRow.__struct_fields__)


class TokensTable:
    """Changes are on the disk when they return."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, row: TokenRow, *, most: int) -> bool:
        """Keeps a new token; False: the owner has `most` of them."""
        whose, parameters = ("= ?", (row.owner_id,)) if row.owner_id else ("IS NULL", ())
        with self._store.write(durable=True) as session:
            changing(session)
            held = session.execute(f"SELECT count(*) FROM tokens WHERE owner_id {whose}", parameters).fetchone()[0]
            if held >= most:
                return False
            session.execute(TOKENS.insert, TOKENS.values(row))
            return True

    def holder(self, digest: str) -> tuple[TokenRow, HolderRow | None] | None:
        """The token of a digest and its owner, unless that one is disabled."""
        found = self._store.rows(
            f"SELECT {_TOKEN_COLUMNS}, u.id, u.name, u.role, u.plugins FROM tokens t"
            " LEFT JOIN users u ON u.id = t.owner_id WHERE t.digest = ? AND (t.owner_id IS NULL OR u.disabled = 0)",
            (digest,),
        )
        if not found:
            return None
        user = found[0][-4:]
        return TOKENS.row(found[0][:-4]), _holder(*user) if user[0] else None

    def page(self, after: str, limit: int, *, owner: str | None) -> tuple[tuple[TokenRow, str | None], ...]:
        """Tokens, each with its owner's name; of one owner, or all."""
        whose, parameters = (" AND t.owner_id = ?", (after, owner)) if owner else ("", (after,))
        found = self._store.rows(
            f"SELECT {_TOKEN_COLUMNS}, u.name FROM tokens t LEFT JOIN users u ON u.id = t.owner_id"
            f" WHERE t.id > ?{whose} ORDER BY t.id LIMIT ?",
            (*parameters, limit),
        )
        return tuple((TOKENS.row(row[:-1]), row[-1]) for row in found)

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


def _holder(user_id: str, name: str, role: Any, plugins: str) -> HolderRow:
    return HolderRow(user_id, name, role, json.loads(plugins))


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
