"""Lanes over REST, on a host that really runs them."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from tests.api.hosting import Served

from omnicore.loops.lane import LoopType

AT = "/api/v1/loops"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with Served(tmp_path_factory.mktemp("site"), {}) as served:
        yield served.client


def test_the_seven_lanes_are_shown_in_order(client: httpx.Client) -> None:
    lanes = client.get(AT).json()["items"]
    assert [one["lane"] for one in lanes] == [kind.value for kind in LoopType]
    assert [one["scheduled"] for one in lanes] == [True] * 4 + [False] * 3
    one = client.get(f"{AT}/deliberative").json()
    assert (one["lane"], one["running"], one["handlers"]) == ("deliberative", False, [])


def test_a_cycle_runs_on_demand_and_is_counted(client: httpx.Client) -> None:
    before = client.get(f"{AT}/deliberative").json()["cycles_completed"]
    order = {"data": {"tasks": [{"id": "t", "needs": "flying"}]}, "context": "by hand", "objectives": ["plan"]}
    done = client.post(f"{AT}/deliberative/cycles", json=order)
    assert done.status_code == 200
    cycle = done.json()
    assert (cycle["loop_type"], cycle["success"]) == ("deliberative", True)
    assert cycle["results"]["unmatched"][0]["task"] == "t"
    after = client.get(f"{AT}/deliberative").json()
    assert after["cycles_completed"] == before + 1
    assert after["last_run_at"] is not None


def test_the_same_key_runs_a_cycle_once(client: httpx.Client) -> None:
    headers = {"Idempotency-Key": "one"}
    first = client.post(f"{AT}/transformative/cycles", json={}, headers=headers).json()
    again = client.post(f"{AT}/transformative/cycles", json={}, headers=headers).json()
    assert first["cycle_id"] == again["cycle_id"]


def test_a_lane_that_is_not_there_is_not_found(client: httpx.Client) -> None:
    for answer in (client.get(f"{AT}/cosmic"), client.post(f"{AT}/cosmic/cycles", json={})):
        assert (answer.status_code, answer.json()["code"]) == (404, "not-found")


@pytest.mark.parametrize(
    "body", [{"data": []}, {"objectives": "plan"}, {"objectives": [7]}, {"context": 7}, {"dada": {}}]
)
def test_an_order_of_the_wrong_shape_is_refused(client: httpx.Client, body: dict[str, object]) -> None:
    assert client.post(f"{AT}/adaptive/cycles", json=body).status_code == 422
