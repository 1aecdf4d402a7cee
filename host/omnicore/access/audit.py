"""The audit log of changes: values without secrets, rows in a chain, and verification of the chain.

A change leaves one row, in two steps. Before it begins, an *intent* is stored; if the intent cannot be written, for
example because the disk is full, the change does not begin. When the change is over, one transaction removes the intent
and appends the row, before the answer is sent. A process that dies in between leaves the intent, and the next host
turns it into a row with the outcome `unknown`. Calls and refusals wait in a bounded queue and are appended in batches;
a killed process loses those of its last moment.
"""

from __future__ import annotations

import hashlib
import json
import logging
import math
import os
import re
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Protocol

from omnicore.access.keys import SHOWN
from omnicore.config.schema import is_secret
from omnicore.errors import StorageFailed
from omnicore.ids import new_id
from omnicore.storage.tables.audit import (
    GENESIS,
    Anchor,
    AuditEntry,
    AuditRow,
    AuditTable,
    Intent,
    canonical,
    hash_of,
)

if TYPE_CHECKING:
    from omnicore.clock import Clock
    from omnicore.storage.tables.audit import HeadFile


HIDDEN = "[redacted]"
MOST_BYTES = 8192
"""The most that `before` or `after` take in a row."""

_TEXT = 1024
_ITEMS = 100
_DEPTH = 8
_DIGITS = 64  # bits of a number; a longer one is shown by its digest
_NAMES = frozenset(
    {"authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key", "x-auth-token", "x-csrf-token"}
    | {"csrf", "passphrase", "code", "signature"}
)
_FORMS: tuple[tuple[re.Pattern[str], str], ...] = (
    (SHOWN, HIDDEN),
    (re.compile(r"\b(?i:bearer)\s+[\w.~+/=-]{8,}"), f"Bearer {HIDDEN}"),
    (re.compile(r"\b(?i:basic)\s+[\w+/]{8,}={0,2}"), f"Basic {HIDDEN}"),
    (re.compile(r"://[^/@\s:]{0,200}:[^/@\s]{1,500}@"), f"://{HIDDEN}@"),
    (
        re.compile(r"(?i)((?:token|secret|passw(?:or)?d|api[-_]?key|signature)[\"']?\s*[=:]\s*[\"']?)[^\s\"'&;,]+"),
        rf"\1{HIDDEN}",
    ),
)


def kept_text(text: str, most: int = 200) -> str:
    """A name as a column takes it: bounded, and every character one that can be stored and shown.

    >>> kept_text("a" + chr(0) + chr(0xD800))
    'a\\\\x00\\\\ud800'
    """
    if len(text) <= most and text.isprintable():
        return text
    shown = "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text[:most])
    return shown if len(shown) <= most else f"{shown[: most - 1]}…"


def kept_value(value: Any, hide: Callable[[Any], Any] = lambda value: value) -> str | None:
    """A value as canonical JSON of at most `MOST_BYTES`, its secrets hidden by their names and forms.

    What is too long stands there by its size and SHA-256. None stays None.

    Args:
        hide: hides further secrets in a JSON value, which is of bounded depth by then.
    """
    if value is None:
        return None
    text = canonical(hide(_clean(value, _DEPTH)))
    return text if len(text) <= MOST_BYTES else canonical(_digest(text.encode()))


def _clean(value: Any, depth: int) -> Any:
    if isinstance(value, (bool, int, float)):
        return _number(value)
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, bytes):
        return _digest(value)
    if value is None or depth == 0:
        return None if value is None else "…"
    return _members(value, depth) if isinstance(value, Mapping) else _items(value, depth)


def _number(value: float) -> Any:
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int(value) if value.bit_length() <= _DIGITS else _digest(f"{value:x}".encode())
    return float(value) if math.isfinite(value) else str(value)


def _members(value: Mapping[Any, Any], depth: int) -> dict[str, Any]:
    # A form of its own for `{"name": "api_key", "value": ...}`, where the secret's name is a value.
    named = any(isinstance(value.get(key), str) and _is_secret(value[key]) for key in ("key", "name", "setting"))
    kept: dict[str, Any] = {}
    for key, one in islice(value.items(), _ITEMS):
        name = _text(str(key)[:_TEXT])
        hidden = one is not None and (_is_secret(name) or (named and name == "value"))
        kept[name] = HIDDEN if hidden else _clean(one, depth - 1)
    if len(value) > _ITEMS:
        kept["…"] = len(value) - _ITEMS
    return kept


