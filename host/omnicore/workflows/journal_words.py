"""What a journal is asked for and what it answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from omnicore.quick import quick
from omnicore.storage.tables.workflow_runs import RunRow
from omnicore.storage.tables.workflow_waits import WaitRow
from omnicore.workflows.entries import Entry, Fault, Status

__all__ = ["Claimed", "JournalSettings", "Kept", "NewRun", "Signal", "SignalKind", "Started", "Verified"]

SignalKind = Literal["event", "approval", "cancel", "suspend", "resume", "child"]
"""`event`: one for a `listen`, `approval`: a decision, `child`: a run that this one waits for has ended."""


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
        """What one run may write, its rows and each of its values once."""

    @property
    def audit(self) -> bool:
        """Whether a run's end is a row of the host's record."""

    @property
    def event_s(self) -> float:
        """How long an event's source and id are remembered, so that it is taken in once."""


@quick
@dataclass(frozen=True, slots=True)
class NewRun:
    """A run to begin. `id` is made when it is empty. Units: seconds, times since the Unix epoch."""

    workflow: str
    digest: str
    input: Any = None
    by: str = "host"
    trigger: Mapping[str, Any] = field(default_factory=dict)
    id: str = ""
    number: int = 0
    priority: int = 4
    key: str | None = None
    """The concurrency key; at most `most` runs of the workflow have it at the same time."""
    most: int = 1
    full: Literal["wait", "refuse", "cancel"] = "wait"
    rate: tuple[int, float] | None = None
    dedupe: str | None = None
    dedupe_s: float = 86_400.0
    begin_at: float | None = None
    parent_run: str | None = None
    parent_place: str | None = None
    root: str = ""
    """The run that all of this began with; empty: this one."""
    depth: int = 0
    forked_from: str | None = None
    trial: bool = False


@quick
@dataclass(frozen=True, slots=True)
class Started:
    """What became of a `NewRun`.

    `new` is False for a duplicate: `run` is then the first one's. `owned`: it is in this host's hands now,
    nobody else will claim it. `refused`: its concurrency key is full, there is no run. `nonce` is unguessable and of
    this run alone.
    """

    run: str
    status: Status
    new: bool = True
    owned: bool = False
    refused: bool = False
    held: bool = False
    due_at: float | None = None
    created_at: float = 0.0
    nonce: str = ""


@dataclass(frozen=True, slots=True)
class Signal:
    """What reached a run from outside; taken by naming its id in the `Kept` that follows from it."""

    id: str
    run: str
    kind: SignalKind
    place: str
    data: Any
    at: float


@dataclass(frozen=True, slots=True)
class Claimed:
    """A run that is this host's now. Without rows (`run.seq` 0) it begins, else its rows are replayed first."""

    run: RunRow
    input: Any
    trigger: Mapping[str, Any]
    signals: tuple[Signal, ...] = ()
    moved: bool = False
    """Another host had it in memory and did not put it down: it died, or was lost."""


@quick
@dataclass(frozen=True, slots=True)
class Kept:
    """All that follows from one result of a run, kept in one transaction.

    `status` running: it stays in memory; waiting: parked until `due_at` (None: until a signal comes); suspended: until
    it is resumed or cancelled; completed, faulted, cancelled: over, with `output` or `fault`. `taken` are ids of
    signals, `events` CloudEvents to put in the inbox, `drops` places whose waits are over, `children` runs that begin
    with it.
    """

    run: str
    entries: Sequence[Entry] = ()
    status: Status = "running"
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
    """Whether the rows of a run are those that were written. `fact` says what is wrong, and `seq` where."""

    ok: bool
    rows: int
    hash: str
    record_seq: int | None = None
    """The row of the host's record that holds the last hash, once the run is over."""
    fact: str = ""
    seq: int | None = None
