"""The campaign of a fleet: `python -m tests.fleet.run [--only NAME] [--hosts N] [--minutes N] [--runs N] [--kills N]`.

PostgreSQL, nginx and whole hosts that share no disk. Each part prints what it measured, and the exit code is 1 when one
of them found a fault:

- `join`: an empty host joins while calls go on, and an installation reaches every host.
- `versions`: shares of traffic between two versions, upgrade and rollback, while calls go on.
- `disable`: a plugin that is disabled on one host answers nowhere afterwards.
- `keys`: one key at every host is one task.
- `frozen`: a client of the database that holds locks and does not go on delays nobody.
- `kills`: hosts are killed in turn under calls, tasks, schedules and runs of workflows.
- `labels`: plugins are spread so that no host has all; hosts and servers of NATS are killed under runs that need all.
"""

from __future__ import annotations

import argparse
import itertools
import json
import multiprocessing
import random
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import httpx
from tests.chaos.workflows_ledger import Ledger
from tests.fleet.cluster import Cluster, Member, until
from tests.fleet.proxy import proxy
from tests.fleet.servers import NatsCluster, nats_cluster
from tests.guests_that_answer import answers
from tests.storage.postgresql_server import PostgresServer, find_binaries, private_server

__all__ = ["PARTS", "Report", "main"]

_NAME = "versioned"
_REACH_S, _FORBIDDEN_S, _DELAY_S = 2.0, 1.0, 2.0
_CALLS, _DISABLES = 10_000, 1000
_SHARE_OFF = 0.05
_KILL_EVERY_S = 5.0
_BLOW_S, _STARTERS = 4.0, 2
_END_S = 180.0
_LOOKS = 3  # a run goes from one state to another between two questions
_RUNS = "SELECT id, status, left(replace(coalesce(fault, ''), '|', ' '), 300) FROM workflow_runs"
_STEPS = """
document: {{dsl: '1.0.3', namespace: default, name: effects, version: '1.0.0'}}
do:
  - a: {{call: http, with: {{method: post, endpoint: '{server}/a', body: {{}}}}}}
  - b: {{call: text.count_vowels, with: hello}}
  - c: {{wait: {{milliseconds: 50}}}}
  - d: {{call: http, with: {{method: post, endpoint: '{server}/d', body: {{}}}}}}
"""


_SPREAD = """
document: {{dsl: '1.0.3', namespace: default, name: spread, version: '1.0.0'}}
do:
  - a: {{call: http, with: {{method: post, endpoint: '{server}/a', body: {{}}}}}}
  - one: {{call: text.count_vowels, with: hello}}
  - two: {{call: alpha.run}}
  - each:
      for: {{in: '${{ [range(4)] }}'}}
      host: {{concurrency: 4}}
      do:
        - three: {{call: beta.run}}
  - d: {{call: http, with: {{method: post, endpoint: '{server}/d', body: {{}}}}}}
  - all: {{set: {{done: '${{ true }}'}}}}
"""
_ROLES = (("one",), ("one", "three"), ("two",), ("two", "three"))
"""The labels of hosts, in turn: the role of each plugin below is that of half of them, and nobody has all."""
_PLACED = {"text": "one", "alpha": "two", "beta": "three"}
_UNSERVED = ("no plugin", "not-served", "no host of the fleet serves")


@dataclass
class Report:
    """The figures of one part and the faults it found."""

    figures: dict[str, Any] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def expect(self, holds: object, problem: str) -> None:
        """Notes a fault unless something holds."""
        if not holds:
            self.problems.append(problem)


@dataclass
class Field:
    """All that a part runs on."""

    server: PostgresServer
    name: str
    database: str
    folder: Path
    cluster: Cluster
    count: int
    minutes: float
    chance: random.Random
    runs: int = 0
    kills: int = 0

    def start(self, *, own: Callable[[int], dict[str, str]] = lambda number: {}, **settings: str) -> list[Member]:
        """As many hosts as were asked for; the first has `text` in its folder. `own`: settings of one of them."""
        hosts = [self.cluster.add(f"host{number}", **settings, **own(number)) for number in range(self.count)]
        hosts[0].drop("text")
        with ThreadPoolExecutor() as pool:
            list(pool.map(Member.start, hosts))
        for host in hosts:
            until(lambda host=host: host.call("text", "count_vowels", "hello").is_success, f"{host.name} serves text")
        return hosts


