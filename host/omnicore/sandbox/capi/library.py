"""The engine's shared library, opened once from the `wasmtime` package, and raw memory for it.

The package's own Python layer is not imported: it costs 60 ms at start, looks up types at every call and keeps one
global slot for exceptions of all threads. Every pointer is a plain `void*` here, so that a call converts integers
only; `tests/sandbox/capi` compares each signature with the package's own binding.
"""

from __future__ import annotations

import ctypes
import importlib.metadata
import importlib.util
import platform
import sys
from ctypes import c_bool, c_char_p, c_int64, c_size_t, c_uint8, c_uint32, c_uint64, c_void_p
from functools import lru_cache
from pathlib import Path
from typing import Any

from omnicore.errors import EngineFailed

__all__ = [
    "LIBRARY_VERSION",
    "SIGNATURES",
    "Buffer",
    "copy_bytes",
    "decommit",
    "fast_call",
    "fast_call_async",
    "fast_instantiate",
    "fast_memory_size",
    "lib",
    "library_path",
    "prepared",
    "read_pointer",
    "tick",
    "view_at",
]


_P, _S, _U64, _I64, _BOOL = c_void_p, c_size_t, c_uint64, c_int64, c_bool

SIGNATURES: dict[str, tuple[Any, list[Any]]] = {
    # configuration
    "wasm_config_new": (_P, []),
    "wasmtime_config_consume_fuel_set": (None, [_P, _BOOL]),
    "wasmtime_config_epoch_interruption_set": (None, [_P, _BOOL]),
    "wasmtime_config_max_wasm_stack_set": (None, [_P, _S]),
    "wasmtime_config_async_stack_size_set": (None, [_P, _S]),
    "wasmtime_config_parallel_compilation_set": (None, [_P, _BOOL]),
    "wasmtime_config_memory_may_move_set": (None, [_P, _BOOL]),
    "wasmtime_config_memory_reservation_set": (None, [_P, _U64]),
    "wasmtime_config_memory_guard_size_set": (None, [_P, _U64]),
    "wasmtime_config_cranelift_opt_level_set": (None, [_P, c_uint8]),
    "wasmtime_config_cranelift_regalloc_algorithm_set": (None, [_P, c_uint8]),
    "wasmtime_config_wasm_threads_set": (None, [_P, _BOOL]),
    "wasmtime_config_shared_memory_set": (None, [_P, _BOOL]),
    "wasmtime_config_wasm_memory64_set": (None, [_P, _BOOL]),
    "wasmtime_config_wasm_multi_memory_set": (None, [_P, _BOOL]),
    "wasmtime_config_wasm_gc_set": (None, [_P, _BOOL]),
    "wasmtime_config_wasm_function_references_set": (None, [_P, _BOOL]),
    "wasmtime_config_wasm_exceptions_set": (None, [_P, _BOOL]),
    "wasmtime_config_wasm_stack_switching_set": (None, [_P, _BOOL]),
    "wasmtime_config_wasm_custom_page_sizes_set": (None, [_P, _BOOL]),
    "wasmtime_config_wasm_component_model_set": (None, [_P, _BOOL]),
    "wasmtime_config_gc_support_set": (None, [_P, _BOOL]),
    "wasmtime_config_concurrency_support_set": (None, [_P, _BOOL]),
    "wasmtime_config_wasm_tail_call_set": (None, [_P, _BOOL]),
    "wasmtime_config_wasm_relaxed_simd_deterministic_set": (None, [_P, _BOOL]),
    "wasmtime_config_cranelift_nan_canonicalization_set": (None, [_P, _BOOL]),
    # pooling allocator
    "wasmtime_pooling_allocation_config_new": (_P, []),
    "wasmtime_pooling_allocation_config_delete": (None, [_P]),
    "wasmtime_pooling_allocation_config_total_core_instances_set": (None, [_P, c_uint32]),
    "wasmtime_pooling_allocation_config_total_memories_set": (None, [_P, c_uint32]),
    "wasmtime_pooling_allocation_config_total_tables_set": (None, [_P, c_uint32]),
    "wasmtime_pooling_allocation_config_total_stacks_set": (None, [_P, c_uint32]),
    "wasmtime_pooling_allocation_config_total_gc_heaps_set": (None, [_P, c_uint32]),
    "wasmtime_pooling_allocation_config_max_memories_per_module_set": (None, [_P, c_uint32]),
    "wasmtime_pooling_allocation_config_max_tables_per_module_set": (None, [_P, c_uint32]),
    "wasmtime_pooling_allocation_config_max_memory_size_set": (None, [_P, _S]),
    "wasmtime_pooling_allocation_config_table_elements_set": (None, [_P, _S]),
    "wasmtime_pooling_allocation_config_max_core_instance_size_set": (None, [_P, _S]),
    "wasmtime_pooling_allocation_config_max_unused_warm_slots_set": (None, [_P, c_uint32]),
    "wasmtime_pooling_allocation_config_linear_memory_keep_resident_set": (None, [_P, _S]),
    "wasmtime_pooling_allocation_config_table_keep_resident_set": (None, [_P, _S]),
    "wasmtime_pooling_allocation_config_async_stack_keep_resident_set": (None, [_P, _S]),
    "wasmtime_pooling_allocation_config_decommit_batch_size_set": (None, [_P, _S]),
    "wasmtime_pooling_allocation_strategy_set": (None, [_P, _P]),
    # engine and module
    "wasm_engine_new_with_config": (_P, [_P]),
    "wasm_engine_delete": (None, [_P]),
    "wasmtime_engine_increment_epoch": (None, [_P]),
    "wasmtime_module_new": (_P, [_P, _P, _S, _P]),
    "wasmtime_module_delete": (None, [_P]),
    "wasmtime_module_serialize": (_P, [_P, _P]),
    "wasmtime_module_deserialize": (_P, [_P, _P, _S, _P]),
    "wasmtime_module_deserialize_file": (_P, [_P, c_char_p, _P]),
    "wasmtime_wat2wasm": (_P, [c_char_p, _S, _P]),
    "wasm_byte_vec_delete": (None, [_P]),
    # store
    "wasmtime_store_new": (_P, [_P, _P, _P]),
    "wasmtime_store_delete": (None, [_P]),
    "wasmtime_store_context": (_P, [_P]),
    "wasmtime_store_limiter": (None, [_P, _I64, _I64, _I64, _I64, _I64]),
    "wasmtime_store_epoch_deadline_callback": (None, [_P, _P, _P, _P]),
    "wasmtime_context_set_epoch_deadline": (None, [_P, _U64]),
    "wasmtime_context_set_fuel": (_P, [_P, _U64]),
    "wasmtime_context_get_fuel": (_P, [_P, _P]),
    # functions, instances, linking
    "wasm_valtype_new": (_P, [c_uint8]),
    "wasm_functype_new": (_P, [_P, _P]),
    "wasm_functype_delete": (None, [_P]),
    "wasm_valtype_vec_new": (None, [_P, _S, _P]),
    "wasmtime_func_new_unchecked": (None, [_P, _P, _P, _P, _P, _P]),
    "wasmtime_func_call_unchecked": (_P, [_P, _P, _P, _S, _P]),
    "wasmtime_func_call_async": (_P, [_P, _P, _P, _S, _P, _S, _P, _P]),
    "wasmtime_call_future_poll": (_BOOL, [_P]),
    "wasmtime_call_future_delete": (None, [_P]),
    "wasmtime_instance_new": (_P, [_P, _P, _P, _S, _P, _P]),
    "wasmtime_instance_export_get": (_BOOL, [_P, _P, c_char_p, _S, _P]),
    "wasmtime_linker_new": (_P, [_P]),
    "wasmtime_linker_delete": (None, [_P]),
    "wasmtime_linker_get": (_BOOL, [_P, _P, c_char_p, _S, c_char_p, _S, _P]),
    "wasmtime_linker_define_func_unchecked": (_P, [_P, c_char_p, _S, c_char_p, _S, _P, _P, _P, _P]),
    "wasmtime_linker_define_async_func": (_P, [_P, c_char_p, _S, c_char_p, _S, _P, _P, _P, _P]),
    "wasmtime_linker_instantiate_pre": (_P, [_P, _P, _P]),
    "wasmtime_instance_pre_instantiate": (_P, [_P, _P, _P, _P]),
    "wasmtime_instance_pre_instantiate_async": (_P, [_P, _P, _P, _P, _P]),
    "wasmtime_linker_instantiate_async": (_P, [_P, _P, _P, _P, _P, _P]),
    "wasmtime_instance_pre_delete": (None, [_P]),
    "wasmtime_caller_export_get": (_BOOL, [_P, c_char_p, _S, _P]),
    "wasmtime_caller_context": (_P, [_P]),
    "wasmtime_memory_data": (_P, [_P, _P]),
    "wasmtime_memory_data_size": (_S, [_P, _P]),
    # components
    "wasmtime_component_new": (_P, [_P, c_char_p, _S, _P]),
    "wasmtime_component_delete": (None, [_P]),
    "wasmtime_component_serialize": (_P, [_P, _P]),
    "wasmtime_component_deserialize": (_P, [_P, c_char_p, _S, _P]),
    "wasmtime_component_deserialize_file": (_P, [_P, c_char_p, _P]),
    "wasmtime_component_get_export_index": (_P, [_P, _P, c_char_p, _S]),
    "wasmtime_component_export_index_delete": (None, [_P]),
    "wasmtime_component_linker_new": (_P, [_P]),
    "wasmtime_component_linker_delete": (None, [_P]),
    "wasmtime_component_linker_root": (_P, [_P]),
    "wasmtime_component_linker_instance_add_instance": (_P, [_P, c_char_p, _S, _P]),
    "wasmtime_component_linker_instance_add_func": (_P, [_P, c_char_p, _S, _P, _P, _P]),
    "wasmtime_component_linker_instance_add_resource": (_P, [_P, c_char_p, _S, _P, _P, _P, _P]),
    "wasmtime_component_linker_instance_delete": (None, [_P]),
    "wasmtime_component_linker_instantiate": (_P, [_P, _P, _P, _P]),
    "wasmtime_component_instance_get_func": (_BOOL, [_P, _P, _P, _P]),
    "wasmtime_component_func_call": (_P, [_P, _P, _P, _S, _P, _S]),
    "wasmtime_component_val_clone": (None, [_P, _P]),
    "wasmtime_component_val_delete": (None, [_P]),
    "wasmtime_component_resource_type_new_host": (_P, [c_uint32]),
    "wasmtime_component_resource_type_delete": (None, [_P]),
    "wasmtime_component_resource_any_drop": (_P, [_P, _P]),
    "wasmtime_component_resource_any_delete": (None, [_P]),
    "wasmtime_component_resource_any_to_host": (_P, [_P, _P, _P]),
    "wasmtime_component_resource_host_new": (_P, [_BOOL, c_uint32, c_uint32]),
    "wasmtime_component_resource_host_rep": (c_uint32, [_P]),
    "wasmtime_component_resource_host_type": (c_uint32, [_P]),
    "wasmtime_component_resource_host_delete": (None, [_P]),
    "wasmtime_component_resource_host_to_any": (_P, [_P, _P, _P]),
    # traps and errors
    "wasmtime_error_new": (_P, [c_char_p]),
    "wasmtime_error_message": (None, [_P, _P]),
    "wasmtime_error_delete": (None, [_P]),
    "wasmtime_error_wasm_trace": (None, [_P, _P]),
    "wasmtime_trap_new": (_P, [c_char_p, _S]),
    "wasmtime_trap_code": (_BOOL, [_P, _P]),
    "wasm_trap_message": (None, [_P, _P]),
    "wasm_trap_trace": (None, [_P, _P]),
    "wasm_trap_delete": (None, [_P]),
    "wasm_frame_func_index": (c_uint32, [_P]),
    "wasm_frame_func_offset": (_S, [_P]),
    "wasmtime_frame_func_name": (_P, [_P]),
    "wasm_frame_vec_delete": (None, [_P]),
}

