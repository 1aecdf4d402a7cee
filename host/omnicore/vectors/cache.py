"""Which collections are in memory: those used last, within a number of vectors and of bytes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable

from omnicore.config.sections.vectors import VectorSettings
from omnicore.storage.tables.vectors import Collection
from omnicore.vectors.resident import Resident

__all__ = ["MOST_RESIDENTS", "Cache", "bytes_of"]

MOST_RESIDENTS = 1024
_LINK_BYTES = 4


def bytes_of(collection: Collection, vectors: int, settings: VectorSettings) -> int:
    """About what a collection takes in memory: its matrix, and its index with a second one and two links for each M."""
    row = 4 * collection.dimensions + 17
    if vectors > settings.exact_up_to:
        row += 4 * collection.dimensions + 2 * _LINK_BYTES * settings.m + 32
    return vectors * row


class Cache:
    """Residents by key. One that does not fit is not kept, one not used for long makes room.

    Empty ones take next to nothing, but each is looked at after each write, so there are `MOST_RESIDENTS` at most.
    """

    def __init__(self, settings: VectorSettings, make: Callable[[Collection], Resident]) -> None:
        self._settings = settings
        self._make = make
        self._lock = threading.Lock()
        self._kept: OrderedDict[int, Resident] = OrderedDict()

    def get(self, key: int) -> Resident | None:
        """The resident, if it is in memory; it counts as used."""
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
            return found

    def take(self, collection: Collection) -> Resident | None:
        """The resident, a new one if need be; None when the collection is too large for memory."""
        with self._lock:
            found = self._kept.get(collection.key)
            if found is None:
                if not self._fits([(collection, collection.live)]):
                    return None
                found = self._kept[collection.key] = self._make(collection)
            self._kept.move_to_end(collection.key)
            self._shrink(found, collection.live)
            return found

    def has_room(self, collection: Collection) -> bool:
        """Whether the collection fits beside all that is in memory."""
        with self._lock:
            there = [(one.collection, one.served.twin.living) for one in self._kept.values()]
            return self._fits([*there, (collection, collection.live)])

    def grown(self, resident: Resident) -> None:
        """Makes room after a write; a collection that has become too large leaves itself."""
        with self._lock:
            if self._kept.get(resident.collection.key) is resident:
                self._shrink(resident, resident.served.twin.living)

    def drop(self, key: int) -> None:
        """Forgets a collection."""
        with self._lock:
            self._leave(key)

    def residents(self) -> list[Resident]:
        """All of them, the one used last at the end."""
        with self._lock:
            return list(self._kept.values())

    def vectors(self) -> int:
        """How many vectors are in memory."""
        return sum(one.served.twin.living for one in self.residents())

    def _shrink(self, newest: Resident, living: int) -> None:
        sizes = {
            key: (one.collection, living if one is newest else one.served.twin.living)
            for key, one in self._kept.items()
        }
        for key in list(sizes):
            if self._fits(list(sizes.values())):
                return
            if key != newest.collection.key or len(sizes) == 1:
                self._leave(key)
                del sizes[key]

    def _fits(self, sizes: list[tuple[Collection, int]]) -> bool:
        settings = self._settings
        return (
            len(sizes) <= MOST_RESIDENTS
            and sum(vectors for _, vectors in sizes) <= settings.cache_size
            and sum(bytes_of(one, vectors, settings) for one, vectors in sizes) <= settings.cache_bytes
        )

    def _leave(self, key: int) -> None:
        gone = self._kept.pop(key, None)
        if gone is not None:
            gone.left = True
