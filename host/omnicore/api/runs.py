"""Runs of workflows: start, inspect, suspend, resume, cancel, retry and approve."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from omnicore.access.principal import Role
from omnicore.api.operation import JSON, Operation, Reply, ref
from omnicore.api.requests import Json, read_count, read_object, who
from omnicore.api.workflows import (
    RUN_STATES,
    page_reply,
    read_cursor_text,
    read_text,
    role_of,
    run_of,
    service_of,
    workflow_of,
)
from omnicore.errors import CallCancelled, InvalidInput, NotFound, WorkflowFailed
from omnicore.workflows.entries import ENDED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

    from omnicore.api.exchange import Exchange
    from omnicore.workflows.service import RunHandle

__all__ = [
    "MOST_WAIT_S",
    "STARTS",
    "begun",
    "cancel_run",
    "decide",
    "fork_run",
    "header_key",
    "list_approvals",
    "list_runs",
    "list_steps",
    "resume_run",
    "retry_run",
    "show_open",
    "show_run",
    "show_step",
    "start_run",
    "start_trial",
    "suspend_run",
    "verify_run",
]


MOST_WAIT_S = 60.0
_LONGEST_KEY = 255


async def start_run(request: Request) -> Response:
    """Starts a run, which is stored before the answer is sent."""
    values = await read_object(request, allowed=frozenset({"input", "key", "wait_s", "number", "priority"}))
    wait_s, key, number = _read_wait(values), _key(request, values), values.get("number")
    if number is not None and (isinstance(number, bool) or not isinstance(number, int) or not 0 < number < 10**9):
        raise InvalidInput("number is none of a version", remedy="see /versions", path="number")
    priority = values.get("priority")
    if priority is not None and (isinstance(priority, bool) or not isinstance(priority, int) or not 0 <= priority <= 9):
        raise InvalidInput("priority is not a whole number from 0 to 9", remedy="send one", path="priority")
    service, workflow = service_of(request), workflow_of(request)
    await service.rights.check_version(workflow, number, role_of(request))
    handle = await service.start(
        workflow, values.get("input"), key=key, by=who(request), number=number, priority=priority
    )
    return await begun(request, handle, 202, wait_s=wait_s)


async def start_trial(request: Request) -> Response:
    """Starts a run of a text that is not stored as a workflow."""
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
    """The answer for a started run: 200 if it has ended or its key was used before, else `status`."""
    await _wait(request, handle, wait_s)
    view = await service_of(request).run_view(handle.id)
    headers = {"location": f"/api/v1/runs/{view.id}", **({"idempotency-replayed": "true"} if handle.duplicate else {})}
    ended = handle.duplicate or (wait_s > 0 and view.status in ENDED)
    return Json(view.to_json(), 200 if ended else status, headers)


async def _wait(request: Request, handle: RunHandle, wait_s: float) -> None:
    """Waits for a run's end for a limited time. The run continues."""
    if wait_s <= 0:
        return
    exchange: Exchange | None = request.scope.get("exchange")
    if exchange is not None:
        exchange.waiting_since = monotonic()
    with service_of(request).seats.taken() as seated, suppress(TimeoutError, WorkflowFailed, CallCancelled):
        async with asyncio.timeout(wait_s if seated else 0):
            await handle


def _read_wait(values: Mapping[str, Any]) -> float:
    """`wait_s` of a body; without it, no wait. Raises: InvalidInput."""
    wait_s = values.get("wait_s")
    if wait_s is None:
        return 0.0
    if isinstance(wait_s, bool) or not isinstance(wait_s, int | float) or not 0 <= wait_s <= MOST_WAIT_S:
        raise InvalidInput(f"wait_s is no number from 0 to {MOST_WAIT_S:g}", remedy="wait less", path="wait_s")
    return float(wait_s)


def header_key(request: Request) -> str | None:
    """The caller's Idempotency-Key as the key of the run, which outlives the answers kept in memory."""
    header = request.headers.get("idempotency-key")
    return None if header is None else f"{who(request)}:{header}"


def _key(request: Request, values: Mapping[str, Any]) -> str | None:
    """`key` of the body or the Idempotency-Key; a second start with it is the first run. Raises: InvalidInput."""
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


_MOST_ROWS = 1 << 53
_LONGEST_PLACE = 4000


