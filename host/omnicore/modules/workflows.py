"""`WorkflowModule`: workflows of an application."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from concurrent.futures import Future
from typing import Any

from omnicore.errors import Conflict


class WorkflowModule:
    """Durable workflows over the plugins of an application; it needs a `PluginsModule`, whose host runs them.

    ```python
    flows = app.add_module(WorkflowModule("greet.yaml text"))
    with app:
        flows.run("greet", {"name": "Ada"}).result()
    ```

    Args: definitions: texts or documents that are applied when it starts.
    """

    name = "workflows"

    def __init__(self, *definitions: str | Mapping[str, Any]) -> None:
        self._definitions = definitions
        self._app: Any = None

    def bind(self, app: Any) -> None:
        """Sets the application."""
        self._app = app

    async def start(self) -> None:
        """Applies the definitions. Raises: WorkflowInvalid. Conflict: the application has no plugins."""
        for one in self._definitions:
            await self._service().apply(one, by="app")

    async def stop(self) -> None:
        """Does nothing: the host stores the runs, and continues them at its next start."""

    def health(self) -> dict[str, Any]:
        """The number of runs in memory; degraded while runs cannot be read or written."""
        engine = self._service().engine
        trouble = {"detail": engine.trouble} if engine.trouble else {}
        return {"status": "degraded" if trouble else "healthy", "running": len(engine.runner.live), **trouble}

    def run(self, workflow: str, input: Any = None) -> Future[Any]:
        """Starts a run from any thread; the future has its output, or its error. Raises: Conflict: nothing runs."""
        loop = getattr(self._app, "kernel", self._app).loop if self._app is not None else None
        if loop is None:
            raise Conflict("the workflow module does not run", remedy="start its application first")
        return asyncio.run_coroutine_threadsafe(self._service().run(workflow, input, by="app"), loop)

    def _service(self) -> Any:
        host = getattr(self._app, "host", None)
        if host is None:
            raise Conflict("the application has no plugins", remedy="add a PluginsModule before the WorkflowModule")
        return host.workflows
