"""Access: users, sessions and tokens of a host, and the ways to log in."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from omnicore.access.keys import OWN, SESSION, csrf_of, digest_of, new_key
from omnicore.access.lockout import Lockout
from omnicore.access.passwords import Passwords
from omnicore.access.principal import Principal, Role
from omnicore.access.recognition import Recognition
from omnicore.access.tokens import Tokens
from omnicore.access.users import Users
from omnicore.clock import Clock
from omnicore.config.sections.access import AccessSettings
from omnicore.errors import Conflict, NotFound, WrongCredentials
from omnicore.ids import OrderedIds
from omnicore.storage.store import Store
from omnicore.storage.tables.access import AccessTable
from omnicore.storage.tables.sessions import SessionRow, SessionsTable
from omnicore.storage.tables.users import UserRow

__all__ = ["Access", "Arrival", "Opened"]

_LONGEST_AGENT = 200
_LONGEST_ORIGIN = 64


@dataclass(frozen=True, slots=True)
class Arrival:
    """Where somebody comes from. `key` is that of a session from before, which a login ends."""

    origin: str = ""
    agent: str = ""
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """A session that was opened: its key, which only its browser keeps, and whose it is."""

    key: str
    principal: Principal

    @property
    def csrf(self) -> str:
        """What its unsafe requests must carry."""
        return csrf_of(self.key)


class Access:
    """Who may do what on a host. Owns: the threads that check passwords, until `close`."""

    def __init__(self, store: Store, settings: AccessSettings, clock: Clock) -> None:
        self.settings = settings
        self.passwords = Passwords(settings)
        self.recognition = Recognition(store, settings, clock)
        self.users = Users(store, clock, self.recognition.forget)
        self.tokens = Tokens(store, settings, clock, self.recognition.forget)
        self.lockout = Lockout(AccessTable(store), settings, clock)
        self._sessions, self._clock = SessionsTable(store), clock
        self._ids = OrderedIds("ses")
        self._setup: str | None = None
        self.own_key = new_key(OWN)
        """Lets commands of the same person on this machine ask the server; it ends with the process."""

    def close(self) -> None:
        """Ends the threads."""
        self.passwords.close()

    # Logging in and out

    async def log_in(self, name: str, password: str, arrival: Arrival) -> Opened:
        """Opens a session. Raises: WrongCredentials, TooManyTries, CapacityReached."""
        await asyncio.to_thread(self.lockout.begin, name, arrival.origin)
        user = await asyncio.to_thread(self.users.find, name)
        usable = user is not None and not user.disabled
        if not await self.passwords.matches(user.password if usable and user else None, password) or user is None:
            raise _wrong()
        await asyncio.to_thread(self.lockout.succeeded, name, arrival.origin)
        if user.password is not None and self.passwords.is_weak(user.password):
            await asyncio.to_thread(self.users.rehash, user, await self.passwords.hash(password))
        return await self.open(user, "password", arrival)

    async def open(self, user: UserRow, via: str, arrival: Arrival) -> Opened:
        """Opens a session for somebody who was recognised: always a new key.

        Raises: WrongCredentials: that one was changed since `user` was read, so what was recognised may not hold.
        """
        now, key = self._clock.now(), new_key(SESSION)
        row = SessionRow(
            id=self._ids.next(),
            user_id=user.id,
            via=via,
            origin=arrival.origin[:_LONGEST_ORIGIN],
            agent=_printable(arrival.agent)[:_LONGEST_AGENT],
            created_at=now,
            seen_at=now,
            expires_at=now + self.settings.session_s,
        )
        old = digest_of(arrival.key) if arrival.key else None
        most = self.settings.sessions
        kept = await asyncio.to_thread(
            lambda: self._sessions.add(row, digest_of(key), most=most, now=now, old=old, as_of=user.changed_at)
        )
        self.recognition.forget()
        principal = await self.recognition.principal(key) if kept else None
        if principal is None:
            raise _wrong()
        await asyncio.to_thread(self.users.logged_in, user)
        return Opened(key, principal)

    async def change_own_password(self, principal: Principal, old: str, new: str, arrival: Arrival) -> Opened:
        """Sets somebody's own password, ends all sessions and opens a new one.

        Raises: WrongCredentials: the old one is another; TooManyTries, InvalidInput; Conflict: nobody logged in.
        """
        user = await asyncio.to_thread(self.users.by_id, principal.user) if principal.user else None
        if user is None or principal.via != "session":
            raise Conflict("only somebody who is logged in has a password", remedy="log in first")
        await asyncio.to_thread(self.lockout.begin, user.name, arrival.origin)
        if not await self.passwords.matches(user.password, old):
            raise _wrong()
        await asyncio.to_thread(self.lockout.succeeded, user.name, arrival.origin)
        changed = await self.change_user(user.name, password=new, kept=user.password)
        return await self.open(changed, "password", arrival)

    async def change_user(
        self,
        name: str,
        *,
        role: Role | None = None,
        plugins: Mapping[str, Role] | None = None,
        disabled: bool | None = None,
        password: str | None = None,
        kept: str | None = None,
    ) -> UserRow:
        """Changes what is given, and ends the user's sessions; `kept` as in `Users.change`.

        Raises: NotFound, InvalidInput, Conflict.
        """
        user = await asyncio.to_thread(self.users.get, name)
        hashed = None
        if password is not None:
            self.passwords.check_new(password, name=user.name)
            hashed = await self.passwords.hash(password)
        _, after = await asyncio.to_thread(
            lambda: self.users.change(name, role=role, plugins=plugins, disabled=disabled, password=hashed, kept=kept)
        )
        if password is not None:
            await asyncio.to_thread(self.lockout.forget, user.name)
        return after

    def end(self, session: str, *, user: str | None = None) -> None:
        """Ends a session, of one user or of anybody. Raises: NotFound."""
        if not self._sessions.end(session, user=user):
            raise NotFound(f"there is no session {session[:80]!r}", remedy="see /api/v1/sessions")
        self.recognition.forget()

    def sessions(self, after: str, limit: int, *, user: str | None) -> list[dict[str, Any]]:
        """Sessions that are not over, as REST shows them; of one user, or all."""
        found = self._sessions.page(after, limit, now=self._clock.now(), user=user)
        return [_session_json(row, name) for row, name in found]

    # The first user

    def make_setup_key(self) -> str | None:
        """A key that makes the first user, once; None when there is one. Only its digest is remembered."""
        if self.users.any():
            return None
        key = new_key("")
        self._setup = digest_of(key)
        return key

    async def set_up(self, key: str, name: str, password: str, arrival: Arrival) -> Opened:
        """Makes the first user, an admin, and opens a session. Raises: WrongCredentials, InvalidInput, Conflict."""
        if self._setup is None or not hmac.compare_digest(_safe_digest(key), self._setup):
            raise WrongCredentials(
                "the key of the set-up link is not right, or was used",
                remedy="open the link that `omnicore run` has printed last",
            )
        user = await self.add_user(name, Role.admin, password=password, first=True)
        self._setup = None
        return await self.open(user, "password", arrival)

    async def add_user(
        self,
        name: str,
        role: Role,
        *,
        password: str | None,
        plugins: Mapping[str, Role] | None = None,
        first: bool = False,
    ) -> UserRow:
        """Makes a user with a password, or without one for somebody who has no use for it.

        Raises: InvalidInput, Conflict.
        """
        hashed = None
        if password is not None:
            self.passwords.check_new(password, name=name)
            hashed = await self.passwords.hash(password)
        return await asyncio.to_thread(
            lambda: self.users.add(name, role, password=hashed, plugins=plugins, first=first)
        )


def _session_json(row: SessionRow, name: str) -> dict[str, Any]:
    return {
        "id": row.id,
        "user": name,
        "via": row.via,
        "from": row.origin,
        "agent": row.agent,
        "created_at": row.created_at,
        "seen_at": row.seen_at,
        "expires_at": row.expires_at,
    }


def _printable(text: str) -> str:
    return "".join(char for char in text if char.isprintable())


def _safe_digest(key: str) -> str:
    return digest_of(key.encode("utf-8", "replace").decode())


def _wrong() -> WrongCredentials:
    return WrongCredentials("the name or the password is wrong", remedy="try again")
