"""Engines and their kernel: one of each for every preset, made when first needed."""

from __future__ import annotations

import os
import threading
from importlib import resources

from omnicore.errors import EngineFailed
from omnicore.sandbox.capi.faults import take_error
from omnicore.sandbox.capi.library import lib
from omnicore.sandbox.capi.memory import Buffer
from omnicore.sandbox.capi.modules import CompiledModule, compile_module, text_to_binary
from omnicore.sandbox.capi.presets import Preset, RawEngine
from omnicore.sandbox.extism.ticker import TICKER

__all__ = ["Kernel", "generation", "kernel_for"]


class Kernel:
    """An engine with the compiled kernel, ready to be instantiated in any store of the engine."""

    __slots__ = ("engine", "module", "pre")

    def __init__(self, preset: Preset) -> None:
        self.engine = RawEngine(preset)
        text = resources.files("omnicore.sandbox.extism").joinpath("kernel.wat").read_bytes()
        self.module: CompiledModule = compile_module(self.engine, text_to_binary(text))
        linker, pre = lib.wasmtime_linker_new(self.engine.pointer), Buffer(1)
        error = lib.wasmtime_linker_instantiate_pre(linker, self.module.pointer, pre.address)
        lib.wasmtime_linker_delete(linker)
        if error:
            raise EngineFailed(f"the kernel cannot be prepared: {take_error(error).message}")
        self.pre: int = pre.words[0]
        TICKER.engines.append(self.engine.pointer)


class _Kernels:
    def __init__(self) -> None:
        self.made: dict[Preset, Kernel] = {}
        self.lock = threading.Lock()
        self.generation = 0

    def forked(self) -> None:
        """Nothing of the parent's engines is used in a child: their threads and locks did not come along."""
        self.made = {}
        self.lock = threading.Lock()
        self.generation += 1


_KERNELS = _Kernels()
os.register_at_fork(after_in_child=_KERNELS.forked)


def kernel_for(preset: Preset) -> Kernel:
    """The kernel of a preset. Raises: EngineFailed."""
    with _KERNELS.lock:
        kernel = _KERNELS.made.get(preset)
        if kernel is None:
            kernel = _KERNELS.made[preset] = Kernel(preset)
        return kernel


def generation() -> int:
    """Counts forks: what was made in another generation belongs to a parent's engine."""
    return _KERNELS.generation
