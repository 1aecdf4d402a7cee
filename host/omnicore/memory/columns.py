"""Unit vectors in rows, searched one by one: exact, and fast enough for tens of thousands.

The memories of one plugin as columns in RAM, without their texts: what ranking looks at, a copy of the table.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, TypeAlias

from omnicore.memory.tiers import MemoryTier
from omnicore.memory.words import analysed
from omnicore.storage.tables.memory import LIVE, Outline
from omnicore.vectors.numeric import np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy.typing as npt


Floats: TypeAlias = "npt.NDArray[np.float32]"
Places: TypeAlias = "npt.NDArray[np.int64]"
_FIRST = 64


def unit(values: npt.ArrayLike) -> Floats:
    """The vector with length 1; all zeros for one that has no direction or holds what is no number."""
    vector = np.nan_to_num(np.asarray(values, np.float32), nan=0.0, posinf=0.0, neginf=0.0)
    # A large embedding's square would be infinite in 32 bits.
    length = float(np.sqrt(np.dot(vector.astype(np.float64), vector.astype(np.float64))))
    return vector / np.float32(length) if length > 1e-30 else np.zeros_like(vector)


def best(scores: Floats, count: int) -> Places:
    """The places of the highest scores, best first; equal ones in the order of their places.

    Places of scores that are not above minus infinity are left out.
    """
    if 0 < count < len(scores):
        places = np.argpartition(scores, len(scores) - count)[len(scores) - count :]
    else:
        places = np.arange(len(scores))
    places = places[scores[places] > -np.inf]
    order = np.lexsort((places, -scores[places]))
    return np.asarray(places[order][: max(count, 0)], np.int64)


def _products(rows: Floats, query: Floats) -> Floats:
    # BLAS would share this out to threads that wait for each other: on a busy machine that takes a hundred times as
    # long.
    return np.asarray(np.einsum("ij,j->i", rows, query), np.float32)


class Matrix:
    """Rows of unit vectors by place; a row that was never set, or was cleared, is all zeros and `has` nothing.

    Args:
        dimensions: numbers in a row; 0 until the first row says it.
    """

    def __init__(self, dimensions: int = 0) -> None:
        self.dimensions = dimensions
        self.count = 0
        self._rows: Floats = np.zeros((0, dimensions), np.float32)
        self._has = np.zeros(0, np.bool_)

    def set(self, place: int, vector: Floats) -> None:
        """Puts a vector at a place."""
        if not self.dimensions:
            self.dimensions = len(vector)
            self._rows = np.zeros((0, self.dimensions), np.float32)
        self._grow(place + 1)
        self.count += int(not self._has[place])
        self._rows[place] = vector
        self._has[place] = True

    def set_many(self, places: Places, rows: Floats, room: int) -> None:
        """Puts vectors at places, each once, and has zeros at all others below `room`."""
        if not self.dimensions:
            self.dimensions = rows.shape[1]
            self._rows = np.zeros((0, self.dimensions), np.float32)
        self._grow(room)
        self.count += len(places) - int(np.count_nonzero(self._has[places]))
        self._rows[places] = rows
        self._has[places] = True

    def clear(self, place: int) -> None:
        """Empties a place."""
        if place < len(self._has) and self._has[place]:
            self.count -= 1
            self._rows[place] = 0
            self._has[place] = False

    def has(self, places: Places) -> npt.NDArray[np.bool_]:
        """True for each place that holds a vector."""
        inside = places < len(self._has)
        found = np.zeros(len(places), np.bool_)
        found[inside] = self._has[places[inside]]
        return found

    def scores(self, query: Floats, places: Places) -> Floats:
        """The cosines of some rows."""
        found = np.zeros(len(places), np.float32)
        inside = places < len(self._rows)
        found[inside] = _products(self._rows[places[inside]], query)
        return found

    def all_scores(self, query: Floats, count: int) -> Floats:
        """The cosines of the first `count` rows; minus infinity where there is no vector."""
        found = np.full(count, -np.inf, np.float32)
        upto = min(count, len(self._rows))
        found[:upto] = _products(self._rows[:upto], query)
        found[:upto][~self._has[:upto]] = -np.inf
        return found

    def rows(self, places: Places) -> Floats:
        """Copies of some rows, all of which are there."""
        return self._rows[places]

    def row(self, place: int) -> Floats:
        """The vector at a place, zeros where there is none."""
        return self._rows[place] if place < len(self._rows) else np.zeros(self.dimensions, np.float32)

    def _grow(self, count: int) -> None:
        if count <= len(self._rows):
            return
        room = max(_FIRST, count, 2 * len(self._rows))
        rows = np.zeros((room, self.dimensions), np.float32)
        rows[: len(self._rows)] = self._rows
        has = np.zeros(room, np.bool_)
        has[: len(self._has)] = self._has
        self._rows, self._has = rows, has


_FIRST_COLUMNS = 64
_NONE = -1
_HASH_DIGITS = 15  # of a hash in hexadecimal: as many as 63 bits hold
_ALIKE = 100  # speakers whose names share a word; names come from outside
_COLUMNS: dict[str, tuple[str, float]] = {
    "seq": ("int64", 0),
    "tier": ("int8", 0),
    "live": ("bool_", False),
    "kept": ("bool_", False),
    "importance": ("float32", 0),
    "created": ("float64", 0),
    "hits": ("int32", 0),
    "until": ("float64", math.inf),
    "valid_from": ("float64", -math.inf),
    "valid_to": ("float64", math.inf),
    "pinned": ("bool_", False),
    "session": ("int64", _NONE),
    "speaker": ("int64", _NONE),
    "before": ("int64", _NONE),
    "behind": ("int64", _NONE),
    "closeness": ("float32", 0),
    "same": ("int64", 0),
}
Bools: TypeAlias = "npt.NDArray[np.bool_]"


class Speakers:
    """The speakers of memories, numbered in the order they came."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._by_word: dict[str, list[tuple[int, frozenset[str]]]] = {}

    def number(self, name: str) -> int:
        """The number of a speaker."""
        number = self._numbers.get(name)
        if number is None:
            number = self._numbers[name] = len(self._numbers)
            words = frozenset(analysed(name))
            alike = self._by_word.setdefault(min(words), []) if words else []
            if len(alike) < _ALIKE:
                alike.append((number, words))
        return number

    def named(self, said: frozenset[str]) -> set[int]:
        """The speakers whose whole name is among the words."""
        return {speaker for word in said for speaker, name in self._by_word.get(word, ()) if name <= said}


