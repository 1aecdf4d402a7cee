"""What is made again from the rows of a backup that came from another database."""

from __future__ import annotations

from omnicore.memory.drafting import words_of
from omnicore.storage.store import Session, Store
from omnicore.storage.tables.memory_again import enter_words_again

__all__ = ["derive"]


def derive(store: Store, session: Session) -> None:
    """The words of memories, in the transaction that brings the rows."""
    enter_words_again(store, session, words_of)
