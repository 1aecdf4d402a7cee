"""The shapes of what is told of single plugins: versions, an upgrade, settings, how one fares."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from omnicore.api.operation import ref

__all__ = ["PLUGIN_SCHEMAS"]

_TEXT = {"type": "string"}
_MAYBE_TEXT = {"type": ["string", "null"]}
_TABLE = {"type": "object"}
_MAYBE_TABLE = {"type": ["object", "null"]}
_COUNT = {"type": "integer", "minimum": 0}
_MAYBE_COUNT = {"type": ["integer", "null"]}
_MAYBE_NUMBER = {"type": ["number", "null"]}
_YES = {"type": "boolean"}
_NAMES = {"type": "array", "items": _TEXT}
_AT = {"type": "number", "description": "Seconds since the Unix epoch."}
_HASH = {"type": "string", "description": "SHA-256 of the module, in hexadecimal."}


def _object(**members: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": members, "required": list(members)}


def _list(name: str) -> dict[str, Any]:
    return {"type": "array", "items": ref(name)}


def _maybe(name: str) -> dict[str, Any]:
    return {"anyOf": [ref(name), {"type": "null"}]}


PLUGIN_SCHEMAS: Mapping[str, Mapping[str, Any]] = {
    "Version": _object(
        hash=_HASH,
        version={**_TEXT, "description": "The version as its manifest writes it."},
        size_bytes=_COUNT,
        seen_at={**_AT, "description": "When it last became the file in the folder; seconds since the Unix epoch."},
        serving={**_YES, "description": "It answers calls."},
        newest={**_YES, "description": "It is what lies in the folder."},
        turned_away={**_YES, "description": "Somebody decided to keep the version before it."},
        functions=_NAMES,
    ),
    "Versions": _object(items=_list("Version")),
    "RollbackOrder": _object(hash={**_HASH, "description": "The version; its first 8 characters or more will do."}),
    "FunctionChange": _object(name=_TEXT, before=ref("Function"), after=ref("Function")),
    "FunctionChanges": _object(added=_NAMES, removed=_NAMES, changed=_list("FunctionChange")),
    "LimitChange": {"type": "object", "properties": {"from": {}, "to": {}}, "required": ["from", "to"]},
    "TurnedAway": _object(who=_TEXT, at=_AT),
    "Upgrade": {
        "type": "object",
        "required": ["from", "to", "waiting", "kept", "changes", "functions", "limits"],
        "properties": {
            "from": {**_maybe("Version"), "description": "The version that answers calls, if one does."},
            "to": {**_maybe("Version"), "description": "What lies in the folder."},
            "waiting": {**_YES, "description": "The newer one asks for more and waits for a decision."},
            "kept": {**_maybe("TurnedAway"), "description": "Who turned the newer one away, if somebody did."},
            "changes": _list("Change"),
            "functions": ref("FunctionChanges"),
            "limits": {"type": "object", "additionalProperties": ref("LimitChange")},
        },
    },
    "UpgradeOrder": _object(
        decision={
            "enum": ["approve", "keep"],
            "description": "approve grants all that is new and switches; keep turns the newer version away.",
        }
    ),
    "PluginConfig": _object(
        schema={**_MAYBE_TABLE, "description": "JSON Schema of the settings; null for a plugin that describes none."},
        values={**_TABLE, "description": "The settings in force; those that are secret are shown as ********."},
        origins={
            "type": "object",
            "additionalProperties": {"enum": ["stored", "settings", "default"]},
            "description": "Where each comes from: stored here, the host's settings, or the schema.",
        },
        secrets={**_NAMES, "description": "Settings whose values are never shown."},
    ),
    "PluginConfigOrder": _object(
        values={
            **_TABLE,
            "description": "All settings. What is left out goes back to where it came from; ******** keeps a secret.",
        }
    ),
    "Breaker": _object(
        state={"enum": ["closed", "open", "half-open"]},
        failures={**_COUNT, "description": "In a row."},
        threshold={**_COUNT, "description": "How many of them open it."},
        open_until={**_MAYBE_NUMBER, "description": "Seconds since the Unix epoch; null while calls pass."},
    ),
    "LimitInForce": _object(value={}, origin={"enum": ["manifest", "settings", "most"]}),
    "PluginStatus": _object(
        breaker=ref("Breaker"),
        in_flight={**_COUNT, "description": "Calls that run now."},
        warm={**_COUNT, "description": "Sandboxes kept for the next call."},
        warm_bytes=_COUNT,
        calls={**_COUNT, "description": "Since the host started."},
        errors=_COUNT,
        p95_ms={**_MAYBE_NUMBER, "description": "No call in 20 took longer; null without calls."},
        limits={"type": "object", "additionalProperties": ref("LimitInForce")},
    ),
    "CallCost": _object(
        time_ms={"type": "number"},
        fuel={**_MAYBE_COUNT, "description": "Instructions; null where the plugin has no limit of fuel."},
        memory_bytes={**_MAYBE_COUNT, "description": "Of the sandbox after the call; null where it is not known."},
        host_calls={"type": "object", "additionalProperties": _COUNT, "description": "By verb, such as kv.get."},
    ),
    "LogFrame": _object(
        plugin=_TEXT,
        at=_AT,
        level=_TEXT,
        message=_TEXT,
        dropped={**_COUNT, "description": "Lines left out before this one, for they came too fast."},
    ),
}
