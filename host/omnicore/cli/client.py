"""The client of commands: requests to the host that runs on the data folder, or to one that is opened for them.

Both answer the same operations, so a command is written once. The running host is asked over its Unix socket, which
must belong to this user; with it a command imports next to nothing of the host.
"""

from __future__ import annotations

import getpass
import json
import os
import socket
import struct
from contextlib import closing, contextmanager, suppress
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol
from urllib.parse import quote, urlencode, urlsplit

import click

from omnicore import errors
from omnicore.adapters.settings import host_settings
from omnicore.cli.output import printable
from omnicore.errors import HostError, InvalidInput, NotFound, OmniError, PermissionDenied, Unavailable
from omnicore.optional import optional

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from omnicore.cli.options import Shell
    from omnicore.cli.output import Output
    from omnicore.config.loader import Loaded
    from omnicore.config.settings import Settings


_NOTE = "server.json"
_CONNECT_S = 10.0
_LARGEST = 1 << 30
_LARGEST_JOIN = 64 * 1024
_CREDENTIALS = struct.Struct("iII")  # struct ucred: process, user, group
_ROOT = "omnicore "
_PAGE = 500


def loaded(shell: Shell, *, console: bool = True) -> Loaded:
    """The settings that options, variables, the console, the file and the environment give; notes on them, once.

    Raises: InvalidSetting.

    Args:
        console: include what the console has set.
    """
    found = host_settings(shell.file, os.environ, shell.overrides, console=console)
    if not shell.told:
        shell.told = True
        for note in found.notes:
            click.echo(printable(f"note: {note}"), err=True)
    return found


def checked_folder(settings: Settings) -> Settings:
    """The settings, if their plugin folder exists. Raises: NotFound."""
    if not settings.plugins.is_dir():
        raise NotFound(
            f"there is no plugin folder {settings.plugins}",
            remedy="make it, name another with --plugins, or begin with `omnicore new demo`",
        )
    return settings


def who() -> str:
    """The person at the terminal, as grants record it."""
    try:
        return f"cli:{getpass.getuser()}"
    except (OSError, KeyError):  # a user id without a name, as in containers
        return f"cli:{os.getuid()}"


def command_name() -> str:
    """The words of the running command, such as `plugins enable`; empty outside of one."""
    context = click.get_current_context(silent=True)
    return context.command_path.removeprefix(_ROOT) if context is not None else ""


class Answer(NamedTuple):
    """The answer to a request."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Transport(Protocol):
    """Sends one request to a host: over its socket, or to an application in this process."""

    def __call__(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """The answer. Raises: Unavailable: the host does not answer."""

    def carry(self, run: str) -> None:
        """Executes a run where that is this process's work."""


class Client:
    """Requests to one host.

    Each names the command, so that the record of changes says who changed what with which command.
    """

    def __init__(self, send: Transport, *, remote: bool) -> None:
        self._send, self.remote = send, remote

    def carry(self, run: str) -> None:
        """Executes a run in this process if no host runs; a running host executes it anyway. Raises: NotFound."""
        self._send.carry(run)

    def get(self, *path: object, **query: Any) -> Any:
        """The document that an operation shows. Raises: OmniError: what the host answered."""
        return self.ask("GET", *path, **query)

    def pages(self, *path: object, most: int | None = None, **query: Any) -> Iterator[Any]:
        """The items of a list, page by page."""
        cursor, left = None, most
        while True:
            limit = _PAGE if left is None else min(_PAGE, left)
            page = self.get(*path, **query, limit=limit, cursor=cursor)
            yield from page["items"]
            cursor = page["next"]
            left = None if left is None else left - len(page["items"])
            if cursor is None or left == 0:
                return

    def ask(self, method: str, *path: object, body: Any = None, **query: Any) -> Any:
        """The document of an answer, None where it has none.

        Args:
            path: the parts of the path behind `/api/v1`.
            body: sent as JSON.
            query: parameters; those that are None are left out.

        Raises: OmniError: what the host answered.
        """
        data = b"" if body is None else json.dumps(body).encode()
        media = {} if body is None else {"content-type": "application/json"}
        answer = self.send(method, *path, data=data, headers=media, **query)
        return json.loads(answer.body) if answer.body else None

    def send(
        self, method: str, *path: object, data: bytes = b"", headers: Mapping[str, str] | None = None, **query: Any
    ) -> Answer:
        """The answer with its headers and bytes. Raises: OmniError: what the host answered."""
        target = "/api/v1" + "".join(f"/{quote(str(part), safe='')}" for part in path)
        given = {name: value for name, value in query.items() if value is not None}
        if given:
            target += f"?{urlencode(given, doseq=True)}"
        named = {"omnicore-command": command_name() or "-", **(headers or {})}
        answer = self._send(method, target, named, data)
        if answer.status >= 400:
            raise _error(answer)
        return answer