async def list_runs(request: Request) -> Response:
    """One page of runs, newest first."""
    asked = request.query_params
    workflow, status = asked.get("workflow"), asked.get("status")
    if status is not None and status not in RUN_STATES:
        raise InvalidInput("status is none of a run", remedy=f"use one of {', '.join(RUN_STATES)}", path="status")
    if workflow is not None and (len(workflow) > 200 or not workflow.isascii() or "\0" in workflow):
        raise InvalidInput("workflow is no name", remedy="see /api/v1/workflows", path="workflow")
    limit, cursor = read_count(request, "limit", 50), read_cursor_text(request)
    page = await service_of(request).page_runs(workflow=workflow, status=status, limit=limit, cursor=cursor)
    return page_reply(page)


async def show_run(request: Request) -> Response:
    """One run."""
    return Json((await service_of(request).run_view(run_of(request))).to_json())


async def list_steps(request: Request) -> Response:
    """Rows of a run's journal in order, long values shortened."""
    after, limit = read_count(request, "after", 0, least=0, most=_MOST_ROWS), read_count(request, "limit", 100)
    return page_reply(await service_of(request).steps(run_of(request), after=after, limit=limit))


async def show_step(request: Request) -> Response:
    """A row of a run's journal in full."""
    text: str = request.path_params["seq"]
    if not (text.isascii() and text.isdigit() and 0 < len(text) < 10):
        raise NotFound(f"there is no step {text[:80]!a}", remedy="see /steps")
    return Json((await service_of(request).step(run_of(request), int(text))).to_json())


async def show_open(request: Request) -> Response:
    """Current actions and waits of a run."""
    found = await service_of(request).open(run_of(request))
    return Json({"items": [one.to_json() for one in found]})


async def verify_run(request: Request) -> Response:
    """Verifies the hashes of the rows of a run."""
    return Json(await service_of(request).audit(run_of(request)))


async def cancel_run(request: Request) -> Response:
    """Cancels a run."""
    return Json((await service_of(request).cancel(run_of(request), by=who(request))).to_json())


async def suspend_run(request: Request) -> Response:
    """Suspends a run."""
    return Json((await service_of(request).suspend(run_of(request), by=who(request))).to_json())


async def resume_run(request: Request) -> Response:
    """Resumes a suspended run."""
    return Json((await service_of(request).resume(run_of(request), by=who(request))).to_json())


async def retry_run(request: Request) -> Response:
    """Continues a failed or cancelled run as a new run."""
    place = (await read_object(request, allowed=frozenset({"place"}))).get("place")
    if place is not None and (not isinstance(place, str) or not 0 < len(place) <= _LONGEST_PLACE or "\0" in place):
        raise InvalidInput("place is none of a run", remedy="send that of one of its steps", path="place")
    service = service_of(request)
    return await begun(
        request, await service.retry(run_of(request), place, by=who(request), role=role_of(request)), 201
    )


async def fork_run(request: Request) -> Response:
    """Continues after a row of a run as a new run."""
    values = await read_object(request, allowed=frozenset({"seq", "input"}))
    seq: Any = values.get("seq")
    if isinstance(seq, bool) or not isinstance(seq, int) or not 0 <= seq < 10**9:
        raise InvalidInput("seq is no number of a row", remedy="send that of one of its steps", path="seq")
    given = {"input": values["input"]} if "input" in values else {}  # null is an input as well
    service, role = service_of(request), role_of(request)
    handle = await service.fork(run_of(request), seq, by=who(request), role=role, **given)
    return await begun(request, handle, 201)


async def list_approvals(request: Request) -> Response:
    """A page of pending decisions that the caller may make, newest runs first."""
    limit, cursor = read_count(request, "limit", 50), read_cursor_text(request)
    role, run = role_of(request), request.query_params.get("run")
    if run is not None and not (0 < len(run) <= 80 and run.isascii() and run.isprintable()):
        raise InvalidInput("run is the id of none", remedy="send one, or leave it out", path="run")
    return page_reply(await service_of(request).approvals(role=role, limit=limit, cursor=cursor, run=run))


async def decide(request: Request) -> Response:
    """Makes a decision. The approval states the required role."""
    values = await read_object(request, allowed=frozenset({"place", "approve", "form"}))
    approve, place = values.get("approve"), read_text(values, "place")
    if not isinstance(approve, bool):
        raise InvalidInput("approve is neither true nor false", remedy='send {"approve": true}', path="approve")
    if len(place) > 4000 or "\0" in place:
        raise InvalidInput("place is none of a run", remedy="send that of the approval", path="place")
    role = role_of(request)
    service, run = service_of(request), run_of(request)
    await service.decide(run, place, approve=approve, form=values.get("form"), by=who(request), role=role)
    return Response(status_code=204)
