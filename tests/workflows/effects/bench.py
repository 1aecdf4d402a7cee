"""What tests of effects do again and again: an action, a run, and somebody who asks for it on the host's loop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from typing import Any, TypeVar

from tests.connectors.local_server import Answer, LocalServer, Seen, serve

from omnicore.assembly import Host
from omnicore.automation import scripting
from omnicore.clock import ManualClock
from omnicore.connectors.http import HttpClient
from omnicore.portal import BlockingHost
from omnicore.storage.tables.kv import KvTable
from omnicore.workflows.entries import Performed, RunContext, StepAction
from omnicore.workflows.faults import Fault
from omnicore.workflows.language.graph import CallTask, EmitTask, Node, ScriptTask
from omnicore.workflows.steps.effects import Effects
from omnicore.workflows.steps.step import EffectLimits, StepServices, placeholders

T = TypeVar("T")
LOCAL = EffectLimits(http_private=("127.0.0.1:*",), http_bytes=64 * 1024, longest_s=20.0)


def call(target: Any, ref: str = "", **more: Any) -> CallTask:
    return CallTask("/do/0/step", "step", "call", target=target, ref=ref, **more)


def emit() -> EmitTask:
    return EmitTask("/do/0/step", "step", "emit")


def script(code: str, language: Any = "js") -> ScriptTask:
    return ScriptTask("/do/0/step", "step", "script", language=language, code=code)


def action(node: Node, value: Any = None, *, input: Any = None, **more: Any) -> StepAction:
    given = {"place": "/do/0/step", "attempt": 1, "key": "run1/do/0/step/1", **more}
    return StepAction(node.kind, node=node, value=value, scope={"input": input}, **given)  # type: ignore[arg-type]


def run_of(*secrets: str, nonce: str = "an unguessable number", **more: Any) -> RunContext:
    given = {"run": "run1", "workflow": "orders", "root": "run1", "depth": 0, **more}
    return RunContext(secrets=placeholders(nonce, secrets), **given)


class Bench:
    """A host, and effects over it."""

    def __init__(self, host: Host, blocking: BlockingHost) -> None:
        self.host = host
        self._blocking = blocking
        self.clock = ManualClock()
        self.http = HttpClient()
        self.kv = KvTable(host.store, self.clock)
        self.means = StepServices(
            plugins=host.plugins,
            connectors=host.connectors,
            http=self.http,
            vault=host.connectors.vault,
            kv=self.kv,
            clock=self.clock,
            memory=host.memory,
            vectors=host.vectors,
            tasks=host.tasks.stored,
            scripting=scripting(host.settings),
        )
        self.effects = Effects(self.means, LOCAL)

    def close(self) -> None:
        self.effects.close()
        self.http.close()

    def secret(self, name: str, value: str) -> str:
        self.host.connectors.vault.set(name, value)
        return value

    def wait(self, work: Coroutine[Any, Any, T]) -> T:
        return self._blocking.wait(asyncio.wait_for(work, 60))

    def effects_with(self, **limits: Any) -> Effects:
        return Effects(self.means, replace(LOCAL, **limits))

    def do(self, node: Node, value: Any = None, run: RunContext | None = None, **more: Any) -> Performed:
        return self.wait(self.effects.perform(action(node, value, **more), run or run_of()))

    def fault(self, node: Node, value: Any = None, run: RunContext | None = None, **more: Any) -> Fault:
        return fault_of(lambda: self.do(node, value, run, **more))

    def served(
        self, answer: Callable[[Seen], Answer], scene: Callable[[LocalServer], Awaitable[T]]
    ) -> tuple[T, LocalServer]:
        """What came of a scene with a server that answers so, and the server."""

        async def both() -> tuple[T, LocalServer]:
            async with serve(answer) as server:
                return await scene(server), server

        return self.wait(both())

    def ask(
        self,
        answer: Callable[[Seen], Answer],
        given: Callable[[LocalServer], Any],
        *,
        run: RunContext | None = None,
        effects: Effects | None = None,
        target: Any = "http",
        **more: Any,
    ) -> tuple[Performed, LocalServer]:
        """`call: http` to a server that answers so."""

        async def scene(server: LocalServer) -> Performed:
            wanted = action(call(target), given(server), **more)
            return await (effects or self.effects).perform(wanted, run or run_of())

        return self.served(answer, scene)

    def refused(self, answer: Callable[[Seen], Answer], given: Callable[[LocalServer], Any], **more: Any) -> Fault:
        return fault_of(lambda: self.ask(answer, given, **more))


def fault_of(work: Callable[[], Any]) -> Fault:
    """The fault that the work ends with."""
    try:
        work()
    except Fault as fault:
        return fault
    raise AssertionError("it did not fail")


def short(fault: Fault) -> tuple[str, int]:
    """Type and status."""
    return fault.type.rpartition("/")[2], fault.status
