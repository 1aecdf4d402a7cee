"""Plugins in text for the tests of the command line."""

from __future__ import annotations

from pathlib import Path

ECHO = """(module
  (import "extism:host/env" "input_offset" (func $at (result i64)))
  (import "extism:host/env" "input_length" (func $length (result i64)))
  (import "extism:host/env" "output_set" (func $output (param i64 i64)))
  (func (export "echo") (result i32) (call $output (call $at) (call $length)) (i32.const 0))
  (func (export "fail") (result i32) (i32.const 7))
  (func (export "spin") (result i32) (loop $on (br $on)) (i32.const 0)))
"""

LOGGING = """(module
  (import "extism:host/env" "input_offset" (func $at (result i64)))
  (import "extism:host/env" "log_info" (func $log (param i64)))
  (func $say (export "say") (result i32) (call $log (call $at)) (i32.const 0))
  (func (export "spin") (result i32) (drop (call $say)) (loop $on (br $on)) (i32.const 0)))
"""

ASKING_MANIFEST = """\
name = "store"
version = "1.0.0"
description = "Keeps things"

[[capabilities]]
name = "kv"
reason = "Stores the things"
scope = { max_bytes = 1024 }
"""


def echo_app(folder: Path) -> Path:
    """A plugin folder with `echo`, whose functions are `echo`, `fail` and `spin`."""
    plugins = folder / "plugins"
    plugins.mkdir(parents=True)
    (plugins / "echo.wat").write_text(ECHO)
    return folder


def asking_app(folder: Path) -> Path:
    """The same, and `store`, which asks for `kv`."""
    echo_app(folder)
    (folder / "plugins" / "store.wat").write_text(ECHO)
    (folder / "plugins" / "store.toml").write_text(ASKING_MANIFEST)
    return folder
