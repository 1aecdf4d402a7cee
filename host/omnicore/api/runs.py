"""Runs of workflows: started, looked at, and told to stop, rest or go on."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from omnicore.access.principal import Role
from omnicore.api.operation import JSON, Operation, Query, Reply, ref
from omnicore.api.requests import Json, read_count, read_object, who
from omnicore.api.run_starts import STARTS, begun
from omnicore.api.workflow_requests import PAGE, page_reply, read_cursor_text, role_of, run_of, service_of
from omnicore.api.workflow_schemas import RUN_STATES
from omnicore.errors import InvalidInput, NotFound

__all__ = ["OPERATIONS"]

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
    """Rows of a run's journal, in order; long values are shortened."""
    after, limit = read_count(request, "after", 0, least=0, most=_MOST_ROWS), read_count(request, "limit", 100)
    return page_reply(await service_of(request).steps(run_of(request), after=after, limit=limit))


async def show_step(request: Request) -> Response:
    """One row of a run's journal, in full."""
    text: str = request.path_params["seq"]
    if not (text.isascii() and text.isdigit() and 0 < len(text) < 10):
        raise NotFound(f"there is no step {text[:80]!a}", remedy="see /steps")
    return Json((await service_of(request).step(run_of(request), int(text))).to_json())


async def show_open(request: Request) -> Response:
    """What a run does or waits for now."""
    found = await service_of(request).open(run_of(request))
    return Json({"items": [one.to_json() for one in found]})


async def verify_run(request: Request) -> Response:
    """Whether the rows of a run are those that were written."""
    return Json(await service_of(request).audit(run_of(request)))


async def cancel_run(request: Request) -> Response:
    """Has a run cancelled."""
    return Json((await service_of(request).cancel(run_of(request), by=who(request))).to_json())


async def suspend_run(request: Request) -> Response:
    """Lets a run rest."""
    return Json((await service_of(request).suspend(run_of(request), by=who(request))).to_json())


async def resume_run(request: Request) -> Response:
    """Lets a run that rests go on."""
    return Json((await service_of(request).resume(run_of(request), by=who(request))).to_json())


async def retry_run(request: Request) -> Response:
    """Goes on where a run failed or was cancelled, as a new run."""
    place = (await read_object(request, allowed=frozenset({"place"}))).get("place")
    if place is not None and (not isinstance(place, str) or not 0 < len(place) <= _LONGEST_PLACE or "\0" in place):
        raise InvalidInput("place is none of a run", remedy="send that of one of its steps", path="place")
    service = service_of(request)
    return await begun(
        request, await service.retry(run_of(request), place, by=who(request), role=role_of(request)), 201
    )


async def fork_run(request: Request) -> Response:
    """Goes on behind one of a run's rows, as a new run."""
    values = await read_object(request, allowed=frozenset({"seq", "input"}))
    seq: Any = values.get("seq")
    if isinstance(seq, bool) or not isinstance(seq, int) or not 0 <= seq < 10**9:
        raise InvalidInput("seq is no number of a row", remedy="send that of one of its steps", path="seq")
    given = {"input": values["input"]} if "input" in values else {}  # null is an input as well
    service, role = service_of(request), role_of(request)
    handle = await service.fork(run_of(request), seq, by=who(request), role=role, **given)
    return await begun(request, handle, 201)


_TAG = "runs"
_AT = "/api/v1/runs/{run}"
_ONE = {200: Reply("The run.", schema=ref("Run"))}
_NEW = {201: Reply("The new run.", schema=ref("Run"))}
OPERATIONS = (
    *STARTS,
    Operation(
        *("GET", "/api/v1/runs", list_runs, "listRuns", "Lists runs, newest first", _TAG),
        replies={200: Reply("A page of runs.", schema=ref("Runs"))},
        query=(
            Query("workflow", {"type": "string"}, "Only those of a workflow"),
            Query("status", {"enum": list(RUN_STATES)}, "Only these; faulted ones are the dead letters"),
            *PAGE,
        ),
        problems=(422,),
    ),
    Operation(*("GET", _AT, show_run, "showRun", "Shows a run", _TAG), replies=_ONE, problems=(404,)),
    Operation(
        *("GET", f"{_AT}/steps", list_steps, "listSteps", "Lists the rows of a run's journal", _TAG),
        replies={200: Reply("A page of rows, in order.", schema=ref("RunSteps"))},
        query=(
            Query("after", {"type": "integer", "minimum": 0}, "The row to go on after"),
            PAGE[0],
        ),
        problems=(404, 422),
    ),
    Operation(
        *("GET", f"{_AT}/steps/{{seq}}", show_step, "showStep", "Shows a row of a run's journal in full", _TAG),
        replies={200: Reply("The row.", schema=ref("RunStep"))},
        problems=(404,),
    ),
    Operation(
        *("GET", f"{_AT}/open", show_open, "showOpen", "Shows what a run does or waits for", _TAG),
        replies={200: Reply("What is open.", schema=ref("RunOpen"))},
        problems=(404,),
    ),
    Operation(
        *("GET", f"{_AT}/audit", verify_run, "verifyRun", "Checks the hashes of a run's rows", _TAG),
        replies={200: Reply("What came of it.", schema=ref("RunAudit"))},
        problems=(404,),
    ),
    *(
        Operation(
            *("POST", f"{_AT}/{verb}", endpoint, f"{verb}Run", summary, _TAG),
            replies=_ONE,
            problems=(404, 409),
            idempotent=True,
            needs=Role.operator,
        )
        for verb, endpoint, summary in (
            ("cancel", cancel_run, "Cancels a run"),
            ("suspend", suspend_run, "Lets a run rest"),
            ("resume", resume_run, "Lets a run go on that rests"),
        )
    ),
    Operation(
        *("POST", f"{_AT}/retry", retry_run, "retryRun", "Goes on where a run failed or was cut, as a new run", _TAG),
        replies=_NEW,
        body={JSON: ref("RunRetry")},
        problems=(404, 409, 413, 422),
        idempotent=True,
        needs=Role.operator,
    ),
    Operation(
        *("POST", f"{_AT}/fork", fork_run, "forkRun", "Goes on behind a row of a run, as a new run", _TAG),
        replies=_NEW,
        body={JSON: ref("RunFork")},
        problems=(404, 409, 413, 422),
        idempotent=True,
        needs=Role.operator,
    ),
)
