"""What hosts of one database share: the vault's key, settings, events, rates, sessions, answers and backups."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import httpx
import pytest
from tests.fleet.cluster import Cluster, Member, until
from tests.mcp.clients import initialize, message
from tests.storage.postgresql_pool import PostgresPool
from websockets.sync.client import ClientConnection, connect

pytestmark = pytest.mark.services


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory, postgresql_pool: PostgresPool) -> Iterator[tuple[Member, Member]]:
    """Two hosts for the tests that leave them as they were; a host takes a second to start."""
    with postgresql_pool.database() as url:
        cluster = Cluster(tmp_path_factory.mktemp("pair"), url)
        yield cluster.start("a"), cluster.start("b", "text")
        cluster.close()


def test_a_host_with_another_master_key_says_so_at_start_and_does_not_join(cluster: Cluster) -> None:
    cluster.start("a")
    for settings in ({"master_key": "11" * 32}, {"master_key": ""}):
        wrong = cluster.add(f"b{len(settings['master_key'])}", **settings)
        with pytest.raises(RuntimeError, match=r"ended with 2:[^$]*give this host the key that belongs") as caught:
            wrong.start()
        assert "11" * 32 not in str(caught.value)
        assert not list(wrong.folder.rglob("master.key"))
    cluster.start("c")


def test_a_setting_changed_on_one_host_holds_on_all_within_a_second_and_after_a_restart(
    pair: tuple[Member, Member],
) -> None:
    def value(host: Member, name: str) -> tuple[int, int]:
        found = host.get(f"/settings/{name}")
        return found["value"], found["next"]

    a, b = pair
    until(lambda: b.call("text", "count_vowels", "x" * 200).status_code == 200, "the plugin serves")
    a.send("PUT", "/settings/limits.input_bytes", json={"value": 100})
    until(lambda: b.call("text", "count_vowels", "x" * 200).status_code == 413, "the other host obeys", within_s=1.0)
    a.send("PUT", "/settings/threads", json={"value": 3})
    assert value(b, "threads") == (8, 3), "the next start takes it up"
    b.stop()
    b.start()
    assert (value(b, "threads"), value(b, "limits.input_bytes")) == ((3, 3), (100, 100))
    for name in ("threads", "limits.input_bytes"):
        b.send("DELETE", f"/settings/{name}")
    assert value(a, "threads") == (8, 8)


def test_every_host_hears_the_events_of_all_in_one_order_and_none_twice(pair: tuple[Member, Member]) -> None:
    hosts = pair
    shop = {"name": "shop", "kind": "http", "config": {"base_url": "http://shop.test"}}
    hosts[0].http.post("/api/v1/connectors", json=shop).raise_for_status()
    with ExitStack() as stack:
        sockets = [stack.enter_context(listening(host)) for host in hosts]
        for number in range(40):
            trigger(hosts[number % 2], number)
        heard = [[json.loads(socket.recv(timeout=10)) for _ in range(40)] for socket in sockets]
        assert heard[0] == heard[1]
        assert sorted(one["data"]["payload"] for one in heard[0]) == list(range(40))
        trigger(hosts[1], "x" * 20_000)
        large = [json.loads(socket.recv(timeout=10))["data"] for socket in sockets]
        assert large[1]["payload"] == "x" * 20_000, "whole where it was published"
        assert large[0].keys() == {"omitted_bytes"}, "elsewhere as the log has it"
        for socket in sockets:
            with pytest.raises(TimeoutError):
                socket.recv(timeout=0.3)


def trigger(host: Member, payload: object) -> None:
    """An event on that host."""
    host.http.post("/api/connectors/shop/trigger", json={"event": "order", "payload": payload}).raise_for_status()


def listening(host: Member) -> ClientConnection:
    """The events of a host, over its WebSocket."""
    headers = {"authorization": host.http.headers["authorization"]}
    return connect(f"ws{host.url.removeprefix('http')}/ws?topic=connector.shop.*", additional_headers=headers)


def test_a_connector_made_on_one_host_is_used_on_each_and_all_together_keep_its_rate(
    pair: tuple[Member, Member],
) -> None:
    hosts = pair
    with answering() as (url, seen):
        given = {"config": {"base_url": url, "auth": "bearer"}, "secrets": {"token": "hush-hush"}}
        limits = {"limits": {"rate": 10.0, "plugin_rate": 1000.0}}
        hosts[0].send("POST", "/connectors", json={"name": "store", "kind": "http", **given, **limits})
        begun = time.monotonic()
        answers = [use(hosts[number % 2], "store") for number in range(40)]
        most = 10 + 10 * (time.monotonic() - begun) + len(hosts)
    passed = [answer for answer in answers if answer.status_code == 200]
    refused = [answer for answer in answers if answer.status_code != 200]
    assert len(seen) == len(passed)
    assert 10 <= len(passed) <= most
    assert set(seen) == {"Bearer hush-hush"}
    assert {answer.json()["limit"] for answer in refused} == {"connector_rate"}


def use(host: Member, connector: str) -> httpx.Response:
    """A call of a connector."""
    return host.http.post(f"/api/v1/connectors/{connector}/actions/get", json={"input": {"path": "/"}})


@contextmanager
def answering() -> Iterator[tuple[str, list[str]]]:
    """A service that answers everything, and the credentials that it was sent."""
    seen: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.headers["authorization"])
            self.send_response(200)
            self.send_header("content-length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            """Tests do not listen."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", seen
        finally:
            server.shutdown()
            thread.join()


