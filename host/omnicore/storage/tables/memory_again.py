"""Enters the words of all memories again, after their rows came from a database that keeps words in another way."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from omnicore.storage.store import Session, Store
from omnicore.storage.tables.memory_rows import DEAD
from omnicore.storage.tables.memory_words import full_text

__all__ = ["enter_words_again"]

_PAGE = 1000


def enter_words_again(store: Store, session: Session, words: Callable[[str | None, str], Sequence[str]]) -> None:
    """Makes the full text of every space from its memories.

    Args: words: those of a memory, from its speaker and its text.
    """
    texts = full_text(store)
    for plugin, space in session.execute("SELECT plugin, number FROM memory_spaces").fetchall():
        texts.drop(session, space)
        texts.make(session, space)
        last = -1
        while page := session.execute(
            f"SELECT seq, speaker, text FROM memories WHERE plugin = ? AND seq > ? AND state < {DEAD:d}"
            " ORDER BY seq LIMIT ?",
            (plugin, last, _PAGE),
        ).fetchall():
            texts.add(session, space, [(seq, words(speaker, text)) for seq, speaker, text in page])
            last = page[-1][0]
