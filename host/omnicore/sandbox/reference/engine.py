"""The reference engine: the `extism` package behind the protocol of engines."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
import time
import uuid
from collections import deque
from collections.abc import Sequence
from typing import Any

from omnicore.errors import (
    Conflict,
    EngineFailed,
    FuelExhausted,
    GuestFailed,
    GuestTrapped,
    InstanceBusy,
    InvalidInput,
    LimitExceeded,
    LinkFailed,
    MemoryExceeded,
    ModuleRejected,
    NotFound,
    OmniError,
)
from omnicore.sandbox.abi import Doors, Limits, Usage
from omnicore.sandbox.budget import BUDGET
from omnicore.sandbox.call import cancelled, overtime
from omnicore.sandbox.engine import Module
from omnicore.sandbox.inspect import FuncType, inspect
from omnicore.sandbox.reference.call import (
    LOGS,
    NULL,
    TURN,
    Callbacks,
    ReferenceCall,
    enter,
    ffi,
    lib,
    manifest,
    message,
    version,
)

_TRAP_CODE = 134
_TRAP_TEXT = "error while executing at wasm backtrace"
_FUEL = ("ran out of fuel", "all fuel consumed")
_LINK = (
    "unknown import",
    "incompatible",
    "Invalid function import",
    "Duplicate module name",
    "non-function exports",
)


def creation_failure(text: str, limits: Limits) -> OmniError:
    """The error of a plugin that could not be compiled or instantiated."""
    fact = text.removeprefix("Unable to compile Extism plugin: ").removeprefix("Unable to create Extism plugin: ")
    if any(part in fact for part in _FUEL):
        return _fuel(limits)
    if fact.endswith("oom"):
        return _memory(limits)
    if any(part in fact for part in _LINK):
        return LinkFailed(fact, remedy="provide the import, or build the plugin against this host")
    if "wasm trap" in fact:
        return GuestTrapped(fact, remedy="the plugin's start function has a bug", trap="error")
    return ModuleRejected(fact, remedy="rebuild the plugin")


def failure(text: str | None, code: int, call: ReferenceCall, limits: Limits) -> OmniError:
    """The error of a failed call: `text` is the library's error, None when there is only an exit code."""
    if text is None:
        return GuestFailed(f"Error code: {code}", remedy="see `omnicore plugins logs`", exit_code=code)
    if code == _TRAP_CODE or text.startswith(_TRAP_TEXT):
        return _trapped(text, call)
    if text == "timeout":
        return _cut(call)
    return _refused(text, limits)


def _trapped(text: str, call: ReferenceCall) -> OmniError:
    """After a trap: the library's words, or those the guest had set before it."""
    if text == "timeout":
        return _cut(call)
    if not text.startswith(_TRAP_TEXT):
        return GuestFailed(text)
    first, *frames = text.splitlines()
    return GuestTrapped(f"wasm trap: {first}", trap="error", backtrace=tuple(frame.strip() for frame in frames))


def _refused(text: str, limits: Limits) -> OmniError:
    if text.startswith("Function not found") or text.endswith("results, expected 0 or 1"):
        return NotFound(text, remedy="call a function that the plugin exports")
    if text == "oom":
        return _memory(limits)
    if any(part in text for part in _FUEL):
        return _fuel(limits)
    return GuestFailed(text or "the guest reported an error without a text")


def _cut(call: ReferenceCall) -> OmniError:
    if call.cancelled:
        return cancelled()
    # The library rounds to milliseconds and its timer is its own: a little early is still on time.
    if time.monotonic() >= call.deadline - 0.010:
        return overtime()
    return EngineFailed(
        "timeout: another instance of the plugin was cut and took this one with it",
        remedy="use the engine `omnicore`, whose instances are independent",
    )


def _memory(limits: Limits) -> MemoryExceeded:
    return MemoryExceeded(
        f"oom: the guest wanted more than {limits.memory_bytes} bytes",
        remedy="use less memory, or raise limits.memory_bytes",
        limit="memory_bytes",
        allowed=limits.memory_bytes,
    )


