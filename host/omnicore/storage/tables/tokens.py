"""API tokens. Only digests of them are kept."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from omnicore.storage.store import Session, Store
from omnicore.storage.tables.access import changing
from omnicore.storage.tables.sessions import HolderRow

__all__ = ["TokenRow", "TokensTable"]

_COLUMNS = "id, name, owner_id, role, plugins, scopes, created_at, expires_at, last_used_at"


@dataclass(frozen=True, slots=True)
class TokenRow:
    """A token. Without an owner it was made by whoever runs the host. Units: seconds since the Unix epoch."""

    id: str
    name: str
    owner_id: str | None
    role: str
    created_at: float
    plugins: Mapping[str, str] = field(default_factory=dict)
    scopes: Sequence[str] | None = None
    expires_at: float | None = None
    last_used_at: float | None = None


class TokensTable:
    """Changes are on the disk when they return."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, row: TokenRow, digest: str, *, most: int) -> bool:
        """Keeps a new token; False: the owner has `most` of them."""
        whose, parameters = ("= ?", (row.owner_id,)) if row.owner_id else ("IS NULL", ())
        with self._store.write(durable=True) as session:
            changing(session)
            held = session.execute(f"SELECT count(*) FROM tokens WHERE owner_id {whose}", parameters).fetchone()[0]
            if held >= most:
                return False
            session.execute(
                f"INSERT INTO tokens (digest, {_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    *(digest, row.id, row.name, row.owner_id, row.role),
                    json.dumps(dict(row.plugins), sort_keys=True),
                    None if row.scopes is None else json.dumps(sorted(row.scopes)),
                    *(row.created_at, row.expires_at, row.last_used_at),
                ),
            )
            return True

    def holder(self, digest: str) -> tuple[TokenRow, HolderRow | None] | None:
        """The token of a digest and its owner, unless that one is disabled."""
        columns = ", ".join(f"t.{name}" for name in _COLUMNS.split(", "))
        found = self._store.rows(
            f"SELECT {columns}, u.id, u.name, u.role, u.plugins FROM tokens t LEFT JOIN users u ON u.id = t.owner_id"
            " WHERE t.digest = ? AND (t.owner_id IS NULL OR u.disabled = 0)",
            (digest,),
        )
        if not found:
            return None
        user_id, name, role, plugins = found[0][9:]
        return _token(found[0]), HolderRow(user_id, name, role, json.loads(plugins)) if user_id else None

    def page(self, after: str, limit: int, *, owner: str | None) -> tuple[tuple[TokenRow, str | None], ...]:
        """Tokens, each with its owner's name; of one owner, or all."""
        columns = ", ".join(f"t.{name}" for name in _COLUMNS.split(", "))
        whose, parameters = (" AND t.owner_id = ?", (after, owner)) if owner else ("", (after,))
        found = self._store.rows(
            f"SELECT {columns}, u.name FROM tokens t LEFT JOIN users u ON u.id = t.owner_id"
            f" WHERE t.id > ?{whose} ORDER BY t.id LIMIT ?",
            (*parameters, limit),
        )
        return tuple((_token(row), row[9]) for row in found)

    def used(self, token: str, *, at: float) -> None:
        """Records that a token was used."""

        def work(session: Session) -> None:
            session.execute("UPDATE tokens SET last_used_at = ? WHERE id = ?", (at, token))

        self._store.apply(work)

    def remove(self, token: str, *, owner: str | None) -> bool:
        """Whether there was such a token, of one owner or of anybody."""
        whose, parameters = (" AND owner_id = ?", (token, owner)) if owner else ("", (token,))
        with self._store.write(durable=True) as session:
            changing(session)
            return session.execute(f"DELETE FROM tokens WHERE id = ?{whose}", parameters).rowcount > 0


def _token(row: Sequence[Any]) -> TokenRow:
    return TokenRow(
        id=row[0],
        name=row[1],
        owner_id=row[2],
        role=row[3],
        plugins=json.loads(row[4]),
        scopes=None if row[5] is None else tuple(json.loads(row[5])),
        created_at=row[6],
        expires_at=row[7],
        last_used_at=row[8],
    )
