# Made from specs/doors by `python -m sdk.generate`; change it there.
"""Read the plugin's settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from omnicore_sdk import _core

__all__ = ["all", "get"]


def get(key: str) -> Any:
    """One setting, checked against the `[config]` schema of the manifest, defaults included.

    Args:
        key: the setting's name.

    Returns: None when it is not set.
    Raises: DoorError: the door refused or failed.
    """
    request: _core.Wire = {"key": key}
    reply = _core.call("config_get_v1", request)
    value: Any = reply["value"]
    return value


def all() -> Mapping[str, Any]:
    """All settings.

    Returns: each setting by its name.
    Raises: DoorError: the door refused or failed.
    """
    reply = _core.call("config_get_v1", {})
    values: Mapping[str, Any] = reply["values"]
    return values
