"""Graphs made by hand and by chance, with templates that are plain functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from hypothesis import strategies as st

from omnicore.workflows.language.graph import (
    Block,
    CallTask,
    Catch,
    Data,
    DoTask,
    ForkTask,
    ForTask,
    Node,
    RaiseTask,
    RetryRule,
    SetTask,
    SwitchCase,
    SwitchTask,
    TryTask,
    WaitTask,
    WorkflowGraph,
)

__all__ = ["F", "const", "graph_of", "graphs", "size"]


@dataclass(frozen=True)
class F:
    """A template that is a function of data and scope."""

    work: Callable[[Any, Mapping[str, Any]], Any]
    simple: bool = True

    def __call__(self, data: Any, scope: Mapping[str, Any]) -> Any:
        return self.work(data, scope)


def const(value: Any) -> F:
    """A template that is a value."""
    return F(lambda _data, _scope: value)


def graph_of(*nodes: Node, **more: Any) -> WorkflowGraph:
    """A workflow of these tasks."""
    root = DoTask("", "", "do", data=more.pop("data", Data()), block=nodes)
    return WorkflowGraph("test", "default", "1.0.0", {}, "0" * 64, root, **more)


def size(data: Any) -> int:
    """A number of any value that these graphs hand around."""
    if isinstance(data, Mapping):
        return int(data.get("n", 0)) if "n" in data else 7
    return sum(size(one) for one in data) + 1 if isinstance(data, list) else 0


def _drawn(seed: int, what: str, names: Mapping[str, Any]) -> Random:
    rounds = [(name, value) for name, value in sorted(names.items()) if name.startswith("at")]
    return Random(f"{seed} {what} {rounds}")


def _time(seed: int, what: str, most: float) -> F:
    """A time that nothing else in the run takes, so that nothing happens at the same moment as something else."""
    return F(lambda _data, scope: _drawn(seed, what, scope).uniform(0.001, most))


def _more(path: str) -> F:
    return F(lambda data, scope: {"n": size(data) + 1, "by": path, "context": size(scope["context"])})


class Maker:
    """Draws the nodes of one graph."""

    def __init__(self, draw: Any, seed: int) -> None:
        self.draw, self.seed, self.left = draw, seed, 14

    def block(self, path: str, depth: int) -> Block:
        """Some tasks one after the other."""
        count = self.draw(st.integers(1, 3))
        return self._ordered(tuple(self.node(f"{path}/{index}/t{index}", f"t{index}", depth) for index in range(count)))

    def _ordered(self, block: Block) -> Block:
        """Some of them say what comes next: `then` forwards, and a switch backwards until the context has grown."""
        made = list(block)
        for index, node in enumerate(block):
            then = self.draw(st.sampled_from(["continue"] * 8 + ["exit", "end", made[-1].name]))
            inner = index + 1 < len(block)
            if (inner and node.kind != "switch") or (not inner and then in ("exit", "end")):
                made[index] = replace(node, then=then)
        parent = block[0].path.rsplit("/", 2)[0]
        if self.draw(st.integers(0, 7)) == 0:
            first, last = len(made), len(made) + 1
            path = f"{parent}/{first}/more"
            count = Data(export_as=F(lambda _data, scope: {"n": size(scope["context"]) + 1}))
            made.append(SetTask(path, "more", "set", count, value=_more(path)))
            most = self.draw(st.integers(8, 12))
            case = SwitchCase("again", F(lambda _data, scope: size(scope["context"]) < most), made[0].name)
            made.append(SwitchTask(f"{parent}/{last}/again", "again", "switch", cases=(case,)))
        return tuple(made)

    def node(self, path: str, name: str, depth: int) -> Node:
        """A task of any kind."""
        self.left -= 1
        kinds = ["set", "call", "call", "wait", "raise", "switch"]
        if depth > 0 and self.left > 0:
            kinds += ["do", "for", "for", "fork", "fork", "try", "try"]
        kind = self.draw(st.sampled_from(kinds))
        return getattr(self, f"_{kind}")(path, self._common(path, name, kind), depth)

    def _common(self, path: str, name: str, kind: str) -> dict[str, Any]:
        draw, common = self.draw, {"path": path, "name": name, "kind": kind}
        chance = draw(st.integers(0, 63))
        if chance % 8 == 0:
            rest = draw(st.integers(0, 2))
            common["when"] = F(lambda data, _scope: size(data) % 3 != rest)
        if chance in (1, 2, 3, 4, 5) and kind not in ("set", "switch", "raise"):
            common["timeout_s"] = _time(self.seed, f"{path} timeout", 12.0)
        if chance in (9, 10, 11, 12, 13, 14) and kind not in ("try", "set", "switch", "wait"):
            attempt_s = None if kind in ("raise",) or chance > 10 else Random(f"{self.seed}{path}").uniform(1, 8)
            delay = 0.0 if chance == 9 else _time(self.seed, f"{path} delay", 4.0)
            common["retry"] = RetryRule(delay_s=delay, attempts=draw(st.integers(1, 3)), attempt_s=attempt_s)
        if chance in (17, 18, 19, 20, 9, 10):
            common["on_error"] = "continue"
        if chance in (25, 26, 27, 28, 1):
            common["data"] = Data(
                input_from=F(lambda data, _scope: {"n": size(data) + 2}),
                output_as=F(lambda data, _scope: {"n": size(data)}),
                export_as=F(lambda data, scope: {"n": size(data) + size(scope["context"])}),
            )
        if chance in (33, 34, 35, 36, 37, 2, 11):
            inner = f"{path}/host/compensate/0/undo"
            common["compensate"] = (
                CallTask(inner, "undo", "call", given=F(lambda data, scope: [data, scope["input"], scope["output"]])),
            )
        return common

    def _set(self, path: str, common: dict[str, Any], depth: int) -> Node:
        return SetTask(**common, value=_more(path))

    def _call(self, path: str, common: dict[str, Any], depth: int) -> Node:
        return CallTask(**common, target="plugin", ref="some.function")

    def _wait(self, path: str, common: dict[str, Any], depth: int) -> Node:
        return WaitTask(**common, duration_s=_time(self.seed, f"{path} wait", 6.0))

    def _raise(self, path: str, common: dict[str, Any], depth: int) -> Node:
        status = self.draw(st.sampled_from([400, 503]))
        return RaiseTask(**common, error=const({"type": "https://x.example/e", "status": status, "title": "No"}))

    def _switch(self, path: str, common: dict[str, Any], depth: int) -> Node:
        rest = self.draw(st.integers(0, 2))
        cases = (
            SwitchCase(
                "a", F(lambda data, _scope: size(data) % 3 == rest), self.draw(st.sampled_from(["continue", "exit"]))
            ),
        )
        default = (SwitchCase("b", None, "continue"),) if self.draw(st.booleans()) else ()
        return SwitchTask(**common, cases=cases + default)

    def _do(self, path: str, common: dict[str, Any], depth: int) -> Node:
        return DoTask(**common, block=self.block(f"{path}/do", depth - 1))

    def _for(self, path: str, common: dict[str, Any], depth: int) -> Node:
        count, at_once = self.draw(st.integers(0, 4)), self.draw(st.sampled_from([1, 1, 2, 3]))
        going = None
        if at_once == 1 and self.draw(st.booleans()):
            most = self.draw(st.integers(2, 12))
            going = F(lambda data, _scope: size(data) < most)
        block = self.block(f"{path}/do", depth - 1)
        if at_once > 1:
            block = (self._lead(f"{path}/do/9/lead"), *block)
        return ForTask(
            **common,
            each=f"item{depth}",
            at=f"at{depth}",
            items=const(list(range(count))),
            going=going,
            block=block,
            at_once=at_once,
            collect=self.draw(st.booleans()),
        )

    def _fork(self, path: str, common: dict[str, Any], depth: int) -> Node:
        branches = tuple(
            self._branch(f"{path}/fork/branches/{index}/b{index}", f"b{index}", depth - 1)
            for index in range(self.draw(st.integers(1, 3)))
        )
        if self.draw(st.integers(0, 9)) == 0:
            branches = (replace(branches[0], then="end"), *branches[1:])
        at_once = self.draw(st.sampled_from([None, None, 1, 2]))
        return ForkTask(**common, branches=branches, compete=self.draw(st.booleans()), at_once=at_once)

    def _branch(self, path: str, name: str, depth: int) -> Node:
        inner = self.node(f"{path}/do/1/inner", "inner", depth)
        return DoTask(path, name, "do", block=(self._lead(f"{path}/do/0/lead"), inner))

    def _lead(self, path: str) -> Node:
        """What is side by side begins with a time of its own: else it would be chance what comes first."""
        return WaitTask(path, "lead", "wait", duration_s=_time(self.seed, path, 0.5))

    def _try(self, path: str, common: dict[str, Any], depth: int) -> Node:
        retry = None
        chance = self.draw(st.integers(0, 5))
        if chance < 3:
            limit = Random(f"{self.seed}{path}limit").uniform(1, 8) if chance == 0 else None
            delay = 0.0 if chance == 1 else _time(self.seed, f"{path} pause", 4.0)
            retry = RetryRule(delay_s=delay, attempts=self.draw(st.integers(1, 2)), attempt_s=limit)
        catch = Catch(
            with_=self.draw(st.sampled_from([{}, {}, {"status": 503}])),
            retry=retry,
            block=self.block(f"{path}/catch/do", depth - 1) if self.draw(st.booleans()) else (),
        )
        return TryTask(**common, block=self.block(f"{path}/try", depth - 1), catch=catch)


@st.composite
def graphs(draw: Any) -> tuple[WorkflowGraph, int]:
    """A graph, and the seed of all that happens in it."""
    seed = draw(st.integers(0, 2**32))
    maker = Maker(draw, seed)
    limit = Random(f"{seed} whole").uniform(5, 40) if draw(st.integers(0, 5)) == 0 else None
    return graph_of(*maker.block("/do", 3), timeout_s=limit), seed
