"""Passwords: hashed by argon2 on a few threads of their own."""

from __future__ import annotations

import asyncio
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from omnicore.config.sections.access import AccessSettings
from omnicore.errors import CapacityReached, InvalidInput
from omnicore.optional import optional

if TYPE_CHECKING:
    from argon2 import PasswordHasher

__all__ = ["Passwords"]

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
        """Whether a password is the one of a hash. Without a hash it takes as long, and the answer is no.

        Raises: CapacityReached.
        """
        return await self._threaded(lambda: self._matches(kept, password))

    def hash_blocking(self, password: str) -> str:
        """The same on the caller's thread."""
        return self._hasher.hash(_plain(password))

    def is_weak(self, kept: str) -> bool:
        """Whether a hash was made with other parameters than those of the settings."""
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
