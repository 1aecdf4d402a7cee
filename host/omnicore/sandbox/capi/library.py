"""The engine's shared library, opened once from the `wasmtime` package, and raw memory for it.

The package's own Python layer is not imported: it costs 60 ms at start, looks up types at every call and keeps one
global slot for exceptions of all threads. Every pointer is a plain `void*` here, so that a call converts integers
only; `tests/sandbox/capi` compares each signature with the package's own binding.

Python runs signal handlers at the first bytecode after the signal. While a guest runs on the main thread, that is
the first bytecode of a callback, before its `try`: an exception raised there is lost and leaves C with an undefined
result. Our handler therefore runs before the installed one, Python's own or the application's, and checks the code it
interrupts. In code that must not be left half-way it only records the signal, and the other handler runs at the next
tick or at the end of the call. Anywhere else, host functions included, it runs at once.
"""

from __future__ import annotations

import ctypes
import enum
import importlib.metadata
import importlib.util
import os
import platform
import signal
import sys
import threading
from collections.abc import Callable
from ctypes import POINTER, c_bool, c_char_p, c_int64, c_size_t, c_uint8, c_uint32, c_uint64, c_void_p
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from struct import Struct
from types import CodeType, FrameType
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from omnicore.errors import EngineFailed
from omnicore.sandbox.abi import HostFunction, ValueType

if TYPE_CHECKING:
    import asyncio


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
    "wasm_frame_module_offset": (_S, [_P]),
    "wasmtime_frame_func_name": (_P, [_P]),
    "wasmtime_frame_module_name": (_P, [_P]),
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


Callback = tuple[Any, int]

# (environment, caller, arguments and results as 16-byte raw values, their count) -> trap or null
_FUNCTION = ctypes.CFUNCTYPE(c_void_p, c_void_p, c_void_p, POINTER(c_int64), c_size_t)
# (context, data, *epoch delta, *what to do) -> error or null
_EPOCH = ctypes.CFUNCTYPE(c_void_p, c_void_p, c_void_p, POINTER(c_uint64), POINTER(c_uint8))
# (environment, caller, arguments, count, results, count, *trap, *continuation)
_ASYNC = ctypes.CFUNCTYPE(None, c_void_p, c_void_p, c_void_p, c_size_t, c_void_p, c_size_t, c_void_p, c_void_p)
# The same as _FUNCTION with the values as an address, to hand on to another call
_FORWARD = ctypes.CFUNCTYPE(c_void_p, c_void_p, c_void_p, c_void_p, c_size_t)
# (environment, context, type, arguments, their count, results, their count) -> error or null
_COMPONENT = ctypes.CFUNCTYPE(c_void_p, c_void_p, c_void_p, c_void_p, c_void_p, c_size_t, c_void_p, c_size_t)
# (environment, context, the host's number) -> error or null
_DESTRUCTOR = ctypes.CFUNCTYPE(c_void_p, c_void_p, c_void_p, c_uint32)
_CONTINUATION = ctypes.CFUNCTYPE(c_bool, c_void_p)
_FINALIZER = ctypes.CFUNCTYPE(None, c_void_p)


def _made(kind: Any, function: Callable[..., Any]) -> Callback:
    made = kind(function)
    address = ctypes.cast(made, c_void_p).value
    assert address is not None  # noqa: S101  a callback always has an address
    return made, address


def function_callback(function: Callable[..., int | None]) -> Callback:
    """`function(environment, caller, values, count)`; value `i` is `values[2 * i]`. Returns a trap or None."""
    return _made(_FUNCTION, function)


def forwarding_callback(function: Callable[..., int | None]) -> Callback:
    """`function(environment, caller, values_at, count)`, for one that passes its values on as they are."""
    return _made(_FORWARD, function)


def component_function(function: Callable[..., int | None]) -> Callback:
    """`function(environment, context, type, arguments, count, results, count)`. Returns an error or None."""
    return _made(_COMPONENT, function)


