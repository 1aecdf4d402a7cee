"""Plugins: upload, versions, upgrades, grants, settings and state."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast, get_args

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.responses import Response

from omnicore.access.principal import Role
from omnicore.api.operation import ref
from omnicore.api.parts import parts_of, present
from omnicore.api.principals import principal_of
from omnicore.api.problems import Problem, RefusalError
from omnicore.api.requests import Json, read_count, read_cursor, read_object, read_record, tagged, who, write_cursor
from omnicore.api.schema import (
    COUNT,
    FLAG,
    MAYBE_TABLE,
    MAYBE_TEXT,
    TABLE,
    TEXT,
    TEXTS,
    TIME,
    Schemas,
    list_of,
    maybe,
    object_of,
)
from omnicore.capabilities.doors import review_warnings
from omnicore.errors import InvalidInput, NotFound
from omnicore.plugins.callers import CallLimitOrder, CallLimitView, PluginLimits
from omnicore.plugins.rollout import (
    GuardReading,
    RolloutList,
    RolloutOrder,
    RolloutProgress,
    Rollouts,
    VersionFigures,
)
from omnicore.plugins.view import HostView, PluginView, SourceView, State
from omnicore.records import Meta, Record, schema
from omnicore.storage.tables.plugins import Rollout

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from starlette.requests import Request


_WASM = "application/wasm"
_OCTETS = "application/octet-stream"
_WAT = "text/plain"
_FORM = "multipart/form-data"
_STATES: tuple[str, ...] = get_args(State)
_MOST_TEXT = 200


class Switch(Record, frozen=True):
    """The state that a plugin is switched to."""

    state: Literal["enabled", "disabled"]


class RollbackOrder(Record, frozen=True):
    """An earlier version that is to serve again."""

    hash: Annotated[
        str,
        Meta(description="The version; its first 8 characters or more will do."),
    ]


class UpgradeOrder(Record, frozen=True):
    """A decision about the version in the folder."""

    decision: Annotated[
        Literal["approve", "keep"],
        Meta(description="approve accepts the newer version, grants all that is new and switches; keep turns it away."),
    ]
    digest: Annotated[
        str | None,
        Meta(description="Of the version that was looked at, to approve it: 409 when another one is the newest."),
    ] = None


class SharesOrder(Record, frozen=True):
    """Versions that the calls of a plugin are divided among."""

    shares: Annotated[
        Mapping[str, int],
        Meta(description="Per cent by hash, or by its first 8 characters or more; 100 together. One version ends it."),
    ]
    revision: Annotated[
        int | None, Meta(description="Of the plugin as it was looked at: 409 when it was changed since.")
    ] = None


class PlacementOrder(Record, frozen=True):
    """The hosts that are to serve a plugin."""

    labels: Annotated[
        Mapping[str, str] | None,
        Meta(description="Labels that a host needs, all of them, such as `zone: eu`; null for every host."),
    ]
    revision: Annotated[
        int | None, Meta(description="Of the plugin as it was looked at: 409 when it was changed since.")
    ] = None


class GrantOrder(Record, frozen=True):
    """A capability to be granted."""

    capability: Annotated[str | None, Meta(description="What to grant; null or absent for all that is asked.")] = None
    digest: Annotated[
        str | None,
        Meta(description="Of the version that was looked at: 409 when another one is the newest."),
    ] = None


async def list_plugins(request: Request) -> Response:
    """A page of plugins, rejected files included."""
    limit, after = read_count(request, "limit", 100), read_cursor(request)
    state, text = _wanted_state(request), request.query_params.get("q", "").replace("\0", "")[:_MOST_TEXT]
    views, more = await asyncio.to_thread(_seen, request, after, limit, state, text)
    following = write_cursor(views[-1].name) if more else None
    page: dict[str, Any] = {"items": [view.to_json() for view in views], "next": following}
    if request.query_params.get("totals") == "true":
        page["totals"] = await asyncio.to_thread(_totals, request)
    return tagged(request, page)


def _seen(
    request: Request, after: str, limit: int, state: State | None, text: str
) -> tuple[Sequence[PluginView], bool]:
    """A page of the plugins that the caller may see."""
    host, principal = parts_of(request).host, principal_of(request)
    if principal.role >= Role.viewer:
        return host.page(after, limit, state=state, text=text)
    found = [view for view in _own(request, after) if view.fits(state, text)]
    return found[:limit], len(found) > limit


def _own(request: Request, after: str = "") -> Iterator[PluginView]:
    """The plugins of somebody who may see some only, by name, from behind `after` on."""
    host, principal = parts_of(request).host, principal_of(request)
    for name in sorted(name for name in principal.plugins if name > after and principal.can_see(name)):
        with suppress(NotFound):
            yield host.get(name)


def _totals(request: Request) -> Mapping[str, int]:
    """The number of plugins in each state, of those that the caller may see."""
    if principal_of(request).role >= Role.viewer:
        return parts_of(request).host.states()
    return Counter(view.state for view in _own(request))


def _wanted_state(request: Request) -> State | None:
    state = request.query_params.get("state")
    if state is None or state in _STATES:
        return cast("State | None", state)
    raise InvalidInput("state is not a state of a plugin", remedy=f"use one of {', '.join(_STATES)}", path="state")


async def show_plugin(request: Request) -> Response:
    """One plugin, with its last rollout."""
    name, parts = request.path_params["plugin"], parts_of(request)
    view = await asyncio.to_thread(parts.host.get, name)
    rollout = await asyncio.to_thread(parts.rooms.rollouts.of, name) if parts.rooms.rollouts is not None else None
    return tagged(request, {**view.to_json(), "rollout": rollout.to_json() if rollout is not None else None})


async def upload_plugin(request: Request) -> Response:
    """Puts a file into the plugin folder. The host inspects it before it writes or runs anything."""
    filename, data, manifest = await _uploaded(request)
    install = partial(parts_of(request).host.install, hold=request.query_params.get("hold") == "true")
    view = await asyncio.to_thread(install, filename, data, manifest=manifest)
    return Json(view.to_json(), 201, {"location": f"/api/v1/plugins/{view.name}"})


async def remove_plugin(request: Request) -> Response:
    """Deletes the file, its grants and its data."""
    await asyncio.to_thread(parts_of(request).host.remove, request.path_params["plugin"])
    return Response(status_code=204)


async def switch_plugin(request: Request) -> Response:
    """Enables or disables a plugin."""
    order = await read_record(request, Switch, "switch")
    host = parts_of(request).host
    switch = host.enable if order.state == "enabled" else host.disable
    view = await asyncio.to_thread(switch, request.path_params["plugin"])
    return Json(view.to_json())


async def diff_plugin(request: Request) -> Response:
    """Requests of the newest version beyond its grants, with warnings of addresses that are this host's own."""
    parts = parts_of(request)
    changes = await asyncio.to_thread(parts.host.diff, request.path_params["plugin"])
    concerns = parts.rooms.reserved.concerns if parts.rooms.reserved is not None else _no_concern
    warned = [review_warnings(change.capability, change.asked, concerns) for change in changes]
    return Json({"items": [{**change.to_json(), "warnings": one} for change, one in zip(changes, warned, strict=True)]})


