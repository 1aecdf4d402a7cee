"""The shapes of sessions, users and tokens, for `schemas.py`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from omnicore.access.principal import Role
from omnicore.api.operation import ref

__all__ = ["SESSION_SCHEMAS"]

_TEXT = {"type": "string"}
_MAYBE_TEXT = {"type": ["string", "null"]}
_TIME = {"type": "number", "description": "Seconds since the Unix epoch."}
_MAYBE_TIME = {"type": ["number", "null"], "description": "Seconds since the Unix epoch."}
_ROLE = {"enum": list(Role.__members__), "description": "Each role may do what those before it may."}
_PLUGINS = {"type": "object", "additionalProperties": _ROLE, "description": "Roles that are higher for single plugins."}
_PASSWORD = {**_TEXT, "format": "password", "maxLength": 1024}
_SCOPES = {
    "type": ["array", "null"],
    "items": _TEXT,
    "description": "Tags of the operations that it may use; null for all of them.",
}


def _object(*optional: str, **members: Any) -> dict[str, Any]:
    required = [name for name in members if name not in optional]
    return {"type": "object", "properties": members, **({"required": required} if required else {})}


def _page(of: str) -> dict[str, Any]:
    return _object(
        items={"type": "array", "items": ref(of)}, next={**_MAYBE_TEXT, "description": "Cursor, null at the end."}
    )


_USER = {"name": _TEXT, "role": _ROLE, "plugins": _PLUGINS}
_TOKEN = {
    "id": _TEXT,
    "name": _TEXT,
    "owner": {**_MAYBE_TEXT, "description": "Name of a user; null for whoever runs the host."},
    "role": _ROLE,
    "plugins": _PLUGINS,
    "scopes": _SCOPES,
    "expires_at": _MAYBE_TIME,
    "created_at": _TIME,
    "last_used_at": {**_MAYBE_TIME, "description": "To the minute, in seconds since the Unix epoch."},
}
SESSION_SCHEMAS: Mapping[str, Mapping[str, Any]] = {
    "SessionUser": _object(id={**_MAYBE_TEXT, "description": "Null for whoever runs the host."}, **_USER),
    "Session": _object(
        user={"anyOf": [ref("SessionUser"), {"type": "null"}], "description": "Who is logged in."},
        via={"enum": ["session", "token", "setting", "local", None], "description": "How that was recognised."},
        scopes=_SCOPES,
        csrf={**_MAYBE_TEXT, "description": "What unsafe requests with the session's cookie send as `x-csrf-token`."},
        setup={"type": "boolean", "description": "No user was made yet."},
        oidc={
            "anyOf": [_object(name=_TEXT), {"type": "null"}],
            "description": "The service by which one can log in too.",
        },
        host=_object(name=_TEXT, version=_TEXT),
    ),
    "Credentials": _object(name=_TEXT, password=_PASSWORD),
    "SetupOrder": _object(
        key={**_TEXT, "description": "From the link that `omnicore run` prints."}, name=_TEXT, password=_PASSWORD
    ),
    "PasswordChange": _object(old=_PASSWORD, new=_PASSWORD),
    "PlainCredentials": _object(username=_TEXT, password=_PASSWORD),
    "PlainToken": _object(token={**_TEXT, "description": "To be sent as `Authorization: Bearer TOKEN`."}),
    "LoggedIn": _object(
        id=_TEXT,
        user=_TEXT,
        via={"enum": ["password", "oidc"]},
        **{"from": {**_TEXT, "description": "Address."}},
        agent={**_TEXT, "description": "What the browser calls itself."},
        created_at=_TIME,
        seen_at={**_TIME, "description": "To the minute, in seconds since the Unix epoch."},
        expires_at=_TIME,
        current={"type": "boolean", "description": "It is the one that asks."},
    ),
    "Sessions": _page("LoggedIn"),
    "User": _object(
        id=_TEXT,
        **_USER,
        disabled={"type": "boolean"},
        created_at=_TIME,
        last_login_at=_MAYBE_TIME,
        second={"enum": ["oidc", None], "description": "Who vouches for somebody without a password."},
    ),
    "Users": _page("User"),
    "UserOrder": _object("plugins", **_USER, password=_PASSWORD),
    "UserChange": _object(
        *("role", "plugins", "disabled", "password"),
        role=_ROLE,
        plugins=_PLUGINS,
        disabled={"type": "boolean"},
        password=_PASSWORD,
    ),
    "Token": _object(**_TOKEN),
    "NewToken": _object(**_TOKEN, secret={**_TEXT, "description": "The token itself. It cannot be read again."}),
    "Tokens": _page("Token"),
    "TokenOrder": _object(
        *("role", "plugins", "scopes", "expires_at"),
        name=_TEXT,
        role={**_ROLE, "description": "No more than its owner has, whatever is asked; default: viewer."},
        plugins=_PLUGINS,
        scopes=_SCOPES,
        expires_at={**_MAYBE_TIME, "description": "Seconds since the Unix epoch; default: as the settings say."},
    ),
}
