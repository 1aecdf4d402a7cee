"""Decisions that runs wait for."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from omnicore.access.principal import Role
from omnicore.api.operation import JSON, Operation, Query, Reply, ref
from omnicore.api.requests import read_count, read_object, who
from omnicore.api.workflow_requests import PAGE, page_reply, read_cursor_text, read_text, role_of, run_of, service_of
from omnicore.errors import InvalidInput

__all__ = ["OPERATIONS"]


async def list_approvals(request: Request) -> Response:
    """One page of decisions that whoever asks may take, of the newest runs first."""
    limit, cursor = read_count(request, "limit", 50), read_cursor_text(request)
    role, run = role_of(request), request.query_params.get("run")
    if run is not None and not (0 < len(run) <= 80 and run.isascii() and run.isprintable()):
        raise InvalidInput("run is the id of none", remedy="send one, or leave it out", path="run")
    return page_reply(await service_of(request).approvals(role=role, limit=limit, cursor=cursor, run=run))


async def decide(request: Request) -> Response:
    """Takes a decision. The approval says which role may."""
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


OPERATIONS = (
    Operation(
        *("GET", "/api/v1/approvals", list_approvals, "listApprovals", "Lists decisions that are waited for", "runs"),
        replies={200: Reply("A page of decisions, of the newest runs first.", schema=ref("Approvals"))},
        query=(*PAGE, Query("run", {"type": "string"}, "Those of one run")),
        problems=(422,),
    ),
    Operation(
        *("POST", "/api/v1/runs/{run}/approvals", decide, "decide", "Takes a decision that a run waits for", "runs"),
        replies={204: Reply("It is taken; the run goes on.", None)},
        body={JSON: ref("Decision")},
        problems=(404, 409, 413, 422),
        idempotent=True,
        needs=Role.viewer,  # the approval itself says which role may; most ask for an operator
    ),
)
