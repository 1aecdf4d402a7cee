"""Connectors and webhooks over REST, on a real socket."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from tests.api.conftest import Site

from omnicore.config.settings import ConnectorSettings

TOKEN = "tok_9f8e7d6c5b4a39281706"
AT = "/api/v1/connectors"


class _Echo(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        status = 403 if self.path.endswith("/refused") else 200
        body = json.dumps({"path": self.path, "auth": self.headers["authorization"], "message": TOKEN}).encode()
        head = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        self.wfile.write(head.encode() + body)

    do_POST = do_GET

    def log_message(self, *arguments: Any) -> None:
        pass


@pytest.fixture
def echo() -> Iterator[str]:
    """The address of a service that says what it was sent."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Echo)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/v1"
    server.shutdown()
    thread.join()
    server.server_close()


def add(site: Site, echo: str) -> None:
    order = {
        "name": "shop",
        "kind": "http",
        "config": {"base_url": echo, "auth": "bearer"},
        "secrets": {"token": TOKEN},
    }
    answer = site.client.post(AT, json=order)
    assert (answer.status_code, answer.headers["location"]) == (201, f"{AT}/shop")
    assert answer.json()["credentials"] == {"token": "vault:connector.shop.token"}


def test_a_connector_is_made_called_changed_and_removed_and_its_secret_is_never_shown(site: Site, echo: str) -> None:
    add(site, echo)
    texts = [site.client.get(path).text for path in (AT, f"{AT}/shop", f"{AT}/shop/actions", f"{AT}/kinds")]
    assert site.client.post(f"{AT}/shop/test").json()["ok"]
    called = site.client.post(f"{AT}/shop/actions/get", json={"input": {"path": "/a"}})
    assert called.json()["output"]["json"] == {"path": "/v1/a", "auth": "Bearer [redacted]", "message": "[redacted]"}
    changed = site.client.put(f"{AT}/shop", json={"limits": {"rate": 5}})
    assert (changed.json()["limits"], changed.json()["version"]) == ({"rate": 5}, 2)
    assert changed.json()["state"]["calls"] == 1
    uses = site.client.get(f"{AT}/shop/uses").json()
    assert [(use["who"], use["action"], use["outcome"]) for use in uses["items"]] == [("rest", "get", "ok")]
    assert site.client.delete(f"{AT}/shop").json() == {"removed": True}
    assert site.client.delete(f"{AT}/shop").status_code == 404
    assert TOKEN not in "".join([*texts, called.text, changed.text])


@pytest.mark.parametrize(
    ("order", "status", "words"),
    [
        ({"name": "shop"}, 422, "kind of the connector is missing"),
        ({"name": "shop", "kind": "smoke"}, 422, "no kind of connector"),
        ({"name": "shop", "kind": "http", "config": []}, 422, "config of the connector cannot be used"),
        ({"name": "shop", "kind": "http", "config": {}}, 422, "base_url"),
        ({"name": "shop", "kind": "github", "secrets": {"token": 7}}, 422, "secrets"),
        ({"name": "shop", "kind": "http", "colour": "red"}, 422, "not known here"),
    ],
)
def test_an_order_that_makes_no_sense_is_a_problem(site: Site, order: Any, status: int, words: str) -> None:
    answer = site.client.post(AT, json=order)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert words in answer.json()["detail"]


def test_what_goes_wrong_with_a_call_is_a_problem_of_its_kind(site: Site, echo: str) -> None:
    add(site, echo)
    unknown = site.client.post(f"{AT}/none/actions/get", json={"input": {"path": "/"}})
    wrong = site.client.post(f"{AT}/shop/actions/get", json={"input": {}})
    late = site.client.post(f"{AT}/shop/actions/get", json={"input": {"path": "/"}, "timeout_s": -1})
    order = {"name": "gh", "kind": "github", "config": {"base_url": echo}, "secrets": {"token": TOKEN}}
    assert site.client.post(AT, json=order).status_code == 201
    refused = site.client.post(f"{AT}/gh/actions/request", json={"input": {"method": "GET", "path": "/refused"}})
    assert [answer.status_code for answer in (unknown, wrong, late, refused)] == [404, 422, 422, 502]
    assert (refused.json()["code"], refused.json()["status"]) == ("service-refused", 502)
    assert TOKEN not in refused.text
    assert site.client.post(AT, json=order).status_code == 409


