"""The blocking twin of a host: the same services, and nothing to await."""

from __future__ import annotations

import asyncio
import inspect
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import httpx
import pytest
from mypy import api
from tests.wiring.stub import FILE, reachable, rendered

from omnicore import Host
from omnicore import portal as blocking
from omnicore.cli import local
from omnicore.cli.local import Asgi
from omnicore.errors import Conflict, NotFound, Unavailable
from omnicore.memory.tiers import MemoryTier
from omnicore.plugins.host import PluginHost
from omnicore.portal import BlockingHost, Portal, Twin


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BlockingHost]:
    folder = tmp_path_factory.mktemp("host")
    with Host(plugins=folder / "plugins", data=folder / "data", watch=False) as opened:
        yield opened


def test_what_is_stored_is_there_without_anything_awaited(host: BlockingHost) -> None:
    stored = host.memory.store("the customer prefers short answers", MemoryTier.Strategic)
    assert stored in {item.id for item in host.memory.recall("short answers").items}
    assert host.health.check().subsystems
    assert host.workflows.page().items == []


def test_a_task_is_submitted_and_its_handle_waits(host: BlockingHost) -> None:
    async def double(number: int) -> int:
        return number * 2

    handle = host.tasks.submit(double, 21)
    assert handle.wait() == 42
    assert handle.done()
    assert host.wait(host.tasks.submit(double, 4)) == 8


def test_a_subscription_is_an_iterator(host: BlockingHost) -> None:
    heard = host.bus.subscribe("order.*")
    host.bus.publish("order.made", 1)
    assert next(iter(heard)).topic == "order.made"
    heard.close()


def test_every_public_method_of_every_service_blocks(host: BlockingHost) -> None:
    found = reachable(host.host)
    assert len(found) > 20
    for path, kind, methods in found:
        twin: Any = host
        for part in path:
            twin = getattr(twin, part)
        assert isinstance(twin, kind), path
        assert not methods or type(twin) is Twin, f"host.{'.'.join(path)} has no twin, but {methods} to be awaited"
        for name in methods:
            assert not inspect.iscoroutinefunction(getattr(twin, name)), (path, name)


class Sample:
    """One of each kind of asynchronous member."""

    async def answer(self) -> int:
        return 42

    async def count(self) -> AsyncIterator[int]:
        for number in range(3):
            yield number

    @asynccontextmanager
    async def room(self) -> AsyncIterator[str]:
        self.inside = True
        yield "in"
        self.inside = False


Sample.__module__ = "omnicore.sample"


@pytest.fixture
def portal() -> Iterator[Portal]:
    made = Portal()
    yield made
    made.close()


def test_iterators_and_blocks_lose_their_async(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "omnicore.sample", __import__("sys").modules[__name__])
    twin = portal.adapt(Sample())
    assert twin.answer() == 42
    assert list(twin.count()) == [0, 1, 2]
    with twin.room() as said:
        assert (said, twin.inside) == ("in", True)
    assert twin.inside is False


def test_errors_arrive_as_they_are(host: BlockingHost) -> None:
    with pytest.raises(NotFound):
        host.workflows.get("nobody")
    with pytest.raises(NotFound):
        host.call("nobody.nothing")


