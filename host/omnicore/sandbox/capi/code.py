"""Engines, and the modules and components compiled for them, in C."""

from __future__ import annotations

import contextlib
import fcntl
import os
import resource
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from omnicore.errors import EngineFailed, LinkFailed, ModuleRejected
from omnicore.sandbox.capi.library import LIBRARY_VERSION, Buffer, Callback, copy_bytes, lib, take_error

STACK_BYTES = 512 * 1024
_HOST_STACK_BYTES = 1024 * 1024  # of a fiber: the guest's part and room for Python frames of host functions
_REGALLOC_SINGLE_PASS = 1
_OPT_NONE, _OPT_SPEED = 0, 1
_MIB = 1 << 20
_SMALL_ADDRESS_MIB = 128


@dataclass(frozen=True, slots=True)
class Preset:
    """One fixed configuration.

    `fuel` counts instructions; `quick` compiles in linear time for slower code; `pooled` keeps slots for
    `instances` sandboxes so that a new one costs 4 us instead of 12; `address_mib` is the virtual memory set
    aside for each linear memory: below 4096 the code checks bounds itself. `components` takes components and
    no memories beside each other.
    """

    fuel: bool = False
    quick: bool = False
    pooled: bool = True
    instances: int = 4_000
    address_mib: int = 4096
    components: bool = False

    @property
    def tag(self) -> str:
        """The settings that compiled code depends on; part of every cache key."""
        kinds = f"{'fuel' if self.fuel else 'epoch'}-{'quick' if self.quick else 'fast'}-{self.address_mib}m"
        return f"{LIBRARY_VERSION}-{'component-' if self.components else ''}{kinds}-1"


def preset_for(*, fuel: bool, instances: int) -> Preset:
    """The preset for this process. Where its address space is limited (`ulimit -v`) there is no pool, and each
    memory gets a small range: the engine ends the process when it cannot reserve what its settings say."""
    if resource.getrlimit(resource.RLIMIT_AS)[0] == resource.RLIM_INFINITY:
        return Preset(fuel=fuel, instances=instances)
    return Preset(fuel=fuel, instances=instances, pooled=False, address_mib=_SMALL_ADDRESS_MIB)


class RawEngine:
    """A `wasm_engine_t` made from a preset.

    Owns: the engine. It is never freed: modules and stores of other threads may outlive their creator,
    and there are at most four in a process.

    Raises: EngineFailed: the machine has no room for the pool; a smaller `address_mib` or no pool may fit.
    """

    __slots__ = ("_process", "pointer", "preset")

    def __init__(self, preset: Preset) -> None:
        self.preset = preset
        self._process = os.getpid()
        pointer = lib.wasm_engine_new_with_config(_configuration(preset))
        if not pointer:
            raise EngineFailed("the engine cannot start", remedy="see `omnicore doctor` for what the machine lacks")
        self.pointer: int = pointer

    @property
    def ours(self) -> bool:
        """False in a forked child: locks of the parent's engine may be held forever there, so its objects are
        not even freed."""
        return self._process == os.getpid()


