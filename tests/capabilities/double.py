"""A host call without a guest: blocks in a dictionary, budgets that are counted, doors called by name."""

from __future__ import annotations

import asyncio
import inspect
import json
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from omnicore.capabilities.capability import CapabilityRequest, Grant, PluginScope
from omnicore.capabilities.doors import Provided, open_doors
from omnicore.capabilities.services import Services
from omnicore.clock import ManualClock
from omnicore.connectors.policy import HttpPolicy
from omnicore.errors import GuestFailed, LimitExceeded
from omnicore.events.bus import EventBus
from omnicore.events.subscriptions import Subscriptions
from omnicore.sandbox.abi import Doors, HttpRequest, HttpResponse, Limits, LogLevel
from omnicore.storage.database import Database
from omnicore.storage.tables.events import SubscriptionsTable
from omnicore.storage.tables.kv import KvTable


@dataclass
class CallDouble:
    """What a door is given in place of a running guest."""

    limits: Limits = field(default_factory=Limits)
    deadline: float = math.inf
    host_context: Any = None
    blocks: dict[int, bytes] = field(default_factory=dict)
    lines: list[tuple[LogLevel, str]] = field(default_factory=list)
    http_requests: int = 0
    uses: Counter[str] = field(default_factory=Counter)

    on_loop: bool = False

    def size(self, handle: int) -> int:
        return len(self.blocks.get(handle, b""))

    def read(self, handle: int) -> bytes:
        if handle and handle not in self.blocks:
            raise GuestFailed(f"handle {handle} is not a live block")
        return self.blocks.get(handle, b"")

    def write(self, data: bytes) -> int:
        handle = 16 * (len(self.blocks) + 1)
        self.blocks[handle] = data
        return handle

    def free(self, handle: int) -> None:
        self.blocks.pop(handle, None)

    def load(self, address: int, length: int) -> bytes:
        raise GuestFailed("no guest")

    def store(self, address: int, data: bytes) -> None:
        raise GuestFailed("no guest")

    def spend_http(self) -> None:
        self.http_requests += 1
        if self.http_requests > self.limits.http_requests:
            raise LimitExceeded("too many HTTP requests", limit="http_requests")

    def spend(self, name: str, most: int) -> None:
        self.uses[name] += 1
        if self.uses[name] > most:
            raise LimitExceeded(f"more than {most}", limit=name, allowed=most)

    def log(self, level: LogLevel, message: str) -> None:
        if len(self.lines) >= self.limits.log_lines:
            raise LimitExceeded("too many lines", limit="log_lines")
        self.lines.append((level, message))


@dataclass
class SenderDouble:
    """Keeps what it was asked to send and answers with what the test says."""

    answer: HttpResponse | Exception = field(default_factory=lambda: HttpResponse(200, {}, b"hello"))
    sent: list[tuple[HttpRequest, HttpPolicy]] = field(default_factory=list)

    async def send(self, request: HttpRequest, policy: HttpPolicy) -> HttpResponse:
        self.sent.append((request, policy))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


class House:
    """Real storage and bus, a network that only pretends, a clock moved by hand."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.database = Database.open(None)
        self.kv = KvTable(self.database, self.clock)
        self.http = SenderDouble()
        self.bus = EventBus(clock=self.clock)
        self.stirred = 0
        self.subscriptions = Subscriptions(
            SubscriptionsTable(self.database, self.clock),
            offers=lambda plugin, function: function in ("hear", "x"),
            stir=self._stir,
            most_all=150,
        )
        self.services = Services(self.kv, self.http, self.bus, self.clock, subscriptions=self.subscriptions)

    def doors(self, plugin: PluginScope, known: Provided | None = None) -> Doors:
        return open_doors(plugin, self.services, *(() if known is None else (known.doors,)))

    def _stir(self) -> None:
        self.stirred += 1


def asks(name: str, scope: Mapping[str, Any] | None = None) -> CapabilityRequest:
    return CapabilityRequest(name, scope or {}, "for a test")


def grants(name: str, scope: Mapping[str, Any] | None = None) -> Grant:
    return Grant(name, scope or {}, "tester", 0.0)


def plugin(*asked: CapabilityRequest, granted: bool = True, **given: Any) -> PluginScope:
    """A plugin that asks, and by default was granted just that."""
    got = tuple(Grant(one.name, one.scope, "tester", 0.0) for one in asked) if granted else ()
    fields: dict[str, Any] = {
        "name": "text",
        "asked": asked,
        "grants": got,
        "settings": {},
        "limits": Limits(),
        "log": lambda level, message: None,
    }
    return PluginScope(**{**fields, **given})


def ask(doors: Doors, function: str, request: Any, call: CallDouble | None = None) -> dict[str, Any]:
    """Calls a door as a guest would: a request block in, a reply block out."""
    call = call or CallDouble()
    data = request if isinstance(request, bytes) else json.dumps(request).encode()
    return ask_handle(doors, function, call.write(data), call)


def ask_handle(doors: Doors, function: str, handle: int, call: CallDouble) -> dict[str, Any]:
    run = next(one.run for one in doors.functions if one.name == function)
    found = run(call, handle)
    handle = asyncio.run(found) if inspect.iscoroutine(found) else found
    return json.loads(call.read(handle))
