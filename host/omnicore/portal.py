"""The blocking host: every service of a host for programs without an event loop, and the loop they run on.

The services live on a loop of their own, on a thread. Where a method of a service is asynchronous, the method of its
twin waits. Async iterators become iterators, async context managers become context managers.
"""

from __future__ import annotations

import asyncio
import atexit
import inspect
import sys
import threading
import warnings
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Future
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar, overload

from omnicore.errors import Conflict, Unavailable

if TYPE_CHECKING:
    from omnicore.blocking_types import Services
    from omnicore.resilience.health import HealthReport
else:
    Services = object


_T = TypeVar("_T")
NEVER_CLOSED = "a host was never closed; open it with `with Host(...)` or `async with Host(...)`"
_END = object()
_DEPTH = 4  # of services inside services


class BlockingHost(Services):
    """A host for programs without an event loop: every service of `Host`, and nothing to await.

    ```python
    with Host(plugins="plugins/") as host:
        host.memory.store("the customer prefers short answers", MemoryTier.Strategic)
        run = host.workflows.run("report")
    ```

    `call` runs on the caller's thread; all else that takes time runs on the host's loop. Usable from any thread that
    runs no event loop. Ctrl-C ends what the main thread waits for.

    Attributes:
        host: the host itself, for code that runs on its loop.

    Raises: what entering a `Host` raises.
    """

    def __init__(self, host: Any) -> None:
        self.host = host
        self._portal = Portal()
        self._closing = threading.Lock()
        try:
            asyncio.run_coroutine_threadsafe(host.__aenter__(), self._portal.loop).result()
        except BaseException:
            self._portal.close()
            raise
        _open[self._portal] = host
        self.settings = host.settings
        self._call = host.plugins.calls.call_blocking

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name == "host":
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return self._portal.adapt(getattr(self.host, name))

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *dir(self.host)})

    def call(self, ref: str, data: Any = b"", *, timeout_s: float | None = None, host_context: Any = None) -> Any:
        """Calls a function; see `omnicore.plugins.host.PluginHost.call_blocking`."""
        return self._call(ref, data, timeout_s=timeout_s, host_context=host_context)

    def check_health(self) -> HealthReport:
        """The health of all parts, checked until each failing part has failed often enough to count."""
        report: HealthReport = self.health.check()
        for _ in range(self.settings.health.unhealthy_after - 1):
            if not any(part.consecutive_failures for part in self.health.subsystems()):
                break
            report = self.health.check()
        return report

    @overload
    def wait(self, work: Awaitable[_T] | Callable[[], Awaitable[_T]]) -> _T: ...

    @overload
    def wait(self, work: _T) -> _T: ...

    def wait(self, work: Any) -> Any:
        """The result of a coroutine, coroutine function or handle, run on the host's loop; else the value itself."""
        work = real(work)
        if inspect.iscoroutinefunction(work):
            return self._portal.adapt(self._portal.run(work))
        return self._portal.outcome(awaited(work)) if inspect.isawaitable(work) else work

    def asgi(self, *, whole: bool = True) -> Any:
        """The REST API as an ASGI application, for a server on any loop; it runs on the host's own."""
        return _Bridge(self.host.asgi(whole=whole), self._portal)

    def close(self) -> None:
        """Waits for running calls and frees everything; closing again does nothing."""
        with self._closing:
            _close(self._portal)

    def __del__(self) -> None:
        portal = self.__dict__.get("_portal")
        if portal is not None and portal.open:
            warnings.warn(NEVER_CLOSED, ResourceWarning, stacklevel=2, source=self)


_open: dict[Portal, Any] = {}
"""The hosts that are open, by their portals."""


def _close(portal: Portal) -> None:
    host = _open.pop(portal, None)
    if host is None:
        return
    try:
        asyncio.run_coroutine_threadsafe(host.__aexit__(None, None, None), portal.loop).result()
    finally:
        portal.close()


def _close_all() -> None:
    for portal in [one for one in _open if one.alive]:
        _close(portal)
        warnings.warn(NEVER_CLOSED, ResourceWarning, stacklevel=2)


# `atexit` comes too late: by then no host can start a thread, and closing one takes threads. Python has no public way.
getattr(threading, "_register_atexit", atexit.register)(_close_all)


