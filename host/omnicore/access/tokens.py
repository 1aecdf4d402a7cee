"""API tokens: shown once, kept as digests, never stronger than their owner."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from omnicore.access.keys import TOKEN, digest_of, new_key
from omnicore.access.principal import Role
from omnicore.clock import Clock
from omnicore.config.settings import AccessSettings
from omnicore.errors import Conflict, InvalidInput, NotFound
from omnicore.ids import OrderedIds
from omnicore.storage.store import Store
from omnicore.storage.tables.access import TokenRow, TokensTable

_LONGEST_NAME = 100
_LATEST = 253_402_300_799.0  # the year 9999
_DAY_S = 86_400.0


class Tokens:
    """Tokens of users, and of whoever runs the host: those have no owner.

    Args:
        changed: called after each change, before it is told to anybody.
    """

    def __init__(self, store: Store, settings: AccessSettings, clock: Clock, changed: Callable[[], None]) -> None:
        self._table, self._settings, self._clock, self._changed = TokensTable(store), settings, clock, changed
        self._ids = OrderedIds("tok")

    def page(self, after: str = "", limit: int = 100, *, owner: str | None = None) -> list[dict[str, Any]]:
        """Tokens as REST and the command line show them; of one owner, or all."""
        return [token_json(row, name) for row, name in self._table.page(after, limit, owner=owner)]

    def add(
        self,
        name: str,
        *,
        owner: str | None,
        role: Role,
        plugins: Mapping[str, Role] | None = None,
        scopes: Sequence[str] | None = None,
        expires_at: float | None = None,
    ) -> tuple[TokenRow, str]:
        """Makes a token.

        Args:
            owner: id of a user.
            expires_at: None is as the settings say.

        Returns: what is kept, and the token itself, which nobody can read again.
        Raises: InvalidInput; Conflict: the owner has too many.
        """
        now, key = self._clock.now(), new_key(TOKEN)
        row = TokenRow(
            id=self._ids.next(),
            name=_checked_name(name),
            owner_id=owner,
            role=role.word,
            created_at=now,
            digest=digest_of(key),
            plugins={plugin: one.word for plugin, one in (plugins or {}).items()},
            scopes=None if scopes is None else tuple(sorted(scopes)),
            expires_at=now + self._settings.token_days * _DAY_S if expires_at is None else expires_at,
        )
        if row.expires_at is not None and not now < row.expires_at <= _LATEST:
            raise InvalidInput("the token would be over already", remedy="choose a later time", path="expires_at")
        if not self._table.add(row, most=self._settings.tokens):
            raise Conflict(
                f"there are {self._settings.tokens} tokens of one owner already",
                remedy="revoke one",
            )
        return row, key

    def remove(self, token: str, *, owner: str | None = None) -> None:
        """Revokes a token, of one owner or of anybody. Raises: NotFound."""
        if not self._table.remove(token, owner=owner):
            raise NotFound(f"there is no token {token[:80]!r}", remedy="see `omnicore tokens ls`")
        self._changed()


def token_json(row: TokenRow, owner: str | None) -> dict[str, Any]:
    """A token as REST and the command line show it, without its key."""
    return {**row.to_json(), "owner": owner}


def _checked_name(name: str) -> str:
    text = name.strip()
    if not 0 < len(text) <= _LONGEST_NAME or not text.isprintable():
        raise InvalidInput("the token has no usable name", remedy="use 1 to 100 characters that print", path="name")
    return text
