"""Runs of workflows: start, inspect, suspend, resume, cancel, retry and approve."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias, TypeVar, get_args

from starlette.responses import Response

from omnicore.access.principal import Role
from omnicore.api.operation import JSON, Operation, Reply, ref
from omnicore.api.requests import Json, read_count, read_object, who
from omnicore.api.schema import FLAG, TEXT, WHOLE, Schemas, list_of, object_of, page_of
from omnicore.api.workflows import (
    SourceMember,
    check_text,
    page_reply,
    read_cursor_text,
    role_of,
    run_of,
    service_of,
    workflow_of,
)
from omnicore.errors import CallCancelled, InvalidInput, NotFound, WorkflowFailed
from omnicore.jobs.engine import ENDED, Place, RunStatus, RunView, StepView
from omnicore.records import Json as JsonValue
from omnicore.records import Meta, Record, decode, field, fields, schema
from omnicore.workflows.trials import TrialWishes
from omnicore.workflows.view import (
    ApprovalView,
    OpenView,
    PlannedStep,
    RetryPlan,
    RunComparison,
    RunSide,
    RunSpan,
    RunTimeline,
    StepComparison,
    StepSide,
    ValueDifference,
)

if TYPE_CHECKING:
    from starlette.requests import Request

    from omnicore.api.exchange import Exchange
    from omnicore.workflows.service import RunHandle


MOST_WAIT_S = 60.0
_R = TypeVar("_R", bound=Record)


_Wait: TypeAlias = Annotated[
    float, Meta(ge=0, le=MOST_WAIT_S, description="Seconds to wait for the end; it goes on after.")
]


class RunOrder(Record, frozen=True):
    """A run to start."""

    input: JsonValue = None
    key: Annotated[
        Annotated[str, Meta(min_length=1, max_length=255)] | None,
        Meta(description="A second start with this key is the first one."),
    ] = None
    wait_s: _Wait = 0.0
    number: Annotated[
        Annotated[int, Meta(ge=1, le=999_999_999)] | None, Meta(description="A version; the newest one.")
    ] = None
    priority: Annotated[
        Annotated[int, Meta(ge=0, le=9)] | None, Meta(description="Higher ones first; default: that of the workflow.")
    ] = None
    labels: Annotated[tuple[str, ...], Meta(max_length=16, description="Texts to find it by in lists.")] = ()


class TrialOrder(Record, frozen=True):
    """A run of a text that is not applied."""

    text: SourceMember
    input: JsonValue = None
    first: Annotated[
        Annotated[str, Meta(min_length=1, max_length=4000)] | None,
        Meta(description="Path of the task to begin with, in blocks or not."),
    ] = field(name="from", default=None)
    last: Annotated[
        Annotated[str, Meta(min_length=1, max_length=4000)] | None,
        Meta(description="Path of the task to end with; the same as `from` for one step."),
    ] = field(name="to", default=None)
    variables: Annotated[
        Mapping[str, Any] | None,
        Meta(description="Of loops around `from`, by the names of `each`; without, they are the input."),
    ] = None
    run: Annotated[
        Annotated[str, Meta(min_length=1, max_length=80)] | None,
        Meta(description="A run whose recorded values stand for the steps before `from`, and for an input left out."),
    ] = None
    steps: Annotated[
        Mapping[str, Any],
        Meta(description="Outputs of steps before `from`, by name; they count before those of `run`."),
    ] = field(default_factory=dict)
    context: Annotated[Mapping[str, Any] | None, Meta(description="`$context` at the beginning.")] = None
    answers: Annotated[
        Mapping[str, Any],
        Meta(
            description="Outputs of calls, scripts, events and workflows that are not begun, by the path of the task."
        ),
    ] = field(default_factory=dict)
    calls: Annotated[
        Literal["real", "recorded"],
        Meta(description="`recorded`: calls are answered with the results of `run`; one without a result fails."),
    ] = "real"
    wait_s: _Wait = 0.0


class RunRetry(Record, frozen=True):
    """A run to continue."""

    place: Annotated[
        Annotated[str, Meta(min_length=1, max_length=4000)] | None,
        Meta(description="Where it goes on; else where it failed or was cut."),
    ] = None
    version: Annotated[
        Annotated[int, Meta(ge=1, le=999_999_999)] | None,
        Meta(description="The version that goes on; else the one that ran. Steps that are the same in it are kept."),
    ] = None


class RunFork(Record, frozen=True):
    """A run to continue after one of its rows."""

    seq: Annotated[int, Meta(ge=0, le=999_999_999, description="The last row taken over.")]
    input: JsonValue = None


class Decision(Record, frozen=True):
    """A decision that a run waits for."""

    place: Annotated[Place, Meta(min_length=1, max_length=4000)]
    approve: bool
    form: Annotated[JsonValue, Meta(description="What the form asks for.")] = None


async def _order(request: Request, record: type[_R], what: str) -> tuple[_R, Mapping[str, Any]]:
    """The order in the body, and the body as it came."""
    values = await read_object(request, allowed=frozenset(one.json_name for one in fields(record)))
    return decode(record, values, what), values


async def start_run(request: Request) -> Response:
    """Starts a run, which is stored before the answer is sent."""
    order, _ = await _order(request, RunOrder, "run")
    service, workflow = service_of(request), workflow_of(request)
    await service.rights.check_version(workflow, order.number, role_of(request))
    # The Idempotency-Key is the key of the run too: it outlives the answers kept in memory.
    key = order.key if order.key is not None else header_key(request)
    handle = await service.start(
        workflow,
        order.input,
        key=key,
        by=who(request),
        number=order.number,
        priority=order.priority,
        labels=order.labels,
    )
    return await begun(request, handle, 202, wait_s=order.wait_s)


async def start_trial(request: Request) -> Response:
    """Starts a run of a text that is not stored as a workflow."""
    order, values = await _order(request, TrialOrder, "trial")
    text = check_text(order.text, "text")
    if order.calls == "recorded" and order.run is None:
        raise InvalidInput("recorded calls need a run", remedy="name the `run` that has their results", path="run")
    given = {"input": order.input} if "input" in values else {}
    wishes = TrialWishes(
        order.first,
        order.last,
        dict(order.variables or {}),
        order.run,
        order.steps,
        order.context,
        order.answers,
        order.calls,
    )
    handle = await service_of(request).trial(workflow_of(request), text, wishes=wishes, by=who(request), **given)
    return await begun(request, handle, 202, wait_s=order.wait_s)


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


def header_key(request: Request) -> str | None:
    """The caller's Idempotency-Key as the key of the run, which outlives the answers kept in memory."""
    header = request.headers.get("idempotency-key")
    return None if header is None else f"{who(request)}:{header}"


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
_STATUSES = get_args(RunStatus)


