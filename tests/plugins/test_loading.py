"""When plugins are compiled, and what becomes of those that cannot be."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any

import pytest
from tests.hostile.corpus import compiling as bombs
from tests.plugins.conftest import Rig
from tests.sandbox.compiling.conftest import large

from omnicore.errors import GuestFailed, LimitExceeded
from omnicore.sandbox import compiler
from omnicore.sandbox.abi import Limits
from omnicore.sandbox.capi.code import wat_to_wasm
from omnicore.sandbox.extism.engine import ExtismEngine

SHOUT = '(module (func (export "f") (result i32) (i32.const 3)))'


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Compilers in processes of their own wait for this."""
    go, run = threading.Event(), compiler.CompilerProcesses.run

    def waiting(*args: Any) -> int:
        assert go.wait(60)
        return run(*args)

    monkeypatch.setattr(compiler.CompilerProcesses, "run", waiting)
    yield go
    go.set()


def test_a_new_plugin_is_accepted_before_it_is_compiled(rig_at: Callable[..., Rig], tmp_path, held) -> None:
    rig = rig_at(tmp_path, engine=ExtismEngine(tmp_path / "code"))
    rig.drop("slow.wasm", large())
    rig.drop("quick.wat", SHOUT)
    rig.host.scan("none")
    assert {view.name: view.state for view in rig.host.list()} == {"slow": "enabled", "quick": "enabled"}
    with pytest.raises(GuestFailed, match="Error code: 3"):
        rig.host.call_blocking("quick")
    assert list(rig.host._versions.untried) == ["slow"]
    held.set()
    with pytest.raises(GuestFailed, match="Error code: 7"):
        rig.host.call_blocking("slow")


def test_a_version_replaces_another_once_it_is_compiled(rig_at: Callable[..., Rig], tmp_path, held) -> None:
    rig = rig_at(tmp_path, engine=ExtismEngine(tmp_path / "code"))
    rig.drop("a.wasm", wat_to_wasm(SHOUT.encode()))
    rig.scan()
    rig.drop("a.wasm", large())
    rig.host.scan("none")
    with pytest.raises(GuestFailed, match="Error code: 3"):
        rig.host.call_blocking("a")
    assert "is being compiled" in rig.host.get("a").reason
    coming = rig.host._versions._pending["a"].coming()
    held.set()
    coming.result(60)
    while "is being compiled" in rig.host.get("a").reason:
        pass
    with pytest.raises(GuestFailed, match="Error code: 7"):
        rig.host.call_blocking("a")


def test_whoever_has_seen_the_new_version_never_calls_the_one_before(
    rig_at: Callable[..., Rig], tmp_path, monkeypatch
) -> None:
    rig = rig_at(tmp_path, engine=ExtismEngine(tmp_path / "code"))
    rig.drop("a.wat", SHOUT)
    rig.scan()
    with pytest.raises(GuestFailed, match="Error code: 3"):
        rig.host.call_blocking("a")
    before, sync = rig.host.get("a").hash, rig.host._versions.sync
    recorded, go = threading.Event(), threading.Event()

    def waiting(*args: Any) -> Any:
        recorded.set()
        assert go.wait(60)
        return sync(*args)

    monkeypatch.setattr(rig.host._versions, "sync", waiting)
    rig.drop("a.wat", SHOUT.replace("const 3", "const 7"))
    with ThreadPoolExecutor(2) as pool:
        scan = pool.submit(rig.scan)
        assert recorded.wait(60)
        assert rig.host.get("a").hash != before
        call = pool.submit(rig.host.call_blocking, "a")
        wait((call,), timeout=0.1)
        go.set()
        scan.result(60)
        with pytest.raises(GuestFailed, match="Error code: 7"):
            call.result(60)


def test_a_host_that_stopped_while_it_compiled_goes_on_with_that(rig_at: Callable[..., Rig], tmp_path, held) -> None:
    first = rig_at(tmp_path, engine=ExtismEngine(tmp_path / "code"))
    first.drop("a.wasm", wat_to_wasm(SHOUT.encode()))
    first.scan()
    first.drop("a.wasm", large())
    first.host.scan("none")
    assert "is being compiled" in first.host.get("a").reason
    first.host.close()
    held.set()
    again = rig_at(tmp_path, engine=ExtismEngine(tmp_path / "code"))
    assert again.scan() == {"a": "enabled"}
    with pytest.raises(GuestFailed, match="Error code: 7"):
        again.host.call_blocking("a")


def test_a_refused_version_is_refused_again_without_a_look_at_it(rig_at: Callable[..., Rig], tmp_path) -> None:
    rig = rig_at(tmp_path, engine=ExtismEngine(tmp_path / "code"), limits=Limits(compile_s=0.2))
    rig.drop("bomb.wasm", bombs.nested_loops())
    rig.host.scan("none")
    version = rig.host._routes.version("bomb")
    with pytest.raises(LimitExceeded) as first:
        version.load()
    version._load = None  # not even tried
    with pytest.raises(LimitExceeded) as second:
        version.load()
    assert second.value is not first.value
    assert second.value.to_json() == first.value.to_json()


def test_a_pass_that_nobody_waits_for_reads_for_a_while_only_and_the_next_one_goes_on(rig: Rig) -> None:
    for number in range(5):
        rig.drop(f"p{number}.wat", SHOUT)
    ticks = iter(range(0, 100))
    rig.host._folder.inventory._monotonic = lambda: float(next(ticks))
    assert rig.host._folder._pass("none")
    found = len(rig.host.list())
    assert 0 < found < 5
    while rig.host._folder._pass("none"):
        pass
    assert len(rig.host.list()) == 5
