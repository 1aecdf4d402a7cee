"""One plugin of the C library behind the `Instance` protocol."""

from __future__ import annotations

import asyncio
import threading
import time
import uuid
from typing import TYPE_CHECKING, Any

from omnicore.errors import (
    Conflict,
    GuestFailed,
    InstanceBusy,
    InvalidInput,
    LimitExceeded,
    NotFound,
)
from omnicore.sandbox.abi import Usage
from omnicore.sandbox.reasons import cancelled, overtime
from omnicore.sandbox.reference.call import TURN, ReferenceCall, enter
from omnicore.sandbox.reference.failures import creation_failure, failure
from omnicore.sandbox.reference.library import NULL, ffi, lib, message
from omnicore.sandbox.reference.logs import LOGS

if TYPE_CHECKING:
    from omnicore.sandbox.reference.template import ReferenceTemplate

__all__ = ["ReferenceInstance"]


class ReferenceInstance:
    """See `omnicore.sandbox.engine.Instance`.

    The library arms its timer only for the call itself: initialisers that loop are not cut.

    Owns: the plugin, freed by `close`, or by the end of a call that is running then.
    """

    def __init__(self, template: ReferenceTemplate) -> None:
        self.healthy = True
        self._template = template
        self._limits = template.limits
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
        """Cuts the running call; others of the same template share its clock and may go too."""
        call = self._running
        if call is not None:
            call.cancelled = True
            lib.extism_plugin_cancel(self._cancel_handle)

    def usage(self) -> Usage:
        """What the last call used; the library tells nothing of fuel and memory."""
        return self._usage

    def close(self) -> None:
        """Frees the plugin, or has the running call do it."""
        self._closing = True
        if not self._lock.acquire(blocking=False):
            return
        try:
            plugin, self._plugin = self._plugin, None
            if plugin is not None:
                LOGS.forget(self._id)
                lib.extism_plugin_free(plugin)
                self._template.release()
        finally:
            self._lock.release()


def _plugin_id(plugin: Any) -> bytes:
    return str(uuid.UUID(bytes=bytes(ffi.unpack(lib.extism_plugin_id(plugin), 16)))).encode()
