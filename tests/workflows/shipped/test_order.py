"""`order`: three services, a saga that undoes what was done, and a host that is killed between two of them."""

from __future__ import annotations

import time
from typing import Any

import pytest
from tests.workflows.shipped.desk import Desk
from tests.workflows.shipped.services import World

HELD, PAID, SHIPPED = "/stock/reservations", "/payments", "/shipments"


@pytest.fixture
def shop(desk: Desk, world: World) -> Desk:
    desk.do(lambda host: host.connectors.vault.set("shop-token", "hush-4711-hush"))
    world.on("POST", HELD, (201, {"id": "r1"}))
    world.on("POST", PAID, (201, {"id": "p1"}))
    world.on("POST", SHIPPED, (201, {"id": "s1"}))
    world.on("DELETE", f"{HELD}/r1", (200, {}))
    world.on("POST", f"{PAID}/p1/refund", (200, {}))
    desk.apply("order", ("https://shop.example.com/", f"{world.url}/"))
    return desk


def order(name: str) -> dict[str, Any]:
    return {"id": f"{name}-{time.monotonic_ns()}", "item": "tea", "amount": 12.5}


def test_an_order_is_reserved_paid_and_shipped_each_with_a_key_of_its_own(shop: Desk, world: World) -> None:
    given = order("good")
    run = shop.ended(shop.start("order", given))
    assert (run["status"], run["output"]) == ("completed", {"order": given["id"], "payment": "p1", "shipment": "s1"})
    assert [one.path for one in world.asked] == [HELD, PAID, SHIPPED]
    assert world.asked[2].body == {"order": given["id"], "reservation": "r1"}
    keys = [one.headers["idempotency-key"] for one in world.asked]
    assert len(set(keys)) == 3
    assert all(run["id"] in key for key in keys)
    assert {one.headers["authorization"] for one in world.asked} == {"Bearer hush-4711-hush"}
    assert "hush" not in str(shop.client.get(f"/api/v1/runs/{run['id']}/steps").json())


def test_the_same_order_again_is_the_same_run(shop: Desk, world: World) -> None:
    given = order("twice")
    first = shop.start("order", given)
    shop.ended(first)
    assert shop.start("order", given) == first
    assert len(world.of(PAID)) == 1


def test_what_cannot_be_shipped_is_refunded_and_released_the_latest_first(shop: Desk, world: World) -> None:
    world.on("POST", SHIPPED, (409, {"detail": "the address is unknown"}))
    run = shop.ended(shop.start("order", order("lost")))
    assert (run["status"], run["fault"]["status"], run["fault"]["instance"]) == ("faulted", 409, "/do/2/ship")
    assert [f"{one.method} {one.path}" for one in world.asked] == [
        *(f"POST {HELD}", f"POST {PAID}", f"POST {SHIPPED}", f"POST {PAID}/p1/refund", f"DELETE {HELD}/r1")
    ]
    assert shop.steps(run["id"]) == [
        *("reserve completed", "pay completed", "ship faulted", "refund completed", "release completed")
    ]
    assert shop.sound(run["id"])


def test_a_refused_card_is_not_tried_again_and_a_service_that_is_away_is(shop: Desk, world: World) -> None:
    world.on("POST", HELD, (503, {}), (503, {}), (201, {"id": "r1"}))
    world.on("POST", PAID, (402, {"detail": "the card is refused"}))
    run = shop.ended(shop.start("order", order("card")))
    assert (run["status"], run["fault"]["status"]) == ("faulted", 402)
    assert (len(world.of(HELD)), len(world.of(PAID)), len(world.of(f"{HELD}/r1", "DELETE"))) == (3, 1, 1)
    assert len({one.headers["idempotency-key"] for one in world.of(HELD)}) == 3


def test_an_order_that_is_none_is_refused_before_anything_begins(shop: Desk, world: World) -> None:
    answer = shop.client.post("/api/v1/workflows/order/runs", json={"input": {"id": "x", "item": "tea", "amount": 0}})
    assert answer.status_code == 422
    assert "amount" in answer.text
    assert world.asked == []


def test_an_order_that_was_undone_is_reserved_and_paid_anew_when_it_is_tried_again(shop: Desk, world: World) -> None:
    world.on("POST", SHIPPED, (503, {}))
    run = shop.ended(shop.start("order", order("again")))
    assert run["status"] == "faulted"
    world.asked.clear()
    world.on("POST", SHIPPED, (503, {}), (503, {}), (201, {"id": "s2"}))
    again = shop.client.post(f"/api/v1/runs/{run['id']}/retry", json={})
    assert again.status_code == 201, again.text
    assert shop.ended(again.json()["id"])["output"]["shipment"] == "s2"
    assert [one.path for one in world.asked] == [HELD, PAID, SHIPPED, SHIPPED, SHIPPED]
