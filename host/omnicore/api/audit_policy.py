"""What the record keeps of each operation: which of them are changes, and which of their values are left out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from omnicore.access.audit_values import HIDDEN
from omnicore.api.operation import Operation
from omnicore.config.setting import is_secret

__all__ = [
    "CALL",
    "CALLS",
    "LOGINS",
    "NOT_RECORDED",
    "PLUGIN_MEMBERS",
    "Kind",
    "hides_setting",
    "kept_members",
    "kind_of",
    "target_of",
]

Kind = Literal["change", "call", "login", "none"]

CALL = "callFunction"
"""The call of a function, which is measured and so not wrapped like the others."""

CALLS = frozenset(
    {
        CALL,
        "executePlugin",
        "callConnector",
        "triggerConnector",
        "testConnector",
        "callIntelligence",
        "startRun",
        "startTrial",
        "executeWorkflow",
        "runCycle",
        "publishEvents",
        "downloadBackup",
    }
)
"""Uses, which change nothing of the host itself, and downloads of all it holds: recorded in batches, and only of
somebody who logged in."""

NOT_RECORDED = frozenset(
    {
        *("recallMemories", "searchVectors", "verifyAudit", "deliver", "sendMcpMessage", "endMcpSession"),
        *("validateWorkflow", "evaluateExpression"),
    }
)
"""Reads that need a body; deliveries of services, of which the webhook keeps a list of its own; and envelopes, whose
calls are recorded one by one."""

LOGINS = frozenset({"/api/v1/session", "/api/v1/setup", "/api/login", "/api/v1/oidc/callback"})
"""Paths where somebody who is not known yet becomes known, or fails to."""

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_NOUNS = {
    "plugins": "name",
    "connectors": "name",
    "schedules": "name",
    "workflows": "id",
    "webhooks": "name",
    "collections": "name",
    "users": "name",
}

PLUGIN_MEMBERS = frozenset({"name", "version", "hash", "serving", "state", "reason", "granted", "path"})
"""What the record keeps of how a plugin looks."""

_ONLY: Mapping[str, frozenset[str]] = {
    # What plugins remember can be erased, and the record cannot: it says that there was something, never what.
    "memory": frozenset({"id", "tier", "owner", "importance", "pinned", "state", "memory"}),
    "vectors": frozenset({"name", "collection", "owner", "dimensions", "metric", "count", "upserted", "deleted"}),
    "session": frozenset({"session"}),
    # Texts and versions are kept with the workflow, inputs and forms with the run, for as long as those are.
    "workflows": frozenset({"id", "version", "number", "digest", "enabled", "workflow"}),
    "runs": frozenset({"id", "workflow", "number", "status", "forked_from", "run", "place", "seq", "approve"}),
    "omniflow": frozenset({"id", "version", "enabled", "workflow"}),
}
"""By tag, the members that are kept where not all of them are."""

_VALUES = frozenset({"value", "override", "default", "next"})
_NAMES_ONLY = ("/config",)
"""Ends of paths whose values may be secrets by any name: settings of plugins are secret altogether."""


def kind_of(operation: Operation) -> Kind:
    """What the record makes of an operation. One that nobody thought of is a change."""
    if operation.path in LOGINS and operation.open and not operation.websocket:
        return "login" if operation.method == "POST" or operation.path.endswith("callback") else _usual(operation)
    return _usual(operation)


def _usual(operation: Operation) -> Kind:
    if operation.name in CALLS:
        return "call"
    quiet = operation.websocket or operation.method in _SAFE or operation.name in NOT_RECORDED
    return "none" if quiet else "change"


def target_of(path: str, params: Mapping[str, Any], answer: Any = None) -> str:
    """What an operation is about: its first path parameter, or what the answer says that it made.

    >>> target_of("/api/v1/plugins/{plugin}/grants/{capability}", {"plugin": "text", "capability": "kv"})
    'plugin:text'
    >>> target_of("/api/v1/tasks", {}, {"id": "tsk_1"})
    'task:tsk_1'
    """
    for name, value in params.items():
        return f"{name}:{value}"
    noun = path.rstrip("/").rpartition("/")[2]
    if isinstance(answer, Mapping):
        named = answer.get(_NOUNS.get(noun, "id")) or answer.get("name") or answer.get("id")
        if isinstance(named, (str, int)):
            return f"{_singular(noun)}:{named}"
    return _singular(noun)


def kept_members(operation: Operation, value: Any, params: Mapping[str, Any]) -> Any:
    """The members of a request or an answer that the record may keep; secrets that have a secret's name go later."""
    if not isinstance(value, Mapping):
        return value
    told = {**value, **{name: one for name, one in params.items() if name not in value}}
    if "hash" in told and "functions" in told:  # a plugin, as its own operation shows it
        return {name: one for name, one in told.items() if name in PLUGIN_MEMBERS}
    if operation.path.endswith(_NAMES_ONLY):
        return {name: _hidden(one) if name not in params else one for name, one in told.items()}
    if operation.tag == "settings" and hides_setting(str(params.get("setting", ""))):
        told = {name: HIDDEN if name in _VALUES else one for name, one in told.items()}
    only = _ONLY.get(operation.tag)
    return told if only is None else {name: one for name, one in told.items() if name in only}


def hides_setting(setting: str) -> bool:
    """Whether the value of a setting is never recorded."""
    return is_secret(setting) or setting.startswith(("plugin_settings", "app"))


def _hidden(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _hidden(one) for name, one in value.items()}
    return None if value is None else HIDDEN


def _singular(noun: str) -> str:
    return f"{noun[:-3]}y" if noun.endswith("ies") else noun.removesuffix("s")
