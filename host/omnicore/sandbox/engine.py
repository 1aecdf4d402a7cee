"""The protocol of all engines: `Engine.load -> Template`, `Template.instance -> Instance`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from omnicore.sandbox.abi import Doors, Limits, Usage

Module = tuple[str, bytes]
"""A module's name and its bytes. The module called `main` holds the functions that can be called."""


class Instance(Protocol):
    """One sandbox. Never used by two threads at once; not `healthy` after a trap or an interrupted call."""

    healthy: bool

    @property
    def kept_bytes(self) -> int:
        """Its memory if that is so large that the sandbox is freed when it is idle for a while, else 0."""

    def call(self, export: str, data: bytes, *, timeout_s: float | None = None, host_context: Any = None) -> bytes:
        """Runs an export on the caller's thread and returns its output.

        Args:
            timeout_s: overrides the limit of the template; instantiation and initialisers count.

        Raises:
            NotFound: no such function.
            InvalidInput: the input is over `limits.input_bytes`.
            GuestFailed, GuestTrapped, LimitExceeded: the guest's fault, see `omnicore.errors`.
            InstanceBusy: the instance is in a call.
            CallCancelled: `cancel` was called.
            BaseException: any exception of a host function, unchanged.
        """

    async def call_async(
        self, export: str, data: bytes, *, timeout_s: float | None = None, host_context: Any = None
    ) -> bytes:
        """The same on the running event loop: host coroutines are awaited, loops yield, cancelling ends the call."""

    def cancel(self) -> None:
        """Ends the running call, from any thread; without one it does nothing."""

    def usage(self) -> Usage:
        """Resources that the last call used. Raises: InstanceBusy: it is in a call; Conflict: it is closed."""

    def close(self) -> None:
        """Frees the sandbox; a second time does nothing."""


class Template(Protocol):
    """A compiled plugin with its doors, from which instances are made."""

    @property
    def exports(self) -> Sequence[str]:
        """Functions of `main` that can be called: no parameters, at most one result."""

    def instance(self, *, on_loop: bool = False) -> Instance:
        """A new sandbox; `on_loop` for `call_async`. Raises: CapacityReached."""

    def close(self) -> None:
        """Frees the template's own memory; its instances stay usable until they are closed."""


class SandboxEngine(Protocol):
    """An engine that runs modules."""

    name: str
    version: str

    def load(self, modules: Sequence[Module], limits: Limits, doors: Doors) -> Template:
        """Compiles and links.

        Raises:
            ModuleRejected: the file cannot be used.
            LinkFailed: an import without a provider, of the wrong type, or a cycle.
            LimitExceeded: compiling took more time or memory than `limits` allow.
        """

    def close(self) -> None:
        """Ends the compilers that still run: their `load` ends, and no other starts one. Templates stay usable."""


_COMPONENT = b"\0asm\x0d\0\x01\0"


class EngineByKind:
    """One engine made of two: one for core modules, one for components, chosen by the file's header.

    Name and version are those of the engine for core modules. Calls of components always run on threads.
    """

    def __init__(self, core: SandboxEngine, components: SandboxEngine) -> None:
        self._core = core
        self._components = components
        self.name = core.name
        self.version = core.version
        self.on_loop = getattr(core, "on_loop", True)

    def load(self, modules: Sequence[Module], limits: Limits, doors: Doors) -> Template:
        """See `omnicore.sandbox.engine.Engine.load`."""
        component = any(bytes(data[: len(_COMPONENT)]) == _COMPONENT for _, data in modules)
        return (self._components if component else self._core).load(modules, limits, doors)

    def close(self) -> None:
        """See `omnicore.sandbox.engine.Engine.close`."""
        self._core.close()
        self._components.close()
