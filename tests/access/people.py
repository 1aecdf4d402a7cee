"""Users for tests: passwords are hashed as cheaply as argon2 allows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from omnicore.access.keys import OwnerKey
from omnicore.access.principal import Role
from omnicore.access.service import Access
from omnicore.clock import Clock, ManualClock
from omnicore.config.settings import AccessSettings
from omnicore.storage.store import Store
from omnicore.storage.tables.access import UserRow

__all__ = ["CHEAP", "PASSWORD", "access_on", "make"]

PASSWORD = "correct horse battery"
CHEAP: dict[str, Any] = {"hash_passes": 1, "hash_memory_kib": 8}


@contextmanager
def access_on(store: Store, clock: Clock | None = None, **changes: Any) -> Iterator[Access]:
    """The users of a database."""
    clock, settings = clock or ManualClock(), AccessSettings(**{**CHEAP, **changes})
    with (
        TemporaryDirectory() as data,
        closing(Access(store, settings, clock, owner=OwnerKey(Path(data), clock))) as access,
    ):
        yield access


def make(access: Access, name: str, role: Role = Role.viewer, **more: Any) -> UserRow:
    """A user with the usual password."""
    return access.users.add(name, role, password=access.passwords.hash_blocking(PASSWORD), **more)
