"""Users and tokens for commands, on the data of a server that may run beside them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from typing import Any

from omnicore.access.principal import Role
from omnicore.access.service import Access
from omnicore.access.users import checked_plugins, checked_role, user_json
from omnicore.cli.options import Shell
from omnicore.cli.recording import recorded
from omnicore.cli.session import loaded
from omnicore.clock import SystemClock
from omnicore.errors import InvalidInput
from omnicore.storage.opening import open_store
from omnicore.wiring.audit import audit_trail

__all__ = ["opened_access", "plugin_roles", "role_named"]


@contextmanager
def opened_access(shell: Shell) -> Iterator[Access]:
    """The users of the data folder, which is made where there is none; changes leave a row of the record."""
    settings, clock = loaded(shell).settings, SystemClock()
    with ExitStack() as stack:
        store = stack.enter_context(closing(open_store(settings.storage, settings.data, check=False)))
        access = stack.enter_context(closing(Access(store, settings.access, clock)))

        def look(noun: str, name: str) -> Any:
            user = access.users.find(name) if noun == "user" else None
            return None if user is None else user_json(user)

        stack.enter_context(recorded(audit_trail(settings, store, clock=clock), look))
        yield access


def role_named(text: str) -> Role:
    """The role of a name. Raises: InvalidInput."""
    return checked_role(text)


def plugin_roles(texts: Sequence[str]) -> dict[str, Role]:
    """Roles by plugin, from `PLUGIN=ROLE`. Raises: InvalidInput."""
    found = {}
    for text in texts:
        plugin, sign, role = text.partition("=")
        if not sign:
            raise InvalidInput(f"{text[:80]!r} is no PLUGIN=ROLE", remedy="write it as `--plugin text=operator`")
        found[plugin] = role
    return checked_plugins(found)
