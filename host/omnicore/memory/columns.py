"""Unit vectors in rows, searched one by one: exact, and fast enough for tens of thousands.

The memories of one plugin as columns in RAM, without their texts: what ranking looks at, a copy of the table.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, TypeAlias

from omnicore.memory.tiers import MemoryTier
from omnicore.memory.words import analysed
from omnicore.storage.tables.memory import LIVE, Outline
from omnicore.vectors.numeric import np

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import numpy.typing as npt


Floats: TypeAlias = "npt.NDArray[np.float32]"
Places: TypeAlias = "npt.NDArray[np.int64]"
Bools: TypeAlias = "npt.NDArray[np.bool_]"
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


_SCALE = np.float32(32767)  # of a row's numbers on 16 bits; a cosine is off by 0.00001 at most
_BLOCK = 512
Rows: TypeAlias = "npt.NDArray[np.int16]"


def _reduced(rows: Floats) -> Rows:
    found: Rows = np.rint(np.clip(rows, -1, 1) * _SCALE).astype(np.int16)
    return found


def _products(rows: Rows, places: Places, query: Floats, found: Floats) -> Floats:
    """The cosines of some rows, into `found`. Piece by piece, so that each stays in the processor's cache."""
    halves = np.empty((min(_BLOCK, len(places)), rows.shape[1]), np.int16)
    whole = np.empty(halves.shape, np.float32)
    for at in range(0, len(places), _BLOCK):
        count = min(_BLOCK, len(places) - at)
        np.take(rows, places[at : at + count], axis=0, out=halves[:count], mode="clip")
        np.copyto(whole[:count], halves[:count])
        # Not `@`: BLAS would share it out to threads that wait for each other on a busy machine.
        np.vecdot(whole[:count], query, out=found[at : at + count])
    found /= _SCALE
    return found


