"""The database of a fleet: `python -m tests.fleet.database [--only NAME] [--hosts N] [--times N] [--away SECONDS]`.

Whole hosts under calls, tasks, runs of a workflow with effects outside, and a schedule. What was acknowledged is done,
no effect comes after its record, no tick of the schedule is doubled, and calls of loaded plugins go on.

- `stopped`: PostgreSQL is stopped so many times, for so many seconds, and started again.
- `frozen`: the same with a server that stands still: connections are accepted, and nobody answers.
- `failover`: the primary is killed so many times, and its standby promoted. Commits wait for the standby.
- `upgrade`: hosts of 0.1.0 become hosts of this version one by one, and hosts of 0.1.0 again.
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx
from tests.chaos.workflows_ledger import Ledger
from tests.fleet import run as fleet
from tests.fleet.cluster import Cluster, Member, until
from tests.storage.postgresql_server import PostgresServer, find_binaries, private_server

__all__ = ["PARTS", "main"]

_ROOT = Path(__file__).parents[2]
_RELEASED = "432ddbf70a90735784c44c568f4f9cce673ec253"
"""The last commit whose hosts do not know of a fleet: 0.1.0."""
_BETWEEN_S = 10.0
_END_S = 180.0
_LOOKS = 3  # a run goes from one state to another between two questions
_EVENTS = (
    "SELECT count(*), count(DISTINCT data::json->>'id'), (SELECT count(*) FROM tasks WHERE state = 'done')"
    " FROM logs WHERE topic = 'task.finished'"
)
_TICKS = "SELECT due_at, count(*) FROM tasks WHERE owner = '@schedules' GROUP BY due_at HAVING count(*) > 1"


@dataclass
class Trial:
    """What a part runs on. `server`: the one that is the primary now."""

    server: PostgresServer
    url: str
    folder: Path
    hosts: int
    times: int
    away_s: float

    name: str = "postgres"
    """The database, as `tests.fleet.run` asks for it."""


class Traffic:
    """Tasks and runs that begin on any host that serves, beside calls of a plugin."""

    def __init__(self, serving: list[Member]) -> None:
        self.made: dict[str, str] = {}
        self.began: Counter[str] = Counter()
        self.calls: Counter[str] = Counter()
        self.slowest_s = 0.0
        self._serving, self._over = serving, threading.Event()
        self._threads = [threading.Thread(target=work, daemon=True) for work in (self._begin, self._call, self._call)]

    def __enter__(self) -> Traffic:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _begin(self) -> None:
        number = 0
        while not self._over.wait(0.05):
            number += 1
            for path, body in (
                ("/runs", {"input": {}}),
                ("/tasks", {"function": "text.count_vowels", "input": str(number)}),
            ):
                where = "/workflows/effects/runs" if path == "/runs" else path
                answer = self._answer(lambda host, where=where, body=body: host.http.post(f"/api/v1{where}", json=body))
                self.began[_shown(answer)] += 1
                if isinstance(answer, httpx.Response) and answer.is_success:
                    self.made[answer.json()["id"]] = path

    def _call(self) -> None:
        while not self._over.wait(0.02):
            began = time.monotonic()
            answer = self._answer(lambda host: host.call("text", "count_vowels", "hello"))
            self.slowest_s = max(self.slowest_s, time.monotonic() - began)
            self.calls[_shown(answer)] += 1

    def _answer(self, ask: Callable[[Member], httpx.Response]) -> httpx.Response | Exception | None:
        serving = tuple(self._serving)
        if not serving:
            return None
        host = random.choice(serving)
        try:
            answer: httpx.Response | Exception = ask(host)
        except httpx.TransportError as error:
            answer = error
        failed = isinstance(answer, Exception) or answer.is_error
        return None if failed and host not in self._serving else answer  # it was stopped meanwhile


def _shown(answer: httpx.Response | Exception | None) -> str:
    if isinstance(answer, httpx.Response):
        return f"{answer.status_code} {'' if answer.is_success else answer.json().get('code', '')}".strip()
    return "left" if answer is None else type(answer).__name__


@contextmanager
def _under_traffic(trial: Trial, hosts: list[Member], report: fleet.Report) -> Iterator[list[Member]]:
    """The hosts that serve, to be kept up to date by the block; judged when it has ended and all is done."""
    ledger = Ledger(trial.folder, multiprocessing.get_context("spawn"))
    hosts[0].send("POST", "/workflows", json={"text": fleet._STEPS.format(server=ledger.start())})
    order = {"name": "each", "function": "text.count_vowels", "kind": "interval", "spec": "1", "input": "tick"}
    hosts[0].send("POST", "/schedules", json=order)
    serving = list(hosts)
    with Traffic(serving) as traffic:
        yield serving
    until(hosts[0].ready, "the first host is ready", within_s=_END_S)
    hosts[0].send("DELETE", "/schedules/each")
    with suppress(AssertionError):  # what has not ended is named below
        until(
            lambda: not any(fleet._open(hosts[0]) for _ in range(_LOOKS)),
            "all that was begun has ended",
            within_s=_END_S,
        )
    ledger.stop()
    found = fleet._judged(trial, traffic.made, ledger, report)  # type: ignore[arg-type]
    doubled = trial.server.sql(_TICKS, trial.name)
    report.expect(not doubled, f"ticks of the schedule are doubled: {doubled}")
    told, once, done = map(int, trial.server.sql(_EVENTS, trial.name).split("|"))
    report.expect(told == once, f"{told - once} events of finished tasks are doubled")
    report.figures["finished tasks, events of them"] = (done, told)
    failed = {what: count for what, count in traffic.calls.items() if what not in ("200", "left")}
    report.expect(not failed, f"calls of a loaded plugin failed: {failed}")
    report.figures |= {**found, "begun": dict(traffic.began), "calls": dict(traffic.calls)}
    report.figures |= {"slowest call, s": round(traffic.slowest_s, 2), "effects cut and repeated": ledger.repeats}


def _serves(host: Member) -> bool:
    return host.call("text", "count_vowels", "hello").is_success


def _started(cluster: Cluster, count: int, **more: Any) -> list[Member]:
    settings = {
        "workflows__http_private": '["127.0.0.1:*"]',
        "storage__connect_timeout_s": "2",
        "events__log_events": "1000000",
    }
    hosts = [cluster.add(f"host{number}", "text", **settings, **more) for number in range(count)]
    for host in hosts:
        host.start()
        until(
            lambda host=host: host.call("text", "count_vowels", "hello").is_success, f"{host.name} serves", within_s=60
        )
    return hosts


def _outages(trial: Trial, begin: Callable[[], None], end: Callable[[], None]) -> fleet.Report:
    report, cluster = fleet.Report(), Cluster(trial.folder, trial.url)
    unready, ready = [], []
    with ExitStack() as stack:
        stack.callback(cluster.close)
        hosts = _started(cluster, trial.hosts)
        with _under_traffic(trial, hosts, report):
            for _ in range(trial.times):
                time.sleep(_BETWEEN_S)
                begin()
                began = time.monotonic()
                unready += [until(lambda host=host: not host.ready(), "not ready", within_s=30) for host in hosts]
                time.sleep(max(0.0, trial.away_s - (time.monotonic() - began)))
                end()
                ready += [until(host.ready, "ready again", within_s=60) for host in hosts]
            time.sleep(_BETWEEN_S)
    report.figures |= {"not ready after, s": round(max(unready), 1), "ready again after, s": round(max(ready), 1)}
    return report


def stopped(trial: Trial) -> fleet.Report:
    """PostgreSQL is stopped and started again."""
    return _outages(trial, trial.server.kill, trial.server.start)


def frozen(trial: Trial) -> fleet.Report:
    """PostgreSQL stands still and goes on."""
    return _outages(trial, trial.server.freeze, trial.server.thaw)


def failover(trial: Trial) -> fleet.Report:
    """The standby becomes the primary, and the old primary is replaced by a new standby, again and again."""
    report, binaries = fleet.Report(), find_binaries()
    assert binaries is not None
    gaps = []
    with ExitStack() as stack:
        servers = [trial.server, stack.enter_context(private_server(binaries, primary=trial.server))]
        places = ",".join(str(server.folder) for server in servers)
        url = f"postgresql://omnicore@/postgres?host={places}&target_session_attrs=read-write"
        cluster = Cluster(trial.folder, url)
        stack.callback(cluster.close)
        hosts = _started(cluster, trial.hosts)
        with _under_traffic(trial, hosts, report):
            for turn in range(trial.times):
                time.sleep(_BETWEEN_S)
                old, new = servers[turn % 2], servers[(turn + 1) % 2]
                old.kill()
                began = time.monotonic()
                new.sql("ALTER SYSTEM RESET synchronous_standby_names")
                new.promote()
                trial.server = new
                gaps += [until(host.ready, f"{host.name} is ready", within_s=60) for host in hosts]
                gaps.append(time.monotonic() - began)
                old.follow(new)
            time.sleep(_BETWEEN_S)
    report.figures |= {"promotions": trial.times, "ready again after, s": round(max(gaps), 1)}
    return report


def upgrade(trial: Trial) -> fleet.Report:
    """Hosts of 0.1.0 become hosts of this version and hosts of 0.1.0 again, on the same database and data folders."""
    report, cluster = fleet.Report(), Cluster(trial.folder, trial.url)
    old = trial.folder / "released"
    old.mkdir()
    archive = ["git", "-C", str(_ROOT), "archive", _RELEASED, "host"]
    with subprocess.Popen(archive, stdout=subprocess.PIPE) as packed:
        subprocess.run(["tar", "-x", "-C", str(old)], stdin=packed.stdout, check=True)
    with ExitStack() as stack:
        stack.callback(cluster.close)
        hosts = _started(cluster, trial.hosts, python=old / "host")
        with _under_traffic(trial, hosts, report) as serving:
            for path in (None, str(old / "host"), None):
                for host in hosts:
                    time.sleep(_BETWEEN_S / 2)
                    serving.remove(host)
                    host.stop()
                    host.environment.pop("PYTHONPATH", None)
                    if path is not None:
                        host.environment["PYTHONPATH"] = path
                    host.start()
                    until(partial(_serves, host), f"{host.name} serves text as before", within_s=60)
                    serving.append(host)
            time.sleep(_BETWEEN_S)
    report.figures["steps"] = trial.server.sql("SELECT max(number) FROM schema_steps", trial.name)
    return report


PARTS: Mapping[str, Callable[[Trial], fleet.Report]] = {
    "stopped": stopped,
    "frozen": frozen,
    "failover": failover,
    "upgrade": upgrade,
}


def main(arguments: list[str]) -> int:
    """Runs the parts. Returns: 1 when one of them found a fault, 3 when there is no PostgreSQL."""
    parser = argparse.ArgumentParser(prog="python -m tests.fleet.database")
    parser.add_argument("--only", choices=PARTS)
    parser.add_argument("--hosts", type=int, default=3)
    parser.add_argument("--times", type=int, default=10, help="fail-overs; outages are a third of it")
    parser.add_argument("--away", type=float, default=60.0, help="seconds of each outage")
    given = parser.parse_args(arguments)
    binaries = find_binaries()
    if binaries is None:
        print("PostgreSQL is not on this machine: apt install postgresql", file=sys.stderr)
        return 3
    faults = 0
    for name, part in PARTS.items():
        if given.only not in (None, name):
            continue
        times = given.times if name == "failover" else max(1, given.times // 3)
        with private_server(binaries) as server, tempfile.TemporaryDirectory(prefix="fleet-") as folder:
            try:
                report = part(Trial(server, server.url(), Path(folder), given.hosts, times, given.away))
            except AssertionError as error:
                report = fleet.Report(problems=[str(error)])
        faults += len(report.problems)
        print(f"{name}: {report.figures}", *report.problems[:20], sep="\n  ", flush=True)
    return min(1, faults)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
