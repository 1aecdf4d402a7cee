"""Whole hosts of which only some are to serve a plugin, by their labels: over NATS, without it, and alone."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.fleet.cluster import Cluster, Member, until
from tests.fleet.fleets import SECRET
from tests.fleet.run import Calls
from tests.plugins.guests import module, with_manifest
from tests.services.conftest import Servers
from tests.storage.postgresql_pool import PostgresPool

pytestmark = pytest.mark.services

_APPLIED_S = 1.0
_SLOW = module("""(func (export "run") (result i32) (local $i i64)
    (loop $on
      (local.set $i (i64.add (local.get $i) (i64.const 1)))
      (br_if $on (i64.lt_u (local.get $i) (i64.const 4000000000))))
    (call $output (call $input) (call $length)) (i32.const 0))""")
_RUN = """
document: {dsl: '1.0.3', namespace: default, name: %s, version: 1.0.0}
do:
  - first: {call: text.count_vowels, with: "hello"}
  - then: {wait: {milliseconds: 20}}
  - last: {call: text.count_vowels, with: "hello"}
"""


@dataclass
class Zones:
    """Three hosts: `us`, `eu`, and `gpu`, which is in the zone eu too. The first has `text` in its folder."""

    us: Member
    eu: Member
    gpu: Member

    @property
    def all(self) -> tuple[Member, ...]:
        """The hosts."""
        return self.us, self.eu, self.gpu


def zones(cluster: Cluster) -> Zones:
    """Starts the hosts at the same time."""
    made = [
        cluster.add(name, *plugins, fleet__name=name, fleet__labels=labels, fleet__notice_s="0.05")
        for name, plugins, labels in (
            ("us", ("text",), '["zone=us"]'),
            ("eu", (), '["zone=eu"]'),
            ("gpu", (), '["zone=eu", "gpu=true"]'),
        )
    ]
    with ThreadPoolExecutor() as pool:
        list(pool.map(Member.start, made))
    for host in made:
        until(lambda host=host: counts(host), f"{host.name} serves text")
    return Zones(*made)


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory, postgresql_pool: PostgresPool) -> Iterator[Zones]:
    """Hosts that share a database and nothing else."""
    with postgresql_pool.database() as url:
        cluster = Cluster(tmp_path_factory.mktemp("bare"), url)
        try:
            yield zones(cluster)
        finally:
            cluster.close()


@pytest.fixture
def apart(bare: Zones) -> Iterator[Zones]:
    """The same hosts; afterwards all serve again."""
    yield bare
    for host in bare.all:
        bare.us.send("PUT", f"/fleet/{host.name}/state", json={"state": "ready"})
    place(bare.us, None)
    for host in bare.all:
        until(lambda host=host: counts(host), "all serve it")


@pytest.fixture
def joined(tmp_path: Path, postgresql_url: str, servers: Servers) -> Iterator[Zones]:
    """Hosts that share a database, and make calls over NATS."""
    settings = {
        "OMNICORE_FLEET__URL": servers("nats").url,
        "OMNICORE_FLEET__SECRET": SECRET,
        "OMNICORE_FLEET__BEAT_S": "0.2",
    }
    cluster = Cluster(tmp_path, postgresql_url, settings=settings)
    try:
        yield zones(cluster)
    finally:
        cluster.close()


def counts(host: Member) -> bool:
    return host.call("text", "count_vowels", "hello").text == '{"count":2}'


def place(host: Member, labels: dict[str, str] | None, plugin: str = "text") -> dict[str, Any]:
    found: dict[str, Any] = host.send("PUT", f"/plugins/{plugin}/placement", json={"labels": labels})
    return found


def at_host(host: Member, plugin: str = "text", *, of: Member | None = None) -> dict[str, Any]:
    """A plugin as a host has it, as another one shows it."""
    found = host.get(f"/fleet/{(of or host).name}")["plugins"]
    return next(one for one in found if one["plugin"] == plugin)


def omnicore(host: Member, *words: str) -> subprocess.CompletedProcess[str]:
    """A command beside a host."""
    return subprocess.run(
        [*host.command, *words], cwd=host.folder, env=host.environment, text=True, capture_output=True, timeout=60
    )


def begun(host: Member, name: str) -> str:
    """A run of the workflow of this name, which is made where there is none."""
    if not host.http.get(f"/api/v1/workflows/{name}").is_success:
        host.send("POST", "/workflows", json={"text": _RUN % name})
    return str(host.send("POST", f"/workflows/{name}/runs", json={"input": {}})["id"])


def task(host: Member) -> str:
    return str(host.send("POST", "/tasks", json={"function": "text.count_vowels", "input": "hello"})["id"])


def ended(host: Member, run: str) -> str:
    """The status of a run that is over, or an empty text."""
    found = str(host.get(f"/runs/{run}")["status"])
    return found if found in ("completed", "faulted", "cancelled") else ""


def test_a_host_without_the_labels_unloads_the_plugin_within_a_second_and_its_calls_go_on_over_nats(
    joined: Zones,
) -> None:
    us, eu, gpu = joined.all
    assert place(us, {"zone": "eu", "gpu": "true"})["placement"] == {"gpu": "true", "zone": "eu"}
    began = time.monotonic()
    for host in (us, eu):
        until(lambda host=host: at_host(host)["elsewhere"] and at_host(host)["loaded"] is None, "it is unloaded")
    assert time.monotonic() - began < _APPLIED_S
    before = gpu.metric(r'omnicore_calls_total\{.*plugin="text"')
    for host in (us, eu) * 5:
        assert host.call("text", "count_vowels", "hello").json() == {"count": 2}
    assert gpu.metric(r'omnicore_calls_total\{.*plugin="text"') >= before + 10
    assert not at_host(us, of=gpu)["elsewhere"]
    place(gpu, None)
    until(lambda: not at_host(us)["elsewhere"] and counts(us) and at_host(us)["loaded"], "it is loaded again")


def test_calls_runs_and_tasks_go_on_while_a_plugin_moves_from_host_to_host(joined: Zones) -> None:
    us = joined.us
    turns = iter(range(1_000_000))
    with Calls(lambda: joined.all[next(turns) % 3].call("text", "count_vowels", "hello"), 3) as calls:
        runs, tasks = [], []
        for number, labels in enumerate(({"zone": "us"}, {"gpu": "true"}, {"zone": "eu"}, {"zone": "us"}, None)):
            host = joined.all[number % 3]
            place(host, labels)
            for one in joined.all:
                runs.append(begun(one, f"moving-{one.name}"))
                tasks.append(task(one))
            wanted = len(calls.answers) + 60
            until(lambda wanted=wanted: len(calls.answers) >= wanted, "calls go on", within_s=30)
        for run in runs:
            until(lambda run=run: ended(us, run), f"{run} ends", within_s=30)
        for one in tasks:
            until(lambda one=one: us.get(f"/tasks/{one}")["state"] == "done", f"{one} is done", within_s=30)
    assert {ended(us, run) for run in runs} == {"completed"}
    assert not (failed := calls.failed()), (len(failed), len(calls.answers), failed[:3])


def test_work_waits_while_the_one_host_with_the_labels_is_away(joined: Zones) -> None:
    us, eu, gpu = joined.all
    place(us, {"gpu": "true"})
    until(lambda: at_host(us)["loaded"] is None, "it is unloaded")
    gpu.stop(9)
    until(lambda: us.call("text", "count_vowels", "hello").status_code == 404, "nobody serves it")
    refused = us.call("text", "count_vowels", "hello").json()
    assert refused["code"] == "not-served"
    assert "text is placed on hosts with gpu=true" in refused["detail"]
    run, waiting = begun(us, "later"), task(eu)
    until(lambda: us.get(f"/tasks/{waiting}")["code"] == "not-served", "the task waits")
    until(lambda: us.get(f"/runs/{run}/open")["items"][0]["waits_for"], "the run waits")
    gpu.start()
    until(lambda: ended(us, run) == "completed", "the run goes on", within_s=20)
    until(lambda: us.get(f"/tasks/{waiting}")["state"] == "done", "the task is done", within_s=20)


def test_without_nats_a_call_is_refused_with_the_labels_and_the_hosts_that_have_them(apart: Zones) -> None:
    us, eu, gpu = apart.all
    place(us, {"zone": "eu"})
    until(lambda: at_host(us)["loaded"] is None, "it is unloaded", within_s=_APPLIED_S)
    refused = us.call("text", "count_vowels", "hello")
    assert refused.status_code == 404
    told = refused.json()
    assert (told["code"], told["plugin"], told["labels"]) == ("not-served", "text", "zone=eu")
    assert told["detail"] == "text is placed on hosts with zone=eu, which eu, gpu have"
    assert "fleet.url" in told["remedy"]
    assert counts(eu)
    assert counts(gpu)
    place(eu, {"zone": "moon"})
    until(lambda: eu.call("text", "count_vowels", "hello").status_code == 404, "it is unloaded there")
    told = eu.call("text", "count_vowels", "hello").json()
    assert told["detail"] == "text is placed on hosts with zone=moon, which no other host has"
    assert omnicore(gpu, "plugins", "place", "text", "--anywhere").returncode == 0, "the remedy"
    until(lambda: counts(eu) and counts(us), "all serve it", within_s=2 * _APPLIED_S)


def test_without_nats_runs_and_tasks_go_to_the_host_that_serves_the_plugin(apart: Zones) -> None:
    us, _, gpu = apart.all
    place(us, {"gpu": "true"})
    began = time.monotonic()
    runs = [begun(host, f"goes-{host.name}") for host in apart.all * 4]
    tasks = [task(host) for host in apart.all * 10]
    for run in runs:
        until(lambda run=run: ended(us, run), f"{run} ends", within_s=20)
    for one in tasks:
        until(lambda one=one: us.get(f"/tasks/{one}")["state"] == "done", f"{one} is done", within_s=20)
    assert {ended(us, run) for run in runs} == {"completed"}
    assert time.monotonic() - began < 20
    assert {us.get(f"/tasks/{one}")["attempts"] for one in tasks} == {1}
    steps = us.get(f"/runs/{runs[0]}/steps")["items"]
    assert {one["status"] for one in steps} <= {"done", "completed", "began", "open"}
    assert gpu.metric(r'omnicore_calls_total\{.*plugin="text"') > 0


def test_without_nats_work_waits_for_a_host_with_the_labels_and_says_so(apart: Zones) -> None:
    us, _, gpu = apart.all
    place(us, {"zone": "moon"})
    run, waiting = begun(us, "waits"), task(us)
    until(lambda: us.get(f"/tasks/{waiting}")["code"] == "not-served", "the task waits")
    assert "zone=moon, which no other host has" in us.get(f"/tasks/{waiting}")["error"]
    until(lambda: (us.get(f"/runs/{run}/open")["items"] or [{}])[0].get("waits_for"), "the run waits")
    place(us, {"gpu": "true"})
    until(lambda: ended(us, run) == "completed", "the run goes on", within_s=10)
    until(lambda: us.get(f"/tasks/{waiting}")["state"] == "done", "the task is done", within_s=10)
    assert counts(gpu)


def test_calls_that_run_end_well_when_their_host_is_to_serve_the_plugin_no_more(apart: Zones) -> None:
    us, eu, _ = apart.all
    body = with_manifest(_SLOW, {"name": "slow", "version": "1.0.0", "limits": {"timeout_s": 60}})
    us.send("POST", "/plugins?filename=slow.wasm", content=body, headers={"content-type": "application/wasm"})
    us.send("POST", "/plugins/slow/grants", json={"capability": "limits"})
    until(lambda: at_host(us, "slow")["loaded"], "it is loaded")
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(us.call, "slow", "run", "hello")
        until(lambda: us.get("/plugins/slow/status")["in_flight"] == 1, "the call runs")
        place(eu, {"zone": "eu"}, "slow")
        until(lambda: at_host(us, "slow")["loaded"] is None, "it is unloaded", within_s=_APPLIED_S)
        assert us.call("slow", "run", "").status_code == 404
        assert not call.done()
        assert call.result(60).text == "hello"
    us.send("DELETE", "/plugins/slow")


def test_of_two_who_place_a_plugin_at_the_same_time_one_is_refused(apart: Zones) -> None:
    us, eu, _ = apart.all
    revision = us.get("/plugins/text")["revision"]
    orders = [{"labels": {"zone": zone}, "revision": revision} for zone in ("us", "eu")]
    with ThreadPoolExecutor(2) as pool:
        path = "/api/v1/plugins/text/placement"
        answers = list(pool.map(lambda host, order: host.http.put(path, json=order), (us, eu), orders))
    assert sorted(one.status_code for one in answers) == [200, 409]
    won = next(order["labels"] for one, order in zip(answers, orders, strict=True) if one.is_success)
    until(lambda: {str(host.get("/plugins/text")["placement"]) for host in (us, eu)} == {str(won)}, "one truth")


@pytest.mark.parametrize(
    "labels", [{}, {"zone": ""}, {"zone": 1}, {"a b": "c"}, {f"n{number}": "1" for number in range(17)}, "zone=eu"]
)
def test_labels_that_no_host_can_have_are_refused_and_change_nothing(apart: Zones, labels: object) -> None:
    before = apart.us.get("/plugins/text")["revision"]
    answer = apart.us.http.put("/api/v1/plugins/text/placement", json={"labels": labels})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-input")
    assert apart.us.get("/plugins/text")["revision"] == before


def test_the_commands_place_a_plugin_and_show_where_it_is(apart: Zones) -> None:
    us, eu, _ = apart.all
    placed = omnicore(us, "plugins", "place", "text", "--on", "zone=eu,gpu=true")
    assert (placed.returncode, placed.stdout.strip()) == (0, "text is placed on hosts with gpu=true,zone=eu.")
    shown = omnicore(eu, "plugins", "show", "text").stdout
    assert "hosts with gpu=true,zone=eu" in shown
    assert "hosts with gpu=true,zone=eu" in omnicore(eu, "fleet", "show", "us").stdout
    wrong = omnicore(us, "plugins", "place", "text", "--on", "zone")
    assert wrong.returncode != 0
    assert "write NAME=VALUE" in wrong.stderr
    both = omnicore(us, "plugins", "place", "text", "--on", "zone=eu", "--anywhere")
    assert both.returncode == 2
    back = omnicore(us, "plugins", "place", "text", "--anywhere")
    assert back.stdout.strip() == "text is placed on every host."
    assert "placed on" not in omnicore(eu, "plugins", "show", "text").stdout


def test_a_placement_outlives_restarts_of_all_hosts(cluster: Cluster) -> None:
    made = zones(cluster)
    place(made.us, {"zone": "eu"})
    for host in made.all:
        host.stop()
    for host in made.all:
        host.start()
    assert made.us.call("text", "count_vowels", "hello").status_code == 404
    assert counts(made.eu)
    waiting = task(made.us)
    until(lambda: made.us.get(f"/tasks/{waiting}")["state"] == "done", "a host with the labels does it")


def test_a_host_alone_without_the_labels_refuses_calls_until_it_is_placed_anywhere(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path, "")
    host = cluster.add("alone", "text", fleet__labels='["zone=us"]')
    del host.environment["OMNICORE_STORAGE__URL"]
    try:
        host.start()
        place(host, {"zone": "eu"})
        refused: httpx.Response = host.call("text", "count_vowels", "hello")
        assert (refused.status_code, refused.json()["code"]) == (404, "not-served")
        assert "which no other host has" in refused.json()["detail"]
        place(host, {"zone": "us"})
        assert counts(host)
    finally:
        cluster.close()
