"""What a module imports, by who provides it, and what it should ask for because of it."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from omnicore.capabilities import clock
from omnicore.capabilities.doors import DOORS, NAMESPACE
from omnicore.capabilities.scope import REQUIRED
from omnicore.errors import LinkFailed
from omnicore.sandbox.extism.env import ENV, KERNEL_TYPES
from omnicore.sandbox.extism.env import NAMESPACE as ENV_NAMESPACE
from omnicore.sandbox.inspect import FuncType, Import, ModuleInfo
from omnicore.toolchains.sealed import WASI

__all__ = ["Imports", "check_imports", "door_verbs", "lines_to_ask", "sorted_imports"]

_VERB = FuncType(("i64",), ("i64",))
_ENV: Mapping[str, FuncType] = {
    **{name: FuncType(*kind) for name, kind in KERNEL_TYPES.items()},
    **{one.name: FuncType(one.params, one.results) for one in ENV},
}
_INTERFACES = "omnicore:plugin/"
_NAMES = frozenset(door.name for door in DOORS if door.verbs)
_SCOPES = {
    "hosts": 'hosts = ["example.com"]',
    "topics": 'topics = ["news"]',
    "functions": 'functions = ["plugin.function"]',
    "tiers": 'tiers = ["episodic"]',
    "collections": 'collections = ["docs"]',
    "connectors": 'connectors = ["name"]',
    "lanes": 'lanes = ["adaptive"]',
}


@dataclass(frozen=True, slots=True)
class Imports:
    """What a module imports.

    `doors` has the functions of each door, `env` those of the guest ABI and of the clock that is open to all, `wasi`
    those of WASI preview 1; `others` are all else, as `(namespace, name)`.
    """

    doors: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    env: tuple[str, ...] = ()
    wasi: tuple[str, ...] = ()
    others: tuple[tuple[str, str], ...] = ()

    @property
    def used(self) -> frozenset[str]:
        """The doors it can reach: a request of the guest ABI goes through the http door's grant."""
        return frozenset(self.doors) | ({"http"} if "http_request" in self.env else set())


@lru_cache(maxsize=1)
def door_verbs() -> Mapping[str, str]:
    """Every function of every door, and the door it belongs to."""
    return {f"{door.name}_{verb}_v1": door.name for door in DOORS for verb in door.verbs}


def sorted_imports(info: ModuleInfo) -> Imports:
    """The imports of a module by who provides them."""
    doors = dict[str, list[str]]()
    env, wasi, others = [], [], []
    for item in info.imports:
        if door := _door(item):
            doors.setdefault(door, []).append(item.name)
        elif item.module == ENV_NAMESPACE or (item.module == NAMESPACE and item.name in clock.NAMES):
            env.append(item.name)
        elif _is_wasi(item):
            wasi.append(item.name if item.module in WASI else f"{item.module}::{item.name}")
        else:
            others.append((item.module, item.name))
    return Imports({door: tuple(names) for door, names in doors.items()}, tuple(env), tuple(wasi), tuple(others))


def check_imports(info: ModuleInfo, allowed: Collection[str] = ()) -> Imports:
    """The imports of a module that this host can run.

    Args:
        allowed: names that a host application provides, or `NAMESPACE::NAME`.

    Raises: LinkFailed: nobody provides one of them, or it has another type.
    """
    for item in info.imports:
        for fact, remedy in _wrong(item, allowed):
            raise LinkFailed(fact, remedy=remedy, namespace=item.module, name=item.name)
    return sorted_imports(info)


def lines_to_ask(door: str) -> str:
    """What a manifest needs so that the plugin asks for a door."""
    fields = next(one.scope for one in DOORS if one.name == door)
    needed = [_SCOPES.get(name, f"{name} = ...") for name, one in fields.items() if one.default is REQUIRED]
    needed = needed or [_SCOPES["topics"]] * (door == "events")  # all its fields may be left out, but not at once
    scope = f"\nscope = {{ {', '.join(needed)} }}" if needed else ""
    return f'[[capabilities]]\nname = "{door}"\nreason = "say why it needs this"{scope}'


def _door(item: Import) -> str | None:
    """The door an import belongs to: of a core module by its function, of a component by its interface."""
    if item.module == NAMESPACE:
        return door_verbs().get(item.name)
    interface = item.module.removeprefix(_INTERFACES).partition("@")[0]
    return interface if item.module.startswith(_INTERFACES) and interface in _NAMES else None


def _is_wasi(item: Import) -> bool:
    return item.module in WASI or item.module.startswith("wasi:")


def _wrong(item: Import, allowed: Collection[str]) -> Iterator[tuple[str, str]]:
    name, full = item.name[:100], f"{item.module[:100]}::{item.name[:100]}"
    if item.module == ENV_NAMESPACE:
        if item.name not in _ENV:
            yield f"the import {full} is no function of the guest ABI", _nearest(name, _ENV)
        elif item.type != _ENV[item.name]:
            yield f"the import {full} has another type than the guest ABI gives it", "build with a kit of version 1"
    elif _door(item):
        if item.module == NAMESPACE and item.type != _VERB:
            yield f"the import {full} has another type than the door gives it", "it takes an i64 and returns an i64"
    elif item.module == NAMESPACE and item.name in clock.NAMES:
        return
    elif not _is_wasi(item) and not {item.name, full} & set(allowed):
        hint = _nearest(name, door_verbs()) if item.module == NAMESPACE else "remove what needs it from the source"
        yield f"nobody provides the import {full}", f"{hint}; if your host application does, add --allow-import {name}"


def _nearest(name: str, known: Collection[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f"did you mean {close[0]}?" if close else "see specs/abi.md for the doors of this host"
