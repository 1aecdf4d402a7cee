"""`order` on a host that is killed while a payment is under way: the next host goes on with it."""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.cli.conftest import COMMAND, clean_environment
from tests.console.host import ConsoleHost
from tests.workflows.shipped.desk import EXAMPLES, hasty
from tests.workflows.shipped.services import Asked, World

GIVEN = {"id": "o-17", "item": "tea", "amount": 12.5}
PRIVATE = {"OMNICORE_WORKFLOWS__HTTP_PRIVATE": '["127.0.0.1:*"]'}


@pytest.fixture
def host(tmp_path: Path) -> Iterator[ConsoleHost]:
    host = ConsoleHost(tmp_path, **PRIVATE)
    told = [*COMMAND, "secrets", "set", "shop-token"]
    subprocess.run(told, cwd=tmp_path, env=clean_environment(**PRIVATE), input=b"hush-4711-hush", check=True)
    try:
        yield host.start()
    finally:
        host.stop(signal.SIGKILL)


def test_a_payment_that_was_cut_is_asked_for_again_under_the_same_key_and_all_else_is_done_once(
    host: ConsoleHost, world: World
) -> None:
    paying, killed = threading.Event(), threading.Event()

    def pay(asked: Asked) -> tuple[int, Any]:
        paying.set()
        killed.wait(30)
        return 201, {"id": "p1"}

    world.on("POST", "/stock/reservations", (201, {"id": "r1"}))
    world.on("POST", "/payments", pay)
    world.on("POST", "/shipments", (201, {"id": "s1"}))
    text = hasty((EXAMPLES / "order.yaml").read_text()).replace("https://shop.example.com/", f"{world.url}/")
    client = httpx.Client(headers=host.owner, timeout=30)
    assert client.post(f"{host.url}/api/v1/workflows", json={"text": text}).status_code == 201
    run = client.post(f"{host.url}/api/v1/workflows/order/runs", json={"input": GIVEN}).json()["id"]
    assert paying.wait(30)
    host.stop(signal.SIGKILL)
    killed.set()
    host.start()
    address = f"{host.url}/api/v1/runs/{run}"
    end = time.monotonic() + 30
    while (view := client.get(address).json())["status"] not in ("completed", "faulted") and time.monotonic() < end:
        time.sleep(0.05)
    assert (view["status"], view["fault"]) == ("completed", None)
    assert view["output"] == {"order": "o-17", "payment": "p1", "shipment": "s1"}
    counts = {path: len(world.of(path)) for path in ("/stock/reservations", "/payments", "/shipments")}
    assert counts == {"/stock/reservations": 1, "/payments": 2, "/shipments": 1}
    assert len({one.headers["idempotency-key"] for one in world.of("/payments")}) == 1
    assert client.get(f"{address}/audit").json()["ok"] is True
    client.close()
