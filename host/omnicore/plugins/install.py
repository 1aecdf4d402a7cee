"""Files into the plugin folder and out of it, on behalf of a person."""

from __future__ import annotations

import os
import re
import secrets
from pathlib import Path

from omnicore.errors import Conflict, InvalidInput
from omnicore.plugins.manifest import NAME, name_of_stem
from omnicore.storage.faults import storage_failed

__all__ = ["check_filename", "remove_files", "sidecar_beside", "write_whole"]

_FILENAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,120}\.(wasm|wat)")
_DEVICES = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)  # files that Windows cannot have
_MOST_SIDECAR = 256 * 1024 + 1


def check_filename(filename: str) -> str:
    """The name's stem. Raises: InvalidInput: a path, another ending, or a name no plugin can have."""
    stem = filename.rpartition(".")[0]
    known = _FILENAME.fullmatch(filename) and NAME.fullmatch(name_of_stem(stem))
    if not known or _DEVICES.fullmatch(stem):
        raise InvalidInput(
            f"{filename[:120]!r} cannot be the name of a plugin's file",
            remedy="use letters, digits, '-' and '_', and end it with .wasm or .wat",
        )
    return stem


def sidecar_beside(folder: Path, filename: str) -> bytes | None:
    """The manifest that is in the folder already and that a file of this name would have.

    Raises: Conflict: another file has it.
    """
    stem, _, ending = filename.rpartition(".")
    other = f"{stem}.{'wat' if ending == 'wasm' else 'wasm'}"
    if os.path.lexists(folder / other):
        raise Conflict(
            f"{filename} would share the manifest {stem}.toml with {other}",
            remedy="give the file another name, or remove the other one first",
        )
    try:
        descriptor = os.open(folder / f"{stem}.toml", os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:  # none, or none that the host would read
        return None
    with open(descriptor, "rb") as file:
        return file.read(_MOST_SIDECAR)


def write_whole(folder: Path, filename: str, data: bytes) -> None:
    """Puts a file in place in one step, so that nobody sees half of it. Raises: StorageFailed."""
    partial = folder / f".{filename}.{secrets.token_hex(4)}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o644), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, folder / filename)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise storage_failed(error, str(folder / filename)) from error


def remove_files(folder: Path, path: str) -> None:
    """Deletes a plugin's file, and the sidecar beside it. Raises: StorageFailed."""
    file = folder / path
    try:
        file.unlink(missing_ok=True)
        file.with_suffix(".toml").unlink(missing_ok=True)
    except OSError as error:
        raise storage_failed(error, str(file)) from error
