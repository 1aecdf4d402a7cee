"""Fleets over a cluster of three NATS servers, which are killed, frozen and cut off in turn; nothing is made twice."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fleet.fleets import fleet, until
from tests.fleet.servers import NATS, NatsCluster, nats_cluster
from tests.fleet.test_calls import Counter
from tests.services.servers import Server

from omnicore.assembly import Host
from omnicore.errors import FleetRefused, NotServed, OmniError, Unavailable
from omnicore.fleet.calls import RemoteCall
from omnicore.storage.tables.tasks import TaskContext

pytestmark = pytest.mark.services


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[NatsCluster]:
    """A cluster that is started, and killed with the test."""
    if NATS is None:
        message = "nats-server is not on this machine: apt install nats-server"
        pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)
    made = nats_cluster(tmp_path)
    yield made
    made.end()


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[tuple[Server, Path]]:
    """A server that lets nobody in without the name and password in a file, which it reads again on SIGHUP."""
    if NATS is None:
        message = "nats-server is not on this machine: apt install nats-server"
        pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)
    with socket.create_server(("127.0.0.1", 0)) as one:
        port = one.getsockname()[1]
    users = tmp_path / "users.conf"
    users.write_text('authorization { user: "host", password: "right" }\n')
    server = Server(
        f"nats://host:right@127.0.0.1:{port}",
        [NATS, "-a", "127.0.0.1", "-p", str(port), "-c", str(users), "-P", str(tmp_path / "pid")],
        *(tmp_path, port),
    )
    server.start()
    yield server, users
    server.stop()


def refused(host: Host) -> str:
    """The reason why the servers do not let a host in."""
    said = host.nats.trouble if host.nats is not None else None
    return said if said is not None and "do not let this host in" in said else ""


@pytest.mark.parametrize(
    ("there", "remedy"), [("host:wrong@", "name and password, or the token"), ("", "give fleet.url")]
)
async def test_a_host_with_wrong_credentials_says_so_and_names_the_setting(
    tmp_path: Path, guarded: tuple[Server, Path], there: str, remedy: str
) -> None:
    server, _ = guarded
    async with fleet(tmp_path, server) as made:
        a = await made.host("a", "text", fleet={"url": server.url.replace("host:right@", there), "join_s": 0.5})
        await until(lambda: bool(refused(a)))
        assert "Authorization Violation" in refused(a)
        assert remedy in refused(a)
        assert "wrong" not in refused(a)
        assert a.nats is not None
        with pytest.raises(FleetRefused, match=r"do not let this host in: Authorization Violation; .*fleet.url"):
            await a.nats.connection.publish("omnicore.test", b"")
        assert await a.call("text.count_vowels", "hello") == {"count": 2}, "what is here goes on"


async def test_a_credentials_file_that_is_refused_is_named(tmp_path: Path, guarded: tuple[Server, Path]) -> None:
    server, _ = guarded
    file = tmp_path / "host.creds"
    file.write_text("nothing of the kind")
    async with fleet(tmp_path, server) as made:
        url = f"{server.url.replace('host:right@', '')}?credentials={file}"
        a = await made.host("a", fleet={"url": url, "join_s": 0.5})
        await until(lambda: bool(refused(a)))
        assert f"correct the file {file}, which fleet.url names as credentials" in refused(a)


# nats-py leaves the stream of a server that sent it away to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore:unclosed:ResourceWarning")
async def test_a_host_that_is_sent_away_joins_again_once_it_is_let_in(
    tmp_path: Path, guarded: tuple[Server, Path]
) -> None:
    server, users = guarded
    right = users.read_text()
    async with fleet(tmp_path, server) as made:
        a, b = await made.host("a"), await made.host("b", "text")
        users.write_text(right.replace("right", "other"))
        os.kill(int((tmp_path / "pid").read_text()), signal.SIGHUP)
        await until(lambda: bool(refused(a) and refused(b)))
        users.write_text(right)
        os.kill(int((tmp_path / "pid").read_text()), signal.SIGHUP)
        await until(lambda: all(one.nats and one.nats.connection.connected for one in (a, b)), within_s=30)
        await until(lambda: bool(a.nats and a.nats.directory.places("text")), within_s=30)
        assert await a.call("text.count_vowels", "hello") == {"count": 2}
        assert a.nats is not None
        assert a.nats.trouble is None


async def called(host: Host, number: int) -> str:
    """A call with a key, made again until it is answered."""
    assert host.nats is not None
    call = RemoteCall("counter.add", str(number), context=TaskContext(f"task_{number}", "@host", 1, None))
    while True:
        try:
            return str(await host.nats.remote.call(call))
        except (NotServed, Unavailable):
            await asyncio.sleep(0.05)


async def test_no_call_is_lost_or_made_twice_while_servers_are_killed_in_turn(
    tmp_path: Path, cluster: NatsCluster
) -> None:
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
async def test_a_server_that_is_frozen_is_left_for_another(tmp_path: Path, cluster: NatsCluster) -> None:
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


async def test_a_host_works_alone_while_no_server_is_there_and_joins_again(
    tmp_path: Path, cluster: NatsCluster
) -> None:
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
