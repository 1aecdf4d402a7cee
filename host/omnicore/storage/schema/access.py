"""Users' rights, their sessions and tokens, tries to log in, and the count of changes to any of them."""

from __future__ import annotations

from omnicore.storage.schema.table import Statements, Step, Table

__all__ = ["STEP"]

# `plugins` is a JSON object of roles by plugin. `second` names what vouches for somebody without a password, and
# `subject` who that is there. Of sessions and tokens only digests are kept, so a copy of the database opens nothing.
_COLUMNS = (
    "ALTER TABLE users ADD COLUMN plugins TEXT NOT NULL DEFAULT '{}'",
    "ALTER TABLE users ADD COLUMN second TEXT",
    "ALTER TABLE users ADD COLUMN subject TEXT",
)
_INDEX = "CREATE UNIQUE INDEX idx_users_subject ON users (second, subject) WHERE subject IS NOT NULL"
STEP: Step = (
    Statements(
        sqlite=(*_COLUMNS, "ALTER TABLE users ADD COLUMN last_login_at FLOAT", _INDEX),
        postgresql=(*_COLUMNS, "ALTER TABLE users ADD COLUMN last_login_at DOUBLE PRECISION", _INDEX),
    ),
    Table(
        "sessions",
        {
            "id": str,
            "digest": str,
            "user_id": str,
            "via": str,
            "origin": str,
            "agent": str,
            "created_at": float,
            "seen_at": float,
            "expires_at": float,
        },
        pk="id",
        not_null=("digest", "user_id", "via", "origin", "agent", "created_at", "seen_at", "expires_at"),
        indexes=(("user_id", "id"), ("expires_at",)),
        unique=(("digest",),),
    ),
    Table(
        "tokens",
        {
            "id": str,
            "digest": str,
            "name": str,
            "owner_id": str,
            "role": str,
            "plugins": str,
            "scopes": str,
            "created_at": float,
            "expires_at": float,
            "last_used_at": float,
        },
        pk="id",
        not_null=("digest", "name", "role", "plugins", "created_at"),
        indexes=(("owner_id", "id"),),
        unique=(("digest",),),
    ),
    Table(
        "login_tries",
        {"key": str, "failures": int, "since": float, "locked_until": float},
        pk="key",
        not_null=("failures", "since", "locked_until"),
        indexes=(("since",),),
    ),
    Table("access_state", {"name": str, "number": int}, pk="name", not_null=("number",)),
)
