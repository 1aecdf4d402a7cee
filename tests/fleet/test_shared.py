"""What hosts of one database share: the vault's key."""

from __future__ import annotations

import pytest
from tests.fleet.cluster import Cluster


def test_a_host_with_another_master_key_says_so_at_start_and_does_not_join(cluster: Cluster) -> None:
    cluster.start("a")
    for settings in ({"master_key": "11" * 32}, {"master_key": ""}):
        wrong = cluster.add(f"b{len(settings['master_key'])}", **settings)
        with pytest.raises(RuntimeError, match=r"ended with 2:[^$]*give this host the key that belongs") as caught:
            wrong.start()
        assert "11" * 32 not in str(caught.value)
        assert not list(wrong.folder.rglob("master.key"))
    cluster.start("c")
