"""Drafts made into rows: everything that comes from outside is looked at here, once."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from omnicore.errors import InvalidInput
from omnicore.ids import new_id
from omnicore.memory.importance import judged_importance
from omnicore.memory.item import MemoryDraft
from omnicore.memory.matrix import Floats
from omnicore.memory.tiers import MemoryTier, policy_of
from omnicore.memory.words import analysed
from omnicore.storage.tables.memory_rows import LIVE, QUARANTINED, NewMemory
from omnicore.texts import is_whole
from omnicore.vectors.numeric import np

__all__ = [
    "MOST_DIMENSIONS",
    "Origin",
    "checked_embedding",
    "checked_owner",
    "checked_text",
    "drafted",
    "spoken",
    "text_hash",
    "tier_named",
    "words_of",
]

MOST_DIMENSIONS = 4096
_TEXT_BYTES = 64 * 1024
_METADATA_BYTES = 16 * 1024
_NAME_CHARACTERS = 256
_LATEST = 1e15  # seconds, 30 million years


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a memory comes from: who wrote it, in which call, from what."""

    writer: str
    call: str | None = None
    source: str | None = None


def tier_named(name: str) -> MemoryTier:
    """The tier of a name. Raises: InvalidInput."""
    try:
        return MemoryTier(name)
    except ValueError as error:
        raise InvalidInput(
            f"there is no tier {str(name)[:40]!r}", remedy=f"use one of {', '.join(MemoryTier)}"
        ) from error


def drafted(draft: MemoryDraft, origin: Origin, now: float, *, pinned: bool = False) -> NewMemory:
    """The row of a draft, without the embedder's vector. Raises: InvalidInput."""
    tier = tier_named(draft.tier)
    policy = policy_of(tier)
    text = checked_text(draft.text)
    metadata = _checked_metadata(draft.metadata)
    about = draft.metadata
    speaker = _name(about, "speaker")
    importance = judged_importance(text) if draft.importance is None else _checked_importance(draft.importance)
    given = None if draft.embedding is None else checked_embedding(draft.embedding)
    return NewMemory(
        id=new_id("mem"),
        tier=tier.place,
        text=text,
        metadata=metadata,
        importance=importance,
        judged=draft.importance is None,
        created_at=now,
        expires_at=None if policy.ttl_s is None or pinned else now + policy.ttl_s,
        hash=text_hash(text, speaker),
        writer=origin.writer,
        words=tuple(words_of(speaker, text)),
        state=QUARANTINED if tier is MemoryTier.Galactic else LIVE,
        pinned=pinned or tier is MemoryTier.Cosmic,
        session=_name(about, "session"),
        speaker=speaker,
        valid_from=_time(about, "valid_from"),
        valid_to=_time(about, "valid_to"),
        call_id=origin.call,
        source=origin.source or _name(about, "source"),
        given=None if given is None else given.tobytes(),
    )


def checked_owner(owner: str) -> str:
    """The owner itself. Raises: InvalidInput: no name that anything could have."""
    if not 0 < len(owner) <= _NAME_CHARACTERS or not owner.isprintable():
        raise InvalidInput(f"{owner[:40]!r} is no owner of memories", remedy="name a plugin, or @host")
    return owner


def checked_text(text: str) -> str:
    """The text itself. Raises: InvalidInput: empty, too long, or nothing that a database can hold."""
    try:
        size = len(text.encode())
    except UnicodeEncodeError as error:
        raise InvalidInput("the text is no valid Unicode", remedy="use text without lone surrogates") from error
    if not text.strip() or "\x00" in text:
        raise InvalidInput("the text is empty or holds a NUL", remedy="give text with something in it")
    if size > _TEXT_BYTES:
        raise InvalidInput(
            f"a text of {size} bytes cannot be remembered", remedy=f"cut it into pieces of {_TEXT_BYTES} bytes"
        )
    return text


def checked_embedding(values: Sequence[float]) -> Floats:
    """The embedding as float32. Raises: InvalidInput: not 1 to 4096 finite numbers that are not all 0."""
    try:
        with np.errstate(over="ignore"):  # what is too large becomes infinite, and is refused below
            vector = np.asarray(values, np.float32)
    except (TypeError, ValueError, OverflowError) as error:
        raise InvalidInput("the embedding is no list of numbers", remedy="give a list of finite numbers") from error
    if vector.ndim != 1 or not 0 < len(vector) <= MOST_DIMENSIONS:
        raise InvalidInput(
            f"an embedding of shape {vector.shape} cannot be used", remedy=f"give 1 to {MOST_DIMENSIONS} numbers"
        )
    if not np.isfinite(vector).all() or not vector.any():
        raise InvalidInput(
            "the embedding has no direction: it is all zeros, or not all of it is finite",
            remedy="leave the embedding out, and the text is still found by its words",
        )
    return vector


def spoken(speaker: str | None, text: str) -> str:
    """A text with who said it, as it is embedded and searched."""
    return f"{speaker}: {text}" if speaker else text


def words_of(speaker: str | None, text: str) -> list[str]:
    """The words of a memory's full text."""
    return analysed(spoken(speaker, text))


def text_hash(text: str, speaker: str | None = None) -> str:
    """Names a text: the same but for spaces, letter case and Unicode forms is the same text."""
    plain = " ".join(unicodedata.normalize("NFKC", spoken(speaker, text)).casefold().split())
    return hashlib.blake2b(plain.encode("utf-8", "replace"), digest_size=16).hexdigest()


def _checked_importance(value: float) -> float:
    if not isinstance(value, (int, float)) or not 0 <= value <= 1:  # also refuses a NaN
        raise InvalidInput(f"an importance of {value!r} cannot be used", remedy="give a number from 0 to 1")
    return float(value)


def _checked_metadata(values: Mapping[str, Any]) -> str:
    try:
        text = json.dumps(dict(values), allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInput("the metadata are no JSON object", remedy="use JSON values only") from error
    if "\\ud" in text and not is_whole(values):
        raise InvalidInput("the metadata hold half of a character", remedy="use text without lone surrogates")
    if len(text) > 6 * _METADATA_BYTES:  # each character may be written as an escape
        raise InvalidInput(f"metadata of {len(text)} bytes are too many", remedy=f"keep to {_METADATA_BYTES} bytes")
    return text


def _name(about: Mapping[str, Any], key: str) -> str | None:
    value = about.get(key)
    if not isinstance(value, str) or not value or "\x00" in value:
        return None
    return value.encode("utf-8", "replace").decode()[:_NAME_CHARACTERS]


def _time(about: Mapping[str, Any], key: str) -> float | None:
    value = about.get(key)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    if not -_LATEST <= value <= _LATEST:  # also refuses a NaN
        raise InvalidInput(f"{key} is no time", remedy="give seconds since the epoch")
    return float(value)
