"""Access: users, sessions and tokens of a host, known browsers, and the ways to log in."""

from __future__ import annotations

import asyncio
import hmac
import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from omnicore.access.keys import DEVICE, SESSION, OwnerKey, csrf_of, digest_of, is_device, is_key, is_own, new_key
from omnicore.access.passwords import Lockout, Passwords, Tries
from omnicore.access.principal import OWNER, Principal, Role, Via
from omnicore.access.tokens import Tokens
from omnicore.access.users import Users
from omnicore.errors import Conflict, NotFound, WrongCredentials
from omnicore.ids import OrderedIds
from omnicore.storage.tables.access import (
    AccessTable,
    DevicesTable,
    HolderRow,
    SessionRow,
    SessionsTable,
    TokenRow,
    TokensTable,
    UserRow,
    UsersTable,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from omnicore.clock import Clock
    from omnicore.config.settings import AccessSettings
    from omnicore.storage.store import Store


DEVICE_S = 400 * 86_400.0
"""Time for which a browser is known after its last login: the longest that browsers keep a cookie."""

_MOST_DEVICES = 20


class Devices:
    """Known browsers by the key that each of them keeps. A key lets nobody in: it comes beside a password."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._table, self._clock = DevicesTable(store), clock

    def add(self, user: str) -> str:
        """The key of a browser in which a user has just logged in."""
        key = new_key(DEVICE)
        self._table.add(user, digest_of(key), most=_MOST_DEVICES, now=self._clock.now())
        return key

    def known(self, user: str, key: str | None) -> str | None:
        """The key, if it is that of a browser in which this user has logged in; None for a stranger's."""
        if key is None or not is_device(key):
            return None
        since = self._clock.now() - DEVICE_S
        return key if self._table.has(user, digest_of(key), since=since) else None

    def seen(self, key: str) -> None:
        """Records that somebody logged in with a known browser."""
        self._table.seen(digest_of(key), now=self._clock.now())

    def forget(self, user: str) -> None:
        """Forgets every browser of a user, as after a change of the password."""
        self._table.forget(user)


_log = logging.getLogger("omnicore.access")

_MOST_SEEN = 10_000
_CHECK_S = 1.0
_NOTE_S = 60.0


@dataclass(slots=True)
class _Seen:
    """Somebody who was recognised. Units: `until`, `seen_at`, `noted_at` seconds since the Unix epoch."""

    principal: Principal
    until: float
    idle_s: float
    seen_at: float
    noted_at: float

    def lasts(self, now: float) -> bool:
        return now < self.until and now - self.seen_at < self.idle_s


class Recognition:
    """Finds the principal of a key. What changes in this process counts at once, elsewhere within a second or two.

    Belongs to one event loop; `forget` may be called from any thread.
    """

    def __init__(self, store: Store, settings: AccessSettings, clock: Clock) -> None:
        self._table, self._users = AccessTable(store), UsersTable(store)
        self._sessions, self._tokens = SessionsTable(store), TokensTable(store)
        self._settings, self._clock = settings, clock
        self._seen: dict[str, _Seen] = {}
        self._has_users: bool | None = None
        self.turn = 0
        """A number that changes whenever everybody is forgotten."""
        self._changes = -1
        self._checked_at = float("-inf")
        self._checking: asyncio.Future[None] | None = None
        self._notes: set[asyncio.Future[None]] = set()

    async def principal(self, key: str, *, quiet: bool = False) -> Principal | None:
        """The principal that a key belongs to, or None.

        Args:
            quiet: being asked does not count as use, so that a session that only waits comes to its end.
        """
        await self._be_fresh()
        now, digest = self._clock.now(), digest_of(key)
        seen = self._seen.get(digest)
        if seen is None or not seen.lasts(now):
            seen = await self._look_up(key, digest, now)
            if seen is None:
                return None
        if not quiet:
            seen.seen_at = now
            if now - seen.noted_at >= _NOTE_S:
                seen.noted_at = now
                self._note(seen.principal, now)
        return seen.principal

    async def has_users(self) -> bool:
        """True if any user exists."""
        await self._be_fresh()
        known, turn = self._has_users, self.turn
        if known is None:
            known = await asyncio.to_thread(self._users.any)
            if turn == self.turn:
                self._has_users = known
        return known

    def forget(self) -> None:
        """Forgets everybody: something has changed."""
        self.turn += 1
        self._seen, self._has_users = {}, None

    async def _be_fresh(self) -> None:
        """Looks, once a second and for all who ask at that time, whether another process has changed something."""
        if self._clock.monotonic() - self._checked_at > _CHECK_S:
            if self._checking is None or self._checking.done():
                self._checking = asyncio.ensure_future(self._check())
                self._checking.add_done_callback(_seen_to)
            await asyncio.shield(self._checking)

    async def _check(self) -> None:
        at = self._clock.monotonic()
        changes = await asyncio.to_thread(self._table.changes)
        if changes != self._changes:
            self._changes = changes
            self.forget()
        self._checked_at = max(at, self._checked_at)

    async def _look_up(self, key: str, digest: str, now: float) -> _Seen | None:
        if not is_key(key):
            return None
        turn = self.turn
        find = self._session if key.startswith(SESSION) else self._token
        seen = await asyncio.to_thread(find, digest, now)
        # What was read before a change is not remembered after it.
        if seen is not None and turn == self.turn:
            if len(self._seen) >= _MOST_SEEN:
                self._seen.clear()
            self._seen[digest] = seen
        return seen

    def _session(self, digest: str, now: float) -> _Seen | None:
        found = self._sessions.holder(digest)
        if found is None:
            return None
        session, holder = found
        principal = _principal(holder, "session", session.id)
        seen = _Seen(principal, session.expires_at, self._settings.session_idle_s, session.seen_at, session.seen_at)
        return seen if seen.lasts(now) else None

    def _token(self, digest: str, now: float) -> _Seen | None:
        found = self._tokens.holder(digest)
        if found is None:
            return None
        token, holder = found
        until = float("inf") if token.expires_at is None else token.expires_at
        noted_at = float("-inf") if token.last_used_at is None else token.last_used_at
        return _Seen(capped(token, holder), until, float("inf"), now, noted_at) if now < until else None

    def _note(self, principal: Principal, now: float) -> None:
        """Records the use, at most once a minute, and nobody waits for it."""
        write = self._sessions.seen if principal.via == "session" else self._tokens.used
        task = asyncio.ensure_future(asyncio.to_thread(write, principal.key or "", at=now))
        self._notes.add(task)
        task.add_done_callback(self._noted)

    def _noted(self, task: asyncio.Future[None]) -> None:
        self._notes.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.warning("the use of a key could not be recorded: %s", error)


def _seen_to(task: asyncio.Future[None]) -> None:
    """Takes note of a failure, which those who wait for the task are told, if there are any."""
    if not task.cancelled():
        task.exception()


def roles(named: Mapping[str, str]) -> dict[str, Role]:
    """Roles by plugin, from their names."""
    return {plugin: Role[role] for plugin, role in named.items()}


def capped(token: TokenRow, holder: HolderRow | None) -> Principal:
    """The principal of a token: never more than its owner may do now. One without an owner is the host's own."""
    whole = _principal(holder, "token", token.id) if holder else Principal("host", Role.admin, "token", key=token.id)
    asked = Principal(token.name, Role[token.role], "token", roles(token.plugins))
    named = {*asked.plugins, *whole.plugins}
    return Principal(
        whole.name,
        min(asked.role, whole.role),
        "token",
        plugins={plugin: min(asked.role_for(plugin), whole.role_for(plugin)) for plugin in named},
        scopes=None if token.scopes is None else frozenset(token.scopes),
        user=whole.user,
        key=token.id,
    )


def _principal(holder: HolderRow, via: Via, key: str) -> Principal:
    return Principal(holder.name, Role[holder.role], via, roles(holder.plugins), user=holder.user_id, key=key)


_LONGEST_AGENT = 200
_LONGEST_ORIGIN = 64


@dataclass(frozen=True, slots=True)
class Arrival:
    """The origin of a login.

    `key` is that of a session from before, which a login ends; `device` that of a browser in which somebody has logged
    in before, empty for a browser where nobody has, None for what is no browser.
    """

    origin: str = ""
    agent: str = ""
    key: str | None = None
    device: str | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """A session that was opened: its key, which only its browser keeps, and whose it is.

    `device` is the key by which the browser is known at the next login; None where it has one already.
    """

    key: str
    principal: Principal
    device: str | None = None

    @property
    def csrf(self) -> str:
        """The CSRF token that unsafe requests of the session must carry."""
        return csrf_of(self.key)


class Access:
    """Users, sessions and tokens of a host. Owns: the threads that check passwords, until `close`.

    Args:
        owner: the owner's key of the data folder.
    """

    def __init__(self, store: Store, settings: AccessSettings, clock: Clock, *, owner: OwnerKey) -> None:
        self.settings, self.owner = settings, owner
        self.passwords = Passwords(settings)
        self.recognition = Recognition(store, settings, clock)
        self.users = Users(store, clock, self.recognition.forget)
        self.tokens = Tokens(store, settings, clock, self.recognition.forget)
        self.devices = Devices(store, clock)
        self.lockout = Lockout(AccessTable(store), settings, clock)
        self._sessions, self._clock = SessionsTable(store), clock
        self._ids = OrderedIds("ses")
        self._setup: str | None = None

    def close(self) -> None:
        """Ends the threads."""
        self.passwords.close()

    # Logging in and out

    async def bearer(self, key: str, *, quiet: bool = False) -> Principal | None:
        """The principal of a bearer key, which is a token's, a session's or the owner's; None where it is nobody's."""
        if is_key(key):
            return await self.recognition.principal(key, quiet=quiet)
        return OWNER if is_own(key) and self.owner.matches(key) else None

    async def log_in(self, name: str, password: str, arrival: Arrival) -> Opened:
        """Opens a session. Raises: WrongCredentials, TooManyTries, CapacityReached.

        Tries from a browser in which this user has logged in before are counted for that browser alone, so that
        nobody else's failures lock the user out.
        """
        user = await asyncio.to_thread(self.users.find, name)
        known = await asyncio.to_thread(self.devices.known, user.id if user else "", arrival.device)
        tries = Tries.of(name, arrival.origin, known)
        await asyncio.to_thread(self.lockout.begin, tries)
        usable = user is not None and not user.disabled
        if not await self.passwords.matches(user.password if usable and user else None, password) or user is None:
            raise _wrong()
        await asyncio.to_thread(self.lockout.succeeded, tries)
        if user.password is not None and self.passwords.is_weak(user.password):
            await asyncio.to_thread(self.users.rehash, user, await self.passwords.hash(password))
        return await self._remembered(user, await self.open(user, "password", arrival), arrival, known)

    async def open(self, user: UserRow, via: Literal["password", "oidc"], arrival: Arrival) -> Opened:
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
            digest=digest_of(key),
        )
        old = digest_of(arrival.key) if arrival.key else None
        most = self.settings.sessions
        kept = await asyncio.to_thread(
            lambda: self._sessions.add(row, most=most, now=now, old=old, as_of=user.changed_at)
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
        tries = Tries.of(user.name, arrival.origin, principal.key)  # whoever holds a session is no stranger
        await asyncio.to_thread(self.lockout.begin, tries)
        if not await self.passwords.matches(user.password, old):
            raise _wrong()
        await asyncio.to_thread(self.lockout.succeeded, tries)
        changed = await self.change_user(user.name, password=new, kept=user.password)
        return await self._remembered(changed, await self.open(changed, "password", arrival), arrival)

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
            await asyncio.to_thread(self.devices.forget, user.id)
            await asyncio.to_thread(self.lockout.forget, user.name)
        return after

    async def _remembered(self, user: UserRow, opened: Opened, arrival: Arrival, known: str | None = None) -> Opened:
        """The session with a key for its browser, unless that is known already."""
        if known is not None:
            await asyncio.to_thread(self.devices.seen, known)
        if known is not None or arrival.device is None:
            return opened
        return replace(opened, device=await asyncio.to_thread(self.devices.add, user.id))

    def end(self, session: str, *, user: str | None = None) -> None:
        """Ends a session, of one user or of anybody. Raises: NotFound."""
        if not self._sessions.end(session, user=user):
            raise NotFound(f"there is no session {session[:80]!r}", remedy="see /api/v1/sessions")
        self.recognition.forget()

    def sessions(self, after: str, limit: int, *, user: str | None) -> list[dict[str, Any]]:
        """Sessions that are not over, as REST shows them; of one user, or all."""
        found = self._sessions.page(after, limit, now=self._clock.now(), user=user)
        return [{**row.to_json(), "user": name} for row, name in found]

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
        return await self._remembered(user, await self.open(user, "password", arrival), arrival)

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


def _printable(text: str) -> str:
    return "".join(char for char in text if char.isprintable())


def _safe_digest(key: str) -> str:
    return digest_of(key.encode("utf-8", "replace").decode())


def _wrong() -> WrongCredentials:
    return WrongCredentials("the name or the password is wrong", remedy="try again")
