"""A loader of guests written as text, on one engine without a cache."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from omnicore.sandbox.abi import Doors, Limits
from omnicore.sandbox.capi.code import wat_to_wasm
from omnicore.sandbox.extism.engine import ExtismEngine
from omnicore.sandbox.extism.instance import ExtismTemplate

KIT = """
 (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
 (import "extism:host/env" "length" (func $length (param i64) (result i64)))
 (import "extism:host/env" "store_u64" (func $store (param i64 i64)))
 (import "extism:host/env" "input_offset" (func $input (result i64)))
 (import "extism:host/env" "input_length" (func $size (result i64)))
 (import "extism:host/env" "output_set" (func $output (param i64 i64)))
 (import "extism:host/env" "error_set" (func $error (param i64)))
"""
EMIT = """
 (func $emit (param $v i64) (local $h i64)
  (local.set $h (call $alloc (i64.const 8)))
  (call $store (local.get $h) (local.get $v))
  (call $output (local.get $h) (i64.const 8)))
"""

Loader = Callable[..., ExtismTemplate]


def module(body: str, imports: str = "") -> bytes:
    """A guest with the kit's imports, `imports`, and `$emit`, which answers with a number."""
    return wat_to_wasm(f"(module {KIT} {imports} {EMIT} {body})".encode())


@pytest.fixture
def load() -> Iterator[Loader]:
    """Loads a guest; `limits` and `doors` by keyword, further modules by name."""
    made: list[ExtismTemplate] = []

    def loader(
        body: str, imports: str = "", *, doors: Doors | None = None, others: Any = (), **limits: Any
    ) -> ExtismTemplate:
        modules = [*others, ("main", module(body, imports))]
        template = ExtismEngine().load(modules, Limits(**limits), doors or Doors())
        made.append(template)
        return template

    yield loader
    for template in made:
        template.close()
