"""Two whole hosts on one database, and one alone: what each shows, and what an order does to it."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.api.conftest import MANY
from tests.api.hosting import Served
from tests.storage.postgresql_pool import PostgresPool

from omnicore.config.settings import FleetSettings, Settings, StorageSettings
from omnicore.errors import InvalidSetting
from omnicore.plugins.placement import labels_of
from omnicore.records import replace
from omnicore.storage.tables.plugins import ObservedRow

_FILES = {"many.wat": MANY}


def _until(true: Callable[[], object], timeout_s: float = 10.0) -> None:
    end = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)


@pytest.fixture(scope="module")
def pair(postgresql_pool: PostgresPool, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Served, Served]]:
    """Two hosts, `a` and `b`, each with a folder of its own."""
    folder = tmp_path_factory.mktemp("fleet")
    with postgresql_pool.database() as url:
        slow = dataclasses.replace(Settings().limits, timeout_s=30.0)  # a call that is busy takes long where all are
        changes: dict[str, Any] = {"storage": StorageSettings(url=url), "limits": slow}
        with (
            Served(
                folder / "a", _FILES, fleet=FleetSettings(name="a", labels=("gpu=yes",), notice_s=0.05), **changes
            ) as a,
            Served(folder / "b", _FILES, fleet=FleetSettings(name="b", notice_s=0.05), **changes) as b,
        ):
            yield a, b


@pytest.fixture
def two(pair: tuple[Served, Served]) -> Iterator[tuple[Served, Served]]:
    """The two hosts; after the test both work again."""
    yield pair
    for one in ("a", "b"):
        _order(pair[0], one, "ready")
    _until(lambda: all(_states(host) == {"a": "ready", "b": "ready"} for host in pair))


def _order(host: Served, name: str, state: str) -> dict[str, Any]:
    answer = host.client.put(f"/api/v1/fleet/{name}/state", json={"state": state})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def _states(host: Served) -> dict[str, str]:
    return {one["name"]: one["state"] for one in host.client.get("/api/v1/fleet").json()["items"]}


def test_every_host_shows_all_hosts(two: tuple[Served, Served]) -> None:
    for host in two:
        items = host.client.get("/api/v1/fleet").json()["items"]
        assert [one["name"] for one in items] == ["a", "b"]
        assert [one["labels"] for one in items] == [{"gpu": "yes"}, {}]
        assert [one["address"] for one in items] == [two[0].url, two[1].url]
        assert all(one["load"]["memory_bytes"] > 0 for one in items)
        assert "public_key" not in items[0]
    assert two[0].client.get("/api/v1/fleet/b").json()["id"] == items[1]["id"]
    assert two[0].client.get("/api/v1/fleet/nobody").status_code == 404


def test_a_host_tells_which_plugins_it_has_loaded(two: tuple[Served, Served]) -> None:
    a, _ = two
    for host in two:
        host.client.post("/api/v1/plugins/many/functions/echo", content=b"x")

    def loaded() -> bool:
        shown = a.client.get("/api/v1/fleet/b").json()["plugins"]
        return [(one["plugin"], one["lags"], one["wanted"] == one["loaded"]) for one in shown] == [("many", "", True)]

    _until(loaded)
    row = ObservedRow("", "many", "0" * 64, "loaded", "", 1.0)
    assert "answers until" in a.host.fleet._table.plugins([row])[0].lags
    assert a.host.fleet._table.plugins([replace(row, error="it traps")])[0].lags == "it traps"


def test_a_drained_host_refuses_calls_and_stays_up_until_it_may_work_again(two: tuple[Served, Served]) -> None:
    a, b = two
    assert _order(a, "b", "drained")["wanted"] == "drained"
    _until(lambda: _states(a)["b"] == "drained")
    assert b.client.get("/readyz").status_code == 503
    assert "drained" in b.client.get("/readyz").json()["detail"]
    refused = b.client.post("/api/v1/plugins/many/functions/echo", content=b"x")
    assert refused.status_code == 503
    assert "uncordon" in refused.json()["remedy"]
    assert a.client.post("/api/v1/plugins/many/functions/echo", content=b"x").status_code == 200
    _order(b, "b", "ready")
    assert b.client.post("/api/v1/plugins/many/functions/echo", content=b"x").status_code == 200
    assert b.client.get("/readyz").status_code == 200


def test_a_drain_lets_a_call_finish_that_runs(two: tuple[Served, Served]) -> None:
    a, b = two
    answers: list[int] = []
    calling = threading.Thread(
        target=lambda: answers.append(b.client.post("/api/v1/plugins/many/functions/busy", content=b"x").status_code)
    )
    calling.start()
    _until(lambda: b.host.plugins.in_flight > 0)
    _order(a, "b", "drained")
    calling.join()
    assert answers == [200]
    _until(lambda: _states(a)["b"] == "drained")


def test_a_cordoned_host_answers_calls_and_takes_no_tasks(two: tuple[Served, Served]) -> None:
    a, b = two
    for host in two:
        _order(host, "a", "cordoned"), _order(host, "b", "cordoned")
    _until(lambda: a.host.fleet.here.state == b.host.fleet.here.state == "cordoned")
    assert a.client.get("/readyz").status_code == 200
    assert a.client.post("/api/v1/plugins/many/functions/echo", content=b"x").status_code == 200
    task = a.client.post("/api/v1/tasks", json={"function": "many.echo", "input": "x"}).json()["id"]
    run = _run(a)
    assert a.client.get(f"/api/v1/tasks/{task}").json()["state"] == "waiting"
    _order(a, "b", "ready")
    _until(lambda: b.client.get(f"/api/v1/tasks/{task}").json()["state"] == "done")
    _until(lambda: a.client.get(f"/api/v1/runs/{run}").json()["status"] == "completed")
    assert a.host.tasks.finished == 0


def _run(host: Served) -> str:
    text = """
