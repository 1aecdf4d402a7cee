"""Loaders of components: the guest built from Rust, and small ones written as text."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from omnicore.sandbox.abi import Doors, HostCall, HostFunction, Limits, WasiGrant
from omnicore.sandbox.capi.code import wat_to_wasm
from omnicore.sandbox.component.engine import ComponentEngine
from omnicore.sandbox.component.instance import ComponentTemplate

GUEST = Path(__file__).parents[2] / "guests" / "component" / "rust" / "guest.wasm"
DOORS = ("log_write_v1", "kv_get_v1", "kv_put_v1", "config_get_v1", "http_fetch_v1", "events_publish_v1")

Loader = Callable[..., ComponentTemplate]

LOG = """(import "omnicore:plugin/log@1.0.0" (instance $log
 (type $l0 (enum "trace" "debug" "info" "warn" "error")) (export "level" (type $l (eq $l0)))
 (type $e0 (record (field "code" string) (field "message" string) (field "remedy" (option string))
  (field "capability" (option string)) (field "resource" (option string)) (field "limit" (option string))))
 (export "door-error" (type $e (eq $e0)))
 (export "write" (func (param "level" $l) (param "message" string)
  (param "fields" (option (list (tuple string string)))) (result (result (error $e)))))))"""


def component(module: str, *, kind: str = "", options: str = "", parts: str = "") -> bytes:
    """A component of one core module whose `run` is exported."""
    return wat_to_wasm(
        f"""(component {parts} (core module $M {module}) (core instance $m (instantiate $M))
        (func (export "run") {kind} (canon lift (core func $m "run") {options})))""".encode()
    )


def returning(kind: str, size: int, *, data: str = "", pages: int = 1) -> bytes:
    """A component whose `run` answers with a text or list of a size that stands at address 16."""
    module = f"""(memory (export "memory") {pages}) (data (i32.const 16) "{data}")
        (func (export "run") (result i32) (i32.store (i32.const 0) (i32.const 16))
        (i32.store (i32.const 4) (i32.const {size})) (i32.const 0))"""
    return component(module, kind=f"(result {kind})", options='(memory (core memory $m "memory"))')


def logging(size: int, *, pages: int = 1, endless: bool = False) -> bytes:
    """A component whose `run` writes so many bytes to the log door."""
    numbers = " ".join(f"(i32.const {number})" for number in (2, 4096, size, 0, 0, 0, 64))
    call = f"(call $w {numbers})"
    body = f"(loop $again {call} (br $again))" if endless else call
    return wat_to_wasm(
        f"""(component {LOG}
        (core module $L (memory (export "memory") {pages})
         (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 2048)))
        (core instance $l (instantiate $L))
        (core func $w (canon lower (func $log "write") (memory (core memory $l "memory"))
         (realloc (core func $l "realloc"))))
        (core module $M (import "h" "w" (func $w (param i32 i32 i32 i32 i32 i32 i32))) (func (export "run") {body}))
        (core instance $m (instantiate $M (with "h" (instance (export "w" (func $w))))))
        (func (export "run") (canon lift (core func $m "run"))))""".encode()
    )


def door(run: Callable[[HostCall, int], Any], *names: str) -> Doors:
    """Doors that all lead to one function."""
    functions = tuple(HostFunction("extism:host/user", name, ("i64",), ("i64",), run) for name in names or DOORS)
    return Doors(functions=functions, wasi=WasiGrant())


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> ComponentEngine:
    """An engine whose compiled code is kept for the session."""
    return ComponentEngine(tmp_path_factory.mktemp("code") / "cache")


@pytest.fixture
def load(engine: ComponentEngine) -> Iterator[Loader]:
    """Loads bytes, or the Rust guest, with doors and limits."""
    made: list[ComponentTemplate] = []

    def loaded(wasm: bytes | None = None, doors: Doors | None = None, **limits: Any) -> ComponentTemplate:
        data = GUEST.read_bytes() if wasm is None else wasm
        template = engine.load([("main", data)], Limits(**limits), doors or Doors(wasi=WasiGrant()))
        made.append(template)
        return template

    yield loaded
    for template in made:
        template.close()


def counting(kind: str, *, interface: str = "omnicore:application/orders@1.0.0", function: str = "count-v2") -> bytes:
    """A component whose `run` calls a function of an application that takes a number and gives a value of a kind."""
    error = LOG[LOG.index(" (type $e0") : LOG.index(' (export "write"')]
    return wat_to_wasm(
        f"""(component (import "{interface}" (instance $door {error}
         (export "{function}" (func (param "the-id" s64) (param "note" (option string))
          (result (result {kind} (error $e)))))))
        (core module $L (memory (export "memory") 2) (global $next (mut i32) (i32.const 1024))
         (func (export "realloc") (param i32 i32 i32 i32) (result i32)
          (global.get $next) (global.set $next (i32.add (global.get $next) (local.get 3)))))
        (core instance $l (instantiate $L))
        (core func $w (canon lower (func $door "{function}") (memory (core memory $l "memory"))
         (realloc (core func $l "realloc"))))
        (core module $M (import "h" "w" (func $w (param i64 i32 i32 i32 i32)))
         (import "h" "memory" (memory 1)) (func (export "run") (result i64)
          (call $w (i64.const 17) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 512))
          (if (result i64) (i32.load8_u (i32.const 512)) (then (i64.const -1)) (else (i64.load (i32.const 520))))))
        (core instance $m (instantiate $M
         (with "h" (instance (export "w" (func $w)) (export "memory" (memory $l "memory"))))))
        (func (export "run") (result s64) (canon lift (core func $m "run"))))""".encode()
    )


def asking(function: str, request: str) -> bytes:
    """A component whose `run` calls a function of an application, and gives its reply or the code of the error."""
    escaped = request.replace('"', '\\"')
    sizes = f"(i32.const 16) (i32.const {len(function)}) (i32.const 256) (i32.const {len(request)}) (i32.const 512)"
    error = LOG[LOG.index(" (type $e0") : LOG.index(' (export "write"')]
    return wat_to_wasm(
        f"""(component (import "omnicore:plugin/application@1.0.0" (instance $door {error}
         (export "call" (func (param "function" string) (param "request" string)
          (result (result string (error $e)))))))
        (core module $L (memory (export "memory") 2) (global $next (mut i32) (i32.const 1024))
         (data (i32.const 16) "{function}") (data (i32.const 256) "{escaped}")
         (func (export "realloc") (param i32 i32 i32 i32) (result i32)
          (global.get $next) (global.set $next (i32.add (global.get $next) (local.get 3)))))
        (core instance $l (instantiate $L))
        (core func $w (canon lower (func $door "call") (memory (core memory $l "memory"))
         (realloc (core func $l "realloc"))))
        (core module $M (import "h" "w" (func $w (param i32 i32 i32 i32 i32)))
         (func (export "run") (result i32) (call $w {sizes}) (i32.const 516)))
        (core instance $m (instantiate $M (with "h" (instance (export "w" (func $w))))))
        (func (export "run") (result string) (canon lift (core func $m "run") (memory (core memory $l "memory")))))
        """.encode()
    )
