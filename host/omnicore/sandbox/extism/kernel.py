"""Engines with their kernel, one for each preset, and the thread that moves their epochs."""

from __future__ import annotations

import os
import threading
import time
from importlib import resources
from typing import Any

from omnicore.errors import EngineFailed
from omnicore.sandbox.abi import ValueType
from omnicore.sandbox.capi.code import CompiledModule, Preset, RawEngine, compile_module, text_to_binary
from omnicore.sandbox.capi.faults import take_error
from omnicore.sandbox.capi.library import Buffer, lib, tick

__all__ = ["KERNEL_TYPES", "NAMESPACE", "TICKER", "TICK_S", "GuestKernel", "Ticker", "generation", "kernel_for"]


TICK_S = 0.01
_LINGER = 50  # ticks without a running guest before the thread sleeps; waking it costs a call 20 us


class Ticker:
    """Ticks while `running` holds anything. `idle` says that the next call must `wake` it."""

    def __init__(self) -> None:
        self.running: set[Any] = set()
        self.engines: list[int] = []
        self._start_over()

    def _start_over(self) -> None:
        self.running.clear()
        self.idle = True
        self._started = False
        self._bell = threading.Event()
        self._lock = threading.Lock()

    def forked(self) -> None:
        """The thread did not come along into the child, nor do its engines' stores."""
        self.engines.clear()
        self._start_over()

    def wake(self) -> None:
        """Starts the thread, or ends its sleep."""
        with self._lock:
            self.idle = False
            if not self._started:
                self._started = True
                threading.Thread(target=self._run, name="omnicore-ticker", daemon=True).start()
            self._bell.set()

    def _run(self) -> None:
        quiet = 0
        while True:
            # Half the rate while calls end between looks: every tick takes the interpreter's lock from another thread.
            time.sleep(TICK_S if self.running else 2 * TICK_S)
            for engine in self.engines:
                tick(engine)
            quiet = 0 if self.running else quiet + 1
            if quiet >= _LINGER:
                self._rest()
                quiet = 0

    def _rest(self) -> None:
        with self._lock:
            self._bell.clear()
            self.idle = True
        # A call that began before it could see `idle` is in `running` by now.
        if self.running:
            self.idle = False
            return
        self._bell.wait()


TICKER = Ticker()
os.register_at_fork(after_in_child=TICKER.forked)


NAMESPACE = "extism:host/env"
_Kinds = tuple[ValueType, ...]
_H: _Kinds = ("i64",)

KERNEL_TYPES: dict[str, tuple[_Kinds, _Kinds]] = {
    "alloc": (_H, _H),
    "free": (_H, ()),
    "length": (_H, _H),
    "length_unsafe": (_H, _H),
    "load_u8": (_H, ("i32",)),
    "load_u64": (_H, _H),
    "store_u8": (("i64", "i32"), ()),
    "store_u64": (("i64", "i64"), ()),
    "input_offset": ((), _H),
    "input_length": ((), _H),
    "input_load_u8": (_H, ("i32",)),
    "input_load_u64": (_H, _H),
    "input_set": (("i64", "i64"), ()),
    "output_set": (("i64", "i64"), ()),
    "output_offset": ((), _H),
    "output_length": ((), _H),
    "error_set": (_H, ()),
    "error_get": ((), _H),
    "reset": ((), ()),
    "memory_bytes": ((), _H),
}
"""What the kernel exports to guests, with parameter and result types."""


class GuestKernel:
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
        self.made: dict[Preset, GuestKernel] = {}
        self.lock = threading.Lock()
        self.generation = 0

    def forked(self) -> None:
        """Nothing of the parent's engines is used in a child: their threads and locks did not come along."""
        self.made = {}
        self.lock = threading.Lock()
        self.generation += 1


_KERNELS = _Kernels()
os.register_at_fork(after_in_child=_KERNELS.forked)


def kernel_for(preset: Preset) -> GuestKernel:
    """The kernel of a preset. Raises: EngineFailed."""
    with _KERNELS.lock:
        kernel = _KERNELS.made.get(preset)
        if kernel is None:
            kernel = _KERNELS.made[preset] = GuestKernel(preset)
        return kernel


def generation() -> int:
    """Counts forks: what was made in another generation belongs to a parent's engine."""
    return _KERNELS.generation
