"""Starts of runs, with or without waiting for how they end."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import Response

from omnicore.access.principal import Role
from omnicore.api.exchange import Exchange
from omnicore.api.operation import JSON, Operation, Reply, ref
from omnicore.api.requests import Json, read_object, who
from omnicore.api.workflow_requests import read_text, role_of, service_of, workflow_of
from omnicore.errors import CallCancelled, InvalidInput, WorkflowFailed
from omnicore.workflows.entries import ENDED

if TYPE_CHECKING:
    from omnicore.workflows.service import RunHandle

__all__ = ["MOST_WAIT_S", "STARTS", "begun", "header_key"]

MOST_WAIT_S = 60.0
_LONGEST_KEY = 255


async def start_run(request: Request) -> Response:
    """Starts a run; it is kept before the answer is sent."""
    values = await read_object(request, allowed=frozenset({"input", "key", "wait_s", "number"}))
    wait_s, key, number = _read_wait(values), _key(request, values), values.get("number")
    if number is not None and (isinstance(number, bool) or not isinstance(number, int) or not 0 < number < 10**9):
        raise InvalidInput("number is none of a version", remedy="see /versions", path="number")
    service, workflow = service_of(request), workflow_of(request)
    await service.rights.check_version(workflow, number, role_of(request))
    handle = await service.start(workflow, values.get("input"), key=key, by=who(request), number=number)
    return await begun(request, handle, 202, wait_s=wait_s)


async def start_trial(request: Request) -> Response:
    """Starts a run of a text that is not applied."""
    values = await read_object(request, allowed=frozenset({"text", "input", "from", "variables", "wait_s"}))
    wait_s, text, first = _read_wait(values), read_text(values, "text"), values.get("from")
    if first is not None and (not isinstance(first, str) or not 0 < len(first) <= 4000):
        raise InvalidInput("from is no path of a task", remedy="send a JSON pointer such as /do/1/send", path="from")
    variables = values.get("variables")
    if variables is not None and not isinstance(variables, dict):
        raise InvalidInput("variables is no object", remedy='send {"variables": {"item": ...}}', path="variables")
    handle = await service_of(request).trial(
        workflow_of(request), text, values.get("input"), from_path=first, variables=variables, by=who(request)
    )
    return await begun(request, handle, 202, wait_s=wait_s)


async def begun(request: Request, handle: RunHandle, status: int, *, wait_s: float = 0.0) -> Response:
    """The answer for a run that began: 200 once it has ended, and for one that had its key before; else `status`."""
    await _wait(request, handle, wait_s)
    view = await service_of(request).run_view(handle.id)
    headers = {"location": f"/api/v1/runs/{view.id}", **({"idempotency-replayed": "true"} if handle.duplicate else {})}
    ended = handle.duplicate or (wait_s > 0 and view.status in ENDED)
    return Json(view.to_json(), 200 if ended else status, headers)


async def _wait(request: Request, handle: RunHandle, wait_s: float) -> None:
    """Waits for a run's end, at most so long; it goes on after. How it ended is told by its view."""
    if wait_s <= 0:
        return
    exchange: Exchange | None = request.scope.get("exchange")
    if exchange is not None:
        exchange.waiting_since = monotonic()
    with service_of(request).seats.taken() as seated, suppress(TimeoutError, WorkflowFailed, CallCancelled):
        async with asyncio.timeout(wait_s if seated else 0):
            await handle


def _read_wait(values: Mapping[str, Any]) -> float:
    """`wait_s` of a body; nothing is no wait. Raises: InvalidInput."""
    wait_s = values.get("wait_s")
    if wait_s is None:
        return 0.0
    if isinstance(wait_s, bool) or not isinstance(wait_s, int | float) or not 0 <= wait_s <= MOST_WAIT_S:
        raise InvalidInput(f"wait_s is no number from 0 to {MOST_WAIT_S:g}", remedy="wait less", path="wait_s")
    return float(wait_s)


def header_key(request: Request) -> str | None:
    """The Idempotency-Key of one caller as a run's key, which outlives the answers that are kept in memory."""
    header = request.headers.get("idempotency-key")
    return None if header is None else f"{who(request)}:{header}"


def _key(request: Request, values: Mapping[str, Any]) -> str | None:
    """What makes a second start the first one: `key`, or the Idempotency-Key of one caller. Raises: InvalidInput."""
    key = values.get("key")
    if key is None:
        return header_key(request)
    if not isinstance(key, str) or not 0 < len(key) <= _LONGEST_KEY or "\0" in key:
        raise InvalidInput(f"key is no text of 1 to {_LONGEST_KEY} characters", remedy="shorten it", path="key")
    return key


_BEGUN = {
    200: Reply("The run, ended within `wait_s`, or as it stands if it had the key before.", schema=ref("Run")),
    202: Reply("The run, which is kept and goes on.", schema=ref("Run")),
}
_AT = "/api/v1/workflows/{workflow}"
STARTS = (
    Operation(
        *("POST", f"{_AT}/runs", start_run, "startRun", "Starts a run", "runs"),
        replies=_BEGUN,
        body={JSON: ref("RunOrder")},
        problems=(404, 409, 413, 422),
        idempotent=True,
        needs=Role.operator,
    ),
    Operation(
        *("POST", f"{_AT}/trial", start_trial, "startTrial", "Runs a text that is not applied", "runs"),
        replies=_BEGUN,
        body={JSON: ref("TrialOrder")},
        problems=(404, 409, 413, 422),
        idempotent=True,
        needs=Role.admin,  # the text may name any secret, connector and host, as one that is applied may
    ),
)
