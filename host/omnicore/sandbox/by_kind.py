"""One engine made of two: core modules go to the one, components to the other, by what the file is."""

from __future__ import annotations

from collections.abc import Sequence

from omnicore.sandbox.abi import Doors, Limits
from omnicore.sandbox.engine import Engine, Module, Template

__all__ = ["EngineByKind"]

_COMPONENT = b"\0asm\x0d\0\x01\0"


class EngineByKind:
    """Shows itself as the engine for core modules. Components' calls always run on threads, see their manifests."""

    def __init__(self, core: Engine, components: Engine) -> None:
        self._core = core
        self._components = components
        self.name = core.name
        self.version = core.version
        self.on_loop = getattr(core, "on_loop", True)

    def load(self, modules: Sequence[Module], limits: Limits, doors: Doors) -> Template:
        """See `omnicore.sandbox.engine.Engine.load`."""
        component = any(bytes(data[: len(_COMPONENT)]) == _COMPONENT for _, data in modules)
        return (self._components if component else self._core).load(modules, limits, doors)
