"""Fresh guests in a cell: the modules of a plugin instantiated and linked, nothing of theirs run yet."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from omnicore.errors import CapacityReached, GuestTrapped, MemoryExceeded, OmniError
from omnicore.sandbox.capi.faults import Fault
from omnicore.sandbox.capi.library import lib
from omnicore.sandbox.capi.memory import Buffer
from omnicore.sandbox.capi.store import EXTERN_WORDS, FUNCTION_AT, FunctionType, export, instantiate, take_fault
from omnicore.sandbox.extism.hosting import CELLS
from omnicore.sandbox.extism.linking import LinkedModule, Plan
from omnicore.sandbox.inspect import OWN_PREFIX

if TYPE_CHECKING:
    from omnicore.sandbox.extism.cell import Cell
    from omnicore.sandbox.extism.functions import Forwarded

__all__ = ["Guest", "commands_of", "explain_refusal"]

_MEMORY = OWN_PREFIX + "memory"


class Guest:
    """The instances of a plugin's modules in one cell. Owns: nothing; they go with the store."""

    __slots__ = ("_cell", "_instances", "_kept")

    def __init__(self, cell: Cell) -> None:
        self._cell = cell
        self._instances: list[Buffer | None] = []
        self._kept: list[Buffer] = []
        memories = []
        for index, module in enumerate(cell.parts.plan.modules):
            if module.command:
                self._instances.append(None)
                continue
            instance = self._instantiate(index, module)
            self._instances.append(instance)
            if module.info.memories and not module.info.memories[0].imported:
                memories.append(self._extern(instance, _MEMORY))
        cell.linear = tuple(memories)
        cell.instances = self._instances
        cell.guests += 1

    def function(self, name: str) -> int:
        """The address of an exported function of `main`."""
        instance = self._instances[-1]
        assert instance is not None  # noqa: S101  main is never a command
        return self._extern(instance, name)

    def initialisers(self) -> Iterator[tuple[int, int]]:
        """Functions to call before any other, with how many zero arguments, in order."""
        for module, instance in zip(self._cell.parts.plan.modules, self._instances, strict=True):
            if instance is None:
                continue
            for initialiser in module.initialisers:
                yield self._extern(instance, initialiser.name), initialiser.zeros

    def _extern(self, instance: Buffer, name: str) -> int:
        found = Buffer(EXTERN_WORDS)
        export(self._cell.context, instance.address, name, found.address)
        self._kept.append(found)
        return found.address + FUNCTION_AT

    def _instantiate(self, index: int, module: LinkedModule) -> Buffer:
        cell, instance = self._cell, Buffer(2)
        imports = imports_of(cell, module, self._instances)
        fault = instantiate(cell.context, cell.parts.modules[index], imports, len(module.sources), instance.address)
        if fault is not None:
            raise explain_refusal(fault)
        return instance


def imports_of(cell: Cell, module: LinkedModule, instances: list[Buffer | None]) -> Buffer:
    """The externs a module imports, in its order."""
    imports = Buffer(EXTERN_WORDS * max(1, len(module.sources)))
    for position, source in enumerate(module.sources):
        at = EXTERN_WORDS * position
        if source.kind == "module":
            provider = instances[source.index]
            assert provider is not None  # noqa: S101  the plan puts providers first
            export(cell.context, provider.address, source.name, imports.address + 8 * at)
            continue
        store, index = cell.externs, source.index
        if source.kind == "host":
            store = cell.functions
        elif source.kind == "command":
            store, index = cell.functions, cell.parts.forwarded[(source.index, source.name)]
        imports.words[at : at + EXTERN_WORDS] = store.words[EXTERN_WORDS * index : EXTERN_WORDS * (index + 1)]
    return imports


def commands_of(plan: Plan) -> dict[tuple[int, str], Forwarded]:
    """The functions that run a command module anew for every call, by module and export."""
    found: dict[tuple[int, str], Forwarded] = {}
    for module in plan.modules:
        for source in module.sources:
            key = (source.index, source.name)
            if source.kind == "command" and key not in found:
                kind = FunctionType(source.type.params, source.type.results)  # type: ignore[arg-type]
                found[key] = (kind, _run_command(*key))
    return found


def _run_command(index: int, name: str) -> Callable[[int, int, int, int], int | None]:
    def run(key: int, _caller: int, values_at: int, count: int) -> int | None:
        cell = CELLS[key]
        try:
            module, instance, trap = cell.parts.plan.modules[index], Buffer(2), Buffer(1)
            imports = imports_of(cell, module, cell.instances)
            fault = instantiate(
                cell.context, cell.parts.modules[index], imports, len(module.sources), instance.address
            )
            if fault is None:
                found = Buffer(EXTERN_WORDS)
                export(cell.context, instance.address, name, found.address)
                error = lib.wasmtime_func_call_unchecked(
                    cell.context, found.address + FUNCTION_AT, values_at, count, trap.address
                )
                fault = take_fault(error, trap.words[0])
            if fault is not None:
                raise GuestTrapped(f"{module.name}.{name} failed: {fault.message}", backtrace=fault.backtrace)
        except BaseException as error:  # noqa: BLE001
            return cell.fail(error)
        return None

    return run


def explain_refusal(fault: Fault) -> OmniError:
    """The error of an instance that the engine did not make."""
    text = fault.message
    if "concurrent" in text or "maximum" in text and "limit" in text:
        return CapacityReached(f"no room for another sandbox: {text}", remedy="let calls finish, or raise max_instances")
    if "memory minimum size" in text or "exceeds memory limits" in text:
        return MemoryExceeded(f"oom: {text}", remedy="raise limits.memory_bytes", limit="memory_bytes")
    return GuestTrapped(f"the module cannot be instantiated: {text}", remedy="rebuild it", backtrace=fault.backtrace)
