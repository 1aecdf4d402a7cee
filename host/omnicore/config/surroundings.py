"""What a place where hosts run says about settings, and secrets that come as files: layers beside the settings file."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from omnicore.config.entry import Entry, Origin, SettingPath
from omnicore.config.problems import Problem

__all__ = ["Adapt", "Surroundings", "environment_layer", "secret_folder_layer", "secret_variables"]

PREFIX = "OMNICORE_"
SUFFIX = "_FILE"
_LARGEST_SECRET = 64 * 1024
_MOST_FILES = 256
_FILE_NAME = re.compile(r"omnicore_[a-z0-9_]{1,200}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Settings that suit a place, by dotted name; every other layer wins over them.

    `when_secured` holds those that only suit a host with a token, such as an address that others can reach.
    """

    name: str
    values: Mapping[str, Any] = field(default_factory=dict)
    when_secured: Mapping[str, Any] = field(default_factory=dict)


Adapt = Callable[[str], Surroundings]
"""From the setting `runtime.environment`, perhaps `auto`, to what suits that place."""


def environment_layer(values: Mapping[str, Any], name: str) -> dict[SettingPath, Entry]:
    """What a place says, as a layer."""
    origin = Origin("environment", name)
    return {tuple(dotted.split(".")): Entry(value, origin) for dotted, value in values.items()}


def secret_folder_layer(folder: Path) -> tuple[dict[SettingPath, Entry], list[Problem]]:
    """The files of a folder such as `/run/secrets` that are named as variables are: `omnicore_token`."""
    found: dict[SettingPath, Entry] = {}
    problems: list[Problem] = []
    try:
        names = sorted(entry.name for entry in folder.iterdir() if _FILE_NAME.fullmatch(entry.name))
    except OSError as error:
        return {}, [Problem("runtime.secrets", str(folder), f"cannot be read ({error.strerror})", "name a folder")]
    for name in names[:_MOST_FILES]:
        path = tuple(name.lower().removeprefix(PREFIX.lower()).split("__"))
        entry = _secret(folder / name, Origin("file", str(folder / name)))
        if isinstance(entry, Problem):
            problems.append(entry)
        else:
            found[path] = entry
    return found, problems


def secret_variables(
    environ: Mapping[str, str], secret: Callable[[SettingPath], bool]
) -> tuple[dict[str, str], dict[SettingPath, Entry], list[Problem]]:
    """Variables such as `OMNICORE_TOKEN_FILE`, whose value is the path of a file that holds the secret.

    Args:
        secret: whether a path is that of a secret; only those may come this way.

    Returns: the variables that are left, what the files hold, and what is wrong with them.
    """
    left, found, problems = dict(environ), {}, []
    for name in sorted(environ):
        path = _secret_path(name)
        if path is None or not secret(path):
            continue
        del left[name]
        plain, origin = name.removesuffix(SUFFIX), Origin("variable", name)
        entry = _secret(Path(environ[name]).expanduser(), origin)
        if plain in environ:
            entry = Problem(".".join(path), name, f"is set, and so is {plain}", "set one of the two")
        if isinstance(entry, Problem):
            problems.append(entry)
        else:
            found[path] = entry
    return left, found, problems


def _secret_path(name: str) -> SettingPath | None:
    if not name.startswith(PREFIX) or not name.endswith(SUFFIX):
        return None
    return tuple(name.removeprefix(PREFIX).removesuffix(SUFFIX).lower().split("__"))


def _secret(file: Path, origin: Origin) -> Entry | Problem:
    """The file's text without the line's end that editors add."""
    try:
        with file.open("rb") as stream:
            data = stream.read(_LARGEST_SECRET + 1)
        if len(data) > _LARGEST_SECRET:
            return Problem(
                str(file), str(origin), f"names a file of over {_LARGEST_SECRET} bytes", "name a secret's file"
            )
        return Entry(data.decode().rstrip("\r\n"), origin, text=True)
    except (OSError, UnicodeDecodeError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        return Problem(
            str(file), str(origin), f"names a file that cannot be read ({reason})", "check path and permissions"
        )
