"""Connectors: kinds, configuration, tests, calls and uses. Secrets can be written but never read."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import TYPE_CHECKING, Any

from omnicore.api.parts import parts_of
from omnicore.api.principals import principal_of
from omnicore.api.requests import Json, read_count, read_object, read_record, who
from omnicore.api.schema import FLAG, MAYBE_TABLE, MAYBE_TEXT, TABLE, TEXT, Schemas, list_of, object_of
from omnicore.connectors.kind import KINDS, CallLimits
from omnicore.connectors.kinds import kind_json
from omnicore.errors import Conflict, InvalidInput, NotFound, Unavailable
from omnicore.records import schema
from omnicore.storage.tables.connectors import ConnectorChange, ConnectorOrder, ConnectorRow, HookRow, KindOrder, UseRow

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request
    from starlette.responses import Response

    from omnicore.api.exchange import Exchange
    from omnicore.connectors.service import Connectors


_AT = "/api/v1/connectors"


def connectors_of(request: Request) -> Connectors:
    """The host's connectors. Raises: Unavailable: it has none."""
    service = parts_of(request).rooms.connectors
    if service is None:
        raise Unavailable("this host has no connectors", remedy="ask a host that has a database")
    return service


async def list_connector_kinds(request: Request) -> Response:
    """Every kind, with the schemas of its settings and actions."""
    kinds = connectors_of(request).register.kinds
    return Json({"items": await asyncio.to_thread(lambda: [kind_json(name, one) for name, one in kinds.all()])})


async def add_connector_kind(request: Request) -> Response:
    """Adds the kind of connector that a description makes."""
    kinds = connectors_of(request).register.kinds
    order = await read_record(request, KindOrder, "kind")
    kind = await asyncio.to_thread(lambda: kinds.add(order.description, replace=order.replace))
    return Json(kind.to_json(), 201, {"location": f"{_AT}/kinds/{kind.name}"})


async def show_connector_kind(request: Request) -> Response:
    """One kind, with the schemas of its settings and actions."""
    kinds, name = connectors_of(request).register.kinds, request.path_params["kind"]
    found = dict(await asyncio.to_thread(lambda: [(one, kind) for one, kind in kinds.all() if one == name]))
    if name not in found:
        raise _no_kind(name)
    return Json(kind_json(name, found[name]))


async def remove_connector_kind(request: Request) -> Response:
    """Removes a kind that was added."""
    name = request.path_params["kind"]
    if name in KINDS:
        raise Conflict(f"the kind {name} comes with the host", remedy="remove kinds that were added")
    if not await asyncio.to_thread(connectors_of(request).register.kinds.remove, name):
        raise _no_kind(name)
    return Json({"removed": True})


def _no_kind(name: str) -> NotFound:
    return NotFound(f"there is no kind of connector {name[:80]!r} here", remedy=f"see {_AT}/kinds")


async def list_connectors(request: Request) -> Response:
    """Every connector."""
    service = connectors_of(request)
    rows, states = await asyncio.to_thread(service.register.all), service.states()
    return Json({"items": [_shown(row, states) for row in rows]})


async def add_connector(request: Request) -> Response:
    """Adds a connector."""
    service = connectors_of(request)
    order = await read_record(request, ConnectorOrder, "connector")
    given = (order.name, order.kind, order.config, order.credentials, order.limits)
    row = await asyncio.to_thread(service.register.add, *given)
    return Json(_shown(row, {}), 201, {"location": f"{_AT}/{row.name}"})


async def show_connector(request: Request) -> Response:
    """One connector."""
    service = connectors_of(request)
    return Json(_shown(await _row(request), service.states()))


async def change_connector(request: Request) -> Response:
    """Replaces the given settings, limits and secrets."""
    service, row = connectors_of(request), await _row(request)
    order = await read_record(request, ConnectorChange, "connector")
    changed = await asyncio.to_thread(
        lambda: service.register.change(
            row.name, config=order.config, credentials=order.credentials, limits=order.limits
        )
    )
    return Json(_shown(changed, service.states()))


async def remove_connector(request: Request) -> Response:
    """Removes a connector and its secrets."""
    if not await connectors_of(request).remove(request.path_params["connector"]):
        raise _nothing(request)
    return Json({"removed": True})


async def test_connector(request: Request) -> Response:
    """Checks that the service answers and accepts the credentials."""
    service, row = connectors_of(request), await _row(request)
    _waits(request)
    return Json(await service.test(row.name))


async def list_actions(request: Request) -> Response:
    """The actions of a connector."""
    row = await _row(request)
    kind = await asyncio.to_thread(connectors_of(request).register.kinds.find, row.kind)
    return Json({"items": [action.to_json() for action in kind.actions]})


