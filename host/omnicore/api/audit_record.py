"""Rows of the audit log that operations leave.

A change is entered before it is made and finished before it is answered, with the object before and after it as the
operation that shows it would answer. Calls and refusals are queued and written in batches.
"""

from __future__ import annotations

import asyncio
import hashlib
import inspect
import json
import platform
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial, wraps
from typing import TYPE_CHECKING, Any, Literal

from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection, Request

from omnicore.access.audit import HIDDEN
from omnicore.api.operation import JSON, Operation
from omnicore.api.parts import parts_of
from omnicore.api.principals import COMMAND, origin_of
from omnicore.api.problems import RefusalError, status_of
from omnicore.config.schema import is_secret
from omnicore.errors import OmniError, StorageFailed

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.types import ASGIApp, Receive, Scope, Send

    from omnicore.access.audit import AuditTrail, Entered
    from omnicore.access.principal import Principal
    from omnicore.api.exchange import Handler


Look = Callable[[Request], Awaitable[Any]]
"""Shows the thing that a request is about as it is now, None where it is not there."""


@dataclass(frozen=True, slots=True)
class Looks:
    """Operations by path: those that show one object, `.../plugins/{plugin}`, and those that list all, `.../tokens`."""

    ones: Mapping[str, Operation]
    lists: Mapping[str, Operation]

    def of(self, operation: Operation) -> Look | None:
        """The function that shows the object which an operation changes."""
        head, closing, _ = operation.path.partition("}")
        if not closing:
            return None
        one, every = self.ones.get(head + closing), self.lists.get(head.rpartition("/")[0])
        if one is not None:
            return partial(_shown, one)
        return partial(_listed, every) if every is not None else None


def looks_of(operations: Sequence[Operation]) -> Looks:
    """The operations that show an object before and after a change."""
    shown = {
        one.path: one
        for one in operations
        if one.method == "GET" and not one.websocket and 200 in one.replies and one.replies[200].media == JSON
    }
    return Looks(
        {path: one for path, one in shown.items() if path.count("{") == 1 and path.endswith("}")},
        {path: one for path, one in shown.items() if "{" not in path},
    )


def answer_of(response: Response) -> Any:
    """The JSON value of a response, None for any other content."""
    body = getattr(response, "body", b"")
    if not body or not (response.media_type or "").startswith(JSON):
        return None
    return json.loads(body)


async def _shown(operation: Operation, request: Request) -> Any:
    name = next(iter(request.path_params))
    return answer_of(await operation.load()(_inside(request, {name: request.path_params[name]})))


async def _listed(operation: Operation, request: Request) -> Any:
    """The object from the first page of its list, where no operation shows it alone."""
    listed = answer_of(await operation.load()(_inside(request, {})))
    items = listed.get("items") if isinstance(listed, Mapping) else None
    wanted = next(iter(request.path_params.values()))
    found = (one for one in items or () if isinstance(one, Mapping) and wanted in (one.get("id"), one.get("name")))
    return next(found, None)


def _inside(request: Request, params: Mapping[str, Any]) -> Request:
    """A request by the same caller that shows the object."""
    scope = {**request.scope, "method": "GET", "path_params": params, "query_string": b"", "headers": []}
    return Request(scope)


Kind = Literal["change", "call", "login", "none"]

CALL = "callFunction"
"""The call of a function, which is measured and so not wrapped like the others."""

CALLS = frozenset(
    {
        CALL,
        "executePlugin",
        "callConnector",
        "triggerConnector",
        "testConnector",
        "callIntelligence",
        "startRun",
        "startTrial",
        "executeWorkflow",
        "runCycle",
        "publishEvents",
        "downloadBackup",
    }
)
"""Uses, which change nothing of the host itself, and downloads of all it holds: recorded in batches, and only of
somebody who logged in."""

NOT_RECORDED = frozenset(
    {
        *("recallMemories", "searchVectors", "verifyAudit", "deliver", "sendMcpMessage", "endMcpSession"),
        *("validateWorkflow", "evaluateExpression", "keepDraft", "discardDraft", "lookAtPackage"),
    }
)
"""Reads that need a body; drafts, which change nothing until they are saved; deliveries of services, of which the
webhook keeps a list of its own; and envelopes, whose calls are recorded one by one."""

LOGINS = frozenset({"/api/v1/session", "/api/v1/setup", "/api/login", "/api/v1/oidc/callback"})
"""Paths where somebody who is not known yet becomes known, or fails to."""

