"""The reference: workflows interpreted the plain way, by recursive coroutines on asyncio with a clock that skips.

Timeouts are `asyncio.timeout`, cutting is `Task.cancel`, waiting is `asyncio.sleep`. It knows nothing of journals and
of being taken up again, and keeps all of its history.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from omnicore.workflows.faults import Fault
from omnicore.workflows.language.graph import (
    ApprovalTask,
    CallTask,
    DoTask,
    ForkTask,
    ForTask,
    Node,
    RaiseTask,
    SetTask,
    SwitchTask,
    TryTask,
    WaitTask,
    WorkflowGraph,
)

__all__ = ["Reference", "Row", "interpret"]

Row = tuple[Any, ...]
"""`(place, kind, status, attempt, at, input, output, fault)`"""

Answer = Callable[[str, int], tuple[float, Any, Mapping[str, Any] | None]]
"""Seconds, output and fault of what is asked for at a place in an attempt."""


class _End(Exception):
    pass


class _SkippingLoop(asyncio.SelectorEventLoop):
    """Where nothing is left to do at a moment, it is the next one at once."""

    def __init__(self, at: float) -> None:
        self._at = at
        super().__init__()
        self._clock_resolution = 1e-9

    def time(self) -> float:
        return self._at

    def _run_once(self) -> None:
        if not self._ready:  # type: ignore[attr-defined]
            due = [handle._when for handle in self._scheduled if not handle._cancelled]  # type: ignore[attr-defined]
            if due:
                self._at = max(self._at, min(due))
        super()._run_once()  # type: ignore[misc]


@dataclass
class _Place:
    """Where a task is: its names, its context of attempts, and the `$steps` around it are not modelled."""

    place: str
    names: Mapping[str, Any]
    attempt: int


@dataclass
class Reference:
    """One interpretation."""

    graph: WorkflowGraph
    answer: Answer
    rows: list[Row] = field(default_factory=list)
    used: list[tuple[str, int]] = field(default_factory=list)
    done: list[tuple[Node, str, Any, Any, Mapping[str, Any]]] = field(default_factory=list)
    context: Any = field(default_factory=dict)
    status: str = ""
    output: Any = None
    fault: Mapping[str, Any] | None = None

    async def run(self, input: Any, cancel_after: float | None) -> None:
        main = asyncio.ensure_future(self._main(input))
        undoing: asyncio.Future[None] | None = None

        def cancel() -> None:
            (undoing or main).cancel()  # whoever cancels a run that is being undone ends the undoing

        if cancel_after is not None:
            asyncio.get_running_loop().call_later(cancel_after, cancel)
        try:
            self.output = await main
            self.status = "completed"
            return
        except asyncio.CancelledError:
            self.status = "cancelled"
        except Fault as fault:
            self.status, self.fault = "faulted", fault.to_json()
        undoing = asyncio.ensure_future(self._undo())
        try:
            await undoing
        except asyncio.CancelledError:
            self.status, self.fault = "cancelled", None

    async def _undo(self) -> None:
        seen: dict[str, int] = {}
        for node, place, data, output, names in reversed(self.done[:]):
            seen[place] = number = seen.get(place, 0) + 1
            prefix = place if number == 1 else f"{place}/undo/{number}"
            around = _Place(prefix, {**names, "input": data, "output": output}, 1)
            try:
                await self._block(node.compensate or (), output, around, prefix, len(node.path))
            except (Fault, _End):
                continue

    async def _main(self, input: Any) -> Any:
        limit = self.graph.timeout_s
        try:
            async with asyncio.timeout(limit if isinstance(limit, float) else None):
                try:
                    return await self._block(self.graph.root.block, input, _Place("", {}, 1), "", 0)
                except _End as end:
                    return end.args[0]
        except TimeoutError:
            raise Fault("timeout", 408, "Timed out", "the workflow took longer than it may", "") from None

    async def _block(self, block: Any, raw: Any, around: _Place, prefix: str, cut: int) -> Any:
        index, visits = 0, [0] * len(block)
        while index < len(block):
            node = block[index]
            visits[index] += 1
            place = prefix + node.path[cut:] + (f"~{visits[index]}" if visits[index] > 1 else "")
            raw, then = await self.task(node, raw, _Place(place, around.names, around.attempt))
            if then == "exit":
                return raw
            if then == "end":
                raise _End(raw)
            index = index + 1 if then == "continue" else [one.name for one in block].index(then)
        return raw

    async def task(self, node: Node, raw: Any, at: _Place) -> tuple[Any, str]:
        """A task with its retries."""
        number = 0
        while True:
            try:
                return await self._limited(node, raw, at)
            except Fault as fault:
                error = fault
            retry = node.retry
            number += 1
            if retry is None or (retry.attempts is not None and number > retry.attempts):
                row_output = {"error": error.to_json()} if node.on_error == "continue" else None
                self._row(node, at, "faulted", self._seen, row_output, error.to_json())
                if row_output is None:
                    raise error
                return row_output, node.then
            self._row(node, at, "retried", self._seen, None, error.to_json())
            at = _Place(at.place, at.names, self._next(at))
            await self._sleep(node, at, self._seen, _value(retry.delay_s, self._seen, at.names))

    async def _sleep(self, node: Node, at: _Place, seen: Any, seconds: float) -> None:
        try:
            if seconds > 0:
                await asyncio.sleep(seconds)
        except asyncio.CancelledError:
            self._row(node, at, "cancelled", seen, None, None)
            raise
        self._seen = seen

    def _next(self, at: _Place) -> int:
        inside = [number for place, number in self.used if place == at.place or place.startswith(f"{at.place}/")]
        number = 1 + max([at.attempt, *inside])
        self.used.append((at.place, number))
        return number

    async def _limited(self, node: Node, raw: Any, at: _Place) -> tuple[Any, str]:
        data = raw
        try:
            if node.when is not None and node.when(raw, self._scope(at, raw)) in (None, False):
                self._row(node, at, "skipped", raw, raw, None)
                return raw, "continue"
            if node.data.input_from is not None:
                data = node.data.input_from(raw, self._scope(at, raw))
            limit = None if node.timeout_s is None else _value(node.timeout_s, data, self._scope(at, data))
            if node.retry is not None and node.retry.attempt_s is not None:
                limit = min(limit if limit is not None else node.retry.attempt_s, node.retry.attempt_s)
            then = node.then
            try:
                async with asyncio.timeout(limit if node.kind not in ("set", "switch", "raise") else None):
                    if isinstance(node, SwitchTask):
                        output, then = data, self._choice(node, data, at)
                    else:
                        output = await self._body(node, data, at)
            except TimeoutError:
                raise _late(node, at) from None
            if node.data.output_as is not None:
                output = node.data.output_as(output, self._scope(at, data))
            if node.data.export_as is not None:
                self.context = node.data.export_as(output, {**self._scope(at, data), "output": output})
        except asyncio.CancelledError:
            self._row(node, at, "cancelled", data, None, None)
            raise
        except _End as end:
            self._row(node, at, "completed", data, end.args[0], None)
            raise
        except Fault:
            self._seen = data
            raise
        self._row(node, at, "completed", data, output, None)
        if node.compensate:
            self.done.append((node, at.place, data, output, at.names))
        return output, then

    async def _body(self, node: Node, data: Any, at: _Place) -> Any:
        match node:
            case SetTask():
                assert node.value is not None
                return node.value(data, self._scope(at, data))
            case RaiseTask():
                assert node.error is not None
                raise Fault.of({"instance": at.place, **node.error(data, self._scope(at, data))})
            case WaitTask():
                await asyncio.sleep(_value(node.duration_s, data, self._scope(at, data)))
                return data
            case CallTask() | ApprovalTask():
                after, output, fault = self.answer(at.place, at.attempt)
                await asyncio.sleep(after)
                if fault is not None:
                    raise Fault.of({**fault, "instance": at.place})
                return output
            case DoTask():
                return await self._block(node.block, data, at, at.place, len(node.path))
            case ForTask():
                return await self._for(node, data, at)
            case ForkTask():
                return await self._fork(node, data, at)
            case TryTask():
                return await self._try(node, data, at)
        raise AssertionError(node.kind)

    def _choice(self, node: SwitchTask, data: Any, at: _Place) -> str:
        for case in node.cases:
            if case.when is not None and case.when(data, self._scope(at, data)) not in (None, False):
                return case.then
        return next((case.then for case in node.cases if case.when is None), node.then)

    async def _for(self, node: ForTask, data: Any, at: _Place) -> Any:
        assert node.items is not None
        items = node.items(data, self._scope(at, data))

        async def one(index: int, raw: Any) -> Any:
            inner = _Place(at.place, {**at.names, node.each: items[index], node.at: index}, at.attempt)
            return await self._block(node.block, raw, inner, f"{at.place}/for/{index}", len(node.path))

        if node.at_once == 1:
            for index, item in enumerate(items):
                names = {node.each: item, node.at: index}
                if node.going is not None and node.going(data, {**self._scope(at, data), **names}) in (None, False):
                    break
                data = await one(index, data)
            return data
        outputs = await _together([lambda index=index: one(index, data) for index in range(len(items))], node.at_once)
        return outputs if node.collect else data

    async def _fork(self, node: ForkTask, data: Any, at: _Place) -> Any:
        async def branch(one: Node) -> Any:
            place = at.place + one.path[len(node.path) :]
            output, then = await self.task(one, data, _Place(place, at.names, at.attempt))
            if then == "end":
                raise _End(output)
            return output

        works = [lambda one=one: branch(one) for one in node.branches]
        return await _together(works, node.at_once or len(works), race=node.compete)

    async def _try(self, node: TryTask, data: Any, at: _Place) -> Any:
        catch, number = node.catch, 0
        while True:
            try:
                limit = catch.retry.attempt_s if catch.retry is not None else None
                try:
                    async with asyncio.timeout(limit):
                        return await self._block(node.block, data, at, at.place, len(node.path))
                except TimeoutError:
                    raise _late(node, at) from None
            except Fault as fault:
                error = fault
            shown = error.to_json()
            if any(shown.get(name) != want for name, want in catch.with_.items()):
                raise error
            number += 1
            if catch.retry is None:
                break
            if catch.retry.attempts is not None and number > catch.retry.attempts:
                if not catch.block:
                    raise error
                break
            self._row(node, at, "retried", data, None, shown)
            at.attempt = self._next(at)
            seconds = _value(catch.retry.delay_s, data, at.names)
            if seconds > 0:
                await asyncio.sleep(seconds)
        if not catch.block:
            return data
        inner = _Place(at.place, {**at.names, catch.as_: shown}, at.attempt)
        return await self._block(catch.block, data, inner, at.place, len(node.path))

    def _scope(self, at: _Place, data: Any) -> dict[str, Any]:
        return {"context": self.context, "input": data, **at.names}

    def _row(self, node: Node, at: _Place, status: str, data: Any, output: Any, fault: Any) -> None:
        now = asyncio.get_running_loop().time()
        self.rows.append((at.place, node.kind, status, at.attempt, now, data, output, fault))


async def _together(works: list[Callable[[], Any]], at_once: int, *, race: bool = False) -> Any:
    """All outputs in order; the first failure cuts the rest. In a race: the first output, failures fall back."""
    outputs: list[Any] = [None] * len(works)
    running: dict[asyncio.Future[Any], int] = {}
    waiting, failed = list(range(len(works))), None
    try:
        while waiting or running:
            while waiting and len(running) < at_once:
                number = waiting.pop(0)
                running[asyncio.ensure_future(works[number]())] = number
            done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for one in sorted(done, key=running.__getitem__):
                number, error = running.pop(one), one.exception()
                if isinstance(error, _End) or (error is not None and not race):
                    raise error
                failed = failed or error
                outputs[number] = None if error is not None else one.result()
                if error is None and race:
                    return outputs[number]
        if failed is not None:
            raise failed
        return outputs
    finally:
        for one in running:
            one.cancel()
        if running:
            await asyncio.wait(running)


def _late(node: Node, at: _Place) -> Fault:
    return Fault("timeout", 408, "Timed out", f"{node.name} took longer than it may", at.place)


def _value(given: Any, data: Any, scope: Mapping[str, Any]) -> Any:
    return given(data, scope) if callable(given) else given


def interpret(
    graph: WorkflowGraph, input: Any, answer: Answer, at: float, *, cancel_after: float | None = None
) -> Reference:
    """The whole run."""
    reference = Reference(graph, answer)
    loop = _SkippingLoop(at)
    try:
        loop.run_until_complete(reference.run(input, cancel_after))
    finally:
        loop.close()
    return reference
