"""Layers of settings beside the settings file: those of the environment, and secrets that come as files.

Settings from overrides, then `OMNICORE_*` variables, a file, the environment, then defaults; the first one wins.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeGuard, get_type_hints

from omnicore.config.folders import notes_on_old_state, project_data
from omnicore.config.schema import (
    Entry,
    Leaf,
    Misfit,
    Origin,
    SettingPath,
    SettingProblem,
    anchored,
    free_value,
    invalid,
    leaves,
    nearest,
    nested,
    overlay,
    schema_of,
)
from omnicore.config.settings import Settings, is_secret
from omnicore.config.trust import FolderFile, Ignored, TrustRecord, find_file, inside, notes_on
from omnicore.errors import InvalidSetting, NotFound

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
    """The settings of an environment, as a layer."""
    origin = Origin("environment", name)
    return {tuple(dotted.split(".")): Entry(value, origin) for dotted, value in values.items()}


def secret_folder_layer(folder: Path) -> tuple[dict[SettingPath, Entry], list[SettingProblem]]:
    """The files of a folder such as `/run/secrets` that are named as variables are: `omnicore_token`."""
    found: dict[SettingPath, Entry] = {}
    problems: list[SettingProblem] = []
    try:
        names = sorted(entry.name for entry in folder.iterdir() if _FILE_NAME.fullmatch(entry.name))
    except OSError as error:
        return {}, [
            SettingProblem("runtime.secrets", str(folder), f"cannot be read ({error.strerror})", "name a folder")
        ]
    for name in names[:_MOST_FILES]:
        path = tuple(name.lower().removeprefix(PREFIX.lower()).split("__"))
        entry = _secret(folder / name, Origin("file", str(folder / name)))
        if isinstance(entry, SettingProblem):
            problems.append(entry)
        else:
            found[path] = entry
    return found, problems


def secret_variables(
    environ: Mapping[str, str], secret: Callable[[SettingPath], bool]
) -> tuple[dict[str, str], dict[SettingPath, Entry], list[SettingProblem]]:
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
            entry = SettingProblem(".".join(path), name, f"is set, and so is {plain}", "set one of the two")
        if isinstance(entry, SettingProblem):
            problems.append(entry)
        else:
            found[path] = entry
    return left, found, problems


def _secret_path(name: str) -> SettingPath | None:
    if not name.startswith(PREFIX) or not name.endswith(SUFFIX):
        return None
    return tuple(name.removeprefix(PREFIX).removesuffix(SUFFIX).lower().split("__"))


def _secret(file: Path, origin: Origin) -> Entry | SettingProblem:
    """The file's text without the line's end that editors add."""
    try:
        with file.open("rb") as stream:
            data = stream.read(_LARGEST_SECRET + 1)
        if len(data) > _LARGEST_SECRET:
            return SettingProblem(
                str(file), str(origin), f"names a file of over {_LARGEST_SECRET} bytes", "name a secret's file"
            )
        return Entry(data.decode().rstrip("\r\n"), origin, text=True)
    except (OSError, UnicodeDecodeError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        return SettingProblem(
            str(file), str(origin), f"names a file that cannot be read ({reason})", "check path and permissions"
        )


# Which file to read; show tracebacks; the key of the vault, which no document of settings ever holds.
_NOT_SETTINGS = ("OMNICORE_CONFIG", "OMNICORE_CONSOLE", "OMNICORE_DEBUG", "OMNICORE_MASTER_KEY")
_Layer = dict[SettingPath, Entry]
_MOST_PROBLEMS, _LONGEST_NAME = 50, 200
_LEAVES = {leaf.path: leaf for leaf in schema_of(Settings)}
SCHEMA = {path: leaf for path, leaf in _LEAVES.items() if not leaf.fixed}
FIXED = {path: leaf for path, leaf in _LEAVES.items() if leaf.fixed}
"""Former settings. One that is left in a file or a variable is ignored with a note."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """Settings, where each came from (by dotted name), and the file that was read.

    `base` is the same without what the console has set, where something may be set. `trusted` tells that all of the
    file counts; `ignored` is what does not, and `notes` are lines for whoever starts the host.
    """

    settings: Settings
    origins: Mapping[str, Origin]
    file: Path | None
    base: Loaded | None = None
    trusted: bool = True
    ignored: tuple[Ignored, ...] = ()
    notes: tuple[str, ...] = ()


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
        file = FolderFile.read(self._file, named=True).layer() if self._file is not None else {}
        return overlay(overlay(file, variable_layer(self._environ)), override_layer(self._overrides))


def variable_layer(environ: Mapping[str, str]) -> dict[SettingPath, Entry]:
    """The settings of `OMNICORE_*` variables."""
    return {
        tuple(name.removeprefix(PREFIX).lower().split("__")): Entry(text, Origin("variable", name), text=True)
        for name, text in sorted(environ.items())
        if name.startswith(PREFIX) and name not in _NOT_SETTINGS
    }


def override_layer(overrides: Mapping[str, Any]) -> dict[SettingPath, Entry]:
    """The settings given on the command line or in Python."""
    found = {}
    for path, value in leaves(overrides):
        if path:
            whole = tuple(part for key in path for part in key.split("."))
            found[whole] = Entry(value, Origin("override", ".".join(whole)))
    return found


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
            or `.json` in `folder`, then for `config.yaml`. One that is found and not named counts in full only where
            the folder is trusted, see `omnicore.config.trust`.
        environ: variables; an unknown `OMNICORE_*` is an error like an unknown key. That of a secret may end in
            `_FILE` and name a file that holds it.
        overrides: values from the command line or from Python.
        adapt: knows the place where the host runs, whose settings stand below all others.

    Raises:
        InvalidSetting: every value that cannot be used, with origin and remedy; details: `problems`.
    """
    named = file or (Path(environ["OMNICORE_CONFIG"]) if environ.get("OMNICORE_CONFIG") else None)
    file = named or find_file(folder)
    plain, from_files, problems = secret_variables(environ, _is_secret)
    variables, upper = variable_layer(plain), overlay(from_files, override_layer(overrides))
    held = FolderFile.read(file, named=named is not None) if file is not None else None
    layer: _Layer = {}
    if held is not None:
        layer = held.admitted(held.layer(), _suited(overlay(variables, upper), adapt), SCHEMA)
    entries = overlay(overlay(layer, variables), upper)
    entries, more = _adapted(entries, adapt) if adapt is not None else (entries, [])
    reading = _Reading(file, file.parent if file else folder, [*problems, *more])
    for path, entry in entries.items():
        reading.take(path, entry)
    return _judged(reading.loaded(), held, reading.project)


