"""Steps that call plugins, connectors and the host's services."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest
from tests.connectors.local_server import LocalServer, reply
from tests.workflows.effects.bench import Bench, action, call, fault_of, run_of, short

from omnicore.portal import real
from omnicore.sandbox.abi import MIB
from omnicore.workflows.language.palette import VERBS
from omnicore.workflows.steps.step import StepContext


def test_a_plugin_is_called_with_json_and_the_version_that_served_is_told(bench: Bench) -> None:
    done = bench.do(call("plugin", "text.count_vowels"), "hello")
    assert done.output == {"count": 2}
    assert {**done.meta, "call": None} == {"plugin": "text", "hash": bench.host.plugins.get("text").hash, "call": None}
    assert done.meta["call"]["ms"] > 0


def test_costs_are_told_where_the_setting_asks_for_them(bench: Bench) -> None:
    effects = bench.effects_with(costs=True)
    done = bench.wait(effects.perform(action(call("plugin", "text.count_vowels"), "hello"), run_of()))
    assert done.meta["memory_bytes"] > 0


def test_a_named_version_must_be_the_one_in_service(bench: Bench) -> None:
    assert bench.do(call("plugin", "text.slug:1.0.0@default"), "A b").output == "a-b"
    assert bench.do(call("plugin", "text.slug:latest"), "A b").output == "a-b"
    fault = bench.fault(call("plugin", "text.slug:9.9.9"), "A b")
    assert short(fault) == ("configuration", 409)
    assert "1.0.0" in fault.detail


@pytest.mark.parametrize(
    ("ref", "given", "expected"),
    [
        ("text.frequencies", {"no": 1}, ("validation", 400)),
        ("nobody.home", None, ("configuration", 404)),
        ("text.nothing", None, ("configuration", 404)),
        ("text.slug", {"base64": "%"}, ("validation", 400)),
    ],
)
def test_a_plugin_that_cannot_be_called_so_is_a_fault(
    bench: Bench, ref: str, given: Any, expected: tuple[str, int]
) -> None:
    assert short(bench.fault(call("plugin", ref), given)) == expected


def test_a_step_whose_time_is_over_does_not_begin(bench: Bench) -> None:
    fault = bench.fault(call("plugin", "text.slug"), "A", due_at=bench.clock.now() - 1)
    assert short(fault) == ("timeout", 408)


def test_a_plugin_sees_the_run_the_place_the_key_and_the_hops(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    plugins = real(bench.host.plugins)
    called = plugins.call

    async def looked(ref: str, data: Any, **more: Any) -> Any:
        seen.append(more["host_context"])
        return await called(ref, data, **more)

    monkeypatch.setattr(plugins, "call", looked)
    bench.do(call("plugin", "text.slug"), "A", run_of(trigger={"kind": "event", "hops": 3}), attempt=2)
    assert seen == [StepContext(3, "run1", "/do/0/step", 2, "run1/do/0/step/1")]


def test_an_output_over_the_bound_is_a_fault_with_the_bound(bench: Bench) -> None:
    effects = bench.effects_with(output_bytes=10)
    wanted = action(call("plugin", "text.slug"), "a" * 20)
    fault = fault_of(lambda: bench.wait(effects.perform(wanted, run_of())))
    assert short(fault) == ("runtime", 500)
    assert "over 10 bytes" in fault.detail


def test_a_connector_is_used_in_the_workflow_s_name_and_with_the_step_s_key(bench: Bench) -> None:
    async def scene(server: LocalServer) -> Any:
        limits = {"rate": 1e6, "plugin_rate": 1e6}
        register = bench.host.connectors.register
        await asyncio.to_thread(register.add, "shop", "http", {"base_url": server.url()}, {}, limits)
        wanted = action(call("connector", "shop.post"), {"path": "/orders", "json": {"n": 1}})
        return await bench.effects.perform(wanted, run_of())

    done, server = bench.served(lambda seen: reply(201, b'{"id":7}', "Content-Type: application/json"), scene)
    assert done.output["status"] == 201
    assert done.meta == {"connector": "shop"}
    assert server.seen[0].headers["idempotency-key"] == "run1/do/0/step/1"
    (use,) = bench.host.connectors.register.table.uses(connector="shop", limit=10)
    assert use.who == "workflow:orders"


def test_a_connector_or_an_action_that_is_not_there_is_a_fault(bench: Bench) -> None:
    assert short(bench.fault(call("connector", "nobody.get"), {"path": "/"})) == ("validation", 400)


def test_what_a_workflow_keeps_is_its_own_until_it_is_removed(bench: Bench) -> None:
    mine, other = run_of(workflow="mine"), run_of(workflow="other")
    assert bench.do(call("host", "kv.put"), {"key": "n", "value": {"a": [1, None]}}, mine).output["version"] >= 1
    assert bench.do(call("host", "kv.get"), {"key": "n"}, mine).output["value"] == {"a": [1, None]}
    assert bench.do(call("host", "kv.get"), {"key": "n", "default": 0}, other).output == {"value": 0, "version": None}
    bench.effects.forget("mine")
    assert bench.do(call("host", "kv.get"), {"key": "n"}, mine).output["value"] is None


def test_memory_and_vectors_are_those_that_the_other_doors_lead_to(bench: Bench) -> None:
    made = bench.do(call("host", "memory.store"), {"text": "the kettle is in the attic", "tier": "semantic"}).output
    found = bench.do(call("host", "memory.recall"), {"text": "kettle attic", "limit": 3}).output["items"]
    assert made["id"] in [item["id"] for item in found]
    blocks = bench.host.memory.memories.blocks
    blocks.write("@host", "human", "Ada likes tea.", version=0, by="test", now=0.0, scope=("ada", None, None, None))
    asked = {"text": "kettle attic", "user": "ada", "budget": 20}
    given = bench.do(call("host", "memory.recall"), asked).output
    assert given == {"items": [], "blocks": [{"name": "human", "text": "Ada likes tea."}]}
    assert bench.do(call("host", "memory.forget"), {"id": made["id"]}).output == {"forgotten": True}
    bench.host.vectors.create("@host", "shapes", 2, "l2")
    given = {"collection": "shapes", "vectors": [{"id": "a", "values": [0, 1]}, {"id": "b", "values": [5, 5]}]}
    assert bench.do(call("host", "vectors.upsert"), given).output == {"count": 2}
    found = bench.do(call("host", "vectors.search"), {"collection": "shapes", "values": [0, 1], "limit": 1}).output
    assert [match["id"] for match in found["matches"]] == ["a"]


def test_a_task_that_is_submitted_again_is_the_same_task(bench: Bench) -> None:
    given = {"function": "text.slug", "input": "A b", "delay_s": 1000}
    first = bench.do(call("host", "tasks.submit"), given, key="run7/do/0/step/1").output
    assert bench.do(call("host", "tasks.submit"), given, key="run7/do/0/step/1").output == first
    assert bench.do(call("host", "tasks.submit"), given, key="run7/do/0/step/2").output != first


def test_a_line_is_logged_harmlessly(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "omnicore.workflows.log"):
        bench.do(call("host", "log.write"), {"message": "red \x1b[31m", "level": "warn"})
    assert "orders run1 red \\x1b[31m" in caplog.messages


@pytest.mark.parametrize("ref", sorted(VERBS))
def test_every_verb_checks_what_it_is_given(bench: Bench, ref: str) -> None:
    fault = bench.fault(call("host", ref), {"surely": "unknown"})
    assert short(fault) == ("validation", 400)
    assert VERBS[ref].to_json()["ref"] == f"{ref}@host"


def test_a_value_for_kv_is_bounded(bench: Bench) -> None:
    fault = bench.fault(call("host", "kv.put"), {"key": "n", "value": "x" * MIB})
    assert short(fault) == ("validation", 400)
    assert short(bench.fault(call("host", "room.verb"), {})) == ("configuration", 404)
