"""The prefix of a host's addresses: where it is mounted in another application, or stands behind a proxy's path."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["prefix_of", "prefixed"]

_KEY = "omnicore.prefix"
_PREFIX = re.compile(r"(?:/[A-Za-z0-9._~-]{1,64}){1,8}")


def prefix_of(scope: Scope) -> str:
    """What stands before every path of this host as its callers write it, such as `/omni`; mostly empty."""
    found: str = scope.get(_KEY, "")
    return found


def prefixed(app: ASGIApp, forwarded: Callable[[Scope], str]) -> ASGIApp:
    """The application, served below any path: it sees its own paths, and its redirects lead to the callers' ones.

    Args:
        forwarded: the path that a trusted proxy says it serves the host at, or "".
    """

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        mounted: str = scope.get("root_path", "").rstrip("/")
        said = forwarded(scope).rstrip("/")
        prefix = f"{said if _PREFIX.fullmatch(said) else ''}{mounted}"
        if not prefix:
            await app(scope, receive, send)
            return
        path: str = scope["path"]
        # Some frameworks and proxies leave the prefix in the path, others take it away.
        for one in (prefix, mounted, said):
            if one and (path == one or path.startswith(f"{one}/")):
                path = path[len(one) :] or "/"
                break
        inner = {**scope, "path": path, "raw_path": path.encode(), "root_path": "", _KEY: prefix}
        await app(inner, receive, _sending(send, prefix.encode()))

    return serve


def _sending(send: Send, prefix: bytes) -> Send:
    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": _moved(message.get("headers", ()), prefix)}
        await send(message)

    return sent


def _moved(headers: Sequence[tuple[bytes, bytes]], prefix: bytes) -> list[tuple[bytes, bytes]]:
    return [
        (name, prefix + value) if name.lower() == b"location" and value[:1] == b"/" != value[1:2] else (name, value)
        for name, value in headers
    ]
