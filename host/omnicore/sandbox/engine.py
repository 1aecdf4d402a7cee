"""The protocol every engine stands behind: `Engine.load -> Template`, `Template.instance -> Instance`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from omnicore.sandbox.abi import Doors, Limits, Usage

__all__ = ["Engine", "Instance", "Module", "Template"]

Module = tuple[str, bytes]
"""A module's name and its bytes. The module called `main` holds the functions that can be called."""


class Instance(Protocol):
    """One sandbox. Never used by two threads at once; after a trap or a cut call it is not `healthy`."""

    healthy: bool

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
            BaseException: whatever a host function raised, as itself.
        """

    async def call_async(
        self, export: str, data: bytes, *, timeout_s: float | None = None, host_context: Any = None
    ) -> bytes:
        """The same on the running event loop: host coroutines are awaited, loops yield, cancelling cuts the call."""

    def cancel(self) -> None:
        """Cuts the running call, from any thread; without one it does nothing."""

    def usage(self) -> Usage:
        """What the last call used. Raises: InstanceBusy: it is in a call; Conflict: it is closed."""

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
        """Frees what the template holds; its instances stay usable until they are closed."""


class Engine(Protocol):
    """Something that runs modules."""

    name: str
    version: str

    def load(self, modules: Sequence[Module], limits: Limits, doors: Doors) -> Template:
        """Compiles and links.

        Raises:
            ModuleRejected: the file cannot be used.
            LinkFailed: an import nobody provides, of the wrong type, or a cycle.
            LimitExceeded: compiling took more time or memory than `limits` allow.
        """
