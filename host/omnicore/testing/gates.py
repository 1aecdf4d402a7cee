"""Gates before the services: a scripted request passes its door's checks and stops here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from typing import Any

from omnicore.capabilities.services import Services, present
from omnicore.connectors.headers import from_guest, method_name
from omnicore.connectors.policy import HttpPolicy
from omnicore.connectors.urls import parse_url
from omnicore.sandbox.abi import HttpRequest, HttpResponse

__all__ = ["ReachedServiceError", "gated", "stopping"]

_DOORS = ("kv", "events", "tasks", "memory", "vectors", "connectors")
_stops: ContextVar[bool] = ContextVar("omnicore_stops_at_service", default=False)


class ReachedServiceError(Exception):
    """A request passed the grant and every check of its door: a script may answer it."""


class _Gate:
    """Stands for a service: only who is not to stop gets its methods."""

    def __init__(self, door: str, service: Any) -> None:
        self._door = door
        self._service = service

    def __getattr__(self, name: str) -> Any:
        if _stops.get():
            raise ReachedServiceError
        return getattr(present(self._service, self._door), name)


class _HttpGate:
    """Stands for the HTTP client, which checks hosts and methods itself."""

    def __init__(self, service: Any) -> None:
        self._service = service

    async def send(self, request: HttpRequest, policy: HttpPolicy) -> HttpResponse:
        """Checks what can be checked without a network, or sends."""
        if not _stops.get():
            response: HttpResponse = await self._service.send(request, policy)
            return response
        from_guest(request.headers)
        policy.check_hop(method_name(request.method), parse_url(request.url))
        raise ReachedServiceError


def gated(services: Services) -> Services:
    """The services with a gate before each, also before those that the host does not have."""
    gates: dict[str, Any] = {name: _Gate(name, getattr(services, name)) for name in _DOORS}
    return replace(services, http=_HttpGate(services.http), **gates)


@contextmanager
def stopping(stops: bool) -> Iterator[None]:
    """Whether requests stop at the gates meanwhile, in this task or thread."""
    token = _stops.set(stops)
    try:
        yield
    finally:
        _stops.reset(token)