def test_a_trigger_is_an_event_of_the_connector(site: Site, echo: str) -> None:
    add(site, echo)
    path = "/api/connectors/shop/trigger"
    answer = site.client.post(path, json={"event": "sold", "payload": {"n": 1}})
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    (event,) = site.bus.history("connector.shop.sold")
    assert event.data["payload"] == {"n": 1}
    assert site.client.post(path, json={"event": "a.b"}).status_code == 422
    assert site.client.post(path.replace("shop", "none"), json={"event": "sold"}).status_code == 404


def hook(site: Site) -> str:
    order = {"name": "gh", "rule": "github", "secret": "a-secret-of-tests"}
    answer = site.client.post("/api/v1/webhooks", json=order)
    assert answer.status_code == 201
    assert "a-secret-of-tests" not in answer.text + site.client.get("/api/v1/webhooks").text
    return str(answer.json()["path"])


def deliver(site: Site, path: str, body: bytes, *, key: bytes = b"a-secret-of-tests", **headers: str) -> Any:
    signature = "sha256=" + hmac.new(key, body, hashlib.sha256).hexdigest()
    fields = {"x-hub-signature-256": signature, "x-github-delivery": "d1", "x-github-event": "push", **headers}
    return site.client.post(path, content=body, headers=fields)


def test_a_delivery_needs_no_token_but_its_proof_and_is_told_once(site_with: Callable[..., Site]) -> None:
    site = site_with(token="the-token-of-the-host")
    site.client.headers["authorization"] = "Bearer the-token-of-the-host"
    path = hook(site)
    del site.client.headers["authorization"]
    assert site.client.get("/api/v1/webhooks").status_code == 401
    forged = deliver(site, path, b'{"n": 1}', key=b"another-secret")
    assert (forged.status_code, forged.json()["code"]) == (401, "unproven")
    assert [deliver(site, path, b'{"n": 1}').status_code for _ in range(2)] == [200, 200]
    assert [event.data["payload"] for event in site.bus.history("webhook.gh")] == [{"n": 1}]
    assert deliver(site, "/hooks/hook_none", b"{}").status_code == 404


def test_a_signature_that_comes_twice_proves_nothing(site: Site) -> None:
    path, body = hook(site), b"{}"
    good = "sha256=" + hmac.new(b"a-secret-of-tests", body, hashlib.sha256).hexdigest()
    fields = [("x-hub-signature-256", good), ("x-hub-signature-256", "sha256=00"), ("x-github-delivery", "d1")]
    assert site.client.post(path, content=body, headers=fields).status_code == 401


def test_deliveries_are_bounded_listed_and_told_again_by_hand(site_with: Callable[..., Site]) -> None:
    site = site_with(connectors=ConnectorSettings(hook_bytes=100, hook_rate=4.0))
    path = hook(site)
    assert deliver(site, path, b"x" * 101).status_code == 413

    def chunks() -> Iterator[bytes]:
        yield b"x" * 60
        yield b"x" * 60

    assert site.client.post(path, content=chunks()).status_code == 413
    assert deliver(site, path, b"{}").status_code == 200
    (delivery,) = site.client.get("/api/v1/webhooks/gh/deliveries").json()["items"]
    assert (delivery["event"], delivery["state"]) == ("push", "published")
    shown = site.client.get(f"/api/v1/webhooks/gh/deliveries/{delivery['id']}").json()
    assert shown == {**delivery, "text": "{}", "base64": None, "body_bytes": 2}
    assert site.client.get("/api/v1/webhooks/gh/deliveries/none").status_code == 404
    again = site.client.post(f"/api/v1/webhooks/gh/deliveries/{delivery['id']}/redeliver")
    assert again.status_code == 200
    assert len(site.bus.history("webhook.gh")) == 2
    assert site.client.post("/api/v1/webhooks/gh/deliveries/none/redeliver").status_code == 404
    answers = [deliver(site, path, b"{}") for _ in range(4)]
    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["retry-after"]) >= 1
    assert "`omnicore config set connectors.hook_rate 2000`" in answers[-1].json()["remedy"]
    assert site.client.delete("/api/v1/webhooks/gh").status_code == 200
    assert site.client.get("/api/v1/webhooks/gh").status_code == 404


def test_a_delivery_that_is_no_text_is_shown_in_base64(site: Site) -> None:
    assert deliver(site, hook(site), b"\xff\x00").status_code == 200
    (delivery,) = site.client.get("/api/v1/webhooks/gh/deliveries").json()["items"]
    shown = site.client.get(f"/api/v1/webhooks/gh/deliveries/{delivery['id']}").json()
    assert (shown["text"], shown["base64"], shown["body_bytes"]) == (None, "/wA=", 2)