def _configuration(preset: Preset) -> int:
    config: int = lib.wasm_config_new()
    for name in ("epoch_interruption", "wasm_tail_call"):
        getattr(lib, f"wasmtime_config_{name}_set")(config, True)
    lib.wasmtime_config_wasm_multi_memory_set(config, not preset.components)
    lib.wasmtime_config_wasm_component_model_set(config, preset.components)
    # What is off: each of these has crashed, hung or starved a host that left it on, and no kit needs it.
    for name in (
        *("gc", "exceptions", "function_references", "threads", "memory64", "stack_switching", "custom_page_sizes"),
    ):
        getattr(lib, f"wasmtime_config_wasm_{name}_set")(config, False)
    for name in (
        "gc_support",
        "concurrency_support",
        "memory_may_move",
        "parallel_compilation",
        "shared_memory",
    ):
        # Compiling in parallel would leave a forked child waiting for threads that it does not have.
        getattr(lib, f"wasmtime_config_{name}_set")(config, False)
    lib.wasmtime_config_consume_fuel_set(config, preset.fuel)
    lib.wasmtime_config_cranelift_opt_level_set(config, _OPT_NONE if preset.quick else _OPT_SPEED)
    if preset.quick:
        lib.wasmtime_config_cranelift_regalloc_algorithm_set(config, _REGALLOC_SINGLE_PASS)
    lib.wasmtime_config_cranelift_nan_canonicalization_set(config, True)
    lib.wasmtime_config_wasm_relaxed_simd_deterministic_set(config, True)
    lib.wasmtime_config_max_wasm_stack_set(config, STACK_BYTES)
    lib.wasmtime_config_async_stack_size_set(config, STACK_BYTES + _HOST_STACK_BYTES)
    lib.wasmtime_config_memory_reservation_set(config, preset.address_mib * _MIB)
    if preset.pooled:
        _pool(config, preset)
    return config


def _pool(config: int, preset: Preset) -> None:
    pool = lib.wasmtime_pooling_allocation_config_new()
    prefix = "wasmtime_pooling_allocation_config_"
    settings = {
        "total_core_instances": preset.instances,
        "total_memories": preset.instances,
        "total_tables": preset.instances,
        "total_stacks": preset.instances,
        "total_gc_heaps": 0,
        "max_memories_per_module": 2,  # guests have one; the kernel has two
        "max_tables_per_module": 8,
        "max_memory_size": preset.address_mib * _MIB,
        "table_elements": 100_000,
        "max_core_instance_size": 1 << 20,
        "max_unused_warm_slots": 64,
        # Zeroing what a guest usually touched is cheaper than giving the pages back and faulting them in
        # again; zeroing more than that costs every small guest a larger memset.
        "linear_memory_keep_resident": 16 * 1024,
        "table_keep_resident": 4 * 1024,
        "async_stack_keep_resident": 32 * 1024,
        "decommit_batch_size": 16,
    }
    for name, value in settings.items():
        getattr(lib, f"{prefix}{name}_set")(pool, value)
    lib.wasmtime_pooling_allocation_strategy_set(config, pool)
    lib.wasmtime_pooling_allocation_config_delete(pool)


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
            remedy="rebuild it with its compiler; `omnicore plugins show` shows what the host reads in it",
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
    """The path of a file in memory with these bytes, which is read-only; a mapping outlives it."""
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
    """Makes a file in memory read-only."""
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
        """The index of an exported function, by the names that lead to it. Raises: EngineFailed."""
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
            remedy="rebuild it with its compiler; `omnicore plugins show` shows what the host reads in it",
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
        raise EngineFailed(f"a handle is not a resource of the host: {take_error(error).message}")
    number = int(lib.wasmtime_component_resource_host_rep(host.words[0]))
    found = int(lib.wasmtime_component_resource_host_type(host.words[0]))
    lib.wasmtime_component_resource_host_delete(host.words[0])
    if found != kind:
        raise EngineFailed("a handle is to a resource of another kind")
    return number


def free_handle(resource: int) -> None:
    """Frees what `handle` made; the resource stays with its holder."""
    lib.wasmtime_component_resource_any_delete(resource)


_MOST_BYTES = 1024 * 1024  # the parser is fast, but text names nothing a plugin needs a megabyte of


def wat_to_wasm(text: bytes) -> bytes:
    """A `.wat` file as a binary module.

    Raises: ModuleRejected: it is too long, not UTF-8, or does not parse (with line and column).
    """
    if len(text) > _MOST_BYTES:
        raise ModuleRejected(f"the text has {len(text)} bytes, {_MOST_BYTES} are allowed", remedy="drop a .wasm file")
    try:
        text.decode()
    except UnicodeDecodeError as error:
        raise ModuleRejected(f"the text is not UTF-8 at byte {error.start}", remedy="save it as UTF-8") from error
    return text_to_binary(text)
