"""The principal of a request: who makes it, and with which role."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, Literal, cast

if TYPE_CHECKING:
    from omnicore.storage.tables.access import RoleName


Via = Literal["session", "token", "setting", "owner", "cli", "application", "local", "host"]
"""Proof by which somebody was recognised: a cookie of the console, an API token, the settings' token, the owner's key
or socket, a command, the application around the host, being on this machine while `access.open` is set, or the key of
another host."""


class Role(IntEnum):
    """A set of rights. Each role may do what the roles before it may do.

    `nobody` has no rights of its own, only those on single plugins; `viewer` reads; `operator` calls, retries, enables
    and tests; `admin` decides what runs and who may do what.
    """

    nobody = 0
    viewer = 1
    operator = 2
    admin = 3

    @property
    def word(self) -> RoleName:
        """The name of the role, as records hold it."""
        return cast("RoleName", self.name)


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody who was let in.

    `plugins` raises the role for single plugins, by name. `scopes` narrows a token to tags of the route table, such as
    `plugins`; None is no such limit. `user` is the id of a user, `key` that of the session or the token.
    """

    name: str
    role: Role
    via: Via
    plugins: Mapping[str, Role] = field(default_factory=dict)
    scopes: frozenset[str] | None = None
    user: str | None = None
    key: str | None = None

    @property
    def person(self) -> str:
        """Stands for who asks where something is shared out: a user, whatever with, for users may make tokens."""
        return self.user or f"{self.via} {self.key or ''}"

    def role_for(self, plugin: str | None) -> Role:
        """The role in a request about a plugin, or about none."""
        return max(self.role, self.plugins.get(plugin, Role.nobody)) if plugin else self.role

    def can_see(self, plugin: str) -> bool:
        """True if a list of plugins shows one."""
        return self.role_for(plugin) >= Role.viewer

    def may(self, needs: Role, *, tag: str, plugin: str | None = None) -> bool:
        """True if a request that needs a role is allowed."""
        return self.role_for(plugin) >= needs and (self.scopes is None or tag in self.scopes)


OWNER = Principal("owner", Role.admin, "owner")
"""Whoever holds the owner's key: the person that runs the host."""

LOCAL = Principal("local", Role.admin, "local")
"""Whoever is on this machine, while `access.open` is set, no user was made and no token is set."""

SETTING = Principal("host", Role.admin, "setting")
"""Whoever sends the token of the settings."""
