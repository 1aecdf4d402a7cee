"""The tools there are now, and which of them somebody may see."""

from __future__ import annotations

import asyncio
import base64
import binascii
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from omnicore.access.principal import Principal, Role
from omnicore.errors import InvalidInput, NotFound
from omnicore.events.bus import EventBus
from omnicore.mcp.tools import Tool, tools_of
from omnicore.plugins.host import PluginHost

__all__ = ["PAGE", "TAG", "TOPIC", "ToolCatalogue", "may_call"]

TOPIC = "plugin.*"
"""Events after which there may be other tools."""

TAG = "calls"
"""What a token must be for, to call functions."""

PAGE = 100
"""Tools of one answer."""


@dataclass(frozen=True, slots=True)
class _Known:
    """All tools by name, and the names in order."""

    tools: Mapping[str, Tool] = field(default_factory=dict)
    names: Sequence[str] = ()


class ToolCatalogue:
    """The functions of plugins that answer calls, read again when the bus or the database says that they changed.

    Owns: a place on the bus until `close`.

    Args:
        version: moves when another process wrote to the database; grants are given there too.
    """

    def __init__(self, host: PluginHost, bus: EventBus, version: Callable[[], int], *, page: int = PAGE) -> None:
        self._host, self._version, self._page = host, version, page
        self._news = bus.subscribe(TOPIC, queue=1)
        self._known = _Known()
        self._seen: int | None = None
        self._stale = True
        self.edition = 0
        """Grows whenever there are other tools than before."""
        self._reading = asyncio.Lock()

    def close(self) -> None:
        """Leaves the bus."""
        self._news.close()

    async def find(self, name: str) -> Tool | None:
        """A tool by its name."""
        await self.refresh()
        return self._known.tools.get(name)

    def schema(self, name: str) -> Mapping[str, object] | None:
        """The input schema of a tool that was listed."""
        tool = self._known.tools.get(name)
        return None if tool is None else tool.listed()["inputSchema"]

    async def page(self, principal: Principal, cursor: str | None) -> tuple[list[Tool], str | None]:
        """Tools that this one may call, by name, and the cursor of the next page. Raises: InvalidInput."""
        after = _after(cursor)
        await self.refresh()
        known, chosen = self._known, list[Tool]()
        for name in known.names[bisect_right(known.names, after) :] if after else known.names:
            if not may_call(principal, known.tools[name]):
                continue
            if len(chosen) == self._page:
                return chosen, _cursor(chosen[-1].name)
            chosen.append(known.tools[name])
        return chosen, None

    async def refresh(self, *, look: bool = False) -> None:
        """Reads the plugins again where that is due.

        Args:
            look: asks the database too whether anything changed.
        """
        async with self._reading:
            self._stale = bool(self._news.drain()) or self._stale
            if self._stale or look:
                version = await asyncio.to_thread(self._version)
                self._stale, self._seen = self._stale or version != self._seen, version
            if not self._stale:
                return
            before, self._known = self._known, await asyncio.to_thread(self._read)
            self._stale = False
            self.edition += before.tools != self._known.tools

    def _read(self) -> _Known:
        found = {}
        for view in self._host.list():
            if view.serving is not None:
                with suppress(NotFound):  # it was removed in between
                    found[view.name] = (view, tuple(self._host.functions(view.name)))
        tools = {tool.name: tool for tool in tools_of(found)}
        return _Known(tools, sorted(tools))


def may_call(principal: Principal, tool: Tool) -> bool:
    """Whether somebody may call a tool; for others it does not exist."""
    return principal.may(Role.operator, tag=TAG, plugin=tool.plugin)


def _cursor(name: str) -> str:
    return base64.urlsafe_b64encode(name.encode()).decode()


def _after(cursor: str | None) -> str:
    try:
        return base64.b64decode(cursor or "", altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise InvalidInput("the cursor is not one of ours", remedy="pass `nextCursor` of the page before") from error