class Calls:
    """Calls that go on beside what a part does, from several threads."""

    def __init__(self, make: Callable[[], httpx.Response], threads: int = 4) -> None:
        self.answers: list[tuple[float, httpx.Response | Exception]] = []
        self._make, self._over = make, threading.Event()
        self._threads = [threading.Thread(target=self._go_on, daemon=True) for _ in range(threads)]

    def __enter__(self) -> Calls:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def failed(self) -> list[str]:
        """Each answer that is no success."""
        return [
            repr(one) if isinstance(one, Exception) else f"{one.status_code} {one.text[:200]}"
            for _, one in self.answers
            if isinstance(one, Exception) or one.is_error
        ]

    def _go_on(self) -> None:
        while not self._over.is_set():
            began = time.monotonic()
            try:
                answer: httpx.Response | Exception = self._make()
            except httpx.TransportError as error:
                answer = error
            self.answers.append((began, answer))


def join(field_: Field) -> Report:
    """An empty host joins while calls go on, and an installation reaches every host."""
    report, hosts = Report(), field_.start()
    turns = itertools.cycle(hosts)
    with Calls(lambda: next(turns).call("text", "count_vowels", "hello")) as calls:
        late = field_.cluster.start("late")
        until(lambda: late.call("text", "count_vowels", "hello").is_success, "the empty host serves text")
        install(hosts[1], "one")
        took = [until(lambda host=host: which(host) == "one", "installed") for host in (*hosts, late)]
        turns = itertools.cycle(hosts[:-1])
        _settle()
        hosts[-1].stop()
    report.figures |= {"calls": len(calls.answers), "reached all in s": round(max(took), 2)}
    report.expect(not (failed := calls.failed()), f"{len(failed)} calls failed, such as {failed[:3]}")
    report.expect(max(took) < _REACH_S, f"an installation reached a host after {max(took):.1f} s")
    return report


