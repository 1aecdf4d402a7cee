"""The host: health, metrics, diagnostics, settings, backups, versions and figures over time."""

from __future__ import annotations

import asyncio
import math
import time
from dataclasses import asdict
from functools import partial
from heapq import nlargest
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from starlette.responses import FileResponse, Response

from omnicore.access.principal import Role
from omnicore.api.parts import parts_of, present
from omnicore.api.principals import principal_of
from omnicore.api.requests import Json, read_count, read_object, read_record, who
from omnicore.api.schema import COUNT, FLAG, TEXT, TIME, Schemas, list_of, maybe, object_of, page_of
from omnicore.errors import InvalidInput, Unavailable
from omnicore.plugins.costs import CallFilter, HostCallNote, KeptCall
from omnicore.plugins.view import FunctionFigures, function_figures
from omnicore.records import decode, fields, schema
from omnicore.resilience.status import HealthStatus
from omnicore.storage.tables.alarms import Alarm, AlarmOrder

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from starlette.requests import Request

    from omnicore.config.service import SettingsDesk
    from omnicore.jobs.alarms import Alarms
    from omnicore.storage.backup import Backups
    from omnicore.telemetry.metrics import CallRecorder


async def show_host(request: Request) -> Response:
    """Versions, folders and engines of the host."""
    about = present(parts_of(request).rooms.about, "does not tell where it runs")
    return Json(await asyncio.to_thread(about))


_PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"


async def alive(_request: Request) -> Response:
    """The process answers."""
    return Json({"status": "ok"})


_NO_MODULES = "modules.store does not answer: plugins that are here go on, others cannot be fetched; see the health"


async def ready(request: Request) -> Response:
    """Succeeds if plugins can be called."""
    parts = parts_of(request)
    if parts.traffic.stopping or not parts.ready():
        raise Unavailable("the host is starting or stopping", remedy="try again later")
    if parts.rooms.fleet is not None and parts.rooms.fleet.trouble:
        raise Unavailable(parts.rooms.fleet.trouble, remedy="go to another host")
    health = parts.rooms.health
    # A degraded host serves on; one that is unhealthy should get no new work until it has recovered.
    if health is not None and health.overall() is HealthStatus.Unhealthy:
        named = health.named(HealthStatus.Unhealthy)
        ill = ", ".join("storage (writes do not get through)" if name == "storage" else name for name in named)
        raise Unavailable(f"the host is unhealthy: {ill}", remedy="see /api/v1/health")
    if silence := parts.host.silence():
        raise Unavailable(f"calls are refused: {silence}", remedy="it is ready again once its database answers")
    modules = parts.host.routes.catalogue.modules
    if modules.missing:
        remedy = "it is ready again once modules.store answers"
        raise Unavailable(f"{modules.missing} modules cannot be fetched, and are not here", remedy=remedy)
    return Json({"status": "ok", **({"degraded": _NO_MODULES} if modules.trouble else {})})


async def show_health(request: Request) -> Response:
    """The state of every part as of the last checks, with the reason."""
    rooms = parts_of(request).rooms
    if rooms.health is None:
        raise Unavailable("this host does not watch its parts", remedy="ask a host that does")
    report = rooms.health.report()
    seen = {one.name: asdict(one) for one in rooms.health.subsystems()}
    features = [asdict(one) for one in rooms.degradation.features()] if rooms.degradation is not None else []
    for one in seen.values():
        del one["name"]
    return Json({"overall": report.overall, "at": report.at, "subsystems": seen, "features": features})


async def metrics(request: Request) -> Response:
    """All metrics in the format of Prometheus."""
    text = await asyncio.to_thread(parts_of(request).metrics.render)
    return Response(text, media_type=_PROMETHEUS)


_ZIP = "application/zip"


async def diagnostics(request: Request) -> Response:
    """The diagnostics file, made now. It is small, so it is held in memory."""
    make = present(parts_of(request).rooms.diagnostics, "gathers no diagnostics")
    data = await asyncio.to_thread(make)
    name = time.strftime("omnicore-diagnostics-%Y%m%d-%H%M%S.zip", time.gmtime())
    return Response(data, media_type=_ZIP, headers={"content-disposition": f'attachment; filename="{name}"'})


