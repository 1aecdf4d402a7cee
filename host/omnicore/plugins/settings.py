"""The settings of one plugin: the values in force, where each comes from, and what is stored.

From the weakest to the strongest: the defaults in the manifest's schema, `plugin_settings` of the host, and the values
stored while the host ran.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from omnicore.config.settings import MASK, is_secret
from omnicore.errors import InvalidInput, InvalidSetting
from omnicore.plugins.schemas import Schema, SchemaTooSlowError
from omnicore.texts import too_deep

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
            remedy=f"correct plugin_settings.{plugin}; `omnicore plugins show {plugin}` shows its schema",
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


MOST_BYTES = 64 * 1024
_MOST_DEPTH = 32
_LONGEST_NAME = 200
Origin = Literal["stored", "settings", "default"]


@dataclass(frozen=True, slots=True)
class PluginConfig:
    """The settings in force. Of those in `secrets` no value is shown."""

    schema: Mapping[str, Any] | None
    values: Mapping[str, Any]
    origins: Mapping[str, Origin]
    secrets: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """The settings as REST and `-o json` show them."""
        return {
            "schema": self.schema,
            "values": dict(self.values),
            "origins": dict(self.origins),
            "secrets": list(self.secrets),
        }


def config_of(schema: Mapping[str, Any] | None, given: Mapping[str, Any], stored: Mapping[str, Any]) -> PluginConfig:
    """The settings in force, from those of the host and those that were stored."""
    values = _in_force(schema, {**given, **stored})
    secrets = {name for name in values if _hidden(schema, name)}
    shown = {name: MASK if name in secrets else _masked(value) for name, value in values.items()}
    return PluginConfig(schema, shown, {name: _origin(name, given, stored) for name in values}, tuple(sorted(secrets)))


def to_store(
    plugin: str,
    schema: Mapping[str, Any] | None,
    given: Mapping[str, Any],
    stored: Mapping[str, Any],
    wanted: Mapping[str, Any],
) -> dict[str, Any]:
    """The settings that have to be stored: those whose value does not hold anyway.

    Raises: InvalidSetting: they break the schema. InvalidInput: they are too long, too deep or no text.
    """
    _check_form(wanted)
    now = _in_force(schema, {**given, **stored})
    values = {name: _unmasked(plugin, name, value, now.get(name)) for name, value in wanted.items()}
    settled_settings(plugin, schema, {**given, **values})
    without = _in_force(schema, given)
    return {name: value for name, value in values.items() if name not in without or without[name] != value}


def _check_form(wanted: Mapping[str, Any]) -> None:
    """Refuses values that are too long or too deep before anything reads them: anybody may have sent the form."""
    try:
        text = json.dumps(wanted, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError) as error:
        raise InvalidInput("the settings cannot be written as JSON", remedy="send plain text and numbers") from error
    if len(text) > MOST_BYTES:
        raise InvalidInput(
            f"the settings are over {MOST_BYTES} bytes", remedy="send less", limit="config_bytes", allowed=MOST_BYTES
        )
    if too_deep(text, _MOST_DEPTH):
        raise InvalidInput(f"the settings are nested over {_MOST_DEPTH} deep", remedy="send flatter ones")
    strange = [name for name in wanted if not name or not name.isprintable() or len(name) > _LONGEST_NAME]
    if strange:
        raise InvalidInput(f"{strange[0][:80]!r} cannot be the name of a setting", remedy="use letters and digits")


def _in_force(schema: Mapping[str, Any] | None, given: Mapping[str, Any]) -> Mapping[str, Any]:
    try:
        return settled_settings("", schema, given)
    except InvalidSetting:  # a newer manifest may want others; they are shown so that they can be mended
        return given


def _origin(name: str, given: Mapping[str, Any], stored: Mapping[str, Any]) -> Origin:
    if name in stored:
        return "stored"
    return "settings" if name in given else "default"


def _hidden(schema: Mapping[str, Any] | None, name: str) -> bool:
    about = (schema or {}).get("properties", {}).get(name)
    marked = isinstance(about, Mapping) and (about.get("writeOnly") is True or about.get("format") == "password")
    return marked or is_secret(name)


def _masked(value: Any) -> Any:
    """A value without the secrets within it, which are known by their names."""
    if isinstance(value, Mapping):
        return {name: MASK if is_secret(name) and one is not None else _masked(one) for name, one in value.items()}
    return [_masked(one) for one in value] if isinstance(value, list) else value


def _unmasked(plugin: str, name: str, value: Any, now: Any) -> Any:
    """The values of a form, with the secrets that it could not show."""
    if value == MASK:
        if now is None:
            raise InvalidSetting(
                f"{name[:80]} of {plugin} has no value that could be kept",
                remedy="send the secret itself",
                plugin=plugin,
            )
        return now
    if isinstance(value, Mapping):
        held = now if isinstance(now, Mapping) else {}
        return {key: _unmasked(plugin, key, one, held.get(key)) for key, one in value.items()}
    if isinstance(value, list):
        held_items = now if isinstance(now, list) and len(now) == len(value) else [None] * len(value)
        return [_unmasked(plugin, name, one, old) for one, old in zip(value, held_items, strict=True)]
    return value
