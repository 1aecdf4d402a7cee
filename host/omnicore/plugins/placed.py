"""Work of plugins that only some hosts serve: it waits in the database that hosts share, and goes to one that can.

Where calls reach other hosts over NATS the work stays where it is, and the call goes.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from omnicore.errors import OmniError

if TYPE_CHECKING:
    from omnicore.jobs.tasks import StoredTasks
    from omnicore.plugins.host import PluginHost


_log = logging.getLogger("omnicore.plugins")
_APPLIED_S = 1.5


class PlacedWork:
    """Has runs and tasks tried again that wait for a plugin, when it is placed on other hosts than before.

    Args:
        runs: lets runs begin again that waited for a plugin.
    """

    def __init__(
        self, plugins: PluginHost, stored: StoredTasks, runs: Callable[[Sequence[str]], Awaitable[None]]
    ) -> None:
        self._plugins, self._stored, self._runs = plugins, stored, runs
        self._placements = plugins.routes.placements
        self._telling: set[asyncio.Task[None]] = set()
        stored.left = self._placements.left

    async def start(self) -> None:
        """Begins with the plugins that this host serves and not all do."""
        loop = asyncio.get_running_loop()

        def changed(plugin: str) -> None:
            with suppress(RuntimeError):  # the loop has been closed
                loop.call_soon_threadsafe(self._begin, [plugin])

        self._placements.changed.append(changed)
        placed = await asyncio.to_thread(self._plugins.routes.catalogue.placed)
        self._begin([row.name for row in placed if self._placements.here(row)])

    async def stop(self) -> None:
        """Tells nothing more."""
        for task in tuple(self._telling):
            task.cancel()

    def _begin(self, plugins: Sequence[str]) -> None:
        task = asyncio.ensure_future(self._tell_twice(plugins))
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    async def _tell_twice(self, plugins: Sequence[str]) -> None:
        """Tells at once, and again when all hosts know of the change: one of them may have put work off meanwhile."""
        await self._tell(plugins)
        await asyncio.sleep(_APPLIED_S)
        await self._tell(plugins)

    async def _tell(self, plugins: Sequence[str]) -> None:
        if not plugins:
            return
        try:
            await asyncio.to_thread(self._stored.served, plugins)
            await self._runs(plugins)
        except OmniError as error:  # what waits is tried again by itself
            _log.info("what waits for %s is not tried again now: %s", ", ".join(plugins), error)
