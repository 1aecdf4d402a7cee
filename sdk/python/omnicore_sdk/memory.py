# Made from specs/doors by `python -m sdk.generate`; change it there.
"""Remember and recall by meaning, words and time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from omnicore_sdk import _core

__all__ = ["Item", "forget", "get", "recall", "store"]


@dataclass(frozen=True, slots=True)
class Item:
    """Something remembered."""

    id: str
    """Given by the host."""
    tier: str
    """Where it is kept, one of the twelve tiers."""
    text: str
    """Word for word what was stored."""
    importance: float
    """0 to 1."""
    created_at: float
    """Seconds since the Unix epoch."""
    metadata: Mapping[str, Any]
    """What was stored with it."""
    score: float | None
    """The probability that it answers, 0 to 1; None outside of a recall."""


def _read_item(reply: _core.Wire) -> Item:
    return Item(
        id=reply["id"],
        tier=reply["tier"],
        text=reply["text"],
        importance=reply["importance"],
        created_at=reply["created_at"],
        metadata=reply["metadata"],
        score=reply["score"],
    )


def store(
    text: str,
    *,
    tier: str | None = None,
    importance: float | None = None,
    embedding: Sequence[float] | None = None,
    metadata: Mapping[str, Any] | None = None,
    said_at: float | None = None,
    user: str | None = None,
    agent: str | None = None,
    session: str | None = None,
    app: str | None = None,
) -> str:
    """Remembers a text and returns its id. The same text again is the same memory.

    Args:
        text: at most 64 KiB.
        tier: one of the twelve tiers; `episodic` when left out.
        importance: 0 to 1; the host judges when it is left out.
        embedding: of the text; the host makes one when it is left out.
        metadata: at most 16 KiB; `speaker` and `session`, both text, say who said it in which conversation,
            which helps recall.
        said_at: when it was said, in seconds since the Unix epoch; now when left out.
        user: the user whose it is; a recall with a user finds what is this user's and nothing else.
        agent: the agent whose it is.
        session: the session in which it was said.
        app: the application whose it is.

    Raises: DoorError: the door refused or failed.
    """
    request = _core.present(
        tier=tier,
        importance=importance,
        embedding=None if embedding is None else [*embedding],
        metadata=None if metadata is None else {**metadata},
        said_at=said_at,
        user=user,
        agent=agent,
        session=session,
        app=app,
    )
    request |= {"text": text}
    reply = _core.call("memory_store_v1", request)
    id: str = reply["id"]
    return id


def recall(
    *,
    text: str | None = None,
    embedding: Sequence[float] | None = None,
    tiers: Sequence[str] | None = None,
    limit: int | None = None,
    min_score: float | None = None,
    user: str | None = None,
    agent: str | None = None,
    session: str | None = None,
    app: str | None = None,
    filter: Mapping[str, Any] | None = None,
) -> Sequence[Item]:
    """The memories that fit best, best first.

    Args:
        text: what is looked for; this or `embedding` must be there.
        embedding: of what is looked for.
        tiers: where to look; all that are granted when left out.
        limit: 1 to 100; 10 when left out.
        min_score: 0 to 1; only memories that answer with this probability.
        user: only what is this user's.
        agent: the agent whose memories are asked for.
        session: the session in which it was said.
        app: the application whose memories are asked for.
        filter: what the metadata must fulfil, such as `{"year": {"$gte": 2020}}`; `docs/memory.md` has the
            operators.

    Returns: best first.
    Raises: DoorError: the door refused or failed.
    """
    request = _core.present(
        text=text,
        embedding=None if embedding is None else [*embedding],
        tiers=None if tiers is None else [*tiers],
        limit=limit,
        min_score=min_score,
        user=user,
        agent=agent,
        session=session,
        app=app,
        filter=None if filter is None else {**filter},
    )
    reply = _core.call("memory_recall_v1", request)
    return [_read_item(one) for one in reply["items"]]


def get(id: str) -> Item | None:
    """One memory, or nothing.

    Args:
        id: what store returned.

    Returns: None when there is none.
    Raises: DoorError: the door refused or failed.
    """
    request: _core.Wire = {"id": id}
    reply = _core.call("memory_get_v1", request)
    return None if reply["item"] is None else _read_item(reply["item"])


def forget(id: str) -> bool:
    """Forgets a memory; returns whether there was one.

    Args:
        id: what store returned.

    Raises: DoorError: the door refused or failed.
    """
    request: _core.Wire = {"id": id}
    reply = _core.call("memory_forget_v1", request)
    forgotten: bool = reply["forgotten"]
    return forgotten
