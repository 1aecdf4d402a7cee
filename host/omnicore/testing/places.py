"""Where a test's plugins lie."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from omnicore.errors import Conflict, NotFound
from omnicore.plugins.folder import Folder
from omnicore.testing.trial import Subject, read_subject

__all__ = ["find_plugins", "put_into"]

_OLD_S = 0.0  # a file that was written just now could still be growing, and a host waits for it


def find_plugins(places: Iterable[str | Path]) -> list[Subject]:
    """The plugins in files, in plugin folders, and in the folders of plugins' own projects.

    Raises:
        NotFound: there is none.
        Conflict: two have one name.
        ModuleRejected, ManifestInvalid: a host would not take it.
    """
    found: dict[str, Subject] = {}
    for place in places:
        for path in _files(Path(place).resolve()):
            subject = read_subject(path)
            other = found.setdefault(subject.manifest.name, subject)
            if other.path != path:
                raise Conflict(f"{path} and {other.path} have one name", remedy="name the one that is meant")
    if not found:
        raise NotFound("no plugin is named", remedy="name a .wasm file or a folder that holds some")
    return list(found.values())


def put_into(folder: Path, subject: Subject) -> None:
    """Puts a plugin and the manifest beside it into a plugin folder, under the name that it has."""
    name = subject.manifest.name
    for suffix, data in ((".wasm", subject.module), (".toml", subject.sidecar)):
        if data is not None:
            path = folder / f"{name}{suffix}"
            path.write_bytes(data)
            os.utime(path, (_OLD_S, _OLD_S))


def _files(place: Path) -> list[Path]:
    if place.is_file():
        return [place]
    if place.is_dir():
        for root, inside in ((place, ""), (place / "plugins", ""), (place.parent, f"{place.name}/dist/")):
            candidates = Folder(root).list() if root.is_dir() else []
            files = [root / one.path for one in candidates if not one.problem and one.path.startswith(inside)]
            if files:
                return files
    raise NotFound(f"there is no plugin at {place}", remedy="build it first: `omnicore build` in its folder")
