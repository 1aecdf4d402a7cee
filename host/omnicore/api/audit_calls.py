"""Rows of the record that wait for their batch: calls of those who logged in, and what somebody had no right to."""

from __future__ import annotations

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from omnicore.access.audit import AuditTrail
from omnicore.access.principal import Principal
from omnicore.api.audit_policy import CALL, kind_of, target_of
from omnicore.api.operation import Operation
from omnicore.api.principals import origin_of
from omnicore.api.problems import RefusalError

__all__ = ["FORBIDDEN", "judged", "note_call", "note_refusal", "who_asks"]

FORBIDDEN = "forbidden"
"""The code of what is refused for want of a role."""


def judged(app: ASGIApp, operation: Operation) -> ASGIApp:
    """A route's application behind the check of roles, with the rows that the check and calls of functions leave."""
    return _Called(app, operation) if operation.name == CALL else _Judged(app, operation)


class _Judged:
    """A route's application that refuses those without the role: a refused change leaves a row as well."""

    def __init__(self, app: ASGIApp, operation: Operation) -> None:
        self._app, self._operation = app, operation
        self._counts = kind_of(operation) != "none"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope, receive, send)
        except RefusalError as error:
            if self._counts and error.problem.code == FORBIDDEN:
                note_refusal(_trail(scope), scope, self._operation)
            raise


class _Called:
    """The same for the one operation that is measured, a call: it leaves a row whatever came of it."""

    def __init__(self, app: ASGIApp, operation: Operation) -> None:
        self._app, self._operation = app, operation

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        outcome = "failed"
        try:
            await self._app(scope, receive, send)
            outcome = "done"
        except RefusalError as error:
            outcome = "refused" if error.problem.code == FORBIDDEN else "failed"
            raise
        finally:
            principal: Principal | None = scope["principal"]
            if principal is not None and principal.via != "local":
                if outcome == "refused":
                    note_refusal(_trail(scope), scope, self._operation)
                else:
                    params = scope["path_params"]
                    called = f"plugin:{params['plugin']}.{params['function']}"
                    note_call(_trail(scope), scope, self._operation.name, called, outcome)


def who_asks(scope: Scope) -> dict[str, str]:
    """Who a request is from, by which way they were recognised, and from where."""
    principal: Principal | None = scope.get("principal")
    proxies = scope["app"].state.parts.settings.access.trusted_proxies
    client = scope.get("client")
    return {
        "actor": "anonymous" if principal is None else principal.name,
        "via": "anonymous" if principal is None else principal.via,
        "origin": origin_of(HTTPConnection(scope)) if proxies else str(client[0]) if client else "",
    }


def note_call(trail: AuditTrail | None, scope: Scope, action: str, target: str, outcome: str = "done") -> None:
    """Queues the row of a call, where somebody is logged in and calls are recorded."""
    principal: Principal | None = scope.get("principal")
    if trail is not None and trail.calls and principal is not None and principal.via != "local":
        trail.note(**who_asks(scope), action=action, target=target, outcome=outcome)


def note_refusal(trail: AuditTrail | None, scope: Scope, operation: Operation) -> None:
    """Queues the row of an operation that somebody had no right to."""
    if trail is not None:
        target = target_of(operation.path, scope.get("path_params") or {})
        trail.refuse(**who_asks(scope), action=operation.name, target=target, outcome="refused")


def _trail(scope: Scope) -> AuditTrail | None:
    trail: AuditTrail | None = scope["app"].state.parts.rooms.audit
    return trail
