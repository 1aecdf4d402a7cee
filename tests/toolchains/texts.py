"""A language for the tests: WebAssembly text, which needs no compiler."""

from __future__ import annotations

from pathlib import Path

from omnicore.errors import BuildFailed, ModuleRejected
from omnicore.sandbox.capi.code import wat_to_wasm
from omnicore.toolchains.languages import Built, Language, PluginSource, Report

ECHO = """
  (import "extism:host/env" "input_offset" (func $at (result i64)))
  (import "extism:host/env" "input_length" (func $length (result i64)))
  (import "extism:host/env" "output_set" (func $set (param i64 i64)))
"""
ECHO_BODY = '(func (export "echo") (result i32) (call $set (call $at) (call $length)) (i32.const 0))'
PUT = """
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "store_u8" (func $store (param i64 i32)))
"""


def module(*parts: str) -> str:
    """A module of parts, imports first."""
    return f"(module {' '.join(parts)})"


def echo(*more: str) -> str:
    """A module whose function `echo` outputs its input."""
    return module(ECHO, *more, ECHO_BODY)


def saying(name: str, text: str) -> str:
    """A function that outputs a text; it needs ECHO and PUT, and a memory."""
    data = text.encode()
    literal = "".join(f"\\{byte:02x}" for byte in data)
    return f"""
  (memory 1) (data (i32.const 0) "{literal}")
  (func (export "{name}") (result i32) (local $out i64) (local $i i32)
    (local.set $out (call $alloc (i64.const {len(data)})))
    (block $over (loop $next
      (br_if $over (i32.ge_u (local.get $i) (i32.const {len(data)})))
      (call $store (i64.add (local.get $out) (i64.extend_i32_u (local.get $i))) (i32.load8_u (local.get $i)))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br $next)))
    (call $set (local.get $out) (i64.const {len(data)})) (i32.const 0))"""


class TextToolchain:
    """Compiles `plugin.wat`."""

    language = "text"
    watched = ("*.wat",)
    kit_files = ()

    def find(self, path: Path) -> PluginSource | None:
        entry = path / "plugin.wat" if path.is_dir() else path
        if not entry.is_file():
            return None
        name = path.name if path.is_dir() else path.stem
        return PluginSource("text", entry.parent, entry, name)

    def build(self, source: PluginSource, report: Report) -> Built:
        report(f"reading {source.entry.name}")
        try:
            return Built(wat_to_wasm(source.entry.read_bytes()))
        except ModuleRejected as error:
            raise BuildFailed(error.fact, remedy="mend the text", output=error.fact) from error


TOOLCHAIN = TextToolchain()

LANGUAGE = Language("tests.toolchains.texts", "WebAssembly text", ("plugin.wat",), suffixes=(".wat",), native="")
