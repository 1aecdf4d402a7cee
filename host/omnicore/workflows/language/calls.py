"""What a task calls: HTTP, OpenAPI, functions of plugins, connectors, the host's services, functions of `use`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from omnicore.workflows.effects.verbs import VERBS
from omnicore.workflows.language.build import Build
from omnicore.workflows.language.policies import authentication_of
from omnicore.workflows.language.problems import Path, shown

__all__ = ["UNSUPPORTED", "Target", "call_fields", "target_of"]

UNSUPPORTED: Mapping[str, str] = {
    "grpc": "put a REST gateway before the service and use `call: http`, or write a plugin",
    "asyncapi": "use `emit` and `listen`, or a connector: `call: name.action@connectors`",
    "a2a": "use `call: http`, or write a plugin",
    "mcp": "use `call: http`, or write a plugin",
}
"""Calls of the DSL that this host does not make, and what to use instead."""
_REF = re.compile(
    r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}\.[A-Za-z_$][A-Za-z0-9_$.-]{0,127}(?::[A-Za-z0-9][A-Za-z0-9.+-]{0,63})?"
)
_HOWTO = "write plugin.function, connector.action@connectors, room.verb@host, http or openapi"


@dataclass(frozen=True, slots=True)
class Target:
    """What is called. `function`: one of `use.functions`, which is put in where it is called."""

    kind: Literal["http", "openapi", "plugin", "connector", "host", "function"]
    ref: str = ""


def target_of(build: Build, call: str, path: Path) -> Target | None:
    """What the name after `call:` stands for; None, once it is reported that it is nothing."""
    functions = build.use.get("functions", {})
    if call in functions:
        return Target("function", call)
    if call == "http":
        return Target("http", call)
    if call == "openapi":
        return Target("openapi", call)
    name, _, catalog = call.partition("@")
    if catalog == "host":
        return _host(build, name, path)
    if catalog not in ("", "default", "connectors"):
        build.report.error(
            path, f"there is no catalog {shown(catalog)}", "the catalogs are default, connectors and host"
        )
    elif not _REF.fullmatch(name) or (catalog == "connectors" and ":" in name):
        known = (*functions, "http", "openapi", *(f"{ref}@host" for ref in VERBS))
        build.report.error(path, f"{shown(call)} is no function", build.report.closest(call, known, otherwise=_HOWTO))
    else:
        return Target("connector" if catalog == "connectors" else "plugin", name)
    return None


def _host(build: Build, name: str, path: Path) -> Target | None:
    if name in VERBS:
        return Target("host", name)
    known = ", ".join(sorted(VERBS))
    fact = f"the host has no service {shown(name)}"
    build.report.error(path, fact, build.report.closest(name, VERBS, otherwise=f"it has {known}"))
    return None


def call_fields(build: Build, target: Target, value: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """The fields of a `Call` node. References in `with` are resolved."""
    given, authentication = value.get("with"), None
    if target.kind == "http":
        given, authentication = _with_endpoint(build, given, "endpoint", (*path, "with"))
    elif target.kind == "openapi":
        given, authentication = _openapi(build, value["with"], (*path, "with"))
    absent = "with" not in value
    return {
        "target": target.kind,
        "ref": target.ref,
        "given": None if absent else build.template(given, (*path, "with")),
        "authentication": authentication,
    }


def _with_endpoint(build: Build, given: Any, key: str, path: Path) -> tuple[Any, Mapping[str, Any] | None]:
    endpoint = given[key]
    if not isinstance(endpoint, Mapping) or "authentication" not in endpoint:
        return given, None
    found = authentication_of(build, endpoint["authentication"], (*path, key, "authentication"))
    return {**given, key: {**endpoint, "authentication": found}}, found


def _openapi(build: Build, given: Mapping[str, Any], path: Path) -> tuple[Any, Mapping[str, Any] | None]:
    document, _ = _with_endpoint(build, given["document"], "endpoint", (*path, "document"))
    found = authentication_of(build, given.get("authentication"), (*path, "authentication"))
    resolved = {**given, "document": document}
    return ({**resolved, "authentication": found} if found else resolved), found
