"""Compiled components, linkers and instances, in C."""

from __future__ import annotations

import os

from omnicore.errors import EngineFailed, LinkFailed, ModuleRejected
from omnicore.sandbox.capi.callbacks import Callback
from omnicore.sandbox.capi.faults import take_error
from omnicore.sandbox.capi.library import lib
from omnicore.sandbox.capi.memory import Buffer
from omnicore.sandbox.capi.modules import sealed_file, serialized
from omnicore.sandbox.capi.presets import RawEngine

__all__ = [
    "FUNCTION_WORDS",
    "CompiledComponent",
    "ComponentLinker",
    "ExportIndex",
    "borrowed",
    "compile_component",
    "free_handle",
    "handle",
    "load_component",
    "map_component",
]

FUNCTION_WORDS = 4
"""Size of a `wasmtime_component_func_t` in 64-bit words."""


class CompiledComponent:
    """A `wasmtime_component_t`. Owns: the component; freed when the last holder lets go."""

    __slots__ = ("engine", "pointer")

    def __init__(self, engine: RawEngine, pointer: int) -> None:
        self.engine = engine
        self.pointer = pointer

    def __del__(self) -> None:
        if self.pointer and self.engine.ours:
            lib.wasmtime_component_delete(self.pointer)

    def artifact(self) -> bytes:
        """The machine code, to be loaded again by the same preset and version."""
        return serialized(lib.wasmtime_component_serialize, self.pointer)

    def export_index(self, path: tuple[str, ...]) -> ExportIndex:
        """Where an exported function stands, by the names that lead to it. Raises: EngineFailed."""
        index: ExportIndex | None = None
        for part in path:
            name = part.encode()
            at = index.pointer if index else None
            found = lib.wasmtime_component_get_export_index(self.pointer, at, name, len(name))
            if not found:
                raise EngineFailed(f"the engine does not find the export {part!r} that the component declares")
            index = ExportIndex(self, found)
        assert index is not None  # noqa: S101  a path has at least one name
        return index


class ExportIndex:
    """A `wasmtime_component_export_index_t`. Owns: the index; keeps its component."""

    __slots__ = ("_component", "pointer")

    def __init__(self, component: CompiledComponent, pointer: int) -> None:
        self._component = component
        self.pointer = pointer

    def __del__(self) -> None:
        if self._component.engine.ours:
            lib.wasmtime_component_export_index_delete(self.pointer)


class ComponentLinker:
    """A `wasmtime_component_linker_t`. Owns: the linker and the callbacks defined in it."""

    __slots__ = ("_callbacks", "_engine", "pointer")

    def __init__(self, engine: RawEngine) -> None:
        self._engine = engine
        self._callbacks: list[Callback] = []
        self.pointer: int = lib.wasmtime_component_linker_new(engine.pointer)

    def __del__(self) -> None:
        if self._engine.ours:
            lib.wasmtime_component_linker_delete(self.pointer)

    def define(
        self, interface: str, functions: dict[str, Callback], resources: dict[str, int], destroy: Callback
    ) -> None:
        """Defines an interface.

        Args:
            functions: callbacks by name, see `callbacks.component_function`.
            resources: host resources by name, each with the number of its type.
            destroy: called when a guest drops one, see `callbacks.resource_destructor`.

        Raises: LinkFailed: the engine does not take it.
        """
        root, inner = lib.wasmtime_component_linker_root(self.pointer), Buffer(1)
        try:
            _check(_named(lib.wasmtime_component_linker_instance_add_instance, root, interface, inner.address))
            try:
                for name, number in resources.items():
                    kind = lib.wasmtime_component_resource_type_new_host(number)
                    added = _named(
                        *(lib.wasmtime_component_linker_instance_add_resource, inner.words[0], name),
                        *(kind, destroy[1], None, None),
                    )
                    lib.wasmtime_component_resource_type_delete(kind)
                    _check(added)
                for name, callback in functions.items():
                    add = lib.wasmtime_component_linker_instance_add_func
                    _check(_named(add, inner.words[0], name, callback[1], None, None))
            finally:
                lib.wasmtime_component_linker_instance_delete(inner.words[0])
        finally:
            lib.wasmtime_component_linker_instance_delete(root)
        self._callbacks += [destroy, *functions.values()]


def _named(add: object, where: int, name: str, *rest: int | None) -> int | None:
    data = name.encode()
    error: int | None = add(where, data, len(data), *rest)  # type: ignore[operator]
    return error


def _check(error: int | None) -> None:
    if error:
        raise LinkFailed(f"the component cannot be linked: {take_error(error).message}", remedy="rebuild it")


def compile_component(engine: RawEngine, wasm: bytes) -> CompiledComponent:
    """Compiles in this process: only in the compile child.

    Raises: ModuleRejected: the bytes do not validate.
    """
    component = Buffer(1)
    error = lib.wasmtime_component_new(engine.pointer, wasm, len(wasm), component.address)
    if error:
        raise ModuleRejected(
            f"the component does not validate: {take_error(error).message}",
            remedy="rebuild it with its compiler; `omnicore plugins inspect` shows what the host reads in it",
        )
    return CompiledComponent(engine, component.words[0])


def load_component(engine: RawEngine, artifact: bytes) -> CompiledComponent:
    """Loads machine code. The bytes run as native code: only what our own compiler wrote may come here.

    Raises: EngineFailed: another version or preset wrote it.
    """
    if hasattr(os, "memfd_create"):
        with sealed_file(artifact) as path:
            return map_component(engine, path)
    component = Buffer(1)
    error = lib.wasmtime_component_deserialize(engine.pointer, artifact, len(artifact), component.address)
    return _loaded(engine, component, error)


def map_component(engine: RawEngine, path: bytes) -> CompiledComponent:
    """The same from a sealed file in memory, which is mapped and outlives its path."""
    component = Buffer(1)
    error = lib.wasmtime_component_deserialize_file(engine.pointer, path, component.address)
    return _loaded(engine, component, error)


def _loaded(engine: RawEngine, component: Buffer, error: int | None) -> CompiledComponent:
    if error:
        raise EngineFailed(f"compiled code cannot be loaded: {take_error(error).message}")
    return CompiledComponent(engine, component.words[0])


def handle(context: int, number: int, kind: int) -> int:
    """A new handle to a host resource, given away: a `wasmtime_component_resource_any_t`.

    Args:
        number: the host's own for the resource.
        kind: that of its type.
    """
    host, any_resource = lib.wasmtime_component_resource_host_new(True, number, kind), Buffer(1)
    error = lib.wasmtime_component_resource_host_to_any(context, host, any_resource.address)
    lib.wasmtime_component_resource_host_delete(host)
    if error:
        raise EngineFailed(f"a handle cannot be made: {take_error(error).message}")
    return any_resource.words[0]


def borrowed(context: int, resource: int, kind: int) -> int:
    """The host's number of a resource that a guest lends. Raises: EngineFailed: it is of another type."""
    host = Buffer(1)
    error = lib.wasmtime_component_resource_any_to_host(context, resource, host.address)
    if error:
        raise EngineFailed(f"a handle is no resource of the host: {take_error(error).message}")
    number = int(lib.wasmtime_component_resource_host_rep(host.words[0]))
    found = int(lib.wasmtime_component_resource_host_type(host.words[0]))
    lib.wasmtime_component_resource_host_delete(host.words[0])
    if found != kind:
        raise EngineFailed("a handle is to a resource of another kind")
    return number


def free_handle(resource: int) -> None:
    """Frees what `handle` made; the resource lives on with whoever has it."""
    lib.wasmtime_component_resource_any_delete(resource)
