"""`omnicore.lock`: the packages that a project installs, each by its digest.

The file has one form for what it says. One that reads differently was changed by hand or damaged, and is refused.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path

from omnicore.errors import NotFound, PackageRejected
from omnicore.packages.reference import DIGEST, IndexReference, OciReference, parse_reference
from omnicore.plugins.folder import write_whole
from omnicore.plugins.manifest import NAME

FILE = "omnicore.lock"
_HEAD = "# Written by omnicore; `omnicore install --locked` brings exactly this.\n"
_MOST_BYTES = 4 * 1024 * 1024
_FORM = 1


@dataclass(frozen=True, slots=True)
class LockedPlugin:
    """A plugin of a lock.

    `source` is a repository, a URL with its digest, a name in an index, or a file beside the lock. `publisher` names
    who signed it by the fingerprints of keys, "" for nobody.
    """

    name: str
    source: str
    version: str
    digest: str
    publisher: str

    @property
    def reference(self) -> str:
        """The reference that brings exactly this package."""
        place = parse_reference(self.source)
        if isinstance(place, IndexReference):
            return str(place.versioned(self.version))
        return str(place.pinned(self.digest)) if isinstance(place, OciReference) else self.source


@dataclass(frozen=True, slots=True)
class PluginLock:
    """The plugins of a project, by name."""

    plugins: tuple[LockedPlugin, ...] = ()

    def find(self, name: str) -> LockedPlugin | None:
        """The entry of a plugin."""
        return next((one for one in self.plugins if one.name == name), None)

    def holding(self, changed: Iterable[LockedPlugin]) -> PluginLock:
        """The lock with these entries in the place of others of their names."""
        found = {one.name: one for one in (*self.plugins, *changed)}
        return PluginLock(tuple(found[name] for name in sorted(found)))

    def without(self, name: str) -> PluginLock:
        """The lock without a plugin."""
        return PluginLock(tuple(one for one in self.plugins if one.name != name))

    def text(self) -> str:
        """The lock as its file has it."""
        body = "".join(f"\n[[plugin]]\n{_entry(one)}" for one in self.plugins)
        return f'{_HEAD}form = {_FORM}\ncheck = "sha256:{hashlib.sha256(body.encode()).hexdigest()}"\n{body}'


def _entry(one: LockedPlugin) -> str:
    return "".join(f"{field.name} = {json.dumps(getattr(one, field.name))}\n" for field in fields(LockedPlugin))


def read_lock(text: str) -> PluginLock:
    """The lock that a file holds. Raises: PackageRejected: it is not as it was written."""
    try:
        values = tomllib.loads(text)
        found = PluginLock(tuple(LockedPlugin(**one) for one in values.get("plugin", ())))
        entries = [value for one in found.plugins for value in (one.name, one.source, one.version, one.publisher)]
        whole = all(isinstance(one, str) for one in entries) and found.text() == text
    except (ValueError, TypeError, RecursionError, AttributeError) as error:
        raise _damaged(f"cannot be read: {error}") from error
    names = [one.name for one in found.plugins]
    if not whole:
        raise _damaged("was changed since it was written")
    if names != sorted(set(names)) or not all(map(NAME.fullmatch, names)):
        raise _damaged("names plugins twice, or by no name")
    if not all(DIGEST.fullmatch(one.digest) for one in found.plugins):
        raise _damaged("holds what is no digest")
    return found


def load_lock(folder: Path) -> PluginLock:
    """The lock in a folder. Raises: NotFound; PackageRejected."""
    try:
        with (folder / FILE).open("rb") as file:
            data = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise NotFound(
            f"there is no {FILE} in {folder} ({error.strerror})",
            remedy="install a package, which writes it",
        ) from error
    try:
        return read_lock(data.decode())
    except UnicodeDecodeError as error:
        raise _damaged("is not UTF-8 text") from error


def save_lock(folder: Path, lock: PluginLock) -> None:
    """Writes the lock. Raises: StorageFailed."""
    write_whole(folder, FILE, lock.text().encode())


def check_locked(locked: LockedPlugin, found: LockedPlugin) -> None:
    """Raises: PackageRejected: a package is another one than the lock says."""
    wrong = [
        f"its {field.name} is {getattr(found, field.name) or 'none'}, not {getattr(locked, field.name) or 'none'}"
        for field in fields(LockedPlugin)
        if field.name != "source" and getattr(found, field.name) != getattr(locked, field.name)
    ]
    if wrong:
        raise PackageRejected(
            f"{locked.name} is not what {FILE} says: {', '.join(wrong)}",
            remedy="restore the lock, or update the plugin",
            fault="content",
        )


def _damaged(fact: str) -> PackageRejected:
    return PackageRejected(
        f"{FILE} {fact}", remedy="restore it, or delete it and install the plugins again", fault="content"
    )