def test_several_threads_use_one_host(host: BlockingHost) -> None:
    done: list[str] = []
    threads = [
        threading.Thread(target=lambda n=n: done.append(host.memory.store(f"note {n}", MemoryTier.Strategic)))
        for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(set(done)) == 8


def test_a_running_loop_is_told_what_to_use_instead(host: BlockingHost) -> None:
    async def scene() -> str:
        with pytest.raises(Conflict, match="async with Host"):
            host.memory.stats()
        return str(await asyncio.to_thread(host.memory.stats))

    assert asyncio.run(scene())


def test_code_on_the_hosts_own_loop_awaits_the_same_twins(host: BlockingHost) -> None:
    async def scene() -> Any:
        return await host.memory.stats()

    assert host.wait(scene()).keys() if isinstance(host.memory.stats(), dict) else host.wait(scene())


def test_ctrl_c_ends_what_the_main_thread_waits_for(host: BlockingHost) -> None:
    ended = threading.Event()

    async def long() -> None:
        try:
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
            await asyncio.Event().wait()
        finally:
            ended.set()

    with pytest.raises(KeyboardInterrupt):
        host.wait(long())
    assert ended.wait(10)


def test_ctrl_c_at_any_line_on_the_way_to_the_loop_leaves_no_coroutine_behind(host: BlockingHost) -> None:
    ask = Asgi(host.host, host)
    files = (blocking.__file__, local.__file__)
    lines = 0

    def trace(frame: FrameType, event: str, _argument: object) -> Any:
        nonlocal lines
        if frame.f_code.co_filename not in files:
            return None
        if event == "line":
            lines -= 1
            if lines == 0:
                raise KeyboardInterrupt
        return trace

    for at in range(1, 5_000):
        lines = at
        sys.settrace(trace)
        try:
            answer = ask("GET", "/api/v1/memory/stats", {}, b"")
        except KeyboardInterrupt:
            continue  # a coroutine that never began warns, which is an error here
        finally:
            sys.settrace(None)
        break
    assert at > 10
    assert answer.status == 200


def test_a_closed_host_says_so_and_closes_once(tmp_path: Path) -> None:
    with Host(plugins=tmp_path / "plugins", data=tmp_path / "data", watch=False) as host:
        memory, tasks = host.memory, host.tasks.submit
    host.close()
    for use in (memory.stats, lambda: tasks("a.b"), lambda: host.call("a.b"), lambda: host.plugins.list()):
        with pytest.raises(Unavailable):
            use()


@pytest.mark.parametrize("kept", [True, False])
def test_a_host_that_is_never_closed_is_closed_at_the_end_with_a_warning(tmp_path: Path, kept: bool) -> None:
    script = f"""
from omnicore import Host
from omnicore import portal as blocking
from omnicore.cli import local
from omnicore.cli.local import Asgi
host = Host(plugins={str(tmp_path / "plugins")!r}, data={str(tmp_path / "data")!r}, watch=False).__enter__()
host.memory.store("kept")
{"" if kept else "del host"}
"""
    command = [sys.executable, "-W", "always::ResourceWarning", "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert "ResourceWarning: a host was never closed" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_block_without_a_name_opens_the_host_itself(tmp_path: Path) -> None:
    host = Host(plugins=tmp_path / "plugins", data=tmp_path / "data", watch=False)
    with pytest.raises(AttributeError, match="not yet: open it"):
        _ = host.memory
    with host:
        blocking: Any = host
        assert blocking.memory.store("a note", MemoryTier.Strategic)
        assert host.ready()
        with pytest.raises(NotFound):
            host.call("nobody.nothing")
        with pytest.raises(Conflict, match="open already"):
            host.__enter__()
    with pytest.raises(AttributeError):
        _ = host.memory


def test_a_twin_passes_for_what_it_stands_for(host: BlockingHost) -> None:
    assert isinstance(host.plugins, PluginHost)
    assert host.plugins == host.host.plugins
    assert "call_blocking" in dir(host.plugins)
    assert {"memory", "tasks", "wait"} <= set(dir(host))


def test_the_api_of_a_blocking_host_answers_on_any_loop(host: BlockingHost) -> None:
    async def scene() -> int:
        transport = httpx.ASGITransport(host.asgi())
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return (await client.get("/healthz")).status_code

    assert asyncio.run(scene()) == 200


def test_the_types_are_those_of_the_services() -> None:
    assert FILE.read_text() == rendered(), "run `python -m tests.wiring.stub`"


# The libraries of newer Pythons are typed in their syntax, and the checker is told 3.11: `tox -e checks` checks there.
@pytest.mark.long
@pytest.mark.skipif(sys.version_info >= (3, 12), reason="mypy is set to Python 3.11")
def test_a_type_checker_knows_what_a_twin_returns(tmp_path: Path) -> None:
    file = tmp_path / "program.py"
    file.write_text(
        "from omnicore import Host\n"
        "with Host() as host:\n"
        "    stored: str = host.memory.store('x')\n"
        "    number: int = host.memory.store('x')\n"
        "    reveal_type(host.workflows.run_view('r'))\n"
        "    for event in host.bus.subscribe('a.*'):\n"
        "        reveal_type(event)\n"
    )
    said, _, _ = api.run(["--follow-imports=silent", str(file)])
    lines = [line.partition(": ")[2] for line in said.splitlines()]
    assert [line for line in lines if line.startswith("error")] == [
        'error: Incompatible types in assignment (expression has type "str", variable has type "int")  [assignment]'
    ]
    assert any("engine.RunView" in line for line in lines)
    assert any("bus.Event" in line for line in lines)