def versions(field_: Field) -> Report:
    """Shares of traffic between two versions, upgrade and rollback, while calls go on."""
    report, hosts = Report(), field_.start()
    install(hosts[0], "one")
    until(lambda: all(which(host) == "one" for host in hosts), "version one everywhere")
    with proxy(field_.folder / "proxy", [host.url for host in hosts]) as url:
        client = httpx.Client(base_url=url, headers=hosts[0].http.headers, timeout=60)
        with Calls(lambda: client.post(f"/api/v1/plugins/{_NAME}/functions/run")) as calls:
            first = _digests(hosts[0])[0]
            install(hosts[1], "two")
            until(lambda: len(_digests(hosts[0])) == 2, "two versions are known")
            second = next(one for one in _digests(hosts[0]) if one != first)
            for share in (50, 100):
                _shares(hosts[2 % len(hosts)], {first: 100 - share, second: share})
                _settle()
                found = _answered(calls, _CALLS // 4)
                report.figures[f"share at {share} %"] = round(found["two"], 3)
                report.expect(abs(found["two"] - share / 100) <= _SHARE_OFF, f"{share} % were {found['two']:.1%}")
            hosts[0].send("POST", f"/plugins/{_NAME}/rollback", json={"hash": first})
            _settle()
            found = _answered(calls, _CALLS // 4)
            report.expect(found["one"] == 1.0, f"after the rollback {found}")
            _answered(calls, max(0, _CALLS - len(calls.answers)))
        client.close()
    report.figures["calls"] = len(calls.answers)
    report.expect(not (failed := calls.failed()), f"{len(failed)} calls failed, such as {failed[:3]}")
    return report


def disable(field_: Field) -> Report:
    """A plugin that is disabled on one host answers nowhere afterwards."""
    report, hosts = Report(), field_.start()
    latest = 0.0
    for number in range(_DISABLES):
        one, other = field_.chance.sample(hosts, 2)
        one.send("PUT", "/plugins/text/state", json={"state": "disabled"})
        began = time.monotonic()
        while other.call("text", "count_vowels", "hello").is_success:
            latest = max(latest, time.monotonic() - began)
        other.send("PUT", "/plugins/text/state", json={"state": "enabled"})
        until(lambda one=one: one.call("text", "count_vowels", "hello").is_success, "enabled again")
        if latest > _FORBIDDEN_S:
            report.problems.append(f"answered {latest:.2f} s after disable number {number}")
            break
    report.figures |= {"disables": number + 1, "latest answer after one, s": round(latest, 3)}
    return report


def keys(field_: Field) -> Report:
    """One key at every host is one task."""
    report, hosts = Report(), field_.start()
    order = {"function": "text.count_vowels", "input": "hello"}
    for number in range(50):
        headers = {"Idempotency-Key": f"key-{number}"}
        with ThreadPoolExecutor(len(hosts)) as pool:
            made = list(pool.map(partial(_submit, order, headers), hosts))
        report.expect(len({one["id"] for one in made}) == 1, f"key {number} made {[one['id'] for one in made]}")
    report.figures["keys"] = 50
    return report


def _submit(order: Mapping[str, Any], headers: Mapping[str, str], host: Member) -> Any:
    """The task; a host that still waits for another one's answer to the same key is asked again, as it says."""
    end = time.monotonic() + _END_S
    while True:
        answer = host.http.post("/api/v1/tasks", json=order, headers=headers)
        if answer.status_code != 409 or time.monotonic() > end:
            return answer.raise_for_status().json()


def frozen(field_: Field) -> Report:
    """A client of the database that holds locks and does not go on delays nobody."""
    import psycopg

    report, hosts = Report(), field_.start()
    longest = 0.0
    with psycopg.connect(field_.database) as stalled:
        for statement in (
            "SELECT * FROM plugins FOR UPDATE",
            "SELECT * FROM tasks FOR UPDATE",
            "UPDATE plugins SET changed_at = changed_at",
        ):
            stalled.execute(statement)
            end = time.monotonic() + 10
            for number in itertools.count():
                if time.monotonic() > end:
                    break
                for host in hosts:
                    order = {"function": "text.count_vowels", "input": "hello", "key": f"{statement[-6:]}{number}"}
                    for make in (
                        lambda host=host: host.call("text", "count_vowels", "hello"),
                        lambda host=host, order=order: host.http.post("/api/v1/tasks", json=order),
                    ):
                        began = time.monotonic()
                        answer = make()
                        longest = max(longest, time.monotonic() - began)
                        report.expect(not answer.is_error, f"{answer.status_code} {answer.text[:200]}")
            stalled.rollback()
    report.figures["longest answer, s"] = round(longest, 2)
    report.expect(longest < _DELAY_S, f"somebody waited {longest:.1f} s")
    return report


def kills(field_: Field) -> Report:
    """Hosts are killed in turn under calls, tasks, schedules and runs of workflows."""
    report = Report()
    ledger = Ledger(field_.folder, multiprocessing.get_context("spawn"))
    hosts = field_.start(workflows__http_private='["127.0.0.1:*"]')
    hosts[0].send("POST", "/workflows", json={"text": _STEPS.format(server=ledger.start())})
    order = {"name": "each", "function": "text.count_vowels", "kind": "interval", "spec": "1", "input": "tick"}
    hosts[0].send("POST", "/schedules", json=order)
    made: dict[str, str] = {}
    began = time.monotonic()
    with (
        proxy(field_.folder / "proxy", [host.url for host in hosts]) as url,
        httpx.Client(base_url=url, headers=hosts[0].http.headers, timeout=60) as client,
        Calls(lambda: client.post("/api/v1/plugins/text/functions/count_vowels", content="hello"), 2) as calls,
        Calls(lambda: _begin(client, made), 2),
    ):
        blows = _strike(field_, hosts, began + field_.minutes * 60)
    hosts[0].send("DELETE", "/schedules/each")
    with suppress(AssertionError):  # what has not ended is named below
        until(lambda: not any(_open(hosts[0]) for _ in range(_LOOKS)), "all that was begun has ended", within_s=_END_S)
    ledger.stop()
    found = _judged(field_, made, ledger, report)
    answered = [one for _, one in calls.answers]
    refused = Counter(one.status_code if isinstance(one, httpx.Response) else type(one).__name__ for one in answered)
    report.figures |= {"kills": blows, **found, "calls": dict(refused), "effects cut and repeated": ledger.repeats}
    return report


def labels(field_: Field) -> Report:
    """No host has all plugins that a run needs, and hosts and servers of NATS are killed in turn."""
    report, ledger = Report(), Ledger(field_.folder, multiprocessing.get_context("spawn"))
    made: dict[str, str] = {}
    with ExitStack() as stack:
        servers = nats_cluster(field_.folder)
        stack.callback(servers.end)
        hosts = field_.start(
            own=lambda number: {
                "fleet__labels": json.dumps([f"{role}=yes" for role in _ROLES[number % len(_ROLES)]]),
            },
            **{"workflows__http_private": '["127.0.0.1:*"]', "fleet__url": servers.url, "fleet__secret": "s" * 32},
        )
        for name, role in _PLACED.items():
            if name != "text":
                install(hosts[0], name, name)
            hosts[0].send("PUT", f"/plugins/{name}/placement", json={"labels": {role: "yes"}})
        until(lambda: all(_serves_all(host) for host in hosts), "every plugin answers at every host", within_s=60)
        hosts[0].send("POST", "/workflows", json={"text": _SPREAD.format(server=ledger.start())})
        url = stack.enter_context(proxy(field_.folder / "proxy", [host.url for host in hosts]))
        client = stack.enter_context(httpx.Client(base_url=url, headers=hosts[0].http.headers, timeout=60))
        pause_s, began = field_.kills * _BLOW_S * _STARTERS / field_.runs, time.monotonic()
        with Calls(lambda: _begin_spread(client, made, field_.runs, pause_s), _STARTERS):
            blows = _strike_all(field_, hosts, servers, lambda: len(made) >= field_.runs)

        struck = time.monotonic()
        with suppress(AssertionError):  # what has not ended is named below
            until(lambda: not any(_open(hosts[0]) for _ in range(_LOOKS)), "all has ended", within_s=_END_S)
        report.figures |= {"under kills, s": round(struck - began), "then ended in s": round(time.monotonic() - struck)}
        found = _carried(hosts)
    ledger.stop()
    found |= _judged(field_, made, ledger, report)
    for run, status, fault in _rows(field_, _RUNS):
        report.expect(not any(one in fault for one in _UNSERVED), f"{run} {status}: {fault}")
    report.figures |= {**blows, **found, "effects cut and repeated": ledger.repeats}
    return report


def _serves_all(host: Member) -> bool:
    return all(
        host.call(name, function, "hello").is_success
        for name, function in (("text", "count_vowels"), ("alpha", "run"), ("beta", "run"))
    )


def _begin_spread(client: httpx.Client, made: dict[str, str], most: int, pause_s: float) -> httpx.Response:
    time.sleep(pause_s)
    if len(made) >= most:
        return httpx.Response(204)
    headers = {"Idempotency-Key": f"k{len(made)}-{random.random()}"}
    answer = client.post("/api/v1/workflows/spread/runs", json={"input": {}}, headers=headers)
    if answer.is_success:
        made[answer.json()["id"]] = "spread"
    return answer


def _strike_all(field_: Field, hosts: list[Member], servers: NatsCluster, over: Callable[[], bool]) -> dict[str, int]:
    """Kills a host or a server of NATS, and starts it again, until all kills are done and all runs have begun."""
    blows = {"hosts killed": 0, "NATS servers killed": 0}
    for blow in itertools.count():
        if blow >= field_.kills and over():
            return blows
        time.sleep(_BLOW_S / 2)
        if blow >= field_.kills:
            continue
        if field_.chance.random() < 0.5:
            one = field_.chance.choice(hosts)
            one.stop(signal.SIGKILL)
            one.start()
            blows["hosts killed"] += 1
        else:
            number = field_.chance.randrange(len(servers.ports))
            servers.send(number, signal.SIGKILL)
            servers.running[number].wait()
            time.sleep(_BLOW_S / 4)
            servers.start(number)
            blows["NATS servers killed"] += 1
    raise AssertionError


def _carried(hosts: list[Member]) -> dict[str, int]:
    """Calls that hosts have sent to others since they were started last."""
    return {
        "calls sent since the last starts": round(sum(one.metric("omnicore_fleet_calls_total.*sent") for one in hosts))
    }


def _strike(field_: Field, hosts: list[Member], end: float) -> int:
    """Kills one host after the other and starts it again. Returns: the number of kills."""
    for blow in itertools.count(1):
        time.sleep(_KILL_EVERY_S)
        one = hosts[blow % len(hosts)]
        one.stop(signal.SIGKILL if field_.chance.random() < 0.8 else signal.SIGTERM)
        one.start()
        if time.monotonic() > end:
            return blow
    raise AssertionError


def _begin(client: httpx.Client, made: dict[str, str]) -> httpx.Response:
    key = f"k{len(made)}-{random.random()}"
    headers = {"Idempotency-Key": key}
    for path, body in (
        ("/api/v1/workflows/effects/runs", {"input": {}}),
        ("/api/v1/tasks", {"function": "text.count_vowels", "input": key}),
    ):
        answer = client.post(path, json=body, headers=headers)
        if answer.is_success:
            made[answer.json()["id"]] = path
    time.sleep(0.05)
    return answer


def _open(host: Member) -> bool:
    """True while anything goes on."""
    runs = (f"/runs?status={status}" for status in ("pending", "running", "waiting"))
    tasks = (f"/tasks?state={state}" for state in ("waiting", "running"))
    return any(host.get(f"{path}&limit=1")["items"] for path in (*runs, *tasks))


def _judged(field_: Field, made: Mapping[str, str], ledger: Ledger, report: Report) -> dict[str, int]:
    """Holds the database against what was acknowledged and against the ledger of effects."""

    rows = partial(_rows, field_)
    runs = {run: f"{status} {fault}".strip() for run, status, fault in rows(_RUNS)}
    tasks = {task: state for task, state, *_ in rows("SELECT id, state FROM tasks")}
    for one in made:
        state = runs.get(one) or tasks.get(one)
        report.expect(state in ("completed", "done"), f"{one} was acknowledged and is {state}")
    recorded = dict.fromkeys([])
    for run, place, attempt, at in rows("SELECT run, place, attempt, at FROM workflow_steps WHERE kind = 'call'"):
        recorded[f"{run}{place}/{attempt}"] = float(at)
    ghosts = 0
    for key, times in ledger.calls.items():
        at = recorded.get(key)
        report.expect(at is not None, f"{key} was done and not recorded")
        ghosts += sum(moment > (at or 0) for moment, _ in times[1:])
    report.expect(not ghosts, f"{ghosts} effects came after their record")
    return {"runs": len(runs), "tasks": len(tasks), "effects after their record": ghosts}


def _rows(field_: Field, text: str) -> list[list[str]]:
    return [line.split("|") for line in field_.server.sql(text, field_.name).splitlines()]


def install(host: Member, answer: str, name: str = _NAME) -> None:
    """Installs a version of a plugin that answers so, and accepts it."""
    body = answers(answer, {"name": name, "version": "1.0.0"})
    host.send("POST", f"/plugins?filename={name}.wasm", content=body, headers={"content-type": "application/wasm"})
    with suppress(httpx.HTTPStatusError):
        host.send("POST", f"/plugins/{name}/upgrade", json={"decision": "approve"})


def which(host: Member) -> str:
    """The answer of the version that serves, or the refusal."""
    answer = host.call(_NAME, "run")
    return str(answer.json()) if answer.is_success else str(answer.status_code)


def _digests(host: Member) -> list[str]:
    return [one["hash"] for one in host.get(f"/plugins/{_NAME}/versions")["items"]]


def _shares(host: Member, shares: Mapping[str, int]) -> None:
    host.send(
        "PUT", f"/plugins/{_NAME}/shares", json={"shares": {one: share for one, share in shares.items() if share}}
    )


def _settle() -> None:
    """Waits for the bounded time in which a change reaches every host."""
    time.sleep(_REACH_S)


def _answered(calls: Calls, count: int) -> dict[str, float]:
    """The share of each answer among so many calls from now on."""
    first = len(calls.answers)
    until(lambda: len(calls.answers) >= first + count, f"{count} calls", within_s=300)
    found = Counter(
        str(one.json()) for _, one in calls.answers[first:] if isinstance(one, httpx.Response) and one.is_success
    )
    total = max(1, sum(found.values()))
    return {"one": found["one"] / total, "two": found["two"] / total}


PARTS: Mapping[str, Callable[[Field], Report]] = {
    "join": join,
    "versions": versions,
    "disable": disable,
    "keys": keys,
    "frozen": frozen,
    "kills": kills,
    "labels": labels,
}


def main(arguments: list[str]) -> int:
    """Runs the parts. Returns: 1 when one of them found a fault, 3 when there is no PostgreSQL."""
    parser = argparse.ArgumentParser(prog="python -m tests.fleet.run")
    parser.add_argument("--only", choices=PARTS)
    parser.add_argument("--hosts", type=int, default=5)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--runs", type=int, default=5000, help="of the part labels")
    parser.add_argument("--kills", type=int, default=200, help="of the part labels")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args(arguments)
    binaries = find_binaries()
    if binaries is None:
        print("PostgreSQL is not on this machine: apt install postgresql", file=sys.stderr)
        return 3
    faults = 0
    with private_server(binaries, settings={"fsync": "off", "max_connections": "120"}) as server:
        for name, part in PARTS.items():
            if given.only not in (None, name):
                continue
            with tempfile.TemporaryDirectory(prefix="fleet-") as folder:
                database = f"fleet_{name}"
                server.sql(f"CREATE DATABASE {database}")
                url = server.url(database)
                cluster = Cluster(Path(folder), url)
                try:
                    at = Path(folder)
                    chance = random.Random(given.seed)
                    amounts = given.hosts, given.minutes, chance, given.runs, given.kills
                    report = part(Field(server, database, url, at, cluster, *amounts))
                except AssertionError as error:
                    report = Report(problems=[str(error)])
                finally:
                    cluster.close()
            faults += len(report.problems)
            print(f"{name}: {report.figures}", *report.problems[:20], sep="\n  ", flush=True)
    return min(1, faults)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
