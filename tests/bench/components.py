"""Components: calls, a door, bytes and a new instance, against the component classes of the `wasmtime` package."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import wasmtime
from tests.bench.guests import ROOT
from tests.bench.measure import Effort, interleave
from tests.bench.report import Row, at_least
from wasmtime import component as peer

from omnicore.sandbox.abi import Doors, HostCall, HostFunction, Limits, WasiGrant
from omnicore.sandbox.component.engine import ComponentEngine
from omnicore.sandbox.component.instance import ComponentTemplate

__all__ = ["component_calls"]

_PUT = "kv_put_v1"
_LIMITS = Limits(timeout_s=60.0, host_calls=1_000_000_000)


def _put(call: HostCall, request: int) -> int:
    call.read(request)
    return call.write(b'{"version":1}')


class _Peer:
    """The guest in the package's own classes: no deadline and no limits."""

    def __init__(self, wasm: bytes) -> None:
        self._engine = wasmtime.Engine()
        self._component = peer.Component(self._engine, wasm)
        self._linker = peer.Linker(self._engine)
        self._linker.allow_shadowing = True
        self._linker.add_wasip2()
        with self._linker.root() as root, root.add_instance("omnicore:plugin/kv@1.0.0") as kv:
            kv.add_func("put", lambda store, key, value, ttl: 1)
        self._linker.define_unknown_imports_as_traps(self._component)
        self.store, self.instance = self.made()

    def made(self) -> tuple[wasmtime.Store, peer.Instance]:
        """A new store with an instance."""
        store = wasmtime.Store(self._engine)
        store.set_wasi(wasmtime.WasiConfig())
        return store, self._linker.instantiate(store, self._component)

    def function(self, name: str, *arguments: Any) -> Callable[[], Any]:
        """A call of an export of the one instance."""
        found = self.instance.get_func(self.store, name)
        assert found is not None
        return lambda: found(self.store, *arguments)

    def fresh(self) -> None:
        """A new instance and its first call."""
        store, instance = self.made()
        found = instance.get_func(store, "nothing")
        assert found is not None
        found(store)


def _template(wasm: bytes) -> ComponentTemplate:
    door = HostFunction("extism:host/user", _PUT, ("i64",), ("i64",), _put)
    return ComponentEngine().load([("main", wasm)], _LIMITS, Doors(functions=(door,), wasi=WasiGrant()))


def component_calls(effort: Effort) -> Iterator[Row]:
    """The Rust guest of the tests, 0.2 MB, on both sides."""
    wasm = (ROOT / "tests" / "guests" / "component" / "rust" / "guest.wasm").read_bytes()
    template, other = _template(wasm), _Peer(wasm)
    instance = template.instance()
    text, data = "x" * 64, b"x" * 65_536
    works: tuple[tuple[str, Callable[[], Any], Callable[[], Any]], ...] = (
        ("a call without values", lambda: instance.call("nothing", b""), other.function("nothing")),
        ("64 B of text", lambda: instance.call("shout", text.encode()), other.function("shout", text)),
        ("64 KiB of bytes", lambda: instance.call("reverse", data), other.function("reverse", data)),
        (
            "a call of a door, with a request in JSON",
            lambda: instance.call("remember", b'{"key": "a", "value": "b"}'),
            other.function("remember", "a", "b"),
        ),
    )
    for work, mine, theirs in works:
        our, their = interleave(effort, mine, theirs)
        yield Row(f"component: {work}", our.scaled(1e6), their.scaled(1e6), "us", at_least(1.0))

    def fresh() -> None:
        new = template.instance()
        new.call("nothing", b"")
        new.close()

    our, their = interleave(effort, fresh, other.fresh)
    yield Row("component: new instance and first call", our.scaled(1e6), their.scaled(1e6), "us", at_least(1.0))
