"""Cases 46 to 56: files that are no module, or not one that is loaded."""

from __future__ import annotations

import random

import wasmtime
from tests.hostile import wasm_builder as wb


def empty() -> bytes:
    return b""


def magic_only() -> bytes:
    return b"\0asm"


def version_99() -> bytes:
    return b"\0asm\x63\0\0\0" + wb.run_module(b"")[8:]


def noise() -> bytes:
    return random.Random(49).randbytes(5_000)


def noise_behind_magic() -> bytes:
    return wb.MAGIC + noise()


def elf() -> bytes:
    return b"\x7fELF\x02\x01\x01" + bytes(500)


def truncated() -> bytes:
    data = wb.run_module(b"\x01" * 100)
    return data[: len(data) // 2]


def truncated_code() -> bytes:
    return wb.run_module(b"\x01" * 100)[:-1]


def huge_number() -> bytes:
    return wb.MAGIC + b"\x01\xff\xff\xff\xff\xff\xff\xff\xff\x7f"


def huge_count() -> bytes:
    return wb.MAGIC + wb.section(1, wb.u32(2**32 - 1) + b"\x60\0\0")


def bad_name() -> bytes:
    builder = wb.ModuleBuilder(functions=[0], bodies=[wb.body(b"")])
    builder.exports = [wb.export(b"\xff\xfe\xfd", wb.FUNCTION, 0)]
    return builder.build()


def bad_import_name() -> bytes:
    return wb.ModuleBuilder(imports=[wb.imported("a", b"\xc3\x28", b"\0\0")]).build()


def bad_body() -> bytes:
    return wb.run_module(b"\x6a\x6a\xff")


def text_as_module() -> bytes:
    return b'(module (func (export "run")))'


def deep_text() -> bytes:
    return b"(" * 500_000


def deep_expressions() -> bytes:
    return b'(module (func (export "run") (drop ' + b"(i32.eqz " * 50_000 + b"(i32.const 1)" + b")" * 50_002 + b")"


def precompiled() -> bytes:
    return bytes(wasmtime.Module(wasmtime.Engine(), "(module)").serialize())