class Matrix:
    """Rows of unit vectors by place; a row that was never set, or was cleared, is all zeros and `has` nothing.

    They are kept on 16 bits: numpy makes 32 of them faster than memory brings twice as many. The first rows may lie
    in a file that is mapped; what changes in them is this process's own.

    Args:
        dimensions: numbers in a row; 0 until the first row says it.
    """

    def __init__(self, dimensions: int = 0) -> None:
        self.dimensions = dimensions
        self.count = 0
        self._base: Rows = np.zeros((0, dimensions), np.int16)
        self._rows: Rows = np.zeros((0, dimensions), np.int16)
        self._has = np.zeros(0, np.bool_)
        self._changed: set[int] | None = None
        self.divided = 0
        """The places up to here are in the lists of a partition."""
        self.moved: set[int] = set()
        """Places among them whose vector came later."""

    @classmethod
    def mapped(cls, base: Rows, has: Bools) -> Matrix:
        """The matrix of a file."""
        found = cls(base.shape[1])
        found._base, found._has = base, np.array(has)
        found.count = int(np.count_nonzero(has))
        return found

    def set(self, place: int, vector: Floats) -> None:
        """Puts a vector at a place."""
        self.set_many(np.array([place]), vector.reshape(1, -1), place + 1)

    def set_many(self, places: Places, rows: Floats, room: int) -> None:
        """Puts vectors at places, each once, and has zeros at all others below `room`."""
        if not self.dimensions:
            self.dimensions = rows.shape[1]
            self._base = self._rows = np.zeros((0, self.dimensions), np.int16)
        self._grow(room)
        reduced = _reduced(rows)
        # Most changes of a memory are none of its vector.
        new = ~(self._has[places] & (self._taken(places) == reduced).all(axis=1))
        places, reduced = places[new], reduced[new]
        self.moved.update(places[places < self.divided].tolist())
        self.count += len(places) - int(np.count_nonzero(self._has[places]))
        self._put(places, reduced)
        self._has[places] = True

    def clear(self, place: int) -> None:
        """Empties a place."""
        if place < len(self._has) and self._has[place]:
            self.count -= 1
            self._put(np.array([place]), np.zeros((1, self.dimensions), np.int16))
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
        start, end = len(self._base), len(self._base) + len(self._rows)
        first = (places >= 0) & (places < start)
        if first.all():
            return _products(self._base, places, query, found)
        behind = (places >= start) & (places < end)
        if behind.all():
            return _products(self._rows, places - start, query, found)
        for rows, chosen, offset in ((self._base, first, 0), (self._rows, behind, start)):
            some = places[chosen] - offset
            found[chosen] = _products(rows, some, query, np.zeros(len(some), np.float32))
        return found

    def all_scores(self, query: Floats, count: int) -> Floats:
        """The cosines of the first `count` rows; minus infinity where there is no vector."""
        found = np.full(count, -np.inf, np.float32)
        for part, start in ((self._base, 0), (self._rows, len(self._base))):
            for at in range(0, min(len(part), count - start), _BLOCK):
                rows = part[at : min(at + _BLOCK, count - start)].astype(np.float32)
                np.vecdot(rows, query, out=found[start + at : start + at + len(rows)])
        upto = min(count, len(self._has))
        found[:upto] /= _SCALE
        found[:upto][~self._has[:upto]] = -np.inf
        found[upto:] = -np.inf
        return found

    def rows(self, places: Places) -> Floats:
        """Copies of some rows, zeros for those that are not there."""
        return self._taken(places).astype(np.float32) / _SCALE

    def row(self, place: int) -> Floats:
        """The vector at a place, zeros where there is none."""
        found: Floats = self.rows(np.array([place]))[0]
        return found

    def begin_copy(self, count: int) -> Bools:
        """Begins to note what changes; which of the first places hold a vector."""
        self._changed = set()
        return self.has(np.arange(count))

    def copied(self, start: int, end: int) -> Rows:
        """The rows from one place up to another as a file holds them."""
        return self._taken(np.arange(start, end))

    def rebase(self, base: Rows) -> None:
        """Lets a file stand for the rows that were copied to it, with what has changed since."""
        for place in sorted(one for one in self._changed or () if one < len(base)):
            base[place] = self._taken(np.array([place]))[0]
        behind = self._taken(np.arange(len(base), max(len(self._has), len(base))))
        self._base, self._rows, self._changed = base, behind, None
        self._has = np.concatenate([self._has, np.zeros(max(0, len(base) - len(self._has)), np.bool_)])

    def _taken(self, places: Places) -> Rows:
        start = len(self._base)
        if len(places) and places.min() >= 0 and places.max() < start:
            return self._base[places]
        found = np.zeros((len(places), self.dimensions), np.int16)
        first = (places >= 0) & (places < start)
        behind = (places >= start) & (places < start + len(self._rows))
        found[first] = self._base[places[first]]
        found[behind] = self._rows[places[behind] - start]
        return found

    def _put(self, places: Places, rows: Rows) -> None:
        first = places < len(self._base)
        self._base[places[first]] = rows[first]
        self._rows[places[~first] - len(self._base)] = rows[~first]
        if self._changed is not None:
            self._changed.update(places.tolist())

    def _grow(self, count: int) -> None:
        start = len(self._base)
        if count <= start + len(self._rows) and count <= len(self._has):
            return
        room = max(_FIRST, count - start, 2 * len(self._rows))
        rows = np.zeros((room, self.dimensions), np.int16)
        rows[: len(self._rows)] = self._rows
        has = np.zeros(start + room, np.bool_)
        has[: len(self._has)] = self._has
        self._rows, self._has = rows, has


_FIRST_COLUMNS = 64
_NONE = -1
_HASH_DIGITS = 15  # of a hash in hexadecimal: as many as 63 bits hold
_ALIKE = 100  # speakers whose names share a word; names come from outside
COLUMNS: dict[str, tuple[str, float]] = {
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
    "talk": ("int64", _NONE),
    "user": ("int64", _NONE),
    "agent": ("int64", _NONE),
    "app": ("int64", _NONE),
    "speaker": ("int64", _NONE),
    "before": ("int64", _NONE),
    "behind": ("int64", _NONE),
    "closeness": ("float32", 0),
    "same": ("int64", 0),
}
"""The kind of each column and what an empty place holds. `talk` is the session's own number, `session` that of the
session of this user, agent and application: whose names for sessions are the same are no neighbours."""
_MOST_ROOM = 1 << 16