def _fuel(limits: Limits) -> FuelExhausted:
    return FuelExhausted(
        "plugin ran out of fuel: all fuel consumed",
        remedy="do less in one call, or raise limits.fuel",
        limit="fuel",
        allowed=limits.fuel,
    )


class ReferenceInstance:
    """See `omnicore.sandbox.engine.Instance`.

    The library arms its timer only for the call itself: initialisers that loop are not cut.

    Owns: the plugin, freed by `close`, or by the end of a call that is running then.
    """

    def __init__(self, template: ReferenceTemplate) -> None:
        self.healthy = True
        self.charged = 0
        self._template = template
        self._limits = template.limits
        self.kept_bytes = self._limits.memory_bytes  # the part in use is unknown
        self._lock = threading.Lock()
        self._usage = Usage()
        self._running: ReferenceCall | None = None
        self._closing = False
        self._plugin = self._create()
        self._cancel_handle = lib.extism_plugin_cancel_handle(self._plugin)
        self._id = _plugin_id(self._plugin)
        self._log = LOGS.register(self._id) if template.doors.log is not None else None

    def _create(self) -> Any:
        error = ffi.new("char**")
        call = ReferenceCall(self._limits)
        before = enter(call)
        try:
            plugin = lib.extism_plugin_new_from_compiled(self._template.compiled, error)
        finally:
            TURN.call = before
        if plugin == NULL:
            text = message(error[0])
            lib.extism_plugin_new_error_free(error[0])
            raise creation_failure(text, self._limits)
        if call.failure is not None:
            lib.extism_plugin_free(plugin)
            raise call.failure
        if self._template.doors.http_headers:
            lib.extism_plugin_allow_http_response_headers(plugin)
        return plugin

    def call(self, export: str, data: bytes, *, timeout_s: float | None = None, host_context: Any = None) -> bytes:
        """Runs an export on this thread. A `timeout_s` above the template's has no effect: that rules."""
        call = ReferenceCall(self._limits, timeout_s=timeout_s, host_context=host_context)
        return self._call(export, data, call)

    async def call_async(
        self, export: str, data: bytes, *, timeout_s: float | None = None, host_context: Any = None
    ) -> bytes:
        """Runs an export on another thread; cancelling cuts the call and waits for its end."""
        loop = asyncio.get_running_loop()
        call = ReferenceCall(self._limits, timeout_s=timeout_s, host_context=host_context, loop=loop)
        work = asyncio.ensure_future(asyncio.to_thread(self._call, export, data, call))
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            call.cancelled = True
            while not work.done():
                self.cancel()  # again and again: the library forgets one that comes before the guest runs
                await asyncio.wait((work,), timeout=0.01)
            work.exception()
            raise

    def _call(self, export: str, data: bytes, call: ReferenceCall) -> bytes:
        if len(data) > self._limits.input_bytes:
            raise InvalidInput(
                f"the input has {len(data)} bytes, {self._limits.input_bytes} are allowed",
                remedy="send less, or raise limits.input_bytes",
                limit="input_bytes",
                allowed=self._limits.input_bytes,
            )
        if not self._lock.acquire(blocking=False):
            raise InstanceBusy("the instance is in a call", remedy="use another instance")
        try:
            if self._plugin is None:
                raise Conflict("the instance is closed", remedy="make a new one")
            if not self.charged:
                BUDGET.admit(self, self._limits.memory_bytes, whole=True)
            return self._run(export, data, call)
        finally:
            self._lock.release()
            if self._closing:
                self.close()

    def _run(self, export: str, data: bytes, call: ReferenceCall) -> bytes:
        started = time.monotonic()
        timer = self._timer(call, started)
        before, self._running = enter(call), call
        try:
            code = lib.extism_plugin_call(self._plugin, export.encode(), data, len(data))
        finally:
            TURN.call, self._running = before, None
            if timer is not None:
                timer.cancel()
        self._usage = Usage(host_calls=self._limits.host_calls - call.calls_left)
        try:
            return self._conclude(code, call)
        except (NotFound, GuestFailed):
            raise
        except BaseException:
            self.healthy = False
            raise

    def _timer(self, call: ReferenceCall, started: float) -> threading.Timer | None:
        """Cuts a call whose deadline is before the one the manifest set."""
        left = call.deadline - started
        if left >= self._limits.timeout_s - 0.001:
            return None
        timer = threading.Timer(max(0.0, left), lib.extism_plugin_cancel, (self._cancel_handle,))
        timer.daemon = True
        timer.start()
        return timer

    def _conclude(self, code: int, call: ReferenceCall) -> bytes:
        if self._log is not None:
            LOGS.drain()
            self._log.deliver(self._template.doors, self._limits)
        if call.failure is not None:
            raise call.failure
        text = lib.extism_plugin_error(self._plugin)
        if text != NULL or code:
            raise failure(None if text == NULL else message(text), code, call, self._limits)
        if call.cancelled:
            raise cancelled()
        if time.monotonic() > call.deadline:
            raise overtime()  # the library does not look at the clock while a host function runs
        return self._output()

    def _output(self) -> bytes:
        # The length comes out of memory that guests can write to: it is checked before anything is read.
        length = lib.extism_plugin_output_length(self._plugin)
        if length > self._limits.output_bytes:
            raise LimitExceeded(
                f"the output has {length} bytes, {self._limits.output_bytes} are allowed",
                remedy="return less, or raise limits.output_bytes",
                limit="output_bytes",
                allowed=self._limits.output_bytes,
            )
        return bytes(ffi.buffer(lib.extism_plugin_output_data(self._plugin), length)) if length else b""

    def cancel(self) -> None:
        """Ends the running call; others of the same template share its clock and may end too."""
        call = self._running
        if call is not None:
            call.cancelled = True
            lib.extism_plugin_cancel(self._cancel_handle)

    def usage(self) -> Usage:
        """Resources that the last call used; the library does not report fuel and memory."""
        return self._usage

    def close(self) -> None:
        """Frees the plugin, or has the running call do it."""
        self._closing = True
        if not self._lock.acquire(blocking=False):
            return
        try:
            plugin, self._plugin = self._plugin, None
            if plugin is not None:
                BUDGET.charge(self, 0)
                _free(plugin, self._id, self._template)
        finally:
            self._lock.release()

    def __del__(self) -> None:
        # The collector may come while the library runs on this thread, so the next instance that is made frees it.
        plugin = getattr(self, "_plugin", None)
        if plugin is not None:
            self._plugin = None
            BUDGET.charge(self, 0)
            _DROPPED.append((plugin, self._id, self._template))


