"""The database of a data folder, for commands that need no host."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager

from omnicore.config.settings import Settings
from omnicore.errors import NotFound
from omnicore.storage.opening import FILE, open_store
from omnicore.storage.store import Store

__all__ = ["stored"]


@contextmanager
def stored(settings: Settings) -> Iterator[Store]:
    """The database, if there is one: looking makes none."""
    if settings.storage.url is None and not (settings.data / FILE).exists():
        raise NotFound(
            f"there is no database in {settings.data}",
            remedy="name the data folder with --data; `omnicore run` makes a database",
        )
    with closing(open_store(settings.storage, settings.data, check=False)) as store:
        yield store
