"""The doors and functions of an application as its data folder names them, for commands that run without it.

The application writes `doors.json` when it opens its host. A command on the same data, such as
`omnicore plugins grant`, reads it: there the doors can be asked for and granted, and whoever calls one is told that the
application does not run.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from omnicore.capabilities.application import narrowing_fields
from omnicore.capabilities.capability import Capability, DoorCall, PluginScope, Verb
from omnicore.capabilities.request import Request
from omnicore.capabilities.scope import REQUIRED
from omnicore.capabilities.services import Services
from omnicore.errors import OmniError, Unavailable
from omnicore.files import check_own, write_whole
from omnicore.sandbox.abi import HostFunction

FILE = "doors.json"
_MOST_BYTES = 1_048_576


def keep(data: Path, doors: Sequence[Capability], functions: Sequence[HostFunction]) -> None:
    """Writes what the application provides, where that has changed. Raises: StorageFailed."""
    values = {
        "doors": [
            {
                "name": one.name,
                "purpose": one.purpose,
                "verbs": list(one.verbs),
                "resource": one.resource,
                "scope": list(one.scope),
                "needed": any(each.default is REQUIRED for each in one.scope.values()),
            }
            for one in doors
        ],
        "functions": [[one.namespace, one.name, list(one.params), list(one.results)] for one in functions],
    }
    text = json.dumps(values, indent=1).encode()
    if _read(data / FILE) != text:
        write_whole(data / FILE, text)


def known(data: Path) -> tuple[tuple[Capability, ...], tuple[HostFunction, ...]]:
    """Doors and functions of an application on this data, all of them out of reach here; none without one."""
    text = _read(data / FILE)
    try:
        values = json.loads(text) if text else {}
        doors = tuple(map(_door, values.get("doors", ())))
        functions = tuple(map(_function, values.get("functions", ())))
    except (ValueError, KeyError, TypeError, AttributeError):  # of another version, or cut short
        return (), ()
    return doors, functions


def _read(file: Path) -> bytes | None:
    try:
        if not check_own(file) or file.stat().st_size > _MOST_BYTES:
            return None
        return file.read_bytes()
    except (OmniError, OSError):
        return None


def _door(values: Mapping[str, Any]) -> Capability:
    name, verbs = str(values["name"]), tuple(map(str, values["verbs"]))
    return Capability(
        name=name,
        purpose=str(values["purpose"]),
        verbs=verbs,
        resource=str(values["resource"]),
        open=partial(_open, name, verbs),
        scope=narrowing_fields(map(str, values["scope"]), needed=bool(values["needed"])),
    )


def _open(
    name: str, verbs: Sequence[str], plugin: PluginScope, scope: Mapping[str, Any], services: Services
) -> Mapping[str, Verb]:
    def serve(call: DoorCall, request: Request) -> Mapping[str, Any]:
        raise _away(f"the door {name}")

    return dict.fromkeys(verbs, serve)


def _function(values: Sequence[Any]) -> HostFunction:
    namespace, name, params, results = values

    def run(*_arguments: Any) -> Any:
        raise _away(f"the function {name}")

    return HostFunction(str(namespace), str(name), tuple(params), tuple(results), run)


def _away(what: str) -> Unavailable:
    return Unavailable(
        f"{what} belongs to an application, which this process is not", remedy="call the plugin from the application"
    )
