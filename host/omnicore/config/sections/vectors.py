"""Vector collections and their index: settings."""

from __future__ import annotations

from dataclasses import dataclass

from omnicore.config.setting import setting

__all__ = ["VectorSettings"]


@dataclass(frozen=True, slots=True)
class VectorSettings:
    """Vector collections and their index."""

    m: int = setting(32, "Links of each vector in the index", minimum=2, maximum=128)
    ef: int = setting(100, "Candidates looked at while searching and building", minimum=1)
