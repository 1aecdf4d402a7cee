"""The records of the journal: what is requested and answered, values as stored text, and the start of a run.

A value is JSON in the row, or its hash if it is large. A run is made from a definition, an input and the one who begins
it. It starts once for each key, when its rate allows it, and no more runs at a time than its definition allows.
"""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import TYPE_CHECKING, Any, Protocol, cast

from omnicore.errors import InvalidInput, LimitExceeded, OmniError
from omnicore.ids import new_id, random_hex
from omnicore.jobs.engine import NewRun, SignalKind, Started
from omnicore.records import Record, field, replace
from omnicore.storage.store import Session
from omnicore.storage.tables.run_searches import LONGEST_LABEL, MOST_LABELS
from omnicore.storage.tables.workflow_runs import RunRow, genesis, reference, state_of, step_hash
from omnicore.storage.tables.workflow_triggers import SignalRow, first_seen, forget_seen, holders, take_lane, take_turn
from omnicore.texts import json_writer
from omnicore.workflows.expressions.expression import Hasty
from omnicore.workflows.faults import Fault

if TYPE_CHECKING:
    import asyncio

    from omnicore.jobs.engine import RunStatus
    from omnicore.storage.tables.workflow_triggers import WaitRow
    from omnicore.workflows.entries import JournalEntry, StepResult
    from omnicore.workflows.language.graph import Evaluator, WorkflowGraph


class JournalSettings(Protocol):
    """The settings under `workflows` that the journal needs. Units: bytes; `event_s` seconds."""

    @property
    def inline_bytes(self) -> int:
        """Values up to this size are in the row itself; larger ones are kept once by their hash."""

    @property
    def value_bytes(self) -> int:
        """No value may be larger."""

    @property
    def run_bytes(self) -> int:
        """The most bytes one run may write: its rows and each of its values once."""

    @property
    def audit(self) -> bool:
        """True if the end of a run is recorded in the host's audit record."""

    @property
    def event_s(self) -> float:
        """The time for which the source and id of an event are remembered, so that it is accepted once."""


class Signal(Record, frozen=True):
    """An event that reached a run from outside; taken by naming its id in the `Kept` that follows from it."""

    id: str
    run: str
    kind: SignalKind
    place: str
    data: Any
    at: float


class Claimed(Record, frozen=True):
    """A run that is this host's now. Without rows (`run.seq` 0) it begins, else its rows are replayed first."""

    run: RunRow
    input: Any
    trigger: Mapping[str, Any]
    signals: tuple[Signal, ...] = ()
    moved: bool = False
    """Another host had it in memory and did not put it down: it died, or was lost."""


class RunRecord(Record, frozen=True):
    """All that follows from one result of a run, kept in one transaction.

    `status` running: it stays in memory; waiting: parked until `due_at` (None: until a signal comes); suspended: until
    it is resumed or cancelled; completed, faulted, cancelled: over, with `output` or `fault`. `taken` are ids of
    signals, `events` CloudEvents to put in the inbox, `drops` places whose waits are over, `children` runs that begin
    with it.
    """

    run: str
    entries: Sequence[JournalEntry] = ()
    status: RunStatus = "running"
    due_at: float | None = None
    output: Any = None
    fault: Fault | None = None
    taken: Sequence[str] = ()
    events: Sequence[Mapping[str, Any]] = ()
    waits: Sequence[WaitRow] = ()
    drops: Sequence[str] = ()
    children: Sequence[NewRun] = ()
    room: int = 0
    """So many of the children may be in this host's hands at once."""
    cancels: Sequence[str] = ()
    """Runs that are cancelled with it: it began them, and wants them no longer."""


@dataclass(frozen=True, slots=True)
class Verified:
    """The result of a check that the rows of a run are unaltered. `fact` is the problem, and `seq` its row."""

    ok: bool
    rows: int
    hash: str
    record_seq: int | None = None
    """The row of the host's record that holds the last hash, once the run is over."""
    fact: str = ""
    seq: int | None = None


_REMEMBERED = 1024  # shorter texts are made again faster than they are looked up
_MOST_BYTES = 32 * 1024 * 1024
_MOST = 4096
_encode = json_writer()

Large = dict[str, str]
"""JSON texts by their hash, to be kept beside the rows that name them."""


class Sizes(Protocol):
    """Limits for the size of values. Units: bytes."""

    @property
    def inline_bytes(self) -> int: ...

    @property
    def value_bytes(self) -> int: ...


class _Known(Record, frozen=True):
    value: Any
    text: str
    data: str | None


def clean(text: str) -> str:
    """A text from outside as both databases can keep it in a column of its own."""
    return text.encode("utf-8", "replace").decode().replace("\0", "\ufffd")


