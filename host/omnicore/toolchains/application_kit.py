"""Kits for the doors of an application: typed code for plugins in several languages, and a page about them.

The generator is that of the kits that travel with this package, `sdk/generate`.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from omnicore.capabilities.application import ApplicationDoor, ApplicationParts
from omnicore.errors import InvalidSetting, NotFound
from omnicore.toolchains.languages import kit

ALIASES = {"ts": "js", "typescript": "js", "javascript": "js", "rs": "rust", "golang": "go"}
BY_HAND = ("python", "c", "zig", "as", "assemblyscript")


def application_at(place: str, folder: Path) -> tuple[ApplicationDoor, ...]:
    """The doors of an application, such as `myapp:host`: a `Host`, or a sequence of functions for one.

    Args:
        folder: where modules are looked for first. Their code runs.

    Raises: InvalidSetting: no place, or something else stands there; NotFound: no such module or name.
    """
    module, _, name = place.partition(":")
    if not module or not name:
        raise InvalidSetting(f"{place!r} names no application", remedy="write MODULE:NAME, such as myapp:host")
    found: Any = _imported(module, folder)
    for part in name.split("."):
        if not hasattr(found, part):
            raise NotFound(f"{module} has no {name}", remedy="name a Host, or a list of functions with doors")
        found = getattr(found, part)
    doors = ApplicationParts.of(found).doors if isinstance(found, list | tuple) else getattr(found, "doors", None)
    if not isinstance(doors, tuple) or not all(isinstance(one, ApplicationDoor) for one in doors) or not doors:
        raise InvalidSetting(f"{place} has no doors", remedy="declare some with `@host.door`; see docs/embedding.md")
    return doors


def _imported(module: str, folder: Path) -> ModuleType:
    sys.path.insert(0, str(folder))
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module}.".startswith(f"{error.name}."):
            raise
        raise NotFound(f"there is no module {module}", remedy="run the command in the folder that has it") from error
    finally:
        sys.path.remove(str(folder))


def languages_named(words: Sequence[str]) -> tuple[str, ...]:
    """The languages of a list such as `rust,ts`. Raises: InvalidSetting: there is no kit for one."""
    known = tuple(_generator().LANGUAGES)
    given = [one.strip().lower() for word in words for one in word.split(",") if one.strip()]
    for one in given:
        if ALIASES.get(one, one) not in known:
            by_hand = f"; in {one}, import the functions by hand, as specs/abi.md says" if one in BY_HAND else ""
            raise InvalidSetting(
                f"there is no kit of doors for {one[:40]!r}", remedy=f"use {', '.join(known)}{by_hand}"
            )
    return tuple(dict.fromkeys(ALIASES.get(one, one) for one in given)) or known


def kit_files(doors: Sequence[ApplicationDoor], languages: Sequence[str]) -> Mapping[str, str]:
    """The files of the kits by path: a folder for each language, and `README.md`."""
    generator = _generator()
    description = {"doors": [one.described() for one in doors]}
    try:
        made = generator.doors_of(description)
    except ValueError as error:
        raise InvalidSetting(str(error), remedy="use `name=` of `@host.door`, or another capability") from error
    found = {"README.md": generator.page(description, made)}
    for language in languages:
        found |= {f"{language}/{path}": text for path, text in generator.files(made, language).items()}
    return found


def _generator() -> Any:
    if "sdk" not in sys.modules:
        package = ModuleType("sdk")  # its folder travels inside of ours, and is a package of its own
        package.__path__ = [str(kit("go").parent)]
        sys.modules["sdk"] = package
    return import_module("sdk.generate.application")
