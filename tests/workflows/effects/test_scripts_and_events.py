"""Scripts in their sandbox, and the events of `emit`."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace
from typing import Any

import pytest
from tests.workflows.effects.bench import Bench, action, emit, fault_of, run_of, script, short

from omnicore.errors import ToolMissing
from omnicore.sandbox.abi import MIB, Limits
from omnicore.workflows.faults import Fault
from omnicore.workflows.steps.effects import Effects
from omnicore.workflows.steps.step import Scripting


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("return a + 1", 42),
        ("console.log('hello', {a}); console.log(2)", 'hello {"a":41}\n2'),
        ("return await Promise.resolve([a, null])", [41, None]),
        ("", ""),
        ("return null", None),
        ("return new Date(a).getTime() + (Date.now() > 1e12) + (Math.random() < 1)", 43),
    ],
)
def test_a_script_s_output_is_what_it_returns_or_prints(bench: Bench, code: str, expected: Any) -> None:
    done = bench.do(script(code), {"a": 41})
    assert done.output == expected
    assert done.meta["language"] == "js"


def test_scripts_know_nothing_of_each_other(bench: Bench) -> None:
    bench.do(script("globalThis.kept = 1; Array.prototype.map = null; console.log = null"))
    assert bench.do(script("return [typeof kept, [1].map(x => x + 1)]")).output == ["undefined", [2]]


@pytest.mark.parametrize(
    "code",
    [
        "throw new TypeError('no')",
        "this is no code",
        "return 1n",
        "return fetch('http://127.0.0.1/')",
        "await new Promise(() => {})",
        "return Host.getFunctions().kv_get_v1(1)",
        "const a = {}; a.a = a; return a",
    ],
)
def test_a_script_that_fails_is_a_fault_without_a_trace(bench: Bench, code: str) -> None:
    fault = bench.fault(script(code))
    assert short(fault) == ("runtime", 500)
    assert "script.js" not in fault.detail


def limited(bench: Bench, **limits: Any) -> Effects:
    return bench.effects_with(script=Limits(module_bytes=32 * MIB, compile_s=60, compile_bytes=2048 * MIB, **limits))


@pytest.mark.parametrize(
    ("code", "timeout_s", "expected"),
    [
        ("for (;;) {}", 1.0, ("timeout", 408)),
        ("const all = []; for (;;) all.push('x'.repeat(1000) + all.length)", 60.0, ("runtime", 500)),
        ("return 'x'.repeat(2000000)", 60.0, ("runtime", 500)),
    ],
)
def test_time_memory_and_output_of_a_script_are_bounded(
    bench: Bench, code: str, timeout_s: float, expected: tuple[str, int]
) -> None:
    effects = limited(bench, timeout_s=timeout_s, memory_bytes=32 * MIB, output_bytes=MIB)
    try:
        fault = fault_of(lambda: bench.wait(effects.perform(action(script(code)), run_of())))
    finally:
        effects.close()
    assert short(fault) == expected


@pytest.mark.parametrize("arguments", [[], "text", {"a b": 1}, {"": 1}, {"a){": 1}, {f"a{n}": n for n in range(65)}])
def test_arguments_are_variables(bench: Bench, arguments: Any) -> None:
    assert short(bench.fault(script("return 1"), arguments)) == ("validation", 400)


def test_cancelling_cuts_a_script(bench: Bench) -> None:
    async def scene() -> str:
        step = asyncio.create_task(bench.effects.perform(action(script("for (;;) {}")), run_of()))
        while not bench.effects._scripts._threads._threads:
            await asyncio.sleep(0)
        step.cancel()
        await asyncio.wait([step])
        done = await bench.effects.perform(action(script("return 'next'")), run_of())
        return str(done.output)

    assert bench.wait(scene()) == "next"


def test_a_language_without_its_toolchain_is_told_with_the_remedy(bench: Bench) -> None:
    def missing(language: str, source: str) -> bytes:
        raise ToolMissing("Python needs componentize-py", remedy="pip install it", tool="componentize_py")

    assert bench.means.scripting is not None
    parts = Scripting(missing, bench.means.scripting.engine)
    effects = Effects(replace(bench.means, scripting=parts))
    fault = fault_of(lambda: bench.wait(effects.perform(action(script("x = 1", "python")), run_of())))
    assert short(fault) == ("configuration", 501)
    assert "pip install it" in fault.detail
    effects.close()


def test_a_script_says_at_once_that_it_waits_for_its_engine(bench: Bench) -> None:
    begun, go = threading.Event(), threading.Event()
    assert bench.means.scripting is not None
    real = bench.means.scripting

    def slow(language: Any, source: str) -> bytes:
        begun.set()
        go.wait(20)
        return real.build(language, source)

    effects, node = Effects(replace(bench.means, scripting=Scripting(slow, real.engine))), script("return 1")

    async def scene() -> tuple[str, str, Any]:
        before = effects.waits_for(node)
        step = asyncio.create_task(effects.perform(action(node), run_of()))
        await asyncio.to_thread(begun.wait, 20)
        during = effects.waits_for(node)
        go.set()
        return before, during, (await step).output

    try:
        before, during, output = bench.wait(scene())
        assert (before, output, effects.waits_for(node)) == ("", 1, "")
        assert during.startswith("the engine of JavaScript scripts is being built: up to a minute")
    finally:
        go.set()
        effects.close()


@pytest.mark.toolchain
def test_python_scripts_return_a_result_or_what_they_print(bench: Bench) -> None:
    pytest.importorskip("componentize_py")
    assert bench.do(script("result = a + 1", "python"), {"a": 41}).output == 42
    assert bench.do(script("print('hello', a)", "python"), {"a": 41}).output == "hello 41"
    assert short(bench.fault(script("raise ValueError('no')", "python"))) == ("runtime", 500)
    assert short(bench.fault(script("open('/etc/passwd')", "python"))) == ("runtime", 500)


def test_an_event_is_complete_and_the_same_when_it_is_emitted_again(bench: Bench) -> None:
    given = {"source": "https://shop.example/orders", "type": "order.placed.v1", "data": {"id": 1}, "subject": "1"}
    first, again = bench.do(emit(), given), bench.do(emit(), given)
    assert first.output == again.output
    assert first.events == (first.output,)
    event = dict(first.output)
    assert len(event.pop("id")) == 32
    assert event.pop("time").endswith("Z")
    assert event == {**given, "specversion": "1.0", "datacontenttype": "application/json", "omnicorehops": 1}
    assert bench.do(emit(), given, key="run1/do/0/step/2").output["id"] != first.output["id"]
    assert bench.do(emit(), {"type": "t"}).output["source"] == "omnicore:workflow/orders"


@pytest.mark.parametrize(
    "given",
    [
        None,
        [],
        {},
        {"type": 5},
        {"type": ""},
        {"type": "t\n"},
        {"type": "t" * 5000},
        {"type": "t", "source": "not a uri"},
        {"type": "t", "time": "yesterday"},
        {"type": "t", "time": "2026-01-01T00:00:00"},
        {"type": "t", "Upper": "x"},
        {"type": "t", "ext": {"a": 1}},
        {"type": "t", "id": True},
        {"type": "t", "ext": 2**40},
    ],
)
def test_what_is_no_cloud_event_is_a_fault(bench: Bench, given: Any) -> None:
    assert short(bench.fault(emit(), given)) == ("validation", 400)


def test_events_that_follow_from_events_come_to_an_end(bench: Bench) -> None:
    deep = run_of(trigger={"kind": "event", "hops": 7})
    assert bench.do(emit(), {"type": "t", "omnicorehops": 0}, deep).output["omnicorehops"] == 8
    with pytest.raises(Fault, match="Over a limit"):
        bench.do(emit(), {"type": "t"}, run_of(trigger={"kind": "event", "hops": 8}))
    assert bench.do(emit(), {"type": "t"}, run_of(trigger={"hops": "many"})).output["omnicorehops"] == 1
