"""`OmniApp`: an application for programs without an event loop. It has one of its own, on a thread."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from queue import Empty, SimpleQueue
from time import monotonic
from types import FrameType, TracebackType
from typing import Any, Self, TypeVar

from omnicore.clock import Clock
from omnicore.core.bounded import Outcome
from omnicore.core.extensions import Extensions
from omnicore.core.kernel import Kernel
from omnicore.core.lifecycle import RuntimeContext, RuntimeState
from omnicore.errors import Conflict, ModuleFailed
from omnicore.events.bus import EventBus

_T = TypeVar("_T")
_LOOK_S = 0.25
_BLOCKED_S = 2.0  # how much later than its deadline a module may answer before the loop counts as blocked


class OmniApp:
    """An application: modules and native plugins with one life.

    ```python
    app = OmniApp("example-app")
    health = app.add_module(HealthModule())
    app.start()
    print(health.check())
    app.stop()
    ```

    `with app:` starts and stops it; `app.run()` goes on until Ctrl-C or SIGTERM. It works in a REPL and inside a
    running event loop, for its own loop lives on a thread; `omnicore.core.kernel.Kernel` is the same for programs
    that would rather await.

    Args: see `Kernel`.
    """

    def __init__(
        self,
        name: str,
        *,
        start_s: float = 30.0,
        stop_s: float = 10.0,
        extensions: Extensions | None = None,
        bus: EventBus | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._kernel = Kernel(
            name, start_s=start_s, stop_s=stop_s, extensions=extensions, bus=bus, clock=clock, face=self
        )
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._stopping = threading.Lock()
        # Its `put` may be called from a signal handler, unlike `Event.set`, which could wait for itself.
        self._news: SimpleQueue[str] = SimpleQueue()

    @property
    def name(self) -> str:
        """The name of the application."""
        return self._kernel.name

    @property
    def runtime(self) -> RuntimeContext:
        """Identity and uptime."""
        return self._kernel.runtime

    @property
    def state(self) -> RuntimeState:
        """The state of the application."""
        return self._kernel.state

    @property
    def modules(self) -> tuple[Any, ...]:
        """The modules, in the order in which they start."""
        return self._kernel.modules

    @property
    def bus(self) -> EventBus:
        """The events of the application."""
        return self._kernel.bus

    @property
    def host(self) -> Any:
        """The `omnicore.Host` of its `PluginsModule` while that runs, else None."""
        return self._kernel.host

    @property
    def kernel(self) -> Kernel:
        """The same application for code on its own event loop, such as modules."""
        return self._kernel

    def add_module(self, module: _T) -> _T:
        """Adds a module and returns it; see `Kernel.add_module`. Raises: Conflict, InvalidInput."""
        return self._kernel.add_module(module)

    def start(self) -> None:
        """Starts everything, and returns once it runs; see `Kernel.start`. Raises: ModuleFailed, Conflict."""
        self._kernel.begin()
        starting = self._launch()
        try:
            self._outcome(starting)
        except BaseException:  # Ctrl-C too: what has started is stopped before the error is raised again
            self._give_back(starting)
            self._end_loop()
            raise

    def stop(self) -> None:
        """Stops everything within its deadline; a second time, or before the start, does nothing.

        Raises:
            ModuleFailed: modules failed or were cut, after all others have stopped.
            Conflict: called on the application's own loop, which it would wait for; use `request_stop` there.
        """
        if threading.current_thread() is self._thread:
            raise Conflict("stop() would wait for itself here", remedy="call request_stop(), or await kernel.stop()")
        with self._stopping:
            if self.state in (RuntimeState.Uninitialized, RuntimeState.Stopped) or self._loop is None:
                return
            try:
                self._outcome(_carried(self._loop, self._kernel.stop()))
            finally:
                self._end_loop()
                self._news.put("stopped")

    def request_stop(self) -> None:
        """Ends `run`, from any thread, module or task."""
        self._news.put("asked")

    def pause(self) -> None:
        """Holds the work of modules that can; see `Kernel.pause`. Raises: Conflict, ModuleFailed."""
        self.wait(self._kernel.pause())

    def resume(self) -> None:
        """Goes on after `pause`. Raises: Conflict, ModuleFailed."""
        self.wait(self._kernel.resume())

    def wait(self, work: Coroutine[Any, Any, _T]) -> _T:
        """Runs a coroutine on the application's loop and returns its result. Raises: Conflict: it does not run."""
        if self._loop is None or threading.current_thread() is self._thread:
            work.close()
            raise Conflict(f"{self.name} has no loop to wait for here", remedy="start it first, or await instead")
        result: _T = self._outcome(_carried(self._loop, work))
        return result

    def run(self) -> None:
        """Starts, runs until SIGINT, SIGTERM or `request_stop`, and stops; a second signal ends the process at once.

        Signals reach only the main thread of a process; on another one `request_stop` is the way out.

        Raises: ModuleFailed: a module did not start, or did not stop well.
        """
        with _signals(lambda: self._news.put("signal")):
            self._kernel.begin()
            try:
                starting = self._launch()
                starting.add_done_callback(lambda _done: self._news.put("started"))
                news = self._next_news()
                if news != "started" and not starting.done():
                    self._give_back(starting)
                    return
                self._outcome(starting)
                while news == "started":
                    news = self._next_news()
                self.stop()
            finally:
                self._end_loop()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # -- the loop

    def _launch(self) -> Future[Outcome]:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=_serve, args=(self._loop,), name=f"{self.name}-loop", daemon=True)
        self._thread.start()
        return _carried(self._loop, self._kernel.bring_up())

    def _give_back(self, starting: Future[Outcome]) -> None:
        """Cancels a start in progress, and waits until what has started is stopped again."""
        if self._loop is not None and not starting.done():
            starting.cancel()
            with suppress(asyncio.CancelledError):
                self._outcome(starting)
        if self.state is RuntimeState.Running:  # the start was over before it could be cancelled
            self.stop()

    def _next_news(self) -> str:
        # Python runs handlers between two steps of the main thread only. A signal that comes as this begins to wait,
        # or is taken by another thread, would wait as long as this does, so it wakes up now and then.
        while True:
            with suppress(Empty):
                return self._news.get(timeout=_LOOK_S)

    def _outcome(self, future: Future[Outcome]) -> Any:
        """The result of work on the loop. Raises: its error; ModuleFailed: a module blocks the loop."""
        while True:
            try:
                outcome = future.result(_LOOK_S)
                break
            except TimeoutError:
                self._look()
        if outcome.error is not None:
            raise outcome.error
        return outcome.value

    def _look(self) -> None:
        """Raises: ModuleFailed: what the kernel waits for is long overdue, so its loop cannot be running."""
        doing = self._kernel.doing
        if doing is None or monotonic() < doing.due + _BLOCKED_S:
            return
        self._loop = None  # its thread is a daemon and cannot be ended
        self._kernel.give_up()
        raise ModuleFailed(
            f"{doing.name} of {self.name} blocks the event loop in {doing.phase}",
            remedy="let its coroutine await, or make it a plain function, which gets a thread",
            modules=[doing.name],
            phase=doing.phase,
        )

    def _end_loop(self) -> None:
        loop, self._loop = self._loop, None
        if loop is not None and self._thread is not None:
            with suppress(RuntimeError):  # it is closed already
                loop.call_soon_threadsafe(loop.stop)
            self._thread.join(_BLOCKED_S)


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        if left:  # one round to cancel them; tasks that swallow it are not waited for
            loop.run_until_complete(asyncio.wait(left, timeout=_LOOK_S))
        loop.run_until_complete(loop.shutdown_asyncgens())
    finally:
        loop.close()


class _Carried(Future[Outcome]):
    """The outcome of a task on another thread's loop; cancelling it cancels the task, whose end still counts."""

    task: asyncio.Task[None] | None = None

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._loop = loop

    def cancel(self) -> bool:
        self._loop.call_soon_threadsafe(lambda: self.task and self.task.cancel())
        return True


def _carried(loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, Any]) -> Future[Outcome]:
    """Runs a coroutine on a loop; its error comes back as a value, for SystemExit in a task would end the loop."""
    future = _Carried(loop)

    async def carry() -> None:
        try:
            outcome = Outcome(await work)
        except BaseException as error:
            outcome = Outcome(error=error)
        future.set_result(outcome)

    def begin() -> None:
        future.task = loop.create_task(carry())

    loop.call_soon_threadsafe(begin)
    return future


@contextmanager
def _signals(tell: Callable[[], None]) -> Iterator[None]:
    """Reports the first SIGINT or SIGTERM; the second has its usual effect."""
    seen = 0

    def handle(number: int, _frame: FrameType | None) -> None:
        nonlocal seen
        seen += 1
        if seen > 1:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        tell()

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)
