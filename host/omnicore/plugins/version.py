"""One version of a plugin in service: compiled when it is first needed, freed when its last call is over."""

from __future__ import annotations

import asyncio
import threading
import weakref
from collections.abc import Callable

from omnicore.plugins.catalogue import Serving
from omnicore.plugins.pool import Pool, RetiredError
from omnicore.resilience.breaker import Breaker
from omnicore.sandbox.abi import Limits
from omnicore.sandbox.engine import Instance, Template

__all__ = ["Version"]


class Version:
    """A version, its template and its pools.

    Owns: the template, closed once the version is retired and no call runs.

    `unwell` is true from a failure to the next answer: only then need a call look at the breaker.

    Args:
        load: compiles and links; called at most once at a time, on the thread that needs it first.
        most: how many calls may be in flight in each pool.
    """

    def __init__(
        self,
        serving: Serving,
        limits: Limits,
        *,
        load: Callable[[Serving], Template],
        breaker: Breaker,
        warm: int,
        most: int,
    ) -> None:
        self.serving = serving
        self.limits = limits
        self.breaker = breaker
        self.quarantined = serving.quarantined
        self.unwell = serving.quarantined
        self.refs: set[str] = set()
        self._load = load
        self._warm = warm
        self._most = most
        self._template: Template | None = None
        self._retired = False
        self._lock = threading.RLock()
        self._open_pools = 1
        self.blocking = self._pool(on_loop=False)
        self._on_loop: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Pool] = weakref.WeakKeyDictionary()

    @property
    def loaded(self) -> bool:
        """Whether the version is compiled."""
        return self._template is not None

    def load(self) -> Template:
        """Compiles unless that is done. Raises: what `Engine.load` raises; RetiredError."""
        template = self._template
        if template is None:
            with self._lock:
                if self._retired:
                    raise RetiredError
                if self._template is None:
                    self._template = self._load(self.serving)
                template = self._template
        return template

    def on_loop(self, loop: asyncio.AbstractEventLoop) -> Pool:
        """The pool of instances that live on an event loop."""
        pool = self._on_loop.get(loop)
        if pool is None:
            with self._lock:
                pool = self._on_loop[loop] = self._pool(on_loop=True)
                self._open_pools += 1
            if self._retired:  # it then refuses, as every pool of a retired version does
                pool.close()
        return pool

    def pools(self) -> list[Pool]:
        """Every pool of this version."""
        with self._lock:
            return [self.blocking, *self._on_loop.values()]

    @property
    def in_flight(self) -> int:
        """How many calls run now."""
        return sum(pool.in_flight for pool in self.pools())

    def cancel(self) -> None:
        """Cuts every call in flight."""
        for pool in self.pools():
            pool.cancel()

    def retire(self) -> None:
        """Takes no new calls; those in flight finish, then everything is freed."""
        with self._lock:
            if self._retired:
                return
            self._retired = True
        for pool in self.pools():
            pool.close()

    def _pool(self, *, on_loop: bool) -> Pool:
        def make() -> Instance:
            return (self._template or self.load()).instance(on_loop=on_loop)

        return Pool(make, warm=self._warm, most=self._most, idle=self._settled)

    def _settled(self) -> None:
        with self._lock:
            self._open_pools -= 1
            template = self._template if self._open_pools == 0 else None
        if template is not None:
            template.close()
