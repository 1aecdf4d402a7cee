"""Fresh guests in a cell: the modules of a plugin instantiated and linked, nothing of theirs run yet."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from omnicore.errors import CapacityReached, EngineFailed, GuestTrapped, MemoryExceeded, OmniError
from omnicore.sandbox.capi.faults import Fault
from omnicore.sandbox.capi.library import fast_instantiate, lib, prepared
from omnicore.sandbox.capi.memory import Buffer
from omnicore.sandbox.capi.store import EXTERN_WORDS, FUNCTION_AT, FunctionType, export, take_fault
from omnicore.sandbox.extism.hosting import CELLS
from omnicore.sandbox.extism.idle import reclaim
from omnicore.sandbox.extism.linking import LinkedModule, Plan
from omnicore.sandbox.inspect import OWN_PREFIX

if TYPE_CHECKING:
    from omnicore.sandbox.extism.cell import Cell
    from omnicore.sandbox.extism.functions import Forwarded

__all__ = ["Guest", "commands_of", "explain_refusal"]

_MEMORY = (OWN_PREFIX + "memory").encode()


class Guest:
    """Where a cell keeps the instances of a plugin's modules; `make` puts fresh ones in their place.

    Everything that C writes to is allocated once for the cell: it is a third of what a fresh guest costs.
    Owns: the buffers. The instances before go with the store; nothing refers to them any more.
    """

    __slots__ = (
        *("_cell", "_externs", "_imports", "_instances", "_kept", "_linear", "_main", "_memories", "_prepared"),
    )

    def __init__(self, cell: Cell) -> None:
        self._cell = cell
        modules = cell.parts.plan.modules
        self._main = cell.parts.plan.main
        self._instances = [Buffer(2) for _ in modules]
        self._imports = [_imports(cell, module) for module in modules]
        self._externs: dict[bytes, Buffer] = {}
        self._memories = [
            (index, Buffer(EXTERN_WORDS))
            for index, module in enumerate(modules)
            if not module.command and module.info.memories and not module.info.memories[0].imported
        ]
        self._prepared = [self._arguments(index, instance.address) for index, instance in enumerate(self._instances)]
        self._linear = tuple(memory.address + FUNCTION_AT for _, memory in self._memories)
        self._kept: list[Buffer] = []

    def make(self) -> None:
        """Instantiates every module; none of their code runs. Raises: CapacityReached, MemoryExceeded."""
        cell = self._cell
        for index, module in enumerate(cell.parts.plan.modules):
            if not module.command:
                refusal = self._refusal(index)
                if isinstance(refusal, CapacityReached) and reclaim():
                    refusal = self._refusal(index)
                if refusal is not None:
                    raise refusal
        for index, memory in self._memories:
            export(cell.context, self._instances[index].address, _MEMORY, memory.address)
        cell.linear = self._linear
        self._kept.clear()
        cell.guests += 1

    def _refusal(self, index: int) -> OmniError | None:
        fault = self._instantiate(index, self._prepared[index])
        return None if fault is None else explain_refusal(fault)

    def command(self, index: int, instance_at: int) -> Fault | None:
        """Instantiates a command module once more. Returns what went wrong.

        Its memory stays until the cell is freed, so it counts from now on.
        """
        fault = self._instantiate(index, self._arguments(index, instance_at))
        memory = Buffer(EXTERN_WORDS)
        if fault is None and export(self._cell.context, instance_at, _MEMORY, memory.address):
            self._kept.append(memory)
            self._cell.linear = (*self._cell.linear, memory.address + FUNCTION_AT)
        return fault

    def _arguments(self, index: int, instance_at: int) -> tuple[Any, ...]:
        cell, imports = self._cell, self._imports[index]
        count = len(cell.parts.plan.modules[index].sources)
        module = cell.parts.modules[index].pointer
        return prepared(cell.context, module, imports.address, count, instance_at, cell.trap_at)

    def _instantiate(self, index: int, arguments: tuple[Any, ...]) -> Fault | None:
        cell, imports = self._cell, self._imports[index]
        module = cell.parts.plan.modules[index]
        for position, source in enumerate(module.sources) if cell.parts.several else ():
            if source.kind == "module":
                provider = self._instances[source.index].address
                export(cell.context, provider, source.name.encode(), imports.address + 32 * position)
        error = fast_instantiate(*arguments)
        if not error and not cell.trap_words[0]:
            return None
        fault = take_fault(error, cell.trap_words[0])
        cell.trap_words[0] = 0
        return fault

    def function(self, name: bytes, index: int | None = None) -> int:
        """The address of an exported function of a module, `main` unless another is asked for."""
        found = self._externs.get(name)
        if found is None:
            found = self._externs[name] = Buffer(EXTERN_WORDS)
        instance = self._instances[self._main if index is None else index]
        if not export(self._cell.context, instance.address, name, found.address):
            raise EngineFailed(f"the engine does not find the export {name.decode()!r} that the module declares")
        return found.address + FUNCTION_AT

    def initialisers(self) -> Iterator[tuple[int, int]]:
        """Functions to call before any other, with how many zero arguments, in order."""
        for index, module in enumerate(self._cell.parts.plan.modules):
            if not module.command:
                for initialiser in module.initialisers:
                    yield self.function(initialiser.name.encode(), index), initialiser.zeros


def _imports(cell: Cell, module: LinkedModule) -> Buffer:
    """The externs a module imports, in its order; those of other modules are filled in when these are made."""
    imports = Buffer(EXTERN_WORDS * max(1, len(module.sources)))
    for position, source in enumerate(module.sources):
        if source.kind == "module":
            continue
        store, index = cell.externs, source.index
        if source.kind == "host":
            store = cell.functions
        elif source.kind == "command":
            store, index = cell.functions, cell.parts.forwarded[(source.index, source.name)]
        at = EXTERN_WORDS * position
        imports.words[at : at + EXTERN_WORDS] = store.words[EXTERN_WORDS * index : EXTERN_WORDS * (index + 1)]
    return imports


def commands_of(plan: Plan) -> dict[tuple[int, str], Forwarded]:
    """The functions that run a command module anew for every call, by module and export."""
    found: dict[tuple[int, str], Forwarded] = {}
    for module in plan.modules:
        for source in module.sources:
            key = (source.index, source.name)
            if source.kind == "command" and key not in found:
                kind = FunctionType(source.type.params, source.type.results)
                found[key] = (kind, _run_command(*key))
    return found


def _run_command(index: int, name: str) -> Callable[[int, int, int, int], int | None]:
    def run(key: int, _caller: int, values_at: int, count: int) -> int | None:
        cell = CELLS[key]
        try:
            cell.spend_call()
            instance, found, trap = Buffer(2), Buffer(EXTERN_WORDS), Buffer(1)
            fault = cell.guest.command(index, instance.address)
            if fault is None:
                export(cell.context, instance.address, name.encode(), found.address)
                error = lib.wasmtime_func_call_unchecked(
                    cell.context, found.address + FUNCTION_AT, values_at, count, trap.address
                )
                fault = take_fault(error, trap.words[0])
            if over := cell.oversize():
                raise over
            if fault is not None:
                raise GuestTrapped(f"{name} of a linked command failed: {fault.message}", backtrace=fault.backtrace)
        except BaseException as error:
            return cell.fail(error)
        return None

    return run


def explain_refusal(fault: Fault) -> OmniError:
    """The error of an instance that the engine did not make."""
    text = fault.message
    if "concurrent" in text or "mmap failed" in text or ("maximum" in text and "limit" in text):
        return CapacityReached(
            f"no room for another sandbox: {text}", remedy="let calls finish, or raise max_instances"
        )
    if "memory minimum size" in text or "exceeds memory limits" in text:
        return MemoryExceeded(f"oom: {text}", remedy="raise limits.memory_bytes", limit="memory_bytes")
    return GuestTrapped(f"the module cannot be instantiated: {text}", remedy="rebuild it", backtrace=fault.backtrace)
