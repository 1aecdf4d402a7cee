"""Settings set in the console or by `omnicore config set`: a file in the data folder, between variables and the file.

Hosts that share a database have them there instead, so that a change holds on all of them.

From the highest: what the command line or Python gives, `OMNICORE_*` variables, this file, the settings file, what
suits the environment, defaults. Variables win over it, for whoever starts the process keeps the last word and has a way
out of a setting that does harm; the settings file does not, or nothing that it holds could be changed.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

from omnicore.config.documents import LARGEST_FILE, read_document
from omnicore.config.loader import FIXED, SCHEMA, Loaded, no_longer, over_cap
from omnicore.config.schema import Entry, Leaf, Misfit, Origin, SettingPath, SettingProblem, invalid
from omnicore.config.settings import Settings
from omnicore.errors import InvalidSetting
from omnicore.files import check_own, only_one, own_folder, write_whole

FILE = "overrides.json"
JOINED = "fleet.json"
_HANDED_OVER = ("storage.url", "fleet.url", "fleet.secret")
_MOVED = ".moved"
_log = logging.getLogger("omnicore.settings")

_TOP = frozenset(
    (
        *("watch", "body_bytes", "request_timeout_s", "drain_s", "max_instances", "max_warm", "threads"),
        "sandbox_memory_bytes",
        *("breaker_failures", "log_level", "log_lines"),
    )
)
_SECTIONS = frozenset(("limits", "tasks", "events", "health", "memory", "vectors", "loops", "connectors", "telemetry"))
_FIXED = frozenset(
    (
        *("tasks.queues", "health.alerts", "memory.embedder", "memory.reranker", "memory.summariser"),
        "telemetry.otlp",
        *("connectors.master_key", "connectors.secret_variables", "connectors.secret_folders"),
    )
)
"""Those in editable sections that name what is run, reached or trusted, or that a mistake in keeps from starting."""

_LEAST: Mapping[str, float] = {"body_bytes": 65_536, "request_timeout_s": 1.0}
"""Settings that the console itself needs to work."""

_MOST = 2**53 - 1
"""Beyond it numbers in browsers are not exact, and engines and databases do not take them."""

Overrides = dict[str, Any]
"""Values by dotted name, as JSON has them."""


def why_fixed(leaf: Leaf) -> str:
    """Why a setting cannot be changed while it is used; empty for one that can.

    Settings of access, trust and places can be changed only where the host is started.
    """
    section, _, rest = leaf.name.partition(".")
    allowed = section in _SECTIONS if rest else section in _TOP
    if allowed and leaf.name not in _FIXED and not leaf.secret and not leaf.free:
        return ""
    if section == "plugin_settings":
        return "it belongs to a plugin: change it there, or in the settings file"
    return "it is set where the host is started: by the settings file, a variable or an option"


def pinned(base: Loaded, name: str) -> Origin | None:
    """The variable, option or argument that sets it and so wins over what would be set here."""
    origin = base.origins.get(name)
    return origin if origin is not None and origin.kind in ("variable", "override") else None


def read_overrides(data: Path) -> Overrides:
    """The settings changed at run time for the host of a data folder.

    Raises: InvalidSetting: the file cannot be used. StorageFailed: the folder or the file is not this user's alone.
    """
    file = data / FILE
    if not check_own(data, folder=True) or not check_own(file):
        return {}
    return {".".join(path): value for path, value in read_document(file).values.items()}


@contextmanager
def changing(data: Path) -> Iterator[_Change]:
    """The settings changed at run time, for one process at a time; `write` replaces the file in one step."""
    with only_one(data / FILE):
        yield _Change(data / FILE, read_overrides(data))


class OverrideChange(Protocol):
    """A change under way: the values by name, and what keeps them."""

    @property
    def values(self) -> Overrides: ...

    def write(self) -> None: ...


class OverrideKeeper(Protocol):
    """Keeps settings changed at run time: a file for one host, the database for all of its hosts."""

    @property
    def place(self) -> str:
        """The file or database, as messages name it."""

    @property
    def shared(self) -> bool:
        """True if hosts of other versions write it too: a name that is unknown here is left to them."""

    def read(self) -> Overrides:
        """The values by name. Raises: InvalidSetting, StorageFailed."""

    def mark(self) -> object:
        """Another value after each change."""

    def changing(self) -> AbstractContextManager[OverrideChange]:
        """The values, for one process at a time."""


class OverrideFile:
    """Settings of one host, in its data folder."""

    shared = False

    def __init__(self, data: Path) -> None:
        self._data = data
        self.place = str(data / FILE)

    def read(self) -> Overrides:
        """See `read_overrides`."""
        return read_overrides(self._data)

    def mark(self) -> object:
        """Changes with the file, which is replaced by another one each time."""
        try:
            about = (self._data / FILE).stat()
        except OSError:
            return None
        return about.st_ino, about.st_mtime_ns

    def changing(self) -> AbstractContextManager[_Change]:
        """See `changing`."""
        return changing(self._data)


def shared_overrides(base: Loaded, keeper: OverrideKeeper, data: Path) -> Loaded:
    """The settings of a host whose overrides are in a database; those of its file move there once.

    Raises: InvalidSetting: a value cannot be used.
    """
    own = read_overrides(data)
    if own:
        with keeper.changing() as change:
            change.values.update({name: value for name, value in own.items() if name not in change.values})
            change.write()
        (data / FILE).rename(data / (FILE + _MOVED))
        _log.info("the settings of %s are in the database now, for all hosts", data / FILE)
    return overridden(base, keeper.read(), keeper)


@dataclass(frozen=True, slots=True)
class _Change:
    file: Path
    values: Overrides

    def write(self) -> None:
        """Raises: StorageFailed: the disk is full, or cannot be written. InvalidSetting: it is too much."""
        data = json.dumps(self.values, indent=1, sort_keys=True, allow_nan=False).encode()
        if len(data) > LARGEST_FILE:
            raise InvalidSetting(f"{self.file} would be larger than {LARGEST_FILE} bytes", remedy="take others back")
        write_whole(self.file, data)


def join_settings(data: Path, values: Mapping[str, str]) -> Path:
    """Keeps the settings that a fleet handed over to the host of a data folder. Raises: StorageFailed."""
    file = data / JOINED
    own_folder(data)
    write_whole(file, json.dumps(dict(values), indent=1, sort_keys=True).encode())
    return file


def joined(base: Loaded) -> Loaded:
    """The settings with those that a fleet handed over, where nobody has set them.

    Raises: InvalidSetting: the file cannot be used. StorageFailed: the folder or the file is not this user's alone.
    """
    data = base.settings.data
    file = data / JOINED
    if not os.path.lexists(file):  # `omnicore doctor` tells of a folder that others may write to
        return base
    if not check_own(data, folder=True) or not check_own(file):
        return base
    known = {".".join(path): str(value) for path, value in read_document(file).values.items()}
    taken = {name: known[name] for name in _HANDED_OVER if name in known and base.origins[name].kind == "default"}
    settings = with_values(base.settings, {tuple(name.split(".")): value for name, value in taken.items()})
    origins = {**base.origins, **dict.fromkeys(taken, Origin("file", str(file)))}
    return replace(base, settings=settings, origins=MappingProxyType(origins))


def overridden(base: Loaded, values: Mapping[str, Any], keeper: OverrideKeeper | None = None) -> Loaded:
    """The settings with what was set over them; what variables or the command line give stays.

    Args: keeper: keeps the values; the file of the data folder by default.
    Raises: InvalidSetting: every value that cannot be used; the way out is `omnicore config unset`.
    """
    keeper = keeper or OverrideFile(base.settings.data)
    source = Origin("file", keeper.place)
    problems: list[SettingProblem] = []
    read: dict[SettingPath, Any] = {}
    notes: list[str] = []
    for name, value in values.items():
        if (fixed := FIXED.get(tuple(name.split(".")))) is not None:
            notes.append(f"{no_longer(fixed, source)} with `omnicore config unset {name}`")
            continue
        if keeper.shared and tuple(name.split(".")) not in SCHEMA:
            continue
        leaf, problem = _usable(name, source)
        if leaf is not None and problem is None:
            try:
                typed = leaf.read(Entry(value, source))
                _check_bounds(leaf, typed)
                if pinned(base, name) is None:
                    read[leaf.path] = typed
            except Misfit as misfit:
                problem = SettingProblem(name, str(source), f"cannot be {value!r:.80}", f"it takes {misfit.expected}")
        problems += [problem] if problem is not None else []
    settings = base.settings if problems else with_values(base.settings, read)
    problems += over_cap(partial(value_of, settings), dict.fromkeys((".".join(path) for path in read), source))
    if problems:
        raise invalid(problems)
    origins = {**base.origins, **{".".join(path): Origin("console") for path in read}}
    return replace(base, settings=settings, origins=MappingProxyType(origins), base=base, notes=(*base.notes, *notes))


def given(settings: Settings) -> Loaded:
    """Settings that code made: what differs from a default was given by it and stays."""
    leaves = (leaf for leaf in SCHEMA.values() if not leaf.free)
    origins = {
        leaf.name: Origin("default") if value_of(settings, leaf.path) == leaf.default else Origin("override", leaf.name)
        for leaf in leaves
    }
    return Loaded(settings, MappingProxyType(origins), None)


def value_of(settings: Settings, path: SettingPath) -> Any:
    """The value of a setting."""
    found: Any = settings
    for part in path:
        found = getattr(found, part)
    return found


def _usable(name: str, source: Origin) -> tuple[Leaf | None, SettingProblem | None]:
    leaf = SCHEMA.get(tuple(name.split(".")))
    if leaf is None:
        return None, SettingProblem(
            name[:200], str(source), "is an unknown setting", f"run `omnicore config unset {name[:200]}`"
        )
    reason = why_fixed(leaf)
    return leaf, SettingProblem(name, str(source), "cannot be set here", reason) if reason else None


def _check_bounds(leaf: Leaf, value: Any) -> None:
    if isinstance(value, int | float) and value > _MOST:
        raise Misfit(f"at most {_MOST}")
    least = _LEAST.get(leaf.name)
    if least is not None and value < least:
        raise Misfit(f"at least {least:g}, which the console needs")


def with_values(tree: Any, values: Mapping[SettingPath, Any]) -> Any:
    """A copy of nested dataclasses with some leaves replaced."""
    own = {path[0]: value for path, value in values.items() if len(path) == 1}
    for name in {path[0] for path in values if len(path) > 1}:
        below = {path[1:]: value for path, value in values.items() if path[0] == name and len(path) > 1}
        own[name] = with_values(getattr(tree, name), below)
    return replace(tree, **own) if own else tree
