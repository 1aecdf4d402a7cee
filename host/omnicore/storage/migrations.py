"""The numbered steps that bring a database up to date. A step that has shipped is never changed."""

from __future__ import annotations

from omnicore.errors import StorageFailed
from omnicore.storage.schema import STEPS
from omnicore.storage.schema.table import Step

__all__ = ["NEWEST", "pending"]


NEWEST = len(STEPS)


def pending(done: int, place: str) -> list[tuple[int, str, Step]]:
    """The steps after the one numbered `done`, each with its number and name.

    Raises: StorageFailed: a newer OmniCore wrote the database.
    """
    if done > NEWEST:
        raise StorageFailed(
            f"{place} was written by a newer OmniCore (step {done}, this one knows {NEWEST})",
            remedy="upgrade OmniCore, or give this one another data folder",
            path=place,
        )
    return [(number, name, step) for number, (name, step) in enumerate(STEPS[done:], start=done + 1)]