_NAMES = {"linux": "_libwasmtime.so", "darwin": "_libwasmtime.dylib", "win32": "_wasmtime.dll"}


def library_path() -> Path:
    """The path of the library for this machine in the `wasmtime` package. Raises: EngineFailed."""
    spec = importlib.util.find_spec("wasmtime")
    machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(platform.machine().lower(), platform.machine().lower())
    for root in (spec.submodule_search_locations or []) if spec else []:
        path = Path(root) / f"{sys.platform}-{machine}" / _NAMES.get(sys.platform, "")
        if path.is_file():
            return path
    raise EngineFailed(
        f"the wasmtime package has no engine for {sys.platform} on {machine}",
        remedy="install it with `pip install --force-reinstall wasmtime`",
    )


def _open() -> Any:
    library = ctypes.CDLL(str(library_path()))  # CDLL, not PyDLL: the interpreter lock is free during a call
    for name, (result, arguments) in SIGNATURES.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


def _unprepared(name: str) -> Any:
    function = getattr(ctypes.CDLL(str(library_path())), name)
    function.restype = SIGNATURES[name][0]
    return function


lib: Any = _open()

# The calls of the hot path, without declared arguments: prepared ones then pass in 0.40 us instead of 0.56.
# Every argument must come from `prepared`; a bare number would be cut to 32 bits.
fast_call: Any = _unprepared("wasmtime_func_call_unchecked")
fast_memory_size: Any = _unprepared("wasmtime_memory_data_size")
fast_instantiate: Any = _unprepared("wasmtime_instance_new")
fast_call_async: Any = _unprepared("wasmtime_func_call_async")


