"""The records of a run: the actions it requests, their results, and the rows of its journal.

`progress` turns results into rows and new actions, purely; `runner` performs the actions and keeps the rows. A row is
kept before anything that follows from it begins.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Protocol

from omnicore.records import Record, field

if TYPE_CHECKING:
    from collections.abc import Mapping

    from omnicore.workflows.faults import Fault
    from omnicore.workflows.language.graph import Node


class Start(Record, frozen=True):
    """The start of a run. Units: `at` seconds since the Unix epoch; it is the run's own clock until its first row."""

    run: str
    input: Any
    at: float
    trigger: Mapping[str, Any] = field(default_factory=dict)
    """Origin of the run: `{"kind": "manual" | "cron" | "webhook" | "event" | "workflow", ...}`; `$runtime.trigger`."""
    secrets: Mapping[str, str] = field(default_factory=dict)
    """Placeholder of each secret in this run: a text that nobody can guess. The value itself is put in its place at
    the moment of a call, and is in no row."""


class StepAction(Record, frozen=True):
    """Something the run wants done now.

    `place` names one occurrence of a node in a run: its path with the number of the round in loops and of the visit
    where a task is come to again: `/do/1/each/for/3/do/0/send`, `/do/0/poll~2`. It and `attempt`, from 1, are the
    identity of a result, and `key` (`run/place/attempt`) is handed to what is called as its idempotency key: it is the
    same when a lost attempt is made again.

    kinds: `call`, `script`, `run`, `emit`, `listen`, `approval`, as the node; `timer`: report it when `due_at` comes.
    """

    kind: Literal["call", "script", "run", "emit", "listen", "approval", "timer"]
    place: str
    node: Node
    attempt: int
    key: str
    value: Any = None
    """Values of the node's expressions: arguments of a call, the event, the input of another run."""
    due_at: float | None = None
    """`timer`: when. Others: the attempt fails with a timeout then; the runner reports that as a fault."""
    scope: Mapping[str, Any] = field(default_factory=dict)
    """Variables by name, for filters that events are held against; of a call, `input` fills the URI's template."""


class StepResult(Record, frozen=True):
    """The result of an action, or an event that reached the run from outside.

    kinds: `done` with `output`; `failed` with `fault`; `fired`: a timer; `event`: one for a `listen`, its envelope
    is the output; `cancel`, `suspend`, `resume`: by a person, `place` is empty and `output` says who.

    Units: times in seconds since the Unix epoch. `meta`: what it cost and who did it, shown and kept:
    `plugin`, `hash`, `fuel`, `memory_bytes`, `by`.
    """

    kind: Literal["done", "failed", "fired", "event", "cancel", "suspend", "resume"]
    place: str
    attempt: int
    at: float
    output: Any = None
    fault: Fault | None = None
    began_at: float | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)


class JournalEntry(Record, frozen=True):
    """A row of the journal. `seq` counts from 1 within the run, without gaps.

    `fed` rows came from a result and are fed to `progress` again when the run is taken up; the others (set, switch,
    what was skipped, how blocks ended) follow from them and are there to be read. `result` is what `fed` rows hold;
    `output` is what the task handed on after `output.as`, and None where it is the same.
    """

    seq: int
    place: str
    path: str
    name: str
    kind: str
    """The node's kind, or `timer`, `cancel`, `suspend`, `resume`."""
    status: Literal["completed", "faulted", "skipped", "retried", "fired", "received", "cancelled"]
    attempt: int
    fed: bool
    at: float
    began_at: float
    input: Any = None
    result: StepResult | None = None
    output: Any = None
    fault: Fault | None = None


class RunOutcome(Record, frozen=True):
    """The end of a run."""

    status: Literal["completed", "faulted", "cancelled"]
    output: Any = None
    fault: Fault | None = None


class RunChange(Record, frozen=True):
    """Consequences of a result: rows to write, then actions to begin and places whose actions are cancelled."""

    entries: tuple[JournalEntry, ...] = ()
    begin: tuple[StepAction, ...] = ()
    cut: tuple[str, ...] = ()
    outcome: RunOutcome | None = None


class RunContext(Record, frozen=True):
    """The run that an action belongs to.

    Args:
        root: the run at the top of a chain of sub-workflows; itself where there is none above.
        trigger: what began it, as `Start.trigger`.
        secrets: name to the placeholder that stands for it in this run, as `Start.secrets`.
        by: who began it.
    """

    run: str
    workflow: str
    root: str
    depth: int
    trigger: Mapping[str, Any] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    by: str = ""


class Performed(Record, frozen=True):
    """The result of a performed action.

    Args:
        output: a JSON value. The runner bounds its size.
        meta: what it cost and who did it: `plugin`, `hash`, `fuel`, `memory_bytes`; small.
        events: CloudEvents envelopes that go out in the transaction that keeps the step (`emit`), not before.
    """

    output: Any = None
    meta: Mapping[str, Any] = field(default_factory=dict)
    events: tuple[Mapping[str, Any], ...] = ()


class Performer(Protocol):
    """Does `call`, `script` and `emit`. The other kinds are the runner's own."""

    async def perform(self, action: StepAction, run: RunContext) -> Performed:
        """Does it once; retries are the run's own. The runner bounds the time and cancels the task: then the guest or
        the request is cut.

        Raises: StorageFailed: the host's own database; it is done again once that is there. Fault: of the
            specification's types. Whatever else is raised becomes a fault of type `runtime`
            (`OmniError` with its code, fact and remedy), so that the run goes on by its own rules.
        """