COMMANDED = frozenset({"startRun", "startTrial", "publishEvents"})
"""Uses that also leave a row when a command makes them: what they begin goes on without the person."""

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_NOUNS = {
    "plugins": "name",
    "connectors": "name",
    "schedules": "name",
    "workflows": "id",
    "webhooks": "name",
    "collections": "name",
    "users": "name",
}

PLUGIN_MEMBERS = frozenset({"name", "version", "hash", "serving", "state", "reason", "granted", "path"})
"""Fields of a plugin that the record keeps."""

_ONLY: Mapping[str, frozenset[str]] = {
    # What plugins remember can be erased, and the record cannot: it says that there was something, never what.
    "memory": frozenset({"id", "tier", "owner", "importance", "pinned", "state", "memory"}),
    "vectors": frozenset({"name", "collection", "owner", "dimensions", "metric", "count", "upserted", "deleted"}),
    "session": frozenset({"session"}),
    # Texts and versions are kept with the workflow, inputs and forms with the run, for as long as those are.
    "workflows": frozenset({"id", "version", "number", "digest", "enabled", "workflow"}),
    "runs": frozenset({"id", "workflow", "number", "status", "forked_from", "run", "place", "seq", "approve"}),
    "omniflow": frozenset({"id", "version", "enabled", "workflow"}),
}
"""By tag, the members that are kept where not all of them are."""

_VALUES = frozenset({"value", "override", "default", "next"})
_NAMES_ONLY = ("/config",)
"""Ends of paths whose values may be secrets by any name: settings of plugins are secret altogether."""


def kind_of(operation: Operation) -> Kind:
    """The kind of row that an operation leaves. Default: a change."""
    if operation.path in LOGINS and operation.open and not operation.websocket:
        return "login" if operation.method == "POST" or operation.path.endswith("callback") else _usual(operation)
    return _usual(operation)


def _usual(operation: Operation) -> Kind:
    if operation.name in CALLS:
        return "call"
    quiet = operation.websocket or operation.method in _SAFE or operation.name in NOT_RECORDED
    return "none" if quiet else "change"


def target_of(path: str, params: Mapping[str, Any], answer: Any = None) -> str:
    """The target of an operation: its first path parameter, or the object that the answer names.

    >>> target_of("/api/v1/plugins/{plugin}/grants/{capability}", {"plugin": "text", "capability": "kv"})
    'plugin:text'
    >>> target_of("/api/v1/tasks", {}, {"id": "tsk_1"})
    'task:tsk_1'
    """
    for name, value in params.items():
        return f"{name}:{value}"
    noun = path.rstrip("/").rpartition("/")[2]
    noun = "plugins" if noun == "packages" else noun  # what a package becomes
    if isinstance(answer, Mapping):
        named = answer.get(_NOUNS.get(noun, "id")) or answer.get("name") or answer.get("id")
        if isinstance(named, (str, int)):
            return f"{_singular(noun)}:{named}"
    return _singular(noun)


def kept_members(operation: Operation, value: Any, params: Mapping[str, Any]) -> Any:
    """The members of a request or an answer that may be recorded. Values with secret names are masked later."""
    if not isinstance(value, Mapping):
        return value
    told = {**value, **{name: one for name, one in params.items() if name not in value}}
    if "hash" in told and "functions" in told:  # a plugin, as its own operation shows it
        return {name: one for name, one in told.items() if name in PLUGIN_MEMBERS}
    if operation.path.endswith(_NAMES_ONLY):
        return {name: _hidden(one) if name not in params else one for name, one in told.items()}
    if operation.tag == "settings" and hides_setting(str(params.get("setting", ""))):
        told = {name: HIDDEN if name in _VALUES else one for name, one in told.items()}
    only = _ONLY.get(operation.tag)
    return told if only is None else {name: one for name, one in told.items() if name in only}


def hides_setting(setting: str) -> bool:
    """True for settings whose values are never recorded."""
    return is_secret(setting) or setting.startswith(("plugin_settings", "app"))


def _hidden(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _hidden(one) for name, one in value.items()}
    return None if value is None else HIDDEN


def _singular(noun: str) -> str:
    return f"{noun[:-3]}y" if noun.endswith("ies") else noun.removesuffix("s")


