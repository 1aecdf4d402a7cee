"""The watch over the plugin folder: what changed in it is taken in, and versions are compiled ahead."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from threading import RLock

from omnicore.errors import GuestError, OmniError
from omnicore.plugins.catalogue import Catalogue
from omnicore.plugins.inventory import Inventory
from omnicore.plugins.version import BEING_COMPILED, EAGER_LOADS, Patience, Version, VersionsInService
from omnicore.sandbox.engine import Template
from omnicore.storage.store import Store
from omnicore.storage.tables.kv import KvTable

__all__ = ["FolderWatch"]

_log = logging.getLogger("omnicore.plugins")
_PASS_EVERY_S = 2.0
_SWEEP_EVERY_S = 60.0
_SOON_S = 0.11
_READING_S = 2.0  # of one pass, for reading files; the next pass reads the rest
_MOST_TRIED = 4  # versions that are compiled ahead at once; compilers have their own bounds


class FolderWatch:
    """Keeps the catalogue in line with the plugin folder, and what is in service with the catalogue.

    Args:
        changing: held by whoever changes plugins.
        version: returns the version of a plugin that takes calls, made when needed.
        sync: brings what is in service in line with the catalogue for one plugin.
        failed: called with a failure to compile a version ahead.
    """

    def __init__(
        self,
        *,
        inventory: Inventory,
        catalogue: Catalogue,
        versions: VersionsInService,
        database: Store,
        kv: KvTable,
        changing: RLock,
        version: Callable[[str], Version],
        sync: Callable[[str], None],
        failed: Callable[[Version, OmniError, bool], None],
    ) -> None:
        self.inventory, self._catalogue, self._versions = inventory, catalogue, versions
        self._database, self._kv, self._changing = database, kv, changing
        self._version, self._sync, self._failed = version, sync, failed
        self._data_version = database.data_version()
        self._pass_due = self._sweep_due = 0.0
        self._task: asyncio.Task[None] | None = None
        self._trying: list[tuple[Version, Future[Template]]] = []
        self.closed = False

    async def start(self) -> None:
        """Goes on looking into the folder until `stop`."""
        self._task = asyncio.create_task(self._watch(), name="omnicore-watch-plugins")

    async def stop(self) -> None:
        """Ends the watch."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    def scan(self, patience: Patience = "all") -> None:
        """Takes in what changed, see `PluginHost.scan`."""
        end = time.monotonic() + _READING_S
        for _ in range(10):
            again = self._pass(patience)
            if not again or (patience == "none" and time.monotonic() >= end):
                return
            time.sleep(_SOON_S)

    def take_in(self, path: str, *, patience: Patience = "all") -> None:
        """Takes in one file that is known to be whole. The caller holds `changing`."""
        self._versions.eager, self._versions.patience = 1, patience
        try:
            self.inventory.take_stock(at_once=path)
        finally:
            self._versions.patience = "all"

    def take_in_first(self, names: Sequence[str]) -> None:
        """Takes in the files of these plugins and reads no other one; a file that is still being written waits."""
        waiting = set(names)
        for _ in range(10):
            with self._changing:
                self._versions.eager, self._versions.patience = len(names), "none"
                try:
                    waiting = {stem for stem in waiting if self._take_in_stem(stem)}
                finally:
                    self._versions.patience = "all"
            if not waiting:
                return
            time.sleep(_SOON_S)

    def _take_in_stem(self, stem: str) -> bool:
        """Takes in the file of this name. Returns: true if it has just changed, so that another look is needed."""
        folder = self.inventory.folder
        for candidate in folder.list():
            if candidate.stem == stem:
                if (state := folder.settled(candidate)) == "yes":
                    self.inventory.take_stock(at_once=candidate.path, seconds=0.0)
                return state == "soon"
        return False

    def look_again(self, name: str) -> None:
        """Decides about a version that was to replace another, now that it is compiled or cannot be."""
        with suppress(OmniError), self._changing:
            row = None if self.closed else self._catalogue.find(name)
            if row is None or not row.present or row.problem != BEING_COMPILED:
                return
            self._catalogue.look_again(row)
            self.take_in(row.path, patience="none")

    def tick(self, changed: bool) -> None:
        """One round of the watch."""
        self._catalogue.write_errors()
        data_version = self._database.data_version()
        if data_version != self._data_version:  # another process granted, disabled, ...
            self._data_version = data_version
            for version in self._versions.all():
                self._sync(version.serving.name)
        if changed or time.monotonic() >= self._pass_due:
            again = self._pass("none")
            self._pass_due = time.monotonic() + (0 if again else _PASS_EVERY_S)
        if time.monotonic() >= self._sweep_due:
            self._kv.sweep()
            self._sweep_due = time.monotonic() + _SWEEP_EVERY_S
        self._compile_ahead()

    async def _watch(self) -> None:
        async for changed in self.inventory.folder.changes():
            try:
                await asyncio.to_thread(self.tick, changed)
            except (OmniError, OSError):
                # A full disk or a folder out of reach now does not end the watch; the next look may succeed.
                _log.exception("the plugin folder could not be read")

    def _pass(self, patience: Patience) -> bool:
        """One look into the folder. Returns True when another one soon would find out more."""
        with self._changing:
            for row in self._catalogue.rows():
                if row.problem == BEING_COMPILED and row.present and not self._versions.is_pending(row.name):
                    self._catalogue.look_again(row)  # the host was stopped meanwhile, or it is done
            self._versions.eager, self._versions.patience = EAGER_LOADS, patience
            try:
                return self.inventory.take_stock(seconds=_READING_S if patience == "none" else None)
            finally:
                self._versions.patience = "all"

    def _compile_ahead(self) -> None:
        """Has versions that were accepted untried compiled, so that their first callers need not wait."""
        self._trying = [(version, coming) for version, coming in self._trying if not self._done(version, coming)]
        while self._versions.untried and len(self._trying) < _MOST_TRIED:
            with suppress(OmniError):
                version = self._version(self._versions.untried.popleft())
                self._trying.append((version, version.coming(called=False)))

    def _done(self, version: Version, coming: Future[Template]) -> bool:
        if coming.done() and isinstance(error := coming.exception(), GuestError):
            self._failed(version, error, False)
        return coming.done()