def resource_destructor(function: Callable[..., int | None]) -> Callback:
    """`function(environment, context, number)` when a guest drops a resource. Returns an error or None."""
    return _made(_DESTRUCTOR, function)


def epoch_callback(function: Callable[..., int | None]) -> Callback:
    """`function(context, data, delta, kind)` at an epoch deadline. Returns an error to end the call, or None."""
    return _made(_EPOCH, function)


def async_function(function: Callable[..., None]) -> Callback:
    """`function(environment, caller, arguments, count, results, count, trap, continuation)`, all addresses."""
    return _made(_ASYNC, function)


def continuation(function: Callable[[int | None], bool]) -> Callback:
    """`function(environment) -> done`, asked at every poll of a suspended call."""
    return _made(_CONTINUATION, function)


def finalizer(function: Callable[[int | None], None]) -> Callback:
    """`function(environment)`, called when C lets go of an environment."""
    return _made(_FINALIZER, function)


def store_word(address: int, value: int) -> None:
    """Writes a signed 64-bit word for C to read."""
    c_int64.from_address(address).value = value


def store_continuation(address: int, function: int, environment: int, done: int) -> None:
    """Fills a `wasmtime_async_continuation_t`: callback, environment, finalizer."""
    (c_void_p * 3).from_address(address)[:] = [function, environment, done]


EXTERN_WORDS = 4
"""Size of a `wasmtime_extern_t` in 64-bit words: its kind, then the union."""
FUNCTION_AT = 8
"""Offset of the function or memory in an extern. Units: bytes."""

_KINDS = {"i32": 0, "i64": 1, "f32": 2, "f64": 3}


class FunctionType:
    """A `wasm_functype_t`. Owns: the type, which stays allocated in a forked child: an engine may know it."""

    __slots__ = ("_process", "pointer")

    def __init__(self, params: tuple[str, ...], results: tuple[str, ...]) -> None:
        self._process = os.getpid()
        first, second = _vector(params), _vector(results)
        self.pointer: int = lib.wasm_functype_new(first.address, second.address)

    def __del__(self) -> None:
        if self._process == os.getpid():
            lib.wasm_functype_delete(self.pointer)


def _vector(kinds: tuple[str, ...]) -> Buffer:
    values = Buffer(max(1, len(kinds)))
    for index, kind in enumerate(kinds):
        values.words[index] = lib.wasm_valtype_new(_KINDS[kind])
    vector = Buffer(2)
    lib.wasm_valtype_vec_new(vector.address, len(kinds), values.address)
    return vector


def export(context: int, instance_at: int, name: bytes, extern_at: int) -> bool:
    """Looks an export up and writes its extern to `extern_at`; False when there is none."""
    return bool(lib.wasmtime_instance_export_get(context, instance_at, name, len(name), extern_at))


_MESSAGE_BYTES = 4096
_FRAMES = 20


class TrapCode(enum.IntEnum):
    """Reasons of traps. Source: wasmtime/trap.h; codes the presets cannot produce are left out."""

    STACK_OVERFLOW = 0
    MEMORY_OUT_OF_BOUNDS = 1
    HEAP_MISALIGNED = 2
    TABLE_OUT_OF_BOUNDS = 3
    INDIRECT_CALL_TO_NULL = 4
    BAD_SIGNATURE = 5
    INTEGER_OVERFLOW = 6
    INTEGER_DIVISION_BY_ZERO = 7
    BAD_CONVERSION_TO_INTEGER = 8
    UNREACHABLE_CODE_REACHED = 9
    INTERRUPT = 10
    OUT_OF_FUEL = 11


class GuestFrame(NamedTuple):
    """A function of the guest that ran, and its module's own name.

    `offset` is that of its instruction. Units: bytes from the module's start.
    """

    name: str
    module: str
    offset: int


@dataclass(frozen=True, slots=True)
class EngineFault:
    """An error or trap of the engine: its text, the trap code if there is one, the guest's frames, innermost first."""

    message: str
    code: TrapCode | None
    frames: tuple[GuestFrame, ...]

    @property
    def backtrace(self) -> tuple[str, ...]:
        """The names of the frames."""
        return tuple(frame.name for frame in self.frames)


