"""The console, served below `/console/` with strict security headers, and the index at `/`."""

from __future__ import annotations

import asyncio
import hashlib
import re
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from starlette.responses import RedirectResponse, Response

from omnicore.api.exchange import prefix_of
from omnicore.api.openapi import document
from omnicore.api.parts import parts_of
from omnicore.api.principals import principal_of
from omnicore.api.requests import Json, tagged
from omnicore.version import __version__

if TYPE_CHECKING:
    from starlette.requests import Request


HOME = "/console/"
"""Path of the console, below the prefix of the host."""

_PACKAGE: Final = Path(__file__).resolve().parents[1]
WEB: Final = _PACKAGE.parents[1] / "web"
"""The console's sources, when this is a clone."""

_PACKED: Final = _PACKAGE / "console"
_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*(?:/[A-Za-z0-9_-][A-Za-z0-9_.-]*)*")
_LONGEST_NAME = 200  # file systems allow 255 bytes, with the ending of the compressed copy
_MEDIA = {
    ".css": "text/css; charset=utf-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}
"""The types of files that are served; any other path is a page of the console."""

_PACKED_AS = (("br", ".br"), ("gzip", ".gz"))
_NONCE, _PREFIX = b"{{nonce}}", b"{{prefix}}"
_ADDRESS = re.compile(rb'(src|href)="(?:\./|/console/)')
_ALWAYS = {
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "referrer-policy": "same-origin",
    "x-frame-options": "DENY",
}
_NOT_BUILT = b"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>The console is not built - OmniCore</title>
<h1>The console is not built</h1>
<p>OmniCore runs, and its <a href="/openapi.json">REST interface</a> and the <code>omnicore</code> command work.
<p>The console comes with the package. In a clone it is built once, with Node.js 20.19 or newer:
<pre>cd web
npm ci
npm run build</pre>
<p>Then load this page again.
</html>
"""


@dataclass(frozen=True, slots=True)
class _File:
    """A file to send. `encoding` is empty if it is not compressed."""

    body: bytes
    media: str
    encoding: str
    kept: bool


async def console(request: Request) -> Response:
    """A file of the console, or its page for every other path below `/console/`."""
    root = parts_of(request).rooms.console or built_console()
    name = request.path_params.get("file", "")
    if root is None:
        return _page(_NOT_BUILT, prefix_of(request.scope))
    accepted = _encodings(request.headers.get("accept-encoding", ""))
    found = await asyncio.to_thread(_read, root, name, accepted)
    if found is not None:
        return _answer(request, found)
    if name.startswith("assets/"):  # a script of an older build: a page in its place would only confuse
        return Response(status_code=404, headers=_ALWAYS)
    return _page(await asyncio.to_thread(_index, root), prefix_of(request.scope))


async def to_console(_request: Request) -> Response:
    """Redirects to the console."""
    return RedirectResponse(HOME, 308)


def built_console() -> Path | None:
    """The folder of the built console: in the clone or in the package. None if it was not built."""
    for folder in (WEB / "dist", _PACKED):
        if (folder / "index.html").is_file():
            return folder
    return None


def _read(root: Path, name: str, accepted: frozenset[str]) -> _File | None:
    """A file by its path, compressed if the browser accepts that."""
    suffix = Path(name).suffix
    if suffix not in _MEDIA or len(name) > _LONGEST_NAME or not _NAME.fullmatch(name):
        return None
    path = (root / name).resolve()
    if not path.is_relative_to(root.resolve()) or not path.is_file():
        return None
    kept = name.startswith("assets/")  # the build puts a hash of the content into these names
    for encoding, ending in _PACKED_AS:
        twin = path.with_name(path.name + ending)
        if encoding in accepted and twin.is_file():
            return _File(twin.read_bytes(), _MEDIA[suffix], encoding, kept)
    return _File(path.read_bytes(), _MEDIA[suffix], "", kept)


def _answer(request: Request, file: _File) -> Response:
    tag = f'"{hashlib.blake2b(file.body, digest_size=12).hexdigest()}"'
    headers = {
        **_ALWAYS,
        "etag": tag,
        "vary": "accept-encoding",
        "cache-control": "public, max-age=31536000, immutable" if file.kept else "no-cache",
        "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    }
    known = {one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")}
    if tag in known:
        return Response(status_code=304, headers=headers)
    if file.encoding:
        headers["content-encoding"] = file.encoding
    return Response(file.body, headers=headers, media_type=file.media)


def _index(root: Path) -> bytes:
    try:
        return (root / "index.html").read_bytes()
    except FileNotFoundError:  # a build is in progress
        return _NOT_BUILT


def _page(body: bytes, prefix: str) -> Response:
    """The page with a new nonce, which allows the styles that its script adds.

    Its addresses begin with the prefix that the host is mounted at, which the page's script reads from it as well.
    """
    body = _ADDRESS.sub(lambda found: found[1] + f'="{prefix}{HOME}'.encode(), body)
    body = body.replace(b'href="/openapi.json"', f'href="{prefix}/openapi.json"'.encode())
    body = body.replace(_PREFIX, prefix.encode())
    nonce = secrets.token_urlsafe(16)
    policy = (
        "default-src 'none'; script-src 'self'; connect-src 'self'; img-src 'self' data:; font-src 'self'; "
        f"style-src 'self' 'nonce-{nonce}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
    headers = {**_ALWAYS, "content-security-policy": policy, "cache-control": "no-store"}
    return Response(body.replace(_NONCE, nonce.encode()), headers=headers, media_type="text/html")


def _encodings(header: str) -> frozenset[str]:
    """The encodings that `Accept-Encoding` allows."""
    taken = set()
    for one in header.lower().split(","):
        name, _, weight = one.partition(";")
        if weight.replace(" ", "") not in {"q=0", "q=0.0", "q=0.00", "q=0.000"}:
            taken.add(name.strip())
    return frozenset(taken)


_LINKS = {
    "console": HOME,
    "plugins": "/api/v1/plugins",
    "openapi": "/openapi.json",
    "events": "/ws",
    "health": "/healthz",
    "ready": "/readyz",
    "metrics": "/metrics",
}


async def index(request: Request) -> Response:
    """Links to everything. A browser is redirected to the console."""
    headers = {"vary": "accept"}
    if "text/html" in request.headers.get("accept", ""):
        return RedirectResponse(HOME, 303, headers)
    principal_of(request)  # only a page of the console is for everybody
    return Json(
        {
            "name": "OmniCore",
            "version": __version__,
            "links": {name: f"{prefix_of(request.scope)}{path}" for name, path in _LINKS.items()},
        },
        headers=headers,
    )


async def openapi(request: Request) -> Response:
    """The OpenAPI document, with a path for each function that can be called."""
    principal = principal_of(request)
    found = await asyncio.to_thread(parts_of(request).host.list)
    views = [view for view in found if principal.can_see(view.name)]
    found_document = await asyncio.to_thread(document, request.app.state.operations, views)
    if prefix := prefix_of(request.scope):
        found_document = {**found_document, "servers": [{"url": prefix}]}
    return tagged(request, found_document)
