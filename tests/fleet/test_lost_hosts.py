"""Hosts that are killed or frozen while they make calls: what may be sent again is, and nothing else."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest
from tests.fleet.fleets import Fleet, fleet, until
from tests.frozen import freeze
from tests.services.conftest import Servers

from omnicore.assembly import Host
from omnicore.config.settings import Settings
from omnicore.errors import NotServed, OmniError, Unavailable
from omnicore.fleet.calls import RemoteCall
from omnicore.storage.tables.tasks import TaskContext

pytestmark = pytest.mark.services


def _serve(settings: Settings) -> None:
    os.umask(0o077)

    async def serve() -> None:
        async with Host(settings=settings):
            await asyncio.Event().wait()

    asyncio.run(serve())


@contextmanager
def process(settings: Settings) -> Iterator[BaseProcess]:
    """A host in a process of its own, killed at the end."""
    made = multiprocessing.get_context("spawn").Process(target=_serve, args=(settings,), daemon=True)
    made.start()
    try:
        yield made
    finally:
        made.kill()
        made.join()


async def heard(made: Fleet, host: Host, hosts: int) -> None:
    await until(lambda: host.nats is not None and len(host.nats.directory.places("echo")) == hosts, within_s=30)


@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "frozen"])
async def test_calls_with_a_key_move_to_another_host_and_others_are_told(
    tmp_path: Path, servers: Servers, sign: signal.Signals
) -> None:
    async with fleet(tmp_path, servers("nats")) as made:
        a = await made.host("a")
        assert a.nats is not None
        remote = a.nats.remote

        async def keyed(number: int) -> bytes:
            context = TaskContext(f"task_{number}", "@host", 1, None)
            return bytes(await remote.call(RemoteCall("echo.echo", b"%d" % number, context=context)))

        with process(made.settings("b", "echo")) as b, process(made.settings("c", "echo")):
            await heard(made, a, 2)
            plain = [asyncio.ensure_future(a.call("echo.echo", b"plain")) for _ in range(20)]
            calls = [asyncio.ensure_future(keyed(number)) for number in range(60)]
            os.kill(b.pid or 0, sign)
            if sign is signal.SIGKILL:
                await asyncio.to_thread(b.join)
            calls += [asyncio.ensure_future(keyed(number)) for number in range(60, 120)]
            assert await asyncio.wait_for(asyncio.gather(*calls), 40) == [b"%d" % number for number in range(120)]
            assert remote.again <= 2 * len(calls), "a host that is gone is not asked over and over"
            for one in await asyncio.gather(*plain, return_exceptions=True):
                assert one == b"plain" or isinstance(one, Unavailable), one
            await heard(made, a, 1)
            assert await a.call("echo.echo", b"on") == b"on" or sign is signal.SIGSTOP


async def test_a_call_with_a_key_waits_for_a_host_when_the_last_one_falls_silent(
    tmp_path: Path, servers: Servers
) -> None:
    async with fleet(tmp_path, servers("nats")) as made:
        a = await made.host("a")
        assert a.nats is not None
        keyed = RemoteCall("echo.echo", b"keyed", context=TaskContext("task_1", "@host", 1, None))

        async def refused(call: RemoteCall) -> type[OmniError]:
            assert a.nats is not None
            with pytest.raises(OmniError) as caught:
                await a.nats.remote.call(call)
            return caught.type

        with process(made.settings("b", "echo")) as b:
            await heard(made, a, 1)
            freeze(b.pid or 0)
            found = await asyncio.gather(refused(keyed), refused(RemoteCall("echo.echo", b"plain")))
            # The work behind a key waits for another host; whoever made a plain call has to look first.
            assert found == [NotServed, Unavailable]
