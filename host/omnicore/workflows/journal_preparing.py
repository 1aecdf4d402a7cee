"""From what a run wants kept to what the batch writes: everything encoded before the transaction."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from omnicore.errors import InvalidInput
from omnicore.ids import new_id
from omnicore.storage.tables.workflow_ends import End, Park
from omnicore.storage.tables.workflow_events import EventRow
from omnicore.storage.tables.workflow_signals import SignalRow
from omnicore.workflows.entries import ENDED
from omnicore.workflows.journal_batch import Eventing, KeepJob, record_of
from omnicore.workflows.journal_owned import Owned
from omnicore.workflows.journal_starts import cancelling, prepared
from omnicore.workflows.journal_texts import Large, Texts, clean
from omnicore.workflows.journal_words import Kept

__all__ = ["eventing", "keeping"]

_PARKED = ("waiting", "suspended")


def keeping(
    kept: Kept, owned: Owned, texts: Texts, *, host: str, now: float, event_s: float, audit: bool
) -> tuple[KeepJob, tuple[int, str]]:
    """The job, and the end of the run's chain once it is kept.

    Raises: LimitExceeded: a value is too large. InvalidInput: it is no JSON, or the rows do not follow.
    """
    _follow(kept, owned)
    large: Large = {}
    rows, head = texts.rows(kept.run, kept.entries, (owned.seq, owned.hash), large)
    job = KeepJob(
        kept.run,
        rows,
        [],
        [],
        taken=kept.taken,
        waits=kept.waits,
        drops=kept.drops,
        events=[eventing(one, now, event_s) for one in kept.events],
        children=[prepared(one, texts, now, room=place < kept.room) for place, one in enumerate(kept.children)],
    )
    if kept.status in _PARKED:
        job.park = Park(kept.run, kept.status, kept.due_at, *head)
    elif kept.status in ENDED:
        _end(job, kept, owned, texts, large, head, host=host, now=now, audit=audit)
    job.signals = [*job.signals, *(cancelling(one, f"{kept.run} wants it no longer", now) for one in kept.cancels)]
    job.values = list(large.items())
    job.refs += [(kept.run, digest) for digest in large]
    return job, head


def eventing(envelope: Mapping[str, Any], now: float, event_s: float) -> Eventing:
    """An event for the inbox. Raises: InvalidInput: it is no CloudEvent."""
    source, event, kind = (envelope.get(name) for name in ("source", "id", "type"))
    if not (isinstance(source, str) and isinstance(event, str) and isinstance(kind, str)):
        raise InvalidInput("an event has no source, id or type", remedy="give it these, as texts")
    key = hashlib.sha256(json.dumps([source, event]).encode()).hexdigest()
    row = EventRow(new_id("wfe"), clean(source), clean(event), clean(kind), _plain(envelope), now)
    return Eventing(row, key, now + event_s)


def _end(
    job: KeepJob,
    kept: Kept,
    owned: Owned,
    texts: Texts,
    large: Large,
    head: tuple[int, str],
    *,
    host: str,
    now: float,
    audit: bool,
) -> None:
    output, fault = texts.text(kept.output, large), texts.fault(kept.fault, large)
    job.end = End(kept.run, kept.status, output, fault, *head)
    if audit:
        job.record = record_of(job.end, owned.workflow, owned.by, host, now)
    if owned.lane is not None and not owned.held:
        job.lane = (owned.workflow, owned.lane)
    if owned.parent is not None:
        _tell_parent(job, kept, owned.parent, texts, large, now)


def _tell_parent(job: KeepJob, kept: Kept, parent: tuple[str, str], texts: Texts, large: Large, now: float) -> None:
    fault = None if kept.fault is None else kept.fault.to_json()
    told = {"run": kept.run, "status": kept.status, "output": kept.output, "fault": fault}
    mine: Large = {}
    data = texts.text(told, mine) or "null"
    job.signals = [SignalRow(new_id("sig"), parent[0], None, "child", parent[1], kept.run, data, now)]
    job.refs = [(parent[0], digest) for digest in mine]
    large.update(mine)


def _follow(kept: Kept, owned: Owned) -> None:
    for seq, entry in enumerate(kept.entries, owned.seq + 1):
        if entry.seq != seq:
            raise InvalidInput(
                f"rows of {kept.run} do not follow its row {owned.seq}", remedy="take the run up again from its journal"
            )


def _plain(envelope: Mapping[str, Any]) -> str:
    try:
        return json.dumps(dict(envelope), separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInput(f"an event is no JSON: {error}", remedy="give it plain JSON values") from error