def _no_concern(_: str) -> str:
    return ""


async def _uploaded(request: Request) -> tuple[str, bytes, bytes | None]:
    """File name, module and manifest, from a form with `file` and `manifest` or from the bare body."""
    media = request.headers.get("content-type", _OCTETS).partition(";")[0].strip().lower()
    if media == _FORM:
        return await _form(request)
    if media not in (_WASM, _OCTETS, _WAT):
        raise RefusalError(
            Problem(
                415,
                "wrong-media",
                f"a plugin does not come as {media[:80]}",
                f"send {_WASM} with ?filename=NAME.wasm, or {_FORM} with a part named file",
            )
        )
    return _filename(request.query_params.get("filename")), await request.body(), None


async def _form(request: Request) -> tuple[str, bytes, bytes | None]:
    # Read whole first: the guard bounds it, and a form can be parsed again from what was read.
    await request.body()
    try:
        async with request.form(max_files=2, max_fields=0) as form:
            file, manifest = form.get("file"), form.get("manifest")
            if not isinstance(file, UploadFile):
                raise InvalidInput("the form has no file", remedy="send the module in a part named file")
            sidecar = await manifest.read() if isinstance(manifest, UploadFile) else None
            return _filename(file.filename), await file.read(), sidecar
    except HTTPException as error:
        raise InvalidInput(
            f"the form cannot be read: {error.detail}", remedy="send parts named file and manifest"
        ) from error