def _judged(found: Loaded, held: FolderFile | None, project: Path) -> Loaded:
    """The settings with notes on their file and on the project's folder. Raises: InvalidSetting."""
    ignored = held.ignored if held is not None else []
    _check_plugins(found, trusted=held is not None and held.trusted)
    return replace(
        found,
        trusted=held is None or held.trusted,
        ignored=tuple(ignored),
        notes=(*found.notes, *notes_on(found.file, ignored), *notes_on_old_state(project, found.settings.data)),
    )


def _suited(entries: _Layer, adapt: Adapt | None) -> _Layer:
    """The settings that suit the place the host runs in; a file overrides them."""
    if adapt is None:
        return {}
    choice = entries.get(("runtime", "environment"))
    place = adapt(str(choice.value) if choice is not None else "auto")
    return environment_layer(place.values, place.name)


def _check_plugins(found: Loaded, *, trusted: bool) -> None:
    """Raises: InvalidSetting: the plugin folder leads out of a folder that is not trusted, by a link."""
    place, origin = found.settings.plugins, found.origins["plugins"]
    if trusted or origin.kind not in ("default", "file") or inside(place, origin.folder):
        return
    if TrustRecord().of(origin.folder) is None:
        raise InvalidSetting(
            f"the plugin folder {place} leads out of {origin.folder.resolve()}, to {place.resolve()}",
            remedy="name it with --plugins, or run `omnicore trust` if that is meant",
        )


def _adapted(entries: _Layer, adapt: Adapt) -> tuple[_Layer, list[SettingProblem]]:
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
    """True if a setting may come from a file of its own."""
    if (*path[:-1], f"{path[-1]}_file") in SCHEMA:  # a setting of that very name
        return False
    leaf = SCHEMA.get(path)
    if leaf is not None:
        return leaf.secret and not leaf.free
    table = SCHEMA.get(path[:1])
    return table is not None and table.free and len(path) > 2 and is_secret(path[-1])


