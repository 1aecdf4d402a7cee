"""Passwords, hashed by argon2 on a few threads, and the lockout after failed logins.

Failed logins are counted in the database, so that a restart or another host does not forget them.
"""

from __future__ import annotations

import asyncio
import hashlib
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from ipaddress import ip_address
from typing import TYPE_CHECKING, TypeVar

from omnicore.errors import CapacityReached, InvalidInput, TooManyTries
from omnicore.optional import optional
from omnicore.records import replace
from omnicore.storage.tables.access import AccessTable, TriesRow

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from argon2 import PasswordHasher

    from omnicore.clock import Clock
    from omnicore.config.settings import AccessSettings


_LONGEST = 1024
_T = TypeVar("_T")


class Passwords:
    """Checks and hashes passwords, a few at a time, so that logins take neither all memory nor all processors.

    Owns: its threads, until `close`.
    """

    def __init__(self, settings: AccessSettings) -> None:
        self._settings = settings
        self._threads = ThreadPoolExecutor(settings.hash_threads, thread_name_prefix="omnicore-password")
        self._most = settings.hash_threads + settings.hash_waiting
        self._running = 0

    def check_new(self, password: str, *, name: str = "") -> None:
        """Raises: InvalidInput: nobody should take this password."""
        least = self._settings.password_length
        if not least <= len(password) <= _LONGEST:
            fact = f"a password has {least} to {_LONGEST} characters"
            raise InvalidInput(fact, remedy="choose a longer one", path="password")
        if not password.isprintable():
            raise InvalidInput(
                "the password has characters that nobody can type", remedy="choose another", path="password"
            )
        if name and password.casefold() == name.casefold():
            raise InvalidInput("the password is the name", remedy="choose another", path="password")

    async def hash(self, password: str) -> str:
        """A salted hash of a password. Raises: CapacityReached."""
        return await self._threaded(lambda: self.hash_blocking(password))

    async def matches(self, kept: str | None, password: str) -> bool:
        """True if a password matches a hash. Without a hash it takes as long and returns False.

        Raises: CapacityReached.
        """
        return await self._threaded(lambda: self._matches(kept, password))

    def hash_blocking(self, password: str) -> str:
        """The same on the caller's thread."""
        return self._hasher.hash(_plain(password))

    def is_weak(self, kept: str) -> bool:
        """True if a hash was made with other parameters than those of the settings."""
        return self._hasher.check_needs_rehash(kept)

    def close(self) -> None:
        """Ends the threads."""
        self._threads.shutdown(wait=True, cancel_futures=True)

    @cached_property
    def _hasher(self) -> PasswordHasher:
        made: PasswordHasher = optional("argon2").PasswordHasher(  # 10 ms that only logins need
            time_cost=self._settings.hash_passes, memory_cost=self._settings.hash_memory_kib, parallelism=1
        )
        return made

    @cached_property
    def _nobodys(self) -> str:
        return self._hasher.hash("the password of nobody")

    def _matches(self, kept: str | None, password: str) -> bool:
        faults = optional("argon2.exceptions")
        against = self._nobodys if kept is None else kept
        if len(password) > _LONGEST:
            kept, password = None, ""
        try:
            return self._hasher.verify(against, _plain(password)) and kept is not None
        except (faults.VerificationError, faults.InvalidHashError):
            return False

    async def _threaded(self, work: Callable[[], _T]) -> _T:
        if self._running >= self._most:
            raise CapacityReached("too many people log in at the same time", remedy="try again in a moment")
        self._running += 1
        future = self._threads.submit(work)
        # Counted until the thread is done: who goes away leaves it at work.
        loop = asyncio.get_running_loop()
        future.add_done_callback(lambda _: self._ended(loop))
        return await asyncio.wrap_future(future)

    def _ended(self, loop: asyncio.AbstractEventLoop) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(self._less)

    def _less(self) -> None:
        self._running -= 1


def _plain(password: str) -> bytes:
    """One spelling for what looks the same, whatever keyboard wrote it."""
    return unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")


_ADDRESSES = 4  # an address stands for several people


