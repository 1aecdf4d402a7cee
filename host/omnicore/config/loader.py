"""Settings from overrides, then `OMNICORE_*` variables, a file, the environment, then defaults; the first one wins."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeGuard, get_type_hints

from omnicore.config.documents import read_document
from omnicore.config.entry import Entry, Origin, SettingPath, leaves, nested, overlay
from omnicore.config.problems import Problem, invalid
from omnicore.config.schema import Leaf, Misfit, anchored, free_value, nearest, schema_of
from omnicore.config.settings import Settings, is_secret
from omnicore.config.surroundings import Adapt, environment_layer, secret_folder_layer, secret_variables
from omnicore.errors import InvalidSetting, NotFound

__all__ = ["APP_FILE", "FILE_NAMES", "ConfigLoader", "Loaded", "load_settings", "no_setting", "over_cap", "variable"]

FILE_NAMES = ("omnicore.toml", "omnicore.yaml", "omnicore.yml", "omnicore.json")
APP_FILE = "config.yaml"
"""What an application of `omnicore new` has; it counts where none of the others is, for it is a common name."""
PREFIX = "OMNICORE_"
# Which file to read; show tracebacks; the key of the vault, which no document of settings ever holds.
_NOT_SETTINGS = ("OMNICORE_CONFIG", "OMNICORE_DEBUG", "OMNICORE_MASTER_KEY")
_Layer = dict[SettingPath, Entry]
SCHEMA = {leaf.path: leaf for leaf in schema_of(Settings)}


@dataclass(frozen=True, slots=True)
class Loaded:
    """Settings, where each came from (by dotted name), and the file that was read.

    `base` is the same without what the console has set, where something may be set.
    """

    settings: Settings
    origins: Mapping[str, Origin]
    file: Path | None
    base: Loaded | None = None


class ConfigLoader:
    """Merges the layers of settings without a schema; `load_settings` adds the schema of a host.

    Args:
        file: a .toml, .yaml, .yml or .json file; None for none.
        environ: variables, of which those that start with `OMNICORE_` count; default is the process's own.
            `__` goes a level down: `OMNICORE_LIMITS__TIMEOUT_S` is `limits.timeout_s`.
        overrides: values that win over all others, nested or with dotted names.
    """

    def __init__(
        self,
        file: Path | str | None = None,
        *,
        environ: Mapping[str, str] | None = None,
        overrides: Mapping[str, Any] | None = None,
    ) -> None:
        self._file = Path(file) if file is not None else None
        self._environ = os.environ if environ is None else environ
        self._overrides = overrides or {}

    def load(self) -> dict[str, Any]:
        """The merged values as a nested dictionary; variables stay texts. Raises: InvalidSetting."""
        return nested({path: entry.value for path, entry in self.entries().items()})

    def entries(self) -> dict[SettingPath, Entry]:
        """The merged values by path, each with its origin. Raises: InvalidSetting."""
        return overlay(self.lower(), self.upper())

    def lower(self) -> dict[SettingPath, Entry]:
        """What the file says and the variables change of it."""
        return overlay(self._file_layer(), self._variable_layer())

    def upper(self) -> dict[SettingPath, Entry]:
        """The overrides."""
        return self._override_layer()

    def _file_layer(self) -> dict[SettingPath, Entry]:
        if self._file is None:
            return {}
        document = read_document(self._file)
        return {
            path: Entry(value, Origin("file", str(self._file), document.line(path), self._file.parent))
            for path, value in document.values.items()
        }

    def _variable_layer(self) -> dict[SettingPath, Entry]:
        return {
            tuple(name.removeprefix(PREFIX).lower().split("__")): Entry(text, Origin("variable", name), text=True)
            for name, text in sorted(self._environ.items())
            if name.startswith(PREFIX) and name not in _NOT_SETTINGS
        }

    def _override_layer(self) -> dict[SettingPath, Entry]:
        found = {}
        for path, value in leaves(self._overrides):
            if path:
                whole = tuple(part for key in path for part in key.split("."))
                found[whole] = Entry(value, Origin("override", ".".join(whole)))
        return found


def find_file(environ: Mapping[str, str], folder: Path) -> Path | None:
    """The settings file: `OMNICORE_CONFIG`, else the one in the folder. Raises: InvalidSetting for two."""
    if environ.get("OMNICORE_CONFIG"):
        return Path(environ["OMNICORE_CONFIG"])
    found = [name for name in FILE_NAMES if (folder / name).is_file()]
    if len(found) > 1:
        names = " and ".join(found)
        raise InvalidSetting(f"{names} are both in {folder.resolve()}", remedy="keep one, or name it with --config")
    if not found and (folder / APP_FILE).is_file():
        return folder / APP_FILE
    return folder / found[0] if found else None


def load_settings(
    file: Path | None,
    environ: Mapping[str, str],
    overrides: Mapping[str, Any],
    *,
    folder: Path = Path(),
    adapt: Adapt | None = None,
) -> Loaded:
    """The settings of a host.

    Args:
        file: the settings file; None looks for `OMNICORE_CONFIG`, then for `omnicore.toml`, `.yaml`, `.yml`
            or `.json` in `folder`, then for `config.yaml`.
        environ: variables; an unknown `OMNICORE_*` is an error like an unknown key. That of a secret may end in
            `_FILE` and name a file that holds it.
        overrides: values from the command line or from Python.
        adapt: knows the place where the host runs, whose settings stand below all others.

    Raises:
        InvalidSetting: every value that cannot be used, with origin and remedy; details: `problems`.
    """
    file = file or find_file(environ, folder)
    plain, from_files, problems = secret_variables(environ, _is_secret)
    loader = ConfigLoader(file, environ=plain, overrides=overrides)
    entries = overlay(loader.lower(), overlay(from_files, loader.upper()))
    entries, more = _adapted(entries, adapt) if adapt is not None else (entries, [])
    reading = _Reading(file, [*problems, *more])
    for path, entry in entries.items():
        reading.take(path, entry)
    return reading.loaded()


def _adapted(entries: _Layer, adapt: Adapt) -> tuple[_Layer, list[Problem]]:
    """The layers with those of the environment below them, secret files among these."""
    choice = entries.get(("runtime", "environment"))
    place = adapt(str(choice.value) if choice is not None else "auto")
    base = environment_layer(place.values, place.name)
    folder = overlay(base, entries).get(("runtime", "secrets"))
    secrets, problems = secret_folder_layer(anchored(Path(folder.value), folder.origin)) if _set(folder) else ({}, [])
    base = overlay(base, secrets)
    if _set(overlay(base, entries).get(("token",))):
        base = overlay(environment_layer(place.when_secured, place.name), base)
    return overlay(base, entries), problems


def _set(entry: Entry | None) -> TypeGuard[Entry]:
    return entry is not None and isinstance(entry.value, str | Path) and str(entry.value) not in ("", "none", "null")


def _is_secret(path: SettingPath) -> bool:
    """Whether a setting may come from a file of its own."""
    if (*path[:-1], f"{path[-1]}_file") in SCHEMA:  # a setting of that very name
        return False
    leaf = SCHEMA.get(path)
    if leaf is not None:
        return leaf.secret and not leaf.free
    table = SCHEMA.get(path[:1])
    return table is not None and table.free and len(path) > 2 and is_secret(path[-1])


class _Reading:
    """Entries turned into settings; problems are gathered, so that one run shows them all."""

    def __init__(self, file: Path | None, problems: list[Problem]) -> None:
        self.file = file
        self.default = Origin("default", folder=file.parent if file else Path())
        self.values: dict[SettingPath, Any] = {}
        self.origins: dict[str, Origin] = {}
        self.problems = problems

    def take(self, path: SettingPath, entry: Entry) -> None:
        """Reads one entry."""
        name = ".".join(path)
        self.origins[name] = entry.origin
        if (leaf := SCHEMA.get(path)) is not None and not leaf.free:
            self._read(leaf, entry)
        elif (table := SCHEMA.get(path[:1])) is not None and table.free:
            self._read_free(path, entry)
        elif any(known[: len(path)] == path for known in SCHEMA):
            if entry.value != {}:
                self._problem(name, entry, "is no table", f"write [{name}] with one line for each setting")
        else:
            self._problem(name, entry, "is no setting", _meant(name, entry.origin))

    def _read(self, leaf: Leaf, entry: Entry) -> None:
        try:
            self.values[leaf.path] = leaf.read(entry)
        except Misfit as misfit:
            shown = "" if leaf.secret else f" {entry.value!r:.80}"
            self._problem(leaf.name, entry, f"cannot be{shown}", f"it takes {misfit.expected}")

    def _read_free(self, path: SettingPath, entry: Entry) -> None:
        """`plugin_settings.NAME.KEY`; a variable cannot hold `-`, so `_` in its NAME stands for it. `app.KEY`."""
        named = path[0] == "plugin_settings"
        if named and entry.text and len(path) > 1:
            path = (path[0], path[1].replace("_", "-"), *path[2:])
        if len(path) < (3 if named else 2):
            if entry.value != {}:
                table = "plugin_settings.NAME" if named else path[0]
                self._problem(".".join(path), entry, "is no table", f"write [{table}] and its settings")
            return
        try:
            self.values[path] = free_value(entry)
        except Misfit as misfit:
            self._problem(".".join(path), entry, "has a value of no use", f"it takes {misfit.expected}")

    def _problem(self, name: str, entry: Entry, fact: str, remedy: str) -> None:
        self.problems.append(Problem(name, str(entry.origin), fact, remedy))

    def loaded(self) -> Loaded:
        """The settings. Raises: InvalidSetting."""
        self.problems += over_cap(lambda path: self._value(SCHEMA[path]), self.origins)
        if self.problems:
            raise invalid(self.problems)
        settings: Settings = self._build(Settings, ())
        origins = {leaf.name: self.default for leaf in SCHEMA.values() if not leaf.free} | self.origins
        return Loaded(settings, MappingProxyType(origins), self.file)

    def _value(self, leaf: Leaf) -> Any:
        value = self.values.get(leaf.path, leaf.default)
        if isinstance(value, Path) and leaf.path not in self.values:
            return anchored(value, self.default)
        return value

    def _build(self, kind: type, path: SettingPath) -> Any:
        hints = get_type_hints(kind)
        built = {}
        for spec in fields(kind):
            here = (*path, spec.name)
            if is_dataclass(hints[spec.name]):
                built[spec.name] = self._build(hints[spec.name], here)
            elif SCHEMA[here].free:
                below = {key[1:]: value for key, value in self.values.items() if key[:1] == here}
                built[spec.name] = nested(below)
            else:
                built[spec.name] = self._value(SCHEMA[here])
        return kind(**built)


def over_cap(value: Callable[[SettingPath], Any], origins: Mapping[str, Origin]) -> list[Problem]:
    """Default limits above the largest ones allowed, which would refuse every plugin, as far as somebody set them.

    Args:
        value: the value at a path.
    """
    problems = []
    for path in (path for path in SCHEMA if path[0] == "limits"):
        name, limit, cap = ".".join(path), value(path), value(("max_limits", path[1]))
        origin = origins.get(name) or origins.get(f"max_{name}")
        if origin is not None and cap is not None and (limit is None or limit > cap):
            fact = f"is {limit}, more than max_{name}, which is {cap}"
            problems.append(Problem(name, str(origin), fact, "lower it or raise the largest"))
    return problems


def no_setting(name: str) -> NotFound:
    """The error for a name that no setting has."""
    return NotFound(f"there is no setting {name[:200]!r}", remedy=_meant(name[:200], Origin("override")))


def _meant(name: str, origin: Origin) -> str:
    """What to do about an unknown name: the one that is near it, as its origin would write it."""
    meant = nearest(name, [leaf.name for leaf in SCHEMA.values()])
    if meant is None:
        return "see `omnicore config show` for those that exist"
    return f"did you mean {variable(meant) if origin.kind == 'variable' else meant}?"


def variable(name: str) -> str:
    """The variable that sets a setting: `limits.timeout_s` is `OMNICORE_LIMITS__TIMEOUT_S`."""
    return PREFIX + name.upper().replace(".", "__")
