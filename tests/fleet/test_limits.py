"""Limits of a plugin on all hosts of a database: whole hosts, calls at once, and a host that is killed."""

from __future__ import annotations

import signal
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import httpx
import pytest
from tests.fleet.cluster import Cluster, Member, until
from tests.plugins.guests import module, with_manifest
from tests.storage.postgresql_pool import PostgresPool

pytestmark = pytest.mark.services

SPIN = module("""
  (func (export "spin") (result i32) (loop $on (br $on)) (i32.const 0))
  (func (export "well") (result i32) (call $say (i32.const 119)) (i32.const 0))""")
SPINS = with_manifest(SPIN, {"name": "busy", "threads": True, "limits": {"timeout_s": 1.0}})


@pytest.fixture
def pair(tmp_path_factory: pytest.TempPathFactory, postgresql_pool: PostgresPool) -> Iterator[tuple[Member, Member]]:
    """Two whole hosts with a plugin whose calls run for a second."""
    with postgresql_pool.database() as url:
        # A busy machine takes several turns until all places spin: calls that are cut shall not end in a quarantine.
        cluster = Cluster(tmp_path_factory.mktemp("limits"), url, settings={"OMNICORE_BREAKER_FAILURES": "1000"})
        try:
            first, second = cluster.start("a"), cluster.start("b")
            told = first.http.post(
                "/api/v1/plugins",
                content=SPINS,
                params={"filename": "busy.wasm"},
                headers={"content-type": "application/wasm"},
            )
            assert told.is_success, told.text
            for host in (first, second):
                until(lambda host=host: host.call("busy", "well", "").status_code == 200, "the plugin serves")
            yield first, second
        finally:
            cluster.close()


def limited(host: Member, **limit: float) -> None:
    told = host.http.put("/api/v1/plugins/busy/limit", json=limit)
    assert told.is_success, told.text


def answers(host: Member, function: str, times: int, *, at_once: int = 8) -> list[httpx.Response]:
    with ThreadPoolExecutor(at_once) as pool:
        return list(pool.map(lambda _: host.call("busy", function, ""), range(times)))


def test_hosts_share_the_calls_of_a_second(pair: tuple[Member, Member]) -> None:
    rate = 20.0
    limited(pair[0], per_second=rate)
    until(lambda: pair[1].get("/plugins/busy/limit")["per_second"] == rate, "the other host knows")
    until(lambda: any(one.status_code == 429 for one in answers(pair[1], "well", 60)), "the other host limits")
    begun, counts, over = time.monotonic(), Counter[int](), Event()

    def calls(host: Member) -> Counter[int]:
        found = Counter[int]()
        while not over.is_set():
            found[host.call("busy", "well", "").status_code] += 1
        return found

    with ThreadPoolExecutor(4) as pool:
        jobs = [pool.submit(calls, host) for host in pair for _ in range(2)]
        until(lambda: time.monotonic() - begun > 4.0, "four seconds")
        over.set()
        for job in jobs:
            counts += job.result()
    lasted = time.monotonic() - begun
    assert set(counts) == {200, 429}
    # A bucket of one second, and what each host may have leased before.
    assert rate * lasted * 0.5 < counts[200] <= rate * (lasted + 1) + 2 * rate * 0.1 + 2


def test_a_call_over_the_limit_is_told_when_to_come_back(pair: tuple[Member, Member]) -> None:
    limited(pair[0], per_second=0.1)
    refused = [one for one in answers(pair[0], "well", 5, at_once=1) if one.status_code != 200]
    assert {one.status_code for one in refused} == {429}
    problem = refused[-1].json()
    assert (problem["code"], problem["limit"], problem["allowed"]) == ("limit-exceeded", "plugin_per_second", 0.1)
    assert int(refused[-1].headers["retry-after"]) == 10
    limited(pair[0])
    assert {one.status_code for one in answers(pair[0], "well", 20)} == {200}


def test_hosts_share_the_places_of_calls_and_take_those_that_another_one_does_not_use(
    pair: tuple[Member, Member],
) -> None:
    first, second = pair
    limited(first, concurrent=3)
    until(lambda: second.get("/plugins/busy/limit")["concurrent"] == 3, "the other host knows")
    assert answers(first, "well", 20, at_once=1)[-1].status_code == 200  # it holds places now and uses none
    assert first.get("/plugins/busy/limit")["held"] >= 1

    def all_spin() -> bool:
        return Counter(one.status_code for one in answers(second, "spin", 3, at_once=3)) == {504: 3}

    until(all_spin, "the other host has all three places", within_s=30)
    with ThreadPoolExecutor(12) as pool:
        both = [pool.submit(host.call, "busy", "spin", "") for _ in range(6) for host in pair]
        codes = Counter(one.result().status_code for one in both)
    assert codes[504] == 3, codes  # those that ran were cut at their own limit of time
    assert codes[429] == 9, codes


def test_places_of_a_host_that_is_killed_are_free_after_its_lease(pair: tuple[Member, Member]) -> None:
    first, second = pair
    limited(first, concurrent=1)
    until(lambda: second.get("/plugins/busy/limit")["concurrent"] == 1, "the other host knows")
    assert first.call("busy", "well", "").status_code == 200
    assert second.get("/plugins/busy/limit")["held"] == 1
    first.stop(signal.SIGKILL)
    took = until(lambda: second.call("busy", "well", "").status_code == 200, "the place is free", within_s=15)
    assert took < 10


def test_a_limit_outlives_hosts_and_goes_with_its_plugin(pair: tuple[Member, Member]) -> None:
    first, second = pair
    limited(first, concurrent=2, per_second=0.1)
    first.stop()
    first.start()
    assert first.get("/plugins/busy/limit")["concurrent"] == 2
    assert 429 in {one.status_code for one in answers(first, "well", 5, at_once=1)}
    first.send("DELETE", "/plugins/busy")
    until(lambda: second.http.get("/api/v1/plugins/busy/limit").status_code == 404, "the plugin is gone everywhere")