class _Reading:
    """Entries turned into settings; problems are gathered, so that one run shows them all."""

    def __init__(self, file: Path | None, project: Path, problems: list[SettingProblem]) -> None:
        self.file = file
        self.project = project
        self.default = Origin("default", folder=file.parent if file else Path())
        self.values: dict[SettingPath, Any] = {}
        self.origins: dict[str, Origin] = {}
        self.problems = problems
        self.notes: list[str] = []

    def take(self, path: SettingPath, entry: Entry) -> None:
        """Reads one entry. Beyond many problems the rest is not looked at: telling each takes time."""
        if len(self.problems) >= _MOST_PROBLEMS:
            return
        name = ".".join(path)
        self.origins[name] = entry.origin
        if (leaf := SCHEMA.get(path)) is not None and not leaf.free:
            self._read(leaf, entry)
        elif (leaf := FIXED.get(path)) is not None:
            self._pass_over(leaf, entry)
        elif (table := SCHEMA.get(path[:1])) is not None and table.free:
            self._read_free(path, entry)
        elif any(known[: len(path)] == path for known in _LEAVES):
            if entry.value != {}:
                self._problem(name, entry, "is not a table", f"write [{name}] with one line for each setting")
        else:
            self._problem(
                name[:_LONGEST_NAME], entry, "is an unknown setting", _meant(name[:_LONGEST_NAME], entry.origin)
            )

    def _pass_over(self, leaf: Leaf, entry: Entry) -> None:
        """Notes what was a setting in an earlier version. Code and options are written for this one: an error there."""
        del self.origins[leaf.name]
        if entry.origin.kind == "override":
            self._problem(leaf.name, entry, "is no longer a setting", "remove it")
        else:
            self.notes.append(no_longer(leaf, entry.origin))

    def _read(self, leaf: Leaf, entry: Entry) -> None:
        if leaf.start_only and entry.origin.kind not in ("variable", "override"):
            remedy = f"take it out, and set {variable(leaf.name)} where the host is started"
            self._problem(leaf.name, entry, "cannot be set by a file", remedy)
            return
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
                self._problem(".".join(path), entry, "is not a table", f"write [{table}] and its settings")
            return
        try:
            self.values[path] = free_value(entry)
        except Misfit as misfit:
            self._problem(".".join(path), entry, "has a value of no use", f"it takes {misfit.expected}")

    def _problem(self, name: str, entry: Entry, fact: str, remedy: str) -> None:
        self.problems.append(SettingProblem(name, str(entry.origin), fact, remedy))

    def loaded(self) -> Loaded:
        """The settings. Raises: InvalidSetting."""
        self.problems += over_cap(lambda path: self._value(_LEAVES[path]), self.origins)
        if self.problems:
            raise invalid(self.problems)
        settings: Settings = self._build(Settings, ())
        origins = {leaf.name: self.default for leaf in SCHEMA.values() if not leaf.free} | self.origins
        return Loaded(settings, MappingProxyType(origins), self.file, notes=tuple(self.notes))

    def _value(self, leaf: Leaf) -> Any:
        if leaf.path == ("data",) and leaf.path not in self.values:
            return project_data(self.project)
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
            elif _LEAVES[here].free:
                below = {key[1:]: value for key, value in self.values.items() if key[:1] == here}
                built[spec.name] = nested(below)
            else:
                built[spec.name] = self._value(_LEAVES[here])
        return kind(**built)


def over_cap(value: Callable[[SettingPath], Any], origins: Mapping[str, Origin]) -> list[SettingProblem]:
    """Default limits above the largest ones allowed, which would refuse every plugin, as far as they were set.

    Args:
        value: the value at a path.
    """
    problems = []
    for path in (path for path in SCHEMA if path[0] == "limits"):
        name, limit, cap = ".".join(path), value(path), value(("max_limits", path[1]))
        origin = origins.get(name) or origins.get(f"max_{name}")
        if origin is not None and cap is not None and (limit is None or limit > cap):
            fact = f"is {limit}, more than max_{name}, which is {cap}"
            problems.append(SettingProblem(name, str(origin), fact, "lower it or raise the largest"))
    return problems


def no_longer(leaf: Leaf, origin: Origin) -> str:
    """The note on a value that was a setting in an earlier version."""
    return f"{origin}: {leaf.name} is no longer a setting and is ignored, the value is {leaf.default!r}; remove it"


def no_setting(name: str) -> NotFound:
    """The error for a name that no setting has."""
    if (leaf := FIXED.get(tuple(name.split(".")))) is not None:
        return NotFound(f"{leaf.name} is no longer a setting", remedy=f"the value is always {leaf.default!r}")
    name = name[:_LONGEST_NAME]
    return NotFound(f"there is no setting {name!r}", remedy=_meant(name, Origin("override")))


def _meant(name: str, origin: Origin) -> str:
    """The remedy for an unknown name: the nearest known one, as its origin would write it."""
    meant = nearest(name, [leaf.name for leaf in SCHEMA.values()])
    if meant is None:
        return "see `omnicore config show` for those that exist"
    return f"did you mean {variable(meant) if origin.kind == 'variable' else meant}?"


def variable(name: str) -> str:
    """The variable that sets a setting: `limits.timeout_s` is `OMNICORE_LIMITS__TIMEOUT_S`."""
    return PREFIX + name.upper().replace(".", "__")
