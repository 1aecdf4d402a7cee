"""The interface of an engine of durable runs, and the records that it takes and returns.

What begins runs and what shows them (services, triggers, REST, commands) knows this interface; the tables, the hosts
and the journal of an engine stand behind it. The embedded engine is `omnicore.workflows.engine.EmbeddedEngine`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, Protocol, TypeAlias

from omnicore.records import Meta, Record, Time, field, ref, view

RunStatus: TypeAlias = Literal["pending", "running", "waiting", "suspended", "completed", "faulted", "cancelled"]
StepStatus: TypeAlias = Literal["completed", "faulted", "skipped", "retried", "fired", "received", "cancelled"]
MaybeTime: TypeAlias = Annotated[float | None, Meta(description="Seconds since the Unix epoch.")]
Place: TypeAlias = Annotated[
    str,
    Meta(description="One occurrence of a task: its path with rounds and visits, `/do/1/each/for/3/do/0/send`."),
]
_MaybeFault: TypeAlias = Annotated[Any, Meta(extra_json_schema={"anyOf": [ref("WorkflowFault"), {"type": "null"}]})]

ENDED: frozenset[RunStatus] = frozenset({"cancelled", "faulted", "completed"})

SignalKind = Literal["event", "approval", "cancel", "suspend", "resume", "child"]
"""`event`: one for a `listen`, `approval`: a decision, `child`: a run that this one waits for has ended."""


class NewRun(Record, frozen=True):
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
    labels: tuple[str, ...] = ()


class Started(Record, frozen=True):
    """The result of starting a `NewRun`.

    `new` is False for a duplicate: `run` is then the first one's. `owned`: it is in this host's hands now,
    nobody else will claim it. `refused`: its concurrency key is full, there is no run. `nonce` is unguessable and of
    this run alone.
    """

    run: str
    status: RunStatus
    new: bool = True
    owned: bool = False
    refused: bool = False
    held: bool = False
    due_at: float | None = None
    created_at: float = 0.0
    nonce: str = ""


class RunView(Record, frozen=True):
    """A run."""

    id: str
    workflow: str
    number: Annotated[int | None, Meta(description="The version; null for a trial.")]
    digest: str
    status: RunStatus
    trigger: Annotated[Mapping[str, Any], Meta(description="What began it: its `kind`, and what belongs to that.")]
    by: str
    created_at: Time
    started_at: MaybeTime
    ended_at: MaybeTime
    due_at: Annotated[float | None, Meta(description="When a waiting one goes on by itself.")]
    priority: Annotated[int, Meta(ge=0, le=9)]
    input: Any
    output: Any
    fault: _MaybeFault
    parent: Annotated[str | None, Meta(description="The run that began it.")]
    forked_from: Annotated[str | None, Meta(description="The run whose rows it began with.")]
    steps: Annotated[int, Meta(description="Rows of its journal.")]
    hash: Annotated[str, Meta(description="Of the last row and so of all.")]
    trial: Annotated[bool, Meta(description="Of a text that was not applied.")] = False
    labels: Annotated[
        tuple[str, ...], Meta(description="Those it was begun with, and the tags of its document as `name=value`.")
    ] = ()


class StepView(Record, frozen=True):
    """A row of a run's journal; `Workflows.step` has it in full."""

    seq: Annotated[int, Meta(description="Counts from 1.")]
    place: Place
    path: Annotated[str, Meta(description="Of the task in the document.")]
    name: str
    kind: str
    status: StepStatus
    attempt: int
    at: Time
    began_at: Time
    input: Any
    output: Any
    fault: _MaybeFault
    meta: Annotated[Mapping[str, Any], Meta(description="What it cost and who did it.")]
    cut: Annotated[bool, Meta(description="Long values are shortened here.")] = False

    def to_json(self) -> dict[str, Any]:
        """As a JSON value."""
        shown = view(self)
        if not self.cut:
            del shown["cut"]
        return shown


class RunEnd(Record, frozen=True):
    """The end of a run. `fault` is there where `status` is faulted."""

    status: str
    output: Any = None
    fault: Mapping[str, Any] | None = None


class Features(Record, frozen=True):
    """The abilities of an engine beyond the interface; what is False is refused with `Conflict` and a remedy.

    `forks`: a run can begin with rows of another one. `chained`: the rows of a run prove that they are unaltered.
    """

    forks: bool = False
    chained: bool = False


class Engine(Protocol):
    """Keeps runs and brings them to their end, on whichever host. Used on one event loop."""

    @property
    def features(self) -> Features:
        """Capabilities of the engine beyond this interface."""

    async def begin(self, new: NewRun) -> Started:
        """Keeps a run; it goes on whatever becomes of the caller. With the `dedupe` of an earlier one it is that one.

        Raises: Conflict: as many as may run of its key do. LimitExceeded: the input is too large.
        """

    async def signal(
        self, run: str, kind: SignalKind, place: str = "", data: Any = None, *, key: str | None = None
    ) -> bool:
        """Brings something to a run; False where it is over, no longer waits for it, or has one of this `key`."""

    async def cancel(self, run: str, *, by: str) -> bool:
        """Has a run cancelled, with those that it began; False where it is over, or is being cancelled."""

    async def query(self, run: str) -> RunView:
        """A run as it stands, its values in full. Raises: NotFound."""

    async def results(self, run: str, *, after: int = 0, limit: int = 100) -> Sequence[StepView]:
        """The results of a run's steps after a number, their values in full. Raises: NotFound."""

    async def ended(self, run: str) -> RunEnd:
        """The end of a run, once it has come. Raises: NotFound."""