def new_error(text: bytes) -> int:
    """A new error. Owns: the engine, once a callback has returned it."""
    return int(lib.wasmtime_error_new(text))


def new_trap(text: str) -> int:
    """A new trap. Owns: the engine, once a callback has returned it."""
    data = text.encode(errors="replace")[:_MESSAGE_BYTES]
    return int(lib.wasmtime_trap_new(data, len(data)))


def take_error(pointer: int) -> EngineFault:
    """Reads an error and frees it."""
    message = _text(lib.wasmtime_error_message, pointer)
    frames = _frames(lib.wasmtime_error_wasm_trace, pointer)
    lib.wasmtime_error_delete(pointer)
    return EngineFault(message, _code_in(message), frames)


def take_trap(pointer: int) -> EngineFault:
    """Reads a trap and frees it."""
    message = _text(lib.wasm_trap_message, pointer)
    frames = _frames(lib.wasm_trap_trace, pointer)
    code = Buffer(1)
    known = lib.wasmtime_trap_code(pointer, code.address)
    lib.wasm_trap_delete(pointer)
    number = code.words[0] & 0xFF
    return EngineFault(message, TrapCode(number) if known and number <= TrapCode.OUT_OF_FUEL else None, frames)


def take_fault(error: int | None, trap: int) -> EngineFault | None:
    """The fault behind an error or a trap pointer, freed; None when both are null."""
    if error:
        return take_error(error)
    return take_trap(trap) if trap else None


def _code_in(message: str) -> TrapCode | None:
    # A trap under a host call or in an initialiser comes back as an error; only its text gives the kind.
    if "all fuel consumed" in message:
        return TrapCode.OUT_OF_FUEL
    if "call stack exhausted" in message:
        return TrapCode.STACK_OVERFLOW
    return None


def _text(read: object, pointer: int) -> str:
    vector = Buffer(2)
    read(pointer, vector.address)  # type: ignore[operator]
    size, data = vector.words
    text = copy_bytes(data, min(size, _MESSAGE_BYTES)).decode(errors="replace") if data else ""
    lib.wasm_byte_vec_delete(vector.address)
    return text.rstrip("\0")


def _frames(read: object, pointer: int) -> tuple[GuestFrame, ...]:
    vector = Buffer(2)
    read(pointer, vector.address)  # type: ignore[operator]
    size, data = vector.words
    frames = tuple(_frame(read_pointer(data + 8 * i)) for i in range(min(size, _FRAMES)))
    lib.wasm_frame_vec_delete(vector.address)
    return frames


def _frame(frame: int) -> GuestFrame:
    name = _name(lib.wasmtime_frame_func_name(frame))
    index = lib.wasm_frame_func_index(frame)
    shown = f"{name} (function {index})" if name else f"<function {index}>"
    return GuestFrame(shown, _name(lib.wasmtime_frame_module_name(frame)), lib.wasm_frame_module_offset(frame))


def _name(name: int) -> str:
    if not name:
        return ""
    size = view_at(name, 16).cast("q")
    return copy_bytes(size[1], min(size[0], 200)).decode(errors="replace")


_F = TypeVar("_F", bound=Callable[..., Any])
_SIGINT = int(signal.SIGINT)

PENDING: list[int] = []
"""Not empty while a signal waits to be delivered; checked after every call, so a plain list."""

# The builtin beneath `signal.getsignal`, which spends 3 us on making an enum of what is none: 0.04 us.
_current_handler: Callable[[int], Any] = getattr(signal, "_signal", signal).getsignal


class _State:
    entries: set[CodeType] = set()  # noqa: RUF012  one for the process, as signals are
    shields: set[CodeType] = set()  # noqa: RUF012
    main = threading.main_thread().ident
    before: Any = signal.default_int_handler


def _forked() -> None:
    _State.main = threading.get_ident()
    PENDING.clear()


os.register_at_fork(after_in_child=_forked)


