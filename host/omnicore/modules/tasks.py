"""`TasksModule`: work in the background of an application."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from omnicore.errors import Conflict
from omnicore.runtime.tasks import TaskEngine


class TasksModule:
    """Jobs of the application's own, and stored tasks of its plugins.

    ```python
    tasks = app.add_module(TasksModule(workers=2))
    with app:
        tasks.submit(job, "argument").result()        # a coroutine function or a plain one, in memory
        tasks.submit("mailer.send", {"to": "ada"})    # a plugin's function, stored: needs a PluginsModule
    ```

    `stop` lets everything that was submitted finish, as long as the application's `stop_s` allows. Stored tasks
    that are cut are taken up again at the next start.
    """

    name = "tasks"

    def __init__(self, workers: int = 4) -> None:
        self._workers = workers
        self._app: Any = None
        self._engine: TaskEngine | None = None

    def bind(self, app: Any) -> None:
        """Sets the application."""
        self._app = app

    @property
    def engine(self) -> TaskEngine:
        """The engine of the jobs, while the application runs. Raises: Conflict."""
        if self._engine is None:
            raise Conflict("the tasks module does not run", remedy="start its application first")
        return self._engine

    async def start(self) -> None:
        """Begins to take jobs."""
        engine = TaskEngine(self._workers, drain_s=self._kernel().stop_s * 0.6 if self._app is not None else None)
        await engine.start()
        self._engine = engine

    async def stop(self) -> None:
        """Takes no more jobs, and lets those that were submitted finish."""
        engine, self._engine = self._engine, None
        if engine is not None:
            await engine.stop()

    def health(self) -> dict[str, Any]:
        """Its figures; degraded while stored tasks cannot be read."""
        engine, trouble = self._engine, self._app.host.tasks.trouble if self._stored() else ""
        figures = {name: getattr(engine, name, 0) for name in ("running", "waiting", "finished", "failed")}
        return {"status": "degraded" if trouble else "healthy", **figures, **({"detail": trouble} if trouble else {})}

    def submit(self, job: Callable[..., Any] | str, *args: Any) -> Future[Any]:
        """Hands over work from any thread; the future has what comes of it, or its error.

        What `TaskEngine.submit` raises, such as CapacityReached, is the future's error, too.

        Raises: Conflict: the application does not run.
        """
        loop = self._kernel().loop if self._app is not None else None
        self.engine  # noqa: B018 -- raises while nothing runs
        if loop is None:
            raise Conflict("the tasks module has no application", remedy="add it to one with app.add_module")
        return asyncio.run_coroutine_threadsafe(self._done(job, args), loop)

    async def order(self, job: Callable[..., Any] | str, *args: Any) -> Any:
        """`submit` for the application's own loop: returns a handle to await. Raises: see `TaskEngine.submit`."""
        engine = self._app.host.tasks if isinstance(job, str) and self._stored() else self.engine
        return await engine.submit(job, *args)

    async def _done(self, job: Callable[..., Any] | str, args: tuple[Any, ...]) -> Any:
        return await (await self.order(job, *args))

    def _stored(self) -> bool:
        return self._app is not None and self._app.host is not None

    def _kernel(self) -> Any:
        return getattr(self._app, "kernel", self._app)
