"""The reference engine."""

from __future__ import annotations

import os
from collections.abc import Sequence

from omnicore.errors import LimitExceeded
from omnicore.sandbox.abi import Doors, Limits
from omnicore.sandbox.engine import Module
from omnicore.sandbox.reference.library import version
from omnicore.sandbox.reference.logs import LOGS
from omnicore.sandbox.reference.template import ReferenceTemplate

__all__ = ["ReferenceEngine"]


class ReferenceEngine:
    """`extism` as an engine: to compare with, or to run plugins that one trusts.

    What it cannot do, because the library does not: hostile modules can crash or hang it (forged block
    lengths, modules that import themselves, loops in start functions); a timeout or cancel of one instance
    may cut others of the same template, which then raise EngineFailed; compile time and table elements have
    no limit; `memory_bytes` counts what memories grow by; WASI output is not captured, and its descriptors,
    disk and sleeps are not bounded; where any plugin has a log door, all guests see the log level `trace`.

    Its HTTP follows redirects without asking which hosts are allowed, so it is never given any: a guest's
    `http_request` always fails here. The HTTP door `http_fetch_v1` works.
    """

    name = "extism"

    def __init__(self) -> None:
        # Otherwise the library keeps compiled code in ~/.cache, which nobody would check.
        os.environ.setdefault("EXTISM_CACHE_CONFIG", "")
        self.version = version()

    def load(self, modules: Sequence[Module], limits: Limits, doors: Doors) -> ReferenceTemplate:
        """See `omnicore.sandbox.engine.Engine.load`. Raises: InvalidSetting, too, for what it cannot do."""
        _check_sizes(modules, limits)
        if doors.log is not None:
            LOGS.start()
        return ReferenceTemplate(modules, limits, doors)


def _check_sizes(modules: Sequence[Module], limits: Limits) -> None:
    size = max(len(wasm) for _, wasm in modules)
    if size > limits.module_bytes:
        raise LimitExceeded(
            f"the module has {size} bytes, {limits.module_bytes} are allowed",
            remedy="make it smaller, or raise limits.module_bytes",
            limit="module_bytes",
            allowed=limits.module_bytes,
        )