async def list_runs(request: Request) -> Response:
    """One page of runs, newest first."""
    asked = request.query_params
    workflow, status = asked.get("workflow"), asked.get("status")
    if status is not None and status not in _STATUSES:
        raise InvalidInput(
            "status is not a status of a run", remedy=f"use one of {', '.join(_STATUSES)}", path="status"
        )
    if workflow is not None and (len(workflow) > 200 or not workflow.isascii() or "\0" in workflow):
        raise InvalidInput("workflow is not a name", remedy="see /api/v1/workflows", path="workflow")
    limit, cursor = read_count(request, "limit", 50), read_cursor_text(request)
    more: dict[str, Any] = {name: asked.get(name) for name in ("label", "owner", "q")}
    more |= {name: _moment(request, name) for name in ("since", "until")}
    page = await service_of(request).page_runs(workflow=workflow, status=status, limit=limit, cursor=cursor, **more)
    return page_reply(page)


def _moment(request: Request, name: str) -> float | None:
    """A time of the query, in Unix seconds. Raises: InvalidInput."""
    text = request.query_params.get(name)
    if text is None:
        return None
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not 0 <= found < 1e11:
        raise InvalidInput(f"{name} is not a time", remedy="give seconds since the Unix epoch", path=name)
    return found


async def show_run(request: Request) -> Response:
    """One run."""
    return Json((await service_of(request).run_view(run_of(request))).to_json())


async def list_steps(request: Request) -> Response:
    """Rows of a run's journal in order, long values shortened."""
    after, limit = read_count(request, "after", 0, least=0, most=_MOST_ROWS), read_count(request, "limit", 100)
    return page_reply(await service_of(request).steps(run_of(request), after=after, limit=limit))