class Portal:
    """The loop of a host, on a thread of its own, and the way to it from other threads."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name="omnicore-host", daemon=True)
        self._thread.start()
        self.open = True

    @property
    def here(self) -> bool:
        """True on the thread of the loop."""
        return threading.current_thread() is self._thread

    @property
    def alive(self) -> bool:
        """True while its thread runs, which it does not in a forked process."""
        return self._thread.is_alive()

    def check(self) -> None:
        """Raises: Unavailable: the host is closed."""
        if not self.open:
            raise Unavailable("the host is closed", remedy="call it inside the `with Host(...)` block")

    def run(self, work: Awaitable[Any] | Callable[[], Awaitable[Any]]) -> Any:
        """The result of an awaitable, run on the loop. Ctrl-C cancels it.

        A function is called on the loop: no Ctrl-C can come between a coroutine's making and its first step.

        Raises: Unavailable: the host is closed; Conflict: this thread runs an event loop, which it would stop.
        """
        try:
            self.check()
            if _loop_runs():
                raise Conflict(
                    "a blocking host was used on a running event loop, which would stop until it answers",
                    remedy="use `async with Host(...)`, or wrap the call in `asyncio.to_thread`",
                )
        except BaseException:
            if inspect.iscoroutine(work):
                work.close()
            raise
        given = _Given(self.loop, work)
        try:
            self.loop.call_soon_threadsafe(given.begin)
            return given.outcome.result()
        except BaseException:  # Ctrl-C comes at any moment
            with suppress(RuntimeError):  # the loop ended meanwhile
                self.loop.call_soon_threadsafe(given.give_up)
            raise

    def on_loop(self, work: Callable[[], Any]) -> Any:
        """The result of a plain function, called on the loop."""

        async def called() -> Any:
            return work()

        return work() if self.here else self.run(called)

    def outcome(self, result: Any) -> Any:
        """The result of a method, awaited where it must be. On the loop's own thread the caller awaits it."""
        if self.here:
            return result
        if inspect.iscoroutine(result):
            result = self.run(result)
        return self.adapt(result)

    def adapt(self, value: Any) -> Any:
        """The value itself, or its twin where parts of it must be awaited."""
        if inspect.isroutine(value):
            return self._method(value)
        if type(value) in (list, tuple) and any(_needs_twin(one) for one in value):
            return type(value)(self.adapt(one) for one in value)
        return Twin(value, self) if _needs_twin(value) else value

    def close(self) -> None:
        """Ends the loop and its thread."""
        self.open = False
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()

    def _method(self, method: Callable[..., Any]) -> Callable[..., Any]:
        # Handles belong to the loop: their plain methods change futures, which only the loop's thread may do.
        bound_to_loop = _belongs_to_loop(_kind(getattr(method, "__self__", None)))

        def blocking(*given: Any, **named: Any) -> Any:
            self.check()
            given = tuple(map(real, given))
            named = {name: real(value) for name, value in named.items()}
            if bound_to_loop and not self.here and not inspect.iscoroutinefunction(method):
                return self.outcome(self.on_loop(lambda: method(*given, **named)))
            if inspect.iscoroutinefunction(method) and not self.here:
                return self.adapt(self.run(lambda: method(*given, **named)))
            return self.outcome(method(*given, **named))

        blocking.__name__, blocking.__doc__ = getattr(method, "__name__", "call"), method.__doc__
        return blocking


class _Given:
    """Work that another thread gives a loop and waits for."""

    def __init__(self, loop: asyncio.AbstractEventLoop, work: Awaitable[Any] | Callable[[], Awaitable[Any]]) -> None:
        self.outcome: Future[Any] = Future()
        self._loop, self._work, self._over = loop, work, False
        self._task: asyncio.Task[Any] | None = None

    def begin(self) -> None:
        if not self._over:
            self._task = self._loop.create_task(self._carried())
            self._task.add_done_callback(self._tell)

    def give_up(self) -> None:
        self._over = True
        if self._task is None:
            self._drop()
        else:
            self._task.cancel()

    async def _carried(self) -> Any:
        return await (self._work() if callable(self._work) else self._work)

    def _tell(self, task: asyncio.Task[Any]) -> None:
        if task.cancelled():
            self._drop()
            self.outcome.cancel()
        elif (error := task.exception()) is not None:
            self.outcome.set_exception(error)
        else:
            self.outcome.set_result(task.result())

    def _drop(self) -> None:
        if inspect.iscoroutine(self._work):
            self._work.close()  # it may never have begun