@dataclass(frozen=True, slots=True)
class LockoutRule:
    """After `most` failures within `lock_s` seconds a key is locked for as long."""

    most: int
    lock_s: float


@dataclass(frozen=True, slots=True)
class Tries:
    """The keys under which a try is counted, each with the kind of its rule before a colon."""

    keys: tuple[str, ...]

    @classmethod
    def of(cls, name: str, origin: str, known: str | None = None) -> Tries:
        """Tries of a name from an address; of a browser or a session that is `known` to be the user's, of it alone."""
        if known is not None:
            return cls((f"known:{_digest(known)}",))
        return cls((_name_key(name), f"from:{_digest(_network(origin))}"))  # a stranger's


def counted(tries: TriesRow, rule: LockoutRule, now: float) -> TriesRow | float:
    """The tries with one more that begins now, or the seconds to wait until one may.

    A try counts as failed when it begins: many at once must not all be free.
    """
    if tries.locked_until > now:
        return tries.locked_until - now
    if now - tries.since >= rule.lock_s:
        tries = TriesRow(tries.key, since=now)
    failures = tries.failures + 1
    return replace(tries, failures=failures, locked_until=now + rule.lock_s if failures >= rule.most else 0.0)


class Lockout:
    """Counts the tries of each name, each address and each known browser.

    The table is as small as the tries of the last minutes.
    """

    def __init__(self, table: AccessTable, settings: AccessSettings, clock: Clock) -> None:
        self._table, self._clock = table, clock
        self._rules = {
            "name": LockoutRule(settings.login_tries, settings.login_lock_s),
            "from": LockoutRule(_ADDRESSES * settings.login_tries, settings.login_lock_s),
            "known": LockoutRule(settings.login_tries, settings.login_lock_s),
        }

    def begin(self, tries: Tries) -> None:
        """Counts a try, before its password is looked at. Raises: TooManyTries."""
        now = self._clock.now()

        def decide(found: list[TriesRow]) -> tuple[list[TriesRow], dict[str, float]]:
            counts = {_kind(row): counted(row, self._rules[_kind(row)], now) for row in found}
            waits = {kind: one for kind, one in counts.items() if isinstance(one, float)}
            return ([], waits) if waits else ([one for one in counts.values() if isinstance(one, TriesRow)], {})

        keys = list(tries.keys)
        # Who is locked out is told so without a write: a flood of tries must not keep others from writing.
        waits = decide(self._table.tries(keys))[1] or self._table.try_all(keys, decide)
        if waits:
            raise _locked(waits)
        self._table.prune_tries(before=now - self._rules["name"].lock_s, now=now)

    def succeeded(self, tries: Tries) -> None:
        """Takes the try back from the address, and forgets those of the name or the known browser."""
        self._table.forget_tries([key for key in tries.keys if not key.startswith("from:")])

        def decide(found: list[TriesRow]) -> tuple[list[TriesRow], None]:
            return [replace(row, failures=max(row.failures - 1, 0), locked_until=0.0) for row in found], None

        for key in tries.keys:
            if key.startswith("from:"):
                self._table.try_all([key], decide)

    def forget(self, name: str) -> None:
        """Lets a name try again."""
        self._table.forget_tries([_name_key(name)])


def _locked(waits: Mapping[str, float]) -> TooManyTries:
    wait_s = max(waits.values())
    # Unlocking helps a name, but not an address, which others may be guessing from.
    also = ", or run `omnicore users unlock NAME`" if "name" in waits and "from" not in waits else ""
    about = " from this address" if "from" in waits else ""
    return TooManyTries(
        f"there were too many failed logins{about}",
        remedy=f"wait for {max(1, round(wait_s))} s{also}",
        retry_after_s=wait_s,
    )


def _kind(row: TriesRow) -> str:
    return row.key.partition(":")[0]


def _name_key(name: str) -> str:
    return f"name:{_digest(name.lower())}"  # a digest: people type passwords into the wrong field


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _network(origin: str) -> str:
    """IPv6 gives each customer 2^64 addresses, so those count as one."""
    try:
        address = ip_address(origin)
    except ValueError:
        return origin
    return address.exploded[:19] if address.version == 6 else origin
