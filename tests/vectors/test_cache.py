"""What is kept in memory stays bounded, however many collections there are."""

from __future__ import annotations

from tests.vectors.conftest import Make

from omnicore.storage.tables.vectors import Collection
from omnicore.vectors.collection import MOST_LOADED, CollectionCache, LoadedCollection


def test_collections_without_vectors_do_not_pile_up(make: Make) -> None:
    service = make()
    cache = CollectionCache(
        service.settings, lambda one: LoadedCollection(one, service.table, lambda loaded, reason: None)
    )
    for key in range(MOST_LOADED + 100):
        assert cache.take(Collection(key, "a", f"c{key}", 2, "l2", 0, 0, 0, 0.0)) is not None
    assert len(cache.collections()) == MOST_LOADED
    assert cache.get(MOST_LOADED + 99) is not None
    assert cache.get(0) is None
