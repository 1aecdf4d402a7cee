"""Frames: tasks that are under way, and the variables that expressions see in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from omnicore import __version__
from omnicore.workflows.entries import Result
from omnicore.workflows.flow.moments import described
from omnicore.workflows.graph import Graph, Node

if TYPE_CHECKING:
    from omnicore.workflows.flow.machine import Join, Machine, Open, Strand

__all__ = ["DEEPEST", "Frame", "Names", "Scope", "Tries", "definition_of"]

DEEPEST = 100
"""How deep tasks may be nested."""

Names = Mapping[str, Any]
"""Variables of loops and catches by name; never changed once made."""


class Tries:
    """The number of the attempt within something that can be retried.

    A number is never used twice for one place: what a retry begins anew counts on from the highest number that anything
    inside has reached, so each attempt has an idempotency key of its own.
    """

    __slots__ = ("attempt", "most", "parent")

    def __init__(self, parent: Tries | None = None) -> None:
        self.parent = parent
        self.attempt: int = parent.attempt if parent else 1
        self.most: int = self.attempt

    def again(self) -> None:
        """The next attempt begins."""
        self.attempt = self.most = self.most + 1
        outer = self.parent
        while outer is not None and outer.most < self.most:
            outer.most = self.most
            outer = outer.parent


class Frame:
    """A task that is under way: one occurrence of a node, with its data.

    `level` is where its generator stands on its strand's stack: what is above belongs to tasks inside of it.
    """

    __slots__ = (
        "began_at", "depth", "due_at", "input", "join", "level", "machine", "names", "node", "opens", "output",
        "place", "raw", "raw_output", "result", "strand", "then", "tries",
    )  # fmt: skip

    def __init__(
        self, strand: Strand, node: Node, place: str, raw: Any, names: Names, tries: Tries, depth: int
    ) -> None:
        self.strand = strand
        self.machine: Machine = strand.machine
        self.node = node
        self.place = place
        self.raw = raw
        self.names = names
        self.tries = tries
        self.depth = depth
        self.anew()
        self.opens: list[Open] = []
        self.join: Join | None = None
        self.level = 0

    @property
    def scope(self) -> Scope:
        """Its variables. Made anew each time: kept here, each frame would be garbage that only a collector finds."""
        return Scope(self)

    def anew(self) -> None:
        """As it was before an attempt."""
        self.input: Any = self.raw
        self.began_at: float = self.machine.at
        self.then = self.node.then
        self.raw_output: Any = None
        self.output: Any = None
        self.result: Result | None = None
        self.due_at: float | None = None

    def inside(self, strand: Strand, node: Node, place: str, raw: Any, names: Names) -> Frame:
        """A frame for a task within this one."""
        return Frame(strand, node, place, raw, names, self.tries, self.depth + 1)


class Scope(Mapping[str, Any]):
    """The variables of a frame by name, without `$`; each is made when it is asked for.

    What is not there yet is null. Source: DSL 1.0.3, runtime expression arguments.
    """

    __slots__ = ("_frame", "_more")

    def __init__(self, frame: Frame, more: Names | None = None) -> None:
        self._frame = frame
        self._more = more

    def with_(self, more: Names) -> Scope:
        """The same variables and more, which hide those of the same name."""
        return Scope(self._frame, {**(self._more or {}), **more})

    def __getitem__(self, name: str) -> Any:
        if self._more is not None and name in self._more:
            return self._more[name]
        if name in self._frame.names:
            return self._frame.names[name]
        return _MAKERS[name](self._frame)

    def __iter__(self) -> Iterator[str]:
        return iter({**_MAKERS, **self._frame.names, **(self._more or {})})

    def __len__(self) -> int:
        return len({*_MAKERS, *self._frame.names, *(self._more or ())})

    def __contains__(self, name: object) -> bool:
        return name in _MAKERS or name in self._frame.names or (self._more is not None and name in self._more)


def definition_of(graph: Graph, path: str) -> Any:
    """What the document says at a path, or of the task that an extension stands around; null where it says nothing."""
    found: Any = graph.document
    for step in path.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(found, list | tuple) and name.isdecimal() and int(name) < len(found):
            found = found[int(name)]
        elif isinstance(found, Mapping) and name in found:
            found = found[name]
        else:  # what an extension puts around a task is about that task
            return found if name in ("before", "extended", "after") and isinstance(found, Mapping) else None
    return found


def _task(frame: Frame) -> Any:
    return {
        "name": frame.node.name,
        "reference": frame.node.path,
        "definition": definition_of(frame.machine.graph, frame.node.path),
        "input": frame.raw,
        "output": frame.raw_output,
        "startedAt": described(frame.began_at),
    }


def _workflow(frame: Frame) -> Any:
    start = frame.machine.start
    document = frame.machine.graph.document
    return {"id": start.run, "definition": document, "input": start.input, "startedAt": described(start.at)}


def _runtime(frame: Frame) -> Any:
    return {"name": "omnicore", "version": __version__, "metadata": {}, "trigger": frame.machine.start.trigger}


def _authorization(frame: Frame) -> Any:
    """The scheme alone: what is behind it is put in at the moment of the call, and is in no row."""
    given = getattr(frame.node, "authentication", None) or {}
    scheme = next((name for name in given if name != "use"), None)
    return {"scheme": scheme.capitalize(), "parameter": None} if scheme else None


_MAKERS: Mapping[str, Callable[[Frame], Any]] = {
    "context": lambda frame: frame.machine.context,
    "input": lambda frame: frame.input,
    "output": lambda frame: frame.output,
    "secrets": lambda frame: frame.machine.start.secrets,
    "authorization": _authorization,
    "task": _task,
    "workflow": _workflow,
    "runtime": _runtime,
    "steps": lambda frame: frame.strand.steps_seen(),
    "now": lambda frame: frame.machine.at,
}
