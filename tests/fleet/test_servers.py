"""Fleets over a cluster of three NATS servers, which are killed, frozen and cut off in turn; nothing is made twice."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.fleet.fleets import fleet, until
from tests.fleet.test_calls import Counter
from tests.services.servers import Server

from omnicore.assembly import Host
from omnicore.errors import NotServed, OmniError, Unavailable
from omnicore.fleet.calls import RemoteCall
from omnicore.storage.tables.tasks import TaskContext

pytestmark = pytest.mark.services
_NATS = shutil.which("nats-server", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


@dataclass
class Cluster:
    """Three servers of NATS that know each other."""

    folder: Path
    ports: list[int]
    routes: list[int]
    running: dict[int, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return ",".join(f"nats://127.0.0.1:{port}" for port in self.ports)

    def start(self, number: int) -> None:
        """Starts a server, again over the same ports."""
        routes = ",".join(f"nats://127.0.0.1:{port}" for port in self.routes)
        command = [str(_NATS), "-a", "127.0.0.1", "-p", str(self.ports[number]), "--cluster_name", "fleet"]
        command += ["--cluster", f"nats://127.0.0.1:{self.routes[number]}", "--routes", routes]
        with (self.folder / f"log{number}").open("ab") as log:
            self.running[number] = subprocess.Popen(command, stdout=log, stderr=log)

    def send(self, number: int, sign: signal.Signals) -> None:
        self.running[number].send_signal(sign)

    def end(self) -> None:
        for process in self.running.values():
            process.kill()
            process.wait()


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    """A cluster that is started, and killed with the test."""
    if _NATS is None:
        message = "nats-server is not on this machine: apt install nats-server"
        pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(6)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    made = Cluster(tmp_path, ports[:3], ports[3:])
    for number in range(3):
        made.start(number)
    yield made
    made.end()


async def called(host: Host, number: int) -> str:
    """A call with a key, made again until it is answered."""
    assert host.nats is not None
    call = RemoteCall("counter.add", str(number), context=TaskContext(f"task_{number}", "@host", 1, None))
    while True:
        try:
            return str(await host.nats.remote.call(call))
        except (NotServed, Unavailable):
            await asyncio.sleep(0.05)


async def test_no_call_is_lost_or_made_twice_while_servers_are_killed_in_turn(tmp_path: Path, cluster: Cluster) -> None:
    counter = Counter()
    async with fleet(tmp_path, Server(cluster.url, [], tmp_path, 0)) as made:
        a, _ = await made.host("a"), await made.host("b", native=counter)
        calls = 0
        for number in range(3):
            before = [asyncio.ensure_future(called(a, calls + one)) for one in range(30)]
            cluster.send(number, signal.SIGKILL)
            after = [asyncio.ensure_future(called(a, calls + 30 + one)) for one in range(30)]
            await asyncio.wait_for(asyncio.gather(*before, *after), 30)
            calls += 60
            cluster.running[number].wait()
            cluster.start(number)
        assert sorted(map(int, counter.calls)) == list(range(calls))


# nats-py leaves the stream of a server that it gave up to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore:unclosed:ResourceWarning")
async def test_a_server_that_is_frozen_is_left_for_another(tmp_path: Path, cluster: Cluster) -> None:
    counter = Counter()
    async with fleet(tmp_path, Server(cluster.url, [], tmp_path, 0)) as made:
        a, b = await made.host("a"), await made.host("b", native=counter)
        assert a.nats is not None
        url = a.nats.connection._client.connected_url
        assert url is not None
        number = cluster.ports.index(url.port or 0)
        cluster.send(number, signal.SIGSTOP)
        try:
            assert await asyncio.wait_for(called(a, 1), 30) == "1"
        finally:
            cluster.send(number, signal.SIGCONT)
        assert counter.calls == ["1"]
        assert b.nats is not None


async def test_a_host_works_alone_while_no_server_is_there_and_joins_again(tmp_path: Path, cluster: Cluster) -> None:
    async with fleet(tmp_path, Server(cluster.url, [], tmp_path, 0)) as made:
        a, b = await made.host("a"), await made.host("b", "text")
        for number in range(3):
            cluster.send(number, signal.SIGKILL)
            cluster.running[number].wait()
        assert a.nats is not None
        await until(lambda: not (a.nats and a.nats.connection.connected))
        with pytest.raises(OmniError):
            await a.call("text.count_vowels", "hello", timeout_s=2)
        assert await b.call("text.count_vowels", "hello") == {"count": 2}
        assert a.nats.trouble
        for number in range(3):
            cluster.start(number)
        await until(lambda: bool(a.nats and a.nats.connection.connected), within_s=30)
        await until(lambda: bool(a.nats and a.nats.directory.places("text")), within_s=30)
        assert await a.call("text.count_vowels", "hello") == {"count": 2}
        assert a.nats.trouble is None
