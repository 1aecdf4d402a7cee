"""Packages: the gallery of the indexes, what a package would bring, taking one in, and which are outdated.

A package comes by its reference, which the host fetches, or as the bytes of a `.omni` file.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Annotated

from starlette.responses import Response

from omnicore.access.principal import Role
from omnicore.api.operation import ref
from omnicore.api.parts import parts_of, present
from omnicore.api.principals import principal_of
from omnicore.api.requests import Json, read_count, read_cursor, read_record, who, write_cursor
from omnicore.api.schema import COUNT, TEXT, Schemas, list_of, object_of
from omnicore.errors import InvalidInput
from omnicore.packages.gallery import (
    SVG,
    GalleryCapability,
    GalleryEntry,
    GalleryIndex,
    GalleryPage,
    GalleryPlugin,
    GalleryVersion,
)
from omnicore.packages.index import IndexAdvisory
from omnicore.packages.service import InstallOrder, OutdatedPlugin
from omnicore.records import Meta, Record, schema
from omnicore.storage.tables.plugins import PluginOrigin

if TYPE_CHECKING:
    from starlette.requests import Request

    from omnicore.access.principal import Principal
    from omnicore.packages.service import Packages

OMNI = "application/vnd.omnicore.package.v1+tar"
_MOST_NAME = _MOST_TEXT = 200
_PROBLEM = "it cannot be read"
_HERE = frozenset({"owner", "cli", "application"})


class LookOrder(Record, frozen=True):
    """A package to look at."""

    reference: Annotated[str, Meta(description="`oci://HOST/NAME:VERSION` or `https://HOST/FILE#sha256=DIGEST`.")]


async def look_at_package(request: Request) -> Response:
    """Fetches a package and shows who made it and what it would change. Nothing is written."""
    packages = _packages(request)
    if _is_file(request):
        look = await asyncio.to_thread(packages.look_into, await request.body(), _name(request))
    else:
        order = await read_record(request, LookOrder, "order")
        look = await packages.look(order.reference, named=_named(principal_of(request)))
    return Json(look.to_json())


async def install_package(request: Request) -> Response:
    """Takes in the package that was looked at. It asks for grants as any file does."""
    packages = _packages(request)
    if _is_file(request):
        query = request.query_params
        order = InstallOrder(
            _name(request),
            query.get("digest", ""),
            hold=query.get("hold") == "true",
            accept_publisher=query.get("accept_publisher") == "true",
        )
        install = partial(packages.install_file, await request.body(), order, who=who(request))
        view = await asyncio.to_thread(install)
    else:
        order = await read_record(request, InstallOrder, "order")
        view = await packages.install(order, who=who(request), named=_named(principal_of(request)))
    return Json(view.to_json(), 201, {"location": f"/api/v1/plugins/{view.name}"})


async def list_packages(request: Request) -> Response:
    """The packages that installed versions came from."""
    principal, found = principal_of(request), await asyncio.to_thread(_packages(request).installed)
    return Json({"items": [one.to_json() for one in found if principal.can_see(one.plugin)]})


async def list_outdated(request: Request) -> Response:
    """The plugins that came as packages, each with the highest version that its source has.

    Sources are asked about those that the caller operates, so that nobody else sets requests of the host going.
    """
    principal = principal_of(request)
    found = await _packages(request).outdated(
        named=_named(principal), sees=lambda plugin: principal.role_for(plugin) >= Role.operator
    )
    return Json({"items": [one.to_json() for one in found]})


async def search_gallery(request: Request) -> Response:
    """A page of the plugins of the owner's indexes, from what was read within the last minute."""
    text = request.query_params.get("q", "").replace("\0", "")
    if len(text) > _MOST_TEXT:
        raise InvalidInput(f"q has {len(text)} characters", remedy=f"pass {_MOST_TEXT} at most", path="q")
    limit, after = read_count(request, "limit", 50), read_cursor(request)
    found = await _packages(request).gallery.search(text, after=after, limit=limit)
    told = found.to_json() | {"next": write_cursor(found.next) if found.next is not None else None}
    if principal_of(request).role < Role.operator:  # a problem may name addresses and folders
        told["indexes"] = [one | {"problem": one["problem"] and _PROBLEM} for one in told["indexes"]]
    return Json(told)


async def show_gallery_plugin(request: Request) -> Response:
    """A plugin as its index tells it, before its package is fetched."""
    return Json((await _packages(request).gallery.show(request.path_params["package"])).to_json())


async def show_gallery_icon(request: Request) -> Response:
    """The icon of a plugin. It is a stranger's file: a browser that opens it may neither run nor load anything."""
    found = await _packages(request).gallery.icon(request.path_params["package"])
    headers = {
        "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox",
        "content-disposition": "attachment",
        "cache-control": "private, max-age=300",
        "content-type": f"{found.media}; charset=utf-8" if found.media == SVG else found.media,
    }
    return Response(found.data, headers=headers)


def _packages(request: Request) -> Packages:
    return present(parts_of(request).rooms.packages, "installs no packages")


def _named(principal: Principal) -> bool:
    """True for whoever is at this machine: the reference may lead to a private address."""
    return principal.via in _HERE


def _is_file(request: Request) -> bool:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower() == OMNI


def _name(request: Request) -> str:
    return request.query_params.get("name", "a file")[:_MOST_NAME]


_GALLERY = (
    *(GalleryPage, GalleryIndex, GalleryEntry, GalleryPlugin, GalleryVersion, GalleryCapability, IndexAdvisory),
)
SCHEMAS: Schemas = {
    "LookOrder": schema(LookOrder),
    "InstallOrder": schema(InstallOrder),
    "PluginOrigin": schema(PluginOrigin),
    "PluginOrigins": object_of(items=list_of("PluginOrigin")),
    "OutdatedPlugin": schema(OutdatedPlugin),
    **{one.__name__: schema(one, shown=True) for one in _GALLERY},
    "OutdatedPlugins": object_of(items=list_of("OutdatedPlugin")),
    "PublisherKey": object_of(fingerprint=TEXT, key={**TEXT, "description": "The public key, as a file has it."}),
    "PublisherVerdict": object_of(
        decision={"enum": ["accept", "ask", "refuse"]},
        reason=TEXT,
        remedy=TEXT,
        publisher={**TEXT, "description": "Who signed it, for people; empty for nobody."},
        publishers={"type": "array", "items": TEXT, "description": "Those who are trusted and signed it."},
        names={"type": "array", "items": TEXT, "description": "The same by the names that the owner gave them."},
        unknown=list_of("PublisherKey"),
        signers={**TEXT, "description": "Everybody whose signature verifies, by fingerprints."},
    ),
    "PackageLook": object_of(
        reference=TEXT,
        digest={**TEXT, "description": "Of the package: what is installed."},
        name=TEXT,
        version=TEXT,
        description=TEXT,
        author=TEXT,
        size_bytes=COUNT,
        files={"type": "object", "additionalProperties": COUNT, "description": "Bytes of each file by its name."},
        readme={**TEXT, "description": "README.md; nobody has checked what it says."},
        publisher=ref("PublisherVerdict"),
        upgrade={**ref("Upgrade"), "description": "What it would change, and what it asks for without a grant."},
    ),
}
