"""How a search is answered: from memory with or without the graph, or block by block from the table."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from omnicore.config.sections.vectors import VectorSettings
from omnicore.errors import StorageFailed
from omnicore.storage.tables.vectors import Collection, VectorTable
from omnicore.vectors.checked import tag_of
from omnicore.vectors.distance import Floats, Matrix, directed, nearest, prepared
from omnicore.vectors.filters import Filters
from omnicore.vectors.numeric import np
from omnicore.vectors.resident import Found, Resident
from omnicore.vectors.twin import Labels
from omnicore.vectors.vector import Match

__all__ = ["in_memory", "in_table", "matches"]

_ALL = 1 << 31
_WIDER = 4
_WIDEST = 2000


def in_memory(
    table: VectorTable, resident: Resident, query: Matrix, k: int, tags: Sequence[int], settings: VectorSettings
) -> Found:
    """The nearest in a collection that is in memory.

    A filter that lets few through has them compared; a wide one has the graph asked for more than wanted, until
    enough of them pass. Filtering inside of the graph finds 46 % of the nearest where one in a hundred matches.
    """
    wanted = _compared(query, resident.collection.metric)
    if not tags:
        return resident.search(wanted, k)
    indexed = resident.served.graph is not None
    most = max(settings.exact_up_to, k) if indexed else _ALL
    labels = resident.filters.labels(tags, resident.seq, most)
    if labels is not None:
        return resident.search_of(labels, wanted, k)
    found = _widened(table, resident, wanted, k, tags)
    if found is not None:
        return found
    resident.filters.narrowed(tags)
    labels = Filters(table, resident.collection.key).labels(tags, resident.seq, _ALL)
    return resident.search_of(labels if labels is not None else np.empty(0, np.int64), wanted, k)


def in_table(table: VectorTable, row: Collection, query: Matrix, k: int, tags: Sequence[int]) -> Found:
    """The nearest in a collection that is not in memory; no more than a block of it is at a time."""
    wanted = _compared(query, row.metric)
    labels, distances = np.empty(0, np.int64), np.empty(0)
    for block in table.blocks(row.key, 0, row.seq, tags):
        try:
            matrix = np.frombuffer(block.vectors, "<f4").reshape(len(block.seqs), row.dimensions)
        except ValueError as error:
            raise StorageFailed(f"vectors of {row.name} are damaged", remedy="restore a backup") from error
        ready, squares = prepared(matrix, row.metric)
        rows, found = nearest(ready, squares, np.ones(len(ready), np.bool_), wanted, k, row.metric)
        labels = np.concatenate([labels, np.array(block.seqs, np.int64)[rows]])
        distances = np.concatenate([distances, found])
        order = np.argsort(distances, kind="stable")[:k]
        labels, distances = labels[order], distances[order]
    return labels, distances, True


def matches(
    labels: Labels, distances: Floats, named: Mapping[int, tuple[str, str]], filter: Mapping[str, Any] | None
) -> list[Match]:
    """What was found, with ids and metadata. Tags are hashes, so the filter has the last word."""
    wanted = {key: tag_of(key, value) for key, value in filter.items()} if filter else {}
    found = []
    for label, distance in zip(labels.tolist(), distances.tolist(), strict=True):
        if label in named:
            id_, text = named[label]
            metadata = json.loads(text) if text != "{}" else {}
            if all(key in metadata and tag_of(key, metadata[key]) == tag for key, tag in wanted.items()):
                found.append(Match(id_, distance, metadata))
    return found


def _compared(query: Matrix, metric: str) -> Matrix:
    return directed(query.reshape(1, -1))[0] if metric == "cosine" else query


def _widened(table: VectorTable, resident: Resident, query: Matrix, k: int, tags: Sequence[int]) -> Found | None:
    """Asks the graph for more and more; None when too few of the nearest pass the filter."""
    asked = k * _WIDER
    while asked <= max(_WIDEST, k * _WIDER):
        labels, distances, exact = resident.search(query, asked)
        passing = table.having(resident.collection.key, labels.tolist(), tags)
        keep = np.array([label in passing for label in labels.tolist()], np.bool_)
        if np.count_nonzero(keep) >= k:
            return labels[keep][:k], distances[keep][:k], exact
        asked *= _WIDER
    return None
