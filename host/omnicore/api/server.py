"""Hypercorn around the application: sockets, timeouts and shutdown.

Besides TCP it may serve a Unix socket, over which whoever runs the host needs no key. That is a server of its own,
whose application names the owner as the caller; nothing in a request decides this. The system reports who connects
(`SO_PEERCRED`, unix(7)). A connection of another user is closed before a byte of it is read, also one of root: root can
read the owner's key, and a command that root runs by mistake changes nothing.
"""

from __future__ import annotations

import asyncio
import errno
import fcntl
import hashlib
import logging
import os
import re
import socket
import stat
import struct
import tempfile
from contextlib import contextmanager
from ipaddress import ip_address
from itertools import chain
from pathlib import Path
from time import time
from typing import TYPE_CHECKING, Any

import h11
from hypercorn.asyncio import serve as hypercorn_serve
from hypercorn.config import Config, Sockets
from hypercorn.events import RawData
from hypercorn.protocol.events import StreamClosed
from hypercorn.protocol.h11 import H11Protocol
from hypercorn.protocol.http_stream import ASGIHTTPState, HTTPStream
from hypercorn.utils import suppress_body

from omnicore.api.exchange import WHOLE_ANSWER
from omnicore.api.principals import of_owner
from omnicore.errors import InvalidSetting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from starlette.applications import Starlette
    from starlette.types import ASGIApp, Receive, Scope, Send

    from omnicore.access.service import Access
    from omnicore.api.exchange import Traffic
    from omnicore.config.settings import Settings


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
    owners: socket.socket | None = None,
) -> None:
    """Serves until `stop` is set; then lets running requests finish for `drain_s` and cuts the rest.

    Args:
        announce: told the URL once connections are taken.
        owners: a socket that listens and takes connections of the owner only, see `owners_socket`.

    Raises: InvalidSetting: the address cannot be listened on, or is open to the network with neither token nor users.
    """
    traffic: Traffic = app.state.parts.traffic
    access: Access | None = app.state.parts.rooms.access
    listener = listen(settings, has_users=access is not None and await access.recognition.has_users())
    url = _url(listener)
    servers = _servers(app, settings, listener, owners)
    running = [_running(application, config, stop) for application, config in servers]
    configs = [config for _, config in servers]
    stopping = asyncio.ensure_future(stop.wait())
    first: list[asyncio.Future[Any]] = [*running, stopping]
    try:
        if app.state.parts.rooms.fleet is not None:
            app.state.parts.rooms.fleet.listens(url)
        announce(url)
        await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
        await traffic.drain(settings.drain_s)
        _end_pings(configs)
        await asyncio.wait(running, timeout=_FLUSH_S)
    finally:
        stopping.cancel()
        _abort_connections(configs)  # what is left are clients that do not read
        await asyncio.wait(running, timeout=_FLUSH_S if stop.is_set() else 0)
        await _ended(running)


async def _ended(servers: Sequence[asyncio.Future[None]]) -> None:
    """Cancels the servers. Raises: the failure of one of them."""
    for server in servers:
        server.cancel()
    await asyncio.wait(servers)
    for server in servers:
        if not server.cancelled():
            server.result()


def _servers(
    app: Starlette, settings: Settings, listener: socket.socket, owners: socket.socket | None
) -> list[tuple[ASGIApp, _Config]]:
    """The applications and their sockets. From here on no plugin or connector can reach the network socket."""
    if app.state.parts.rooms.reserved is not None:
        app.state.parts.rooms.reserved.listens(listener.getsockname()[1])
    found: list[tuple[ASGIApp, _Config]] = [(_tuned(app), _Config(listener, settings))]
    if owners is not None:
        found.append((_tuned(of_owner(app)), _Config(owners, settings)))
    return found


def _running(app: ASGIApp, config: Config, stop: asyncio.Event) -> asyncio.Future[None]:
    application: Any = app  # Hypercorn's types describe every message; Starlette's are mappings
    return asyncio.ensure_future(hypercorn_serve(application, config, shutdown_trigger=stop.wait))


