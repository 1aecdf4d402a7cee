"""A real Wasm guest around the WASI functions: wasmtime runs it, each test says what it calls.

The guest re-exports all 46 functions, so a test reads like the program that would make these calls, and every
argument and byte passes through a Wasm memory. `run_module` runs a program built elsewhere.
"""

from __future__ import annotations

import asyncio
import inspect
import struct
import time
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import wasmtime

from omnicore.errors import GuestFailed
from omnicore.sandbox.abi import MIB, HostFunction, WasiGrant
from omnicore.sandbox.wasi.functions import NAMESPACE, wasi_functions
from omnicore.sandbox.wasi.session import WasiSession

READ = 1 << 1
WRITE = 1 << 6
CREATE, DIRECTORY, EXCLUSIVE, TRUNCATE = 1, 2, 4, 8
FOLLOW = 1

_TYPES = {"i32": wasmtime.ValType.i32, "i64": wasmtime.ValType.i64}
_MASK = {"i32": 0xFFFFFFFF, "i64": 0xFFFFFFFFFFFFFFFF}
_PATH, _OTHER_PATH, _SPAN, _DATA, _OUT = 0, 8192, 16384, 32768, 24576


@dataclass
class Call:
    """What the engine hands to host functions, over wasmtime's own memory object."""

    session: WasiSession
    deadline: float
    host_context: Any = None
    memory: Any = None
    store_context: Any = None
    cancelled: bool = False

    def interrupted(self) -> bool:
        return self.cancelled

    def load(self, address: int, length: int) -> bytes:
        self._check(address, length)
        return bytes(self.memory.read(self.store_context, address, address + length))

    def store(self, address: int, data: bytes) -> None:
        self._check(address, len(data))
        self.memory.write(self.store_context, data, address)

    def _check(self, address: int, length: int) -> None:
        if address < 0 or address + length > self.memory.data_len(self.store_context):
            raise GuestFailed("out of bounds")

    def read(self, handle: int) -> bytes:
        raise GuestFailed("no exchange memory here")

    def write(self, data: bytes) -> int:
        raise GuestFailed("no exchange memory here")

    def free(self, handle: int) -> None:
        raise GuestFailed("no exchange memory here")


@cache
def engine() -> wasmtime.Engine:
    return wasmtime.Engine()


def session_of(call: Any) -> WasiSession:
    return call.session


def linked(store: wasmtime.Store, call: Call) -> wasmtime.Linker:
    """A linker with our functions on it."""
    linker = wasmtime.Linker(store.engine)
    for function in wasi_functions(session_of):
        kind = wasmtime.FuncType(
            [_TYPES[name]() for name in function.params], [_TYPES[name]() for name in function.results]
        )
        linker.define_func(NAMESPACE, function.name, kind, _runner(function, call), access_caller=True)
    return linker


def _runner(function: HostFunction, call: Call) -> Any:
    def run(caller: wasmtime.Caller, *arguments: int) -> Any:
        call.memory, call.store_context = caller["memory"], caller
        unsigned = [value & _MASK[kind] for value, kind in zip(arguments, function.params, strict=True)]
        result = function.run(call, *unsigned)
        return asyncio.run(result) if inspect.iscoroutine(result) else result

    return run


def run_module(
    wasm: bytes,
    grant: WasiGrant | None = None,
    *,
    export: str = "_start",
    stdin: bytes = b"",
    timeout_s: float = 20.0,
    output_limit: int = MIB,
) -> WasiSession:
    """Runs an export; the closed session still has its output. Raises: what the guest's call raised."""
    session = WasiSession(grant or WasiGrant(), stdin=stdin, output_limit=output_limit)
    call = Call(session, time.monotonic() + timeout_s)
    store = wasmtime.Store(engine())
    try:
        instance = linked(store, call).instantiate(store, wasmtime.Module(engine(), wasm))
        instance.exports(store)[export](store)
    finally:
        session.close()
        store.close()
    return session


