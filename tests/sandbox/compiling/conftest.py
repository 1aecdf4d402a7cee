"""Modules that go to the compile child, and a compiler to send them through."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest

from omnicore.sandbox.abi import Limits
from omnicore.sandbox.capi.code import CompiledModule, Preset, RawEngine, wat_to_wasm
from omnicore.sandbox.compiler import Compiler
from omnicore.sandbox.inspect import inspect

Compile = Callable[..., CompiledModule]


def plain(answer: int = 7) -> bytes:
    """A module that is compiled in this process."""
    return wat_to_wasm(f'(module (func (export "f") (result i32) (i32.const {answer})))'.encode())


def large(answer: int = 7) -> bytes:
    """A module that is not harmless only because it is large."""
    steps = "(local.set 0 (i32.add (local.get 0) (i32.const 1)))" * 1500
    return wat_to_wasm(f'(module (func (export "f") (result i32) (local i32) {steps} (i32.const {answer})))'.encode())


@pytest.fixture(scope="session")
def engine() -> RawEngine:
    """An engine that is not pooled: one for all tests here, since engines are never freed."""
    return RawEngine(Preset(pooled=False))


@pytest.fixture
def compile_(engine) -> Compile:
    """Compiles with a cache folder, or none; limits by keyword."""

    def run(wasm: bytes, cache: Path | None = None, **limits: float) -> CompiledModule:
        allowed = dataclasses.replace(Limits(), **limits)
        return Compiler(cache).compile(engine, wasm, inspect(wasm), allowed)

    return run
