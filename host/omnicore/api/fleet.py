"""The hosts of a fleet: shown, cordoned, drained, let work again, thrown out, and their logs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, cast

from starlette.responses import Response

from omnicore.api.parts import parts_of, present
from omnicore.api.principals import principal_of
from omnicore.api.requests import Json, read_count, read_record
from omnicore.api.schema import Schemas, list_of, object_of
from omnicore.errors import InvalidInput, PermissionDenied
from omnicore.records import Meta, Record, Time, schema
from omnicore.storage.tables.fleet import FleetHost, HostLoad, HostPlugin, WantedState
from omnicore.telemetry.logs import LEVELS, Level

if TYPE_CHECKING:
    from starlette.requests import Request

    from omnicore.fleet.hosts import Fleet


_MOST_LINES = 1000


class HostOrder(Record, frozen=True):
    """The state that a host is to take."""

    state: Annotated[
        WantedState,
        Meta(
            description="`cordoned` takes no new tasks and runs, `drained` gives all back and refuses calls, `ready`"
            " works again."
        ),
    ]


class FleetJoin(Record, frozen=True):
    """The wish of a new host to join. Keys and proof are in hexadecimal."""

    token: Annotated[str, Meta(pattern="^[0-9a-f]{32}$", description="Id of the token, which itself is never sent.")]
    public_key: Annotated[str, Meta(pattern="^[0-9a-f]{64}$", description="The host's Ed25519 key.")]
    exchange_key: Annotated[str, Meta(pattern="^[0-9a-f]{64}$", description="X25519 key for this one use.")]
    proof: Annotated[str, Meta(pattern="^[0-9a-f]{64}$", description="HMAC-SHA256 by the token's key.")]


class FleetJoined(Record, frozen=True):
    """The settings that a new host needs, sealed for it."""

    exchange_key: Annotated[str, Meta(description="X25519 key of the answering host.")]
    sealed: Annotated[str, Meta(description="Nonce and AES-256-GCM text, in base64.")]


class NewFleetToken(Record, frozen=True):
    """A token by which one host may join."""

    secret: Annotated[str, Meta(description="The token, shown only now.")]
    expires_at: Time


def _fleet(request: Request) -> Fleet:
    return present(parts_of(request).rooms.fleet, "belongs to no fleet")


async def list_hosts(request: Request) -> Response:
    """All hosts, by name."""
    return Json({"items": [one.to_json() for one in await _fleet(request).list()]})


async def show_fleet_host(request: Request) -> Response:
    """One host, with the plugins that it is to serve."""
    fleet, host = _fleet(request), request.path_params["host"]
    one, plugins = await fleet.get(host), await fleet.plugins(host)
    return Json({**one.to_json(), "plugins": [plugin.to_json() for plugin in plugins]})


async def order_host(request: Request) -> Response:
    """Tells a host which state to take."""
    order = await read_record(request, HostOrder, "order")
    return Json((await _fleet(request).order(request.path_params["host"], order.state)).to_json())


async def remove_host(request: Request) -> Response:
    """Throws a host out."""
    await _fleet(request).remove(request.path_params["host"])
    return Response(status_code=204)


async def add_fleet_token(request: Request) -> Response:
    """Makes a token by which one host may join."""
    token, expires_at = await _fleet(request).token(by=principal_of(request).name)
    return Json(NewFleetToken(token, expires_at).to_json(), 201)


async def join_fleet(request: Request) -> Response:
    """Admits a host that proves that it has a token."""
    join = await read_record(request, FleetJoin, "join")
    found = await _fleet(request).admit(join.token, join.public_key, join.exchange_key, join.proof)
    return Json(FleetJoined(*found).to_json())


async def show_host_logs(request: Request) -> Response:
    """The last lines of a host; another host is asked for its own."""
    fleet, host, asked = _fleet(request), request.path_params["host"], request.query_params
    if principal_of(request).via == "host" and host != fleet.here.id:
        raise PermissionDenied("a host answers other hosts for itself only", remedy="ask the host that is meant")
    level = asked.get("level", "trace")
    if level not in LEVELS:
        raise InvalidInput("level is not a log level", remedy=f"use one of {', '.join(LEVELS)}", path="level")
    limit = read_count(request, "limit", 100, most=_MOST_LINES)
    return Json({"items": await fleet.logs(host, asked.get("plugin"), limit=limit, level=cast("Level", level))})


SCHEMAS: Schemas = {
    "FleetHost": schema(FleetHost),
    "HostLoad": schema(HostLoad),
    "FleetJoin": schema(FleetJoin),
    "FleetJoined": schema(FleetJoined),
    "NewFleetToken": schema(NewFleetToken),
    "HostOrder": schema(HostOrder),
    "HostPlugin": schema(HostPlugin),
    "FleetHostView": {
        **schema(FleetHost),
        "properties": {**schema(FleetHost)["properties"], "plugins": list_of("HostPlugin")},
        "required": [*schema(FleetHost)["required"], "plugins"],
    },
    "FleetHosts": object_of(items=list_of("FleetHost")),
    "HostLines": object_of(items=list_of("LogLine")),
}