def _filename(name: str | None) -> str:
    if not name:
        raise InvalidInput("the file has no name", remedy="pass ?filename=NAME.wasm", path="filename")
    return name


async def show_plugin_config(request: Request) -> Response:
    """The current settings and their origins."""
    config = await asyncio.to_thread(parts_of(request).host.config, request.path_params["plugin"])
    return Json(config.to_json())


async def set_plugin_config(request: Request) -> Response:
    """Stores settings, used from the next call on."""
    values = (await read_object(request, allowed=frozenset({"values"}))).get("values")
    if not isinstance(values, dict):
        raise InvalidInput("values is not an object", remedy='send {"values": {...}}', path="values")
    host = parts_of(request).host
    config = await asyncio.to_thread(host.configure, request.path_params["plugin"], values, who=who(request))
    return Json(config.to_json())


async def show_plugin_status(request: Request) -> Response:
    """The plugin's breaker, sandboxes, calls and limits."""
    status = await asyncio.to_thread(parts_of(request).host.status, request.path_params["plugin"])
    return Json(status.to_json())


async def list_versions(request: Request) -> Response:
    """The stored versions, newest first."""
    found = await asyncio.to_thread(parts_of(request).host.versions, request.path_params["plugin"])
    return Json({"items": [version.to_json() for version in found]})


async def roll_back(request: Request) -> Response:
    """Puts an earlier version back into the folder."""
    wanted = (await read_record(request, RollbackOrder, "rollback")).hash
    host = parts_of(request).host
    view = await asyncio.to_thread(host.rollback, request.path_params["plugin"], wanted, who=who(request))
    return Json(view.to_json())


async def divide_calls(request: Request) -> Response:
    """Divides calls among versions."""
    order = await read_record(request, SharesOrder, "shares")
    divide = partial(parts_of(request).host.divide, who=who(request), revision=order.revision)
    view = await asyncio.to_thread(divide, request.path_params["plugin"], order.shares)
    return Json(view.to_json())


async def place_plugin(request: Request) -> Response:
    """Places a plugin on the hosts that have some labels."""
    order = await read_record(request, PlacementOrder, "placement")
    place = partial(parts_of(request).host.place, who=who(request), revision=order.revision)
    view = await asyncio.to_thread(place, request.path_params["plugin"], order.labels)
    return Json(view.to_json())


async def begin_rollout(request: Request) -> Response:
    """Begins to give a version the calls step by step."""
    order = await read_record(request, RolloutOrder, "rollout")
    begin = partial(_rollouts(request).begin, who=who(request))
    return Json((await asyncio.to_thread(begin, request.path_params["plugin"], order)).to_json())


async def stop_rollout(request: Request) -> Response:
    """Gives all calls back to the version that served."""
    abort = partial(_rollouts(request).abort, who=who(request))
    return Json((await asyncio.to_thread(abort, request.path_params["plugin"])).to_json())


async def pause_rollout(request: Request) -> Response:
    """Leaves a rollout at its share."""
    pause = partial(_rollouts(request).pause, who=who(request))
    return Json((await asyncio.to_thread(pause, request.path_params["plugin"])).to_json())


async def resume_rollout(request: Request) -> Response:
    """Carries on a rollout that was paused."""
    resume = partial(_rollouts(request).resume, who=who(request))
    return Json((await asyncio.to_thread(resume, request.path_params["plugin"])).to_json())


async def promote_rollout(request: Request) -> Response:
    """Gives the new version all calls now."""
    promote = partial(_rollouts(request).promote, who=who(request))
    return Json((await asyncio.to_thread(promote, request.path_params["plugin"])).to_json())


