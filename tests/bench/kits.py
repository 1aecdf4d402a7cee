"""The guests of `tests/guests`, built by Extism's kits, on both sides; they import one host function."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import extism
from extism.extism import CompiledPlugin
from tests.bench.guests import ROOT, ours, peer

from omnicore.sandbox.abi import Doors, HostCall, HostFunction, WasiGrant
from omnicore.sandbox.engine import Template

__all__ = ["kit_module", "our_kit", "peer_kit"]

_USER, _NAME = "extism:host/user", "hello_world"  # no measured function calls it


def _hello(call: HostCall, text: int) -> int:
    return text


@extism.host_fn(name=_NAME, namespace=_USER, signature=([extism.ValType.I64], [extism.ValType.I64]))
def _peer_hello(plugin: extism.CurrentPlugin, inputs: list[Any], outputs: list[Any]) -> None:
    outputs[0].value = inputs[0].value


def kit_module(kit: str) -> bytes:
    """The built module of a kit. Raises: FileNotFoundError."""
    return (ROOT / "tests" / "guests" / kit / f"{kit}.wasm").read_bytes()


def our_kit(wasm: bytes, config: Mapping[str, str] | None = None, cache: Path | None = None) -> Template:
    """The module in the engine under test."""
    functions = (HostFunction(_USER, _NAME, ("i64",), ("i64",), _hello),)
    return ours(wasm, Doors(functions, config=config or {}, wasi=WasiGrant()), cache)


def peer_kit(wasm: bytes) -> CompiledPlugin:
    """The module in the `extism` package."""
    return peer(wasm, [_peer_hello], wasi=True)
