"""Guests in WebAssembly text that answer with a fixed text, with their manifests."""

from __future__ import annotations

import json
from typing import Any

from tests.plugins.guests import module, with_manifest

__all__ = ["answers", "fails", "loops_on"]


def answers(value: Any, manifest: dict[str, Any], name: str = "run") -> bytes:
    """A plugin whose function answers with a JSON value."""
    data = json.dumps(value).encode()
    written = "".join(f"\\{byte:02x}" for byte in data)
    body = f"""
      (data (i32.const 1024) "{written}")
      (func (export "{name}") (result i32) (local $i i64) (local $at i64)
        (local.set $at (call $alloc (i64.const {len(data)})))
        (block $done (loop $next
          (br_if $done (i64.ge_u (local.get $i) (i64.const {len(data)})))
          (call $store (i64.add (local.get $at) (local.get $i))
            (i32.load8_u offset=1024 (i32.wrap_i64 (local.get $i))))
          (local.set $i (i64.add (local.get $i) (i64.const 1)))
          (br $next)))
        (call $output (local.get $at) (i64.const {len(data)})) (i32.const 0))"""
    return with_manifest(module(body), manifest)


def fails(manifest: dict[str, Any], name: str = "run") -> bytes:
    """A plugin whose function traps."""
    return with_manifest(module(f'(func (export "{name}") (result i32) unreachable)'), manifest)


def loops_on(manifest: dict[str, Any], name: str = "run") -> bytes:
    """A plugin whose function never ends."""
    return with_manifest(module(f'(func (export "{name}") (result i32) (loop $on (br $on)) (i32.const 0))'), manifest)
