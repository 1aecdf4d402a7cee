"""The shapes of settings, of the machine, of backups and of figures over time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from omnicore.api.operation import ref

__all__ = ["HOST_SCHEMAS"]

_TEXT = {"type": "string"}
_FLAG = {"type": "boolean"}
_COUNT = {"type": "integer", "minimum": 0}
_AT = {"type": "number", "description": "Seconds since the Unix epoch."}
_FIGURES = {"type": "array", "items": {"type": ["number", "null"]}}


def _object(*optional: str, **members: Mapping[str, Any]) -> dict[str, Any]:
    required = [name for name in members if name not in optional]
    return {"type": "object", "properties": members, "required": required}


def _list(of: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": of}


def _or_null(name: str) -> dict[str, Any]:
    return {"anyOf": [ref(name), {"type": "null"}]}


HOST_SCHEMAS: Mapping[str, Mapping[str, Any]] = {
    "Setting": _object(
        name={**_TEXT, "description": "With dots, such as `limits.timeout_s`."},
        section={**_TEXT, "description": "The first part of the name, empty for settings of the host itself."},
        doc=_TEXT,
        value={"description": "What holds now; of a secret a mask when it is set, else null."},
        default={},
        origin={
            **_TEXT,
            "description": "default, console, FILE:LINE, a variable, `override NAME`, `environment: PLACE`",
        },
        schema={"type": "object", "description": "JSON Schema of the value."},
        secret=_FLAG,
        editable=_FLAG,
        fixed={**_TEXT, "description": "Why it cannot be changed here; empty when it can."},
        restart={**_FLAG, "description": "A change takes effect when the host is started the next time."},
        override={**_FLAG, "description": "The console has set it."},
        next={"description": "What holds from the next start on, the same as `value` if nothing waits for it."},
        waiting={**_FLAG, "description": "`next` differs from `value`."},
    ),
    "Settings": _object(items=_list(ref("Setting")), waiting={**_FLAG, "description": "Some wait for the next start."}),
    "SettingOrder": _object(value={"description": "The new value, as its schema says."}),
    "Advisory": _object(
        id=_TEXT,
        severity={"enum": ["low", "medium", "high", "critical", "unknown"], "description": "As it was published."},
        summary=_TEXT,
        affected={**_TEXT, "description": "Ranges of versions, such as `>=37.0.0 <37.0.3`."},
    ),
    "Engine": _object(name=_TEXT, version=_TEXT, advisories=_list(ref("Advisory"))),
    "Host": _object(
        name=_TEXT,
        version=_TEXT,
        started_at=_AT,
        uptime_s={"type": "number", "minimum": 0},
        python=_TEXT,
        platform=_TEXT,
        environment={**_TEXT, "description": "Where it runs: local, container, kubernetes or edge."},
        data={**_TEXT, "description": "Its data folder."},
        storage={**_TEXT, "description": "The database, without its password."},
        engines=_list(ref("Engine")),
        advisories_of={**_TEXT, "description": "The day of the list of advisories that came with this version."},
        counts={"type": "object", "additionalProperties": _COUNT, "description": "Plugins by state."},
    ),
    "Backup": _object(
        name=_TEXT,
        size_bytes=_COUNT,
        made_at=_AT,
        state={"enum": ["ready", "making"], "description": "Only a ready one can be restored."},
    ),
    "StagedRestore": _object(backup=_TEXT, asked_at=_AT, by=_TEXT),
    "RestoreOutcome": _object(
        backup=_TEXT,
        at=_AT,
        ok=_FLAG,
        text={**_TEXT, "description": "What came of it, and where what was there before is kept."},
    ),
    "Backups": _object(
        items=_list(ref("Backup")),
        most={**_COUNT, "description": "How many are kept at most."},
        staged=_or_null("StagedRestore"),
        restored=_or_null("RestoreOutcome"),
        failed={**_TEXT, "description": "Why the last backup was not made; empty when it was."},
    ),
    "RestoreOrder": _object(confirm={**_TEXT, "description": "The backup's name, once more."}),
    "Series": _object(
        step_s={"type": "number", "description": "Seconds from one figure to the next."},
        start={**_AT, "description": "When the first step began."},
        series=_object(
            calls=_FIGURES,
            errors=_FIGURES,
            call_ms_p95=_FIGURES,
            tasks={**_FIGURES, "description": "Tasks that ended, well or not."},
            http=_FIGURES,
        ),
    ),
}