class Twin:
    """A service, handle or subscription of a host, to be used without awaiting.

    It is an instance of the class it replaces. On the host's own loop its methods are those of the original.
    """

    __slots__ = ("__weakref__", "_portal", "_value")

    def __init__(self, value: Any, portal: Portal) -> None:
        object.__setattr__(self, "_value", value)
        object.__setattr__(self, "_portal", portal)

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        return type(self._value)

    def __getattr__(self, name: str) -> Any:
        if name == "wait" and _is_awaitable(_kind(self._value)):
            return lambda: self._portal.outcome(awaited(self._value))
        return self._portal.adapt(getattr(self._value, name))

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._value, name, real(value))

    def __dir__(self) -> list[str]:
        return dir(self._value)

    def __repr__(self) -> str:
        return repr(self._value)

    def __eq__(self, other: object) -> bool:
        return bool(self._value == real(other))

    def __hash__(self) -> int:
        return hash(self._value)

    def __len__(self) -> int:
        return len(self._value)

    def __bool__(self) -> bool:
        return bool(self._value)

    def __contains__(self, item: object) -> bool:
        return item in self._value

    def __getitem__(self, key: Any) -> Any:
        return self._portal.adapt(self._value[key])

    def __call__(self, *given: Any, **named: Any) -> Any:
        return self._portal._method(self._value)(*given, **named)

    def __await__(self) -> Any:
        return self._value.__await__()  # on the host's own loop

    def __aiter__(self) -> Any:
        return self._value.__aiter__()

    def __iter__(self) -> Iterator[Any]:
        if hasattr(self._value, "__aiter__"):
            return _items(self._value, self._portal)
        return (self._portal.adapt(one) for one in self._value)

    def __enter__(self) -> Any:
        if hasattr(self._value, "__aenter__"):
            return self._portal.adapt(self._portal.run(self._value.__aenter__()))
        entered = self._value.__enter__()
        return self if entered is self._value else self._portal.adapt(entered)

    def __exit__(self, *error: Any) -> Any:
        if hasattr(self._value, "__aexit__"):
            return self._portal.run(self._value.__aexit__(*error))
        return self._value.__exit__(*error)


class _Bridge:
    """An ASGI application that runs on another loop than its server's."""

    def __init__(self, app: Any, portal: Portal) -> None:
        self._app, self._portal = app, portal

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self._portal.check()
        theirs = asyncio.get_running_loop()

        async def received() -> Any:
            return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(receive(), theirs))

        async def sent(message: Any) -> None:
            await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(send(message), theirs))

        work = asyncio.run_coroutine_threadsafe(self._app(scope, received, sent), self._portal.loop)
        await asyncio.wrap_future(work)


async def awaited(value: Any) -> Any:
    """The value of an awaitable, as a coroutine."""
    return await value


async def _next(stream: Any) -> Any:
    return await anext(stream, _END)


def _items(source: Any, portal: Portal) -> Iterator[Any]:
    stream = portal.on_loop(source.__aiter__)
    try:
        while (item := portal.run(_next(stream))) is not _END:
            yield portal.adapt(item)
    finally:
        close = getattr(stream, "aclose", None)
        if close is not None and portal.open:
            with suppress(Conflict):
                portal.run(close())


def real(value: Any) -> Any:
    """The object behind a twin; any other value as it is."""
    return object.__getattribute__(value, "_value") if type(value) is Twin else value


def _loop_runs() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


@cache
def _is_awaitable(kind: type) -> bool:
    return hasattr(kind, "__await__")


@cache
def _belongs_to_loop(kind: type) -> bool:
    return any(hasattr(kind, name) for name in ("__await__", "__aiter__", "__aenter__"))


@cache
def _is_asynchronous(kind: type) -> bool:
    """True when values of a class have parts that are to be awaited."""
    if _belongs_to_loop(kind):
        return True
    if not kind.__module__.startswith("omnicore"):
        return False
    names = vars(sys.modules[kind.__module__])
    for name in dir(kind):
        member = getattr(kind, name, None) if not name.startswith("_") else None
        if not inspect.isfunction(member):
            continue
        plain = inspect.unwrap(member)
        if inspect.iscoroutinefunction(plain) or inspect.isasyncgenfunction(plain):
            return True
        returned = names.get(str(plain.__annotations__.get("return")))
        if isinstance(returned, type) and returned is not kind and _belongs_to_loop(returned):
            return True
    return False


def _kind(value: Any) -> Any:
    return type(value)


def _needs_twin(value: Any, depth: int = _DEPTH) -> bool:
    kind = _kind(value)
    if kind is Twin or isinstance(value, type):
        return False
    if _is_asynchronous(kind):
        return True
    if not kind.__module__.startswith("omnicore") or depth == 0 or hasattr(kind, "__dataclass_fields__"):
        return False
    members = getattr(value, "__dict__", {})
    return any(_needs_twin(one, depth - 1) for name, one in members.items() if not name.startswith("_"))