# Holds the interpreter lock for its 20 ns: to give it up and ask for it again made a busy thread wait twice a tick.
tick: Any = ctypes.PyDLL(str(library_path())).wasmtime_engine_increment_epoch
tick.restype, tick.argtypes = SIGNATURES["wasmtime_engine_increment_epoch"]


def prepared(*values: int) -> tuple[Any, ...]:
    """Pointers and sizes for the fast calls, to be passed as `fast_call(*arguments)`."""
    return tuple(c_void_p(value) for value in values)


LIBRARY_VERSION = importlib.metadata.version("wasmtime")


@lru_cache(maxsize=64)
def _array_type(size: int) -> Any:
    return ctypes.c_ubyte * size


@lru_cache(maxsize=64)
def _word_type(words: int) -> Any:
    return ctypes.c_int64 * words


def view_at(address: int, size: int) -> memoryview:
    """A writable view of `size` bytes at `address`.

    Owns: nothing. The engine's memory must stay mapped while the view is used; reading a page that is not
    committed ends the process, so callers check lengths against what the kernel says it committed.
    """
    return memoryview(_array_type(size).from_address(address)).cast("B")


def copy_bytes(address: int, size: int) -> bytes:
    """The `size` bytes at `address`."""
    return ctypes.string_at(address, size)


