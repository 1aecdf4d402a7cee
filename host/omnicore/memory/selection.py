"""Selections of memories: by the scope they are in, and by a filter over their metadata.

A scope holds exactly: who asks for a user's memories gets those of this user and no others, not even those of nobody
in particular. The shared tiers alone hold what belongs to nobody, and that is there for everyone. Scopes are compared
in columns in RAM, and once more with the rows that were found. A filter over metadata is put to the rows where they
are few, else to the index of values, so that neither reads what does not fulfil it.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from omnicore.filters import RANGES, Combination, Condition, MetadataFilter
from omnicore.memory.columns import Bools, MemoryColumns, Places, numbered
from omnicore.memory.item import ANYONE, MemoryScope
from omnicore.storage.tables.memory_words import LAST, fulfilling, unvalued
from omnicore.vectors.numeric import np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from omnicore.storage.tables.memory import KeptMemory, MemoryTable

FEW = 1000
"""The most memories whose rows are read to answer a question."""

_KNOWN = 2_000_000  # places of one index: 16 MB
_VALUE = 24  # places that a value of a condition takes the room of, beside its text


@dataclass(frozen=True, slots=True)
class Selection:
    """The memories that are asked for: a scope, and a filter over their metadata."""

    scope: MemoryScope = ANYONE
    filter: MetadataFilter | None = None

    def __bool__(self) -> bool:
        return self.filter is not None or self.scope != ANYONE

    def passes(self, kept: KeptMemory, *, shared: bool = False) -> bool:
        """True for a row that is in the scope and passes the filter."""
        if not self.scope.fits(kept.scope, shared=shared):
            return False
        return self.filter is None or self.filter.passes(json.loads(kept.metadata))

    def within(self, columns: MemoryColumns, allowed: Bools, *, shared: bool = False) -> Bools:
        """Those of the allowed memories that are in the scope."""
        for name, wanted in zip(("user", "agent", "talk", "app"), self.scope.names, strict=True):
            if wanted is not None:
                column = columns.column(name)
                fits = column == numbered(wanted)
                allowed = allowed & (fits | (column < 0) if shared else fits)
        return allowed


ALL = Selection()
"""All of them."""


class FilteredValues:
    """The memories of one index that fulfil conditions. Used under the lock of the index.

    The places of those that fulfilled a condition stay known: later only memories that came since are asked for.
    """

    def __init__(self) -> None:
        self._columns: MemoryColumns | None = None
        self._known: OrderedDict[tuple[Condition, ...], tuple[int, Places, int]] = OrderedDict()
        self._held = 0
        self._unindexed: tuple[int, ...] = ()

    def __len__(self) -> int:
        return len(self._known)

    def passing(
        self, table: MemoryTable, plugin: str, columns: MemoryColumns, allowed: Bools, wanted: MetadataFilter | None
    ) -> Bools:
        """Those of the allowed memories that pass the filter."""
        if wanted is None:
            return allowed
        if np.count_nonzero(allowed) <= FEW:
            return _put_to_rows(table, plugin, columns, allowed, wanted)
        if columns is not self._columns:
            self._forget(columns)
        left = unvalued(table.store.rows, plugin, LAST)
        if (seqs := tuple(seq for seq, _ in left)) != self._unindexed:
            self._forget(columns)  # some were entered behind those that are known
            self._unindexed = seqs
        mask = self._mask(table, plugin, columns, wanted)
        unindexed = columns.placed(np.array(seqs, np.int64))
        fits = np.array([wanted.passes(json.loads(text)) for _, text in left], np.bool_)
        here = unindexed >= 0
        mask[unindexed[here]] = fits[here]
        return allowed & mask

    def _mask(self, table: MemoryTable, plugin: str, columns: MemoryColumns, wanted: MetadataFilter) -> Bools:
        if isinstance(wanted, Condition):
            return self._fulfilled(table, plugin, columns, (wanted,))
        if wanted.kind == "all":
            ranges, others = _ranges(wanted.parts)
            masks = [self._fulfilled(table, plugin, columns, one) for one in ranges]
            masks += [self._mask(table, plugin, columns, part) for part in others]
            return np.logical_and.reduce(masks) if masks else np.ones(columns.count, np.bool_)
        masks = [self._mask(table, plugin, columns, part) for part in wanted.parts]
        found: Bools = np.logical_or.reduce(masks)
        return found if wanted.kind == "any" else ~found

    def _fulfilled(
        self, table: MemoryTable, plugin: str, columns: MemoryColumns, wanted: tuple[Condition, ...]
    ) -> Bools:
        mask = np.zeros(columns.count, np.bool_)
        mask[self._places(table, plugin, columns, wanted)] = True
        return mask

    def _places(self, table: MemoryTable, plugin: str, columns: MemoryColumns, wanted: tuple[Condition, ...]) -> Places:
        upto, places, _ = self._known.get(wanted, (0, np.zeros(0, np.int64), 0))
        if upto < columns.newest:
            seqs = fulfilling(table.store, plugin, wanted, after=upto, upto=columns.newest)
            new = columns.placed(np.array(seqs, np.int64))
            new = new[new >= 0]
            places = np.concatenate([places, new]) if len(new) else places
        if wanted[0].name not in _CHANGING:
            self._know(wanted, columns.newest, places)
        return places

    def _know(self, wanted: tuple[Condition, ...], upto: int, places: Places) -> None:
        *_, before = self._known.pop(wanted, (0, 0, 0))
        bare = tuple(replace(one, given=()) for one in wanted)
        # Conditions that nothing fulfils take room too.
        size = len(places) + sum(_VALUE + len(text) // 2 for one in bare for text, _ in one.values) + _VALUE
        self._known[bare] = upto, places, size
        self._held += size - before
        while self._held > _KNOWN:
            self._held -= self._known.popitem(last=False)[1][2]

    def _forget(self, columns: MemoryColumns) -> None:
        self._columns, self._held = columns, 0
        self._known.clear()


_CHANGING = frozenset({"usage_count", "success_rate"})
"""Members of metadata that change: those of a skill."""


def _ranges(parts: Sequence[MetadataFilter]) -> tuple[list[tuple[Condition, ...]], list[MetadataFilter]]:
    """The ranges of each member together, and all other parts: what lies between two bounds is read at once."""
    found: dict[str, list[Condition]] = {}
    others: list[MetadataFilter] = []
    for part in parts:
        if isinstance(part, Condition) and part.operator in RANGES:
            found.setdefault(part.name, []).append(part)
        elif isinstance(part, Combination) and part.kind == "all":
            ranges, rest = _ranges(part.parts)
            for one in ranges:
                found.setdefault(one[0].name, []).extend(one)
            others += rest
        else:
            others.append(part)
    return [tuple(ranges) for ranges in found.values()], others


def _put_to_rows(
    table: MemoryTable, plugin: str, columns: MemoryColumns, allowed: Bools, wanted: MetadataFilter
) -> Bools:
    places = np.flatnonzero(allowed)
    texts = table.metadata(plugin, columns.seqs(places))
    mask = np.zeros(len(allowed), np.bool_)
    for place, seq in zip(places.tolist(), columns.seqs(places), strict=True):
        mask[place] = seq in texts and wanted.passes(json.loads(texts[seq]))
    return mask
