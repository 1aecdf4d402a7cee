"""A module in a sandbox without any door: for what is run while it is built, measured or looked at."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from omnicore.config.settings import LARGEST_LIMITS
from omnicore.errors import PermissionDenied
from omnicore.sandbox.abi import Doors, HostFunction, Limits, ValueType, WasiGrant
from omnicore.sandbox.engine import Template
from omnicore.sandbox.extism.engine import ExtismEngine
from omnicore.sandbox.inspect import FuncType, Import, ModuleInfo, inspect

__all__ = ["WASI", "sealed"]

WASI = frozenset({"wasi_snapshot_preview1", "wasi_unstable"})
_SERVED = frozenset({"extism:host/env", *WASI})
_PLAIN = frozenset({"i32", "i64", "f32", "f64"})


def sealed(wasm: bytes, *, limits: Limits = LARGEST_LIMITS, cache: Path | None = None) -> Template:
    """The module, compiled; all it imports from elsewhere than the ABI and WASI refuses when it is called.

    Raises: ModuleRejected, LinkFailed, LimitExceeded: see `omnicore.sandbox.engine.Engine.load`.
    """
    info = inspect(wasm)
    wasi = WasiGrant() if any(item.module in WASI for item in info.imports) else None
    doors = Doors(functions=tuple(map(_refusing, _foreign(info))), wasi=wasi, log_level=None)
    return ExtismEngine(cache, instances=8).load([("main", wasm)], limits, doors)


def _foreign(info: ModuleInfo) -> list[Import]:
    return [
        item
        for item in info.imports
        if item.module not in _SERVED and isinstance(item.type, FuncType) and _PLAIN.issuperset(_types(item.type))
    ]


def _types(kind: FuncType) -> tuple[str, ...]:
    return kind.params + kind.results


def _refusing(item: Import) -> HostFunction:
    kind = cast(FuncType, item.type)
    params, results = (cast("tuple[ValueType, ...]", part) for part in (kind.params, kind.results))
    return HostFunction(item.module, item.name, params, results, _refusal(item.name))


def _refusal(name: str) -> Callable[..., Any]:
    def refuse(*_arguments: Any) -> Any:
        raise PermissionDenied(f"{name} cannot be called here", remedy="call it from a function, not at the start")

    return refuse
