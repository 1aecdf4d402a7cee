"""Hypercorn around the application: where it listens, how long it waits, how it stops."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable
from ipaddress import ip_address
from typing import Any

from hypercorn.asyncio import serve as hypercorn_serve
from hypercorn.config import Config
from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

from omnicore.access.service import Access
from omnicore.api.traffic import Traffic
from omnicore.config.settings import Settings
from omnicore.errors import InvalidSetting

__all__ = ["listen", "serve"]

_log = logging.getLogger("omnicore.api.server")

_BACKLOG = 1024
_KEEP_ALIVE_S = 15.0
_KEEP_ALIVE_REQUESTS = 100_000
_PING_S = 20.0
_WEBSOCKET_BYTES = 64 * 1024
_STALLED_MS = 30_000
_FLUSH_S = 0.5


async def serve(
    app: Starlette,
    settings: Settings,
    *,
    stop: asyncio.Event,
    announce: Callable[[str], None],
) -> None:
    """Serves until `stop` is set; then lets running requests finish for `drain_s` and cuts the rest.

    Args:
        announce: told the URL once connections are taken.

    Raises: InvalidSetting: the address cannot be listened on, or is open to the network with neither token nor users.
    """
    traffic: Traffic = app.state.parts.traffic
    access: Access | None = app.state.parts.rooms.access
    listener = listen(settings, has_users=access is not None and await access.recognition.has_users())
    url = _url(listener)
    # Hypercorn makes a socket of its own from the number, and closes it.
    config = _config(listener.detach(), settings)
    application: Any = _uncompressed(app)  # Hypercorn's types describe every message; Starlette's are mappings
    running = asyncio.ensure_future(hypercorn_serve(application, config, shutdown_trigger=stop.wait))
    stopping = asyncio.ensure_future(stop.wait())
    try:
        announce(url)
        await asyncio.wait((running, stopping), return_when=asyncio.FIRST_COMPLETED)
        await traffic.drain(settings.drain_s)
        _end_pings(config)
        await asyncio.wait((running,), timeout=_FLUSH_S)
    finally:
        stopping.cancel()
        _abort_connections(config)  # what is left are clients that do not read
        await asyncio.wait((running,), timeout=_FLUSH_S if stop.is_set() else 0)
        running.cancel()
        await asyncio.wait((running,))
    if not running.cancelled():
        running.result()


def _uncompressed(app: ASGIApp) -> ASGIApp:
    """The application with WebSockets that agree to no compression, which Hypercorn has no setting for.

    Compression costs each of them 300 KB and each frame its time, and a small message could become a large one.
    """

    async def plain(scope: Scope, receive: Receive, send: Send) -> None:
        handshake = getattr(getattr(send, "__self__", None), "handshake", None)
        if scope["type"] == "websocket" and handshake is not None:
            handshake.extensions = None
        await app(scope, receive, send)

    return plain


def _end_pings(config: Config) -> None:
    """Ends the tasks that send pings, which Hypercorn lets sleep on when their connection is over."""
    for task, found in _tasks("_send_pings"):
        if getattr(found.get("self"), "config", None) is config:
            task.cancel()


def _abort_connections(config: Config) -> None:
    """Drops what connections have not sent yet: Hypercorn would wait for their clients to read it."""
    for _, found in _tasks("_server_callback"):
        if found.get("config") is config:
            found["writer"].transport.abort()


def _tasks(function: str) -> list[tuple[asyncio.Task[Any], dict[str, Any]]]:
    """Tasks that run a function of this name, with its variables: Hypercorn offers no other way to them."""
    frames = [(task, getattr(task.get_coro(), "cr_frame", None)) for task in asyncio.all_tasks()]
    return [(task, frame.f_locals) for task, frame in frames if frame and frame.f_code.co_name == function]


def listen(settings: Settings, *, has_users: bool = False) -> socket.socket:
    """A socket that listens where the settings say. Owns: the caller closes it.

    Raises: InvalidSetting: the address is taken, is not ours, or is open to the network with neither token nor users.
    """
    try:
        family, kind, number, _, address = socket.getaddrinfo(
            settings.host.strip("[]"), settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        if not settings.token and not has_users and not ip_address(address[0]).is_loopback:
            raise InvalidSetting(
                f"{settings.host} can be reached by other machines, there are no users and no token is set",
                remedy="run `omnicore users add NAME --role admin`, set OMNICORE_TOKEN, or listen on 127.0.0.1",
                setting="token",
            )
        listener = socket.socket(family, kind, number)
    except OSError as error:
        raise _cannot_listen(settings, error) from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # Inherited by connections: one whose client stops reading ends, whatever Hypercorn waits for.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _STALLED_MS)
        listener.bind(address)
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise _cannot_listen(settings, error) from error
    return listener


def _cannot_listen(settings: Settings, error: OSError) -> InvalidSetting:
    return InvalidSetting(
        f"cannot listen on {settings.host} port {settings.port}: {error.strerror or error}",
        remedy="choose another host or port",
        setting="port",
    )


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _config(number: int, settings: Settings) -> Config:
    config = Config()
    config.bind = [f"fd://{number}"]
    config.backlog = _BACKLOG
    config.accesslog = None
    config.errorlog = _log
    config.include_server_header = False
    # Also how long a client may take for its headers.
    config.keep_alive_timeout = _KEEP_ALIVE_S
    config.keep_alive_max_requests = _KEEP_ALIVE_REQUESTS
    config.websocket_ping_interval = _PING_S
    config.websocket_max_message_size = _WEBSOCKET_BYTES
    # Longer than `serve` waits: Hypercorn would leave the sockets of connections open that it gives up.
    config.graceful_timeout = settings.drain_s + _KEEP_ALIVE_S
    return config
