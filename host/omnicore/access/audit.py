"""The record of who changed what: a chain of rows, written down before a change is told to be made.

A change leaves one row, in two steps. Before it begins an *intent* is kept; where that cannot be written, as on a full
disk, the change is not begun. When it is over, one transaction takes the intent away and appends the row, before the
answer is sent. A process that dies in between leaves the intent, and the next host makes a row of it whose outcome is
`unknown`. What needs no such care, calls and refusals, waits in a bounded queue and is appended in batches; a killed
process loses those of its last moment.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Protocol

from omnicore.access.audit_values import kept_text, kept_value
from omnicore.clock import Clock
from omnicore.errors import StorageFailed
from omnicore.ids import new_id
from omnicore.storage.audit_head import HeadFile
from omnicore.storage.tables.audit import AuditTable, Intent
from omnicore.storage.tables.audit_chain import Anchor, AuditEntry, AuditRow

__all__ = ["BEING_RECORDED", "AuditOptions", "AuditTrail", "Entered"]

_Aside = list[tuple[str, dict[str, Any]]]

BEING_RECORDED: ContextVar[_Aside | None] = ContextVar("omnicore_being_recorded", default=None)
"""In a thread or task that makes a change, what the host did on the way: rows of their own, unless the change's row
is about the same thing. None elsewhere."""

_QUEUE = 10_000
_BATCH = 500
_TRIM = 5000
_NAME = 200
_REFUSALS = 120  # a minute
_DAY_S = 86_400.0
_log = logging.getLogger("omnicore.access")


_Waiting = tuple[float, str, str, str, str, str, str | None, str]
"""An entry that waits: plain, for calls make it on their way, where each microsecond counts."""


class AuditOptions(Protocol):
    """The settings under `access` that the record needs."""

    @property
    def audit_calls(self) -> bool: ...

    @property
    def audit_rows(self) -> int: ...

    @property
    def audit_days(self) -> float: ...


class Entered:
    """A change that is being made: end it with `AuditTrail.finish` or `AuditTrail.drop`."""

    __slots__ = ("aside", "entry", "id")

    def __init__(self, intent: str, entry: AuditEntry) -> None:
        self.id, self.entry = intent, entry
        self.aside: _Aside = []


class AuditTrail:
    """The record of one database, safe to use from any thread.

    Args:
        process: a name of this process that tells whether it still lives, see `audit_leftovers`.
        hide: takes the secrets out that the host knows by their values.

    Units: `queue` entries.
    """

    def __init__(
        self,
        table: AuditTable,
        head: HeadFile,
        options: AuditOptions,
        *,
        clock: Clock,
        process: str,
        hide: Callable[[Any], Any] = lambda value: value,
        queue: int = _QUEUE,
    ) -> None:
        self.table, self.head = table, head
        self.process = process
        self._options, self._clock, self._hide = options, clock, hide
        self._queue: deque[_Waiting] = deque()
        self._most = queue
        self._flushing = threading.Lock()
        self._counting = threading.Lock()
        self._minute = self._refusals = 0
        self._told = False
        self.dropped = 0
        """Entries that found the queue full since the last row that says so."""
        self.calls = options.audit_calls

    # -- changes

    def begin(self, *, actor: str, via: str, origin: str, action: str, target: str, before: Any = None) -> Entered:
        """Keeps that a change is about to be made. Raises: StorageFailed: then it must not be made."""
        entry = self._entry(actor, via, origin, action, target, before, None, "unknown")
        intent = Intent(new_id("aud"), self.process, entry.at, entry)
        self.table.intend(intent)
        return Entered(intent.id, entry)

    def finish(self, entered: Entered, outcome: str = "done", after: Any = None, target: str | None = None) -> None:
        """Adds the row of a change that is over. Raises: StorageFailed.

        Args: target: what the change was about, where that shows only afterwards.
        """
        named = entered.entry.target if target is None else kept_text(target)
        entry = entered.entry.ended(outcome, kept_value(after, self._hide), named)
        self.signed(self.table.append([entry], settles=[entered.id]))
        self._note_aside(entered, named)

    @contextmanager
    def making(self, entered: Entered) -> Iterator[None]:
        """The block that makes a change. What the host does in it about other things is noted when it is over."""
        aside: _Aside = []
        mark = BEING_RECORDED.set(aside)
        try:
            yield
        finally:
            BEING_RECORDED.reset(mark)
            entered.aside = aside

    def aside(self, *, target: str, **told: Any) -> None:
        """Notes what happened by itself, or on the way of a change."""
        being = BEING_RECORDED.get()
        if being is None:
            self.note(target=target, **told)
        elif len(being) < _BATCH:
            being.append((target, told))

    def drop(self, entered: Entered) -> None:
        """Forgets a change that was not made. Raises: StorageFailed."""
        self.table.drop(entered.id)
        self._note_aside(entered, entered.entry.target)

    def record(
        self,
        *,
        actor: str,
        via: str,
        origin: str,
        action: str,
        target: str,
        before: Any = None,
        after: Any = None,
        outcome: str = "done",
    ) -> AuditRow:
        """Adds a row at once; it is on the disk when this returns. Raises: StorageFailed."""
        entry = self._entry(actor, via, origin, action, target, before, after, outcome)
        rows = self.table.append([entry])
        self.signed(rows)
        return rows[0]

    # -- what waits for its batch

    def note(
        self, *, actor: str, via: str, origin: str, action: str, target: str, after: Any = None, outcome: str = "done"
    ) -> None:
        """Queues a row; it never waits. A full queue drops it, and a later row says how many went.

        What is kept of `after` is decided here, so that nothing large waits.
        """
        if len(self._queue) >= self._most:
            self.dropped += 1
            return
        value = None if after is None else kept_value(after, self._hide)
        told = (actor[:_NAME], via, origin[:_NAME], action, target[:_NAME])
        self._queue.append((self._clock.now(), *told, value, outcome))

    def refuse(self, *, actor: str, via: str, origin: str, action: str, target: str, outcome: str) -> None:
        """Queues the row of a refusal or a failed login. Of a flood only the first of each minute are kept.

        Otherwise whoever may do nothing at all could fill the record, and so push out of it what others did.
        """
        minute = int(self._clock.monotonic() // 60)
        with self._counting:
            if minute != self._minute:
                self._minute, self._refusals = minute, 0
            self._refusals += 1
            if self._refusals > _REFUSALS:
                self.dropped += 1
                return
        self.note(actor=actor, via=via, origin=origin, action=action, target=target, outcome=outcome)

    def flush(self) -> int:
        """Appends what waits; how many rows that were. Raises: StorageFailed: what was not written goes on waiting."""
        count = 0
        with self._flushing:
            while batch := [_waited(self._queue[place]) for place in range(min(len(self._queue), _BATCH))]:
                lost = self.dropped
                told = [self._own("dropAudit", {"rows": lost})] if lost else []
                self.signed(self.table.append([*batch, *told]))
                self.dropped -= lost
                count += len(batch)
                for _ in batch:
                    self._queue.popleft()
        return count

    @property
    def waiting(self) -> int:
        """Entries that are queued."""
        return len(self._queue)

    # -- care

    def settle(self, abandoned: Callable[[Intent], bool]) -> int:
        """Makes rows, with the outcome `unknown`, of changes whose process died. How many. Raises: StorageFailed."""
        count = 0
        for intent in self.table.intents():
            if abandoned(intent):
                rows = self.table.append([intent.entry], settles=[intent.id])
                self.signed(rows)
                count += len(rows)
        return count

    def trim(self) -> int:
        """Drops what is older or more than the settings keep, behind a checkpoint. How many. Raises: StorageFailed."""
        gone = 0
        older_than = self._clock.now() - self._options.audit_days * _DAY_S

        def checkpoint(base: Anchor, count: int) -> AuditEntry:
            nonlocal gone
            gone += count
            return self._own("trimAudit", {"seq": base.seq, "hash": base.hash, "rows": count})

        keep = self._options.audit_rows
        slack = max(1, keep // 100)
        while rows := self.table.trim(keep=keep, slack=slack, older_than=older_than, most=_TRIM, checkpoint=checkpoint):
            self.signed(rows)
            if gone % _TRIM:
                break
            slack = 0
        return gone

    def accept(self, *, actor: str, via: str, origin: str, action: str, target: str = "audit") -> AuditRow:
        """Signs the chain off as it is, with a row that says so and what was signed off before. Raises: StorageFailed.

        For a database that was put in the place of another one, and for a break that somebody has looked into.
        """
        try:
            known = self.head.read()
        except StorageFailed:
            known = None
        found = self.table.anchor("head")
        entry = self._entry(
            *(actor, via, origin, action, target),
            {"seq": known.seq, "hash": known.hash} if known is not None else None,
            {"seq": found.seq, "hash": found.hash},
            "done",
        )
        row = self.table.append([entry])[0]
        self.head.replace(Anchor(row.seq, row.hash))
        self._told = False
        return row

    def confirmed(self, head: Anchor) -> bool:
        """Whether a row that was signed off is in the chain, or went because it was old."""
        base = self.table.anchor("base")
        if head.seq <= base.seq:
            return head.seq < base.seq or head.hash == base.hash
        return self.table.hash_at(head.seq) == head.hash

    def signed(self, rows: Sequence[AuditRow]) -> None:
        """Signs off rows that are on the disk.

        The file may stay behind the chain, so what goes wrong here fails no change; a break is told once.
        """
        if not rows:
            return
        try:
            whole = self.head.advance(Anchor(rows[-1].seq, rows[-1].hash), self.confirmed)
        except StorageFailed as error:
            if not self._told:
                _log.warning("the head of the audit record is not signed off: %s", error)
            whole = True
        if not whole and not self._told:
            _log.error("the audit record lacks rows that were signed off; see `omnicore audit verify`")
            self._told = True

    def _note_aside(self, entered: Entered, target: str) -> None:
        aside, entered.aside = entered.aside, []
        for other, told in aside:
            if other != target:
                self.note(target=other, **told)

    def _own(self, action: str, after: Any) -> AuditEntry:
        return self._entry("host", "host", self.process, action, "audit", None, after, "done")

    def _entry(
        self,
        actor: str,
        via: str,
        origin: str,
        action: str,
        target: str,
        before: Any,
        after: Any,
        outcome: str,
    ) -> AuditEntry:
        return AuditEntry(
            self._clock.now(),
            kept_text(actor),
            kept_text(via),
            kept_text(origin),
            kept_text(action),
            kept_text(target),
            kept_value(before, self._hide),
            kept_value(after, self._hide),
            outcome,
        )


def _waited(one: _Waiting) -> AuditEntry:
    at, actor, via, origin, action, target, after, outcome = one
    names = (kept_text(actor), kept_text(via), kept_text(origin), kept_text(action), kept_text(target))
    return AuditEntry(at, *names, None, after, outcome)
