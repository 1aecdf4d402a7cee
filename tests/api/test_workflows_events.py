"""Events that are published over REST begin runs and let waiting ones go on, each once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from tests.api.conftest import until
from tests.api.hosting import Served

PAID = """
document: {dsl: 1.0.3, namespace: default, name: paid, version: 1.0.0}
schedule: {on: {one: {with: {type: shop.paid}}}}
do:
  - note: {set: {sum: '${ .[0].data.sum }'}}
"""
AT = "/api/v1/events"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with Served(tmp_path_factory.mktemp("site"), {}) as served:
        made = served.client.post("/api/v1/workflows", json={"text": PAID})
        assert made.status_code == 201, made.text
        yield served.client


def event(id: str, **more: Any) -> dict[str, Any]:
    return {"specversion": "1.0", "id": id, "source": "/shop", "type": "shop.paid", **more}


def publish(client: httpx.Client, value: object, media: str = "application/cloudevents+json") -> httpx.Response:
    return client.post(AT, content=json.dumps(value), headers={"content-type": media})


def sums(client: httpx.Client) -> list[int]:
    runs = client.get("/api/v1/runs?workflow=paid&status=completed").json()["items"]
    return sorted(run["output"]["sum"] for run in runs)


def test_events_begin_runs_in_every_form_and_each_once(client: httpx.Client) -> None:
    first = publish(client, event("1", data={"sum": 1}))
    assert (first.status_code, first.json()) == (202, {"accepted": 1, "new": 1})
    assert publish(client, event("1", data={"sum": 99})).json() == {"accepted": 1, "new": 0}
    batch = [event("1"), event("2", data={"sum": 2}), event("3", data={"sum": 3}), event("3")]
    assert publish(client, batch, "application/cloudevents-batch+json").json() == {"accepted": 4, "new": 2}
    headers = {"ce-specversion": "1.0", "ce-id": "4", "ce-source": "/shop", "ce-type": "shop.paid"}
    assert client.post(AT, json={"sum": 4}, headers=headers).json() == {"accepted": 1, "new": 1}
    until(lambda: {1, 2, 3, 4} <= set(sums(client)))
    assert len(sums(client)) == len(set(sums(client)))


def test_of_a_batch_with_a_malformed_event_none_is_published(client: httpx.Client) -> None:
    answer = publish(client, [event("never"), event("bad", source="omnicore:x")], "application/json")
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-input")
    assert answer.json()["path"] == "/1/source"
    assert publish(client, event("never", data={"sum": 5})).json()["new"] == 1
    until(lambda: 5 in sums(client))


@pytest.mark.parametrize("body", [b"", b"{", b"[1]", b'"text"', b'{"id": "\\ud800"}'])
def test_what_is_no_event_is_refused(client: httpx.Client, body: bytes) -> None:
    answer = client.post(AT, content=body, headers={"content-type": "application/cloudevents+json"})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-input")


def test_an_event_that_is_too_large_is_refused(client: httpx.Client) -> None:
    answer = publish(client, event("large", data="a" * 1_100_000))
    assert answer.status_code in (413, 422)
    assert "bytes" in answer.json()["detail"]
