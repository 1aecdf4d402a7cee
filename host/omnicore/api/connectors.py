"""Connectors: their kinds, make them, test them, call them, and see who did. What is secret goes in and never out."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from time import monotonic
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from omnicore.access.principal import Role
from omnicore.api.exchange import Exchange
from omnicore.api.operation import JSON, Operation, Query, Reply, ref
from omnicore.api.parts import parts_of
from omnicore.api.requests import MOST_ITEMS, Json, read_count, read_object
from omnicore.connectors.kinds import KINDS, find_kind
from omnicore.connectors.service import Connectors
from omnicore.errors import InvalidInput, NotFound, ToolMissing, Unavailable
from omnicore.storage.tables.connectors import ConnectorRow

__all__ = ["OPERATIONS", "connectors_of"]

_AT = "/api/v1/connectors"


def connectors_of(request: Request) -> Connectors:
    """The host's connectors. Raises: Unavailable: it has none."""
    service = parts_of(request).rooms.connectors
    if service is None:
        raise Unavailable("this host has no connectors", remedy="ask a host that has a database")
    return service


async def list_kinds(_request: Request) -> Response:
    """Every kind there is, with the schemas of its settings and actions."""
    return Json({"items": await asyncio.to_thread(lambda: [_kind(name) for name in KINDS])})


async def list_connectors(request: Request) -> Response:
    """Every connector."""
    service = connectors_of(request)
    rows, states = await asyncio.to_thread(service.register.all), service.states()
    return Json({"items": [_shown(row, states) for row in rows]})


async def add_connector(request: Request) -> Response:
    """Adds a connector."""
    service = connectors_of(request)
    values = await read_object(request, allowed=frozenset({"name", "kind", "config", "secrets", "limits"}))
    name, kind = _text(values, "name"), _text(values, "kind")
    tables = [_table(values, member) for member in ("config", "secrets", "limits")]
    row = await asyncio.to_thread(service.register.add, name, kind, *tables)
    return Json(_shown(row, {}), 201, {"location": f"{_AT}/{row.name}"})


async def show_connector(request: Request) -> Response:
    """One connector."""
    service = connectors_of(request)
    return Json(_shown(await _row(request), service.states()))


async def change_connector(request: Request) -> Response:
    """Replaces settings, limits and secrets, as far as they are given."""
    service, row = connectors_of(request), await _row(request)
    values = await read_object(request, allowed=frozenset({"config", "secrets", "limits"}))
    changes = {
        "config": _table(values, "config"),
        "credentials": _table(values, "secrets"),
        "limits": _table(values, "limits"),
    }
    changed = await asyncio.to_thread(lambda: service.register.change(row.name, **changes))
    return Json(_shown(changed, service.states()))


async def remove_connector(request: Request) -> Response:
    """Removes a connector and its secrets."""
    if not await connectors_of(request).remove(request.path_params["connector"]):
        raise _nothing(request)
    return Json({"removed": True})


async def test_connector(request: Request) -> Response:
    """Asks the other side whether it answers and takes the credentials."""
    service, row = connectors_of(request), await _row(request)
    _waits(request)
    return Json(await service.test(row.name))


async def list_actions(request: Request) -> Response:
    """What a connector can do."""
    row = await _row(request)
    kind = await asyncio.to_thread(find_kind, row.kind)
    return Json({"items": [action.to_json() for action in kind.actions]})


async def call_connector(request: Request) -> Response:
    """Lets a connector do something."""
    service, row = connectors_of(request), await _row(request)
    values = await read_object(request, allowed=frozenset({"input", "timeout_s"}))
    timeout_s = values.get("timeout_s", row.limits.get("timeout_s", 3600.0))
    if not isinstance(timeout_s, (int, float)) or isinstance(timeout_s, bool) or not 0 < timeout_s <= 3600:
        raise InvalidInput("timeout_s is no number up to 3600", remedy="send seconds", path="timeout_s")
    _waits(request)
    action = request.path_params["action"]
    output = await service.use("rest", row.name, action, values.get("input"), timeout_s=timeout_s)
    return Json({"output": output})


async def list_uses(request: Request) -> Response:
    """Who used a connector, newest first."""
    service, limit = connectors_of(request), read_count(request, "limit", 100)
    name, before = request.path_params["connector"], request.query_params.get("cursor", "")[:64]
    uses = await asyncio.to_thread(lambda: service.register.table.uses(name, before=before, limit=limit))
    return Json({"items": [use.to_json() for use in uses], "next": uses[-1].id if len(uses) == limit else None})


async def trigger_connector(request: Request) -> Response:
    """Publishes an event of a connector: OmniFlow's own path."""
    service = connectors_of(request)
    values = await read_object(request, allowed=frozenset({"event", "payload"}))
    row = await _row(request)
    await asyncio.to_thread(service.trigger, row.name, _text(values, "event"), values.get("payload"))
    return Json({"status": "ok"})


