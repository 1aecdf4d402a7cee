"""The server that runs on a data folder: a note it leaves there, and questions to it."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from omnicore.config.settings import Settings
from omnicore.connectors.http import HttpClient
from omnicore.connectors.policy import HttpPolicy
from omnicore.errors import HostError, NotFound, OmniError, PermissionDenied, Unavailable
from omnicore.sandbox.abi import MIB, HttpRequest, HttpResponse

__all__ = ["noted_server", "server_health", "server_logs"]

_NOTE = "server.json"


@contextmanager
def noted_server(data: Path, url: str, *, key: str = "") -> Iterator[None]:
    """Leaves a note with the server's address and a key to it while it runs, for commands of the same person."""
    note = data / _NOTE
    with suppress(OSError):  # without it only `plugins logs` is missing
        note.unlink(missing_ok=True)
        with open(os.open(note, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
            json.dump({"url": url, "pid": os.getpid(), "key": key}, stream)
    try:
        yield
    finally:
        with suppress(OSError):
            note.unlink(missing_ok=True)


def server_logs(settings: Settings, name: str, *, lines: int, level: str, after: int | None = None) -> dict[str, Any]:
    """The last lines a plugin logged, oldest first, in `items`; `next` is the `after` of those that come later.

    Raises: Unavailable: no server runs; PermissionDenied: it wants another token; NotFound: no such plugin.
    """
    url, key = _server(settings.data)
    query = urlencode({"limit": lines, "level": level, **({} if after is None else {"after": after})})
    answer = asyncio.run(_get(f"{url}/api/v1/plugins/{quote(name, safe='')}/logs?{query}", settings.token or key))
    return dict(_document(answer, name))


def server_health(settings: Settings) -> dict[str, Any]:
    """The health of the server that runs on the data folder. Raises: Unavailable, PermissionDenied."""
    url, key = _server(settings.data)
    answer = asyncio.run(_get(f"{url}/api/v1/health", settings.token or key))
    return dict(_document(answer, "health"))


def _server(data: Path) -> tuple[str, str]:
    """Its address and the key to it, as the note says."""
    try:
        note = json.loads((data / _NOTE).read_text("utf-8"))
        return str(note["url"]), str(note.get("key", ""))
    except (OSError, ValueError, KeyError, TypeError) as cause:
        raise _no_server(data) from cause


def _no_server(data: Path) -> Unavailable:
    return Unavailable(
        f"no server runs on {data}",
        remedy="start one with `omnicore run`, or see the logs of one call with `omnicore call --logs`",
    )


async def _get(url: str, token: str | None) -> HttpResponse:
    headers = {"authorization": f"Bearer {token}"} if token else {}
    request = HttpRequest("GET", url, headers, b"", timeout_s=10.0, max_bytes=64 * MIB)
    policy = HttpPolicy(hosts=("*",), methods=("GET",), private="allow")
    try:
        return await HttpClient().send(request, policy)
    except OmniError as cause:
        raise Unavailable(
            f"the server at {url.partition('/api/')[0]} does not answer",
            remedy="start it again with `omnicore run`",
        ) from cause


def _document(answer: HttpResponse, name: str) -> Any:
    if answer.status == 401:
        raise PermissionDenied("the server wants a token", remedy="set OMNICORE_TOKEN to the one it was started with")
    if answer.status == 404:
        raise NotFound(f"there is no plugin {name}", remedy="see `omnicore plugins ls`")
    if answer.status != 200:
        raise HostError(f"the server answered {answer.status}", remedy="see what it printed")
    return json.loads(answer.body)
