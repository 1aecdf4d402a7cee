"""Imports of a component, each to a door, a WASI function or a refusal; anything else keeps it out."""

from __future__ import annotations

from collections.abc import Mapping

from omnicore.errors import LinkFailed
from omnicore.sandbox.abi import Doors, HostFunction
from omnicore.sandbox.capi.callbacks import Callback
from omnicore.sandbox.capi.components import ComponentLinker
from omnicore.sandbox.capi.presets import RawEngine
from omnicore.sandbox.component.doors import door_functions
from omnicore.sandbox.component.hosting import (
    DESTROY,
    door_callback,
    refusal_callback,
    resource_kind,
    wasi_callback,
)
from omnicore.sandbox.component.wasi import wasi_functions
from omnicore.sandbox.inspect_admit import WASI_PACKAGES
from omnicore.sandbox.wit_types import ComponentInfo, Signature, WitType

__all__ = ["link"]

_NAMESPACE = "extism:host/user"
_MOST_WEIGHT = 10_000


def link(engine: RawEngine, info: ComponentInfo, doors: Doors) -> ComponentLinker:
    """A linker with all that the component imports.

    Raises: LinkFailed: an import nobody provides, or of another type than ours.
    """
    linker = ComponentLinker(engine)
    behind = {
        one.name: one
        for one in doors.functions
        if one.namespace == _NAMESPACE and one.params == ("i64",) and one.results == ("i64",)
    }
    for interface, wanted in info.imports.items():
        functions = {name: one for name, one in wanted.items() if isinstance(one, Signature)}
        resources = {name: resource_kind(one.names[0]) for name, one in wanted.items() if isinstance(one, WitType)}
        if functions or resources:
            found = _provided(interface, functions, behind, doors)
            linker.define(interface, found, resources, DESTROY)
    return linker


def _provided(
    interface: str, wanted: Mapping[str, Signature], behind: Mapping[str, HostFunction], doors: Doors
) -> dict[str, Callback]:
    name, _, version = interface.partition("@")
    if name in door_functions():
        if not version.startswith("1."):
            raise _unknown(interface, f"this host has {name}@1.0.0")
        return {one: _door(interface, one, signature, behind) for one, signature in wanted.items()}
    if name.partition("/")[0] in WASI_PACKAGES and version.startswith("0.2."):
        if doors.wasi is None:
            raise _unknown(interface, "set wasi = true in the plugin's manifest")
        return {one: _wasi(interface, one, signature) for one, signature in wanted.items()}
    raise _unknown(interface, "import interfaces of omnicore:plugin and WASI 0.2 only")


def _door(interface: str, name: str, wanted: Signature, behind: Mapping[str, HostFunction]) -> Callback:
    door = door_functions()[interface.partition("@")[0]].get(name)
    if door is None:
        raise _unknown(f"{interface}.{name}", "build the plugin against the WIT files of this host")
    _same(interface, name, wanted, door.signature)
    return door_callback(door, behind.get(door.function))


def _wasi(interface: str, name: str, wanted: Signature) -> Callback:
    found = wasi_functions(interface.partition("@")[0]).get(name)
    if found is None:
        return refusal_callback(interface, name)
    _same(interface, name, wanted, found.signature)
    return wasi_callback(name, found)


def _same(interface: str, name: str, wanted: Signature, ours: Signature) -> None:
    if wanted.weight > _MOST_WEIGHT or wanted != ours:
        raise LinkFailed(
            f"the component imports {interface}.{name} with another type than this host's",
            remedy="build it against the WIT files in specs/wit and WASI 0.2",
        )


def _unknown(what: str, remedy: str) -> LinkFailed:
    return LinkFailed(f"the component imports {what[:200]}, which nobody provides", remedy=remedy)
