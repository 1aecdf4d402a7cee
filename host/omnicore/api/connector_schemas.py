"""The shapes of connectors, their uses and webhooks, for `schemas.py`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from omnicore.api.operation import ref
from omnicore.connectors.hooks.rules import RULES
from omnicore.connectors.limits import CallLimits

__all__ = ["CONNECTOR_SCHEMAS"]

_TEXT = {"type": "string"}
_MAYBE_TEXT = {"type": ["string", "null"]}
_TABLE = {"type": "object"}
_TEXTS = {"type": "object", "additionalProperties": _TEXT}
_COUNT = {"type": "integer"}
_TIME = {"type": "number", "description": "Seconds since the Unix epoch."}
_MAYBE_TIME = {"type": ["number", "null"], "description": "Seconds since the Unix epoch."}
_TOOK = {"type": ["number", "null"], "description": "Seconds."}
_LIMITS = {"type": "object", "properties": {name: {"type": "number"} for name in CallLimits.__slots__}}
_REFERENCES = {**_TEXTS, "description": "Where each is: `vault:`, `env:` or `file:` and a name. Never a value."}
_SECRETS = {**_TEXTS, "description": "Values, or references to them. They cannot be read back."}


def _object(*optional: str, **members: Any) -> dict[str, Any]:
    return {"type": "object", "properties": members, "required": [name for name in members if name not in optional]}


def _items(of: str, *, paged: bool = False) -> dict[str, Any]:
    items = {"type": "array", "items": ref(of)}
    return _object(items=items, next=_MAYBE_TEXT) if paged else _object(items=items)


CONNECTOR_SCHEMAS: Mapping[str, Mapping[str, Any]] = {
    "ConnectorAction": _object(
        name=_TEXT,
        description=_TEXT,
        input={**_TABLE, "description": "JSON Schema of the input."},
        output={**_TABLE, "description": "JSON Schema of the output."},
        repeat={"enum": ["never", "always", "keyed"], "description": "Whether it may be sent again after a failure."},
    ),
    "ConnectorActions": _items("ConnectorAction"),
    "ConnectorKind": _object(
        "problem",
        name=_TEXT,
        description=_TEXT,
        config={**_TABLE, "description": "JSON Schema of the settings."},
        secrets={**_TEXTS, "description": "What each credential is."},
        required_secrets={"type": "array", "items": _TEXT},
        actions={"type": "array", "items": ref("ConnectorAction")},
        problem={**_TEXT, "description": "Why this host cannot use the kind."},
    ),
    "ConnectorKinds": _items("ConnectorKind"),
    "Connector": _object(
        name=_TEXT,
        kind=_TEXT,
        config=_TABLE,
        credentials=_REFERENCES,
        limits=_LIMITS,
        version=_COUNT,
        added_at=_TIME,
        changed_at=_TIME,
        state={"type": ["object", "null"], "description": "Breaker and figures since the host began; null: not used."},
    ),
    "Connectors": _items("Connector"),
    "ConnectorOrder": _object(
        *("config", "secrets", "limits"), name=_TEXT, kind=_TEXT, config=_TABLE, secrets=_SECRETS, limits=_LIMITS
    ),
    "ConnectorChange": _object(*("config", "secrets", "limits"), config=_TABLE, secrets=_SECRETS, limits=_LIMITS),
    "ConnectorTest": _object(ok={"type": "boolean"}, took_s=_TOOK, error={"type": ["object", "null"]}),
    "ConnectorCall": _object("input", "timeout_s", input={}, timeout_s={"type": "number", "exclusiveMinimum": 0}),
    "ConnectorOutput": _object(output={"description": "A JSON value."}),
    "ConnectorUse": _object(
        id=_TEXT,
        connector=_TEXT,
        action=_TEXT,
        who={**_TEXT, "description": "`plugin:NAME`, `rest`, `alerts` or `cli:NAME`."},
        at=_TIME,
        took_s=_TOOK,
        attempts=_COUNT,
        outcome={**_TEXT, "description": "begun, ok, cancelled or the code of an error."},
    ),
    "ConnectorUses": _items("ConnectorUse", paged=True),
    "Trigger": _object("payload", event=_TEXT, payload={}),
    "Webhook": _object(
        name=_TEXT,
        path={**_TEXT, "description": "Where deliveries go."},
        rule={"enum": list(RULES)},
        connector=_MAYBE_TEXT,
        window_s={"type": "number", "description": "How far a delivery's time may be from the host's, in seconds."},
        added_at=_TIME,
    ),
    "Webhooks": _items("Webhook"),
    "WebhookOrder": _object(
        *("connector", "window_s"),
        name=_TEXT,
        rule={"enum": list(RULES)},
        secret={**_TEXT, "description": "A value, or a reference to one. It cannot be read back."},
        connector=_MAYBE_TEXT,
        window_s={"type": "number", "minimum": 1, "maximum": 86400},
    ),
    "WebhookDelivery": _object(
        id=_TEXT,
        event=_TEXT,
        media=_TEXT,
        state={"enum": ["received", "published"]},
        attempts=_COUNT,
        received_at=_TIME,
        published_at=_MAYBE_TIME,
    ),
    "WebhookDeliveryBody": _object(
        id=_TEXT,
        event=_TEXT,
        media=_TEXT,
        state={"enum": ["received", "published"]},
        attempts=_COUNT,
        received_at=_TIME,
        published_at=_MAYBE_TIME,
        text={**_MAYBE_TEXT, "description": "The body, where it is text."},
        base64={**_MAYBE_TEXT, "description": "The body, where it is no text."},
        body_bytes=_COUNT,
    ),
    "WebhookDeliveries": _items("WebhookDelivery", paged=True),
    "Removed": _object(removed={"type": "boolean"}),
}