def _tuned(app: ASGIApp) -> ASGIApp:
    """The application with two changes that Hypercorn has no setting for.

    WebSockets use no compression: it costs 300 KB a connection and time a frame, and a small message could become a
    large one. Complete answers over HTTP/1.1 are written at once, see `_Answer`.
    """

    async def tuned(scope: Scope, receive: Receive, send: Send) -> None:
        stream = getattr(send, "__self__", None)
        if scope["type"] == "http":
            protocol = getattr(getattr(stream, "send", None), "__self__", None)
            if isinstance(stream, HTTPStream) and isinstance(protocol, H11Protocol):
                scope["extensions"][WHOLE_ANSWER] = _Answer(stream, protocol)
        elif scope["type"] == "websocket" and (handshake := getattr(stream, "handshake", None)) is not None:
            handshake.extensions = None
        await app(scope, receive, send)

    return tuned


_ENDS_LINE = re.compile(rb"[\r\n\0]")


class _Answer:
    """Writes status, headers and body of one answer together.

    Hypercorn writes them one after another, a system call and a packet each, and checks every header twice. With the
    eleven headers of our answers that was a fifth of the processor time of a request.
    """

    __slots__ = ("_protocol", "_stream")

    def __init__(self, stream: HTTPStream, protocol: H11Protocol) -> None:
        self._stream, self._protocol = stream, protocol

    async def __call__(self, status: int, headers: Sequence[tuple[bytes, bytes]], body: bytes) -> None:
        """Sends the answer. Raises: ValueError: a header holds a line end."""
        stream, protocol, connection = self._stream, self._protocol, self._protocol.connection
        if stream.closed:
            return
        last = protocol.keep_alive_requests >= protocol.config.keep_alive_max_requests
        closing = [(b"connection", b"close")] if last else []
        head = [*headers, *protocol.config.response_headers("h11"), *closing]
        if _ENDS_LINE.search(b"".join(chain.from_iterable(head))):
            raise ValueError("a header of the answer holds a line end")
        # `_parsed` spares h11 two regular expressions for each header.
        pieces = [connection.send(h11.Response(status_code=status, headers=head, _parsed=True))]
        if body and not suppress_body(stream.scope["method"], status):
            pieces.append(connection.send(h11.Data(data=body)))
        pieces.append(connection.send(h11.EndOfMessage()))
        stream.state = ASGIHTTPState.CLOSED
        await protocol.send(RawData(data=b"".join(pieces)))
        await stream.send(StreamClosed(stream_id=stream.stream_id))


def _end_pings(configs: Sequence[Config]) -> None:
    """Ends the ping tasks of connections that are closed, which Hypercorn leaves sleeping."""
    for task, found in _tasks("_send_pings"):
        if getattr(found.get("self"), "config", None) in configs:
            task.cancel()


def _abort_connections(configs: Sequence[Config]) -> None:
    """Drops unsent data of connections. Hypercorn would wait for their clients to read it."""
    for _, found in _tasks("_server_callback"):
        if found.get("config") in configs:
            found["writer"].transport.abort()


