"""The shapes of the record of changes, for `schemas.py`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from omnicore.api.operation import ref

__all__ = ["AUDIT_SCHEMAS"]

_TEXT = {"type": "string"}
_COUNT = {"type": "integer"}
_HASH = {**_TEXT, "description": "SHA-256, in hexadecimal digits."}
_VALUE = {"description": "A JSON value without secrets, null where there is none; what is long by its digest."}
_SEQ = {**_COUNT, "minimum": 0}


def _object(members: Mapping[str, Any], *, required: bool = True) -> dict[str, Any]:
    return {"type": "object", "properties": dict(members), **({"required": list(members)} if required else {})}


_ANCHOR = _object({"seq": _SEQ, "hash": _HASH})
AUDIT_SCHEMAS: Mapping[str, Mapping[str, Any]] = {
    "AuditRow": _object(
        {
            "seq": {**_COUNT, "description": "Counts the rows, without a gap."},
            "at": {"type": "number", "description": "Seconds since the Unix epoch."},
            "actor": {**_TEXT, "description": "Who: a user or token, `cli` users, `folder`, or `host`."},
            "via": {**_TEXT, "description": "session, token, setting, local, cli, folder, host or anonymous."},
            "from": {**_TEXT, "description": "The address, or for commands the machine."},
            "action": {**_TEXT, "description": "Name of the operation or the command."},
            "target": {**_TEXT, "description": "What it was about, such as plugin:text."},
            "before": _VALUE,
            "after": _VALUE,
            "outcome": {
                "enum": ["done", "refused", "failed", "unknown"],
                "description": "`unknown`: the process ended before the change did.",
            },
            "hash": _HASH,
        }
    ),
    "AuditRows": _object(
        {
            "items": {"type": "array", "items": ref("AuditRow")},
            "next": {"type": ["string", "null"], "description": "Cursor, null at the end."},
        }
    ),
    "AuditCheck": _object(
        {
            "after": {**_SEQ, "description": "Begin after this row, where an earlier check ended."},
            "noted": {**_ANCHOR, "description": "A row that was noted elsewhere and must be there."},
        },
        required=False,
    ),
    "AuditVerdict": _object(
        {
            "ok": {"type": "boolean"},
            "complete": {"type": "boolean", "description": "Whether it came to the end in the time of a request."},
            "rows": {**_COUNT, "description": "Rows that were read."},
            "last": {**_ANCHOR, "description": "The last row that was read; note it elsewhere, or go on after it."},
            "broken_at": {"type": ["integer", "null"], "description": "The first row that is wrong or missing."},
            "reason": _TEXT,
        }
    ),
}