async def show_rollout(request: Request) -> Response:
    """The last rollout of a plugin, with what its guards measure."""
    found = await asyncio.to_thread(_rollouts(request).progress, request.path_params["plugin"])
    return Json(found.to_json())


async def list_rollouts(request: Request) -> Response:
    """The rollouts under way of plugins that the caller may see."""
    principal, found = principal_of(request), await asyncio.to_thread(_rollouts(request).under_way)
    items = [one.to_json() for one in found.items if principal.can_see(one.rollout.plugin)]
    return Json({"items": items})


def _rollouts(request: Request) -> Rollouts:
    return present(parts_of(request).rooms.rollouts, "makes no rollouts")


async def show_call_limit(request: Request) -> Response:
    """The limits on the calls of a plugin."""
    return Json((await asyncio.to_thread(_limits(request).of, request.path_params["plugin"])).to_json())


async def set_call_limit(request: Request) -> Response:
    """Limits the calls of a plugin on all hosts."""
    order = await read_record(request, CallLimitOrder, "limit")
    limit = partial(_limits(request).set, who=who(request))
    return Json((await asyncio.to_thread(limit, request.path_params["plugin"], order)).to_json())


def _limits(request: Request) -> PluginLimits:
    return present(parts_of(request).rooms.limits, "limits no calls")


async def list_plugin_hosts(request: Request) -> Response:
    """Files of hosts' folders that have the name, and the versions that hosts have in service."""
    found = await asyncio.to_thread(parts_of(request).host.fleet_view, request.path_params["plugin"])
    return Json(found.to_json())


async def show_upgrade(request: Request) -> Response:
    """Differences between the serving version and the one in the folder."""
    upgrade = await asyncio.to_thread(parts_of(request).host.upgrade, request.path_params["plugin"])
    return Json(upgrade.to_json())


async def decide_upgrade(request: Request) -> Response:
    """Approves the version that was shown, or keeps the serving one."""
    order = await read_record(request, UpgradeOrder, "decision")
    if order.decision == "approve" and order.digest is None:
        raise InvalidInput(
            "digest is missing", remedy="send the digest of the version that you looked at", path="digest"
        )
    host = parts_of(request).host
    decide: Callable[..., PluginView] = host.approve if order.decision == "approve" else host.keep
    view = await asyncio.to_thread(decide, request.path_params["plugin"], order.digest, who=who(request))
    return Json(view.to_json())


async def list_grants(request: Request) -> Response:
    """Requested and granted capabilities."""
    view = await asyncio.to_thread(parts_of(request).host.get, request.path_params["plugin"])
    return Json(_grants(view))


async def give_grant(request: Request) -> Response:
    """Grants one capability, or all that the plugin requests."""
    order = await read_record(request, GrantOrder, "grant")
    grant = partial(parts_of(request).host.grant, who=who(request), digest=order.digest)
    view = await asyncio.to_thread(grant, request.path_params["plugin"], order.capability)
    return Json(_grants(view))


async def take_grant(request: Request) -> Response:
    """Revokes a grant."""
    plugin, capability = request.path_params["plugin"], request.path_params["capability"]
    view = await asyncio.to_thread(parts_of(request).host.revoke, plugin, capability, who=who(request))
    return Json(_grants(view))


def _grants(view: PluginView) -> dict[str, object]:
    values = view.to_json()
    return {"state": view.state, "asked": values["asked"], "granted": values["granted"]}


_MAYBE_COUNT = {"type": ["integer", "null"]}
_MAYBE_NUMBER = {"type": ["number", "null"]}
_HASH = {"type": "string", "description": "SHA-256 of the module, in hexadecimal."}


_WARNINGS = {"type": "array", "items": TEXT, "description": "What a reviewer should look at twice."}