UNNAMED = frozenset({"owner", "cli", "local"})
"""Ways of whoever runs the host: their calls leave no row, no more than those of commands do; their changes do."""

FORBIDDEN = "forbidden"
"""The code of what is refused for want of a role."""


def judged(app: ASGIApp, operation: Operation) -> ASGIApp:
    """A route application that records refusals, and calls of functions."""
    return _Called(app, operation) if operation.name == CALL else _Judged(app, operation)


class _Judged:
    """A route application that records a change refused for lack of a role."""

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
    """The route application of a function call, which is recorded whatever its outcome."""

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
            if principal is not None and principal.via not in UNNAMED:
                if outcome == "refused":
                    note_refusal(_trail(scope), scope, self._operation)
                else:
                    params = scope["path_params"]
                    called = f"plugin:{params['plugin']}.{params['function']}"
                    note_call(_trail(scope), scope, self._operation.name, called, outcome)


def who_asks(scope: Scope) -> dict[str, str]:
    """The actor, how they were recognised, and their address."""
    principal: Principal | None = scope.get("principal")
    proxies = scope["app"].state.parts.settings.access.trusted_proxies
    client = scope.get("client")
    if principal is not None and principal.via == "cli":
        return {"actor": principal.name, "via": "cli", "origin": platform.node()}
    return {
        "actor": "anonymous" if principal is None else principal.name,
        "via": "anonymous" if principal is None else principal.via,
        "origin": origin_of(HTTPConnection(scope)) if proxies else str(client[0]) if client else "",
    }


def note_call(trail: AuditTrail | None, scope: Scope, action: str, target: str, outcome: str = "done") -> None:
    """Queues the row of a call by somebody who is logged in, if calls are recorded."""
    principal: Principal | None = scope.get("principal")
    if trail is not None and trail.calls and principal is not None and principal.via not in UNNAMED:
        trail.note(**who_asks(scope), action=action, target=target, outcome=outcome)


def note_refusal(trail: AuditTrail | None, scope: Scope, operation: Operation) -> None:
    """Queues the row of an operation that the caller had no right to."""
    if trail is not None:
        target = target_of(operation.path, scope.get("path_params") or {})
        trail.refuse(**who_asks(scope), action=operation.name, target=target, outcome="refused")


def _trail(scope: Scope) -> AuditTrail | None:
    trail: AuditTrail | None = scope["app"].state.parts.rooms.audit
    return trail


_MOST_READ = 65_536  # of a larger body only the digest is kept, so it need not be parsed
_DENIED = 403
_UNKNOWN = 401
_SERVER_AT_FAULT = 500


def recorded(operation: Operation, endpoint: Handler, looks: Looks) -> Handler:
    """The endpoint with the recording that its kind asks for. Without an audit log it is called directly."""
    kind = kind_of(operation)
    if kind == "none" or not inspect.iscoroutinefunction(endpoint):  # ASGI applications see to it themselves
        return endpoint
    turn: Callable[..., Any] = {"change": _change, "call": _call, "login": _login}[kind]
    look = looks.of(operation)

    @wraps(endpoint)
    async def once(request: Request) -> Response:
        trail = parts_of(request).rooms.audit
        if trail is None:
            return await endpoint(request)
        response: Response = await turn(trail, operation, endpoint, look, request)
        return response

    return once


async def _change(
    trail: AuditTrail, operation: Operation, endpoint: Handler, look: Look | None, request: Request
) -> Response:
    params = request.path_params
    body = await _told(request)
    before = await _look(operation, look, request)
    entered = await asyncio.to_thread(
        trail.begin,
        **who_asks(request.scope),
        action=request.scope.get(COMMAND) or operation.name,
        target=target_of(operation.path, params),
        before=before,
    )
    try:
        with trail.making(entered):
            response = await endpoint(request)
    except BaseException as error:
        await _failed(trail, entered, error)
        raise
    answer = answer_of(response)
    after = await _look(operation, look, request)
    if after is None and not (before is not None and operation.method == "DELETE"):
        shown = answer if not params and isinstance(answer, Mapping) else body
        after = kept_members(operation, shown, params)
    elif after == before and isinstance(body, Mapping) and body:  # a new password, say, shows nowhere
        after = {**after, "asked": kept_members(operation, body, params)}
    await _finish(trail, entered, after, target_of(operation.path, params, answer))
    return response