async def _row(request: Request) -> ConnectorRow:
    row = await asyncio.to_thread(connectors_of(request).register.table.get, request.path_params["connector"])
    if row is None:
        raise _nothing(request)
    return row


def _nothing(request: Request) -> NotFound:
    return NotFound(f"there is no connector {request.path_params['connector'][:80]!r}", remedy=f"see {_AT}")


def _waits(request: Request) -> None:
    """From here on a client that goes away ends the call."""
    exchange: Exchange = request.scope["exchange"]
    exchange.waiting_since = monotonic()


def _kind(name: str) -> Mapping[str, Any]:
    try:
        return find_kind(name).to_json()
    except ToolMissing as error:
        empty = {"description": "", "config": {}, "secrets": {}, "required_secrets": [], "actions": []}
        return {"name": name, **empty, "problem": str(error)}


def _shown(row: ConnectorRow, states: Mapping[str, Any]) -> dict[str, Any]:
    shown = {name: getattr(row, name) for name in row.__slots__}
    return {**shown, "state": states.get(row.name)}


def _text(values: Mapping[str, Any], member: str) -> str:
    found = values.get(member)
    if not isinstance(found, str):
        raise InvalidInput(f"{member} is no text", remedy=f'send {{"{member}": "..."}}', path=member)
    return found


def _table(values: Mapping[str, Any], member: str) -> Mapping[str, Any] | None:
    found = values.get(member)
    if found is not None and not isinstance(found, dict):
        raise InvalidInput(f"{member} is no object", remedy="send an object", path=member)
    return found


_CONNECTOR = Reply("The connector.", schema=ref("Connector"))
_TAG = "connectors"
OPERATIONS = (
    Operation(
        *("GET", f"{_AT}/kinds", list_kinds, "listConnectorKinds", "Lists the kinds of connectors", _TAG),
        replies={200: Reply("All kinds.", schema=ref("ConnectorKinds"))},
    ),
    Operation(
        *("GET", _AT, list_connectors, "listConnectors", "Lists connectors", _TAG),
        replies={200: Reply("All connectors, without secrets.", schema=ref("Connectors"))},
    ),
    Operation(
        *("POST", _AT, add_connector, "addConnector", "Adds a connector", _TAG),
        replies={201: _CONNECTOR},
        body={JSON: ref("ConnectorOrder")},
        problems=(409, 413, 422),
        idempotent=True,
    ),
    Operation(
        *("GET", f"{_AT}/{{connector}}", show_connector, "showConnector", "Shows a connector", _TAG),
        replies={200: _CONNECTOR},
        problems=(404,),
    ),
    Operation(
        *("PUT", f"{_AT}/{{connector}}", change_connector, "changeConnector", "Changes a connector", _TAG),
        replies={200: _CONNECTOR},
        body={JSON: ref("ConnectorChange")},
        problems=(404, 409, 413, 422),
        idempotent=True,
    ),
    Operation(
        *("DELETE", f"{_AT}/{{connector}}", remove_connector, "removeConnector", "Removes a connector", _TAG),
        replies={200: Reply("It is gone.", schema=ref("Removed"))},
        problems=(404,),
        idempotent=True,
    ),
    Operation(
        *("POST", f"{_AT}/{{connector}}/test", test_connector, "testConnector", "Tests a connector", _TAG),
        replies={200: Reply("What came of it.", schema=ref("ConnectorTest"))},
        problems=(404,),
        needs=Role.operator,
    ),
    Operation(
        *("GET", f"{_AT}/{{connector}}/actions", list_actions, "listActions", "Lists what a connector can do", _TAG),
        replies={200: Reply("Its actions with their schemas.", schema=ref("ConnectorActions"))},
        problems=(404,),
    ),
    Operation(
        *("POST", f"{_AT}/{{connector}}/actions/{{action}}", call_connector, "callConnector", "Does an action", _TAG),
        replies={200: Reply("What came of it.", schema=ref("ConnectorOutput"))},
        body={JSON: ref("ConnectorCall")},
        problems=(404, 413, 422, 502, 504),
        idempotent=True,
    ),
    Operation(
        *("GET", f"{_AT}/{{connector}}/uses", list_uses, "listUses", "Lists who used a connector", _TAG),
        replies={200: Reply("A page of uses, newest first.", schema=ref("ConnectorUses"))},
        query=(
            Query("limit", {"type": "integer", "minimum": 1, "maximum": MOST_ITEMS}, "How many"),
            Query("cursor", {"type": "string"}, "`next` of the page before"),
        ),
        problems=(422,),
    ),
    Operation(
        "POST",
        *("/api/connectors/{connector}/trigger", trigger_connector, "triggerConnector", "Publishes an event", _TAG),
        replies={200: Reply("It was published.", schema=ref("Status"))},
        body={JSON: ref("Trigger")},
        problems=(404, 413, 422),
        idempotent=True,
        needs=Role.operator,
    ),
)
