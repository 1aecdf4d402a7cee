"""The bytes of accepted modules by hash, so that a version can still be served after its file has changed."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from pathlib import Path

from omnicore.errors import StorageFailed
from omnicore.files import own_folder
from omnicore.storage.store import storage_failed

__all__ = ["ModuleStore"]

_NAME = re.compile(r"[0-9a-f]{64}\.wasm\Z")
_KEPT = re.compile(r"[0-9a-f]{64}\.(wasm|wat)\Z")


class ModuleStore:
    """A folder of `<sha256>.wasm` files, with `.wat` for modules that were written as text.

    Files are written atomically and are readable by this user only.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        own_folder(folder)

    def put(self, data: bytes) -> str:
        """Stores the bytes and returns their hash. Raises: StorageFailed."""
        digest = hashlib.sha256(data).hexdigest()
        target = self._folder / f"{digest}.wasm"
        if not target.exists() or target.stat().st_size != len(data):
            self._write(target, data)
        return digest

    def put_text(self, digest: str, text: bytes) -> None:
        """Stores the text of a module beside it; of several texts, the last. Raises: StorageFailed."""
        self._write(self._folder / f"{digest}.wat", text)

    def text(self, digest: str) -> bytes | None:
        """The text of a module, or None. Raises: StorageFailed."""
        path = self._folder / f"{digest}.wat"
        try:
            return path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise storage_failed(error, str(path)) from error

    def _write(self, target: Path, data: bytes) -> None:
        partial = self._folder / f".{target.name}.{secrets.token_hex(4)}"
        try:
            with open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            partial.replace(target)
        except OSError as error:
            partial.unlink(missing_ok=True)
            raise storage_failed(error, str(target)) from error

    def get(self, digest: str) -> bytes:
        """The bytes, checked against their hash. Raises: StorageFailed: they are missing or were altered."""
        path = self._folder / f"{digest}.wasm"
        try:
            data = path.read_bytes()
        except OSError as error:
            raise storage_failed(error, str(path)) from error
        if hashlib.sha256(data).hexdigest() != digest:
            raise StorageFailed(
                f"{path} was altered",
                remedy="delete it; the host takes in the plugin's file again",
            )
        return data

    def kept(self) -> set[str]:
        """The hashes of all stored modules."""
        return {path.stem for path in self._folder.iterdir() if _NAME.match(path.name)}

    def keep_only(self, digests: set[str]) -> int:
        """Deletes all other modules with their texts, and returns the number of files."""
        unused = [path for path in self._folder.iterdir() if _KEPT.match(path.name) and path.stem not in digests]
        for path in unused:
            path.unlink(missing_ok=True)
        return len(unused)