@lru_cache(65_536)
def numbered(name: str) -> int:
    """The number of a name, on 60 bits: the same in every process, and what a file holds in its place.

    >>> numbered("Ann") == numbered("Ann") != numbered("Bob")
    True
    """
    return int.from_bytes(blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little") >> 4


class Speakers:
    """The speakers of memories by their numbers, with the numbers of the words of their names."""

    def __init__(self) -> None:
        self.words: dict[int, frozenset[int]] = {}
        self._by_word: dict[int, list[tuple[int, frozenset[int]]]] = {}

    def number(self, name: str) -> int:
        """The number of a speaker."""
        number = numbered(name)
        if number not in self.words:
            self.add(number, frozenset(numbered(word) for word in analysed(name)))
        return number

    def add(self, number: int, words: frozenset[int]) -> None:
        """Enters a speaker by the numbers of the words."""
        self.words[number] = words
        alike = self._by_word.setdefault(min(words), []) if words else []
        if len(alike) < _ALIKE:
            alike.append((number, words))

    def named(self, said: frozenset[str]) -> set[int]:
        """The speakers whose whole name is among the words."""
        if not self._by_word:
            return set()
        heard = {numbered(word) for word in said}
        return {speaker for word in heard for speaker, name in self._by_word.get(word, ()) if name <= heard}


_ENDS = ("until", "valid_to")


@dataclass(slots=True)
class _Order:
    """The places up to `upto` have ascending numbers; `strays` are those of the others."""

    strays: dict[int, int]
    upto: int = 0


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
        self.speakers = Speakers()
        self.erased: list[int] = []
        """The numbers of those that went since somebody emptied this list."""
        self._last: dict[int, int] | None = {}  # the place of the newest memory of each session
        self._order = _Order({})
        self._tiers: set[int] = set()
        self._bounds = {"until": np.inf, "valid_to": np.inf, "valid_from": -np.inf}
        self._columns: dict[str, npt.NDArray[Any]] = {}
        self._grow(_FIRST_COLUMNS)

    @classmethod
    def restored(
        cls, sense_by: str | None, columns: Mapping[str, npt.NDArray[Any]], speakers: Speakers, upto: int
    ) -> MemoryColumns:
        """Columns as `copied` gave them, still without their vectors."""
        found = cls(sense_by)
        found.count = count = len(columns["seq"])
        found.upto, found.speakers, found._last = upto, speakers, None
        found._grow(count)
        for name, values in columns.items():
            found._columns[name][:count] = values
        if count:
            rising = np.diff(columns["seq"]) > 0
            ordered = count if rising.all() else int(np.argmin(rising)) + 1
            strays = {int(columns["seq"][place]): place for place in range(ordered, count)}
            found._order = _Order(strays, ordered)
            found.newest = int(columns["seq"].max())
            found._tiers = set(np.unique(columns["tier"]).tolist())
            found._bounds = {name: float(columns[name].min()) for name in _ENDS}
            found._bounds["valid_from"] = float(columns["valid_from"].max())
        found.gone = count - int(np.count_nonzero(columns["kept"]))
        return found

    def copied(self) -> dict[str, npt.NDArray[Any]]:
        """Copies of all columns."""
        return {name: np.array(column[: self.count]) for name, column in self._columns.items()}

    def sensed(self) -> None:
        """Notes which memories have no vector of the embedder."""
        if self.sense_by is not None:
            kept = np.flatnonzero(self.column("kept"))
            self.unsensed = set(kept[~self.sense.has(kept)].tolist())

    def column(self, name: str) -> npt.NDArray[Any]:
        """A column of all memories, dead ones among them."""
        return self._columns[name][: self.count]

    def places(self, seqs: Iterable[int]) -> list[int]:
        """The places of memories by their numbers; -1 for one that is not here."""
        found: list[int] = self.placed(np.fromiter(seqs, np.int64)).tolist()
        return found

    def placed(self, seqs: Places) -> Places:
        """The places of memories by their numbers; -1 for one that is not here."""
        known = self._columns["seq"][: self._order.upto]
        places = np.searchsorted(known, seqs)
        there = places < len(known)
        there[there] = known[places[there]] == seqs[there]
        places[~there] = _NONE
        if self._order.strays:
            for at in np.flatnonzero(~there).tolist():
                places[at] = self._order.strays.get(int(seqs[at]), _NONE)
        return places

    def seqs(self, places: Places) -> list[int]:
        """The numbers of the memories at some places."""
        found: list[int] = self._columns["seq"][places].tolist()
        return found

    def apply(self, outlines: Sequence[Outline]) -> None:
        """Takes in what is new or changed."""
        sensed: list[tuple[int, bytes]] = []
        rows = sorted(outlines, key=lambda one: one.seq)
        for outline, known in zip(rows, self.places(one.seq for one in rows), strict=True):
            self.upto = max(self.upto, outline.changed)
            gone = outline.state > LIVE + 1
            if known == _NONE and gone:
                continue
            place = self._new_place(outline) if known == _NONE else known
            self._set(place, outline)
            if gone or self.sense_by is None:
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
        for name in _ENDS:
            if self._bounds[name] <= now:
                mask &= self.column(name) > np.float64(now)
        if self._bounds["valid_from"] > now:
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
        if place == self._order.upto and outline.seq > self.newest:
            self._order.upto += 1
        else:
            self._order.strays[outline.seq] = place
        self.newest = max(self.newest, outline.seq)
        columns = self._columns
        columns["seq"][place] = outline.seq
        columns["created"][place] = outline.created_at
        columns["same"][place] = int(outline.hash[:_HASH_DIGITS] or "0", 16)  # who says the same
        whose = (outline.user, outline.agent, outline.app)
        for name, value in zip(("user", "agent", "app"), whose, strict=True):
            if value is not None:
                columns[name][place] = numbered(value)
        if outline.session is not None:
            columns["talk"][place] = session = numbered(outline.session)
            if any(whose):
                session = numbered("\0".join((*(name or "" for name in whose), outline.session)))
            last = self._ends_of_sessions().get(session, _NONE)
            columns["session"][place] = session
            if last != _NONE:
                columns["before"][place] = last
                columns["behind"][last] = place
            self._ends_of_sessions()[session] = place
        if outline.speaker is not None:
            columns["speaker"][place] = self.speakers.number(outline.speaker)
        return place

    def _ends_of_sessions(self) -> dict[int, int]:
        if self._last is None:  # after a start, which many a process does only to ask once
            inside = np.flatnonzero((self.column("session") != _NONE) & (self.column("behind") == _NONE))
            self._last = dict(zip(self.column("session")[inside].tolist(), inside.tolist(), strict=True))
        return self._last

    def _set(self, place: int, outline: Outline) -> None:
        columns = self._columns
        if outline.state > LIVE + 1:
            self._take_out(place)
            return
        columns["tier"][place] = outline.tier
        columns["live"][place] = outline.state == LIVE and not outline.superseded
        columns["kept"][place] = True
        columns["importance"][place] = outline.importance
        columns["hits"][place] = outline.hits
        self._tiers.add(outline.tier)
        self._set_times(place, outline)
        columns["pinned"][place] = bool(outline.pinned)
        if outline.given is not None:
            self.given.set(place, unit(np.frombuffer(outline.given, np.float32)))

    def _set_times(self, place: int, outline: Outline) -> None:
        for name, value in (("until", outline.expires_at), ("valid_to", outline.valid_to)):
            end = self._columns[name][place] = np.inf if value is None else value
            self._bounds[name] = min(self._bounds[name], end)
        begin = self._columns["valid_from"][place] = -np.inf if outline.valid_from is None else outline.valid_from
        self._bounds["valid_from"] = max(self._bounds["valid_from"], begin)

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
        columns = self._columns
        if not columns["kept"][place]:
            return
        self.gone += 1
        self.erased.append(int(columns["seq"][place]))
        self.sense.clear(place)
        self.given.clear(place)
        self.unsensed.discard(place)
        before, behind = int(columns["before"][place]), int(columns["behind"][place])
        if before != _NONE:
            columns["behind"][before] = behind
        if behind != _NONE:
            columns["before"][behind] = before
            if before != _NONE:
                columns["closeness"][behind] = self.sense.row(before) @ self.sense.row(behind)
        session = int(columns["session"][place])
        if session != _NONE and self._ends_of_sessions().get(session) == place:
            if before == _NONE:
                del self._ends_of_sessions()[session]
            else:
                self._ends_of_sessions()[session] = before
        for name, (_, empty) in COLUMNS.items():
            if name != "seq":
                columns[name][place] = empty

    def _grow(self, count: int) -> None:
        before = len(self._columns["seq"]) if self._columns else 0
        if count <= before:
            return
        room = max(count, before + min(before, _MOST_ROOM))
        for name, (kind, empty) in COLUMNS.items():
            column = np.full(room, empty, kind)
            if before:
                column[:before] = self._columns[name]
            self._columns[name] = column
