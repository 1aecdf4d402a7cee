"""The shapes of what the host answers, as JSON Schemas for `/openapi.json`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from omnicore.api.audit_schemas import AUDIT_SCHEMAS
from omnicore.api.connector_schemas import CONNECTOR_SCHEMAS
from omnicore.api.health_schemas import HEALTH_SCHEMAS
from omnicore.api.host_schemas import HOST_SCHEMAS
from omnicore.api.loop_schemas import LOOP_SCHEMAS
from omnicore.api.memory_schemas import MEMORY_SCHEMAS
from omnicore.api.operation import ref
from omnicore.api.plugin_schemas import PLUGIN_SCHEMAS
from omnicore.api.session_schemas import SESSION_SCHEMAS
from omnicore.api.task_schemas import TASK_SCHEMAS
from omnicore.api.vector_schemas import VECTOR_SCHEMAS
from omnicore.api.workflow_schemas import WORKFLOW_SCHEMAS

__all__ = ["SCHEMAS"]

_TEXT = {"type": "string"}
_MAYBE_TEXT = {"type": ["string", "null"]}
_TABLE = {"type": "object"}
_MAYBE_TABLE = {"type": ["object", "null"]}
_STATES = ["enabled", "needs-grant", "disabled", "quarantined", "rejected"]


def _object(*optional: str, **members: Mapping[str, Any]) -> dict[str, Any]:
    """An object whose members are all there, the `optional` ones aside."""
    required = [name for name in members if name not in optional]
    about = {"required": required} if required else {}
    return {"type": "object", "properties": members, **about}


def _list(of: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": of}


SCHEMAS: Mapping[str, Mapping[str, Any]] = {
    "Plugin": _object(
        name=_TEXT,
        version=_TEXT,
        description=_TEXT,
        author=_TEXT,
        hash={**_MAYBE_TEXT, "description": "The newest usable version of the file."},
        serving={**_MAYBE_TEXT, "description": "The version that answers calls."},
        state={"enum": _STATES},
        reason={**_TEXT, "description": "Why it is in this state."},
        functions={"type": "object", "additionalProperties": ref("Function")},
        asked=_list(ref("Ask")),
        granted=_list(ref("Grant")),
        limits=_TABLE,
        config={**_MAYBE_TABLE, "description": "JSON Schema of its settings."},
        last_error=_MAYBE_TABLE,
        path={**_TEXT, "description": "Its file in the plugin folder; of a native plugin package.module:Name."},
        trust={"enum": ["sandboxed", "native"], "description": "Native plugins are Python in the host's own process."},
    ),
    "Function": _object(
        description=_TEXT,
        input={**_MAYBE_TABLE, "description": "JSON Schema of the input; null for bytes."},
        output={**_MAYBE_TABLE, "description": "JSON Schema of the output; null for bytes."},
        input_media=_TEXT,
        output_media=_TEXT,
    ),
    "Plugins": _object(items=_list(ref("Plugin")), next={**_MAYBE_TEXT, "description": "Cursor, null at the end."}),
    "RpcMessage": _object(
        *("id", "method", "params", "result", "error"),
        jsonrpc={"const": "2.0"},
        id={"type": ["string", "integer", "null"]},
        method=_TEXT,
        params=_TABLE,
        result=_TABLE,
        error=_object("data", code={"type": "integer"}, message=_TEXT, data={}),
    ),
    "Switch": _object(state={"enum": ["enabled", "disabled"]}),
    "Ask": _object(name=_TEXT, scope=_TABLE, reason=_TEXT),
    "Grant": _object(capability=_TEXT, scope=_TABLE, granted_by=_TEXT, granted_at={"type": "number"}),
    "Grants": _object(state={"enum": _STATES}, asked=_list(ref("Ask")), granted=_list(ref("Grant"))),
    "GrantOrder": _object(
        "capability",
        capability={**_MAYBE_TEXT, "description": "What to grant; null or absent for all that is asked."},
    ),
    "Change": _object(
        capability=_TEXT,
        change={"enum": ["new", "wider", "narrower", "dropped"]},
        asked={**_TABLE, "description": "What the newest version asks for; empty for what it dropped."},
        granted={**_MAYBE_TABLE, "description": "What it has; of a narrower or dropped one what was asked before."},
        reason=_TEXT,
        command={**_TEXT, "description": "The command that grants it; empty where nothing is to be granted."},
    ),
    "Changes": _object(items=_list(ref("Change"))),
    "LogLine": _object(
        at={"type": "number", "description": "Seconds since the Unix epoch."}, level=_TEXT, message=_TEXT
    ),
    "LogLines": _object(
        items=_list(ref("LogLine")),
        dropped={"type": "integer", "description": "Lines let go."},
        next={"type": "integer", "description": "Pass it as `after` for what comes later."},
    ),
    "PlainPlugin": _object(
        id=_TEXT,
        name=_TEXT,
        version=_TEXT,
        description=_TEXT,
        state={"enum": _STATES},
        functions=_list(_TEXT),
    ),
    "Execution": _object(
        "input",
        "function",
        input={"description": 'A JSON value, or {"base64": ...} alone for bytes.'},
        function={**_TEXT, "description": "Needed when the plugin has several."},
    ),
    "Executed": _object(output={"description": 'A JSON value, text, or {"base64": ...} for bytes.'}),
    "Status": _object(status={"const": "ok"}),
    **AUDIT_SCHEMAS,
    **HEALTH_SCHEMAS,
    **HOST_SCHEMAS,
    **TASK_SCHEMAS,
    **SESSION_SCHEMAS,
    **LOOP_SCHEMAS,
    **CONNECTOR_SCHEMAS,
    **MEMORY_SCHEMAS,
    **VECTOR_SCHEMAS,
    **WORKFLOW_SCHEMAS,
    **PLUGIN_SCHEMAS,
    "Problem": _object(
        type={**_TEXT, "format": "uri"},
        title=_TEXT,
        status={"type": "integer"},
        code={**_TEXT, "description": "Stable; made for programs."},
        detail={**_TEXT, "description": "What happened."},
        remedy={**_TEXT, "description": "What to do about it."},
        instance={**_TEXT, "description": "Names the request, as `x-request-id` and the log do."},
    ),
}
