"""Folders of this user where a host keeps its state and its compiled code, none of them inside a project.

State (database, grants, keys, the vault) lies in the user's state folder, one sub-folder for each project path.
Compiled code lies in the user's cache folder, shared by all projects, and its key in the state folder. A project's
own folder holds none of it: whoever made the copy of it that one stands in could have put it there.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
from typing import TYPE_CHECKING

import platformdirs

from omnicore.errors import InvalidSetting

if TYPE_CHECKING:
    from pathlib import Path


OLD = ".omnicore"
"""The former data folder inside a project. A clone may contain one, so it is used only when it is named."""

_NAME = "omnicore"
_STATE = ("omnicore.db", "master.key")
_PROJECTS, _CODE, _KEY = "projects", "code", "code.key"
_SHOWN = 40
_DIGEST_BYTES = 10
"""80 bits: a second path with the digest of a given one cannot be found."""


def state_root() -> Path:
    """The user's state folder: `$XDG_STATE_HOME/omnicore`, by default `~/.local/state/omnicore`.

    Raises: InvalidSetting: this user has no home folder.
    """
    return _absolute(platformdirs.user_state_path(_NAME, appauthor=False), "XDG_STATE_HOME")


def project_data(project: Path) -> Path:
    """The data folder of a project: its name and a digest of its resolved path, in the user's state folder.

    Raises: InvalidSetting: this user has no home folder, or the current folder is gone.
    """
    try:
        resolved = project.resolve()
    except (OSError, RuntimeError) as error:
        raise InvalidSetting(
            f"the folder {project} cannot be used: {getattr(error, 'strerror', None) or error}",
            remedy="go to a folder that is there, or name a data folder with --data or OMNICORE_DATA",
        ) from error
    digest = hashlib.sha256(os.fsencode(resolved)).digest()[:_DIGEST_BYTES]
    shown = re.sub(r"[^A-Za-z0-9_.-]+", "-", resolved.name).strip(".-")[:_SHOWN] or "folder"
    return state_root() / _PROJECTS / f"{shown}-{base64.b32encode(digest).decode().lower()}"


def notes_on_old_state(project: Path, data: Path) -> list[str]:
    """A line that offers to import the state that a version before this one kept in a project's own folder."""
    old = project / OLD
    used = any(os.path.lexists(data / name) for name in _STATE)
    if used or not _is_ours(data) or not any((old / name).is_file() for name in _STATE):
        return []
    return [f"{old} holds state of an earlier version, which is not used; `omnicore import {old}` takes it over"]


def code_folder(data: Path) -> Path:
    """The folder for compiled code: in the user's cache when the data is in the user's state folder.

    A data folder that an option, a variable or Python named, as containers and services do, keeps its own in `code`.
    """
    return _cache_root() / _CODE if _is_ours(data) else data / _CODE


def downloads_folder(data: Path) -> Path:
    """The folder for downloads of packages that broke off, beside that for compiled code."""
    return code_folder(data).with_name("downloads")


def code_key(folder: Path) -> Path:
    """The file of the key that signs a folder's compiled code."""
    try:
        shared = folder == _cache_root() / _CODE
    except InvalidSetting:
        shared = False
    return state_root() / _KEY if shared else folder / "key"


def _cache_root() -> Path:
    return _absolute(platformdirs.user_cache_path(_NAME, appauthor=False), "XDG_CACHE_HOME")


def _is_ours(data: Path) -> bool:
    try:
        return data.is_relative_to(state_root())
    except InvalidSetting:
        return False


def _absolute(folder: Path, variable: str) -> Path:
    if not folder.is_absolute():
        raise InvalidSetting(
            f"this user has no home folder: {folder} is not an absolute path",
            remedy=f"set HOME or {variable} to an absolute path, or name a data folder with --data or OMNICORE_DATA",
        )
    return folder