def guarded(callback: _F) -> _F:
    """Marks a function that C calls: a signal must not raise in it, but may raise in functions that it calls."""
    _State.entries.add(callback.__code__)
    return callback


def shielded(function: _F) -> _F:
    """Marks a function in which a signal must not raise, nor in anything it calls except host functions."""
    _State.shields.add(function.__code__)
    return function


def install() -> None:
    """Installs our handler before the present one for SIGINT; on the main thread only."""
    if threading.get_ident() != _State.main:
        return
    current = _current_handler(_SIGINT)
    if current is _on_interrupt or not callable(current):
        return
    _State.before = current
    signal.signal(_SIGINT, _on_interrupt)
    task = _runners_task(current)
    if task is not None and not task.get_loop().is_closed():
        task.add_done_callback(lambda _task: _give_back(current))


def _runners_task(handler: Any) -> asyncio.Task[Any] | None:
    """The main task of the asyncio runner that installed this handler. A runner removes its handler when it ends, but
    only if it is still the installed one."""
    task: asyncio.Task[Any] | None = getattr(handler, "keywords", {}).get("main_task")
    return task


def _give_back(handler: Any) -> None:
    if _current_handler(_SIGINT) is _on_interrupt and _State.before is handler:
        signal.signal(_SIGINT, handler)


def _hand_on(number: int, frame: FrameType | None) -> None:
    task = _runners_task(_State.before)
    if task is not None and task.get_loop().is_closed():  # an interrupt cut the runner's own end short
        _State.before = signal.default_int_handler
    _State.before(number, frame)


def deliver() -> None:
    """Runs the handler for a waiting signal; on the main thread only. Raises: any exception of the handler."""
    if PENDING and threading.get_ident() == _State.main:
        PENDING.clear()
        _hand_on(_SIGINT, sys._getframe(1))


def _on_interrupt(number: int, frame: FrameType | None) -> None:
    if _may_raise(frame):
        _hand_on(number, frame)
    else:
        PENDING[:] = [number]


def _may_raise(frame: FrameType | None) -> bool:
    innermost = frame
    while frame is not None:
        if frame.f_code in _State.shields:
            return False
        if frame.f_code in _State.entries:  # what it calls is a host function
            return frame is not innermost
        frame = frame.f_back
    return True


ALL_BITS = 0xFFFFFFFFFFFFFFFF
_LOW = 0xFFFFFFFF
LEAST_I64 = -(1 << 63)
_F64, _F32, _Q, _L = Struct("=d"), Struct("=f"), Struct("=q"), Struct("=I")

FROM_WORD: dict[ValueType, Callable[[int], Any]] = {
    "i64": lambda word: word & ALL_BITS,
    "i32": lambda word: word & _LOW,
    "f64": lambda word: _F64.unpack(_Q.pack(word))[0],
    "f32": lambda word: _F32.unpack(_L.pack(word & _LOW))[0],
}
_TO_WORD: dict[ValueType, Callable[[Any], int]] = {
    "i64": lambda value: _whole(value, LEAST_I64, ALL_BITS),
    "i32": lambda value: _whole(value, -(1 << 31), _LOW) & _LOW,
    "f64": lambda value: _Q.unpack(_F64.pack(value))[0],
    "f32": lambda value: _L.unpack(_F32.pack(value))[0],
}


def to_words(function: HostFunction, result: Any) -> list[int]:
    """The result of a host function as raw words. Raises: TypeError, OverflowError: it does not fit its type."""
    kinds = function.results
    if not kinds:
        return []
    values = result if isinstance(result, tuple) else (0 if result is None else result,)
    if len(values) != len(kinds):
        raise TypeError(f"{function.name} returned {len(values)} values, its type has {len(kinds)}")
    return [_TO_WORD[kind](value) for kind, value in zip(kinds, values, strict=True)]


def _whole(value: Any, least: int, most: int) -> int:
    if not isinstance(value, int):
        raise TypeError(f"a host function returned {type(value).__name__} where a whole number is due")
    if not least <= value <= most:
        raise OverflowError(f"{value} does not fit the result type")
    return value
