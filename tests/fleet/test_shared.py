"""What hosts of one database share: the vault's key, settings that are changed at run time, and events."""

from __future__ import annotations

import json
from contextlib import ExitStack

import pytest
from tests.fleet.cluster import Cluster, Member, until
from websockets.sync.client import ClientConnection, connect


def test_a_host_with_another_master_key_says_so_at_start_and_does_not_join(cluster: Cluster) -> None:
    cluster.start("a")
    for settings in ({"master_key": "11" * 32}, {"master_key": ""}):
        wrong = cluster.add(f"b{len(settings['master_key'])}", **settings)
        with pytest.raises(RuntimeError, match=r"ended with 2:[^$]*give this host the key that belongs") as caught:
            wrong.start()
        assert "11" * 32 not in str(caught.value)
        assert not list(wrong.folder.rglob("master.key"))
    cluster.start("c")


def test_a_setting_changed_on_one_host_holds_on_all_within_a_second_and_after_a_restart(cluster: Cluster) -> None:
    def value(host: Member, name: str) -> tuple[int, int]:
        found = host.get(f"/settings/{name}")
        return found["value"], found["next"]

    a, b = cluster.start("a"), cluster.start("b", "text")
    until(lambda: b.call("text", "count_vowels", "x" * 200).status_code == 200, "the plugin serves")
    a.send("PUT", "/settings/limits.input_bytes", json={"value": 100})
    until(lambda: b.call("text", "count_vowels", "x" * 200).status_code == 413, "the other host obeys", within_s=1.0)
    a.send("PUT", "/settings/threads", json={"value": 3})
    assert value(b, "threads") == (8, 3), "the next start takes it up"
    b.stop()
    b.start()
    assert (value(b, "threads"), value(b, "limits.input_bytes")) == ((3, 3), (100, 100))
    b.send("DELETE", "/settings/threads")
    assert value(a, "threads") == (8, 8)


def test_every_host_hears_the_events_of_all_in_one_order_and_none_twice(cluster: Cluster) -> None:
    hosts = [cluster.start(name) for name in "ab"]
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
