"""Whole hosts and their database: connections at rest, a server that stands still, a promoted standby."""

from __future__ import annotations

import itertools
from pathlib import Path

import psycopg
import pytest
from tests.fleet.cluster import Cluster, Member, until
from tests.storage.postgresql_server import PostgresServer, find_binaries, private_server

pytestmark = pytest.mark.services
OPEN = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'omnicore'"


def _tasks(host: Member, count: int) -> list[str]:
    order = {"function": "text.count_vowels", "input": "hello"}
    return [host.send("POST", "/tasks", json=order)["id"] for _ in range(count)]


def _done(host: Member, tasks: list[str]) -> bool:
    return all(host.get(f"/tasks/{task}")["state"] == "done" for task in tasks)


def test_a_host_has_at_most_four_connections_at_rest(cluster: Cluster, postgresql_url: str) -> None:
    host = cluster.start("a", "text")
    until(lambda: host.call("text", "count_vowels", "hello").is_success, "it serves")
    tasks = _tasks(host, 20)
    until(lambda: _done(host, tasks), "the tasks are done")
    with psycopg.connect(postgresql_url, autocommit=True, application_name="test") as asking:
        quiet = itertools.count()

        def at_rest() -> bool:
            nonlocal quiet
            found = asking.execute(OPEN).fetchone()
            assert found is not None
            if found[0] > 4:
                quiet = itertools.count()
            return next(quiet) > 100  # two seconds of looks

        until(at_rest, "4 connections", within_s=30)


def test_calls_go_on_and_tasks_are_done_once_while_the_server_stands_still(
    cluster: Cluster, postgresql_server: PostgresServer
) -> None:
    impatient = {"storage__connect_timeout_s": "1", "health__interval_s": "0.5"}
    hosts = [cluster.start(name, "text", **impatient) for name in "ab"]
    for host in hosts:
        until(lambda host=host: host.call("text", "count_vowels", "hello").is_success, "it serves")
    tasks = _tasks(hosts[0], 10)
    postgresql_server.freeze()
    try:
        for host in hosts:
            until(lambda host=host: not host.ready(), "it says that it is not ready", within_s=15)
            answer = host.http.post("/api/v1/tasks", json={"function": "text.count_vowels", "input": "a"})
            assert (answer.status_code, answer.json()["code"]) == (503, "storage-away")
            took = until(lambda host=host: host.call("text", "count_vowels", "hello").is_success, "calls go on")
            assert took < 1.0
    finally:
        postgresql_server.thaw()
    for host in hosts:
        until(host.ready, "it is ready again", within_s=30)
    tasks += _tasks(hosts[1], 10)
    until(lambda: _done(hosts[0], tasks), "all tasks are done", within_s=60)


def test_hosts_go_on_with_a_promoted_standby_and_hear_each_other(tmp_path: Path) -> None:
    binaries = find_binaries()
    if binaries is None:
        pytest.skip("PostgreSQL is not on this machine: apt install postgresql")
    with private_server(binaries) as primary, private_server(binaries, primary=primary) as standby:
        servers = f"{primary.folder},{standby.folder}"
        hosts = Cluster(tmp_path, f"postgresql://omnicore@/postgres?host={servers}&target_session_attrs=read-write")
        try:
            a, b = hosts.start("a", "text"), hosts.start("b", "text")
            for host in (a, b):
                until(lambda host=host: host.call("text", "count_vowels", "hello").is_success, "it serves")
            tasks = _tasks(a, 10)
            primary.kill()
            assert a.call("text", "count_vowels", "hello").is_success
            standby.sql("ALTER SYSTEM RESET synchronous_standby_names")
            standby.promote()
            for host in (a, b):
                until(host.ready, "it is ready again", within_s=30)
            a.send("PUT", "/plugins/text/state", json={"state": "disabled"})
            until(lambda: not b.call("text", "count_vowels", "hello").is_success, "the other host hears of it")
            a.send("PUT", "/plugins/text/state", json={"state": "enabled"})
            until(lambda: _done(b, tasks), "what was acknowledged is done", within_s=60)
        finally:
            hosts.close()
