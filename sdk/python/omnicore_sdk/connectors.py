# Made from specs/doors by `python -m sdk.generate`; change it there.
"""Use the services the host is connected to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from omnicore_sdk import _core

__all__ = ["Connector", "call", "list"]


@dataclass(frozen=True, slots=True)
class Connector:
    """A service the host is connected to. Its credentials never reach a plugin."""

    name: str
    """Chosen by the operator."""
    kind: str
    """Such as `http`, `postgresql`, `github`."""
    actions: Sequence[str]
    """What it can do and the plugin may ask for."""


def _read_connector(reply: _core.Wire) -> Connector:
    return Connector(name=reply["name"], kind=reply["kind"], actions=reply["actions"])


def list() -> Sequence[Connector]:
    """The connectors the plugin may use.

    Returns: in the order of their names.
    Raises: DoorError: the door refused or failed.
    """
    reply = _core.call("connectors_list_v1", {})
    return [_read_connector(one) for one in reply["connectors"]]


def call(connector: str, action: str, *, input: Any = None) -> Any:
    """Lets a connector do something and returns what came of it.

    Args:
        connector: its name.
        action: one of its actions.
        input: what the action takes, at most 1 MiB.

    Raises: DoorError: the door refused or failed.
    """
    request = _core.present(input=input)
    request |= {"connector": connector, "action": action}
    reply = _core.call("connectors_call_v1", request)
    output: Any = reply["output"]
    return output
