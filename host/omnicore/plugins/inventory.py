"""Brings the catalogue in line with what lies in the folder."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, replace

from omnicore.config.settings import Settings
from omnicore.plugins.catalogue import Catalogue
from omnicore.plugins.folder import Candidate, Folder
from omnicore.plugins.intake import Arrival, read_arrival
from omnicore.sandbox.abi import Limits
from omnicore.sandbox.engine import Engine
from omnicore.storage.tables.plugins import PluginRow

__all__ = ["Inventory", "judged_by"]

_WRITING = "is still being written; it is taken in once it rests"


class Inventory:
    """Passes over the folder; used by one thread at a time.

    Args:
        judged_by: names engine and settings; files that could not be used under others are looked at again.
        changed: told the name of each plugin whose row changed, and how: added, changed or removed.
        restore: puts back what is to be rolled back, and says which files are whole.
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
    ) -> None:
        self._restore = restore
        self._folder = folder
        self._claimed: Callable[[str], str | None] = lambda _name: None
        self._catalogue = catalogue
        self.limits = limits
        self._judged_by = judged_by
        self._changed = changed

    def respect(self, claimed: Callable[[str], str | None], judged_by: str) -> None:
        """From now on asks who else has a name; files that could not be used are looked at again once that changes."""
        self._claimed = claimed
        self._judged_by = judged_by

    def take_stock(self, *, at_once: str | None = None) -> bool:
        """One pass. For an unchanged file it costs one look and no read.

        Args:
            at_once: the path of a file that is known to be whole.

        Returns: whether another pass soon would find out more.
        """
        whole = {at_once, *self._restore()}
        candidates = self._folder.list()
        rows = {row.name: row for row in self._catalogue.rows()}
        changes = _Changes(self._catalogue, rows, {one.path for one in candidates}, self._changed, self._claimed)
        again, kept = changes.drop_gone(), self._catalogue.kept()
        arrivals = []
        for candidate in candidates:
            if self._known(changes.by_path.get(candidate.path), candidate, kept):
                continue
            settled = "yes" if candidate.path in whole else self._folder.settled(candidate)
            again = again or settled != "yes"
            if settled == "yes":
                default, most = self.limits
                arrivals.append(read_arrival(self._folder, candidate, default=default, most=most))
            elif settled == "writing":
                arrivals.append(Arrival(candidate.stem, candidate.path, "", problem=_WRITING))
        for arrival in sorted(arrivals, key=lambda one: (one.manifest is None, one.path)):
            changes.take_in(arrival, self._judged_by)
        if arrivals or changes.any_gone:
            self._catalogue.tidy()
        return again

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
        self.any_gone = False

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
        if owner.hash is None:  # it never was a plugin, so it makes way
            moved = self._catalogue.rename(owner, _path_name(owner.path))
            del self._rows[owner.name]
            self._rows[moved.name] = self.by_path[moved.path] = moved
            return arrival
        return _nameless(arrival, owner.path)

    def _there(self, row: PluginRow) -> bool:
        return row.present and row.path in self._paths

    def _present(self) -> Iterable[PluginRow]:
        return [row for row in self._rows.values() if row.present]

    def _leave(self, row: PluginRow) -> None:
        self._catalogue.gone(row)
        if row.hash is None:
            self._rows.pop(row.name)
        else:
            self._rows[row.name] = replace(row, present=False)
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
