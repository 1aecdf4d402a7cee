"""Native plugins: Python code in the host's own process, listed and called as sandboxed plugins are.

Plain functions run on daemon threads, coroutine functions on the host's loop. A running thread cannot be stopped: at
the deadline the caller gets an error and the thread is left to finish. The number of such threads is limited.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import threading
from collections import deque
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from contextvars import copy_context
from dataclasses import dataclass
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, get_type_hints

from omnicore.capabilities.capability import Grant
from omnicore.core.bounded import Outcome
from omnicore.errors import (
    CallCancelled,
    CapacityReached,
    Conflict,
    DeadlineExceeded,
    GuestFailed,
    InvalidInput,
    LimitExceeded,
    NotFound,
    OmniError,
    Unavailable,
)
from omnicore.plugins.catalogue import Serving
from omnicore.plugins.manifest import LIMITS, Manifest, effective_limits
from omnicore.plugins.schemas import BYTES_MEDIA, JSON_MEDIA, TEXT_MEDIA, FunctionSpec, problems_of_schema, write_path
from omnicore.plugins.view import PluginView, State
from omnicore.sandbox.abi import Limits, Usage

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping, Sequence

    from omnicore.clock import Clock
    from omnicore.core.extensions import Extension
    from omnicore.hookspecs import NativeFunction
    from omnicore.sandbox.engine import Instance
    from omnicore.storage.tables.plugins import NativeTable


_MOST_STUCK = 32
_LONGEST = 2_000


@dataclass(frozen=True, slots=True)
class NativeCode:
    """One function: what callers see of it, and the Python behind it."""

    spec: FunctionSpec
    call: Callable[..., Any]
    with_input: bool

    def bound(self, data: bytes) -> Callable[[], Any]:
        """The call, ready to be made. Raises: InvalidInput: the bytes are no value of its media type."""
        if not self.with_input:
            return self.call
        value = _read(data, self.spec)
        return lambda: self.call(value)


class NativeTemplate:
    """The functions of one native plugin. Owns: its idle threads, which end when it is closed.

    Args:
        loop: the host's loop, while that runs; coroutine functions are called on it.
    """

    def __init__(
        self,
        name: str,
        code: Mapping[str, NativeCode],
        limits: Limits,
        loop: Callable[[], asyncio.AbstractEventLoop | None],
    ) -> None:
        self.name = name
        self.limits = limits
        self.loop = loop
        self._code = code
        self._threads = _Threads(f"omnicore-native-{name}")

    @property
    def exports(self) -> Sequence[str]:
        """The names of the functions."""
        return tuple(self._code)

    def code(self, export: str) -> NativeCode:
        """One function. Raises: NotFound."""
        found = self._code.get(export)
        if found is None:
            raise NotFound(f"{self.name} has no function {export!r}", remedy="see `omnicore plugins show`")
        return found

    def on_thread(self, work: Callable[[], Any]) -> _Promise:
        """Runs work on a thread that nobody uses. Raises: CapacityReached: too many are stuck."""
        return self._threads.run(self.name, work)

    def left(self, promise: _Promise) -> None:
        """Says that nobody waits for a piece of work any more."""
        self._threads.leave(promise)

    def instance(self, *, on_loop: bool = False) -> Instance:
        """One call's worth of state; there is nothing to instantiate."""
        return _NativeInstance(self)

    def close(self) -> None:
        """Lets idle threads end."""
        self._threads.close()


