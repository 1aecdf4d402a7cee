"""What a module says of its own functions: its exports `__omnicore_describe...`, run in a sealed sandbox."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from omnicore.config.settings import LARGEST_LIMITS
from omnicore.errors import BuildFailed, OmniError
from omnicore.sandbox.abi import MIB
from omnicore.sandbox.inspect import ModuleInfo
from omnicore.sandbox.nesting import too_deep
from omnicore.toolchains.manifest import merged
from omnicore.toolchains.sealed import sealed
from omnicore.toolchains.toolchain import Report

__all__ = ["PREFIX", "described"]

PREFIX = "__omnicore_describe"
_DEPTH = 100
_LIMITS = replace(
    LARGEST_LIMITS, timeout_s=5.0, memory_bytes=512 * MIB, output_bytes=1 * MIB, host_calls=1_000, http_requests=0
)


def described(wasm: bytes, info: ModuleInfo, report: Report) -> dict[str, Any]:
    """What all of its describing exports say together, in the order of their names; empty where it has none.

    Raises: BuildFailed: one of them fails or says something else than a manifest.
    """
    names = sorted(one.name for one in info.exports if one.kind == "function" and one.name.startswith(PREFIX))
    if not names:
        return {}
    report("asking the module what it offers")
    try:
        template = sealed(wasm, limits=_LIMITS)
    except OmniError as error:
        raise BuildFailed(f"the built module cannot be run: {error.fact}", remedy=error.remedy) from error
    try:
        # An instance for each: how one leaves its memory is no matter to the others.
        return merged(*(_said(name, template.instance()) for name in names))
    finally:
        template.close()


def _said(name: str, instance: Any) -> Mapping[str, Any]:
    try:
        data = instance.call(name, b"")
    except OmniError as error:
        raise BuildFailed(f"{name} failed while it described the plugin: {error.fact}", remedy=error.remedy) from error
    finally:
        instance.close()
    values = _read(name, data)
    if not isinstance(values, dict) or not isinstance(functions := values.get("functions", {}), dict):
        raise _no_manifest(name, "no object with `functions`")
    if not all(isinstance(one, dict) for one in functions.values()):
        raise _no_manifest(name, "functions that are no objects")
    said = _without_nulls(values)
    if not isinstance(said.get("limits", {}), dict):
        raise _no_manifest(name, "`limits` that are no object")
    return {**said, "functions": {key: _without_nulls(one) for key, one in functions.items()}} if functions else said


def _read(name: str, data: bytes) -> Any:
    if too_deep(data, _DEPTH):
        raise _no_manifest(name, f"JSON that is nested deeper than {_DEPTH}")
    try:
        values = json.loads(data)
        json.dumps(values, ensure_ascii=False).encode()  # escapes can hold halves of characters
    except ValueError as error:
        raise _no_manifest(name, f"no JSON: {error}") from error
    return values


def _without_nulls(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}


def _no_manifest(name: str, what: str) -> BuildFailed:
    return BuildFailed(f"{name} returned {what}", remedy="use the kit of the version that this host has")
