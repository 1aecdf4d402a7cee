"""A plugin's own settings: what the operator wrote, checked by its schema, with the defaults filled in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from omnicore.errors import InvalidSetting
from omnicore.plugins.schemas import Schema, SchemaTooSlowError

__all__ = ["settled_settings"]

_CHECK_S = 1.0


def settled_settings(plugin: str, schema: Mapping[str, Any] | None, given: Mapping[str, Any]) -> Mapping[str, Any]:
    """The settings a plugin sees.

    Raises: InvalidSetting: they break the schema in the plugin's manifest.
    """
    if schema is None:
        return dict(given)
    values = _filled(schema, given)
    try:
        problem = Schema({"type": "object", **schema}).problem(values, timeout_s=_CHECK_S)
    except SchemaTooSlowError as error:
        problem = str(error)
    if problem is not None:
        raise InvalidSetting(
            f"the settings of {plugin} are not valid: {problem}",
            remedy=f"correct plugin_settings.{plugin}; `omnicore plugins inspect {plugin}` shows its schema",
            plugin=plugin,
        )
    return values


def _filled(schema: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    values = dict(given)
    for name, inner in schema.get("properties", {}).items():
        if not isinstance(inner, Mapping):
            continue
        if name not in values and "default" in inner:
            values[name] = inner["default"]
        elif isinstance(values.get(name, {} if "properties" in inner else None), Mapping):
            filled = _filled(inner, values.get(name, {}))
            if filled or name in values:
                values[name] = filled
    return values
