"""The interface of a door: a capability with its verbs, its scope and how it is opened for one plugin."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn, Protocol

from omnicore.capabilities.scope import Fields
from omnicore.capabilities.services import Services
from omnicore.errors import InvalidInput
from omnicore.sandbox.abi import KIB, HostCall, Limits, LogLevel, LogSink, Usage, WasiGrant


@dataclass(frozen=True, slots=True)
class CapabilityRequest:
    """A capability that a plugin asks for in its manifest, with a reason for the person who decides."""

    name: str
    scope: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Grant:
    """A capability that a person granted to a plugin. Units: `granted_at` seconds since the Unix epoch."""

    capability: str
    scope: Mapping[str, Any]
    granted_by: str
    granted_at: float


@dataclass(frozen=True, slots=True)
class PluginScope:
    """One plugin as doors see it: its requests, grants, settings and limits."""

    name: str
    asked: tuple[CapabilityRequest, ...]
    grants: tuple[Grant, ...]
    settings: Mapping[str, Any]
    limits: Limits
    log: LogSink
    wasi: WasiGrant | None = None
    log_level: LogLevel | None = "info"


class DoorCall(HostCall, Protocol):
    """A host call with the budgets of `Limits` that host functions draw on themselves."""

    def spend_http(self) -> None:
        """Counts a request against `http_requests`. Raises: LimitExceeded."""

    def spend(self, name: str, most: int) -> None:
        """Counts a use of something that a call may use `most` times. Raises: LimitExceeded."""

    def log(self, level: LogLevel, message: str) -> None:
        """Hands a line to the plugin's log, within `log_lines` and `log_bytes`. Raises: LimitExceeded."""


@dataclass(frozen=True, slots=True)
class VerbLimits:
    """The uses of a verb that a plugin has: in one call of the plugin, and in a second. None is no limit."""

    per_call: int | None = None
    per_second: int | None = None


@dataclass(frozen=True, slots=True)
class Lengthy:
    """A reply that takes long: a verb returns it, and `work` makes the reply in a turn off the event loop."""

    work: Callable[[], Mapping[str, Any]]


Verb = Callable[[DoorCall, Any], Mapping[str, Any] | bytes | Lengthy | Awaitable[Mapping[str, Any] | bytes]]
"""Serves one request, a `Request` unless the door parses it otherwise, with the fields of the reply or its JSON. What
it raises becomes an error value, see `doors.py`."""


@dataclass(frozen=True, slots=True)
class Capability:
    """A door. It lives three times: as this value, opened for a plugin, and in a call.

    Args:
        verbs: guests import `<name>_<verb>_v1` for each.
        resource: the request's field that says what is reached, for the text of a refusal.
        open: makes the verbs for one plugin; it is given the asked scope with its defaults.
        scope: the fields a scope may have.
        needs_grant: False for doors that stand open to every plugin.
        request_bytes: the largest request that is read, by the plugin's limits.
        large: the verbs whose requests may be so large; all others read 64 KiB.
        lengthy: whether its verbs wait for a service, and are served in turns once a call has asked for much.
        limits: of verbs that may be used only so often.
        parse: of verbs that make something else of a request's bytes than a `Request`; given the most there may be.
        imports: the names by which guests import verbs that are not called as said above, such as later versions.
    """

    name: str
    purpose: str
    verbs: tuple[str, ...]
    resource: str
    open: Callable[[PluginScope, Mapping[str, Any], Services], Mapping[str, Verb]]
    scope: Fields = field(default_factory=dict)
    needs_grant: bool = True
    request_bytes: Callable[[Limits], int] = lambda limits: 64 * KIB
    large: frozenset[str] = frozenset()
    lengthy: bool = True
    limits: Mapping[str, VerbLimits] = field(default_factory=dict)
    parse: Mapping[str, Callable[[bytes, int], Any]] = field(default_factory=dict)
    imports: Mapping[str, str] = field(default_factory=dict)

    def function(self, verb: str) -> str:
        """The name by which guests import a verb."""
        return self.imports.get(verb) or f"{self.name}_{verb}_v1"


class DetachedCall:
    """A host call without a guest: it has a deadline and the caller's context, and no memory to read or write.

    The guest's own call may be over, and its sandbox in use by another one, before the work is done that it asked for.
    """

    on_loop = False

    def __init__(
        self, deadline: float, host_context: Any = None, *, log: Callable[[LogLevel, str], None] | None = None
    ) -> None:
        self.deadline, self.host_context = deadline, host_context
        self._log = log

    def log(self, level: LogLevel, message: str) -> None:
        if self._log is None:
            self._nothing()
        self._log(level, message)

    def size(self, _handle: int) -> int:
        self._nothing()

    def read(self, _handle: int) -> bytes:
        self._nothing()

    def write(self, _data: bytes) -> int:
        self._nothing()

    def free(self, _handle: int) -> None:
        self._nothing()

    def load(self, _address: int, _length: int) -> bytes:
        self._nothing()

    def store(self, _address: int, _data: bytes) -> None:
        self._nothing()

    def spend_http(self) -> None:
        self._nothing()

    def spend(self, _name: str, _most: int) -> None:
        self._nothing()

    def _nothing(self) -> NoReturn:
        raise InvalidInput("an action has no guest's memory and sends nothing", remedy="do it in a call of a function")


@dataclass(slots=True)
class CallCosts:
    """Filled in while a call runs. As the call's host context it reaches the doors, which count themselves in it.

    `fuel` and `memory_bytes` are None where the engine does not tell them; `host_calls` counts by verb, such as
    `kv.get`. Units: `time_s` seconds, `fuel` instructions.
    """

    time_s: float = 0.0
    fuel: int | None = None
    memory_bytes: int | None = None
    host_calls: dict[str, int] = field(default_factory=dict)

    def count(self, verb: str) -> None:
        """Notes one request of the guest."""
        self.host_calls[verb] = self.host_calls.get(verb, 0) + 1

    def take(self, usage: Usage) -> None:
        """Notes what the sandbox says of the call."""
        self.fuel = usage.fuel
        self.memory_bytes = usage.memory_bytes or None

    def to_json(self) -> dict[str, Any]:
        """The costs as REST shows them."""
        return {
            "time_ms": round(self.time_s * 1000, 4),
            "fuel": self.fuel,
            "memory_bytes": self.memory_bytes,
            "host_calls": dict(self.host_calls),
        }