_DONT_NEED = 4


def _advise() -> Any:
    function = ctypes.CDLL(None).madvise
    function.restype, function.argtypes = ctypes.c_int, [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    return function


# Elsewhere the advice does not empty the pages, or not at once.
_madvise: Any = _advise() if sys.platform == "linux" else None


def decommit(address: int, size: int) -> None:
    """Gives whole pages of a guest's memory back to the machine; they are as at the guest's start then.

    The engine does that itself when a store is freed, but in batches: until the next sixteen it keeps them.
    """
    if _madvise is not None:
        _madvise(address, size, _DONT_NEED)


def read_pointer(address: int) -> int:
    """The pointer stored at `address`; 0 for null."""
    return ctypes.c_void_p.from_address(address).value or 0


class Buffer:
    """Zeroed memory that C writes to and Python reads as signed 64-bit words.

    Owns: the memory, for as long as the buffer lives.
    """

    __slots__ = ("_array", "_words", "address")

    def __init__(self, words: int) -> None:
        self._array = _word_type(words)()
        self._words: memoryview | None = None
        self.address = ctypes.addressof(self._array)

    @property
    def words(self) -> memoryview:
        """A view of the whole buffer; made when first asked for, because most buffers are for C alone."""
        if self._words is None:
            self._words = memoryview(self._array).cast("B").cast("q")
        return self._words
