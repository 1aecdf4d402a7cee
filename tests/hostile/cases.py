"""The hostile cases by number: what each module is, and what the host must make of it.

Outcomes: `T` the deadline cut it, `L` it went over another limit, `R` it was refused at load, `X` it trapped
or its host call was refused, `N` there is no such function, `ok` it ended by itself within its limits. Where
several stand, each is a sound answer (a module may be refused, or compile within the limits); a crash, a
hang, an answer too late or memory over the limit never is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.hostile.corpus import binding, compiling, component, compute, malformed, memory, wasi

T, L, R, X, N, OK = "T", "L", "R", "X", "N", "ok"


@dataclass(frozen=True, slots=True)
class Case:
    """One hostile module.

    `reader`: the reader alone refuses it, before any engine. `preopen`: it gets a folder. `once`: an instance
    is called once, where others are called twice.
    """

    number: int
    build: Callable[[], bytes]
    outcomes: tuple[str, ...]
    reader: bool = False
    preopen: bool = False
    once: bool = False

    @property
    def name(self) -> str:
        """Unique, for ids and the command line."""
        return f"{self.number:02d}-{self.build.__module__.rpartition('.')[2]}-{self.build.__name__}"


def _refused(number: int, *builders: Callable[[], bytes]) -> list[Case]:
    return [Case(number, build, (R,), reader=True) for build in builders]


def _cases(number: int, outcomes: tuple[str, ...], *builders: Callable[[], bytes]) -> list[Case]:
    return [Case(number, build, outcomes) for build in builders]


_COMPUTE = [
    *_cases(1, (T,), compute.loop),
    *_cases(2, (T,), compute.tail_calls),
    *_cases(3, (X, L), compute.recursion),
    *_cases(4, (T,), compute.start_loop),
    *_cases(5, (T,), compute.initialize_loop, compute.constructor_loop),
    *_cases(6, (X,), compute.start_trap),
    *_refused(7, compute.throw_loop),
    *_refused(8, compute.uncaught_throw),
    *_cases(9, (X,), compute.trap_unreachable, compute.trap_division, compute.trap_memory),
    *_cases(9, (X,), compute.trap_indirect, compute.trap_signature),
    *_refused(10, compute.fill_4_gib),
    *_cases(10, (T,), compute.fill_for_ever),
    *_cases(11, (T, L), compute.host_call_flood, compute.config_flood, compute.log_flood),
    *_cases(12, (T,), compute.wasi_sleep),
    *_cases(13, (T, L), compute.yield_loop),
    *_refused(14, compute.atomic_wait),
    *_cases(14, (R,), compute.atomic_wait_unshared),
    *_cases(15, (T,), compute.blocking_host_function),
]

_MEMORY = [
    *_cases(16, (L, X, OK), memory.grow, memory.grow_unseen),
    *_cases(17, (L, X, OK), memory.grow_and_touch, memory.grow_in_one_step),
    *_refused(18, memory.four_gib),
    *_refused(19, memory.memory64_huge),
    *_refused(20, memory.memory64_grow),
    *_refused(21, memory.hundred_memories),
    *_refused(22, memory.ninety_large_memories),
    *_cases(23, (L, X, OK), memory.table_grow, memory.table_grow_exported),
    *_refused(23, memory.table_grow_extern),
    *_refused(24, memory.huge_table),
    *_refused(25, memory.hundred_tables),
    *_refused(26, memory.gc_list),
    *_refused(27, memory.gc_array),
    *_refused(28, memory.gc_churn),
    *_refused(29, memory.exnref_table),
    *_refused(30, memory.many_globals),
]

# Compiling may succeed within its limits: then the module runs, and what it does is cut like any other.
_COMPILED = (OK, T, L, R, X)
_COMPILING = [
    *_cases(31, _COMPILED, compiling.loop_phi, compiling.loop_phi_40_kb),
    *_cases(32, _COMPILED, compiling.phi_bomb),
    *_cases(33, _COMPILED, compiling.nested_loops),
    *_refused(34, compiling.many_functions),
    *_cases(34, (N, R, L), compiling.many_functions_allowed),
    *_refused(35, compiling.many_types),
    *_refused(36, compiling.many_elements, compiling.many_element_segments),
    *_cases(37, _COMPILED, compiling.huge_body),
    *_cases(38, _COMPILED, compiling.nested_blocks),
    *_cases(39, _COMPILED, compiling.nested_ifs),
    *_cases(40, _COMPILED, compiling.branch_table, compiling.memory_grow_chain),
    *_cases(41, _COMPILED, compiling.locals_50_k),
    *_cases(41, (R,), compiling.locals_4_g),
    *_refused(42, compiling.custom_200_mb),
    *_cases(42, (OK,), compiling.custom_9_mb),
    *_refused(43, compiling.many_imports, compiling.many_exports),
    *_refused(44, compiling.component_type_bomb, compiling.component_nesting),
    *_cases(45, _COMPILED, compiling.code_amplifier),
]

_MALFORMED = [
    *_refused(46, malformed.empty),
    *_refused(47, malformed.magic_only),
    *_refused(48, malformed.version_99),
    *_refused(49, malformed.noise, malformed.noise_behind_magic),
    *_refused(50, malformed.elf),
    *_refused(51, malformed.truncated, malformed.truncated_code),
    *_refused(52, malformed.huge_number, malformed.huge_count),
    *_refused(53, malformed.bad_name, malformed.bad_import_name),
    *_cases(53, (R,), malformed.bad_body),
    *_refused(54, malformed.text_as_module),
    *_refused(55, malformed.deep_text, malformed.deep_expressions),
    *_refused(56, malformed.precompiled),
]

_BINDING = [
    *_refused(59, binding.anyref, binding.structref, binding.exnref, binding.typed_function),
    *_cases(60, (N, R, X), binding.v128_result),
    *_refused(60, binding.i31_result),
    *_cases(61, (N,), binding.missing_export),
    *_cases(62, (N,), binding.export_is_memory),
    *_cases(63, (N, R), binding.wrong_signature, binding.two_results),
    *_cases(64, (R,), binding.unknown_import, binding.unknown_env_import, binding.self_import),
    *_cases(65, (R,), binding.wrong_import_type, binding.wrong_user_import_type),
    *_refused(65, binding.import_is_memory),
    *_cases(66, (OK,), binding.hostile_names),
    *_refused(66, binding.long_name, binding.host_name),
    *_cases(67, (X,), binding.negative_pointer, binding.huge_length),
    *_cases(68, (X,), binding.end_overflow, binding.wrapped_sum),
    *_cases(69, (OK,), binding.bad_realloc),
    *_cases(70, (OK,), binding.grow_between_calls),
    *_cases(71, (X,), binding.no_memory, binding.memory_is_function),
    *_cases(72, (OK, X), binding.forged_config, binding.forged_error, binding.forged_log),
    *_cases(72, (OK, X), binding.forged_host_function, binding.forged_variable, binding.interior_handles),
    *_cases(73, (OK, X), binding.output_outside),
    *_cases(74, (OK,), binding.previous_input),
    Case(75, binding.counter, (OK,), once=True),
]

_WASI = [
    Case(86, wasi.open_files, (OK, L, T), preopen=True),
    Case(87, wasi.write_output, (L, T)),
    Case(87, wasi.write_errors, (L, T)),
    Case(87, wasi.fill_disk, (OK, L, T), preopen=True),
    Case(87, wasi.sparse_file, (OK, L), preopen=True),
    Case(87, wasi.many_folders, (OK, L, T), preopen=True),
    Case(87, memory.exchange_flood, (OK, L, X)),
    Case(87, memory.output_flood, (OK, L)),
    Case(88, wasi.open_fifo, (OK,), preopen=True),
    Case(88, wasi.open_outside, (OK,), preopen=True),
    Case(88, wasi.open_absolute, (OK,), preopen=True),
    Case(88, wasi.open_link, (OK,), preopen=True),
    Case(88, wasi.plant_link, (OK,), preopen=True),
    *_refused(88, wasi.wasi_http_component, wasi.list_component),
]

# From here on: what the cases above try, tried by components, and what only these can.
_COMPONENTS = [
    *_cases(89, (T,), component.loop, component.start_loop, component.realloc_loop),
    *_cases(89, (X,), component.recursion, component.realloc_outside),
    *_cases(90, (L, X, OK), component.grow_memory, component.grow_table),
    *_cases(90, (L,), component.many_memories, component.many_instances),
    *_cases(91, (L, R), component.doubling),
    *_refused(91, component.nesting, component.deep_type, component.type_bomb, component.many_types),
    *_refused(91, component.huge_component, component.hidden_feature),
    *_cases(91, (N, L), component.compile_bomb),
    *_cases(92, (X,), component.bad_text, component.text_outside, component.list_outside, component.misaligned_list),
    *_cases(92, (L,), component.long_text, component.long_list),
    *_cases(92, (L, X, R), component.endless_list_of_nothing),
    *_refused(93, component.unknown_import, component.http_import),
    *_cases(93, (R,), component.forged_door, component.forged_wasi),
    *_refused(93, component.exported_resource, component.asynchronous),
    *_cases(94, (T,), component.sleep),
    *_cases(94, (L,), component.many_pollables, component.random_flood),
    *_cases(94, (X,), component.forged_handle),
    *_refused(95, component.truncated, component.noise),
]

CASES = (*_COMPUTE, *_MEMORY, *_COMPILING, *_MALFORMED, *_BINDING, *_WASI, *_COMPONENTS)
BY_NAME = {case.name: case for case in CASES}
