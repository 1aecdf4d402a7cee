"""Compiled modules: made from bytes, turned into artifacts and back."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator

from omnicore.errors import EngineFailed, ModuleRejected
from omnicore.sandbox.capi.faults import take_error
from omnicore.sandbox.capi.library import lib
from omnicore.sandbox.capi.memory import Buffer, copy_bytes
from omnicore.sandbox.capi.presets import RawEngine

__all__ = ["CompiledModule", "compile_module", "load_artifact", "seal", "sealed_file", "serialized", "text_to_binary"]


class CompiledModule:
    """A `wasmtime_module_t`. Owns: the module; freed when the last holder lets go."""

    __slots__ = ("engine", "pointer")

    def __init__(self, engine: RawEngine, pointer: int) -> None:
        self.engine = engine
        self.pointer = pointer

    def __del__(self) -> None:
        if self.pointer and self.engine.ours:
            lib.wasmtime_module_delete(self.pointer)

    def artifact(self) -> bytes:
        """The machine code, to be loaded again by the same preset and version."""
        return serialized(lib.wasmtime_module_serialize, self.pointer)


def serialized(serialize: Callable[[int, int], int], pointer: int) -> bytes:
    """The machine code of a module or component. Raises: EngineFailed."""
    vector = Buffer(2)
    error = serialize(pointer, vector.address)
    if error:
        raise EngineFailed(f"compiled code cannot be stored: {take_error(error).message}")
    size, data = vector.words
    code = copy_bytes(data, size)
    lib.wasm_byte_vec_delete(vector.address)
    return code


def compile_module(engine: RawEngine, wasm: bytes) -> CompiledModule:
    """Compiles in this process: only for modules the reader proves harmless, and in the compile child.

    Raises: ModuleRejected: the bytes do not validate.
    """
    module = Buffer(1)
    error = lib.wasmtime_module_new(engine.pointer, wasm, len(wasm), module.address)
    if error:
        raise ModuleRejected(
            f"the module does not validate: {take_error(error).message}",
            remedy="rebuild it with its compiler; `omnicore plugins inspect` shows what the host reads in it",
        )
    return CompiledModule(engine, module.words[0])


def load_artifact(engine: RawEngine, artifact: bytes) -> CompiledModule:
    """Loads machine code. The bytes run as native code: only what our own compiler wrote may come here.

    Where the system has sealed memory files the code is mapped from one, so that nothing can change it later.

    Raises: EngineFailed: another version or preset wrote it.
    """
    module = Buffer(1)
    if hasattr(os, "memfd_create"):
        with sealed_file(artifact) as path:
            error = lib.wasmtime_module_deserialize_file(engine.pointer, path, module.address)
    else:
        error = lib.wasmtime_module_deserialize(engine.pointer, artifact, len(artifact), module.address)
    if error:
        raise EngineFailed(f"compiled code cannot be loaded: {take_error(error).message}")
    return CompiledModule(engine, module.words[0])


@contextlib.contextmanager
def sealed_file(artifact: bytes) -> Iterator[bytes]:
    """The path of a file in memory with these bytes, which nobody can change any more; a mapping outlives it."""
    descriptor = os.memfd_create("omnicore-code", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        view = memoryview(artifact)
        while view:
            view = view[os.write(descriptor, view) :]
        seal(descriptor)
        yield f"/proc/self/fd/{descriptor}".encode()
    finally:
        os.close(descriptor)


def seal(descriptor: int) -> None:
    """Lets nobody change a file in memory any more."""
    seals = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, seals)


def text_to_binary(text: bytes) -> bytes:
    """WebAssembly text as a binary module. Raises: ModuleRejected with line and column."""
    vector = Buffer(2)
    error = lib.wasmtime_wat2wasm(text, len(text), vector.address)
    if error:
        raise ModuleRejected(f"the text is not a module: {take_error(error).message}", remedy="correct the .wat file")
    size, data = vector.words
    binary = copy_bytes(data, size)
    lib.wasm_byte_vec_delete(vector.address)
    return binary
