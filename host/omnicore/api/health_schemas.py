"""The shapes of health and of events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["HEALTH_SCHEMAS"]

_TEXT = {"type": "string"}
_STATUS = {"enum": ["Healthy", "Degraded", "Unhealthy"]}
_COUNT = {"type": "integer", "minimum": 0}


def _object(**members: Any) -> dict[str, Any]:
    return {"type": "object", "properties": members, "required": list(members)}


HEALTH_SCHEMAS: Mapping[str, Mapping[str, Any]] = {
    "Health": _object(
        overall={**_STATUS, "description": "That of the worst part; parts that are not critical count half."},
        at={"type": "number", "description": "Seconds since the Unix epoch."},
        subsystems={"type": "object", "additionalProperties": {"$ref": "#/components/schemas/Subsystem"}},
        features={"type": "array", "items": {"$ref": "#/components/schemas/Feature"}},
    ),
    "Subsystem": _object(
        status=_STATUS,
        reason={**_TEXT, "description": "Why it is not well, or what failed last."},
        critical={"type": "boolean", "description": "Whether its being unhealthy makes the host unhealthy."},
        last_check={"type": ["number", "null"]},
        consecutive_failures=_COUNT,
        consecutive_successes=_COUNT,
        total_checks=_COUNT,
        total_failures=_COUNT,
        metadata={"type": "object"},
    ),
    "Feature": _object(
        name=_TEXT,
        description=_TEXT,
        enabled={"type": "boolean"},
        reason={**_TEXT, "description": "Why it is off."},
        needs={"type": "array", "items": _TEXT},
        has_fallback={"type": "boolean"},
        fallbacks_used=_COUNT,
    ),
    "Event": _object(
        id=_TEXT,
        topic=_TEXT,
        source={**_TEXT, "description": "A part of the host, or the plugin that published it."},
        at={"type": "number", "description": "Seconds since the Unix epoch."},
        hops={**_COUNT, "description": "0 for an event of the host itself."},
        data={},
    ),
    "Events": _object(
        items={"type": "array", "items": {"$ref": "#/components/schemas/Event"}},
        next={"type": ["string", "null"], "description": "Cursor, null at the end."},
    ),
}
