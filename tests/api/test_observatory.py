"""Runs over time, two of them compared, and alarms, over a socket."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.api.conftest import until
from tests.api.hosting import Served

COUNTER = Path(__file__).parents[2] / "plugins" / "counter" / "dist" / "counter.wasm"
WORKFLOW = """
document: {dsl: '1.0.3', namespace: default, name: NAME, version: '1.0.0'}
do:
  - add: {call: counter.add, with: {name: things, by: "${ .by }"}}
  - big: {if: "${ .value > 50 }", raise: {error: {type: "https://shop/large", status: 422, title: Too large}}}
  - same: {set: {done: true}}
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("observatory")
    with Served(folder, {}, threads=2) as site:
        site.client.post("/api/v1/plugins?filename=counter.wasm", content=COUNTER.read_bytes()).raise_for_status()
        site.host.plugins.grant("counter", "kv", who="tests")
        for name in ("count", "other"):
            text = WORKFLOW.replace("NAME", name)
            site.client.post("/api/v1/workflows", json={"text": text}).raise_for_status()
        yield site


def begun(site: Served, workflow: str, by: int) -> str:
    order = {"input": {"by": by}, "wait_s": 30}
    run: dict[str, Any] = site.client.post(f"/api/v1/workflows/{workflow}/runs", json=order).json()
    assert run["status"] in ("completed", "faulted")
    return str(run["id"])


def test_a_run_is_shown_from_what_began_it_down_to_calls_of_the_host(served: Served) -> None:
    found = served.client.get(f"/api/v1/runs/{begun(served, 'count', 1)}/timeline").json()
    spans = found["spans"]
    assert [one["kind"] for one in spans[:4]] == ["trigger", "run", "step", "call"]
    call = spans[3]
    asked = [one for one in spans if one["kind"] == "host"]
    assert (call["name"], {one["name"].partition(".")[0] for one in asked}) == ("counter", {"kv"})
    assert call["about"] == served.client.get("/api/v1/plugins/counter").json()["hash"]
    assert all(0 <= one["time_ms"] <= call["time_ms"] for one in asked)
    assert all(call["begin_ms"] <= one["begin_ms"] for one in asked)
    assert found["next"] is None


def test_two_runs_are_compared_step_by_step(served: Served) -> None:
    first, second = begun(served, "count", 1), begun(served, "count", 1000)
    served.client.post("/api/v1/workflows/count/runs", json={"input": {"by": -1000}, "wait_s": 30})
    asked = {"other": second}
    found = served.client.get(f"/api/v1/runs/{first}/comparison", params=asked).json()
    steps = {one["name"]: one for one in found["steps"]}
    assert [found["first"]["status"], found["second"]["status"]] == ["completed", "faulted"]
    assert steps["add"]["differs"] == ["output"]
    assert [one["path"] for one in steps["add"]["outputs"]] == ["/value"]
    assert steps["same"]["differs"] == ["missing"]
    assert served.client.get(f"/api/v1/runs/{first}/comparison", params={"other": first}).json()["steps"]
    of_another = {"other": begun(served, "other", 1)}
    assert served.client.get(f"/api/v1/runs/{first}/comparison", params=of_another).status_code == 422
    assert served.client.get(f"/api/v1/runs/{first}/comparison", params={"other": "run_none"}).status_code == 404
    assert served.client.get(f"/api/v1/runs/{first}/comparison").status_code == 422


def test_an_alarm_runs_a_workflow_and_is_recorded(served: Served) -> None:
    order = {"kind": "workflow", "target": "other", "figure": "calls", "threshold": 0, "workflow": "count"}
    answer = served.client.put("/api/v1/alarms/busy", json={**order, "input": {"by": 1}})
    assert (answer.status_code, answer.json()["state"]) == (200, "quiet")
    begun(served, "other", 1)
    until(lambda: served.client.get("/api/v1/alarms/busy").json()["told"] == "firing")
    until(lambda: "alarms" in {one["by"] for one in served.client.get("/api/v1/runs?workflow=count").json()["items"]})
    until(lambda: any(one["action"] == "alarm fired" for one in served.client.get("/api/v1/audit").json()["items"]))
    assert served.client.put("/api/v1/alarms/busy", json={**order, "figure": "length"}).status_code == 422
    assert served.client.delete("/api/v1/alarms/busy").status_code == 204
    assert served.client.get("/api/v1/alarms/busy").status_code == 404
    assert served.client.get("/api/v1/alarms").json() == {"items": []}
