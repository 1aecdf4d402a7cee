"""Plugins of whole hosts that share a database and no disk: each is a process that serves REST."""

from __future__ import annotations

from tests.fleet.cluster import PLUGINS, Cluster, Member, until

TEXT = PLUGINS / "text" / "dist" / "text.wasm"


def counts(host: Member) -> bool:
    return host.call("text", "count_vowels", "hello").text == '{"count":2}'


def test_an_install_a_switch_and_a_host_that_joins_empty_reach_all_hosts(cluster: Cluster) -> None:
    first, second = cluster.start("first"), cluster.start("second")
    first.send("POST", "/plugins", params={"filename": "text.wasm"}, content=TEXT.read_bytes())
    assert until(lambda: counts(second), "the other host serves it") < 2
    second.send("PUT", "/plugins/text/state", json={"state": "disabled"})
    refused_s = until(lambda: first.call("text", "count_vowels", "hello").status_code == 503, "it is refused")
    assert refused_s < 1
    first.send("PUT", "/plugins/text/state", json={"state": "enabled"})
    third = cluster.start("third")
    assert counts(third)
    assert [host.states() for host in (first, second, third)] == [{"text": "enabled"}] * 3
    assert until(lambda: counts(second), "it serves again") < 2
    assert [one["path"] for one in first.get("/plugins/text/hosts")["sources"]] == ["text.wasm"]
    until(lambda: len(first.get("/plugins/text/hosts")["hosts"]) == 3, "all hosts show what they have in service")