class _NativeInstance:
    """A call of a Python function, or the room for one."""

    healthy = True
    kept_bytes = 0

    def __init__(self, template: NativeTemplate) -> None:
        self._template = template
        self._running: _Promise | None = None
        self._cut = threading.Event()

    def call(self, export: str, data: bytes, *, timeout_s: float | None = None, host_context: Any = None) -> bytes:
        """Runs a function; see `omnicore.sandbox.engine.Instance.call`."""
        code, seconds = self._prepared(export, data), self._seconds(timeout_s)
        if inspect.iscoroutinefunction(code.call) and _loop_here() is not None:
            raise Conflict(f"{self._template.name}.{export} is awaited here", remedy="call it with `await host.call`")
        self._running = self._begun(code, data)
        try:
            outcome = self._running.result(seconds)
        except TimeoutError:
            self._template.left(self._running)
            raise self._overdue(export, seconds) from None
        return self._written(code, outcome)

    async def call_async(
        self, export: str, data: bytes, *, timeout_s: float | None = None, host_context: Any = None
    ) -> bytes:
        """The same for a loop; cancelling it cancels a coroutine function and leaves a plain one behind."""
        code, seconds = self._prepared(export, data), self._seconds(timeout_s)
        self._running = self._begun(code, data)
        waiting = asyncio.wrap_future(self._running)
        try:
            await asyncio.wait((waiting,), timeout=seconds)
        except asyncio.CancelledError:
            self._leave(waiting)
            raise
        if not waiting.done():
            self._leave(waiting)
            raise self._overdue(export, seconds)
        return self._written(code, waiting.result())

    def cancel(self) -> None:
        """Tells whoever waits that the call was cut."""
        self._cut.set()
        running = self._running
        if running is not None and not running.done():
            self._template.left(running)
            _settle(running, Outcome(error=CallCancelled("the call was cancelled")))

    def usage(self) -> Usage:
        """Nothing is measured."""
        return Usage()

    def close(self) -> None:
        """Has nothing to free."""

    def _leave(self, waiting: asyncio.Future[Outcome]) -> None:
        if self._running is not None:
            self._template.left(self._running)
        waiting.cancel()  # or the thread would tell a loop that may be closed by then

    def _prepared(self, export: str, data: bytes) -> NativeCode:
        if self._cut.is_set():
            raise CallCancelled("the call was cancelled before it began")
        most = self._template.limits.input_bytes
        if len(data) > most:
            raise InvalidInput(
                f"the input has {len(data)} bytes, more than the {most} that {self._template.name} takes",
                remedy="send less, or raise limits.input_bytes",
                limit="input_bytes",
                allowed=most,
            )
        return self._template.code(export)

    def _seconds(self, timeout_s: float | None) -> float:
        return self._template.limits.timeout_s if timeout_s is None else timeout_s

    def _begun(self, code: NativeCode, data: bytes) -> _Promise:
        work, loop = code.bound(data), self._template.loop()
        if not inspect.iscoroutinefunction(code.call):
            return self._template.on_thread(work)
        if loop is None:  # a host without a loop of its own: each call gets one
            return self._template.on_thread(lambda: asyncio.run(work()))
        return _on_loop(loop, work)

    def _written(self, code: NativeCode, outcome: Outcome) -> bytes:
        ref = f"{self._template.name}.{code.spec.name}"
        if isinstance(outcome.error, OmniError):
            raise outcome.error
        if outcome.error is not None:
            error = outcome.error
            raise GuestFailed(f"{ref} failed: {type(error).__name__}: {error}"[:_LONGEST]) from error
        output, most = _write(outcome.value, code.spec, ref), self._template.limits.output_bytes
        if len(output) > most:
            raise LimitExceeded(
                f"{ref} gave {len(output)} bytes, more than the {most} it may",
                remedy="raise limits.output_bytes",
                limit="output_bytes",
                allowed=most,
            )
        return output

    def _overdue(self, export: str, seconds: float) -> DeadlineExceeded:
        return DeadlineExceeded(
            f"{self._template.name}.{export} did not end within {seconds:g} s",
            remedy="give it longer; Python on a thread cannot be cut, so it may still be running",
            limit="timeout_s",
            allowed=seconds,
        )


class _Promise(Future[Outcome]):
    """The outcome of a call: of a `task` on a loop, or of a thread, which has `ended` even if nobody waited."""

    task: asyncio.Task[None] | None = None
    ended = False