async def call_connector(request: Request) -> Response:
    """Calls an action of a connector."""
    service, row = connectors_of(request), await _row(request)
    values = await read_object(request, allowed=frozenset({"input", "timeout_s"}))
    timeout_s = values.get("timeout_s", row.limits.get("timeout_s", 3600.0))
    if not isinstance(timeout_s, (int, float)) or isinstance(timeout_s, bool) or not 0 < timeout_s <= 3600:
        raise InvalidInput("timeout_s is not a number up to 3600", remedy="send seconds", path="timeout_s")
    _waits(request)
    action = request.path_params["action"]
    output = await service.use(_caller(request), row.name, action, values.get("input"), timeout_s=timeout_s)
    return Json({"output": output})


def _caller(request: Request) -> str:
    """The name of uses over REST; a command at the terminal is known by its person."""
    return who(request) if principal_of(request).via == "cli" else "rest"


async def list_uses(request: Request) -> Response:
    """Uses of a connector, newest first. Raises: NotFound: no connector has or had the name."""
    service, limit = connectors_of(request), read_count(request, "limit", 100)
    name, before = request.path_params["connector"], request.query_params.get("cursor", "")[:64]
    uses = await asyncio.to_thread(lambda: service.register.table.uses(name, before=before, limit=limit))
    if not uses and not before:
        await _row(request)  # uses outlive their connector; without any it must exist
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
    """From here on, a client that disconnects cancels the call."""
    exchange: Exchange = request.scope["exchange"]
    exchange.waiting_since = monotonic()


def _shown(row: ConnectorRow, states: Mapping[str, Any]) -> dict[str, Any]:
    return {**row.to_json(), "state": states.get(row.name)}


def _text(values: Mapping[str, Any], member: str) -> str:
    found = values.get(member)
    if not isinstance(found, str):
        raise InvalidInput(f"{member} is not text", remedy=f'send {{"{member}": "..."}}', path=member)
    return found


_TEXTS = {"type": "object", "additionalProperties": TEXT}
_LIMITS = {"type": "object", "properties": {name: {"type": "number"} for name in CallLimits.__slots__}}
_ROW, _ORDER, _CHANGE = schema(ConnectorRow), schema(ConnectorOrder), schema(ConnectorChange)
for _one in (_ROW, _ORDER, _CHANGE):
    _one["properties"]["limits"] = _LIMITS


SCHEMAS: Schemas = {
    "ConnectorAction": object_of(
        name=TEXT,
        description=TEXT,
        input={**TABLE, "description": "JSON Schema of the input."},
        output={**TABLE, "description": "JSON Schema of the output."},
        repeat={"enum": ["never", "always", "keyed"], "description": "Whether it may be sent again after a failure."},
    ),
    "ConnectorActions": object_of(items=list_of("ConnectorAction")),
    "ConnectorKind": object_of(
        "problem",
        name=TEXT,
        title={**TEXT, "description": "The service's own name."},
        description=TEXT,
        docs={**TEXT, "description": "Where the service documents its interface, where it is known."},
        config={**TABLE, "description": "JSON Schema of the settings."},
        secrets={**_TEXTS, "description": "What each credential is."},
        required_secrets={"type": "array", "items": TEXT},
        limits={**TABLE, "description": "Limits of its connectors that set none."},
        webhook={**schema(HookRow)["properties"]["rule"], "description": "The rule that proves its deliveries."},
        actions=list_of("ConnectorAction"),
        problem={**TEXT, "description": "Why this host cannot use the kind."},
    ),
    "ConnectorKindOrder": schema(KindOrder),
    "ConnectorKinds": object_of(items=list_of("ConnectorKind")),
    "Connector": object_of(
        **_ROW["properties"],
        state={"type": ["object", "null"], "description": "Breaker and figures since the host began; null: not used."},
    ),
    "Connectors": object_of(items=list_of("Connector")),
    "ConnectorOrder": _ORDER,
    "ConnectorChange": _CHANGE,
    "ConnectorTest": object_of(
        ok=FLAG, took_s={"type": ["number", "null"], "description": "Seconds."}, error=MAYBE_TABLE
    ),
    "ConnectorCall": object_of("input", "timeout_s", input={}, timeout_s={"type": "number", "exclusiveMinimum": 0}),
    "ConnectorOutput": object_of(output={"description": "A JSON value."}),
    "ConnectorUse": schema(UseRow, shown=True),
    "ConnectorUses": object_of(items=list_of("ConnectorUse"), next=MAYBE_TEXT),
    "Trigger": object_of("payload", event=TEXT, payload={}),
    "Removed": object_of(removed={"type": "boolean"}),
}