async def show_timeline(request: Request) -> Response:
    """The spans of a run."""
    after, limit = read_count(request, "after", 0, least=0, most=_MOST_ROWS), read_count(request, "limit", 100)
    found = await service_of(request).timeline(run_of(request), after=after, limit=limit)
    return Json(found.to_json())


async def compare_runs(request: Request) -> Response:
    """Two runs, step by step."""
    other = request.query_params.get("other", "")
    if not (0 < len(other) <= 80 and other.isascii() and other.isprintable()):
        raise InvalidInput("other is not the id of a run", remedy="send ?other=RUN", path="other")
    return Json((await service_of(request).compared(run_of(request), other)).to_json())


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
    order, _ = await _order(request, RunRetry, "retry")
    by, role = who(request), role_of(request)
    handle = await service_of(request).retry(run_of(request), order.place, version=order.version, by=by, role=role)
    return await begun(request, handle, 201)


async def plan_retry(request: Request) -> Response:
    """The steps that a retry would keep and do again."""
    version = read_count(request, "version", 0, most=999_999_999) or None
    place = request.query_params.get("place")
    if place is not None and not 0 < len(place) <= 4000:
        raise InvalidInput("the place is empty or too long", remedy="see the steps of the run", path="place")
    plan = await service_of(request).retry_plan(run_of(request), place, version=version, role=role_of(request))
    return Json(plan.to_json())


async def fork_run(request: Request) -> Response:
    """Continues after a row of a run as a new run."""
    order, values = await _order(request, RunFork, "fork")
    given = {"input": order.input} if "input" in values else {}  # null is an input as well
    service, role = service_of(request), role_of(request)
    handle = await service.fork(run_of(request), order.seq, by=who(request), role=role, **given)
    return await begun(request, handle, 201)


async def list_approvals(request: Request) -> Response:
    """A page of pending decisions that the caller may make, newest runs first."""
    limit, cursor = read_count(request, "limit", 50), read_cursor_text(request)
    role, run = role_of(request), request.query_params.get("run")
    if run is not None and not (0 < len(run) <= 80 and run.isascii() and run.isprintable()):
        raise InvalidInput("run is not the id of a run", remedy="send one, or leave it out", path="run")
    return page_reply(await service_of(request).approvals(role=role, limit=limit, cursor=cursor, run=run))


async def decide(request: Request) -> Response:
    """Makes a decision. The approval states the required role."""
    order, _ = await _order(request, Decision, "decision")
    service, run, role = service_of(request), run_of(request), role_of(request)
    await service.decide(run, order.place, approve=order.approve, form=order.form, by=who(request), role=role)
    return Response(status_code=204)


SCHEMAS: Schemas = {
    "WorkflowFault": object_of(
        "title",
        "detail",
        type={**TEXT, "description": "A URI."},
        status=WHOLE,
        title=TEXT,
        detail=TEXT,
        instance={**TEXT, "description": "The place where it came up."},
    ),
    "Run": schema(RunView, shown=True),
    "Runs": page_of("Run"),
    "RunOrder": schema(RunOrder),
    "TrialOrder": schema(TrialOrder),
    "RunStep": schema(StepView),
    "RunSteps": page_of("RunStep"),
    "RunOpen": object_of(items=list_of(schema(OpenView))),
    "RunRetry": schema(RunRetry),
    "RunFork": schema(RunFork),
    "PlannedStep": schema(PlannedStep),
    "RetryPlan": schema(RetryPlan),
    "RunTimeline": schema(RunTimeline),
    "RunSpan": schema(RunSpan),
    "RunComparison": schema(RunComparison),
    "RunSide": schema(RunSide),
    "StepComparison": schema(StepComparison),
    "StepSide": schema(StepSide),
    "ValueDifference": schema(ValueDifference),
    "RunAudit": object_of(
        "fact",
        "seq",
        ok={**FLAG, "description": "The hashes of all rows hold."},
        rows=WHOLE,
        hash=TEXT,
        record_seq={"type": ["integer", "null"], "description": "Its row in the host's record of changes."},
        fact={**TEXT, "description": "What is wrong, where something is."},
        seq={"type": ["integer", "null"], "description": "The row where it is."},
    ),
    "Approval": schema(ApprovalView),
    "Approvals": page_of("Approval"),
    "Decision": schema(Decision),
}