def _desk(request: Request) -> SettingsDesk:
    desk = parts_of(request).rooms.settings
    if desk is None:
        raise Unavailable("this host's settings are set by another program", remedy="ask a host of `omnicore run`")
    return desk


async def list_settings(request: Request) -> Response:
    """Every setting, secrets masked."""
    items = await asyncio.to_thread(_desk(request).items)
    return Json({"items": [asdict(item) for item in items], "waiting": any(item.waiting for item in items)})


async def show_setting(request: Request) -> Response:
    """One setting."""
    return Json(asdict(await asyncio.to_thread(_desk(request).item, request.path_params["setting"])))


async def set_setting(request: Request) -> Response:
    """Sets a value that overrides the settings file."""
    desk = _desk(request)
    order = await read_object(request, allowed=frozenset({"value"}))
    if "value" not in order:
        raise InvalidInput("the body has no value", remedy='send {"value": ...}', path="value")
    item = await asyncio.to_thread(desk.set, request.path_params["setting"], order["value"])
    return Json(asdict(item))


async def unset_setting(request: Request) -> Response:
    """Removes the override of a setting."""
    item = await asyncio.to_thread(_desk(request).unset, request.path_params["setting"])
    return Json(asdict(item))


_MOST_MINUTES = 1440


async def show_series(request: Request) -> Response:
    """Figures of the last minutes: an hour in fine steps, a day in coarse ones."""
    minutes = read_count(request, "minutes", 60, most=_MOST_MINUTES)
    series = present(parts_of(request).rooms.series, "keeps no figures over time")
    return Json(asdict(series.show(minutes * 60)))


_KINDS = ("function", "host")


async def list_call_figures(request: Request) -> Response:
    """Functions and verbs by the time that they took, for plugins that the caller may see."""
    plugin, kind = request.query_params.get("plugin"), request.query_params.get("kind")
    limit = read_count(request, "limit", 50)
    if kind is not None and kind not in _KINDS:
        raise InvalidInput(f"there is no kind {kind[:40]!r}", remedy="use function or host", path="kind")
    principal, metrics = principal_of(request), parts_of(request).metrics

    def wanted(recorders: Iterable[CallRecorder]) -> Iterator[CallRecorder]:
        return (one for one in recorders if plugin in (None, one.plugin) and principal.can_see(one.plugin))

    def found() -> list[FunctionFigures]:
        seen = [] if kind == "host" else function_figures("function", wanted(metrics.recorders()))
        seen += [] if kind == "function" else function_figures("host", wanted(metrics.door_recorders()))
        return nlargest(limit, seen, key=attrgetter("total_s"))

    return Json({"items": [one.to_json() for one in await asyncio.to_thread(found)]})


async def list_kept_calls(request: Request) -> Response:
    """A page of calls that this host keeps, for plugins that the caller may see, the newest first."""
    limit, cursor = read_count(request, "limit", 50), request.query_params.get("cursor", "")
    asked = request.query_params
    given: dict[str, Any] = {one.name: asked[one.name] for one in fields(CallFilter) if one.name in asked}
    given |= {name: _number(given[name], name) for name in ("since", "until", "least_ms") if name in given}
    wanted, principal = decode(CallFilter, given, "filter"), principal_of(request)
    found, following = await asyncio.to_thread(
        lambda: parts_of(request).host.calls.kept.page(
            wanted, limit=limit, cursor=cursor, sees=principal.can_see, inputs=principal.role >= Role.admin
        )
    )
    return Json({"items": [one.to_json() for one in found], "next": following})


async def show_kept_call(request: Request) -> Response:
    """A call that this host keeps."""
    principal, kept = principal_of(request), parts_of(request).host.calls.kept
    call, inputs = request.path_params["call"], principal.role >= Role.admin
    return Json((await asyncio.to_thread(kept.get, call, sees=principal.can_see, inputs=inputs)).to_json())


def _number(text: str, name: str) -> float:
    """A number of the query. Raises: InvalidInput."""
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not math.isfinite(found):
        raise InvalidInput(f"{name} is not a number", remedy="correct the query", path=name)
    return found


