"""Functions of plugins that name a lane take part in its cycles, and what they ask for is done within their grants."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from tests.guests_that_answer import answers, fails, loops_on
from tests.plugins.conftest import Rig
from tests.plugins.guests import ECHO, with_manifest

from omnicore.capabilities.loops import LANES
from omnicore.capabilities.services import Services
from omnicore.config.settings import LaneSettings, LoopSettings
from omnicore.connectors.http import HttpClient
from omnicore.errors import ManifestInvalid
from omnicore.loops.duties import Chores, Duties
from omnicore.loops.engine import LoopEngine
from omnicore.loops.handlers import Fuel, PluginHandlers
from omnicore.loops.lane import CycleInput, LoopType
from omnicore.storage.tables.loops import LoopsTable
from omnicore.storage.tables.plugins import GrantsTable

JSON = "application/json"


def _manifest(name: str, **more: Any) -> dict[str, Any]:
    function = {"lane": "adaptive", "output_media": JSON, **more.pop("function", {})}
    asked = [asks("adaptive", "reactive"), *more.pop("capabilities", ())]
    return {"name": name, "functions": {"run": function}, "capabilities": asked, **more}


def asks(*lanes: str) -> dict[str, Any]:
    """What a manifest asks for, so that lanes call its functions."""
    return {"name": "loops", "reason": "Takes part", "scope": {"lanes": list(lanes)}}


def _take_in(rig: Rig) -> None:
    """Takes in what was dropped, and grants all that it asks for."""
    for name in rig.scan():
        rig.host.grant(name, who="test")


@asynccontextmanager
async def _lanes(rig: Rig, adaptive: LaneSettings | None = None) -> AsyncIterator[LoopEngine]:
    http = HttpClient()
    services = Services(kv=rig.kv, http=http, events=rig.events, clock=rig.clock)
    handlers = PluginHandlers(rig.host, services, rig.events)
    table = LoopsTable(rig.database)
    duties = Duties(Chores(limit_s=handlers.limit_s), table=table, clock=rig.clock, kept=1)
    settings = LoopSettings(adaptive=adaptive) if adaptive else LoopSettings()
    made = LoopEngine(
        settings,
        table=table,
        bus=rig.events,
        duties=duties.by_lane(),
        handlers=handlers,
        clock=rig.clock,
        work=False,
    )
    await made.start()
    try:
        yield made
    finally:
        await made.stop()
        handlers.close()
        http.close()


async def test_a_function_that_names_a_lane_gets_its_cycles_and_gives_insights(rig: Rig) -> None:
    said = {"results": {"seen": 3}, "insights": ["all is well"], "next_objectives": ["rest"]}
    rig.drop("watch.wasm", answers(said, _manifest("watch")))
    rig.drop("other.wasm", answers({}, _manifest("other", function={"lane": "reactive"})))
    _take_in(rig)
    async with _lanes(rig) as lanes:
        done = await lanes.execute_cycle(LoopType.Adaptive)
        assert done.results["handlers"]["watch.run"]["result"] == {"seen": 3}
        assert done.insights[-1]["by"] == "watch.run"
        assert done.next_objectives == ("rest",)
        assert (await lanes.status(LoopType.Adaptive)).handlers == ("watch.run",)
        assert (await lanes.status(LoopType.Reactive)).handlers == ("other.run",)


@pytest.mark.parametrize("media", [JSON, "text/plain", "application/octet-stream"])
async def test_a_handler_gets_the_cycle_as_a_document(rig: Rig, media: str) -> None:
    manifest = {
        "name": "echo",
        "functions": {"echo": {"lane": "adaptive", "input_media": media, "output_media": media}},
        "capabilities": [asks("adaptive")],
    }
    rig.drop("echo.wasm", with_manifest(ECHO, manifest))
    _take_in(rig)
    async with _lanes(rig) as lanes:
        done = await lanes.execute_cycle(LoopType.Adaptive, CycleInput({"n": 1}, "why", ["try"]))
        seen = done.results["handlers"]["echo.echo"]["result"]
        assert seen == {
            "cycle_id": done.cycle_id,
            "lane": "adaptive",
            "data": {"n": 1},
            "context": "why",
            "objectives": ["try"],
        }


async def test_a_handler_that_traps_or_never_ends_is_cut_and_the_cycle_goes_on(rig: Rig) -> None:
    rig.drop("bad.wasm", fails(_manifest("bad")))
    rig.drop("endless.wasm", loops_on(_manifest("endless", limits={"timeout_s": 30.0})))
    rig.drop("good.wasm", answers({"results": 1}, _manifest("good")))
    _take_in(rig)
    async with _lanes(rig, LaneSettings(1800.0, 0.5)) as lanes:
        done = await lanes.execute_cycle(LoopType.Adaptive)
        gave = done.results["handlers"]
        assert done.success
        assert (gave["good.run"]["ok"], gave["bad.run"]["error"]) == (True, "guest-trapped")
        assert gave["endless.run"]["error"] == "deadline-exceeded"
        assert rig.host.get("endless").state == "enabled"  # a lane's short deadline is not the plugin's fault


async def test_actions_are_done_within_the_grants_of_the_plugin_that_asks_for_them(rig: Rig) -> None:
    wishes = [
        {"verb": "events.publish", "input": {"topic": "watch.saw", "data": 1}},
        {"verb": "events.publish", "input": {"topic": "billing.paid", "data": 1}},
        {"verb": "kv.put", "input": {"key": "a", "value": "1"}},
        {"verb": "http.fetch", "input": {"url": "http://127.0.0.1/"}},
        {"verb": "events.publish", "input": {"topic": 7}},
    ]
    asked = [{"name": "events", "reason": "Tells", "scope": {"topics": ["watch.*"]}}]
    rig.drop("watch.wasm", answers({"actions": wishes}, _manifest("watch", capabilities=asked)))
    _take_in(rig)
    async with _lanes(rig) as lanes:
        done = await lanes.execute_cycle(LoopType.Adaptive)
        assert [(one.verb, one.status) for one in done.actions] == [
            ("events.publish", "done"),
            ("events.publish", "refused"),
            ("kv.put", "refused"),
            ("http.fetch", "failed"),
            ("events.publish", "failed"),
        ]
        assert {one.by for one in done.actions} == {"watch.run"}
        assert [event.source for event in rig.events.history("watch.*")] == ["watch"]
        assert rig.events.history("billing.*") == []


async def test_a_plugin_whose_change_waits_for_a_grant_and_one_that_is_off_take_no_part(rig: Rig) -> None:
    asked = [{"name": "kv", "reason": "Keeps"}]
    rig.drop("asks.wasm", answers({}, _manifest("asks", capabilities=asked)))
    rig.drop("off.wasm", answers({}, _manifest("off")))
    rig.scan()
    rig.host.grant("off", who="test")
    async with _lanes(rig) as lanes:
        rig.host.disable("off")
        assert (await lanes.status(LoopType.Adaptive)).handlers == ()
        rig.host.enable("off")
        assert (await lanes.status(LoopType.Adaptive)).handlers == ("off.run",)


async def test_handlers_beyond_the_lanes_fuel_do_not_begin(rig: Rig) -> None:
    for name in ("a", "b", "c"):
        rig.drop(f"{name}.wasm", answers({"results": 1}, _manifest(name, limits={"fuel": 1_000_000})))
    _take_in(rig)
    async with _lanes(rig, LaneSettings(1800.0, 10.0, concurrency=1, fuel=50)) as lanes:
        done = await lanes.execute_cycle(LoopType.Adaptive)
        gave = done.results["handlers"]
        assert [gave[f"{name}.run"]["ok"] for name in "abc"] == [True, False, False]
        assert gave["b.run"]["error"] == "fuel-exhausted"


async def test_the_limits_of_functions_are_known_to_the_duty(rig: Rig) -> None:
    rig.drop("a.wasm", answers({}, _manifest("a", limits={"timeout_s": 2.5})))
    _take_in(rig)
    http = HttpClient()
    handlers = PluginHandlers(rig.host, Services(kv=rig.kv, http=http, events=rig.events), rig.events)
    assert (handlers.limit_s("a.run"), handlers.limit_s("gone.run")) == (2.5, 0.0)
    assert [one.name for one in handlers.of(LoopType.Adaptive, Fuel(None))] == ["a.run"]
    handlers.close()
    http.close()


@pytest.mark.parametrize(
    "function", [{"lane": "cosmic"}, {"provides": []}, {"provides": ["NOT A WORD"]}, {"provides": ["a", "a"]}]
)
def test_a_manifest_names_lanes_and_words_that_there_are(rig: Rig, function: dict[str, Any]) -> None:
    with pytest.raises(ManifestInvalid):
        rig.host.install("bad.wasm", answers({}, _manifest("bad", function=function)))


async def test_a_function_is_called_only_while_its_lane_is_granted(rig: Rig) -> None:
    rig.drop("watch.wasm", answers({"results": 1}, _manifest("watch")))
    rig.scan()
    async with _lanes(rig) as lanes:
        assert rig.host.get("watch").state == "needs-grant"
        assert "handlers" not in (await lanes.execute_cycle(LoopType.Adaptive)).results
        rig.host.grant("watch", "loops", who="test")
        done = await lanes.execute_cycle(LoopType.Adaptive)
        assert done.results["handlers"]["watch.run"]["result"] == 1
        rig.host.revoke("watch", "loops", who="test")
        assert "handlers" not in (await lanes.execute_cycle(LoopType.Adaptive)).results


async def test_a_grant_that_another_process_takes_back_closes_the_lane_at_once(rig: Rig) -> None:
    rig.drop("watch.wasm", answers({"results": 1}, _manifest("watch")))
    _take_in(rig)
    async with _lanes(rig) as lanes:
        assert (await lanes.execute_cycle(LoopType.Adaptive)).results["handlers"]["watch.run"]["ok"]
        with rig.database.write() as session:
            GrantsTable.take(session, "watch", "loops")
        gave = (await lanes.execute_cycle(LoopType.Adaptive)).results["handlers"]["watch.run"]
        assert (gave["ok"], gave["error"]) == (False, "permission-denied")


@pytest.mark.parametrize(
    ("scope", "problem"),
    [
        (None, "lacks scope"),
        ({}, "lacks lanes"),
        ({"lanes": []}, r"scope\.lanes"),
        ({"lanes": ["cosmic"]}, "cosmic"),
        ({"lanes": "adaptive"}, r"scope\.lanes"),
        ({"lanes": ["adaptive"], "most": 3}, "most"),
        ({"lanes": ["reactive", "deliberative"]}, 'lanes = \\["adaptive"\\]'),
    ],
)
def test_a_scope_names_the_lanes_that_functions_name(rig: Rig, scope: Any, problem: str) -> None:
    asked = {"name": "loops", "reason": "Takes part", **({"scope": scope} if scope is not None else {})}
    manifest = {"name": "watch", "functions": {"run": {"lane": "adaptive"}}, "capabilities": [asked]}
    with pytest.raises(ManifestInvalid, match=problem):
        rig.host.install("watch.wasm", answers({}, manifest))


def test_a_lane_that_is_not_asked_for_is_told_with_the_lines_that_ask(rig: Rig) -> None:
    functions = {"run": {"lane": "adaptive"}}
    with pytest.raises(ManifestInvalid, match=r'functions\.run\.lane: .* name = "loops", .* lanes = \["adaptive"\]'):
        rig.host.install("watch.wasm", answers({}, {"functions": functions}))


def test_a_sidecar_asks_for_the_lanes_that_its_module_names(rig: Rig) -> None:
    module = answers({}, _manifest("watch"))
    with pytest.raises(ManifestInvalid, match="does not ask to take part in the adaptive lane"):
        rig.host.install("watch.wasm", module, manifest=b"warm = 1")
    lines = b'[[capabilities]]\nname = "loops"\nreason = "x"\nscope = { lanes = ["adaptive"] }'
    assert rig.host.install("watch.wasm", module, manifest=lines).asked[0].name == "loops"


def test_the_lanes_of_scopes_are_those_of_the_engine() -> None:
    assert tuple(LoopType) == LANES
