"""Archives: a folder with all that the host keeps, a manifest of hashes, and the proof that older ones are whole."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

__all__ = ["MANIFEST", "Bundle", "old_bundles", "verify", "write_bundle"]

MANIFEST = "MANIFEST.json"
_PARTIAL = ".partial"
_BLOCK = 1024 * 1024
_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Bundle:
    """An archive: where it is, the hash of its manifest, and what is in it."""

    path: Path
    digest: str
    files: int
    counts: Mapping[str, int]


def write_bundle(
    folder: Path, name: str, export: Callable[[Path], Mapping[str, int]], *, at: float, versions: Mapping[str, str]
) -> Bundle:
    """Writes an archive. It has its name only when it is whole: one that was broken off is taken away next time.

    Raises: OSError, and what `export` raises.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for broken in folder.glob(f"*{_PARTIAL}"):
        shutil.rmtree(broken, ignore_errors=True)
    partial = folder / f"{name}{_PARTIAL}"
    partial.mkdir(mode=0o700)
    counts = dict(export(partial))
    files = {str(path.relative_to(partial)): _digest(path) for path in sorted(partial.rglob("*")) if path.is_file()}
    manifest = {"format": _FORMAT, "made_at": at, "versions": dict(versions), "counts": counts, "sha256": files}
    text = json.dumps(manifest, indent=1, sort_keys=True)
    _write_down(partial / MANIFEST, text)
    whole = folder / name
    partial.rename(whole)
    _sync(folder)
    return Bundle(whole, hashlib.sha256(text.encode()).hexdigest(), len(files), counts)


def old_bundles(folder: Path) -> list[Path]:
    """The archives that are whole, oldest first; names sort by the time they were made."""
    if not folder.is_dir():
        return []
    return sorted(path.parent for path in folder.glob(f"*/{MANIFEST}") if not path.parent.name.endswith(_PARTIAL))


def verify(bundle: Path) -> list[str]:
    """What is wrong with an archive: files that are missing, changed or strange. Empty when it is whole."""
    try:
        manifest = json.loads((bundle / MANIFEST).read_text(encoding="utf-8"))
        listed: dict[str, str] = dict(manifest["sha256"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        return [f"{MANIFEST} cannot be read: {error}"]
    problems = []
    there = {str(path.relative_to(bundle)) for path in bundle.rglob("*") if path.is_file() and not path.is_symlink()}
    for name, digest in sorted(listed.items()):
        if name not in there:
            problems.append(f"{name} is missing")
        elif _digest(bundle / name) != digest:
            problems.append(f"{name} was changed")
    return problems + [f"{name} is not in the manifest" for name in sorted(there - set(listed) - {MANIFEST})]


def _digest(path: Path) -> str:
    found = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            found.update(block)
    return found.hexdigest()


def _write_down(path: Path, text: str) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