document: {dsl: 1.0.3, namespace: default, name: echo, version: 1.0.0}
do:
  - echo: {call: many.echo, with: {a: 1}}
"""
    host.client.post("/api/v1/workflows", json={"text": text})
    answer = host.client.post("/api/v1/workflows/echo/runs", json={"input": {}})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def test_runs_of_a_drained_host_go_on_elsewhere_at_once(two: tuple[Served, Served]) -> None:
    a, b = two
    text = """
document: {dsl: 1.0.3, namespace: default, name: waits, version: 1.0.0}
do:
  - first: {wait: {milliseconds: 1500}}
  - then: {set: {done: true}}
"""
    b.client.post("/api/v1/workflows", json={"text": text})
    run = b.client.post("/api/v1/workflows/waits/runs", json={"input": {}}).json()["id"]
    _until(lambda: run in b.host.workflows.engine.runner.live)
    _order(a, "b", "drained")
    _until(lambda: run in a.host.workflows.engine.runner.live, 4.0)  # a lease of 10 s would take longer
    _until(lambda: a.client.get(f"/api/v1/runs/{run}").json()["status"] == "completed")


def test_the_logs_of_a_host_are_read_from_another_one(two: tuple[Served, Served]) -> None:
    a, b = two
    b.client.post("/api/v1/plugins/many/functions/warn", content=b"from b")
    found = a.client.get("/api/v1/fleet/b/logs", params={"plugin": "many", "limit": 5})
    assert found.status_code == 200, found.text
    assert [line["message"] for line in found.json()["items"]] == ["from b"]
    assert a.client.get("/api/v1/fleet/a/logs", params={"plugin": "many"}).json()["items"] == []


def test_a_signature_is_for_one_request_to_one_host(two: tuple[Served, Served]) -> None:
    a, b = two
    key = a.host.fleet._parts.identity.key
    assert key is not None
    target = f"/api/v1/fleet/{b.host.fleet.here.id}/logs?limit=5"

    def sent(path: str = target, *, to: str = b.host.fleet.here.id, now: float | None = None) -> int:
        header = key.signed("GET", target, to=to, now=time.time() if now is None else now)
        return b.client.get(path, headers={"authorization": header}).status_code

    assert sent() == 200
    header = key.signed("GET", target, to=b.host.fleet.here.id, now=time.time())
    assert [b.client.get(target, headers={"authorization": header}).status_code for _ in range(2)] == [200, 401]
    assert sent(f"{target}0") == 401
    assert sent(to=a.host.fleet.here.id) == 401
    assert sent(now=time.time() - 100) == 401
    other = key.signed("GET", "/api/v1/users", to=b.host.fleet.here.id, now=time.time())
    assert b.client.get("/api/v1/users", headers={"authorization": other}).status_code == 403
    changed = key.signed("DELETE", "/api/v1/fleet/a", to=b.host.fleet.here.id, now=time.time())
    assert b.client.delete("/api/v1/fleet/a", headers={"authorization": changed}).status_code == 401


def test_a_host_alone_on_sqlite_is_its_own_fleet(tmp_path: Path) -> None:
    with Served(tmp_path, _FILES, fleet=FleetSettings(name="alone")) as host:
        assert _states(host) == {"alone": "ready"}
        assert not (host.settings.data / "host.key").exists()
        _order(host, "alone", "cordoned")
    again = Served(tmp_path / "again", {}, data=host.settings.data, fleet=FleetSettings(name="alone"))
    with again as host:
        assert _states(host) == {"alone": "cordoned"}
        assert host.client.delete("/api/v1/fleet/alone").status_code == 409


def test_a_label_is_a_name_and_a_value() -> None:
    assert labels_of(("gpu=yes",)) == {"gpu": "yes"}
    with pytest.raises(InvalidSetting, match="NAME=VALUE"):
        labels_of(("gpu",))