def _alarms(request: Request) -> Alarms:
    return present(parts_of(request).rooms.alarms, "checks no alarms")


async def list_alarms(request: Request) -> Response:
    """Every alarm, by name."""
    found = await asyncio.to_thread(_alarms(request).all)
    return Json({"items": [one.to_json() for one in found]})


async def show_alarm(request: Request) -> Response:
    """One alarm."""
    return Json((await asyncio.to_thread(_alarms(request).get, request.path_params["alarm"])).to_json())


async def put_alarm(request: Request) -> Response:
    """Keeps an alarm in the place of one of its name."""
    order = await read_record(request, AlarmOrder, "alarm")
    put = partial(_alarms(request).put, request.path_params["alarm"], order, by=who(request))
    return Json((await asyncio.to_thread(put)).to_json())


async def remove_alarm(request: Request) -> Response:
    """Removes an alarm."""
    await asyncio.to_thread(_alarms(request).remove, request.path_params["alarm"])
    return Response(status_code=204)


_BINARY = "application/octet-stream"


def _backups(request: Request) -> Backups:
    return present(parts_of(request).rooms.backups, "keeps no backups")


async def list_backups(request: Request) -> Response:
    """All backups, newest first, and the pending restore."""
    return Json(asdict(await asyncio.to_thread(_backups(request).overview)))


async def make_backup(request: Request) -> Response:
    """Makes a backup. A large one continues after the answer."""
    backups = _backups(request)
    wait_s = parts_of(request).settings.request_timeout_s / 2
    made = await asyncio.to_thread(backups.make, wait_s=wait_s)
    return Json(asdict(made), 201 if made.state == "ready" else 202)


async def download_backup(request: Request) -> Response:
    """The backup, streamed from the disk."""
    path = await asyncio.to_thread(_backups(request).path, request.path_params["backup"])
    # The deadline is for the host's own work; how long this takes is the line's doing, and one that stalls is dropped.
    request.scope["exchange"].due = math.inf
    return FileResponse(path, media_type=_BINARY, filename=path.name)


async def delete_backup(request: Request) -> Response:
    """Deletes a backup."""
    await asyncio.to_thread(_backups(request).delete, request.path_params["backup"])
    return Response(status_code=204)


async def restore_backup(request: Request) -> Response:
    """Schedules a restore for the next start."""
    backups, name = _backups(request), request.path_params["backup"]
    order = await read_object(request, allowed=frozenset({"confirm"}))
    if order.get("confirm") != name:
        raise InvalidInput(
            "confirm is not the backup's name", remedy="send its name once more as confirm", path="confirm"
        )
    staged = await asyncio.to_thread(backups.stage, name, by=principal_of(request).name)
    return Json(asdict(staged), 202)


async def cancel_restore(request: Request) -> Response:
    """Cancels a pending restore."""
    await asyncio.to_thread(_backups(request).unstage, request.path_params["backup"])
    return Response(status_code=204)


_FIGURES = {"type": "array", "items": {"type": ["number", "null"]}}


