"""The default engine: compile, check, link."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

from omnicore.errors import LinkFailed, ModuleRejected
from omnicore.sandbox.abi import Doors, HostCall, HostFunction, Limits
from omnicore.sandbox.capi.library import LIBRARY_VERSION
from omnicore.sandbox.capi.presets import preset_for
from omnicore.sandbox.compiling.compiler import Compiler
from omnicore.sandbox.engine import Module
from omnicore.sandbox.extism.cell import Cell
from omnicore.sandbox.extism.env import ENV
from omnicore.sandbox.extism.exchange import COMMITTED_AT_START
from omnicore.sandbox.extism.functions import HostFunctions
from omnicore.sandbox.extism.guest import commands_of
from omnicore.sandbox.extism.kernel import generation, kernel_for
from omnicore.sandbox.extism.linking import Plan, plan_links
from omnicore.sandbox.extism.parts import I32_RESULT, NO_RESULT, OTHER_RESULT, Entry, Parts
from omnicore.sandbox.extism.template import ExtismTemplate
from omnicore.sandbox.inspect import OWN_PREFIX, FuncType, ModuleInfo, admit, inspect, with_visible_limits
from omnicore.sandbox.wasi.functions import wasi_functions
from omnicore.sandbox.wasi.session import WasiSession
from omnicore.sandbox.wasm_types import PAGE_BYTES

__all__ = ["ExtismEngine"]

_BATCH = 32
_BATCH_PAGES = 32  # guests that start with more memory get a cell each: it is freed with the cell only
_MOST_EXCHANGE_BYTES = 1 << 29
_START = OWN_PREFIX + "start"
_VOID = FuncType((), ())


class ExtismEngine:
    """Runs core modules that speak the Extism guest ABI, and WASI commands.

    Args:
        cache: a folder of this user for compiled code; None compiles every time.
        instances: how many sandboxes may exist at once.
    """

    name = "omnicore"
    version = LIBRARY_VERSION

    def __init__(self, cache: Path | None = None, *, instances: int = 1_000) -> None:
        self._compiler = Compiler(cache)
        # A kernel and a guest each, and a batch of guests that left theirs in a cell that is still in use.
        self._slots = instances * 4

    def load(self, modules: Sequence[Module], limits: Limits, doors: Doors) -> ExtismTemplate:
        """See `omnicore.sandbox.engine.Engine.load`."""
        named = dict(modules)
        if len(named) != len(modules) or "extism:host/env" in named:
            raise LinkFailed("Duplicate module name found in Extism manifest", remedy="give each module its own name")
        if "main" not in named:
            raise LinkFailed("the plugin has no module `main`", remedy="name one of its modules `main`")
        build = functools.partial(self._build, named, limits, doors)
        return ExtismTemplate(build(), build)

    def _build(self, modules: Mapping[str, bytes], limits: Limits, doors: Doors) -> Parts:
        prepared = {name: _prepare(wasm, limits) for name, wasm in modules.items()}
        infos = {name: info for name, (_, info) in prepared.items()}
        plan = plan_links(infos, _functions(doors))
        kernel = kernel_for(preset_for(fuel=limits.fuel is not None, instances=self._slots))
        compiled = tuple(
            self._compiler.compile(kernel.engine, prepared[module.name][0], module.info, limits)
            for module in plan.modules
        )
        commands = commands_of(plan)
        first = len(plan.host)
        return Parts(
            engine=kernel.engine,
            kernel=kernel,
            plan=plan,
            modules=compiled,
            host_functions=HostFunctions(kernel.engine, plan.host, tuple(commands.values())),
            limits=limits,
            doors=doors,
            config={key: value.encode() for key, value in doors.config.items()},
            forwarded={key: first + position for position, key in enumerate(commands)},
            entries=_entries(infos["main"]),
            exchange_bytes=_exchange_bytes(limits, kernel.engine.preset.address_mib << 20),
            batch=_batch(plan) if kernel.engine.preset.pooled else 1,
            several=len(plan.modules) > 1,
            generation=generation(),
        )


def _prepare(wasm: bytes, limits: Limits) -> tuple[bytes, ModuleInfo]:
    wasm = bytes(wasm)  # C reads it without a copy: it must not be a buffer that somebody can change
    admit(inspect(wasm), limits)
    visible = with_visible_limits(wasm, inspect(wasm))
    info = inspect(visible)
    start = next((export for export in info.exports if export.name == _START), None)
    if start is not None and start.type != _VOID:
        raise ModuleRejected("the module's start function takes or returns something", remedy="rebuild it")
    return visible, info


def _functions(doors: Doors) -> list[HostFunction]:
    """Later ones win: a host function may stand in for one of ours."""
    wasi = wasi_functions(_session) if doors.wasi is not None else ()
    return [*ENV, *wasi, *doors.functions]


def _session(call: HostCall) -> WasiSession:
    return cast(Cell, call).session()


def _entries(info: ModuleInfo) -> dict[str, Entry]:
    found = {}
    for export in info.exports:
        if isinstance(export.type, FuncType) and not export.name.startswith(OWN_PREFIX):
            found[export.name] = _entry(export.name[:100], export.type)
    return found


def _entry(name: str, kind: FuncType) -> Entry:
    results = len(kind.results)
    if results > 1:
        return Entry(NO_RESULT, f"Function {name} has {results} results, expected 0 or 1")
    if kind.params:
        return Entry(NO_RESULT, f"Function {name} takes {len(kind.params)} parameters, expected none")
    if not results:
        return Entry(NO_RESULT)
    return Entry(I32_RESULT if kind.results == ("i32",) else OTHER_RESULT)


def _exchange_bytes(limits: Limits, address_bytes: int) -> int:
    wanted = max(limits.memory_bytes, limits.input_bytes + limits.output_bytes) + COMMITTED_AT_START
    return min(_MOST_EXCHANGE_BYTES, address_bytes, wanted) & -PAGE_BYTES


def _batch(plan: Plan) -> int:
    """Guests that are done keep their slots of the engine's pool, too: many tables or modules, few guests."""
    pages = sum(memory.minimum_pages for module in plan.modules for memory in module.info.memories)
    if pages > _BATCH_PAGES or any(module.command for module in plan.modules):
        return 1
    tables = sum(len(module.info.tables) for module in plan.modules)
    return max(1, _BATCH // max(1, tables, len(plan.modules)))
