"""The engine for components: compile, check, link."""

from __future__ import annotations

import functools
import os
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from omnicore.errors import LinkFailed
from omnicore.sandbox.abi import Doors, Limits
from omnicore.sandbox.capi.library import LIBRARY_VERSION
from omnicore.sandbox.capi.presets import Preset, RawEngine, preset_for
from omnicore.sandbox.compiling.compiler import Compiler
from omnicore.sandbox.component.entry import Entry
from omnicore.sandbox.component.linking import link
from omnicore.sandbox.component.parts import Parts
from omnicore.sandbox.component.template import ComponentTemplate
from omnicore.sandbox.engine import Module
from omnicore.sandbox.extism.kernel import generation
from omnicore.sandbox.extism.ticker import TICKER
from omnicore.sandbox.inspect import admit, inspect

__all__ = ["ComponentEngine"]


class _Engines:
    """One engine for each preset, made when first needed."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Nothing of the parent's engines is used in a forked child."""
        self._made: dict[Preset, RawEngine] = {}
        self._lock = threading.Lock()

    def get(self, preset: Preset) -> RawEngine:
        with self._lock:
            engine = self._made.get(preset)
            if engine is None:
                engine = self._made[preset] = RawEngine(preset)
                TICKER.engines.append(engine.pointer)
            return engine


_ENGINES = _Engines()
os.register_at_fork(after_in_child=_ENGINES.forget)


class ComponentEngine:
    """Runs components against the interfaces of `omnicore:plugin`.

    Args:
        cache: a folder of this user for compiled code; None compiles every time.
        instances: how many sandboxes may exist at once.
    """

    name = "component"
    version = LIBRARY_VERSION
    on_loop = False

    def __init__(self, cache: Path | None = None, *, instances: int = 1_000) -> None:
        self._compiler = Compiler(cache)
        self._room: deque[None] = deque([None] * instances)

    def load(self, modules: Sequence[Module], limits: Limits, doors: Doors) -> ComponentTemplate:
        """See `omnicore.sandbox.engine.Engine.load`."""
        if [name for name, _ in modules] != ["main"]:
            raise LinkFailed("a component stands alone", remedy="give it as the only module, named `main`")
        build = functools.partial(self._build, bytes(modules[0][1]), limits, doors)
        return ComponentTemplate(build(), build, self._room)

    def _build(self, wasm: bytes, limits: Limits, doors: Doors) -> Parts:
        info = inspect(wasm)
        admit(info, limits)
        found = info.component
        if found is None:
            raise LinkFailed("the file is a core module", remedy="load it with the engine for core modules")
        preset = preset_for(fuel=limits.fuel is not None, instances=0)
        engine = _ENGINES.get(replace(preset, pooled=False, components=True))
        linker = link(engine, found, doors)  # before compiling: it costs less and refuses more
        component = self._compiler.compile_component(engine, wasm, info, limits)
        memories, tables = max(1, found.memories), max(1, found.tables)
        return Parts(
            engine=engine,
            component=component,
            linker=linker,
            entries={one.name: Entry(one, component.export_index(one.path)) for one in found.functions},
            limits=limits,
            doors=doors,
            most_memories=memories,
            most_tables=tables,
            memory_share=limits.memory_bytes // memories,
            table_share=max(found.largest_table, limits.table_elements // tables),
            generation=generation(),
        )
