"""How runs begin: once for each key, when their rate allows, and no more at a time than their concurrency key does."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from omnicore.errors import InvalidInput
from omnicore.ids import new_id, random_hex
from omnicore.quick import quick
from omnicore.storage.store import Session
from omnicore.storage.tables.workflow_limits import first_seen, forget_seen, holders, take_lane, take_turn
from omnicore.storage.tables.workflow_runs import RunRow, state_of
from omnicore.storage.tables.workflow_signals import SignalRow
from omnicore.storage.tables.workflow_steps import genesis
from omnicore.workflows.entries import Fault, Status
from omnicore.workflows.journal_texts import Large, Texts, clean
from omnicore.workflows.journal_words import NewRun, Started

__all__ = ["Send", "Starting", "begin", "cancelling", "prepared", "refused_child", "short"]

_LONGEST = 200
Send = Callable[[Session, SignalRow], bool]


@quick
@dataclass(frozen=True, slots=True)
class Starting:
    """A run to begin, encoded. `room`: this host takes it at once."""

    new: NewRun
    id: str
    input: str
    trigger: str
    nonce: str
    lane: str | None
    large: Large
    created_at: float
    room: bool

    @property
    def genesis(self) -> str:
        """What its first row follows."""
        return genesis(self.id, self.new.workflow, self.new.digest, self.input, self.created_at)

    @property
    def plain(self) -> bool:
        """Whether nothing but its own row decides about it."""
        return self.new.dedupe is None and self.lane is None and self.new.rate is None


def short(key: str) -> str:
    """A key as it is kept: long ones by their hash."""
    return clean(key) if len(key) <= _LONGEST else hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()


def prepared(new: NewRun, texts: Texts, now: float, *, room: bool) -> Starting:
    """Encodes a run that has an id. Raises: LimitExceeded, InvalidInput: its input or limits."""
    if (new.rate is not None and (new.rate[0] < 1 or not 0 < new.rate[1] < 1e9)) or new.most < 1:
        raise InvalidInput("a limit of runs is below 1", remedy="let at least one run begin")
    large: Large = {}
    return Starting(
        new,
        new.id,
        texts.text(new.input, large) or "null",
        texts.text(dict(new.trigger), large) or "{}",
        random_hex(),
        None if new.key is None else short(new.key),
        large,
        now,
        room,
    )


def begin(session: Session, one: Starting, host: str, now: float, send: Send) -> tuple[Started, RunRow | None]:
    """Decides about a run in a transaction of the caller's; the row to add, None where there is none."""
    new = one.new
    if new.dedupe is not None:
        key = short(new.dedupe)
        first = first_seen(session, new.workflow, key, one.id, now=now, until=now + new.dedupe_s)
        if first is not None:
            return _again(session, first), None
    begin_at = max(new.begin_at or now, now)
    held = one.lane is not None and not _in_lane(session, one, one.lane, now, send)
    if held and new.full == "refuse":
        if new.dedupe is not None:
            forget_seen(session, new.workflow, short(new.dedupe))
        return Started(one.id, "cancelled", new=False, refused=True), None
    if new.rate is not None:
        begin_at = max(begin_at, take_turn(session, new.workflow, new.rate, now))
    owned = one.room and not held and begin_at <= now
    return _placed(one, host, now, begin_at, held=held, owned=owned)


def refused_child(one: Starting, now: float) -> SignalRow:
    """What a run is told whose child was refused."""
    fault = Fault("runtime", 409, "the workflow may not run now", "as many runs as it allows have its concurrency key")
    data = json.dumps({"run": one.id, "status": "faulted", "output": None, "fault": fault.to_json()})
    parent, place = str(one.new.parent_run), one.new.parent_place or ""
    return SignalRow(new_id("sig"), parent, None, "child", place, one.id, data, now)


def cancelling(run: str, why: str, now: float) -> SignalRow:
    """A signal that cancels a run."""
    return SignalRow(new_id("sig"), run, None, "cancel", "", "cancel", json.dumps({"by": "host", "why": why}), now)


def _in_lane(session: Session, one: Starting, lane: str, now: float, send: Send) -> bool:
    if one.new.full == "cancel":
        for run in holders(session, one.new.workflow, lane):
            send(session, cancelling(run, "a newer run has its concurrency key", now))
    return take_lane(session, one.new.workflow, lane, one.new.most)


def _again(session: Session, first: str) -> Started:
    status, at = state_of(session, first) or ("completed", 0.0)
    return Started(first, cast(Status, status), new=False, created_at=at)


def _placed(
    one: Starting, host: str, now: float, begin_at: float, *, held: bool, owned: bool
) -> tuple[Started, RunRow]:
    due_at = None if held or owned else begin_at
    status: Status = "running" if owned else "pending"
    started = Started(one.id, status, owned=owned, held=held, due_at=due_at, created_at=one.created_at, nonce=one.nonce)
    return started, _row(one, status, host if owned else None, due_at, begin_at, now, held=held)


def _row(
    one: Starting, status: Status, host: str | None, due_at: float | None, begin_at: float, now: float, *, held: bool
) -> RunRow:
    new = one.new
    return RunRow(
        id=one.id,
        workflow=new.workflow,
        digest=new.digest,
        number=new.number,
        status=status,
        priority=new.priority,
        host=host,
        due_at=due_at,
        begin_at=begin_at,
        stamped_at=now,
        held=int(held),
        lane=one.lane,
        trigger=one.trigger,
        parent_run=new.parent_run,
        parent_place=new.parent_place,
        root=new.root or one.id,
        depth=new.depth,
        forked_from=new.forked_from,
        trial=int(new.trial),
        created_by=new.by,
        created_at=one.created_at,
        started_at=None if host is None else now,
        ended_at=None,
        input=one.input,
        output=None,
        fault=None,
        nonce=one.nonce,
        seq=0,
        hash=one.genesis,
        record_seq=None,
    )