_DROPPED: deque[tuple[Any, bytes, ReferenceTemplate]] = deque()
"""Plugins of instances that were not closed, with their ids and templates."""


def _free_dropped() -> None:
    with contextlib.suppress(IndexError):  # another thread took the last one
        while _DROPPED:
            _free(*_DROPPED.popleft())


def _free(plugin: Any, plugin_id: bytes, template: ReferenceTemplate) -> None:
    LOGS.forget(plugin_id)
    lib.extism_plugin_free(plugin)
    template.release()


def _plugin_id(plugin: Any) -> bytes:
    return str(uuid.UUID(bytes=bytes(ffi.unpack(lib.extism_plugin_id(plugin), 16)))).encode()


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
        _free_dropped()
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
        # Otherwise the library keeps compiled code in ~/.cache, without any check.
        os.environ.setdefault("EXTISM_CACHE_CONFIG", "")
        self.version = version()

    def load(self, modules: Sequence[Module], limits: Limits, doors: Doors) -> ReferenceTemplate:
        """See `omnicore.sandbox.engine.Engine.load`. Raises: InvalidSetting, too, for what it cannot do."""
        _check_sizes(modules, limits)
        if doors.log is not None:
            LOGS.start()
        return ReferenceTemplate(modules, limits, doors)

    def close(self) -> None:
        """Does nothing: the library compiles in this process."""


def _check_sizes(modules: Sequence[Module], limits: Limits) -> None:
    size = max(len(wasm) for _, wasm in modules)
    if size > limits.module_bytes:
        raise LimitExceeded(
            f"the module has {size} bytes, {limits.module_bytes} are allowed",
            remedy="make it smaller, or raise limits.module_bytes",
            limit="module_bytes",
            allowed=limits.module_bytes,
        )