def _tasks(function: str) -> list[tuple[asyncio.Task[Any], dict[str, Any]]]:
    """Tasks that run a function of this name, with its variables. Hypercorn offers no other access to them."""
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
        if settings.access.open and not ip_address(address[0]).is_loopback:
            raise InvalidSetting(
                f"access.open lets everybody who reaches {settings.host} do everything",
                remedy="listen on 127.0.0.1, or leave access.open out",
                setting="access.open",
            )
        if not settings.token and not has_users and not ip_address(address[0]).is_loopback:
            raise InvalidSetting(
                f"{settings.host} can be reached by other machines, and there are no users and no token",
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


class _Config(Config):
    """Hypercorn's settings for a socket that listens. Owns: the socket, which Hypercorn closes."""

    def __init__(self, listener: socket.socket, settings: Settings) -> None:
        super().__init__()
        self._listener = listener
        self._dated = 0
        self._date: list[tuple[bytes, bytes]] = []
        self.backlog = _BACKLOG
        self.accesslog = None
        self.errorlog = _log
        self.include_server_header = False
        # Also how long a client may take for its headers.
        self.keep_alive_timeout = _KEEP_ALIVE_S
        self.keep_alive_max_requests = _KEEP_ALIVE_REQUESTS
        self.websocket_ping_interval = _PING_S
        self.websocket_max_message_size = _WEBSOCKET_BYTES
        # Longer than `serve` waits: Hypercorn would leave the sockets of connections open that it gives up.
        self.graceful_timeout = settings.drain_s + _KEEP_ALIVE_S

    def response_headers(self, protocol: str) -> list[tuple[bytes, bytes]]:
        """Hypercorn's own headers: the date, formatted once a second."""
        now = int(time())
        if now != self._dated:
            self._dated, self._date = now, super().response_headers(protocol)
        return self._date

    def create_sockets(self) -> Sockets:
        """The socket itself: one made from its number would not check the peer."""
        self._listener.setblocking(False)
        return Sockets([], [self._listener], [])


_NAME = "host.sock"
_LONGEST = 107
"""Bytes of a path that a Unix socket may have, from unix(7)."""

_OWNERS_BACKLOG = 128
_CREDENTIALS = struct.Struct("iII")  # struct ucred: process, user, group


class _Owners(socket.socket):
    """A listening socket that accepts connections of this process' own user only."""

    def accept(self) -> tuple[socket.socket, Any]:
        """The next connection of the owner; those of others are closed."""
        while True:
            connection, address = super().accept()
            user = peer_of(connection)
            if user == os.geteuid():
                return connection, address
            connection.close()
            _log.warning("the user with the id %d was turned away from %s", user, self.getsockname())


def peer_of(connection: socket.socket) -> int:
    """The id of the user who connected, as the system noted it then."""
    told = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    return int(_CREDENTIALS.unpack(told)[1])


@contextmanager
def owners_socket(data: Path, environ: Mapping[str, str]) -> Iterator[socket.socket | None]:
    """The Unix socket of a data folder, listening. None if another host has the folder, or there is no place for it.

    A file left by a killed host is replaced: the lock shows that nobody listens on it.
    """
    file = socket_file(data, environ)
    lock = None if file is None else _locked(file)
    if file is None or lock is None:
        yield None
        return
    listener = None
    try:
        listener = _listening(file)
        yield listener
    finally:
        if listener is not None:
            listener.close()
            file.unlink(missing_ok=True)
        os.close(lock)


def socket_file(data: Path, environ: Mapping[str, str]) -> Path | None:
    """The path of a data folder's socket: in it, or in a folder of the user's own if the path is too long."""
    file = data.absolute() / _NAME
    if len(os.fsencode(file)) <= _LONGEST:
        return file
    named = f"{hashlib.sha256(os.fsencode(data.resolve())).hexdigest()[:16]}.sock"
    runtime = environ.get("XDG_RUNTIME_DIR")
    folders = [Path(runtime) / "omnicore"] if runtime else []
    for folder in (*folders, Path(tempfile.gettempdir()) / f"omnicore-{os.geteuid()}"):
        if len(os.fsencode(folder / named)) <= _LONGEST and _is_own(folder):
            return folder / named
    return None


def _is_own(folder: Path) -> bool:
    """True if a folder, created if absent, belongs to this user and is closed to all others."""
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        about = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(about.st_mode) and about.st_uid == os.geteuid() and not about.st_mode & 0o077


def _locked(file: Path) -> int | None:
    """The lock of a socket file, held until it is closed. None while another host holds it."""
    try:
        handle = os.open(
            file.with_name(f".{file.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600
        )
    except OSError as error:
        _log.warning("there is no socket for commands at %s: %s", file, error.strerror or error)
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        _log.warning("another host has the socket %s; commands of this folder go to that one", file)
        return None
    return handle


def _listening(file: Path) -> socket.socket | None:
    listener = _Owners(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        if stat.S_ISSOCK(_mode(file)):
            file.unlink()
        os.fchmod(listener.fileno(), 0o600)  # before the file is there, so that it never has other rights
        listener.bind(str(file))
        listener.listen(_OWNERS_BACKLOG)
    except OSError as error:
        listener.close()
        taken = "something else is there" if error.errno == errno.EADDRINUSE else error.strerror or str(error)
        _log.warning("there is no socket for commands at %s: %s", file, taken)
        return None
    return listener


def _mode(file: Path) -> int:
    try:
        return file.lstat().st_mode
    except OSError:
        return 0
