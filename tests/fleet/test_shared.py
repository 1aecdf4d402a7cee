"""What hosts of one database share: the vault's key and the settings that are changed at run time."""

from __future__ import annotations

import pytest
from tests.fleet.cluster import Cluster, Member, until


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