class Sessions:
    """The sessions of memories, numbered in the order they came. `last` is the place of the newest memory of each."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self.last: dict[int, int] = {}

    def number(self, name: str) -> int:
        """The number of a session."""
        return self._numbers.setdefault(name, len(self._numbers))


class MemoryColumns:
    """Columns by place, in the order the memories came. Not safe for two threads at once.

    Neighbours are the memories before and behind in the same session.

    Args:
        sense_by: whose vectors count as the embedder's; those of another are not looked at.
    """

    def __init__(self, sense_by: str | None) -> None:
        self.sense_by = sense_by
        self.upto = 0
        self.newest = 0
        self.count = 0
        self.gone = 0
        self.sense = Matrix()
        self.given = Matrix()
        self.unsensed: set[int] = set()
        self.speakers, self._sessions = Speakers(), Sessions()
        self._place: dict[int, int] = {}
        self._tiers: set[int] = set()
        self._ends = {"until": np.inf, "valid_to": np.inf}
        self._begins = -np.inf
        self._columns: dict[str, npt.NDArray[Any]] = {}
        self._grow(_FIRST_COLUMNS)

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
        sensed: list[tuple[int, bytes]] = []
        for outline in sorted(outlines, key=lambda one: one.seq):
            self.upto = max(self.upto, outline.changed)
            place = self._place.get(outline.seq)
            if place is None:
                if outline.state > LIVE + 1:
                    continue
                place = self._new_place(outline)
            self._set(place, outline)
            if outline.state > LIVE + 1 or self.sense_by is None:
                continue
            if outline.sense is not None and outline.sense_by == self.sense_by:
                sensed.append((place, outline.sense))
            else:
                self.unsensed.add(place)
        if sensed:
            self._set_senses(sensed)

    def open_to(self, tiers: Iterable[MemoryTier], now: float) -> Bools:
        """The memories that may be recalled: live, in one of the tiers, not expired, not superseded, valid now."""
        places = {tier.place for tier in tiers}
        mask: Bools = self.column("live").astype(np.bool_)
        if not self._tiers <= places:  # each look at a column of 100,000 costs a tenth of a millisecond
            wanted = np.zeros(len(MemoryTier), np.bool_)
            wanted[list(places)] = True
            mask &= wanted[self.column("tier")]
        for name, earliest in self._ends.items():
            if earliest <= now:
                mask &= self.column(name) > np.float64(now)
        if self._begins > now:
            mask &= self.column("valid_from") <= np.float64(now)
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

    def _new_place(self, outline: Outline) -> int:
        place = self.count
        self._grow(place + 1)
        self.count += 1
        self._place[outline.seq] = place
        self.newest = max(self.newest, outline.seq)
        columns = self._columns
        columns["seq"][place] = outline.seq
        columns["created"][place] = outline.created_at
        columns["same"][place] = int(outline.hash[:_HASH_DIGITS] or "0", 16)  # who says the same
        if outline.session is not None:
            session = self._sessions.number(outline.session)
            columns["session"][place] = session
            last = self._sessions.last.get(session, _NONE)
            if last != _NONE:
                columns["before"][place] = last
                columns["behind"][last] = place
            self._sessions.last[session] = place
        if outline.speaker is not None:
            columns["speaker"][place] = self.speakers.number(outline.speaker)
        return place

    def _set(self, place: int, outline: Outline) -> None:
        columns = self._columns
        live = outline.state == LIVE and not outline.superseded
        columns["tier"][place] = outline.tier
        columns["live"][place] = live
        columns["kept"][place] = outline.state <= LIVE + 1
        columns["importance"][place] = outline.importance
        columns["hits"][place] = outline.hits
        self._tiers.add(outline.tier)
        self._set_times(place, outline)
        columns["pinned"][place] = bool(outline.pinned)
        if outline.state > LIVE + 1:
            self._take_out(place)
            return
        if outline.given is not None:
            self.given.set(place, unit(np.frombuffer(outline.given, np.float32)))

    def _set_times(self, place: int, outline: Outline) -> None:
        for name, value in (("until", outline.expires_at), ("valid_to", outline.valid_to)):
            end = self._columns[name][place] = np.inf if value is None else value
            self._ends[name] = min(self._ends[name], end)
        begin = self._columns["valid_from"][place] = -np.inf if outline.valid_from is None else outline.valid_from
        self._begins = max(self._begins, begin)

    def _set_senses(self, sensed: Sequence[tuple[int, bytes]]) -> None:
        """Takes in the embedder's vectors, all at once: one by one, 100,000 would take half a second more."""
        size = 2 * self.sense.dimensions or len(sensed[0][1])
        # Others are of another model that has the name now.
        fitting = [(place, sense) for place, sense in sensed if len(sense) == size]
        if fitting:
            places = np.array([place for place, _ in fitting], np.int64)
            halves = np.frombuffer(b"".join(sense for _, sense in fitting), np.float16)
            self.sense.set_many(places, halves.reshape(len(places), -1).astype(np.float32), self.count)
            self.unsensed.difference_update(places.tolist())
            self._measure(places)

    def _measure(self, places: Places) -> None:
        """Sets the cosines of some to their neighbours before and behind."""
        # Of two unit vectors the sum's length follows from their cosine: what makes the pair comparable.
        before, behind = self.neighbours(places)
        for one, other in ((before, places), (places, behind)):
            there = (one != _NONE) & (other != _NONE)
            first, second = self.sense.rows(one[there]), self.sense.rows(other[there])
            self._columns["closeness"][other[there]] = np.einsum("ij,ij->i", first, second)

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
        if self._sessions.last.get(session) == place:
            if before == _NONE:
                del self._sessions.last[session]
            else:
                self._sessions.last[session] = before
        columns["before"][place] = columns["behind"][place] = _NONE

    def _grow(self, count: int) -> None:
        before = len(self._columns["seq"]) if self._columns else 0
        if count <= before:
            return
        room = max(count, 2 * before)
        for name, (kind, empty) in _COLUMNS.items():
            column = np.full(room, empty, kind)
            if before:
                column[:before] = self._columns[name]
            self._columns[name] = column