SCHEMAS: Schemas = {
    "Version": object_of(
        hash=_HASH,
        version={**TEXT, "description": "The version as its manifest writes it."},
        size_bytes=COUNT,
        seen_at={**TIME, "description": "When it last became the file in the folder; seconds since the Unix epoch."},
        serving={**FLAG, "description": "It answers calls."},
        newest={**FLAG, "description": "It is what lies in the folder."},
        turned_away={**FLAG, "description": "Somebody decided to keep the version before it."},
        accepted={**maybe("PluginDecision"), "description": "Who accepted it; null for one that nobody did."},
        functions=TEXTS,
    ),
    "Versions": object_of(items=list_of("Version")),
    "RollbackOrder": schema(RollbackOrder),
    "SharesOrder": schema(SharesOrder),
    "CallLimitOrder": schema(CallLimitOrder),
    "CallLimitView": schema(CallLimitView, shown=True),
    "RolloutOrder": schema(RolloutOrder),
    "Rollout": schema(Rollout),
    **{one.__name__: schema(one, shown=True) for one in (GuardReading, VersionFigures, RolloutProgress, RolloutList)},
    "PluginSource": schema(SourceView),
    "PluginOnHost": schema(HostView),
    "PluginHosts": object_of(sources=list_of("PluginSource"), hosts=list_of("PluginOnHost")),
    "FunctionChange": object_of(name=TEXT, before=ref("Function"), after=ref("Function")),
    "FunctionChanges": object_of(added=TEXTS, removed=TEXTS, changed=list_of("FunctionChange")),
    "LimitChange": {"type": "object", "properties": {"from": {}, "to": {}}, "required": ["from", "to"]},
    "PluginDecision": object_of(who=TEXT, at=TIME),
    "Upgrade": {
        "type": "object",
        "required": [
            *("from", "to", "digest", "review", "lower", "waiting", "kept", "changes", "functions", "limits", "code"),
        ],
        "properties": {
            "from": {**maybe("Version"), "description": "The version that answers calls, or was accepted last."},
            "to": {**maybe("Version"), "description": "What lies in the folder."},
            "digest": {
                **TEXT,
                "description": "What is approved: SHA-256 of the newer file, or of it and the manifest beside it.",
            },
            "review": {**TEXT, "description": "Why a person has to accept the newer one; empty where none has to."},
            "lower": {**FLAG, "description": "Its version is lower than the one before."},
            "waiting": {**FLAG, "description": "The newer one waits for a decision."},
            "kept": {**maybe("PluginDecision"), "description": "Who turned the newer one away, if somebody did."},
            "changes": list_of("Change"),
            "functions": ref("FunctionChanges"),
            "limits": {"type": "object", "additionalProperties": ref("LimitChange")},
            "code": ref("CodeChange"),
        },
    },
    "NameChanges": object_of(added=TEXTS, removed=TEXTS),
    "CodeChange": object_of(exports=ref("NameChanges"), imports=ref("NameChanges")),
    "UpgradeOrder": schema(UpgradeOrder),
    "PluginConfig": object_of(
        schema={**MAYBE_TABLE, "description": "JSON Schema of the settings; null for a plugin that describes none."},
        values={**TABLE, "description": "The settings in force; those that are secret are shown as ********."},
        origins={
            "type": "object",
            "additionalProperties": {"enum": ["stored", "settings", "default"]},
            "description": "Where each comes from: stored here, the host's settings, or the schema.",
        },
        secrets={**TEXTS, "description": "Settings whose values are never shown."},
    ),
    "PluginConfigOrder": object_of(
        values={
            **TABLE,
            "description": "All settings. What is left out goes back to where it came from; ******** keeps a secret.",
        }
    ),
    "Breaker": object_of(
        state={"enum": ["closed", "open", "half-open"]},
        failures={**COUNT, "description": "In a row, whoever called."},
        threshold={**COUNT, "description": "How many of several callers open it, or of one have that one refused."},
        refused={**COUNT, "description": "Callers whose calls are refused for failures of theirs alone."},
        open_until={**_MAYBE_NUMBER, "description": "Seconds since the Unix epoch; null while calls pass."},
    ),
    "LimitInForce": object_of(value={}, origin={"enum": ["manifest", "settings", "most"]}),
    "PluginStatus": object_of(
        breaker=ref("Breaker"),
        in_flight={**COUNT, "description": "Calls that run now."},
        warm={**COUNT, "description": "Sandboxes kept for the next call."},
        warm_bytes=COUNT,
        calls={**COUNT, "description": "Since the host started."},
        errors=COUNT,
        p95_ms={**_MAYBE_NUMBER, "description": "No call in 20 took longer; null without calls."},
        limits={"type": "object", "additionalProperties": ref("LimitInForce")},
    ),
    "CallCost": object_of(
        time_ms={"type": "number"},
        fuel={**_MAYBE_COUNT, "description": "Instructions; null where the plugin has no limit of fuel."},
        memory_bytes={**_MAYBE_COUNT, "description": "Of the sandbox after the call; null where it is not known."},
        host_calls={"type": "object", "additionalProperties": COUNT, "description": "By verb, such as kv.get."},
    ),
    "LogFrame": object_of(
        plugin=TEXT,
        at=TIME,
        level=TEXT,
        message=TEXT,
        dropped={**COUNT, "description": "Lines left out before this one, for they came too fast."},
    ),
    "Plugin": object_of(
        "rollout",
        name=TEXT,
        version=TEXT,
        description=TEXT,
        author=TEXT,
        hash={**MAYBE_TEXT, "description": "The newest usable version of the file."},
        serving={**MAYBE_TEXT, "description": "The version that answers calls."},
        state={"enum": list(get_args(State))},
        reason={**TEXT, "description": "Why it is in this state."},
        functions={"type": "object", "additionalProperties": ref("Function")},
        asked=list_of("Ask"),
        granted=list_of("Grant"),
        limits=TABLE,
        config={**MAYBE_TABLE, "description": "JSON Schema of its settings."},
        last_error=MAYBE_TABLE,
        path={**TEXT, "description": "Its file in the plugin folder; of a native plugin package.module:Name."},
        trust={"enum": ["sandboxed", "native"], "description": "Native plugins are Python in the host's own process."},
        shares={**MAYBE_TABLE, "description": "Per cent of the calls by hash; null where one version has all."},
        revision={**COUNT, "description": "Grows with each decision about the plugin, made at whichever host."},
        placement={**MAYBE_TABLE, "description": "Labels that a host needs to serve it; null: every host serves it."},
        rollout={**maybe("Rollout"), "description": "Its last rollout; only where a single plugin is shown."},
    ),
    "Function": object_of(
        description=TEXT,
        input={**MAYBE_TABLE, "description": "JSON Schema of the input; null for bytes."},
        output={**MAYBE_TABLE, "description": "JSON Schema of the output; null for bytes."},
        input_media=TEXT,
        output_media=TEXT,
    ),
    "Plugins": object_of(
        "totals",
        items=list_of("Plugin"),
        next={**MAYBE_TEXT, "description": "Cursor, null at the end."},
        totals={
            "type": "object",
            "additionalProperties": COUNT,
            "description": "All plugins by state, on this page or not; with `totals=true`.",
        },
    ),
    "Switch": schema(Switch),
    "PlacementOrder": schema(PlacementOrder),
    "Ask": object_of(name=TEXT, scope=TABLE, reason=TEXT, warnings=_WARNINGS),
    "Grant": object_of(capability=TEXT, scope=TABLE, granted_by=TEXT, granted_at={"type": "number"}),
    "Grants": object_of(state={"enum": list(get_args(State))}, asked=list_of("Ask"), granted=list_of("Grant")),
    "GrantOrder": schema(GrantOrder),
    "Change": object_of(
        capability=TEXT,
        change={"enum": ["new", "wider", "narrower", "dropped"]},
        asked={**TABLE, "description": "What the newest version asks for; empty for what it dropped."},
        granted={**MAYBE_TABLE, "description": "What it has; of a narrower or dropped one what was asked before."},
        reason=TEXT,
        command={**TEXT, "description": "The command that grants it; empty where nothing is to be granted."},
        warnings=_WARNINGS,
    ),
    "Changes": object_of(items=list_of("Change")),
}
