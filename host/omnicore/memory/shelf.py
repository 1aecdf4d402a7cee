"""The memories of one plugin as columns in RAM, without their texts: what ranking looks at, a copy of the table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from omnicore.memory.matrix import Floats, Matrix, Places, unit
from omnicore.memory.tiers import MemoryTier
from omnicore.memory.words import analysed
from omnicore.storage.tables.memory_rows import LIVE, Outline

__all__ = ["Shelf"]

_FIRST = 64
_NONE = -1
_HASH_DIGITS = 15  # of a hash in hexadecimal: as many as 63 bits hold
_ALIKE = 100  # speakers whose names share a word; names come from outside
_COLUMNS: dict[str, tuple[type[np.generic], float]] = {
    "seq": (np.int64, 0),
    "tier": (np.int8, 0),
    "live": (np.bool_, False),
    "kept": (np.bool_, False),
    "importance": (np.float32, 0),
    "created": (np.float64, 0),
    "hits": (np.int32, 0),
    "until": (np.float64, np.inf),
    "valid_from": (np.float64, -np.inf),
    "valid_to": (np.float64, np.inf),
    "pinned": (np.bool_, False),
    "session": (np.int64, _NONE),
    "speaker": (np.int64, _NONE),
    "before": (np.int64, _NONE),
    "behind": (np.int64, _NONE),
    "closeness": (np.float32, 0),
    "same": (np.int64, 0),
}
Bools = npt.NDArray[np.bool_]


class Shelf:
    """Columns by place, in the order the memories came. Not safe for two threads at once.

    Neighbours are the memories before and behind in the same session.

    Args:
        sense_by: whose vectors count as the embedder's; those of another are not looked at.
    """

    def __init__(self, sense_by: str | None) -> None:
        self.sense_by = sense_by
        self.upto = 0
        self.count = 0
        self.gone = 0
        self.sense = Matrix()
        self.given = Matrix()
        self.unsensed: set[int] = set()
        self._speakers: dict[str, int] = {}
        self._by_word: dict[str, list[tuple[int, frozenset[str]]]] = {}
        self._sessions: dict[str, int] = {}
        self._last: dict[int, int] = {}
        self._place: dict[int, int] = {}
        self._room = 0
        self._columns: dict[str, npt.NDArray[Any]] = {}
        self._grow(_FIRST)

    def column(self, name: str) -> npt.NDArray[Any]:
        """A column of all memories, dead ones among them."""
        return self._columns[name][: self.count]

    def places(self, seqs: Iterable[int]) -> list[int]:
        """The places of memories by their numbers; -1 for one that is not here."""
        return [self._place.get(seq, _NONE) for seq in seqs]

    def seqs(self, places: Places) -> list[int]:
        """The numbers of the memories at some places."""
        found: list[int] = self._columns["seq"][places].tolist()
        return found

    def apply(self, outlines: Sequence[Outline]) -> None:
        """Takes in what is new or changed."""
        for outline in sorted(outlines, key=lambda one: one.seq):
            self.upto = max(self.upto, outline.changed)
            place = self._place.get(outline.seq)
            if place is None:
                if outline.state > LIVE + 1:
                    continue
                place = self._new_place(outline)
            self._set(place, outline)

    def open_to(self, tiers: Iterable[MemoryTier], now: float) -> Bools:
        """Which memories may be recalled: live, in one of the tiers, not expired, not superseded, valid now."""
        wanted = np.zeros(len(MemoryTier), np.bool_)
        wanted[[tier.place for tier in tiers]] = True
        mask: Bools = wanted[self.column("tier")] & self.column("live")
        for late, early in (("until", None), ("valid_to", None), (None, "valid_from")):
            if late is not None:
                mask &= self.column(late) > np.float64(now)
            if early is not None:
                mask &= self.column(early) <= np.float64(now)
        return mask

    def neighbours(self, places: Places) -> tuple[Places, Places]:
        """The places before and behind in the session, -1 where there is none."""
        before: Places = self._columns["before"][places].astype(np.int64)
        behind: Places = self._columns["behind"][places].astype(np.int64)
        return before, behind

    def in_tier(self, tier: MemoryTier) -> Places:
        """The places of the live memories of a tier."""
        found = (self.column("tier") == np.int8(tier.place)) & self.column("live").astype(np.bool_)
        return np.flatnonzero(found)

    def note_hits(self, places: Iterable[int]) -> None:
        """Counts recalls, which the table counts on its own."""
        for place in places:
            self._columns["hits"][place] += 1

    def named(self, said: frozenset[str]) -> set[int]:
        """The speakers whose whole name is among the words."""
        return {speaker for word in said for speaker, name in self._by_word.get(word, ()) if name <= said}

    def _speaker(self, name: str) -> int:
        number = self._speakers.get(name)
        if number is None:
            number = self._speakers[name] = len(self._speakers)
            words = frozenset(analysed(name))
            alike = self._by_word.setdefault(min(words), []) if words else []
            if len(alike) < _ALIKE:
                alike.append((number, words))
        return number

    def _new_place(self, outline: Outline) -> int:
        place = self.count
        self._grow(place + 1)
        self.count += 1
        self._place[outline.seq] = place
        columns = self._columns
        columns["seq"][place] = outline.seq
        columns["created"][place] = outline.created_at
        columns["same"][place] = int(outline.hash[:_HASH_DIGITS] or "0", 16)  # who says the same
        if outline.session is not None:
            session = self._sessions.setdefault(outline.session, len(self._sessions))
            columns["session"][place] = session
            last = self._last.get(session, _NONE)
            if last != _NONE:
                columns["before"][place] = last
                columns["behind"][last] = place
            self._last[session] = place
        if outline.speaker is not None:
            columns["speaker"][place] = self._speaker(outline.speaker)
        return place

    def _set(self, place: int, outline: Outline) -> None:
        columns = self._columns
        live = outline.state == LIVE and not outline.superseded
        columns["tier"][place] = outline.tier
        columns["live"][place] = live
        columns["kept"][place] = outline.state <= LIVE + 1
        columns["importance"][place] = outline.importance
        columns["hits"][place] = outline.hits
        columns["until"][place] = _or(outline.expires_at, np.inf)
        columns["valid_from"][place] = _or(outline.valid_from, -np.inf)
        columns["valid_to"][place] = _or(outline.valid_to, np.inf)
        columns["pinned"][place] = bool(outline.pinned)
        if outline.state > LIVE + 1:
            self._take_out(place)
            return
        if outline.given is not None:
            self.given.set(place, unit(np.frombuffer(outline.given, np.float32)))
        if outline.sense is not None and outline.sense_by == self.sense_by:
            self._set_sense(place, np.frombuffer(outline.sense, np.float16).astype(np.float32))
        elif self.sense_by is not None:
            self.unsensed.add(place)

    def _set_sense(self, place: int, vector: Floats) -> None:
        self.unsensed.discard(place)
        self.sense.set(place, vector)
        for one, other in ((int(self._columns["before"][place]), place), (place, int(self._columns["behind"][place]))):
            if _NONE not in (one, other):
                # Of two unit vectors the sum's length follows from their cosine: what makes the pair comparable.
                self._columns["closeness"][other] = self.sense.row(one) @ self.sense.row(other)

    def _take_out(self, place: int) -> None:
        """Leaves a place empty and joins its neighbours."""
        self.gone += 1
        self.sense.clear(place)
        self.given.clear(place)
        self.unsensed.discard(place)
        columns = self._columns
        before, behind = int(columns["before"][place]), int(columns["behind"][place])
        if before != _NONE:
            columns["behind"][before] = behind
        if behind != _NONE:
            columns["before"][behind] = before
            if before != _NONE:
                columns["closeness"][behind] = self.sense.row(before) @ self.sense.row(behind)
        session = int(columns["session"][place])
        if self._last.get(session) == place:
            if before == _NONE:
                del self._last[session]
            else:
                self._last[session] = before
        columns["before"][place] = columns["behind"][place] = _NONE

    def _grow(self, count: int) -> None:
        if count <= self._room:
            return
        room = max(count, 2 * self._room)
        for name, (kind, empty) in _COLUMNS.items():
            column = np.full(room, empty, kind)
            if self._room:
                column[: self._room] = self._columns[name]
            self._columns[name] = column
        self._room = room


def _or(value: float | None, otherwise: float) -> float:
    return otherwise if value is None else value
