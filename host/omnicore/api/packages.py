"""Packages: what one would bring, taking one in, where installed versions came from, and which are outdated.

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
from omnicore.api.requests import Json, read_record, who
from omnicore.api.schema import COUNT, TEXT, Schemas, list_of, object_of
from omnicore.packages.service import InstallOrder, OutdatedPlugin
from omnicore.records import Meta, Record, schema
from omnicore.storage.tables.plugins import PluginOrigin

if TYPE_CHECKING:
    from starlette.requests import Request

    from omnicore.access.principal import Principal
    from omnicore.packages.service import Packages

OMNI = "application/vnd.omnicore.package.v1+tar"
_MOST_NAME = 200
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


def _packages(request: Request) -> Packages:
    return present(parts_of(request).rooms.packages, "installs no packages")


def _named(principal: Principal) -> bool:
    """True for whoever is at this machine: the reference may lead to a private address."""
    return principal.via in _HERE


def _is_file(request: Request) -> bool:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower() == OMNI


def _name(request: Request) -> str:
    return request.query_params.get("name", "a file")[:_MOST_NAME]


SCHEMAS: Schemas = {
    "LookOrder": schema(LookOrder),
    "InstallOrder": schema(InstallOrder),
    "PluginOrigin": schema(PluginOrigin),
    "PluginOrigins": object_of(items=list_of("PluginOrigin")),
    "OutdatedPlugin": schema(OutdatedPlugin),
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
