"""What is kept in memory stays bounded, however many collections there are."""

from __future__ import annotations

from tests.vectors.conftest import Make

from omnicore.storage.tables.vectors import Collection
from omnicore.vectors.cache import MOST_RESIDENTS, Cache
from omnicore.vectors.collection import Resident


def test_collections_without_vectors_do_not_pile_up(make: Make) -> None:
    service = make()
    cache = Cache(service.settings, lambda one: Resident(one, service.table, lambda resident, reason: None))
    for key in range(MOST_RESIDENTS + 100):
        assert cache.take(Collection(key, "a", f"c{key}", 2, "l2", 0, 0, 0, 0.0)) is not None
    assert len(cache.residents()) == MOST_RESIDENTS
    assert cache.get(MOST_RESIDENTS + 99) is not None
    assert cache.get(0) is None
