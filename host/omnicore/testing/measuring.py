"""An engine that remembers what each call used, around any other."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from time import perf_counter
from typing import Any

from omnicore.errors import OmniError
from omnicore.sandbox.abi import Doors, Limits, Usage
from omnicore.sandbox.engine import Engine, Instance, Module, Template

__all__ = ["FUEL", "MeasuringEngine"]

FUEL = 10**15
"""Enough for anything; without a bound nothing is counted."""


class MeasuringEngine:
    """An engine that remembers what it loaded, in `templates`, and what the last call used, in `usage`.

    `loads_s` says how long each of them took. Units: seconds.
    """

    def __init__(self, inner: Engine) -> None:
        self._inner = inner
        self.name = inner.name
        self.version = inner.version
        self.on_loop = getattr(inner, "on_loop", True)
        self.templates: list[Template] = []
        self.loads_s: list[float] = []
        self.usage = Usage()

    def load(self, modules: Sequence[Module], limits: Limits, doors: Doors) -> Template:
        """See `omnicore.sandbox.engine.Engine.load`."""
        started = perf_counter()
        self.templates.append(self._inner.load(modules, limits, doors))
        self.loads_s.append(perf_counter() - started)
        return _MeasuringTemplate(self.templates[-1], self)


class _MeasuringTemplate:
    def __init__(self, inner: Template, engine: MeasuringEngine) -> None:
        self._inner = inner
        self._engine = engine

    @property
    def exports(self) -> Sequence[str]:
        return self._inner.exports

    def instance(self, *, on_loop: bool = False) -> Instance:
        return _MeasuringInstance(self._inner.instance(on_loop=on_loop), self._engine)

    def close(self) -> None:
        self._inner.close()


class _MeasuringInstance:
    def __init__(self, inner: Instance, engine: MeasuringEngine) -> None:
        self._inner = inner
        self._engine = engine

    @property
    def healthy(self) -> bool:
        return self._inner.healthy

    @healthy.setter
    def healthy(self, value: bool) -> None:
        self._inner.healthy = value

    def call(self, export: str, data: bytes, *, timeout_s: float | None = None, host_context: Any = None) -> bytes:
        try:
            return self._inner.call(export, data, timeout_s=timeout_s, host_context=host_context)
        finally:
            self._note()

    async def call_async(
        self, export: str, data: bytes, *, timeout_s: float | None = None, host_context: Any = None
    ) -> bytes:
        try:
            return await self._inner.call_async(export, data, timeout_s=timeout_s, host_context=host_context)
        finally:
            self._note()

    def cancel(self) -> None:
        self._inner.cancel()

    def usage(self) -> Usage:
        return self._inner.usage()

    def close(self) -> None:
        self._inner.close()

    def _note(self) -> None:
        with suppress(OmniError):  # an instance that is closed has nothing to say
            self._engine.usage = self._inner.usage()
