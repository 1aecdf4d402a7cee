"""Engine configurations. They are fixed: a plugin never chooses what its engine accepts."""

from __future__ import annotations

import os
import resource
from dataclasses import dataclass

from omnicore.errors import EngineFailed
from omnicore.sandbox.capi.library import LIBRARY_VERSION, lib

__all__ = ["STACK_BYTES", "Preset", "RawEngine", "preset_for"]

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
        """Names what compiled code depends on; part of every cache key."""
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

    Owns: the engine. It is never freed: modules and stores of other threads may outlive whoever asks for it,
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
        """False in a forked child: locks of the parent's engine may be held for ever there, so what belongs to
        it is not even freed."""
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
