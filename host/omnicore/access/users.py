"""Users: made, changed and removed. The last admin stays one."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Literal

from omnicore.access.principal import Role
from omnicore.clock import Clock
from omnicore.errors import Conflict, InvalidInput, NotFound
from omnicore.ids import new_id
from omnicore.records import replace
from omnicore.storage.store import Store
from omnicore.storage.tables.access import RoleName, UserRow, UsersTable

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9._@+-]{0,62}[a-z0-9])?\Z")
_PLUGIN = re.compile(r"[^\s/.\x00-\x1f\x7f\ud800-\udfff]{1,128}\Z")
_MOST_PLUGINS = 500


class Users:
    """Users by name.

    Args:
        changed: called after each change, before it is told to anybody.
    """

    def __init__(self, store: Store, clock: Clock, changed: Callable[[], None]) -> None:
        self._table, self._clock, self._changed = UsersTable(store), clock, changed

    def any(self) -> bool:
        """True if there is a user."""
        return self._table.any()

    def page(self, after: str = "", limit: int = 100) -> tuple[UserRow, ...]:
        """Users by name, after a name."""
        return self._table.page(after, limit)

    def get(self, name: str) -> UserRow:
        """The user of a name. Raises: NotFound."""
        row = self._table.named(name.lower()) if is_name(name.lower()) else None
        if row is None:
            raise NotFound(f"there is no user {name[:80]!r}", remedy="see `omnicore users ls`")
        return row

    def find(self, name: str) -> UserRow | None:
        """The same, None for nobody."""
        return self._table.named(name.lower()) if is_name(name.lower()) else None

    def by_id(self, user: str) -> UserRow | None:
        """The user with an id."""
        return self._table.get(user)

    def vouched(self, second: str, subject: str) -> UserRow | None:
        """The user whom another service knows as `subject`."""
        return self._table.vouched(second, subject)

    def add(
        self,
        name: str,
        role: Role,
        *,
        password: str | None,
        plugins: Mapping[str, Role] | None = None,
        second: tuple[Literal["oidc"], str] | None = None,
        first: bool = False,
    ) -> UserRow:
        """Makes a user.

        Args:
            password: its hash.
            second: the service that vouches for somebody, and who that is there.
            first: only while there is nobody.

        Raises: InvalidInput; Conflict: the name is taken, or there is somebody already.
        """
        now = self._clock.now()
        row = UserRow(
            id=new_id("usr"),
            name=checked_name(name),
            role=role.word,
            created_at=now,
            changed_at=now,
            password=password,
            plugins=_named(plugins or {}),
            second=second[0] if second else None,
            subject=second[1] if second else None,
        )
        if not self._table.add(row, first=first):
            fact = "there is a user already" if first else f"the name {row.name!r} is taken"
            raise Conflict(fact, remedy="log in as that one" if first else "choose another name")
        self._changed()
        return row

    def change(
        self,
        name: str,
        *,
        role: Role | None = None,
        plugins: Mapping[str, Role] | None = None,
        disabled: bool | None = None,
        password: str | None = None,
        kept: str | None = None,
    ) -> tuple[UserRow, UserRow]:
        """Changes what is given, and ends the user's sessions.

        Args:
            password: the hash of a new one.
            kept: the hash that somebody knew the password of; where it is another by now, nothing changes.

        Returns: the user before and after.
        Raises: NotFound; Conflict: nobody else is an admin, or the password was changed meanwhile.
        """

        def make(before: UserRow) -> UserRow:
            if kept is not None and before.password != kept:
                raise Conflict("the password was changed meanwhile", remedy="log in with the new one")
            return replace(
                before,
                role=before.role if role is None else role.word,
                plugins=before.plugins if plugins is None else _named(plugins),
                disabled=before.disabled if disabled is None else disabled,
                password=before.password if password is None else password,
                changed_at=self._clock.now(),
            )

        user = self.get(name)
        changed = self._table.change(user.id, make)
        if changed is None:
            raise _last(self.get(name).name)
        self._changed()
        return changed

    def remove(self, name: str) -> UserRow:
        """Removes somebody with sessions and tokens. Raises: NotFound; Conflict: nobody else is an admin."""
        row = self.get(name)
        if not self._table.remove(row.id):
            raise _last(row.name)
        self._changed()
        return row

    def logged_in(self, row: UserRow) -> None:
        """Records that somebody logged in."""
        self._table.logged_in(row.id, at=self._clock.now())

    def rehash(self, row: UserRow, password: str) -> None:
        """Takes a stronger hash of the same password."""
        if row.password is not None:
            self._table.rehash(row.id, old=row.password, new=password)


def is_name(name: str) -> bool:
    """True if this is a valid user name."""
    return _NAME.match(name) is not None


def checked_name(name: str) -> str:
    """A user's name in lower case. Raises: InvalidInput."""
    if not is_name(name.lower()):
        raise InvalidInput(
            "the name is no user name",
            remedy="use 1 to 64 of a-z, 0-9 and . _ @ + - between them",
            path="name",
        )
    return name.lower()


def checked_role(value: Any) -> Role:
    """A role from its name. Raises: InvalidInput."""
    if not isinstance(value, str) or value not in Role.__members__:
        raise InvalidInput("this is no role", remedy=f"use one of {', '.join(Role.__members__)}", path="role")
    return Role[value]


def checked_plugins(value: Any) -> dict[str, Role]:
    """Roles by plugin, from their names. Raises: InvalidInput."""
    if not isinstance(value, Mapping) or len(value) > _MOST_PLUGINS:
        raise InvalidInput(
            "plugins is no object of roles", remedy='send {"PLUGIN": "ROLE"}, at most 500', path="plugins"
        )
    for plugin in value:
        if not isinstance(plugin, str) or not _PLUGIN.match(plugin):
            raise InvalidInput("plugins has what is no plugin's name", remedy="correct it", path="plugins")
    return {plugin: checked_role(role) for plugin, role in value.items()}


def _named(plugins: Mapping[str, Role]) -> dict[str, RoleName]:
    return {plugin: role.word for plugin, role in plugins.items()}


def _last(name: str) -> Conflict:
    return Conflict(f"{name} is the only admin", remedy="make somebody else an admin first")
