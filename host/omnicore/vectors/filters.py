"""Which vectors have the metadata that a filter wants, read from the table once and then only what is new."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence

from omnicore.storage.tables.vectors import VectorTable
from omnicore.vectors.numeric import np
from omnicore.vectors.twin import Labels

__all__ = ["Filters"]

_KEPT = 16


class Filters:
    """The labels that match the filters asked last. A label matches for ever, so only new ones are looked for.

    Labels that died meanwhile stay in here: who searches leaves the dead out anyway.
    """

    def __init__(self, table: VectorTable, key: int) -> None:
        self._table = table
        self._key = key
        self._lock = threading.Lock()
        self._known: OrderedDict[tuple[int, ...], tuple[int, Labels]] = OrderedDict()
        self._wide: set[tuple[int, ...]] = set()

    def labels(self, tags: Sequence[int], seq: int, most: int) -> Labels | None:
        """What has all tags up to `seq` at least, or None when it is more than `most`."""
        wanted = tuple(sorted(tags))
        if wanted in self._wide:
            return None
        with self._lock:
            upto, labels = self._known.get(wanted, (0, np.empty(0, np.int64)))
        if upto < seq:
            new = self._more(wanted, upto, most + 1 - len(labels))
            if new is None or len(labels) + len(new) > most:
                self._set_wide(wanted)
                return None
            labels = np.concatenate([labels, np.array(new, np.int64)]) if new else labels
            upto = max(seq, new[-1]) if new else seq
        with self._lock:
            self._known[wanted] = (upto, labels)
            self._known.move_to_end(wanted)
            while len(self._known) > _KEPT:
                self._known.popitem(last=False)
        return labels

    def narrowed(self, tags: Sequence[int]) -> None:
        """Says that a filter let few through after all: it is counted again."""
        self._wide.discard(tuple(sorted(tags)))

    def _more(self, tags: tuple[int, ...], after: int, most: int) -> list[int] | None:
        """The first labels behind `after`; None when even the rarest tag has too many to go through."""
        if len(tags) == 1 or after:
            return self._table.matching(self._key, tags, after, most)
        shares = sorted((self._table.share(self._key, tag, most), tag) for tag in tags)
        if shares[0][0] >= most:
            return None
        return self._table.matching(self._key, [tag for _, tag in shares], after, most)

    def _set_wide(self, tags: tuple[int, ...]) -> None:
        with self._lock:
            if len(self._wide) > 64 * _KEPT:
                self._wide.clear()
            self._wide.add(tags)
            self._known.pop(tags, None)
