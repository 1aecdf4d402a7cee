"""Wraps the operations of the route table, so that each change leaves a row of the record before it is answered."""

from __future__ import annotations

import asyncio
import hashlib
import inspect
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import wraps
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from omnicore.access.audit import AuditTrail, Entered
from omnicore.api.audit_calls import FORBIDDEN, note_call, who_asks
from omnicore.api.audit_looks import Look, Looks, answer_of
from omnicore.api.audit_policy import kept_members, kind_of, target_of
from omnicore.api.idempotency import Endpoint
from omnicore.api.operation import JSON, Operation
from omnicore.api.parts import parts_of
from omnicore.api.problems import RefusalError, status_of
from omnicore.errors import OmniError, StorageFailed

__all__ = ["recorded"]

_MOST_READ = 65_536  # of a larger body only the digest is kept, so it need not be parsed
_DENIED = 403
_UNKNOWN = 401
_SERVER_AT_FAULT = 500


def recorded(operation: Operation, endpoint: Endpoint, looks: Looks) -> Endpoint:
    """The endpoint, with the record that its kind asks for. A host without a record gets it as it is."""
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
    trail: AuditTrail, operation: Operation, endpoint: Endpoint, look: Look | None, request: Request
) -> Response:
    params = request.path_params
    body = await _told(request)
    before = await _look(operation, look, request)
    entered = await asyncio.to_thread(
        trail.begin,
        **who_asks(request.scope),
        action=operation.name,
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
    trail: AuditTrail, operation: Operation, endpoint: Endpoint, _look: Look | None, request: Request
) -> Response:
    target, outcome = target_of(operation.path, request.path_params), "failed"
    try:
        response = await endpoint(request)
        outcome = "done"
    except OmniError as error:
        outcome = "refused" if status_of(error) == _DENIED else "failed"
        raise
    finally:
        note_call(trail, request.scope, operation.name, target, outcome)
    return response


async def _login(
    trail: AuditTrail, operation: Operation, endpoint: Endpoint, _look: Look | None, request: Request
) -> Response:
    """A login is on the disk before it is answered; one that failed waits for its batch."""
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
    """The name of a user, "" for anything else: people type passwords into the wrong field, and rows stay."""
    access = parts_of(request).rooms.access
    with suppress(StorageFailed):
        row = await asyncio.to_thread(access.users.find, name) if access is not None else None
        return row.name if row is not None else ""
    return ""


async def _failed(trail: AuditTrail, entered: Entered, error: BaseException) -> None:
    """Ends the intent of a change that did not succeed. What fails here must not hide why the change failed."""
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
    """What a request's body says: a JSON value, or the size and digest of anything else."""
    body = await request.body()
    media = request.headers.get("content-type", JSON).partition(";")[0].strip().lower()
    if media == JSON and len(body) <= _MOST_READ:
        try:
            return json.loads(body or b"{}")
        except (ValueError, RecursionError):
            return {}  # the endpoint refuses it
    return {"size": len(body), "sha256": hashlib.sha256(body).hexdigest()}
