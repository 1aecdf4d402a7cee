"""What all instances of one plugin share: compiled modules, links, doors and limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from omnicore.sandbox.abi import Doors, Limits
from omnicore.sandbox.capi.modules import CompiledModule
from omnicore.sandbox.capi.presets import RawEngine
from omnicore.sandbox.extism.functions import HostFunctions
from omnicore.sandbox.extism.kernel import Kernel
from omnicore.sandbox.extism.linking import Plan

__all__ = ["I32_RESULT", "NO_RESULT", "OTHER_RESULT", "Entry", "Parts"]

NO_RESULT, I32_RESULT, OTHER_RESULT = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Entry:
    """An export of `main`: what it returns, and why it cannot be called if it cannot."""

    result: int
    refusal: str = ""

    @property
    def plain(self) -> bool:
        """Takes nothing and returns nothing or one i32."""
        return not self.refusal and self.result != OTHER_RESULT


@dataclass(frozen=True, slots=True)
class Parts:
    """The shared parts. `batch` fresh guests are made in one cell; `exchange_bytes` bounds its exchange
    memory; `several` says that more than one module may call host functions."""

    engine: RawEngine
    kernel: Kernel
    plan: Plan
    modules: tuple[CompiledModule, ...]
    host_functions: HostFunctions
    limits: Limits
    doors: Doors
    config: Mapping[str, bytes]
    forwarded: Mapping[tuple[int, str], int]
    entries: Mapping[str, Entry]
    exchange_bytes: int
    batch: int
    several: bool
    generation: int