class _Threads:
    """Daemon threads that are used again; those whose work nobody waits for any more are counted until they end."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._idle: deque[SimpleQueue[Any]] = deque()
        self._left: set[_Promise] = set()
        self._closed = False
        self._lock = threading.Lock()

    def run(self, plugin: str, work: Callable[[], Any]) -> _Promise:
        with self._lock:
            if len(self._left) >= _MOST_STUCK:
                raise CapacityReached(
                    f"{len(self._left)} calls of {plugin} did not end in time and still run",
                    remedy="correct the plugin, and start the host again",
                )
            orders = self._idle.pop() if self._idle else None
        promise = _Promise()
        if orders is None:
            orders = SimpleQueue()
            threading.Thread(target=self._serve, args=(orders,), name=self._name, daemon=True).start()
        orders.put((copy_context(), work, promise))
        return promise

    def leave(self, promise: _Promise) -> None:
        if promise.task is not None:
            promise.task.get_loop().call_soon_threadsafe(promise.task.cancel)
            return
        with self._lock:
            if not promise.ended:
                self._left.add(promise)

    def close(self) -> None:
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, deque()
        for orders in idle:
            orders.put(None)

    def _serve(self, orders: SimpleQueue[Any]) -> None:
        while (order := orders.get()) is not None:
            context, work, promise = order
            try:
                outcome = Outcome(context.run(work))
            except BaseException as error:
                outcome = Outcome(error=error)
            with self._lock:
                promise.ended = True
                self._left.discard(promise)
                if self._closed:
                    orders.put(None)
                else:
                    self._idle.append(orders)
            _settle(promise, outcome)
            del order, context, work, promise, outcome


def _on_loop(loop: asyncio.AbstractEventLoop, work: Callable[[], Coroutine[Any, Any, Any]]) -> _Promise:
    """Runs a coroutine on the host's loop, in the caller's context. Raises: Conflict: that loop waits for itself."""
    promise, context = _Promise(), copy_context()

    async def carry() -> None:
        try:
            outcome = Outcome(await work())
        except BaseException as error:
            outcome = Outcome(error=error)
        _settle(promise, outcome)

    def begin() -> None:
        promise.task = loop.create_task(carry(), context=context)

    try:
        loop.call_soon_threadsafe(begin)
    except RuntimeError as cause:
        raise Conflict("the host's loop is closed", remedy="call while the host runs") from cause
    return promise


def _settle(promise: Future[Outcome], outcome: Outcome) -> None:
    with suppress(InvalidStateError):  # somebody was first: a cut and an end at the same moment
        promise.set_result(outcome)


def _loop_here() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def takes_input(call: Callable[..., Any]) -> bool:
    """True when a function has a parameter for its input. Raises: ValueError: it has more parameters."""
    places = [
        one
        for one in inspect.signature(call).parameters.values()
        if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)
    ]
    if sum(one.default is one.empty for one in places) > 1:
        raise ValueError(f"{getattr(call, '__name__', call)} takes {len(places)} arguments, but gets one: its input")
    return bool(places)


def _read(data: bytes, spec: FunctionSpec) -> Any:
    try:
        if spec.input_media == JSON_MEDIA:
            return json.loads(data) if data else None
        return data.decode() if spec.input_media == TEXT_MEDIA else data
    except (ValueError, RecursionError) as error:
        raise InvalidInput(
            f"the input is no {spec.input_media}: {error}", remedy="send what the function takes"
        ) from error


def _write(value: Any, spec: FunctionSpec, ref: str) -> bytes:
    if spec.output_media == JSON_MEDIA:
        try:
            return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
        except (TypeError, ValueError, RecursionError) as error:
            raise GuestFailed(f"{ref} gave no JSON value: {error}", remedy="return what JSON has") from error
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass" if spec.output_media != TEXT_MEDIA else "strict")
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value)
    if value is None:
        return b""
    raise GuestFailed(f"{ref} gave {type(value).__name__}, neither text nor bytes", remedy="return str or bytes")


_MEDIA: Mapping[Any, str] = {str: TEXT_MEDIA, bytes: BYTES_MEDIA}
_SCHEMA_S = 1.0
_HOLD = ("timeout_s", "input_bytes", "output_bytes")  # the limits that hold without a sandbox


@dataclass(slots=True)
class NativePlugin:
    """One native plugin as the host knows it. `problem` is its own; `quarantine` that it failed too often."""

    name: str
    extension: Extension
    manifest: Manifest
    code: Mapping[str, NativeCode]
    problem: str = ""
    quarantine: str = ""
    last_error: Mapping[str, Any] | None = None


class NativePlugins:
    """The native plugins of a host, next to those of its folder.

    A name belongs to whoever had it first: a usable file keeps its name when a package comes along, and a package
    that is in use keeps it when a file does. The other one is listed with the reason.

    Args:
        limits: the defaults, and the most; a native function has the longest time there is.
        taken: says which file has a name, or None.
    """

    def __init__(
        self,
        extensions: Sequence[Extension],
        table: NativeTable,
        clock: Clock,
        *,
        limits: tuple[Limits, Limits],
        taken: Callable[[str], str | None],
    ) -> None:
        self.loop: asyncio.AbstractEventLoop | None = None
        self._table, self._clock, self._limits, self._taken = table, clock, limits, taken
        self._plugins: dict[str, NativePlugin] = {}
        for extension in extensions:
            name = extension.name
            while name in self._plugins:  # the second of two of one name, which is not used
                name = _shadow(name)
            self._plugins[name] = _plugin(name, extension, limits[1].timeout_s)

    def __len__(self) -> int:
        return len(self._plugins)

    def find(self, name: str) -> NativePlugin | None:
        """The plugin that is listed under a name."""
        plugin = self._plugins.get(name)
        if plugin is not None:
            return None if self._taken(name) else plugin
        own = name.removeprefix(_SHADOW)
        return self._plugins.get(own) if own != name and self._taken(own) else None

    def claim(self, name: str) -> str | None:
        """The owner of a name that a file claims, or None."""
        plugin = self.find(name)
        return (
            f"the native plugin {plugin.extension.where}" if plugin is not None and not self._problem(plugin) else None
        )

    def names(self) -> Sequence[str]:
        """The names they claim."""
        return tuple(self._plugins)

    def views(self) -> list[PluginView]:
        """Every native plugin, those that cannot be used among them."""
        return [self.view(plugin) for plugin in self._plugins.values()]

    def view(self, plugin: NativePlugin) -> PluginView:
        """One of them as people are shown it."""
        state, reason = self._standing(plugin)
        return PluginView(
            name=self._listed(plugin),
            version=plugin.manifest.version,
            description=plugin.manifest.description,
            author="",
            hash=None,
            serving="native" if state in ("enabled", "quarantined") else None,
            state=state,
            reason=reason,
            functions=plugin.manifest.functions,
            asked=(),
            granted=(),
            limits={name: getattr(effective_limits(plugin.manifest.limits, *self._limits), name) for name in _HOLD},
            config=None,
            last_error=plugin.last_error,
            path=plugin.extension.where,
            trust="native",
        )

    def serving(self, plugin: NativePlugin) -> Serving | None:
        """The version that answers its calls; None while it is disabled or unusable."""
        if self._standing(plugin)[0] not in ("enabled", "quarantined"):
            return None
        limits = effective_limits(plugin.manifest.limits, *self._limits)
        name = plugin.name
        return Serving(
            name,
            "native",
            plugin.manifest,
            own_limits(plugin.manifest),
            bool(plugin.quarantine),
            load=lambda: NativeTemplate(name, plugin.code, limits, self._running_loop),
        )

    def switch(self, plugin: NativePlugin, *, on: bool) -> None:
        """Switches it on, which ends a quarantine, or off; for every process on the same data."""
        self._table.switch(plugin.name, on=on, at=self._clock.now())
        plugin.quarantine = ""

    def failed(self, plugin: NativePlugin, error: OmniError) -> None:
        """Keeps its last failure."""
        plugin.last_error = {**error.to_json(), "at": self._clock.now()}

    def refusal(self, plugin: NativePlugin) -> Unavailable:
        """Why it does not answer."""
        state, reason = self._standing(plugin)
        name = self._listed(plugin)
        remedy = f"run `omnicore plugins enable {name}`" if state == "disabled" else "correct or uninstall its package"
        return Unavailable(f"{name} is {state}: {reason}", remedy=remedy, plugin=name)

    def _standing(self, plugin: NativePlugin) -> tuple[State, str]:
        problem = self._problem(plugin)
        if problem:
            return "rejected", problem
        if self._table.switched_off(plugin.name):
            return "disabled", "switched off"
        return ("quarantined", plugin.quarantine) if plugin.quarantine else ("enabled", "")

    def _problem(self, plugin: NativePlugin) -> str:
        problem = plugin.problem or plugin.extension.problem
        owner = None if problem else self._taken(plugin.name)
        return problem or (f"its name {plugin.name} is taken by {owner}" if owner else "")

    def _listed(self, plugin: NativePlugin) -> str:
        return _shadow(plugin.name) if self._taken(plugin.name) else plugin.name

    def _running_loop(self) -> asyncio.AbstractEventLoop | None:
        return self.loop if self.loop is not None and self.loop.is_running() else None


_SHADOW = "native:"  # names of plugins have no colon, so this meets none


def own_limits(manifest: Manifest) -> tuple[Grant, ...]:
    """The grant of a native plugin's own limits: it is trusted, so that nobody is asked."""
    return (Grant(LIMITS, manifest.limits or {}, "omnicore", 0.0),)