class Texts:
    """Makes texts of values. Belongs to one event loop.

    A run hands on the same objects from step to step, and a loop gives each round the same list: what was made of an
    object is remembered as long as it is not much. Values are never altered once a run has them.
    """

    def __init__(self, sizes: Sizes) -> None:
        self._sizes = sizes
        self._known: OrderedDict[int, _Known] = OrderedDict()
        self._last: _Known | None = None
        self._bytes = 0

    def text(self, value: Any, large: Large) -> str | None:
        """The column text of a value; None for None.

        Args: large: gets the JSON of a value that the column only names.
        Raises: LimitExceeded: it is too large. InvalidInput: it is no JSON.
        """
        if value is None:
            return None
        known = self._last  # the output of a step is measured, then kept as what came and what goes on
        if known is None or known.value is not value:
            known = self._known.get(id(value))
            if known is None or known.value is not value:
                known = self._made(value)
            self._last = known
        if known.data is not None:
            large[reference_of(known.text)] = known.data
        return known.text

    def measure(self, value: Any) -> None:
        """Looks whether a value can be kept. Raises: Fault."""
        try:
            self.text(value, {})
        except OmniError as error:
            status = 413 if isinstance(error, LimitExceeded) else 422
            raise Fault("runtime", status, error.fact, error.remedy) from error

    def rows(
        self, run: str, entries: Sequence[JournalEntry], head: tuple[int, str], large: Large
    ) -> tuple[list[tuple[Any, ...]], tuple[int, str]]:
        """Rows of the table for entries that follow a row, and the new last one's number and hash."""
        seq, last = head
        made: list[tuple[Any, ...]] = []
        for entry in entries:
            try:
                values = self._columns(entry, large)
            except OmniError as error:
                error.details.setdefault("place", entry.place)  # a fault names the step that gave it
                raise
            last = step_hash(last, values)
            made.append((run, *values, last))
            seq = entry.seq
        return made, (seq, last)

    def _columns(self, entry: JournalEntry, large: Large) -> tuple[Any, ...]:
        result = entry.result
        fed = response = meta = about = None
        if result is not None:
            fed, response = result.kind, self.text(result.output, large)
            meta = self.text(dict(result.meta), large) if result.meta else None
            different = about_of(entry, result)
            about = None if different is None else self.text(different, large)
        given = None if entry.input is None else self.text(entry.input, large)
        output = None if entry.output is None else self.text(entry.output, large)
        fault = None if entry.fault is None else self.fault(entry.fault, large)
        return (
            *(entry.seq, entry.place, entry.path, entry.name, entry.kind, entry.status, entry.attempt, fed),
            *(float(entry.at), float(entry.began_at), given, response, output, fault, meta, about),
        )

    def fault(self, fault: Fault | None, large: Large) -> str | None:
        """The column text of a fault."""
        return None if fault is None else self.text(fault.to_json(), large)

    def _made(self, value: Any) -> _Known:
        data = _json(value)
        if len(data) > self._sizes.value_bytes:
            raise LimitExceeded(
                f"a value of {len(data)} bytes is too large for a run",
                remedy="hand on a part of it, or where it is",
                limit="value_bytes",
                allowed=self._sizes.value_bytes,
            )
        if len(data) <= self._sizes.inline_bytes:
            known = _Known(value, data, None)
        else:
            known = _Known(value, reference(data)[1], data)
        if len(data) >= _REMEMBERED:
            self._remember(known, len(data))
        return known

    def _remember(self, known: _Known, size: int) -> None:
        before = self._known.pop(id(known.value), None)
        self._bytes += size - (_size(before) if before else 0)
        self._known[id(known.value)] = known
        while self._known and (self._bytes > _MOST_BYTES or len(self._known) > _MOST):
            self._bytes -= _size(self._known.popitem(last=False)[1])


def reference_of(text: str) -> str:
    """The hash in what stands for a value."""
    return text[1:65]


_OF_RESULT = ("place", "attempt", "at", "began_at")


def about_of(entry: JournalEntry, result: StepResult) -> dict[str, Any] | None:
    """The members of a result that differ from its row."""
    about: dict[str, Any] = {}
    for name in _OF_RESULT:
        if getattr(result, name) != getattr(entry, name):
            about[name] = getattr(result, name)
    mine, theirs = result.fault, entry.fault
    if mine is not theirs:
        told = None if mine is None else mine.to_json()
        if theirs is None or told != theirs.to_json():
            about["fault"] = told
    return about or None


def _size(known: _Known) -> int:
    return len(known.text if known.data is None else known.data)


def _json(value: Any) -> str:
    try:
        return _encode(value)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInput(f"a value is no JSON: {error}", remedy="hand on plain JSON values only") from error


_LONGEST = 200
Send = Callable[[Session, SignalRow], bool]


class Starting(Record, frozen=True):
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
        """The hash that its first row follows."""
        return genesis(self.id, self.new.workflow, self.new.digest, self.input, self.created_at)

    @property
    def plain(self) -> bool:
        """True if its start depends on nothing but its own row."""
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
    """The signal that tells a run that its child was refused."""
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
    return Started(first, cast("RunStatus", status), new=False, created_at=at)


def _placed(
    one: Starting, host: str, now: float, begin_at: float, *, held: bool, owned: bool
) -> tuple[Started, RunRow]:
    due_at = None if held or owned else begin_at
    status: RunStatus = "running" if owned else "pending"
    started = Started(one.id, status, owned=owned, held=held, due_at=due_at, created_at=one.created_at, nonce=one.nonce)
    return started, _row(one, status, host if owned else None, due_at, begin_at, now, held=held)


