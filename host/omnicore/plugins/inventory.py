"""The inventory of the plugin folder, passes over it that bring the catalogue in line with its files, and the watch."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from threading import RLock
from typing import TYPE_CHECKING

from omnicore.capabilities.doors import Provided
from omnicore.errors import GuestError, OmniError, Unavailable
from omnicore.plugins.catalogue import Bringer, Catalogue, FoundFile
from omnicore.plugins.manifest import Manifest, effective_limits, name_of_stem, read_manifest
from omnicore.plugins.version import BEING_COMPILED, EAGER_LOADS, Patience, Version, VersionsInService
from omnicore.records import replace as replace_record
from omnicore.sandbox.capi.code import wat_to_wasm
from omnicore.sandbox.engine import Template
from omnicore.sandbox.inspect import admit, check_provided, inspect
from omnicore.storage.store import Store
from omnicore.storage.tables.kv import KvTable
from omnicore.storage.tables.plugins import ObservedRow, PluginHostRow, SourceRow

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from omnicore.config.settings import Settings
    from omnicore.plugins.folder import Candidate, Folder
    from omnicore.sandbox.abi import Limits
    from omnicore.sandbox.engine import SandboxEngine


_log = logging.getLogger("omnicore.plugins")


def read_found_file(
    folder: Folder,
    candidate: Candidate,
    *,
    default: Limits,
    most: Limits,
    provided: Provided | None = None,
) -> FoundFile:
    """Reads and inspects a file. It does not raise: what is wrong stands in `problem`.

    Args:
        provided: see `read_module`.
    """
    if candidate.problem:
        return _unusable(candidate, candidate.problem)
    try:
        data, sidecar = folder.read(candidate, max(most.module_bytes, most.component_bytes))
        module, manifest = read_module(
            candidate.stem,
            data,
            text=candidate.path.endswith(".wat"),
            sidecar=sidecar,
            sidecar_path=candidate.sidecar or "",
            limits=(default, most),
            provided=provided,
        )
    except OmniError as error:
        return _unusable(candidate, str(error))
    except Exception:  # whatever a file does to its reader, the other files are still to be looked at
        _log.exception("%s could not be read", candidate.path)
        return _unusable(candidate, "the host could not read it, which is a fault of the host; its log says more")
    return FoundFile(
        manifest.name,
        candidate.path,
        candidate.signature,
        module,
        manifest,
        sidecar=None if sidecar is None else sidecar.decode(),
        text=data if candidate.path.endswith(".wat") else None,
    )


def _unusable(candidate: Candidate, problem: str) -> FoundFile:
    name = name_of_stem(candidate.stem) or candidate.path
    return FoundFile(name, candidate.path, candidate.signature, problem=problem)


def read_module(
    stem: str,
    data: bytes,
    *,
    text: bool,
    sidecar: bytes | None,
    sidecar_path: str,
    limits: tuple[Limits, Limits],
    provided: Provided | None = None,
) -> tuple[bytes, Manifest]:
    """The module's bytes and its manifest.

    Args:
        text: the data is WebAssembly text, which becomes bytes first.
        limits: the host's defaults, and the most a manifest may ask for.
        provided: all that the host provides; None leaves imports and names of capabilities unchecked.

    Raises: ModuleRejected, ManifestInvalid, LinkFailed.
    """
    module = wat_to_wasm(data) if text else data
    info = inspect(module)
    doors = provided.doors if provided is not None else None
    manifest = read_manifest(stem, info, sidecar=sidecar, sidecar_path=sidecar_path, doors=doors)
    admit(info, effective_limits(manifest.limits, *limits))
    if provided is not None:
        check_provided(info, provided.functions)
    return module, manifest


_WRITING = "is still being written; it is taken in once it rests"


class Inventory:
    """Passes over the folder; used by one thread at a time.

    Args:
        judged_by: names engine and settings; files that could not be used under others are looked at again.
        changed: told the name of each plugin whose row changed, and how: added, changed or removed.
        restore: puts back what is to be rolled back, and says which files are whole.
        claimed: says who else has a name, such as a native plugin, or None.
        provided: all that plugins can import and ask for.
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
        provided: Provided,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._monotonic = monotonic
        self._restore = restore
        self.folder = folder
        self._claimed, self.provided = claimed, provided
        self._catalogue = catalogue
        self.limits = limits
        self._judged_by = judged_by
        self._changed = changed
        self._seen = set[str]()

    def take_stock(self, *, at_once: str | None = None, seconds: float | None = None, by: Bringer = "folder") -> bool:
        """One pass. For an unchanged file it costs one look and no read.

        Args:
            at_once: the path of a file that is known to be whole.
            by: who brings that file; one that a person holds back does not serve before it is chosen.
            seconds: how long files may be read, the small ones first; the rest is left to the next pass.

        Returns: whether another pass soon would find out more.
        """
        whole = {at_once, *self._restore()}
        candidates = self.folder.list()
        changes = _Changes(self._catalogue, {one.path for one in candidates}, self._changed, self._claimed)
        again, kept = changes.drop_gone(self._seen), self._catalogue.kept()
        self._seen |= {one.path for one in candidates}
        changes.settle()
        arrivals = []
        end: float | None = None  # counts from the first file: what reads it may have to be imported before
        for candidate in sorted(candidates, key=lambda one: one.size):
            if self._known(changes, candidate, kept):
                continue
            settled = "yes" if candidate.path in whole else self.folder.settled(candidate)
            again = again or settled != "yes"
            late = seconds == 0 or (end is not None and self._monotonic() > end)
            if settled == "yes" and late and candidate.path not in whole:
                again = True
                continue
            if settled == "yes":
                arrivals.append(self._read(candidate))
                if end is None and seconds is not None:
                    end = self._monotonic() + seconds
            elif settled == "writing":
                arrivals.append(FoundFile(candidate.stem, candidate.path, "", problem=_WRITING))
        for arrival in sorted(arrivals, key=changes.rank):
            with _later(arrival):
                changes.take_in(arrival, self._judged_by, by=by if arrival.path == at_once else "folder")
        if arrivals or changes.any_gone:
            self._catalogue.tidy()
        return again or changes.made_way

    def _read(self, candidate: Candidate) -> FoundFile:
        default, most = self.limits
        return read_found_file(self.folder, candidate, default=default, most=most, provided=self.provided)

    def _known(self, changes: _Changes, candidate: Candidate, kept: set[str]) -> bool:
        source = changes.sources.get(candidate.path)
        if source is None or source.signature != candidate.signature:
            return False
        if source.removed:
            return True
        row = changes.rows.get(source.plugin)
        if row is None or not row.present:  # what was withdrawn elsewhere is brought by this folder
            return False
        if source.hash is not None and source.hash not in kept:  # somebody deleted the host's copy
            return False
        problem = source.problem or (row.problem if row.hash == source.hash else "")
        return not problem or source.verified == self._judged_by