@cache
def _caller_module() -> wasmtime.Module:
    lines = ["(module"]
    for function in wasi_functions(session_of):
        params = " ".join(function.params)
        result = "(result i32)" if function.results else ""
        kind = f"(param {params}) {result}" if params else result
        lines.append(f'(import "{NAMESPACE}" "{function.name}" (func ${function.name} {kind}))')
    lines.append('(memory (export "memory") 4 16)')
    for function in wasi_functions(session_of):
        gets = " ".join(f"(local.get {number})" for number in range(len(function.params)))
        params = f"(param {' '.join(function.params)})" if function.params else ""
        result = "(result i32)" if function.results else ""
        lines.append(f'(func (export "{function.name}") {params} {result} (call ${function.name} {gets}))')
    return wasmtime.Module(engine(), "\n".join([*lines, ")"]))


@dataclass
class Guest:
    """The calling guest, with the few helpers a C library would have; the error number comes first."""

    grant: WasiGrant = field(default_factory=WasiGrant)
    stdin: bytes = b""
    output_limit: int = MIB
    timeout_s: float = 20.0

    def __post_init__(self) -> None:
        self.session = WasiSession(self.grant, stdin=self.stdin, output_limit=self.output_limit)
        self.call = Call(self.session, time.monotonic() + self.timeout_s)
        self._store = wasmtime.Store(engine())
        instance = linked(self._store, self.call).instantiate(self._store, _caller_module())
        self._exports = instance.exports(self._store)
        self._memory: Any = self._exports["memory"]

    def __enter__(self) -> Guest:
        return self

    def __exit__(self, *_: object) -> None:
        self.session.close()
        self._store.close()

    def __getattr__(self, name: str) -> Any:
        function: Any = self._exports[name]
        return lambda *arguments: function(self._store, *arguments)

    def peek(self, address: int, length: int) -> bytes:
        return bytes(self._memory.read(self._store, address, address + length))

    def poke(self, address: int, data: bytes) -> int:
        self._memory.write(self._store, data, address)
        return len(data)

    def u32(self, address: int = _OUT) -> int:
        return int(struct.unpack("<I", self.peek(address, 4))[0])

    def u64(self, address: int = _OUT) -> int:
        return int(struct.unpack("<Q", self.peek(address, 8))[0])

    def path(self, path: str | bytes, at: int = _PATH) -> tuple[int, int]:
        return at, self.poke(at, path.encode() if isinstance(path, str) else path)

    def spans(self, *lengths: int) -> tuple[int, int]:
        at, blob = _DATA, b""
        for length in lengths:
            blob += struct.pack("<II", at, length)
            at += length
        self.poke(_SPAN, blob)
        return _SPAN, len(lengths)

    def open(
        self,
        path: str | bytes,
        *,
        fd: int = 3,
        opening: int = 0,
        rights: int = READ,
        flags: int = 0,
        lookup: int = FOLLOW,
    ) -> tuple[int, int]:
        error = self.path_open(fd, lookup, *self.path(path), opening, rights, 0, flags, _OUT)
        return error, self.u32()

    def write(self, fd: int, data: bytes) -> tuple[int, int]:
        self.poke(_DATA, data)
        return self.fd_write(fd, *self.spans(len(data)), _OUT), self.u32()

    def read(self, fd: int, size: int = 1000) -> tuple[int, bytes]:
        error = self.fd_read(fd, *self.spans(size), _OUT)
        return error, self.peek(_DATA, self.u32()) if error == 0 else b""

    def seek(self, fd: int, delta: int, whence: int = 0) -> tuple[int, int]:
        return self.fd_seek(fd, delta, whence, _OUT), self.u64()

    def read_file(self, path: str, *, lookup: int = FOLLOW) -> tuple[int, bytes]:
        error, fd = self.open(path, lookup=lookup)
        return self.read(fd) if error == 0 else (error, b"")

    def create(self, path: str, data: bytes = b"") -> int:
        error, fd = self.open(path, opening=CREATE, rights=READ | WRITE)
        return error or self.write(fd, data)[0]

    def make_folder(self, path: str) -> int:
        return int(self.path_create_directory(3, *self.path(path)))

    def unlink(self, path: str) -> int:
        return int(self.path_unlink_file(3, *self.path(path)))

    def remove_folder(self, path: str) -> int:
        return int(self.path_remove_directory(3, *self.path(path)))

    def rename(self, old: str, new: str, *, fd: int = 3, to: int = 3) -> int:
        return int(self.path_rename(fd, *self.path(old), to, *self.path(new, _OTHER_PATH)))

    def link(self, old: str, new: str, *, fd: int = 3, to: int = 3, lookup: int = 0) -> int:
        return int(self.path_link(fd, lookup, *self.path(old), to, *self.path(new, _OTHER_PATH)))

    def symlink(self, target: str, name: str) -> int:
        return int(self.path_symlink(*self.path(target), 3, *self.path(name, _OTHER_PATH)))

    def readlink(self, path: str, room: int = 500) -> tuple[int, bytes]:
        error = self.path_readlink(3, *self.path(path), _DATA, room, _OUT)
        return error, self.peek(_DATA, self.u32()) if error == 0 else b""

    def stat(self, path: str, *, fd: int = 3, lookup: int = FOLLOW) -> tuple[int, Stat]:
        error = self.path_filestat_get(fd, lookup, *self.path(path), _DATA)
        return error, Stat.unpack(self.peek(_DATA, 64))

    def fstat(self, fd: int) -> tuple[int, Stat]:
        return self.fd_filestat_get(fd, _DATA), Stat.unpack(self.peek(_DATA, 64))

    def fdstat(self, fd: int) -> tuple[int, tuple[int, int, int, int]]:
        return self.fd_fdstat_get(fd, _DATA), struct.unpack("<BxH4xQQ", self.peek(_DATA, 24))

    def readdir(self, fd: int, *, room: int = 4096, cookie: int = 0) -> tuple[int, list[Entry], int]:
        """Error, whole entries, bytes used."""
        error = self.fd_readdir(fd, _DATA, room, cookie, _OUT)
        used = self.u32() if error == 0 else 0
        return error, list(_entries(self.peek(_DATA, used))), used

    def poll(self, *subscriptions: bytes) -> tuple[int, list[tuple[int, int, int, int, int]]]:
        """Error and events: userdata, error, kind, bytes, flags."""
        self.poke(_DATA, b"".join(subscriptions))
        error = self.poll_oneoff(_DATA, _DATA + 4096, len(subscriptions), _OUT)
        blob = self.peek(_DATA + 4096, 32 * self.u32()) if error == 0 else b""
        return error, list(struct.iter_unpack("<QHB5xQH6x", blob))


@dataclass(frozen=True)
class Stat:
    inode: int
    kind: int
    links: int
    size: int
    accessed: int
    modified: int

    @classmethod
    def unpack(cls, blob: bytes) -> Stat:
        _, inode, kind, links, size, accessed, modified, _ = struct.unpack("<QQB7xQQQQQ", blob)
        return cls(inode, kind, links, size, accessed, modified)


@dataclass(frozen=True)
class Entry:
    name: str
    kind: int
    inode: int
    cookie: int


def _entries(blob: bytes) -> Any:
    at = 0
    while at + 24 <= len(blob):
        cookie, inode, length, kind = struct.unpack_from("<QQIB", blob, at)
        name = blob[at + 24 : at + 24 + length]
        if len(name) < length:
            return
        yield Entry(name.decode(), kind, inode, cookie)
        at += 24 + length


def clock_subscription(userdata: int, timeout_ns: int, *, clock: int = 1, absolute: bool = False) -> bytes:
    return struct.pack("<QB7xI4xQQH6x", userdata, 0, clock, timeout_ns, 0, int(absolute))


def fd_subscription(userdata: int, fd: int, *, write: bool = False) -> bytes:
    return struct.pack("<QB7xI28x", userdata, 2 if write else 1, fd)
