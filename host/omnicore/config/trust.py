"""Folders whose owner trusts them: a record in the user's state folder, never in the folder itself.

A folder is not trusted because one stands in it. Its settings file may set what is declared as harmless
(`setting(untrusted=...)`); all else counts once the owner trusted the folder and that very file, by its digest. Its
own code, which a compiler or a package manager would run, needs the folder to be trusted, whatever its files are since.

The settings file of a folder, and what it may set before its owner trusts it.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from omnicore.config.documents import Text, parse_document, read_text
from omnicore.config.folders import state_root
from omnicore.config.schema import Entry, Leaf, Misfit, Origin, SettingPath, anchored
from omnicore.errors import Conflict, InvalidSetting, NotFound, PermissionDenied
from omnicore.files import check_own, only_one, write_whole

if TYPE_CHECKING:
    from pathlib import Path


FILE = "trust.json"
_MOST_BYTES = 4 * 1024 * 1024
_MOST = 10_000


@dataclass(frozen=True, slots=True)
class Trusted:
    """One trusted folder: `files` are its settings files by name, each with the SHA-256 that was trusted.

    `inode` is the folder's own number in its file system: another folder that is put in its place is not trusted.
    """

    folder: str
    inode: int
    files: Mapping[str, str] = field(default_factory=dict)
    at: float = 0.0
    by: str = ""

    def to_json(self) -> dict[str, Any]:
        """The entry as the record and `-o json` have it."""
        return {"folder": self.folder, "inode": self.inode, "files": dict(self.files), "at": self.at, "by": self.by}


class TrustRecord:
    """The record of this user on this machine.

    Args:
        root: the user's state folder; by default where `omnicore.config.folders` has it.
    """

    def __init__(self, root: Path | None = None) -> None:
        self._root = root

    def folders(self) -> list[Trusted]:
        """Every trusted folder. Raises: StorageFailed: others can reach the record. InvalidSetting: it is damaged."""
        try:
            file = self._file
        except InvalidSetting:  # without a home folder nothing was ever trusted
            return []
        if not check_own(file.parent, folder=True) or not check_own(file):
            return []
        try:
            with file.open("rb") as stream:
                entries = json.loads(stream.read(_MOST_BYTES))["folders"]
            return [
                Trusted(str(one["folder"]), int(one["inode"]), dict(one["files"]), one["at"], one["by"])
                for one in entries
            ]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InvalidSetting(f"{file} cannot be read", remedy="remove it, then trust your folders again") from error

    def of(self, folder: Path) -> Trusted | None:
        """The entry of a folder; one above it does not count, nor one that was there before it."""
        place = folder.resolve()
        found = next((one for one in self.folders() if one.folder == str(place)), None)
        try:
            return found if found is not None and found.inode == place.stat().st_ino else None
        except OSError:
            return None

    def trusts_file(self, file: Path, digest: str) -> bool:
        """True if a settings file is trusted as it is."""
        found = self.of(file.parent)
        return found is not None and found.files.get(file.name) == digest

    def add(self, folder: Path, files: Mapping[str, str], *, by: str, at: float) -> Trusted:
        """Trusts a folder with these settings files, in place of what was trusted of it before.

        Raises: NotFound: it is not there. Conflict: too many are trusted.
        """
        place = folder.resolve()
        try:
            entry = Trusted(str(place), place.stat().st_ino, files, at, by)
        except OSError as error:
            raise NotFound(f"there is no folder {place}", remedy="correct the path") from error
        with only_one(self._file):
            kept = [one for one in self.folders() if one.folder != entry.folder]
            if len(kept) >= _MOST:
                raise Conflict(f"{_MOST} folders are trusted already", remedy="see `omnicore trust --ls`")
            self._write([*kept, entry])
        return entry

    def revoke(self, folder: Path) -> None:
        """Takes the trust back. Raises: NotFound: the folder is not trusted."""
        place = str(folder.resolve())
        with only_one(self._file):
            known = self.folders()
            kept = [one for one in known if one.folder != place]
            if len(kept) == len(known):
                raise NotFound(f"{place} is not trusted", remedy="see `omnicore trust --ls`")
            self._write(kept)

    def _write(self, entries: list[Trusted]) -> None:
        write_whole(self._file, json.dumps({"folders": [one.to_json() for one in entries]}, indent=1).encode())

    @property
    def _file(self) -> Path:
        return (self._root or state_root()) / FILE


def refuse_native(folder: Path, what: str) -> None:
    """Raises: PermissionDenied: the folder is not trusted, so none of its code may run outside of a sandbox.

    Args:
        what: what would run, such as "its build scripts".
    """
    if TrustRecord().of(folder) is None:
        raise PermissionDenied(
            f"{folder.resolve()} is not trusted, and a build there runs {what} outside of any sandbox",
            remedy=f"look at its files, then run `omnicore trust {shlex.quote(str(folder))}`",
            resource=str(folder.resolve()),
        )


FILE_NAMES = ("omnicore.toml", "omnicore.yaml", "omnicore.yml", "omnicore.json")
APP_FILE = "config.yaml"
"""The settings file of an application; it counts where none of the others is, for it is a common name."""
_SHOWN = 6

Layer = Mapping[SettingPath, Entry]


@dataclass(frozen=True, slots=True)
class Ignored:
    """A setting of a file that is not trusted, which holds only once it is."""

    name: str
    origin: str


def find_file(folder: Path) -> Path | None:
    """The settings file of a folder. Raises: InvalidSetting: there are two."""
    found = [name for name in FILE_NAMES if (folder / name).is_file()]
    if len(found) > 1:
        names = " and ".join(found)
        raise InvalidSetting(f"{names} are both in {folder.resolve()}", remedy="keep one, or name it with --config")
    if not found and (folder / APP_FILE).is_file():
        return folder / APP_FILE
    return folder / found[0] if found else None


@dataclass(slots=True)
class FolderFile:
    """A settings file that was read: named by the owner, or found in the folder one stands in.

    `trusted` tells that all of it counts. A file that leads out of its folder by a link is not even parsed before.
    """

    source: Text
    trusted: bool
    ignored: list[Ignored] = field(default_factory=list)

    @classmethod
    def read(cls, file: Path, *, named: bool) -> FolderFile:
        """Reads a file. Args: named: by an option or a variable, which is the owner's word.

        Raises: InvalidSetting.
        """
        source = read_text(file)
        return cls(source, named or TrustRecord().trusts_file(file, source.digest))

    def layer(self) -> dict[SettingPath, Entry]:
        """Everything the file sets, each with its line. Raises: InvalidSetting: it is not well formed."""
        file = self.source.file
        if not self.trusted and not inside(file, file.parent):
            self.ignored.append(Ignored("everything", str(file)))
            return {}
        document = parse_document(self.source)
        return {
            path: Entry(value, Origin("file", str(file), document.line(path), file.parent))
            for path, value in document.values.items()
        }

    def admitted(self, layer: Layer, under: Layer, schema: Mapping[SettingPath, Leaf]) -> dict[SettingPath, Entry]:
        """The part of the file's layer that is trusted; the rest is noted as ignored.

        Args:
            under: what holds where the file says nothing, in place of the defaults.
        """
        if self.trusted:
            return dict(layer)
        admitted = {}
        for path, entry in layer.items():
            leaf = schema.get(path) or schema.get(path[:1])  # the second is a table of free keys, such as `app`
            if leaf is None or _harmless(leaf, entry, under.get(path), self.source.file.parent):
                admitted[path] = entry  # the schema reports unknown names
            else:
                self.ignored.append(Ignored(leaf.name, str(entry.origin)))
        return admitted


def inside(path: Path, folder: Path) -> bool:
    """True if a path stays in a folder once links are followed."""
    try:
        return path.resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError):  # a loop of links
        return False


def notes_on(file: Path | None, ignored: list[Ignored]) -> list[str]:
    """The line that says what is ignored, if anything is."""
    if file is None or not ignored:
        return []
    names = list(dict.fromkeys(one.name for one in ignored))
    shown = ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
    return [f"{file} is not trusted: it may not set {shown}, which is ignored; `omnicore trust` shows and allows it"]


def _harmless(leaf: Leaf, entry: Entry, under: Entry | None, folder: Path) -> bool:
    """True if the value can loosen nothing; one that cannot be read is left to the schema, which refuses it."""
    if leaf.untrusted == "any" or leaf.free:
        return leaf.untrusted == "any"
    try:
        value = leaf.read(entry)
        usual = leaf.read(under) if under is not None else leaf.default
    except Misfit:
        return leaf.untrusted != "never"
    if leaf.untrusted == "inside":
        return inside(anchored(value, entry.origin), folder)
    return bool(value == usual) or (leaf.untrusted == "lower" and _not_above(value, usual))


def _not_above(value: Any, usual: Any) -> bool:
    """True if a limit is at least as tight; None is no limit."""
    return usual is None or (value is not None and bool(value <= usual))
