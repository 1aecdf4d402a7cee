"""Searches, writes and the upkeep of many threads at once: no answer is wrong, none is an error."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from tests.vectors.conftest import Make, filled, ids, names, some

from omnicore.errors import LimitExceeded
from omnicore.vectors.service import VectorService

ROUNDS = 15


def test_searches_and_writes_go_on_together(make: Make) -> None:
    service = make(snapshot_s=1e9)
    rows = filled(service, 200)
    service.search("p", "docs", rows[0])
    service.round()
    fresh, writing = some(4 * ROUNDS, seed=3), threading.Event()
    writing.set()

    def write(worker: int) -> None:
        for number in range(ROUNDS):
            place = worker * ROUNDS + number
            service.upsert_rows("p", "docs", [f"w{place}"], fresh[place : place + 1])
            assert ids(service.search("p", "docs", fresh[place], 1)) == [f"w{place}"]  # its own write, at once
            if number % 3 == 0:
                assert service.delete("p", "docs", [f"w{place}"]) == 1
                assert ids(service.search("p", "docs", fresh[place], 1)) != [f"w{place}"]

    def search(worker: int) -> int:
        count = 0
        while writing.is_set():
            count += 1
            place = (worker + 7 * count) % 200
            assert ids(service.search("p", "docs", rows[place], 1)) == [f"v{place}"]
        return count

    def keep_up() -> None:
        while writing.is_set():
            for one in service._cache.collections():
                if one.served.graph is not None:
                    service._maintenance._fold(one)

    with ThreadPoolExecutor(8) as pool:
        others = [pool.submit(search, n) for n in range(2)] + [pool.submit(keep_up)]
        try:
            for done in [pool.submit(write, n) for n in range(4)]:
                done.result(60)
        finally:
            writing.clear()
        for done in others:
            done.result(60)
    left = 200 + 4 * (ROUNDS - len(range(0, ROUNDS, 3)))
    assert service.count("p", "docs") == left == len(service.search("p", "docs", rows[0], 1000)[0])
    assert service.health().ok


def test_a_quota_holds_against_many_writers(make: Make) -> None:
    services = [make(), make()]
    services[0].create("p", "docs", 8)

    def write(service: VectorService, worker: int) -> int:
        kept = 0
        for number, row in enumerate(some(20, seed=worker)):
            with suppress(LimitExceeded):
                kept += service.upsert_rows("p", "docs", [f"{worker}-{number}"], row[None], max_vectors=30)
        return kept

    with ThreadPoolExecutor(4) as pool:
        done = [pool.submit(write, services[n % 2], n) for n in range(4)]
        assert sum(one.result(60) for one in done) == 30
    assert services[0].count("p", "docs") == 30


def test_two_processes_may_copy_the_same_index(make: Make) -> None:
    services = [make(), make()]
    rows = filled(services[0], 200)
    for service in services:
        service.search("p", "docs", rows[0])
    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(service.rebuild, "p", "docs") for service in services]:
            done.result(60)
    third = make()
    third.round()
    assert third.health().ok
    assert third.stats("p", "docs")["indexed"] == 200
    assert set(ids(third.search("p", "docs", rows[9], 1))) == {names(10)[9]}