def _row(
    one: Starting, status: RunStatus, host: str | None, due_at: float | None, begin_at: float, now: float, *, held: bool
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


@dataclass(slots=True)
class Owned:
    """A run in this host's hands. `seq` and `hash` are those of the last row that is kept for sure."""

    run: str
    workflow: str
    lane: str | None
    held: bool
    parent: tuple[str, str] | None
    by: str
    seq: int
    hash: str
    tried: str | None = None
    """The hash of a last row of which nobody knows whether it was kept."""
    busy: asyncio.Future[object] | None = None
    """Work that is being kept now."""
    rows_bytes: int = 0
    """Bytes of the rows that were kept since this host has the run."""
    values_bytes: int | None = 0
    """Bytes of its large values; None: they are not counted yet."""
    seen: dict[str, None] = dataclass_field(default_factory=dict)
    """The large values that it wrote last, by their hash."""


def owned_of(row: RunRow | Starting, head: tuple[int, str]) -> Owned:
    """Data of a run that was claimed, or begun here."""
    if isinstance(row, RunRow):
        parent = None if row.parent_run is None else (row.parent_run, row.parent_place or "")
        count = 0 if head[0] == 0 else None
        return Owned(row.id, row.workflow, row.lane, bool(row.held), parent, row.created_by, *head, values_bytes=count)
    new = row.new
    parent = None if new.parent_run is None else (new.parent_run, new.parent_place or "")
    return Owned(row.id, new.workflow, row.lane, False, parent, new.by, *head)


_LONGEST_KEY = 200


class Beginning(Record, frozen=True):
    """The author and origin of a run. `key` is chosen by the caller; the same one again is the same run."""

    by: str = "host"
    trigger: Mapping[str, Any] = field(default_factory=lambda: {"kind": "manual"})
    key: str | None = None
    key_s: float = 30 * 86_400.0
    priority: int | None = None
    parent_run: str | None = None
    parent_place: str | None = None
    root: str = ""
    depth: int = 0
    trial: bool = False
    labels: tuple[str, ...] = ()


def ordered(
    workflow: str, graph: WorkflowGraph, number: int, given: Any, how: Beginning, *, hasty: bool = False
) -> NewRun:
    """The run to begin, with what the definition says of concurrency, rate, duplicates and priority.

    Raises: InvalidInput: an expression of these cannot be evaluated for this input. Unanswered: it needs jq, and a
        `hasty` caller does not wait for that.
    """
    host = graph.host
    new = NewRun(
        workflow,
        graph.digest,
        given,
        by=how.by,
        trigger=how.trigger,
        number=number,
        priority=host.priority if how.priority is None else how.priority,
        rate=host.rate,
        parent_run=how.parent_run,
        parent_place=how.parent_place,
        root=how.root,
        depth=how.depth,
        trial=how.trial,
        labels=_labels(graph, how),
    )
    if how.trial:  # a trial is one person's, and counts for nothing
        return replace(new, rate=None)
    if host.concurrency_key is not None or host.concurrency_most is not None:
        key = host.concurrency_key
        lane = "*" if key is None else lane_of(_value(key, "host.concurrency.key", given, how, hasty=hasty))
        new = replace(new, key=lane, most=host.concurrency_most or 1, full=host.concurrency_full)
    if how.key is not None:
        return replace(new, dedupe=f"key:{_short(how.key)}", dedupe_s=how.key_s)
    if host.dedupe_key is not None:
        key = _value(host.dedupe_key, "host.dedupe.key", given, how, hasty=hasty)
        return replace(new, dedupe=f"dedupe:{lane_of(key)}", dedupe_s=host.dedupe_s)
    return new


def _labels(graph: WorkflowGraph, how: Beginning) -> tuple[str, ...]:
    """Those that were given, then the tags of the document for which there is room."""
    tags = graph.document.get("document", {}).get("tags") or {}
    texts = (f"{name}={value}" for name, value in tags.items() if isinstance(value, str | int | float | bool))
    kept = (one for one in texts if len(one) <= LONGEST_LABEL and one.isprintable())
    return tuple(dict.fromkeys((*how.labels, *kept)))[:MOST_LABELS]


def lane_of(value: Any) -> str:
    """A JSON value as a key: a text as it is, others as JSON, long ones by their hash."""
    return _short(value if isinstance(value, str) else json.dumps(value, sort_keys=True, ensure_ascii=False))


def _short(text: str) -> str:
    if len(text) <= _LONGEST_KEY:
        return text
    return f"sha256:{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()}"


def _value(template: Evaluator, where: str, given: Any, how: Beginning, *, hasty: bool) -> Any:
    scope = {"input": given, "runtime": {"trigger": dict(how.trigger)}, "trigger": how.trigger}
    try:
        return template(given, Hasty(scope) if hasty else scope)
    except Fault as fault:
        about = fault.detail or fault.title
        remedy = "give an input that has what it needs"
        raise InvalidInput(f"{where} cannot be evaluated: {about}", remedy=remedy, path=where) from fault