@contextmanager
def connected(shell: Shell, output: Output, *, folder: bool = True) -> Iterator[Client]:
    """A client of the host that runs on the data folder, or of one that is opened until the block ends.

    Args:
        folder: a plugin folder is needed. Without, a host that is opened here reads none.

    Raises: InvalidSetting; NotFound: no host runs, and there is no plugin folder.
    """
    found = loaded(shell)
    client = _running(found.settings)
    if client is not None:
        yield client
        return
    local = optional("omnicore.cli.local")
    with local.asked(shell, output, folder=folder) as application:
        yield Client(application, remote=False)


def running_client(settings: Settings) -> Client:
    """A client of the host that runs on the data folder. Raises: Unavailable."""
    client = _running(settings)
    if client is None:
        raise Unavailable(
            f"no server runs on {settings.data}",
            remedy="start one with `omnicore run`, or see the logs of one call with `omnicore call --logs`",
        )
    return client


@contextmanager
def noted_server(settings: Settings, url: str, file: str) -> Iterator[None]:
    """Leaves a note with the host's address and Unix socket in the data folder, for commands of the same person."""
    note = settings.data / _NOTE
    about = {"url": url, "pid": os.getpid(), "socket": file, "plugins": str(settings.plugins.resolve())}
    with suppress(OSError):  # without it commands work alone
        note.unlink(missing_ok=True)
        with open(os.open(note, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
            json.dump(about, stream)
    try:
        yield
    finally:
        with suppress(OSError):
            note.unlink(missing_ok=True)


def _running(settings: Settings) -> Client | None:
    """A client of the host that runs on these folders. Raises: PermissionDenied: the socket is somebody else's."""
    try:
        note = json.loads((settings.data / _NOTE).read_text("utf-8"))
        file, plugins = str(note["socket"]), note.get("plugins")
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    if plugins is not None and Path(plugins) != settings.plugins.resolve():
        return None
    try:
        _connect(file).close()
    except OSError:  # a note that a killed host left
        return None
    named = settings.allowed_hosts[0] if settings.allowed_hosts else settings.host
    return Client(_Socket(settings, file, named), remote=True)


def _connect(file: str) -> socket.socket:
    """A connection to a Unix socket on which this user listens. Raises: OSError; PermissionDenied: another user does.

    Source: unix(7), `SO_PEERCRED`.
    """
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.settimeout(_CONNECT_S)
        connection.connect(file)
        seen = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        if _CREDENTIALS.unpack(seen)[1] != os.geteuid():
            raise PermissionDenied(f"the socket {file} belongs to another user", remedy="remove it, and start the host")
    except BaseException:
        connection.close()
        raise
    connection.settimeout(None)  # the host bounds what it does
    return connection


def posted(url: str, body: Any) -> Any:
    """The document that a host elsewhere answers to a JSON body. Raises: Unavailable; OmniError: what it answered."""
    parts = urlsplit(url)
    kinds = {"http": HTTPConnection, "https": HTTPSConnection}
    if parts.scheme not in kinds or not parts.hostname:
        raise InvalidInput(f"{url[:200]!r} is no URL of a host", remedy="write it as http://HOST:8080")
    connection = kinds[parts.scheme](parts.hostname, parts.port, timeout=_CONNECT_S)
    with closing(connection):
        try:
            connection.request("POST", parts.path, json.dumps(body), {"content-type": "application/json"})
            answer = connection.getresponse()
            found = Answer(answer.status, {}, answer.read(_LARGEST_JOIN))
        except (OSError, HTTPException) as cause:
            raise Unavailable(f"{parts.netloc} does not answer", remedy="check the URL") from cause
    if found.status != 200:
        raise _error(found)
    return json.loads(found.body)


class _Connection(HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, file: str) -> None:
        super().__init__("localhost")
        self._file = file

    def connect(self) -> None:
        """Connects. Raises: OSError, PermissionDenied."""
        self.sock = _connect(self._file)


class _Socket:
    """Requests to the host behind a Unix socket."""

    def __init__(self, settings: Settings, file: str, named: str) -> None:
        self._data, self._file, self._named = settings.data, file, named

    def __call__(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Answer:
        with closing(_Connection(self._file)) as connection:
            try:
                connection.request(method, target, body or None, {"host": self._named, **headers})
                answer = connection.getresponse()
                return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read(_LARGEST))
            except (OSError, HTTPException) as cause:
                raise Unavailable(
                    f"the server on {self._data} does not answer", remedy="start it again with `omnicore run`"
                ) from cause

    def carry(self, run: str) -> None:
        """Nothing: the running host executes its runs."""


_COMMON = frozenset({"type", "title", "status", "code", "detail", "remedy", "instance"})


def _error(answer: Answer) -> OmniError:
    """The error that a problem document stands for."""
    try:
        problem = json.loads(answer.body)
        code, fact, remedy = str(problem["code"]), str(problem["detail"]), str(problem.get("remedy", ""))
    except (ValueError, KeyError, TypeError):
        return HostError(f"the server answered {answer.status}", remedy="see what it printed")
    kind = _KINDS.get(code, HostError)
    return kind(fact, remedy=remedy, **{name: value for name, value in problem.items() if name not in _COMMON})


_KINDS: Mapping[str, Callable[..., OmniError]] = {
    kind.code: kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, OmniError)
}