_STATUS = {"enum": ["Healthy", "Degraded", "Unhealthy"]}
SCHEMAS: Schemas = {
    "Setting": object_of(
        name={**TEXT, "description": "With dots, such as `limits.timeout_s`."},
        section={**TEXT, "description": "The first part of the name, empty for settings of the host itself."},
        doc=TEXT,
        value={"description": "What holds now; of a secret a mask when it is set, else null."},
        default={},
        origin={
            **TEXT,
            "description": "default, console, FILE:LINE, a variable, `override NAME`, `environment: PLACE`",
        },
        schema={"type": "object", "description": "JSON Schema of the value."},
        secret=FLAG,
        editable=FLAG,
        fixed={**TEXT, "description": "Why it cannot be changed here; empty when it can."},
        restart={**FLAG, "description": "A change takes effect when the host is started the next time."},
        override={**FLAG, "description": "The console has set it."},
        next={"description": "What holds from the next start on, the same as `value` if nothing waits for it."},
        waiting={**FLAG, "description": "`next` differs from `value`."},
    ),
    "Settings": object_of(items=list_of("Setting"), waiting={**FLAG, "description": "Some wait for the next start."}),
    "SettingOrder": object_of(value={"description": "The new value, as its schema says."}),
    "Advisory": object_of(
        id=TEXT,
        severity={"enum": ["low", "medium", "high", "critical", "unknown"], "description": "As it was published."},
        summary=TEXT,
        affected={**TEXT, "description": "Ranges of versions, such as `>=37.0.0 <37.0.3`."},
    ),
    "Engine": object_of(name=TEXT, version=TEXT, advisories=list_of("Advisory")),
    "Host": object_of(
        name=TEXT,
        version=TEXT,
        started_at=TIME,
        uptime_s={"type": "number", "minimum": 0},
        python=TEXT,
        platform=TEXT,
        environment={**TEXT, "description": "Where it runs: local, container, kubernetes or edge."},
        data={**TEXT, "description": "Its data folder."},
        storage={**TEXT, "description": "The database, without its password."},
        engines=list_of("Engine"),
        advisories_of={**TEXT, "description": "The day of the list of advisories that came with this version."},
        counts={"type": "object", "additionalProperties": COUNT, "description": "Plugins by state."},
    ),
    "Backup": object_of(
        name=TEXT,
        size_bytes=COUNT,
        made_at=TIME,
        state={"enum": ["ready", "making"], "description": "Only a ready one can be restored."},
    ),
    "StagedRestore": object_of(backup=TEXT, asked_at=TIME, by=TEXT),
    "RestoreOutcome": object_of(
        backup=TEXT,
        at=TIME,
        ok=FLAG,
        text={**TEXT, "description": "What came of it, and where what was there before is kept."},
    ),
    "Backups": object_of(
        items=list_of("Backup"),
        most={**COUNT, "description": "How many are kept at most."},
        staged=maybe("StagedRestore"),
        restored=maybe("RestoreOutcome"),
        failed={**TEXT, "description": "Why the last backup was not made; empty when it was."},
    ),
    "RestoreOrder": object_of(confirm={**TEXT, "description": "The backup's name, once more."}),
    "Series": object_of(
        step_s={"type": "number", "description": "Seconds from one figure to the next."},
        start={**TIME, "description": "When the first step began."},
        series=object_of(
            calls=_FIGURES,
            errors=_FIGURES,
            call_ms_p95=_FIGURES,
            tasks={**_FIGURES, "description": "Tasks that ended, well or not."},
            http=_FIGURES,
        ),
    ),
    "FunctionFigures": schema(FunctionFigures, shown=True),
    "FunctionFiguresList": object_of(items=list_of("FunctionFigures")),
    "Alarm": schema(Alarm, shown=True),
    "AlarmOrder": schema(AlarmOrder),
    "Alarms": object_of(items=list_of("Alarm")),
    "KeptCall": schema(KeptCall, shown=True),
    "KeptCalls": page_of("KeptCall"),
    "HostCallNote": schema(HostCallNote),
    "Health": object_of(
        overall={**_STATUS, "description": "That of the worst part; parts that are not critical count half."},
        at={"type": "number", "description": "Seconds since the Unix epoch."},
        subsystems={"type": "object", "additionalProperties": {"$ref": "#/components/schemas/Subsystem"}},
        features={"type": "array", "items": {"$ref": "#/components/schemas/Feature"}},
    ),
    "Readiness": object_of(
        "degraded",
        status={"const": "ok"},
        degraded={**TEXT, "description": "What is wrong though plugins can be called; left out: nothing."},
    ),
    "Status": object_of(status={"const": "ok"}),
    "Subsystem": object_of(
        status=_STATUS,
        reason={**TEXT, "description": "Why it is not well, or what failed last."},
        critical={"type": "boolean", "description": "Whether its being unhealthy makes the host unhealthy."},
        last_check={"type": ["number", "null"]},
        consecutive_failures=COUNT,
        consecutive_successes=COUNT,
        total_checks=COUNT,
        total_failures=COUNT,
        metadata={"type": "object"},
    ),
    "Feature": object_of(
        name=TEXT,
        description=TEXT,
        enabled={"type": "boolean"},
        reason={**TEXT, "description": "Why it is off."},
        needs={"type": "array", "items": TEXT},
        has_fallback={"type": "boolean"},
        fallbacks_used=COUNT,
    ),
}
