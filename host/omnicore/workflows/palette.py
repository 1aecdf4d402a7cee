"""What a step may call: functions of plugins, actions of connectors and verbs of the host, with their schemas. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from omnicore.connectors.connector import Connector
from omnicore.connectors.kinds import find_kind
from omnicore.plugins.view import PluginView
from omnicore.workflows.effects.verbs import VERBS

__all__ = ["palette_of"]


def palette_of(plugins: Iterable[PluginView], connectors: Iterable[Connector]) -> dict[str, Any]:
    """The palette as `GET /workflows/palette` has it."""
    return {
        "plugins": [_plugin(one) for one in plugins],
        "connectors": [_connector(one) for one in connectors],
        "host": [verb.to_json() for verb in VERBS.values()],
    }


def _plugin(view: PluginView) -> dict[str, Any]:
    functions = [
        {
            "ref": f"{view.name}.{one.name}",
            "title": one.name.replace("_", " "),
            "description": one.description,
            "input": one.input,
            "output": one.output,
        }
        for one in view.functions
    ]
    return {"plugin": view.name, "title": view.description or view.name, "state": view.state, "functions": functions}


def _connector(one: Connector) -> dict[str, Any]:
    actions = [
        {"ref": f"{one.name}.{action.name}@connectors", "description": action.says, "input": action.input}
        for action in find_kind(one.kind).actions
    ]
    return {"connector": one.name, "kind": one.kind, "actions": actions}
