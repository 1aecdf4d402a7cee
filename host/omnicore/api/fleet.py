"""The hosts of a fleet: shown, cordoned, drained, let work again, thrown out, and their logs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, cast

from starlette.responses import Response

from omnicore.api.parts import parts_of, present
from omnicore.api.principals import principal_of
from omnicore.api.requests import Json, read_count, read_record
from omnicore.api.schema import Schemas, list_of, object_of
from omnicore.errors import InvalidInput, PermissionDenied
from omnicore.records import Meta, Record, schema
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
