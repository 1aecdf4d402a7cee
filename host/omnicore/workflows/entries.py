"""The words of a run: what it wants done, what came of that, and the rows of its journal.

`progress` turns results into rows and new wishes, purely; `runner` does what is wished and keeps the rows. A row is
kept before anything that follows from it begins.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from omnicore.quick import quick
from omnicore.workflows.graph import Node

__all__ = ["ENDED", "Action", "Change", "Entry", "Fault", "Outcome", "Result", "Start", "Status"]

Status = Literal["pending", "running", "waiting", "suspended", "cancelled", "faulted", "completed"]
"""Of a run. Source: DSL 1.0.3, status phases."""

ENDED: frozenset[Status] = frozenset({"cancelled", "faulted", "completed"})


class Fault(Exception):
    """An error of a workflow, as it is raised, caught and shown. Source: DSL 1.0.3, errors; RFC 7807.

    Args: type: a URI, or one of the specification's short names: configuration, validation, expression, authentication,
        authorization, timeout, communication, runtime. instance: the place where it came up.
    """

    def __init__(
        self,
        type: str,
        status: int,
        title: str = "",
        detail: str = "",
        instance: str = "",
        *,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(title or detail or type)
        self.type = type if ":" in type else f"https://serverlessworkflow.io/spec/1.0.0/errors/{type}"
        self.status, self.title, self.detail, self.instance = status, title, detail, instance
        self.extra = dict(extra or {})

    def to_json(self) -> dict[str, Any]:
        """As `catch.as` and the API show it."""
        shown = {"type": self.type, "status": self.status, "title": self.title, "detail": self.detail}
        shown = {name: value for name, value in shown.items() if value not in ("", None)}
        return {**self.extra, **shown, "instance": self.instance}

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> Fault:
        """The fault of what `to_json` gave."""
        known = {"type", "status", "title", "detail", "instance"}
        return cls(
            str(value.get("type", "runtime")),
            int(value.get("status", 500)),
            str(value.get("title", "")),
            str(value.get("detail", "")),
            str(value.get("instance", "")),
            extra={name: one for name, one in value.items() if name not in known},
        )


@quick
@dataclass(frozen=True, slots=True)
class Start:
    """How a run begins. Units: `at` seconds since the Unix epoch; it is the run's own clock until its first row."""

    run: str
    input: Any
    at: float
    trigger: Mapping[str, Any] = field(default_factory=dict)
    """What began it: `{"kind": "manual" | "cron" | "webhook" | "event" | "workflow", ...}`; `$runtime.trigger`."""
    secrets: Mapping[str, str] = field(default_factory=dict)
    """What stands for each secret in this run: a text that nobody can guess. The value itself is put in its place at
    the moment of a call, and is in no row."""


@quick
@dataclass(frozen=True, slots=True)
class Action:
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
    """What the node's expressions gave: arguments of a call, the event, the input of another run."""
    due_at: float | None = None
    """`timer`: when. Others: the attempt fails with a timeout then; the runner reports that as a fault."""
    scope: Mapping[str, Any] = field(default_factory=dict)
    """Variables by name, for filters that events are held against; of a call, `input` fills the URI's template."""


@quick
@dataclass(frozen=True, slots=True)
class Result:
    """What came of an action, or what came to the run from outside.

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


@quick
@dataclass(frozen=True, slots=True)
class Entry:
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
    result: Result | None = None
    output: Any = None
    fault: Fault | None = None


@quick
@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended."""

    status: Literal["completed", "faulted", "cancelled"]
    output: Any = None
    fault: Fault | None = None


@quick
@dataclass(frozen=True, slots=True)
class Change:
    """What follows from a result: rows to keep, then actions to begin and places whose actions are to be cut."""

    entries: tuple[Entry, ...] = ()
    begin: tuple[Action, ...] = ()
    cut: tuple[str, ...] = ()
    outcome: Outcome | None = None
