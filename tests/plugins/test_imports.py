"""A plugin that imports what nobody provides cannot be used, from the moment its file is read."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.plugins.conftest import Rig
from tests.plugins.guests import ECHO, with_manifest

from omnicore.errors import LinkFailed, Unavailable
from omnicore.sandbox import compiler
from omnicore.sandbox.abi import HostFunction
from omnicore.sandbox.capi.code import wat_to_wasm
from omnicore.sandbox.extism.engine import ExtismEngine

_DOOR = "(func (param i64) (result i64))"
ORDERS = f"""(module
  (import "extism:host/user" "get_order" {_DOOR}) (import "extism:host/user" "kv_get_v1" {_DOOR})
  (import "shop" "cancel" {_DOOR}) (import "extism:host/env" "alloc" {_DOOR})
  (func (export "run") (result i32) (i32.const 0)))"""
REASON = "it imports extism:host/user::get_order, shop::cancel, which nobody provides"
KV = {"name": "orders", "capabilities": [{"name": "kv", "reason": "keeps orders"}]}


def _provide(namespace: str, name: str) -> HostFunction:
    return HostFunction(namespace, name, ("i64",), ("i64",), lambda call, handle: 0)


def test_all_names_that_nobody_provides_stand_in_the_reason(rig: Rig) -> None:
    rig.drop("orders.wat", ORDERS)
    assert rig.scan() == {"orders": "rejected"}
    assert REASON in rig.host.get("orders").reason
    with pytest.raises(Unavailable, match="get_order, shop::cancel"):
        rig.host.call_blocking("orders.run")


def test_it_is_unusable_before_anything_is_compiled(
    rig_at: Callable[..., Rig], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled = threading.Event()
    monkeypatch.setattr(compiler.CompilerProcesses, "run", lambda *_: compiled.set())
    rig = rig_at(tmp_path, engine=ExtismEngine(tmp_path / "code"))
    filler = f'(func (export "more") (result i32) {"(drop (i32.const 7))" * 9_000} (i32.const 0))'
    rig.drop("orders.wasm", wat_to_wasm(f"{ORDERS[:-1]} {filler})".encode()))
    rig.host.scan("none")
    assert (rig.host.get("orders").state, compiled.is_set()) == ("rejected", False)


def test_it_is_unusable_before_anybody_is_asked_for_a_grant(rig: Rig) -> None:
    rig.drop("orders.wasm", with_manifest(ORDERS, KV))
    assert rig.scan() == {"orders": "rejected"}
    assert REASON in rig.host.get("orders").reason


def test_the_version_before_goes_on_where_the_new_one_imports_too_much(rig: Rig) -> None:
    rig.drop("orders.wat", ECHO)
    rig.scan()
    rig.drop("orders.wat", ORDERS, age_s=9.0)
    assert rig.scan() == {"orders": "rejected"}
    assert rig.host.call_blocking("orders.echo", b"still") == b"still"


def test_nothing_is_installed_that_imports_too_much(rig: Rig) -> None:
    with pytest.raises(LinkFailed, match="shop::cancel") as caught:
        rig.host.install("orders.wasm", wat_to_wasm(ORDERS.encode()))
    assert caught.value.details["imports"] == ["extism:host/user::get_order", "shop::cancel"]
    assert list(rig.settings.plugins.iterdir()) == []


def test_it_can_be_used_once_the_application_provides_them(rig_at: Callable[..., Rig], tmp_path: Path) -> None:
    rig = rig_at(tmp_path)
    rig.drop("orders.wat", ORDERS)
    assert rig.scan() == {"orders": "rejected"}
    rig.close()
    given: dict[str, Any] = {
        "functions": (_provide("extism:host/user", "get_order"), _provide("shop", "cancel")),
    }
    again = rig_at(tmp_path, **given)
    assert again.scan() == {"orders": "enabled"}
    assert again.host.call_blocking("orders.run") == b""


def test_a_thousand_names_do_not_fill_the_reason(rig: Rig) -> None:
    imports = "".join(f'(import "env" "f{number}" (func))' for number in range(1_000))
    rig.drop("much.wat", f"(module {imports})")
    assert rig.scan() == {"much": "rejected"}
    assert "env::f9 and 990 more" in rig.host.get("much").reason
    assert len(rig.host.get("much").reason) < 400
