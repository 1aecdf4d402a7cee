"""Webhooks: the open path that services deliver to, and what operators see and do about them."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response

from omnicore.access.principal import Role
from omnicore.api.connectors import connectors_of
from omnicore.api.operation import JSON, Operation, Query, Reply, ref
from omnicore.api.parts import parts_of
from omnicore.api.problems import Problem, RefusalError
from omnicore.api.requests import MOST_ITEMS, Json, read_count, read_object
from omnicore.connectors.hooks.service import Hooks
from omnicore.errors import InvalidInput, LimitExceeded, NotFound, PermissionDenied, WorkflowFailed

__all__ = ["OPERATIONS"]

_AT = "/api/v1/webhooks"


async def deliver(request: Request) -> Response:
    """Takes a delivery in. It is on the disk before the answer goes out, and nothing of it is parsed unproven."""
    hooks = _hooks(request)
    try:
        hook = await asyncio.to_thread(hooks.admit, request.path_params["hook"])
    except LimitExceeded as error:
        wait = b"%d" % max(1, round(error.details.get("retry_after_s", 1)))
        raise RefusalError(Problem(429, error.code, error.fact, error.remedy, ((b"retry-after", wait),))) from error
    body = await _body(request, parts_of(request).settings.connectors.hook_bytes)
    try:
        taken = await hooks.deliver(hook, _headers(request), body)
    except PermissionDenied as error:
        raise RefusalError(Problem(401, "unproven", error.fact, error.remedy)) from error
    except WorkflowFailed as error:  # where and why is for the people of this host; a sender is told the title
        fault, run = error.details.get("fault") or {}, str(error.details.get("run", ""))
        told = f"the run {run} faulted: {str(fault.get('title', ''))[:200]}"
        raise RefusalError(Problem(502, error.code, told, "look at it on the host")) from error
    if taken.document is None:
        return Response(status_code=204)
    return Json(taken.document, taken.status)


async def list_hooks(request: Request) -> Response:
    """Every webhook."""
    rows = await asyncio.to_thread(_hooks(request).table.all)
    return Json({"items": [row.to_json() for row in rows]})


async def add_hook(request: Request) -> Response:
    """Adds a webhook."""
    hooks = _hooks(request)
    values = await read_object(request, allowed=frozenset({"name", "rule", "secret", "connector", "window_s"}))
    given = {member: values.get(member) for member in ("name", "rule", "secret")}
    for member, value in given.items():
        if not isinstance(value, str):
            raise InvalidInput(f"{member} is no text", remedy="send a text", path=member)
    connector, window_s = values.get("connector"), values.get("window_s", 300.0)
    if connector is not None and not isinstance(connector, str):
        raise InvalidInput("connector is no name", remedy="send a name or null", path="connector")
    row = await asyncio.to_thread(
        lambda: hooks.add(
            str(given["name"]), str(given["rule"]), str(given["secret"]), connector=connector, window_s=window_s
        )
    )
    return Json(row.to_json(), 201, {"location": f"{_AT}/{row.name}"})


async def show_hook(request: Request) -> Response:
    """One webhook."""
    row = await asyncio.to_thread(_hooks(request).named, request.path_params["webhook"])
    return Json(row.to_json())


async def remove_hook(request: Request) -> Response:
    """Removes a webhook and its deliveries."""
    name = request.path_params["webhook"]
    if not await asyncio.to_thread(_hooks(request).remove, name):
        raise NotFound(f"there is no webhook {name[:80]!r}", remedy=f"see {_AT}")
    return Json({"removed": True})


async def list_deliveries(request: Request) -> Response:
    """What was delivered, newest first."""
    hooks, limit = _hooks(request), read_count(request, "limit", 100)
    before = request.query_params.get("cursor", "")[:64]
    hook = await asyncio.to_thread(hooks.named, request.path_params["webhook"])
    rows = await asyncio.to_thread(lambda: hooks.table.page(hook.id, before=before, limit=limit))
    following = rows[-1].id if len(rows) == limit else None
    return Json({"items": [row.to_json() for row in rows], "next": following})


async def show_delivery(request: Request) -> Response:
    """One delivery with its body: as text, or in base64 where it is none."""
    name, delivery = request.path_params["webhook"], request.path_params["delivery"]
    row = await asyncio.to_thread(_hooks(request).delivery, name, delivery)
    return Json({**row.to_json(), **_body_of(row.body), "body_bytes": len(row.body)})


def _body_of(body: bytes) -> dict[str, str | None]:
    try:
        return {"text": body.decode(), "base64": None}
    except UnicodeDecodeError:
        return {"text": None, "base64": base64.b64encode(body).decode()}


async def redeliver(request: Request) -> Response:
    """Publishes a delivery once more."""
    name, delivery = request.path_params["webhook"], request.path_params["delivery"]
    await _hooks(request).redeliver_all(name, delivery)
    return Json({"status": "ok"})


def _hooks(request: Request) -> Hooks:
    return connectors_of(request).hooks


def _headers(request: Request) -> Mapping[str, str]:
    """By lower-case name. One that comes twice counts as none: nobody can tell which of the two was proven."""
    found: dict[str, str] = {}
    twice: set[str] = set()
    for name, value in request.headers.items():
        if name in found:
            twice.add(name)
        found[name] = value
    return {name: value for name, value in found.items() if name not in twice}


async def _body(request: Request, most: int) -> bytes:
    """Reads no more than `most`: whoever sends this has proven nothing yet."""
    length = request.headers.get("content-length", "0")
    body = bytearray()
    if int(length) <= most:
        async for chunk in request.stream():
            body += chunk
            if len(body) > most:
                break
        else:
            return bytes(body)
    raise RefusalError(
        Problem(413, "body-too-large", f"the delivery has over {most} bytes", "raise connectors.hook_bytes")
    )


_HOOK = Reply("The webhook.", schema=ref("Webhook"))
_TAG = "webhooks"
OPERATIONS = (
    Operation(
        *("POST", "/hooks/{hook}", deliver, "deliver", "Takes a delivery of a service in", _TAG),
        replies={
            200: Reply(
                "It is kept, or was kept before; what a workflow gave, where its trigger answers that.", schema={}
            ),
            202: Reply("It is kept, and a workflow runs.", schema={"type": "object"}),
            204: Reply("A test of the address.", None),
        },
        body={"*/*": {}},
        problems=(404, 413, 429, 502),
        open=True,
    ),
    Operation(
        *("GET", _AT, list_hooks, "listWebhooks", "Lists webhooks", _TAG),
        replies={200: Reply("All webhooks, without secrets.", schema=ref("Webhooks"))},
    ),
    Operation(
        *("POST", _AT, add_hook, "addWebhook", "Adds a webhook", _TAG),
        replies={201: _HOOK},
        body={JSON: ref("WebhookOrder")},
        problems=(409, 422),
        idempotent=True,
    ),
    Operation(
        *("GET", f"{_AT}/{{webhook}}", show_hook, "showWebhook", "Shows a webhook", _TAG),
        replies={200: _HOOK},
        problems=(404,),
    ),
    Operation(
        *("DELETE", f"{_AT}/{{webhook}}", remove_hook, "removeWebhook", "Removes a webhook and its deliveries", _TAG),
        replies={200: Reply("It is gone.", schema=ref("Removed"))},
        problems=(404,),
        idempotent=True,
    ),
    Operation(
        *("GET", f"{_AT}/{{webhook}}/deliveries", list_deliveries, "listDeliveries", "Lists deliveries", _TAG),
        replies={200: Reply("A page of deliveries, newest first.", schema=ref("WebhookDeliveries"))},
        query=(
            Query("limit", {"type": "integer", "minimum": 1, "maximum": MOST_ITEMS}, "How many"),
            Query("cursor", {"type": "string"}, "`next` of the page before"),
        ),
        problems=(404, 422),
    ),
    Operation(
        "GET",
        f"{_AT}/{{webhook}}/deliveries/{{delivery}}",
        *(show_delivery, "showDelivery", "Shows a delivery with its body", _TAG),
        replies={200: Reply("The delivery.", schema=ref("WebhookDeliveryBody"))},
        problems=(404,),
    ),
    Operation(
        "POST",
        f"{_AT}/{{webhook}}/deliveries/{{delivery}}/redeliver",
        *(redeliver, "redeliver", "Publishes a delivery once more", _TAG),
        replies={200: Reply("It was published.", schema=ref("Status"))},
        problems=(404,),
        idempotent=True,
        needs=Role.operator,
    ),
)
