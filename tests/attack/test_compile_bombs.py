"""Modules that are made to hurt the compiler: they cost once, and delay neither the start nor anybody else."""

from __future__ import annotations

import asyncio
import dataclasses
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.api.conftest import ECHO
from tests.hostile.corpus import compiling as bombs
from tests.sandbox.compiling.conftest import large

from omnicore.assembly import Host
from omnicore.config.settings import Settings
from omnicore.errors import LimitExceeded, OmniError, Unavailable
from omnicore.sandbox import compiler
from omnicore.sandbox.abi import Limits
from omnicore.sandbox.budget import BUDGET

REFUSED_S = 0.2  # of processor time: the children themselves round it up to one second


@pytest.fixture
def children(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """The compilers that were started."""
    started: list[Any] = []
    run = compiler.CompilerProcesses.run

    def counted(self: Any, command: Any, *args: Any) -> int:
        started.append(command)
        return run(self, command, *args)

    monkeypatch.setattr(compiler.CompilerProcesses, "run", counted)
    return started


def host_with(folder: Path, files: dict[str, bytes], **changes: Any) -> Host:
    plugins = folder / "plugins"
    plugins.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (plugins / name).write_bytes(data)
    kept = {"plugins": plugins, "data": folder / "data", "watch": False, "port": 0}
    return Host(settings=dataclasses.replace(Settings(), **{**kept, **changes}))


async def refusal(host: Host, ref: str) -> OmniError:
    with pytest.raises((LimitExceeded, Unavailable)) as refused:
        await host.call(ref)
    return refused.value


async def test_a_refused_module_is_compiled_once_and_never_again(tmp_path: Path, children: list[Any]) -> None:
    files, limits = {"bomb.wasm": bombs.nested_loops()}, Limits(compile_s=REFUSED_S)
    async with host_with(tmp_path, files, limits=limits) as host:
        assert "compile_s" in str(await refusal(host, "bomb.run"))
        needed = len(children)
        assert needed
        for _ in range(20):
            await refusal(host, "bomb.run")
        assert len(children) == needed
    async with host_with(tmp_path, files, limits=limits) as host:
        await refusal(host, "bomb.run")
        assert len(children) == needed
    async with host_with(tmp_path, files, limits=Limits(compile_s=2 * REFUSED_S)) as host:
        await refusal(host, "bomb.run")
        assert len(children) > needed


async def test_bombs_delay_neither_the_start_nor_calls_of_others(
    tmp_path: Path, children: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compiler, "_FIRST_S", 1.0)
    # The optimising compiler takes over 15 s for each of these.
    files = {f"bomb-{number}.wasm": bombs.loop_phi(500 + number, 900) for number in range(3)}
    files |= {"echo.wat": ECHO.encode(), "good.wasm": large()}
    async with host_with(tmp_path, files, watch=True, limits=Limits(compile_s=3.0)) as host:
        calls = [asyncio.ensure_future(host.call(f"bomb-{number}.run")) for number in range(3)]
        while len(children) < 2:
            await asyncio.sleep(0.01)
        started = time.monotonic()
        assert await host.call("echo.echo", b"x") == b"x"
        with pytest.raises(OmniError, match="Error code: 7"):
            await host.call("good.f")
        print(f"a good module among bombs: {time.monotonic() - started:.1f} s")
        assert any(not call.done() for call in calls)
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)


async def test_a_bomb_in_the_place_of_a_plugin_leaves_the_old_one_serving(tmp_path: Path) -> None:
    limits = Limits(compile_s=REFUSED_S)
    async with host_with(tmp_path, {"a.wasm": large()}, watch=True, limits=limits) as host:
        with pytest.raises(OmniError, match="Error code: 7"):
            await host.call("a.f")
        (tmp_path / "plugins" / "a.wasm").write_bytes(bombs.nested_loops())
        while "compil" not in host.plugins.get("a").reason:
            await asyncio.sleep(0.02)
        while "is being compiled" in host.plugins.get("a").reason:
            with pytest.raises(OmniError, match="Error code: 7"):
                await host.call("a.f")
            await asyncio.sleep(0.02)
        assert "compile_s" in host.plugins.get("a").reason
        with pytest.raises(OmniError, match="Error code: 7"):
            await host.call("a.f")


@pytest.mark.parametrize("bombs_at_once", [1, 6])
async def test_a_host_that_closes_ends_its_compilers_and_those_that_wait_for_one(
    tmp_path: Path, children: list[Any], bombs_at_once: int
) -> None:
    # Six of them stand in the queues of compilers, too. Each would take 30 s of processor time and its memory with it.
    files = {f"bomb-{number}.wasm": bombs.loop_phi(900 + number, 1200) for number in range(bombs_at_once)}
    before = BUDGET.use().used_bytes
    async with host_with(tmp_path, files, watch=True, drain_s=0.0) as host:
        calls = [asyncio.ensure_future(host.call(f"bomb-{number}.run")) for number in range(bombs_at_once)]
        while len(children) < min(bombs_at_once, 2):
            await asyncio.sleep(0.01)
        started = time.monotonic()
    ended = await asyncio.gather(*calls, return_exceptions=True)
    assert time.monotonic() - started < 5
    assert [type(one) for one in ended] == [Unavailable] * bombs_at_once, ended
    assert BUDGET.use().used_bytes <= before
    assert BUDGET.use().waiting == 0