async def _call(
    trail: AuditTrail, operation: Operation, endpoint: Handler, _look: Look | None, request: Request
) -> Response:
    target, outcome = target_of(operation.path, request.path_params), "failed"
    try:
        response = await endpoint(request)
        outcome = "done"
    except OmniError as error:
        outcome = "refused" if status_of(error) == _DENIED else "failed"
        raise
    finally:
        command = request.scope.get(COMMAND)
        if command and operation.name in COMMANDED:
            trail.note(**who_asks(request.scope), action=command, target=target, outcome=outcome)
        else:
            note_call(trail, request.scope, operation.name, target, outcome)
    return response


async def _login(
    trail: AuditTrail, operation: Operation, endpoint: Handler, _look: Look | None, request: Request
) -> Response:
    """Records a login before it is answered. A failed login is queued."""
    told = await _told(request) if operation.method == "POST" else {}
    said = told if isinstance(told, Mapping) else {}
    name = next((said[key] for key in ("name", "username") if isinstance(said.get(key), str)), "")

    def failed(who: str) -> None:
        told = {**who_asks(request.scope), "actor": who or "anonymous"}
        trail.refuse(**told, action=operation.name, target=f"user:{who or '?'}", outcome="failed")

    try:
        response = await endpoint(request)
    except (OmniError, RefusalError, HTTPException) as error:
        if status_of(error) in (_UNKNOWN, _DENIED):
            failed(await _user_named(request, name))
        raise
    somebody = request.scope.get("signed_in") or name
    if not somebody:  # sent back by a provider, for nothing
        failed("")
        return response
    known = {**who_asks(request.scope), "actor": somebody, "via": "session"}
    await asyncio.to_thread(lambda: trail.record(**known, action=operation.name, target=f"user:{somebody}"))
    return response


async def _user_named(request: Request, name: str) -> str:
    """The name of an existing user, else "": people type passwords into the wrong field, and rows are permanent."""
    access = parts_of(request).rooms.access
    with suppress(StorageFailed):
        row = await asyncio.to_thread(access.users.find, name) if access is not None else None
        return row.name if row is not None else ""
    return ""


async def _failed(trail: AuditTrail, entered: Entered, error: BaseException) -> None:
    """Finishes the entry of a change that failed. A failure here must not hide the first one."""
    if not isinstance(error, Exception):  # cut: a thread may still be at it, so nobody can say what came of it
        await asyncio.shield(asyncio.ensure_future(asyncio.to_thread(_quietly, trail.finish, entered, "unknown")))
        return
    status = status_of(error)
    if isinstance(error, RefusalError) and error.problem.code == FORBIDDEN:
        await asyncio.to_thread(_quietly, trail.drop, entered)  # `Judged` notes it
    elif status == _DENIED:
        await asyncio.to_thread(_quietly, trail.finish, entered, "refused")
    elif status < _SERVER_AT_FAULT:
        await asyncio.to_thread(_quietly, trail.drop, entered)
    else:
        code = error.code if isinstance(error, OmniError) else "internal"
        await asyncio.to_thread(_quietly, trail.finish, entered, "failed", {"error": code})


async def _finish(trail: AuditTrail, entered: Entered, after: Any, target: str) -> None:
    try:
        await asyncio.to_thread(trail.finish, entered, "done", after, target)
    except StorageFailed as error:
        raise StorageFailed(
            f"the change was made, but not recorded: {error.fact}",
            remedy=f"{error.remedy}; the record gets a row of it, with the outcome `unknown`, when the host starts",
            **error.details,
        ) from error


def _quietly(work: Callable[..., Any], *given: Any) -> None:
    with suppress(StorageFailed):  # the intent stays, and becomes a row later
        work(*given)


async def _look(operation: Operation, look: Look | None, request: Request) -> Any:
    if look is None:
        return None
    try:
        shown = await look(request)
    except (OmniError, RefusalError, HTTPException):
        return None
    return kept_members(operation, shown, request.path_params)


async def _told(request: Request) -> Any:
    """The body of a request: a JSON value, or the size and digest of anything else."""
    body = await request.body()
    media = request.headers.get("content-type", JSON).partition(";")[0].strip().lower()
    if media == JSON and len(body) <= _MOST_READ:
        try:
            return json.loads(body or b"{}")
        except (ValueError, RecursionError):
            return {}  # the endpoint refuses it
    return {"size": len(body), "sha256": hashlib.sha256(body).hexdigest()}
