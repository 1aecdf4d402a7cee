"""Whom a key belongs to: remembered between requests, and forgotten at once when anything changes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass

from omnicore.access.keys import SESSION, digest_of, is_key
from omnicore.access.principal import Principal, Role, Via
from omnicore.clock import Clock
from omnicore.config.sections.access import AccessSettings
from omnicore.storage.store import Store
from omnicore.storage.tables.access import AccessTable
from omnicore.storage.tables.sessions import HolderRow, SessionsTable
from omnicore.storage.tables.tokens import TokenRow, TokensTable
from omnicore.storage.tables.users import UsersTable

__all__ = ["Recognition", "capped", "roles"]

_log = logging.getLogger("omnicore.access")

_MOST = 10_000
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
        """Whom a key belongs to, None for nobody.

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
        """Whether anybody was made."""
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
            if len(self._seen) >= _MOST:
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
    """What a token allows: never more than its owner may by now. Without an owner it is the host's own."""
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