@contextmanager
def _later(arrival: FoundFile) -> Iterator[None]:
    """Leaves a file whose module hosts could not fetch to a later pass."""
    try:
        yield
    except Unavailable as error:
        _log.warning("%s is not taken in: %s", arrival.path, error)


class _Changes:
    """Changes that one pass makes to the catalogue.

    Args:
        paths: those of the files that are there now.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        paths: set[str],
        changed: Callable[[str, str], None],
        claimed: Callable[[str], str | None],
    ) -> None:
        self._claimed = claimed
        self._catalogue = catalogue
        self.rows = {row.name: row for row in catalogue.rows()}
        self.sources = {one.path: one for one in catalogue.fleet.sources(catalogue.host)}
        self._paths = paths
        self._changed = changed
        self.any_gone = self.made_way = False

    def drop_gone(self, seen: Collection[str]) -> bool:
        """Takes out what is no longer there; whether that freed a name another file waits for.

        Args:
            seen: paths of files that this process has seen. Where several hosts share a database, a folder that was
                empty from the start is no reason to withdraw anything, as one that was not mounted is empty too; nor
                does the file of a version that a person installed have to be in the folder of a host that was renewed.
        """
        gone = [one for one in self.sources.values() if one.path not in self._paths]
        if self._catalogue.host:
            gone = [one for one in gone if one.path in seen or (self._paths and not self._installed(one))]
        self.any_gone = bool(gone)
        for source in gone:
            self._leave(source)
        names = {source.plugin for source in gone}
        waiting = [one for one in self.sources.values() if one.hash is None and one.problem and names]
        for source in waiting:
            self.sources[source.path] = replace_record(source, signature="")
            self._catalogue.fleet.keep(self.sources[source.path])
        return bool(waiting)

    def settle(self) -> None:
        """Decides about versions that waited because folders of hosts disagreed."""
        for row in [row for row in self.rows.values() if row.contested and row.present]:
            settled = self.rows[row.name] = self._catalogue.look_after(row.name)
            if settled != row:
                self._changed(row.name, "changed")

    def _installed(self, source: SourceRow) -> bool:
        row = self.rows.get(source.plugin)
        return row is not None and row.installed and row.serving == source.hash

    def rank(self, arrival: FoundFile) -> tuple[bool, bool, str]:
        """The order in which files are taken in: of two that claim a name, the one that was accepted for it first."""
        return arrival.manifest is None, not self._accepted(arrival), arrival.path

    def take_in(self, arrival: FoundFile, judged_by: str, *, by: Bringer = "folder") -> None:
        """Records what was found in one file."""
        before = self.sources.get(arrival.path)
        if before is not None and before.problem == arrival.problem == _WRITING:
            return
        arrival = self._named(arrival, before)
        if before is not None and before.plugin != arrival.name:
            self._leave(before)
        known = self.rows.get(arrival.name)
        row = self._catalogue.arrive(arrival, judged_by, by=by)
        self.rows[row.name] = row
        own = self._catalogue.own(arrival.path)
        if own is not None:
            self.sources[own.path] = own
        if row != known:
            self._changed(row.name, "changed" if known is not None and known.present else "added")

    def _named(self, arrival: FoundFile, before: SourceRow | None) -> FoundFile:
        """The arrival under a name of its own: its own if that is free, else one made from its path."""
        if arrival.manifest is None and before is not None:
            return replace(arrival, name=before.plugin)
        if (claimant := self._claimed(arrival.name)) is not None:
            return _nameless(arrival, claimant)
        owner = self._owner(arrival)
        if owner is None:
            return arrival
        if arrival.manifest is None:
            return replace(arrival, name=_path_name(arrival.path))
        return arrival if self._makes_way(owner, arrival) else _nameless(arrival, owner.path)

    def _owner(self, arrival: FoundFile) -> SourceRow | None:
        """Another file of this folder that has the name."""
        there = [one for one in self.sources.values() if one.path in self._paths and not one.removed]
        return next((one for one in there if one.plugin == arrival.name and one.path != arrival.path), None)

    def _makes_way(self, owner: SourceRow, arrival: FoundFile) -> bool:
        """True when the file that has a name gives it up: it never was a plugin, or only the other one was accepted."""
        if owner.hash is None:
            moved = self._catalogue.rename(owner, _path_name(owner.path))
            if moved is not None:
                self.rows.pop(owner.plugin, None)
                self.rows[moved.name] = moved
            self.sources[owner.path] = replace_record(owner, plugin=_path_name(owner.path))
            return True
        if self._accepted(arrival) and not self._catalogue.consent.covers(owner.plugin, owner.hash, owner.sidecar):
            self._catalogue.fleet.drop(owner.host, owner.path)
            del self.sources[owner.path]  # the next pass finds its file again, and who has the name
            self.made_way = True
            return True
        return False

    def _accepted(self, arrival: FoundFile) -> bool:
        """True when this code was accepted for the name that it claims; the bytes of a file seen first are not read."""
        if arrival.manifest is None or arrival.name not in self.rows:
            return False
        digest = hashlib.sha256(arrival.module).hexdigest()
        return self._catalogue.consent.covers(arrival.name, digest, arrival.sidecar)

    def _leave(self, source: SourceRow) -> None:
        left = self._catalogue.withdraw(source)
        self.sources.pop(source.path, None)
        if left is None:
            self.rows.pop(source.plugin, None)
        else:
            self.rows[source.plugin] = left
        self._changed(source.plugin, "changed" if left is not None and left.present else "removed")


def _nameless(arrival: FoundFile, claimant: str) -> FoundFile:
    """The arrival under a name made from its path, unusable for somebody else has its own."""
    problem = arrival.problem or f"its name {arrival.name} is taken by {claimant}; rename one of the two"
    return replace(arrival, name=_path_name(arrival.path), manifest=None, module=b"", problem=problem)


def _path_name(path: str) -> str:
    # Names of plugins have no dot and no colon, so this never meets one.
    return path.replace("/", ":")


def judged_by(settings: Settings, engine: SandboxEngine, provided: Provided, claimed: Iterable[str]) -> str:
    """The digest of everything but the file that a verdict over it depends on; settings may hold secrets."""
    about = [engine.name, engine.version, asdict(settings.limits), asdict(settings.max_limits)]
    about += [*sorted(map("::".join, provided.functions)), *sorted(provided.doors), *sorted(claimed)]
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

    def take_in(self, path: str, *, patience: Patience = "all", by: Bringer = "folder") -> None:
        """Takes in one file that is known to be whole. The caller holds `changing`. `by`: see `take_stock`."""
        self._versions.eager, self._versions.patience = 1, patience
        try:
            self.inventory.take_stock(at_once=path, by=by)
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
            path = self._catalogue.look_again(name)
            if path is not None:
                self.take_in(path, patience="none")

    def tick(self, changed: bool) -> None:
        """One round of the watch."""
        self._catalogue.write_errors()
        if not self._catalogue.host:  # else there is a `FleetWatch`
            self._follow()
        if changed or time.monotonic() >= self._pass_due:
            again = self._pass("none")
            self._pass_due = time.monotonic() + (0 if again else _PASS_EVERY_S)
        if time.monotonic() >= self._sweep_due:
            self._kv.sweep()
            self._sweep_due = time.monotonic() + _SWEEP_EVERY_S
        if not self._catalogue.host:
            self.compile_ahead()

    def _follow(self) -> None:
        """Brings what is in service in line with what another process granted, disabled and so on."""
        data_version = self._database.data_version()
        if data_version != self._data_version:
            self._data_version = data_version
            for version in self._versions.all():
                self._sync(version.serving.name)

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
                    own = self._catalogue.own_named(row.name)
                    if own is not None and own.hash == row.hash:  # else it is another host that compiles it
                        self._catalogue.look_again(row.name)  # this one was stopped meanwhile, or it is done
            self._versions.eager, self._versions.patience = EAGER_LOADS, patience
            try:
                return self.inventory.take_stock(seconds=_READING_S if patience == "none" else None)
            finally:
                self._versions.patience = "all"

    def compile_ahead(self, before: Callable[[], None] = lambda: None) -> None:
        """Has versions that were accepted untried compiled, so that their first callers need not wait."""
        before()
        self._trying = [(version, coming) for version, coming in self._trying if not self._done(version, coming)]
        while self._versions.untried and len(self._trying) < _MOST_TRIED:
            with suppress(OmniError):
                version = self._version(self._versions.untried.popleft())
                self._trying.append((version, version.coming(called=False)))

    def _done(self, version: Version, coming: Future[Template]) -> bool:
        if coming.done() and isinstance(error := coming.exception(), GuestError):
            self._failed(version, error, False)
        return coming.done()


_LOOK_S = 0.25  # a quarter of the second in which a change reaches all hosts
_BEAT_S = 10.0
_STOP_S = 5.0
_SILENCE_S = 30.0
"""Longer than a PostgreSQL server takes to restart or to be replaced by its standby, which calls survive. After that a
plugin may long have been disabled, or a grant taken back, elsewhere."""
_GONE_S = 30 * 86400.0  # what is known of a host that never came back is dropped


class FleetWatch:
    """Keeps what is in service at one of several hosts in line with what the others decide.

    It asks the database by itself instead of waiting for a notification: the answer also proves that the host hears it.

    Args:
        name: the host as people call it.
        follow: brings what is in service in line with the catalogue for one plugin.
        compiled: plugins whose next version is compiled now, which are to be followed again.
        hush: has calls refused for a reason, and with "" served again.
    Owns: two threads, from `start` until `stop`. One waits for nothing but the database, the other for the first.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        versions: VersionsInService,
        database: Store,
        *,
        name: str,
        follow: Callable[[str], None],
        compiled: deque[str],
        hush: Callable[[str], None],
        compile_ahead: Callable[[], None],
        silence_s: float = _SILENCE_S,
    ) -> None:
        self._catalogue, self._versions, self._database = catalogue, versions, database
        self._name, self._follow, self._compile_ahead = name, follow, compile_ahead
        self._compiled, self._hush, self._silence_s = compiled, hush, silence_s
        self._heard = threading.Event()
        self._known = -1, catalogue.revisions()
        self._beat_due = 0.0
        self._observed: dict[tuple[str, str, str, str], float] = {}
        self._ended = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Goes on following until `stop`."""
        for name, work in (("omnicore-follow-plugins", self._run), ("omnicore-heed-silence", self._heed)):
            self._threads.append(threading.Thread(target=work, name=name, daemon=True))
            self._threads[-1].start()

    def stop(self) -> None:
        """Ends it, and what was observed at this host with it."""
        self._ended.set()
        self._heard.set()
        threads, self._threads = self._threads, []
        for thread in threads:
            thread.join(_STOP_S)  # one that waits for a database that does not answer ends with the process
        if threads:
            with suppress(OmniError):
                self._catalogue.fleet.observe(self._catalogue.host, [])

    def look(self) -> None:
        """One round. Raises: StorageFailed."""
        version = self._database.data_version()
        if version != self._known[0]:
            before, after = self._known[1], self._catalogue.revisions()
            for name in [*after, *(name for name in before if name not in after)]:
                if before.get(name) != after.get(name):
                    self._follow(name)
            self._known = version, after
        self._heard.set()
        while self._compiled:
            self._follow(self._compiled[0])
            self._compiled.popleft()
        self.beat()  # last: a database that cannot be written now, nobody else has written either
        self._observe()

    def beat(self) -> None:
        """Shows that this host lives, where that is due. Raises: StorageFailed."""
        if time.monotonic() < self._beat_due:
            return
        now = self._catalogue.clock.now()
        row = PluginHostRow(self._catalogue.host, self._name, now)
        self._catalogue.fleet.seen(row, gone_before=now - _GONE_S)
        self._beat_due = time.monotonic() + _BEAT_S

    def _run(self) -> None:
        with suppress(OmniError, OSError):
            self._catalogue.share_modules()
        while not self._ended.wait(_LOOK_S):
            try:
                self.look()
                self._compile_ahead()
            except (OmniError, OSError) as error:
                _log.warning("what other hosts decided about plugins is not known now: %s", error)
            except Exception:
                _log.exception("what other hosts decided about plugins could not be followed")

    def _heed(self) -> None:
        """Has calls refused while nothing is heard: the other thread may be waiting for an answer."""
        silent = False
        while not self._ended.is_set():
            heard = self._heard.wait(self._silence_s)
            self._heard.clear()
            if silent == heard and not self._ended.is_set():
                silent = not heard
                reason = f"nothing was heard of {self._database.place} for {self._silence_s:.0f} s" if silent else ""
                _log.warning("calls are %s: %s", "refused" if silent else "served again", reason or "it answers")
                self._hush(f"{reason}, where this plugin may have been switched off" if silent else "")

    def _observe(self) -> None:
        """Records what this host has in service, where that has changed."""
        now, found = self._catalogue.clock.now(), self._versions.observed()
        if found != list(self._observed):
            self._observed = {one: self._observed.get(one, now) for one in found}
            rows = [ObservedRow(self._catalogue.host, *one, since) for one, since in self._observed.items()]
            self._catalogue.fleet.observe(self._catalogue.host, rows)
