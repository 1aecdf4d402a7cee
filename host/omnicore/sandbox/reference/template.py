"""A compiled plugin of the C library behind the `Template` protocol."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

from omnicore.sandbox.abi import Doors, Limits
from omnicore.sandbox.engine import Module
from omnicore.sandbox.inspect import FuncType, inspect
from omnicore.sandbox.reference.failures import creation_failure
from omnicore.sandbox.reference.functions import Callbacks
from omnicore.sandbox.reference.instance import ReferenceInstance
from omnicore.sandbox.reference.library import NULL, ffi, lib, manifest, message

__all__ = ["ReferenceTemplate"]


class ReferenceTemplate:
    """See `omnicore.sandbox.engine.Template`.

    The library links when it instantiates, so the first instance is made at once, to report what cannot be
    linked, and handed out first.

    Owns: the compiled plugin, freed when the template and all its instances are closed.
    """

    def __init__(self, modules: Sequence[Module], limits: Limits, doors: Doors) -> None:
        self.limits = limits
        self.doors = doors
        self.exports = _exports(modules)
        self._lock = threading.Lock()
        self._users = 1
        self._callbacks = Callbacks(doors.functions)
        try:
            self.compiled = _compile(manifest(modules, limits, doors), self._callbacks, limits, doors)
        finally:
            self._callbacks.release()
        self._spare: ReferenceInstance | None = None
        try:
            self._spare = self._make()
        except BaseException:
            self.release()
            raise

    def _make(self) -> ReferenceInstance:
        with self._lock:
            self._users += 1
        try:
            return ReferenceInstance(self)
        except BaseException:
            self.release()
            raise

    def instance(self, *, on_loop: bool = False) -> ReferenceInstance:
        """A new plugin; `on_loop` makes no difference here."""
        with self._lock:
            spare, self._spare = self._spare, None
        return spare or self._make()

    def close(self) -> None:
        """Frees the compiled plugin once no instance uses it; a second time does nothing."""
        with self._lock:
            spare, self._spare = self._spare, None
            closed, self.closed = self.closed, True
        if spare is not None:
            spare.close()
        if not closed:
            self.release()

    closed = False

    def release(self) -> None:
        """One user less; the last one frees."""
        with self._lock:
            self._users -= 1
            compiled, last = self.compiled, self._users == 0
            if last:
                self.compiled = NULL
        if last and compiled != NULL:
            lib.extism_compiled_plugin_free(compiled)


def _exports(modules: Sequence[Module]) -> tuple[str, ...]:
    main = next((wasm for name, wasm in modules if name == "main"), modules[-1][1])
    return tuple(
        export.name
        for export in inspect(main).exports
        if isinstance(export.type, FuncType) and not export.type.params and len(export.type.results) <= 1
    )


def _compile(described: bytes, callbacks: Callbacks, limits: Limits, doors: Doors) -> Any:
    error = ffi.new("char**")
    arguments = (described, len(described), callbacks.array, callbacks.count, doors.wasi is not None)
    if limits.fuel is None:
        compiled = lib.extism_compiled_plugin_new(*arguments, error)
    else:
        compiled = lib.extism_compiled_plugin_new_with_fuel_limit(*arguments, limits.fuel, error)
    if compiled == NULL:
        text = message(error[0])
        lib.extism_plugin_new_error_free(error[0])
        raise creation_failure(text, limits)
    return compiled
