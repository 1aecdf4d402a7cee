"""What a database is and holds, for people."""

from __future__ import annotations

from dataclasses import dataclass

from omnicore.storage.size import stored_bytes
from omnicore.storage.store import Dialect, Store
from omnicore.storage.transfer import count_rows

__all__ = ["Description", "describe"]


@dataclass(frozen=True, slots=True)
class Description:
    """A database. Units: `size` in bytes, its log included; `rows` by table; `step` of the migrations."""

    dialect: Dialect
    place: str
    size: int
    step: int
    rows: dict[str, int]


def describe(store: Store) -> Description:
    """Looks at every table. Raises: StorageFailed."""
    step = int(store.rows("SELECT max(number) FROM migrations")[0][0])
    return Description(store.dialect, store.place, stored_bytes(store), step, count_rows(store))
