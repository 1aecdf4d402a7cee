"""The inventory: passes over the plugin folder that bring the catalogue in line with its files."""

from __future__ import annotations

import hashlib
import json
import logging
import time
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from omnicore import records
from omnicore.errors import OmniError
from omnicore.plugins.catalogue import Arrival, Catalogue
from omnicore.plugins.limits import effective_limits
from omnicore.plugins.manifest import Manifest, name_of_stem, read_manifest
from omnicore.sandbox.capi.code import wat_to_wasm
from omnicore.sandbox.inspect import admit, inspect
from omnicore.storage.tables.plugins import PluginRow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from omnicore.config.settings import Settings
    from omnicore.plugins.folder import Candidate, Folder
    from omnicore.sandbox.abi import Limits
    from omnicore.sandbox.engine import Engine

__all__ = ["Inventory", "judged_by", "read_arrival", "read_module"]


_log = logging.getLogger("omnicore.plugins")


def read_arrival(folder: Folder, candidate: Candidate, *, default: Limits, most: Limits) -> Arrival:
    """Reads and inspects a file. It does not raise: what is wrong stands in `problem`."""
    name = name_of_stem(candidate.stem) or candidate.path
    if candidate.problem:
        return Arrival(name, candidate.path, candidate.signature, problem=candidate.problem)
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
        return Arrival(name, candidate.path, candidate.signature, problem=str(error))
    except Exception:  # whatever a file does to its reader, the other files are still to be looked at
        _log.exception("%s could not be read", candidate.path)
        problem = "the host could not read it, which is a fault of the host; its log says more"
        return Arrival(name, candidate.path, candidate.signature, problem=problem)
    return Arrival(
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
                arrivals.append(read_arrival(self.folder, candidate, default=default, most=most))
                if end is None and seconds is not None:
                    end = self._monotonic() + seconds
            elif settled == "writing":
                arrivals.append(Arrival(candidate.stem, candidate.path, "", problem=_WRITING))
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
    """What one pass does to the catalogue."""

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

    def rank(self, arrival: Arrival) -> tuple[bool, bool, str]:
        """The order in which files are taken in: of two that claim a name, the one that was accepted for it first."""
        return arrival.manifest is None, not self._accepted(arrival), arrival.path

    def take_in(self, arrival: Arrival, judged_by: str) -> None:
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

    def _named(self, arrival: Arrival, before: PluginRow | None) -> Arrival:
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

    def _makes_way(self, owner: PluginRow, arrival: Arrival) -> bool:
        """Whether the file that has a name leaves it: it never was a plugin, or only the other one was accepted."""
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

    def _accepted(self, arrival: Arrival) -> bool:
        """Whether this very code was accepted for the name it claims; first arrivals cost no look at their bytes."""
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


def _nameless(arrival: Arrival, claimant: str) -> Arrival:
    """The arrival under a name made from its path, unusable for somebody else has its own."""
    problem = arrival.problem or f"its name {arrival.name} is taken by {claimant}; rename one of the two"
    return replace(arrival, name=_path_name(arrival.path), manifest=None, module=b"", problem=problem)


def _path_name(path: str) -> str:
    # Names of plugins have no dot and no colon, so this never meets one.
    return path.replace("/", ":")


def judged_by(settings: Settings, engine: Engine) -> str:
    """What a verdict over a file depends on beside the file; a digest, for settings may hold secrets."""
    about = [engine.name, engine.version, asdict(settings.limits), asdict(settings.max_limits)]
    text = json.dumps([*about, {name: dict(one) for name, one in settings.plugin_settings.items()}], default=str)
    return f"{engine.name} {engine.version} {hashlib.sha256(text.encode()).hexdigest()[:16]}"
