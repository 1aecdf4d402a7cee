"""Cases 86 to 88: guests that use up or abuse what WASI gives them. The first preopen is descriptor 3."""

from __future__ import annotations

from tests.hostile.wasm_builder import wat

_IMPORTS = """
 (import "wasi_snapshot_preview1" "path_open"
   (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
 (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
 (import "wasi_snapshot_preview1" "path_create_directory" (func $mkdir (param i32 i32 i32) (result i32)))
 (import "wasi_snapshot_preview1" "path_symlink" (func $symlink (param i32 i32 i32 i32 i32) (result i32)))
 (import "wasi_snapshot_preview1" "fd_filestat_set_size" (func $truncate (param i32 i64) (result i32)))
"""
_CREATE = "(call $open (i32.const 3) (i32.const 0) (i32.const 256) (i32.const 1) (i32.const 1)"
_CREATE += " (i64.const -1) (i64.const -1) (i32.const 0) (i32.const 64))"


def _guest(body: str, data: str = "a") -> bytes:
    """`data` lies at 256; an iovec of 32 KiB from 4096 lies at 16."""
    return wat(
        f'(module {_IMPORTS} (memory (export "memory") 1) (data (i32.const 256) "{data}")'
        f' (func (export "run") (local $n i32) (i32.store (i32.const 16) (i32.const 4096))'
        f" (i32.store (i32.const 20) (i32.const 32768)) {body}))"
    )


def _until_error(call: str) -> str:
    return f"(loop $l (br_if $l (i32.eqz {call})))"


def open_files() -> bytes:
    return _guest(_until_error(_CREATE))


def write_output(descriptor: int = 1) -> bytes:
    call = f"(call $write (i32.const {descriptor}) (i32.const 16) (i32.const 1) (i32.const 64))"
    return _guest(f"(loop $l (drop {call}) (br $l))")


def write_errors() -> bytes:
    return write_output(2)


def fill_disk() -> bytes:
    write = "(call $write (i32.load (i32.const 64)) (i32.const 16) (i32.const 1) (i32.const 72))"
    return _guest(f"(drop {_CREATE}) {_until_error(write)}")


def sparse_file() -> bytes:
    return _guest(f"(drop {_CREATE}) (drop (call $truncate (i32.load (i32.const 64)) (i64.const 1099511627776)))")


def many_folders() -> bytes:
    # Names of four letters, counted up in the bytes at 300.
    letter = "(i32.store8 (i32.const {at}) (i32.add (i32.const 97)"
    letter += " (i32.and (i32.shr_u (local.get $n) (i32.const {s})) (i32.const 15))))"
    name = "".join(letter.format(at=300 + place, s=4 * place) for place in range(4))
    count = "(local.set $n (i32.add (local.get $n) (i32.const 1)))"
    call = "(call $mkdir (i32.const 3) (i32.const 300) (i32.const 4))"
    return _guest(f"(loop $l {name} {count} (br_if $l (i32.eqz {call})))")


def open_named(name: str) -> bytes:
    size = len(name)
    call = f"(call $open (i32.const 3) (i32.const 1) (i32.const 256) (i32.const {size}) (i32.const 0)"
    call += " (i64.const -1) (i64.const -1) (i32.const 0) (i32.const 64))"
    return _guest(f"(if (i32.eqz {call}) (then unreachable))", name)


def open_fifo() -> bytes:
    """Traps when opening a FIFO works, which nobody writes to."""
    return open_named("pipe")


def open_outside() -> bytes:
    return open_named("../secret")


def open_absolute() -> bytes:
    return open_named("/etc/passwd")


def open_link() -> bytes:
    return open_named("link")


def plant_link() -> bytes:
    call = "(call $symlink (i32.const 256) (i32.const 9) (i32.const 3) (i32.const 265) (i32.const 1))"
    return _guest(f"(drop {call})", "../secretg")


def wasi_http_component() -> bytes:
    return wat('(component (import "wasi:http/outgoing-handler@0.2.0" (instance)))')


def list_component() -> bytes:
    return wat('(component (import "bytes" (func (param "data" (list u8)))))')