def _items(value: Any, depth: int) -> Any:
    if not isinstance(value, Iterable):
        return _text(str(value))
    taken = list(islice(iter(value), _ITEMS + 1))
    kept = [_clean(one, depth - 1) for one in taken[:_ITEMS]]
    return kept if len(taken) <= _ITEMS else [*kept, "…"]


def _is_secret(name: str) -> bool:
    return is_secret(name) or name.lower() in _NAMES


def _text(text: str) -> Any:
    if len(text) > _TEXT:
        return _digest(text.encode("utf-8", "surrogatepass"))
    return _hidden(text)


def _hidden(text: str) -> str:
    for form, instead in _FORMS:
        text = form.sub(instead, text)
    return text


def _digest(data: bytes) -> dict[str, Any]:
    return {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}


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
        self,
        *,
        actor: str,
        via: str,
        origin: str,
        action: str,
        target: str,
        after: Any = None,
        outcome: str = "done",
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
        """True if a row that was signed off is in the chain, or went because it was old."""
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


_HOURS_S = 3600.0


def process_name(host: str, pid: int, start: str) -> str:
    """A name that no other process has: machine, number, and what tells it from an earlier one of that number."""
    return f"{host[:80]}:{pid}:{start}"


def is_abandoned(intent: Intent, *, here: str, now: float, alive: Callable[[int], bool]) -> bool:
    """True if a change was abandoned: its process died, or it has taken over an hour.

    Args:
        here: the name of this process; of other machines nothing but the time can be told.

    >>> from omnicore.storage.tables.audit import AuditEntry
    >>> one = Intent("a", "web:7:x", 0.0, AuditEntry(0.0, "", "", "", "", ""))
    >>> is_abandoned(one, here="web:8:y", now=1.0, alive=lambda pid: pid != 7)
    True
    >>> is_abandoned(one, here="db:8:y", now=1.0, alive=lambda pid: False)
    False
    """
    if intent.process == here:
        return False
    if now - intent.at > _HOURS_S:
        return True
    host, _, pid = intent.process.rpartition(":")[0].rpartition(":")
    mine, _, number = here.rpartition(":")[0].rpartition(":")
    return host == mine and pid.isdecimal() and (pid == number or not alive(int(pid)))


def is_alive(pid: int) -> bool:
    """True if this machine has a process of that number."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


_READ_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of a verification.

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
        batch = self._table.after(self.last.seq, _READ_AT_ONCE)
        for row in batch:
            if not self._fits(row):
                return False
        return bool(batch)

    def verdict(self) -> Verdict:
        """The verdict after the last batch."""
        broken = self.broken or self._ends()
        if broken is None:
            return Verdict(True, self.rows, self.last)
        return Verdict(False, self.rows, self.last, broken_at=broken[0], reason=broken[1])

    def _fits(self, row: AuditRow) -> bool:
        if row.seq != self.last.seq + 1 and not self._went(row.seq):
            self.broken = (self.last.seq + 1, f"row {self.last.seq + 1} is missing")
            return False
        if row.hash != hash_of(row.seq, row, self.last.hash):
            self.broken = (row.seq, f"row {row.seq} was altered, or is not the one that followed row {self.last.seq}")
            return False
        wanted = self._wanted.pop(row.seq, row.hash)
        if wanted != row.hash:
            self.broken = (row.seq, f"row {row.seq} is not the one that was signed off")
            return False
        self.last = Anchor(row.seq, row.hash)
        self.rows += 1
        if row.action == "trimAudit" and row.via == "host":
            self._checkpoint = row
        return True

    def _went(self, seq: int) -> bool:
        """True if the rows before one went because they were old, while they were read."""
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
        said = json.loads(self._checkpoint.after or "{}") if self._checkpoint is not None else {}
        if (said.get("seq"), said.get("hash")) == (base.seq, base.hash):
            return None
        return base.seq + 1, f"the rows before {base.seq + 1} are missing and no checkpoint says why"
