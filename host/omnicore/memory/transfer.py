"""Memories as files: JSON lines between a head that names the pack and a foot with the hash of all before it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from omnicore.errors import InvalidInput
from omnicore.memory.item import Memory, MemoryDraft, Origin, shown, tier_named
from omnicore.memory.tiers import MemoryTier
from omnicore.storage.tables.memory import SHARED_SPACE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from omnicore.memory.memories import Memories

__all__ = ["Imported", "export_pack", "import_pack", "parts_of"]


_FORMAT = 1
_LINE_BYTES = 512 * 1024
_BATCH = 500
_NAME_CHARACTERS = 128


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did: memories that it brought or found there, and ones of older versions that it let go."""

    pack: str
    version: str
    memories: int
    replaced: int


def export_pack(
    memories: Memories, file: IO[bytes], *, owner: str, name: str, version: str, tiers: Iterable[str] | None = None
) -> int:
    """Writes an owner's memories and returns how many. Immediate ones are not among them."""
    places = {tier_named(tier).place for tier in (MemoryTier if tiers is None else tiers)}
    written = hashlib.sha256()

    def put(line: dict[str, Any], *, counted: bool = True) -> None:
        data = json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        if counted:
            written.update(data)
        file.write(data)

    put({"format": _FORMAT, "pack": name, "version": version})
    after = count = 0
    while rows := memories.table.page(owner, places, after=after, most=_BATCH):
        for row in rows:
            put(_line(shown(row)))
        count += len(rows)
        after = rows[-1].seq
    put({"sha256": written.hexdigest()}, counted=False)
    return count


def import_pack(memories: Memories, file: IO[bytes], *, owner: str, tier: str | None = None) -> Imported:
    """Takes in a pack, which is checked to its end before its first memory is kept. Again is a no-op.

    In the planetary tier the memories of other versions of the pack go.

    Args:
        file: can be read twice.
        tier: where all of it goes; None for where each line says.

    Raises: InvalidInput: no pack, damaged, or a line that is no memory; LimitExceeded.
    """
    name, version = _verified(file)
    source = f"pack:{name}@{version}"
    origin = Origin("operator", source=source)
    batch: list[MemoryDraft] = []
    count = 0
    for line in _lines(file):
        batch.append(_draft(line, tier))
        if len(batch) == _BATCH:
            count += len(memories.store_many(batch, owner=owner, origin=origin))
            batch = []
    if batch:
        count += len(memories.store_many(batch, owner=owner, origin=origin))
    replaced = _replace_older(memories, name, source) if tier == MemoryTier.Planetary else 0
    return Imported(name, version, count, replaced)


def parts_of(file: IO[bytes], *, most_bytes: int) -> Iterator[bytes]:
    """A pack as packs of the same name and version that are no longer than some bytes, or hold one memory each.

    Raises: InvalidInput: no pack, or damaged.
    """
    _verified(file)
    file.seek(0)
    lines, held = _raw_lines(file), list[bytes]()
    head = next(lines)
    body = len(head)
    previous: bytes | None = None
    for raw in lines:
        if previous is not None:
            if held and body + len(previous) > most_bytes:
                yield _packed(head, held)
                held, body = [], len(head)
            held.append(previous)
            body += len(previous)
        previous = raw
    yield _packed(head, held)


def _packed(head: bytes, lines: Sequence[bytes]) -> bytes:
    data = head + b"".join(lines)
    return data + json.dumps({"sha256": hashlib.sha256(data).hexdigest()}).encode() + b"\n"


def _line(memory: Memory) -> dict[str, Any]:
    shown_fields = ("text", "tier", "importance", "created_at", "pinned", "writer", "source")
    line: dict[str, Any] = {name: getattr(memory, name) for name in shown_fields}
    line["metadata"] = dict(memory.metadata)
    if memory.embedding is not None:
        line["embedding"] = memory.embedding
    return line


def _verified(file: IO[bytes]) -> tuple[str, str]:
    """The name and version of a pack whose hash is right."""
    file.seek(0)
    told = hashlib.sha256()
    head: dict[str, Any] | None = None
    last = b""
    for raw in _raw_lines(file):
        head = _object(raw, 1) if head is None else head
        told.update(last)
        last = raw
    foot = _object(last, 0) if last else {}
    if head is None or head.get("format") != _FORMAT or foot.get("sha256") != told.hexdigest():
        raise InvalidInput(
            "the file is no memory pack, or it is damaged", remedy="make it with `omnicore memory export`"
        )
    name, version = head.get("pack"), head.get("version")
    if not all(isinstance(one, str) and 0 < len(one) <= _NAME_CHARACTERS for one in (name, version)):
        raise InvalidInput("the pack has no name or version", remedy="make it with `omnicore memory export`")
    return str(name), str(version)


def _lines(file: IO[bytes]) -> Iterator[dict[str, Any]]:
    """What stands between head and foot."""
    file.seek(0)
    held: bytes | None = None
    for number, raw in enumerate(_raw_lines(file)):
        if held is not None:
            yield _object(held, number)
        held = raw if number else None


def _raw_lines(file: IO[bytes]) -> Iterator[bytes]:
    while raw := file.readline(_LINE_BYTES + 1):
        if len(raw) > _LINE_BYTES:
            raise InvalidInput("a line of the pack is too long", remedy=f"keep lines to {_LINE_BYTES} bytes")
        yield raw


def _object(raw: bytes, number: int) -> dict[str, Any]:
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"line {number} of the pack is no JSON", remedy="make the pack anew") from error
    if not isinstance(found, dict):
        raise InvalidInput(f"line {number} of the pack is no object", remedy="make the pack anew")
    return found


def _draft(line: dict[str, Any], tier: str | None) -> MemoryDraft:
    text, importance = line.get("text"), line.get("importance")
    metadata, embedding = line.get("metadata", {}), line.get("embedding")
    wanted = tier or line.get("tier")
    fits = isinstance(text, str) and isinstance(wanted, str) and isinstance(metadata, dict)
    if not fits or not (embedding is None or isinstance(embedding, list)):
        raise InvalidInput("a line of the pack is no memory", remedy="give text, tier and metadata")
    return MemoryDraft(str(text), str(wanted), importance, None if embedding is None else tuple(embedding), metadata)


def _replace_older(memories: Memories, name: str, source: str) -> int:
    """Forgets what other versions of the pack brought."""
    place = MemoryTier.Planetary.place
    after = replaced = 0
    while rows := memories.table.page(SHARED_SPACE, (place,), after=after, most=_BATCH):
        after = rows[-1].seq
        old = [row.seq for row in rows if (row.source or "").startswith(f"pack:{name}@") and row.source != source]
        if old:
            replaced += memories.table.forget(SHARED_SPACE, old, memories.clock.now())
    return replaced