def test_requests_of_one_client_of_mcp_go_to_any_host(pair: tuple[Member, Member]) -> None:
    hosts = pair
    for host in hosts:
        until(lambda host=host: host.call("text", "count_vowels", "hello").status_code == 200, "the plugin serves")
    opened = initialize(hosts[0].http)
    assert (opened.status_code, opened.headers.get("mcp-session-id")) == (200, None)
    hosts[1].http.post("/mcp", **message("notifications/initialized", id=None)).raise_for_status()
    assert "text.count_vowels" in hosts[1].http.post("/mcp", **message("tools/list")).text
    called = {"name": "text.count_vowels", "arguments": {"input": "hello"}}
    for host in hosts:
        answer = host.http.post("/mcp", **message("tools/call", called))
        assert (answer.status_code, '"isError":true' in answer.text) == (200, False)


def test_a_session_of_the_console_is_one_of_all_hosts(pair: tuple[Member, Member]) -> None:
    a, b = pair
    a.send("POST", "/users", json={"name": "ada", "password": "correct horse battery", "role": "operator"})
    with httpx.Client() as browser:
        session = browser.post(
            f"{a.url}/api/v1/session", json={"name": "ada", "password": "correct horse battery"}
        ).json()
        assert browser.get(f"{b.url}/api/v1/plugins").status_code == 200
        csrf = {"x-csrf-token": session["csrf"]}
        kept = dict(browser.cookies)
        assert browser.delete(f"{a.url}/api/v1/session", headers=csrf).status_code == 204
    with httpx.Client(cookies=kept) as browser:
        until(lambda: browser.get(f"{b.url}/api/v1/plugins").status_code == 401, "it is over", within_s=1.0)


def test_one_idempotency_key_at_several_hosts_is_one_thing(pair: tuple[Member, Member]) -> None:
    hosts = pair
    order, key = {"text": "Ada drinks green tea"}, {"idempotency-key": "once"}
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda host: host.http.post("/api/v1/memory", json=order, headers=key), hosts))
    assert {answer.status_code for answer in answers} <= {201, 409}
    again = [host.http.post("/api/v1/memory", json=order, headers=key) for host in hosts]
    assert {(answer.status_code, answer.text) for answer in again} == {(201, again[0].text)}
    assert len(hosts[0].get("/memory")["items"]) == 1
    other = hosts[1].http.post("/api/v1/memory", json={"text": "another"}, headers=key)
    assert other.status_code == 422


def test_a_backup_of_any_host_holds_what_all_have_and_restores(cluster: Cluster) -> None:
    a, b = cluster.start("a", "text"), cluster.start("b")
    until(lambda: b.call("text", "count_vowels", "hello").status_code == 200, "the plugin reaches the empty host")
    given = {"config": {"base_url": "http://shop.test", "auth": "bearer"}, "secrets": {"token": "hush-hush"}}
    a.send("POST", "/connectors", json={"name": "shop", "kind": "http", **given})
    a.send("PUT", "/settings/log_lines", json={"value": 77})
    name = b.send("POST", "/backups")["name"]
    (file,) = b.folder.rglob(name)
    b.send("DELETE", "/connectors/shop")
    b.send("DELETE", "/settings/log_lines")
    for host in (a, b):
        host.stop()
    c, alone = cluster.add("c"), cluster.add("alone")
    del alone.environment["OMNICORE_STORAGE__URL"]
    for host in (c, alone):  # into the shared database, and into a host's own
        subprocess.run(
            [*host.command, "db", "restore", str(file)],
            **{"cwd": host.folder, "env": host.environment, "check": True, "capture_output": True},
        )
        host.start()
        assert host.get("/settings/log_lines")["value"] == 77
        assert [one["name"] for one in host.get("/connectors")["items"]] == ["shop"]
        with answering() as (url, seen):
            moved = {"config": {"base_url": url, "auth": "bearer"}, "secrets": {"token": "hush-hush"}}
            host.send("PUT", "/connectors/shop", json=moved)
            assert use(host, "shop").status_code == 200
        assert seen == ["Bearer hush-hush"]
    assert c.call("text", "count_vowels", "hello").json() is not None
