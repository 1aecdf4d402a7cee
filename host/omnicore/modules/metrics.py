"""`MetricsModule`: figures of the application in Prometheus' text format."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Any

from omnicore.errors import OmniError
from omnicore.telemetry.metrics import Metrics


class MetricsModule:
    """Uptime and modules of the application, how long its operations take, and gauges of its own.

    ```python
    metrics = app.add_module(MetricsModule())
    metrics.gauge("orders_open", "Orders nobody took yet", lambda: len(orders))
    with metrics.timed("import"):
        ...
    ```

    Added after a `PluginsModule` it adds to that host's `/metrics`; alone it has metrics of its own.
    """

    name = "metrics"

    def __init__(self) -> None:
        self._app: Any = None
        self._metrics = Metrics()
        self._gauges: list[tuple[str, str, Callable[[], float]]] = []

    def bind(self, app: Any) -> None:
        """Sets the application."""
        self._app = app
        kernel = getattr(app, "kernel", app)
        self._gauges += [
            ("app_uptime_seconds", "How long the application runs", app.runtime.uptime),
            ("app_modules", "Modules of the application", lambda: float(len(app.modules))),
            ("app_modules_running", "Those that run", lambda: float(sum(map(kernel.running, app.modules)))),
        ]

    def start(self) -> None:
        """Begins to tell, on the host's metrics if there is one."""
        host = self._app.host if self._app is not None else None
        if host is not None:
            self._metrics = host.metrics
        for name, text, read in self._gauges:
            self._metrics.gauge(name, text, read)

    def stop(self) -> None:
        """Keeps the figures: they can still be read."""

    def gauge(self, name: str, text: str, read: Callable[[], float]) -> None:
        """Adds a gauge `omnicore_<name>`, read whenever the metrics are."""
        self._gauges.append((name, text, read))
        self._metrics.gauge(name, text, read)

    def record(self, operation: str, seconds: float, outcome: str = "ok") -> None:
        """Notes that an operation of the application took so long, and how it ended."""
        self._metrics.recorder(self._app.name if self._app is not None else "app", operation).record(seconds, outcome)

    @contextmanager
    def timed(self, operation: str) -> Iterator[None]:
        """Notes how long the block takes; an error counts by its code or its name, and is raised again."""
        started, outcome = perf_counter(), "ok"
        try:
            yield
        except BaseException as error:
            outcome = error.code if isinstance(error, OmniError) else type(error).__name__
            raise
        finally:
            self.record(operation, perf_counter() - started, outcome)

    def render(self) -> bytes:
        """All figures in Prometheus' text format."""
        return self._metrics.render()
