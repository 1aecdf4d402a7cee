"""Reads the record from one end to the other and finds where its chain is broken."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from omnicore.access.audit import AuditTrail
from omnicore.errors import StorageFailed
from omnicore.storage.tables.audit import AuditTable
from omnicore.storage.tables.audit_chain import GENESIS, Anchor, AuditRow, hash_of

__all__ = ["Verdict", "verify"]

_BATCH = 1000


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a look at the chain found.

    `rows` were read; `broken_at` is the number of the first row that is altered, missing or out of order. Where the
    time did not reach the end `complete` is false, and `last` is where to go on.
    """

    ok: bool
    rows: int
    last: Anchor
    complete: bool = True
    broken_at: int | None = None
    reason: str = ""

    def to_json(self) -> dict[str, Any]:
        """The verdict as a JSON value."""
        return {
            "ok": self.ok,
            "complete": self.complete,
            "rows": self.rows,
            "last": {"seq": self.last.seq, "hash": self.last.hash},
            "broken_at": self.broken_at,
            "reason": self.reason,
        }


def verify(
    trail: AuditTrail,
    *,
    after: int = 0,
    noted: Anchor | None = None,
    go_on: Callable[[int], bool] = lambda _rows: True,
) -> Verdict:
    """Recomputes every hash, in batches, and compares the ends with what was signed off.

    Rows that are added or go because they are old meanwhile do no harm.

    Args:
        after: the row to begin after, where an earlier look ended.
        noted: a row that somebody noted elsewhere; it must be there, unless it is too old.
        go_on: asked after each batch with the rows read so far.

    Raises: StorageFailed.
    """
    try:
        signed = trail.head.read()
    except StorageFailed as error:
        return Verdict(False, 0, Anchor(), broken_at=None, reason=str(error))
    walk = _Walk(trail.table, after, [one for one in (signed, noted) if one is not None])
    while walk.broken is None and walk.step():
        if not go_on(walk.rows):
            return Verdict(True, walk.rows, walk.last, complete=False)
    return walk.verdict()


class _Walk:
    """One way through the chain. The ends are read first: the chain may grow behind them, never shrink."""

    def __init__(self, table: AuditTable, after: int, wanted: list[Anchor]) -> None:
        self._table = table
        self._base = table.anchor("base")
        self._head = table.anchor("head")
        self._wanted = {one.seq: one.hash for one in wanted}
        self._conflict = next((one.seq for one in wanted if self._wanted[one.seq] != one.hash), None)
        self._whole = after <= self._base.seq
        self.last = self._base if self._whole else Anchor(after, table.hash_at(after) or "")
        self._checkpoint: Any = None
        self.rows = 0
        self.broken: tuple[int, str] | None = None

    def step(self) -> bool:
        """Reads a batch; whether there was one."""
        batch = self._table.after(self.last.seq, _BATCH)
        for row in batch:
            if not self._fits(row):
                return False
        return bool(batch)

    def verdict(self) -> Verdict:
        """What came of the whole way."""
        broken = self.broken or self._ends()
        if broken is None:
            return Verdict(True, self.rows, self.last)
        return Verdict(False, self.rows, self.last, broken_at=broken[0], reason=broken[1])

    def _fits(self, row: AuditRow) -> bool:
        if row.seq != self.last.seq + 1 and not self._went(row.seq):
            self.broken = (self.last.seq + 1, f"row {self.last.seq + 1} is missing")
            return False
        if row.hash != hash_of(row.seq, row.entry, self.last.hash):
            self.broken = (row.seq, f"row {row.seq} was altered, or is not the one that followed row {self.last.seq}")
            return False
        wanted = self._wanted.pop(row.seq, row.hash)
        if wanted != row.hash:
            self.broken = (row.seq, f"row {row.seq} is not the one that was signed off")
            return False
        self.last = Anchor(row.seq, row.hash)
        self.rows += 1
        if row.entry.action == "trimAudit" and row.entry.via == "host":
            self._checkpoint = row
        return True

    def _went(self, seq: int) -> bool:
        """Whether the rows before one went because they were old, while they were read."""
        base = self._table.anchor("base")
        if base.seq + 1 != seq or base.seq <= self._base.seq:
            return False
        self._base = self.last = base
        self._whole = True
        return True

    def _ends(self) -> tuple[int, str] | None:
        end = self.last.seq
        if self._head.seq > end:
            return end + 1, f"rows {end + 1} to {self._head.seq} are missing at the end"
        if self._table.anchor("head").seq < end:
            return end, f"row {end} was added by somebody else than a host"
        missing = sorted(seq for seq in self._wanted if seq > end)
        if missing:
            return end + 1, f"rows {end + 1} to {missing[-1]} are missing at the end: row {missing[-1]} was signed off"
        wrong = self._wrong_base()
        return wrong or ((self._conflict, f"row {self._conflict} was noted otherwise") if self._conflict else None)

    def _wrong_base(self) -> tuple[int, str] | None:
        """Rows may only lack at the beginning where a checkpoint says so."""
        base = self._table.anchor("base")
        if not self._whole or (base.seq == 0 and base.hash == GENESIS) or base.seq > self._base.seq:
            return None
        if self._wanted.get(base.seq, base.hash) != base.hash:
            return base.seq, f"row {base.seq} is not the one that was signed off"
        said = json.loads(self._checkpoint.entry.after or "{}") if self._checkpoint is not None else {}
        if (said.get("seq"), said.get("hash")) == (base.seq, base.hash):
            return None
        return base.seq + 1, f"the rows before {base.seq + 1} are missing and no checkpoint says why"
