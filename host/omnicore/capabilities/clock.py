"""Time and random numbers for guests without WASI. Open to every plugin, as they are there."""

from __future__ import annotations

import time
from collections.abc import Mapping

from omnicore.capabilities.capability import PluginScope
from omnicore.errors import GuestFailed
from omnicore.sandbox.abi import HostCall, HostFunction, WasiGrant
from omnicore.sandbox.wasi.clocks import Clocks, random_source
from omnicore.sandbox.wasi.preview1 import WasiError
from omnicore.sandbox.wasm import FuncType

MOST_RANDOM_BYTES = 65_536
NAMES = ("clock_now_v1", "random_fill_v1")
"""Functions that guests import without asking: they need no grant."""
TYPES: Mapping[str, FuncType] = {
    "clock_now_v1": FuncType(("i32",), ("i64",)),
    "random_fill_v1": FuncType(("i64",), ("i64",)),
}


def functions(plugin: PluginScope, namespace: str) -> tuple[HostFunction, ...]:
    """Both functions for one plugin. Its grant for WASI freezes the clock and fixes the numbers here, too."""
    return clock_functions(plugin.wasi or WasiGrant(), namespace)


def clock_functions(grant: WasiGrant, namespace: str) -> tuple[HostFunction, ...]:
    """Both functions under a grant. Each call of `random_fill_v1` draws the next bytes of the seed's stream."""
    clocks = Clocks(wall_ns=time.time_ns, monotonic_ns=time.monotonic_ns, frozen_at_ns=grant.frozen_clock_ns)
    draw = random_source(grant.seed)

    def now(call: HostCall, clock: int) -> int:
        try:
            return clocks.read(clock)
        except WasiError as error:
            raise GuestFailed(f"there is no clock {clock}", remedy="use 0 for the wall, 1 for elapsed time") from error

    def fill(call: HostCall, length: int) -> int:
        if not 0 <= length <= MOST_RANDOM_BYTES:
            raise GuestFailed(f"{length} random bytes at once", remedy=f"ask for at most {MOST_RANDOM_BYTES}")
        return call.write(draw(length))

    clock_now, random_fill = NAMES
    return (
        HostFunction(namespace, clock_now, ("i32",), ("i64",), now),
        HostFunction(namespace, random_fill, ("i64",), ("i64",), fill),
    )
