"""Vector collections and their index: settings."""

from __future__ import annotations

from dataclasses import dataclass

from omnicore.config.setting import setting

__all__ = ["VectorSettings"]


@dataclass(frozen=True, slots=True)
class VectorSettings:
    """Vector collections and their index."""

    dimensions: int = setting(768, "Dimensions of a collection that names none", minimum=1, maximum=4096)
    m: int = setting(32, "Links of each vector in the index", minimum=2, maximum=128)
    ef: int = setting(100, "Candidates looked at while searching and building", minimum=1, maximum=10_000)
    cache_size: int = setting(
        1_000_000, "Most vectors in memory; larger collections are searched in the database", minimum=0
    )
    cache_bytes: int = setting(1024 * 1024 * 1024, "Most memory of vectors, their index among it", minimum=0)
    exact_up_to: int = setting(20_000, "Vectors up to which a collection needs no index", minimum=0)
    max_collections: int = setting(1000, "Collections of one plugin", minimum=1)
    refresh_s: float = setting(0.1, "Longest time until writes of other processes are found", minimum=0)
    snapshot_s: float = setting(60.0, "Shortest time between two copies of an index on disk", minimum=0)
    threads: int = setting(2, "Threads that build an index", minimum=1, maximum=64)
