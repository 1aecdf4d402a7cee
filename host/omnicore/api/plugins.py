"""Plugins: list, upload, look at one, switch it on and off, see what changed, remove it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import cast, get_args

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from omnicore.access.principal import Role
from omnicore.api.operation import JSON, Operation, Query, Reply, ref
from omnicore.api.parts import parts_of
from omnicore.api.principals import principal_of
from omnicore.api.problems import Problem, RefusalError
from omnicore.api.requests import (
    MOST_ITEMS,
    Json,
    read_count,
    read_cursor,
    read_object,
    tagged,
    write_cursor,
)
from omnicore.errors import InvalidInput, NotFound
from omnicore.plugins.view import PluginView, State

__all__ = ["OPERATIONS"]

_WASM = "application/wasm"
_OCTETS = "application/octet-stream"
_WAT = "text/plain"
_FORM = "multipart/form-data"
_STATES: tuple[str, ...] = get_args(State)
_MOST_TEXT = 200


async def list_plugins(request: Request) -> Response:
    """One page of plugins, rejected files among them."""
    limit, after = read_count(request, "limit", 100), read_cursor(request)
    state, text = _wanted_state(request), request.query_params.get("q", "").replace("\0", "")[:_MOST_TEXT]
    views, more = await asyncio.to_thread(_seen, request, after, limit, state, text)
    following = write_cursor(views[-1].name) if more else None
    return tagged(request, {"items": [view.to_json() for view in views], "next": following})


def _seen(
    request: Request, after: str, limit: int, state: State | None, text: str
) -> tuple[Sequence[PluginView], bool]:
    """A page of the plugins that whoever asks may see: all, or those that were named to them."""
    host, principal = parts_of(request).host, principal_of(request)
    if principal.role >= Role.viewer:
        return host.page(after, limit, state=state, text=text)
    found = []
    for name in sorted(name for name in principal.plugins if name > after and principal.can_see(name)):
        with suppress(NotFound):
            view = host.get(name)
            if view.fits(state, text):
                found.append(view)
    return found[:limit], len(found) > limit


def _wanted_state(request: Request) -> State | None:
    state = request.query_params.get("state")
    if state is None or state in _STATES:
        return cast("State | None", state)
    raise InvalidInput("state is no state of a plugin", remedy=f"use one of {', '.join(_STATES)}", path="state")


async def show_plugin(request: Request) -> Response:
    """One plugin."""
    view = await asyncio.to_thread(parts_of(request).host.get, request.path_params["plugin"])
    return tagged(request, view.to_json())


async def upload_plugin(request: Request) -> Response:
    """Puts a file into the plugin folder. The host inspects it before it writes or runs anything."""
    filename, data, manifest = await _uploaded(request)
    host = parts_of(request).host
    view = await asyncio.to_thread(host.install, filename, data, manifest=manifest)
    return Json(view.to_json(), 201, {"location": f"/api/v1/plugins/{view.name}"})


async def remove_plugin(request: Request) -> Response:
    """Deletes the file, its grants and all it stored."""
    await asyncio.to_thread(parts_of(request).host.remove, request.path_params["plugin"])
    return Response(status_code=204)


async def switch_plugin(request: Request) -> Response:
    """Enables or disables a plugin."""
    values = await read_object(request, allowed=frozenset({"state"}))
    host = parts_of(request).host
    switches = {"enabled": host.enable, "disabled": host.disable}
    state = values.get("state")
    if not isinstance(state, str) or state not in switches:
        raise InvalidInput("state is neither enabled nor disabled", remedy='send {"state": "enabled"}', path="state")
    view = await asyncio.to_thread(switches[state], request.path_params["plugin"])
    return Json(view.to_json())


async def diff_plugin(request: Request) -> Response:
    """What the newest version of the file asks for beyond its grants."""
    changes = await asyncio.to_thread(parts_of(request).host.diff, request.path_params["plugin"])
    return Json({"items": [change.to_json() for change in changes]})


async def _uploaded(request: Request) -> tuple[str, bytes, bytes | None]:
    """File name, module and manifest: from a form with `file` and perhaps `manifest`, or the bare body."""
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


_PLUGIN = {200: Reply("The plugin.", schema=ref("Plugin"))}
_BINARY = {"type": "string", "contentMediaType": _WASM}
OPERATIONS = (
    Operation(
        *("GET", "/api/v1/plugins", list_plugins, "listPlugins", "Lists plugins by name", "plugins"),
        replies={200: Reply("One page of plugins.", schema=ref("Plugins")), 304: Reply("Not changed.", None)},
        query=(
            Query("limit", {"type": "integer", "minimum": 1, "maximum": MOST_ITEMS}, "Plugins on a page"),
            Query("cursor", {"type": "string"}, "`next` of the page before"),
            Query("state", {"enum": list(_STATES)}, "Only those in this state"),
            Query("q", {"type": "string", "maxLength": _MOST_TEXT}, "Only those with it in name, file or reason"),
        ),
        problems=(422,),
        needs=Role.nobody,
    ),
    Operation(
        *(
            "POST",
            "/api/v1/plugins",
            upload_plugin,
            "uploadPlugin",
            "Adds or replaces a plugin's file",
            "plugins",
        ),
        replies={201: Reply("The plugin as the host took it in.", schema=ref("Plugin"))},
        query=(Query("filename", {"type": "string"}, "Name of the file when the body is the bare module"),),
        body={
            _FORM: {
                "type": "object",
                "required": ["file"],
                "properties": {"file": _BINARY, "manifest": {"type": "string", "description": "NAME.toml"}},
            },
            _WASM: _BINARY,
        },
        problems=(409, 413, 415, 422, 507),
        idempotent=True,
    ),
    Operation(
        *("GET", "/api/v1/plugins/{plugin}", show_plugin, "showPlugin", "Shows a plugin", "plugins"),
        replies={**_PLUGIN, 304: Reply("Not changed.", None)},
        problems=(404,),
    ),
    Operation(
        *("DELETE", "/api/v1/plugins/{plugin}", remove_plugin, "removePlugin", "Removes a plugin", "plugins"),
        replies={204: Reply("Its file, grants and all it stored are gone.", None)},
        problems=(404,),
        idempotent=True,
    ),
    Operation(
        *(
            "PUT",
            "/api/v1/plugins/{plugin}/state",
            switch_plugin,
            "switchPlugin",
            "Switches a plugin",
            "plugins",
        ),
        replies=_PLUGIN,
        body={JSON: ref("Switch")},
        problems=(404, 422),
        needs=Role.operator,
    ),
    Operation(
        *(
            "GET",
            "/api/v1/plugins/{plugin}/diff",
            diff_plugin,
            "diffPlugin",
            "Shows what is not granted",
            "plugins",
        ),
        replies={200: Reply("What the file asks for beyond its grants.", schema=ref("Changes"))},
        problems=(404,),
    ),
)
