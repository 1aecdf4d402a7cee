"""The bytes of accepted modules, by their hash, so that a version serves on after its file has changed."""

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
    """A folder of `<sha256>.wasm`, and `.wat` for those made of text; written whole, readable by this user only."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        own_folder(folder)

    def put(self, data: bytes) -> str:
        """Keeps the bytes and returns their hash. Raises: StorageFailed."""
        digest = hashlib.sha256(data).hexdigest()
        target = self._folder / f"{digest}.wasm"
        if not target.exists() or target.stat().st_size != len(data):
            self._write(target, data)
        return digest

    def put_text(self, digest: str, text: bytes) -> None:
        """Keeps the text that a module was made of, beside it; the last one of several. Raises: StorageFailed."""
        self._write(self._folder / f"{digest}.wat", text)

    def text(self, digest: str) -> bytes | None:
        """The text that a module was made of, where one was kept. Raises: StorageFailed."""
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
        """The bytes, checked against their hash. Raises: StorageFailed when they are gone or were altered."""
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
        """The hashes of all modules that are kept."""
        return {path.stem for path in self._folder.iterdir() if _NAME.match(path.name)}

    def keep_only(self, digests: set[str]) -> int:
        """Deletes every other module with its text, and returns how many files."""
        unused = [path for path in self._folder.iterdir() if _KEPT.match(path.name) and path.stem not in digests]
        for path in unused:
            path.unlink(missing_ok=True)
        return len(unused)
