"""The ASGI application of a host."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from starlette.applications import Starlette
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from omnicore.api.audit_record import Looks, judged, looks_of, recorded
from omnicore.api.calls import direct
from omnicore.api.exchange import Traffic, idempotent, prefixed
from omnicore.api.guard import Guard
from omnicore.api.operation import Operation
from omnicore.api.operations import OPERATIONS
from omnicore.api.parts import Parts, Rooms, parts_of
from omnicore.api.principals import Allowed, OpenPaths, Recogniser, forwarded_prefix
from omnicore.api.problems import Problem, RefusalError
from omnicore.config.settings import Settings
from omnicore.events.bus import EventBus
from omnicore.plugins.host import PluginHost
from omnicore.telemetry.logs import PluginLogs
from omnicore.telemetry.metrics import Metrics

_BODIES = 16  # bodies of the largest size that may be in memory at once


def create_app(
    host: PluginHost,
    *,
    settings: Settings,
    metrics: Metrics,
    bus: EventBus,
    logs: PluginLogs,
    ready: Callable[[], bool],
    rooms: Rooms | None = None,
    operations: Sequence[Operation] = OPERATIONS,
    whole: bool = True,
) -> Starlette:
    """The application. The caller starts and stops the host.

    Args:
        ready: true if plugins can be called, for `/readyz`.
        rooms: the optional services.
        operations: the table of operations.
        whole: import every endpoint now. One that is imported later may be of a version that was installed meanwhile.
    """
    if whole:
        for operation in operations:
            operation.load()
    traffic = Traffic(most_bytes=_BODIES * settings.body_bytes)
    parts = Parts(host, settings, metrics, bus, logs, ready, traffic, rooms or Rooms())
    looks = looks_of(operations)
    app = _Application(routes=[_route(operation, looks) for operation in operations])
    app.router.redirect_slashes = False
    app.router.default = _not_found
    app.state.parts = parts
    app.state.operations = tuple(operations)
    app.state.recogniser = Recogniser(settings, parts.rooms.access, parts.rooms.fleet)
    metrics.counts("http_requests", "HTTP requests and WebSockets so far", (), lambda: {(): traffic.taken})
    metrics.gauge("http_requests_running", "HTTP requests and WebSockets open now", parts.traffic.__len__)
    return app


class _Application(Starlette):
    """Starlette without its two error middlewares: the guard answers every failure."""

    def build_middleware_stack(self) -> ASGIApp:
        parts: Parts = self.state.parts
        guard = Guard(
            direct(self.router),
            settings=parts.settings,
            traffic=parts.traffic,
            recogniser=self.state.recogniser,
            open_paths=OpenPaths(self.state.operations),
            metrics=parts.metrics,
        )
        proxies = parts.settings.access.trusted_proxies
        return prefixed(guard, lambda scope: forwarded_prefix(scope, proxies))


def _route(operation: Operation, looks: Looks) -> BaseRoute:
    """The route of an operation. Its first request imports the endpoint: a command uses one or two of them all."""

    async def first(scope: Scope, receive: Receive, send: Send) -> None:
        route.app = _loaded(operation, looks).app
        await route.app(scope, receive, send)

    route: Route | WebSocketRoute
    if operation.websocket:
        route = WebSocketRoute(operation.path, first, name=operation.name)
    else:
        route = Route(operation.path, first, methods=[operation.method], name=operation.name)
    route.app = first
    return route


def _loaded(operation: Operation, looks: Looks) -> Route | WebSocketRoute:
    if operation.websocket:
        live = WebSocketRoute(operation.path, operation.load(), name=operation.name)
        live.app = Allowed(live.app, operation)
        return live
    endpoint = recorded(operation, operation.load(), looks)
    if operation.idempotent:
        endpoint = idempotent(
            endpoint, lambda request: parts_of(request).answers, lambda request: parts_of(request).rooms.answers
        )
    route = Route(operation.path, endpoint, methods=[operation.method], name=operation.name)
    route.app = judged(Allowed(route.app, operation), operation)
    return route


async def _not_found(scope: Scope, _receive: Receive, _send: Send) -> None:
    raise RefusalError(
        Problem(404, "not-found", f"nothing is at {scope['path'][:200]}", "see /openapi.json for what is here")
    )