def _shadow(name: str) -> str:
    return f"{_SHADOW}{name}"


def _plugin(name: str, extension: Extension, timeout_s: float) -> NativePlugin:
    problem, code = extension.problem, {}
    if not problem:
        try:
            code = {name: _code(name, function) for name, function in extension.functions.items()}
        except (ValueError, TypeError) as error:
            problem = f"its functions cannot be used: {error}"
    manifest = Manifest(
        name,
        version=extension.version,
        description=extension.description,
        functions=tuple(one.spec for one in code.values()),
        limits={"timeout_s": timeout_s},
    )
    return NativePlugin(name, extension, manifest, code, problem)


def _code(name: str, function: NativeFunction) -> NativeCode:
    hints: dict[str, Any] = {}
    with suppress(Exception):  # annotations that name what cannot be found say nothing
        hints = get_type_hints(function.call)
    returned = hints.pop("return", Any)
    taken = next(iter(hints.values()), Any)
    spec = FunctionSpec(
        name,
        function.description or inspect.cleandoc(function.call.__doc__ or "").partition("\n")[0][:300],
        _schema(name, "input", function.input),
        _schema(name, "output", function.output),
        function.input_media or (JSON_MEDIA if function.input is not None else _MEDIA.get(taken, JSON_MEDIA)),
        function.output_media or (JSON_MEDIA if function.output is not None else _MEDIA.get(returned, JSON_MEDIA)),
    )
    return NativeCode(spec, function.call, takes_input(function.call))


def _schema(name: str, side: str, schema: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """The schema itself. Raises: ValueError: it cannot be used."""
    if schema is not None:
        for path, problem in problems_of_schema(schema, timeout_s=_SCHEMA_S):
            raise ValueError(f"the {side} schema of {name}: {write_path(path) or 'it'} {problem}")
    return schema
