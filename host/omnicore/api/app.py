"""The ASGI application of a host."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import Receive, Scope, Send

from omnicore.api.guard import Guard
from omnicore.api.idempotency import idempotent
from omnicore.api.operation import Operation
from omnicore.api.parts import Parts, parts_of
from omnicore.api.problems import Problem, RefusalError
from omnicore.api.table import OPERATIONS
from omnicore.config.settings import Settings
from omnicore.events.bus import EventBus
from omnicore.plugins.host import PluginHost
from omnicore.telemetry.logs import PluginLogs
from omnicore.telemetry.metrics import Metrics

__all__ = ["create_app"]


def create_app(
    host: PluginHost,
    *,
    settings: Settings,
    metrics: Metrics,
    bus: EventBus,
    logs: PluginLogs,
    ready: Callable[[], bool],
    operations: Sequence[Operation] = OPERATIONS,
) -> Starlette:
    """The application of a host that is started and stopped by somebody else.

    Args:
        ready: whether plugins can be called now, for `/readyz`.
        operations: the route table.
    """
    parts = Parts(host, settings, metrics, bus, logs, ready)
    app = Starlette(
        routes=[_route(operation) for operation in operations],
        middleware=[Middleware(Guard, settings=settings, traffic=parts.traffic)],
        exception_handlers={HTTPException: _refuse},
    )
    app.router.redirect_slashes = False
    app.router.default = _not_found
    app.state.parts = parts
    app.state.operations = tuple(operations)
    metrics.gauge("http_requests_running", "HTTP requests and WebSockets open now", parts.traffic.__len__)
    return app


def _route(operation: Operation) -> BaseRoute:
    if operation.websocket:
        return WebSocketRoute(operation.path, operation.endpoint, name=operation.name)
    endpoint = operation.endpoint
    if operation.idempotent:
        endpoint = idempotent(endpoint, lambda request: parts_of(request).answers)
    return Route(operation.path, endpoint, methods=[operation.method], name=operation.name)


async def _refuse(_request: Request, error: Exception) -> Response:
    """Turns Starlette's own refusals, such as a wrong method, into problems; the guard answers with them."""
    if not isinstance(error, HTTPException):
        raise error
    headers = tuple((name.lower().encode(), value.encode()) for name, value in (error.headers or {}).items())
    code = {405: "wrong-method"}.get(error.status_code, "http")
    raise RefusalError(
        Problem(error.status_code, code, error.detail, "see /openapi.json for what is here", headers)
    ) from error


async def _not_found(scope: Scope, _receive: Receive, _send: Send) -> None:
    raise RefusalError(
        Problem(
            404, "not-found", f"nothing is at {scope['path'][:200]}", "see /openapi.json for what is here"
        )
    )
