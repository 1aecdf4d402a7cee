"""The inventory of the plugin folder, passes over it that bring the catalogue in line with its files, and the watch."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import asdict, replace
from threading import RLock
from typing import TYPE_CHECKING

from omnicore import records
from omnicore.errors import GuestError, OmniError
from omnicore.plugins.catalogue import Catalogue, FoundFile
from omnicore.plugins.manifest import Manifest, effective_limits, name_of_stem, read_manifest
from omnicore.plugins.version import BEING_COMPILED, EAGER_LOADS, Patience, Version, VersionsInService
from omnicore.sandbox.capi.code import wat_to_wasm
from omnicore.sandbox.engine import Template
from omnicore.sandbox.inspect import admit, inspect
from omnicore.storage.store import Store
from omnicore.storage.tables.kv import KvTable
from omnicore.storage.tables.plugins import PluginRow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from omnicore.config.settings import Settings
    from omnicore.plugins.folder import Candidate, Folder
    from omnicore.sandbox.abi import Limits
    from omnicore.sandbox.engine import SandboxEngine

__all__ = ["FolderWatch", "Inventory", "judged_by", "read_found_file", "read_module"]


_log = logging.getLogger("omnicore.plugins")


def read_found_file(folder: Folder, candidate: Candidate, *, default: Limits, most: Limits) -> FoundFile:
    """Reads and inspects a file. It does not raise: what is wrong stands in `problem`."""
    name = name_of_stem(candidate.stem) or candidate.path
    if candidate.problem:
        return FoundFile(name, candidate.path, candidate.signature, problem=candidate.problem)
    try:
        data, sidecar = folder.read(candidate, max(most.module_bytes, most.component_bytes))
        module, manifest = read_module(
            candidate.stem,
            data,
            text=candidate.path.endswith(".wat"),
            sidecar=sidecar,
            sidecar_path=candidate.sidecar or "",
            limits=(default, most),
        )
    except OmniError as error:
        return FoundFile(name, candidate.path, candidate.signature, problem=str(error))
    except Exception:  # whatever a file does to its reader, the other files are still to be looked at
        _log.exception("%s could not be read", candidate.path)
        problem = "the host could not read it, which is a fault of the host; its log says more"
        return FoundFile(name, candidate.path, candidate.signature, problem=problem)
    return FoundFile(
        manifest.name,
        candidate.path,
        candidate.signature,
        module,
        manifest,
        sidecar=None if sidecar is None else sidecar.decode(),
        text=data if candidate.path.endswith(".wat") else None,
    )


def read_module(
    stem: str,
    data: bytes,
    *,
    text: bool,
    sidecar: bytes | None,
    sidecar_path: str,
    limits: tuple[Limits, Limits],
) -> tuple[bytes, Manifest]:
    """The module's bytes and its manifest.

    Args:
        text: the data is WebAssembly text, which becomes bytes first.
        limits: the host's defaults, and the most a manifest may ask for.

    Raises: ModuleRejected, ManifestInvalid.
    """
    module = wat_to_wasm(data) if text else data
    info = inspect(module)
    manifest = read_manifest(stem, info, sidecar=sidecar, sidecar_path=sidecar_path)
    admit(info, effective_limits(manifest.limits, *limits))
    return module, manifest


_WRITING = "is still being written; it is taken in once it rests"


class Inventory:
    """Passes over the folder; used by one thread at a time.

    Args:
        judged_by: names engine and settings; files that could not be used under others are looked at again.
        changed: told the name of each plugin whose row changed, and how: added, changed or removed.
        restore: puts back what is to be rolled back, and says which files are whole.
        claimed: says who else has a name, such as a native plugin, or None.
    """

    def __init__(
        self,
        folder: Folder,
        catalogue: Catalogue,
        *,
        limits: tuple[Limits, Limits],
        judged_by: str,
        changed: Callable[[str, str], None],
        restore: Callable[[], Sequence[str]],
        claimed: Callable[[str], str | None],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._monotonic = monotonic
        self._restore = restore
        self.folder = folder
        self._claimed = claimed
        self._catalogue = catalogue
        self.limits = limits
        self._judged_by = judged_by
        self._changed = changed

    def take_stock(self, *, at_once: str | None = None, seconds: float | None = None) -> bool:
        """One pass. For an unchanged file it costs one look and no read.

        Args:
            at_once: the path of a file that is known to be whole.
            seconds: how long files may be read, the small ones first; the rest is left to the next pass.

        Returns: whether another pass soon would find out more.
        """
        whole = {at_once, *self._restore()}
        candidates = self.folder.list()
        rows = {row.name: row for row in self._catalogue.rows()}
        changes = _Changes(self._catalogue, rows, {one.path for one in candidates}, self._changed, self._claimed)
        again, kept = changes.drop_gone(), self._catalogue.kept()
        arrivals = []
        end: float | None = None  # counts from the first file: what reads it may have to be imported before
        for candidate in sorted(candidates, key=lambda one: one.size):
            if self._known(changes.by_path.get(candidate.path), candidate, kept):
                continue
            settled = "yes" if candidate.path in whole else self.folder.settled(candidate)
            again = again or settled != "yes"
            late = seconds == 0 or (end is not None and self._monotonic() > end)
            if settled == "yes" and late and candidate.path not in whole:
                again = True
                continue
            if settled == "yes":
                default, most = self.limits
                arrivals.append(read_found_file(self.folder, candidate, default=default, most=most))
                if end is None and seconds is not None:
                    end = self._monotonic() + seconds
            elif settled == "writing":
                arrivals.append(FoundFile(candidate.stem, candidate.path, "", problem=_WRITING))
        for arrival in sorted(arrivals, key=changes.rank):
            changes.take_in(arrival, self._judged_by)
        if arrivals or changes.any_gone:
            self._catalogue.tidy()
        return again or changes.made_way

    def _known(self, row: PluginRow | None, candidate: Candidate, kept: set[str]) -> bool:
        if row is None or row.signature != candidate.signature:
            return False
        if row.hash is not None and row.hash not in kept:  # somebody deleted the host's copy
            return False
        return not row.problem or row.verified == self._judged_by


class _Changes:
    """Changes that one pass makes to the catalogue."""

    def __init__(
        self,
        catalogue: Catalogue,
        rows: dict[str, PluginRow],
        paths: set[str],
        changed: Callable[[str, str], None],
        claimed: Callable[[str], str | None],
    ) -> None:
        self._claimed = claimed
        self._catalogue = catalogue
        self._rows = rows
        self._paths = paths
        self._changed = changed
        self.by_path = {row.path: row for row in rows.values() if row.present}
        self.any_gone = self.made_way = False

    def drop_gone(self) -> bool:
        """Takes out what is no longer there; whether that freed a name another file waits for."""
        gone = [row for row in self._present() if row.path not in self._paths]
        self.any_gone = bool(gone)
        for row in gone:
            self._leave(row)
        names = {row.name for row in gone}
        waiting = [row for row in self._present() if row.hash is None and names]
        for row in waiting:
            self._rows[row.name] = self.by_path[row.path] = self._catalogue.look_again(row)
        return bool(waiting)

    def rank(self, arrival: FoundFile) -> tuple[bool, bool, str]:
        """The order in which files are taken in: of two that claim a name, the one that was accepted for it first."""
        return arrival.manifest is None, not self._accepted(arrival), arrival.path

    def take_in(self, arrival: FoundFile, judged_by: str) -> None:
        """Records what was found in one file."""
        before = self.by_path.get(arrival.path)
        if before is not None and before.problem == arrival.problem == _WRITING:
            return
        arrival = self._named(arrival, before)
        if before is not None and before.name != arrival.name:
            self._leave(before)
        known = self._rows.get(arrival.name)
        row = self._catalogue.arrive(known, arrival, judged_by)
        self._rows[row.name] = self.by_path[row.path] = row
        self._changed(row.name, "changed" if known is not None and known.present else "added")

    def _named(self, arrival: FoundFile, before: PluginRow | None) -> FoundFile:
        """The arrival under a name of its own: its own if that is free, else one made from its path."""
        if arrival.manifest is None and before is not None:
            return replace(arrival, name=before.name)
        if (claimant := self._claimed(arrival.name)) is not None:
            return _nameless(arrival, claimant)
        owner = self._rows.get(arrival.name)
        if owner is None or owner.path == arrival.path or not self._there(owner):
            return arrival
        if arrival.manifest is None:
            return replace(arrival, name=_path_name(arrival.path))
        return arrival if self._makes_way(owner, arrival) else _nameless(arrival, owner.path)

    def _makes_way(self, owner: PluginRow, arrival: FoundFile) -> bool:
        """True when the file that has a name gives it up: it never was a plugin, or only the other one was accepted."""
        if owner.hash is None:
            moved = self._catalogue.rename(owner, _path_name(owner.path))
            del self._rows[owner.name]
            self._rows[moved.name] = self.by_path[moved.path] = moved
            return True
        if self._accepted(arrival) and not self._catalogue.consent.covers(owner.name, owner.hash, owner.sidecar):
            del self.by_path[owner.path]  # the next pass finds its file again, and who has the name
            self.made_way = True
            return True
        return False

    def _accepted(self, arrival: FoundFile) -> bool:
        """True when this code was accepted for the name that it claims; the bytes of a file seen first are not read."""
        if arrival.manifest is None or arrival.name not in self._rows:
            return False
        digest = hashlib.sha256(arrival.module).hexdigest()
        return self._catalogue.consent.covers(arrival.name, digest, arrival.sidecar)

    def _there(self, row: PluginRow) -> bool:
        return row.present and row.path in self._paths

    def _present(self) -> Iterable[PluginRow]:
        return [row for row in self._rows.values() if row.present]

    def _leave(self, row: PluginRow) -> None:
        self._catalogue.gone(row)
        if row.hash is None:
            self._rows.pop(row.name)
        else:
            self._rows[row.name] = records.replace(row, present=False)
        self.by_path.pop(row.path, None)
        self._changed(row.name, "removed")


def _nameless(arrival: FoundFile, claimant: str) -> FoundFile:
    """The arrival under a name made from its path, unusable for somebody else has its own."""
    problem = arrival.problem or f"its name {arrival.name} is taken by {claimant}; rename one of the two"
    return replace(arrival, name=_path_name(arrival.path), manifest=None, module=b"", problem=problem)


def _path_name(path: str) -> str:
    # Names of plugins have no dot and no colon, so this never meets one.
    return path.replace("/", ":")


def judged_by(settings: Settings, engine: SandboxEngine) -> str:
    """The digest of everything but the file that a verdict over it depends on; settings may hold secrets."""
    about = [engine.name, engine.version, asdict(settings.limits), asdict(settings.max_limits)]
    text = json.dumps([*about, {name: dict(one) for name, one in settings.plugin_settings.items()}], default=str)
    return f"{engine.name} {engine.version} {hashlib.sha256(text.encode()).hexdigest()[:16]}"


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
