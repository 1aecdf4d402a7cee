"""The shapes of lanes and intelligences, as JSON Schemas for `/openapi.json`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from omnicore.api.operation import ref
from omnicore.intelligences.architectures import BUILT_IN
from omnicore.intelligences.intelligence import IntelligenceStatus
from omnicore.loops.lane import LoopType
from omnicore.memory.tiers import TIERS

__all__ = ["LANES", "LOOP_SCHEMAS"]

LANES = [kind.value for kind in LoopType]
_TEXT = {"type": "string"}
_TEXTS = {"type": "array", "items": _TEXT}
_TABLE = {"type": "object"}
_NUMBER = {"type": "number"}
_MAYBE_TIME = {"type": ["number", "null"], "description": "Seconds since the epoch."}
_COUNT = {"type": "integer"}


def _object(*optional: str, **members: Mapping[str, Any]) -> dict[str, Any]:
    required = [name for name in members if name not in optional]
    return {"type": "object", "properties": members, **({"required": required} if required else {})}


def _list(name: str) -> dict[str, Any]:
    return {"type": "array", "items": ref(name)}


_BUDGET = {
    "calls": {"type": ["integer", "null"], "minimum": 1},
    "seconds": {"type": ["number", "null"]},
    "fuel": {"type": ["integer", "null"], "description": "Wasm instructions, of plugins whose limits count them."},
    "period_s": {"type": "number", "minimum": 1},
}
_SPEC: Mapping[str, Mapping[str, Any]] = {
    "name": {"type": "string", "minLength": 1, "maxLength": 128},
    "min_capability": {"type": "number", "minimum": 0, "maximum": 1},
    "required_capabilities": {**_TEXTS, "maxItems": 50},
    "max_inference_time": {"type": ["number", "null"], "description": "Milliseconds that one call may take."},
    "architecture": {"enum": list(BUILT_IN)},
    "budget": {"type": "object", "properties": _BUDGET},
    "memory_tiers": {"type": "array", "items": {"enum": list(TIERS)}},
    "description": _TEXT,
    "strict": {"type": "boolean", "description": "Refuse it when something it requires is not there."},
}

LOOP_SCHEMAS: Mapping[str, Mapping[str, Any]] = {
    "Lane": _object(
        lane={"enum": [*LANES, None], "description": "Null for all lanes as one."},
        scheduled={"type": "boolean", "description": "Whether it runs by itself."},
        running={"type": "boolean"},
        cycles_completed=_COUNT,
        failures=_COUNT,
        last_run_at=_MAYBE_TIME,
        next_run_at=_MAYBE_TIME,
        avg_duration_s=_NUMBER,
        handlers=_TEXTS,
    ),
    "Lanes": _object(items=_list("Lane")),
    "CycleOrder": _object(
        *("data", "context", "objectives"),
        data={**_TABLE, "description": "What the cycle works on."},
        context=_TEXT,
        objectives=_TEXTS,
    ),
    "Cycle": _object(
        cycle_id=_TEXT,
        loop_type={"enum": LANES},
        success={"type": "boolean"},
        results=_TABLE,
        insights={"type": "array", "items": _TABLE},
        actions={"type": "array", "items": _TABLE},
        next_objectives=_TEXTS,
        duration_s=_NUMBER,
    ),
    "IntelligenceSpec": {**_object(*_SPEC, **_SPEC), "required": ["name"]},
    "Intelligence": _object(
        id=_TEXT,
        name=_TEXT,
        version=_COUNT,
        status={"enum": [status.value for status in IntelligenceStatus]},
        capabilities={"type": "object", "description": "Each required word with the functions that provide it."},
        missing=_TEXTS,
        score={"type": ["number", "null"]},
        created_at=_NUMBER,
        retired_at=_MAYBE_TIME,
        spec=ref("IntelligenceSpec"),
    ),
    "Intelligences": _object(items=_list("Intelligence"), next={"type": ["string", "null"]}),
    "IntelligenceCall": _object("input", capability=_TEXT, input={"description": "A JSON value for the function."}),
    "IntelligenceAnswer": _object(output={"description": 'A JSON value, text, or {"base64": ...} for bytes.'}),
}
