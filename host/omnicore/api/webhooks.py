"""Webhooks: the open path that services deliver to, and the deliveries."""

from __future__ import annotations

import asyncio
import base64
from typing import TYPE_CHECKING

from starlette.responses import Response

from omnicore.api.connectors import connectors_of
from omnicore.api.parts import parts_of
from omnicore.api.problems import Problem, RefusalError
from omnicore.api.requests import Json, read_count, read_record
from omnicore.api.schema import MAYBE_TEXT, TEXT, WHOLE, Schemas, list_of, object_of
from omnicore.errors import LimitExceeded, NotFound, PermissionDenied, WorkflowFailed
from omnicore.records import schema
from omnicore.storage.tables.connectors import DeliveryRow, HookOrder, HookRow

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

    from omnicore.connectors.webhooks import Hooks


_AT = "/api/v1/webhooks"


async def deliver(request: Request) -> Response:
    """Accepts a delivery. It is stored before the answer is sent, and nothing unproven is parsed."""
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


async def list_webhooks(request: Request) -> Response:
    """Every webhook."""
    rows = await asyncio.to_thread(_hooks(request).table.all)
    return Json({"items": [row.to_json() for row in rows]})


async def add_webhook(request: Request) -> Response:
    """Adds a webhook."""
    hooks = _hooks(request)
    order = await read_record(request, HookOrder, "webhook")
    row = await asyncio.to_thread(hooks.add_order, order)
    return Json(row.to_json(), 201, {"location": f"{_AT}/{row.name}"})


async def show_webhook(request: Request) -> Response:
    """One webhook."""
    row = await asyncio.to_thread(_hooks(request).named, request.path_params["webhook"])
    return Json(row.to_json())


async def remove_webhook(request: Request) -> Response:
    """Removes a webhook and its deliveries."""
    name = request.path_params["webhook"]
    if not await asyncio.to_thread(_hooks(request).remove, name):
        raise NotFound(f"there is no webhook {name[:80]!r}", remedy=f"see {_AT}")
    return Json({"removed": True})


async def list_deliveries(request: Request) -> Response:
    """Deliveries, newest first."""
    hooks, limit = _hooks(request), read_count(request, "limit", 100)
    before = request.query_params.get("cursor", "")[:64]
    hook = await asyncio.to_thread(hooks.named, request.path_params["webhook"])
    rows = await asyncio.to_thread(lambda: hooks.table.page(hook.id, before=before, limit=limit))
    following = rows[-1].id if len(rows) == limit else None
    return Json({"items": [row.to_json() for row in rows], "next": following})


async def show_delivery(request: Request) -> Response:
    """A delivery with its body, as text or in base64."""
    name, delivery = request.path_params["webhook"], request.path_params["delivery"]
    row = await asyncio.to_thread(_hooks(request).delivery, name, delivery)
    return Json({**row.to_json(), **_body_of(row.body), "body_bytes": len(row.body)})


def _body_of(body: bytes) -> dict[str, str | None]:
    try:
        return {"text": body.decode(), "base64": None}
    except UnicodeDecodeError:
        return {"text": None, "base64": base64.b64encode(body).decode()}


async def redeliver(request: Request) -> Response:
    """Publishes a delivery again."""
    name, delivery = request.path_params["webhook"], request.path_params["delivery"]
    await _hooks(request).redeliver_all(name, delivery)
    return Json({"status": "ok"})


def _hooks(request: Request) -> Hooks:
    return connectors_of(request).hooks


def _headers(request: Request) -> Mapping[str, str]:
    """Headers by lower-case name. A repeated one counts as absent: nobody can tell which of the two was proven."""
    found: dict[str, str] = {}
    twice: set[str] = set()
    for name, value in request.headers.items():
        if name in found:
            twice.add(name)
        found[name] = value
    return {name: value for name, value in found.items() if name not in twice}


async def _body(request: Request, most: int) -> bytes:
    """The body, at most `most` bytes: the sender has proven nothing yet."""
    length = request.headers.get("content-length", "0")
    body = bytearray()
    if int(length) <= most:
        async for chunk in request.stream():
            body += chunk
            if len(body) > most:
                break
        else:
            return bytes(body)
    raise RefusalError(Problem(413, "body-too-large", f"the delivery has over {most} bytes", "send less at once"))


SCHEMAS: Schemas = {
    "Webhook": object_of(**schema(HookRow)["properties"], path={**TEXT, "description": "Where deliveries go."}),
    "Webhooks": object_of(items=list_of("Webhook")),
    "WebhookOrder": schema(HookOrder),
    "WebhookDelivery": schema(DeliveryRow, shown=True),
    "WebhookDeliveryBody": object_of(
        **schema(DeliveryRow)["properties"],
        text={**MAYBE_TEXT, "description": "The body, where it is text."},
        base64={**MAYBE_TEXT, "description": "The body, where it is no text."},
        body_bytes=WHOLE,
    ),
    "WebhookDeliveries": object_of(items=list_of("WebhookDelivery"), next=MAYBE_TEXT),
}
