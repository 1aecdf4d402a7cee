"""A host of the command's own, where none runs: opened on the same folders, asked like the one that runs.

Also the database and the record of changes for commands that need no host.
"""

from __future__ import annotations

import asyncio
import logging
import platform
import sys
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import unquote

import click

from omnicore.access.audit import HIDDEN, AuditTrail, Entered
from omnicore.api.audit_record import hides_setting
from omnicore.api.principals import of_owner
from omnicore.assembly import Host
from omnicore.audit import audit_trail
from omnicore.cli.client import Answer, checked_folder, command_name, loaded, who
from omnicore.cli.output import Output, printable
from omnicore.clock import SystemClock
from omnicore.errors import CallerError, NotFound, OmniError, StorageFailed
from omnicore.portal import BlockingHost
from omnicore.storage.database import DATABASE, open_store
from omnicore.telemetry.logs import JsonLines

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from omnicore.cli.options import Shell
    from omnicore.config.settings import Settings
    from omnicore.parts import Part
    from omnicore.storage.store import Store


_LEVELS = {"trace": 5, "debug": 10, "info": 20, "warn": 30, "error": 40}


class Asgi:
    """Requests to the application of a host in this process, as its owner makes them."""

    def __init__(self, host: Host, opened: BlockingHost) -> None:
        self._name, self._app, self._opened = host.settings.host, of_owner(host.asgi(whole=False)), opened

    def __call__(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Answer:
        path, _, query = target.partition("?")
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "scheme": "http",
            "method": method,
            "path": unquote(path),
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [
                (b"host", self._name.encode()),
                (b"content-length", b"%d" % len(body)),
                *((name.encode(), value.encode()) for name, value in headers.items()),
            ],
            "client": None,
            "server": None,
        }
        return self._opened.wait(partial(self._asked, scope, body))

    def carry(self, run: str) -> None:
        """Executes a run here, for no other process may be there to do it. Raises: NotFound."""
        self._opened.workflows.carry(run)

    async def _asked(self, scope: dict[str, Any], body: bytes) -> Answer:
        incoming: list[dict[str, Any]] = [{"type": "http.request", "body": body, "more_body": False}]
        begun: dict[str, Any] = {}
        parts: list[bytes] = []

        async def receive() -> dict[str, Any]:
            if incoming:
                return incoming.pop()
            await asyncio.Event().wait()  # nobody hangs up
            raise AssertionError

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                begun.update(message)
            else:
                parts.append(message.get("body", b""))

        await self._app(scope, receive, send)
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in begun["headers"]}
        return Answer(begun["status"], headers, b"".join(parts))


def log_to_stderr(level: str, form: Literal["text", "json", "auto"] = "text") -> None:
    """Sends what the host and the plugins log to standard error, from `level` on."""
    handler = logging.StreamHandler(sys.stderr)
    text = _Harmless("%(asctime)s %(levelname)-7s %(name)s  %(message)s", "%H:%M:%S")
    as_json = form == "json" or (form == "auto" and not sys.stderr.isatty())
    handler.setFormatter(JsonLines() if as_json else text)
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.getLogger("omnicore").setLevel(_LEVELS[level])


class _Harmless(logging.Formatter):
    """Log lines that cannot steer a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        return printable(super().format(record))


@contextmanager
def stored(settings: Settings) -> Iterator[Store]:
    """The database, if there is one: looking makes none."""
    if settings.storage.url is None and not (settings.data / DATABASE).exists():
        raise NotFound(
            f"there is no database in {settings.data}",
            remedy="name the data folder with --data; `omnicore run` makes a database",
        )
    with closing(open_store(settings.storage, settings.data, check=False)) as store:
        yield store


@dataclass(frozen=True, slots=True)
class Change:
    """A change that a command makes: a noun, the parameter that names it, and the parameters that the row omits.

    With `when` it changes something only where that parameter is given, and else only shows.
    """

    noun: str
    parameter: str = ""
    without: tuple[str, ...] = ()
    when: str = ""


CHANGES: Mapping[str, Change] = {
    "config set": Change("setting", "name"),
    "config unset": Change("setting", "name"),
    "secrets set": Change("secret", "name"),
    "secrets rm": Change("secret", "name"),
    "secrets rotate": Change("secret"),
    "auth": Change("owner", when="rotate"),
    "keys trust": Change("key", "name"),
    "keys revoke": Change("key", "key"),
    "keys unpin": Change("plugin", "plugin"),
}
"""Commands that change what a host keeps without a host, by their words. Of all others the host records the change."""


def at_terminal() -> dict[str, str]:
    """The person who runs the command, and the terminal."""
    return {"actor": who().removeprefix("cli:"), "via": "cli", "origin": platform.node()}


@contextmanager
def recorded(trail: AuditTrail) -> Iterator[None]:
    """The block of a command; where it changes something, its row is there when the block is over.

    Raises: StorageFailed: nothing can be recorded, so nothing may be changed.
    """
    name = command_name()
    change, given = CHANGES.get(name), _given()
    if change is None or (change.when and change.when not in given):
        yield
        return
    named = _named(given.get(change.parameter, ""))
    entered = trail.begin(
        **at_terminal(),
        action=name,
        target=f"{change.noun}:{named}" if named else change.noun,
    )
    try:
        with trail.making(entered):
            yield
    except BaseException as error:
        _failed(trail, entered, error)
        raise
    trail.finish(entered, "done", _kept(change, named, given) or None)


@contextmanager
def made(settings: Settings) -> Iterator[Store]:
    """The database, made where there is none."""
    with closing(open_store(settings.storage, settings.data, check=False)) as store:
        yield store


@contextmanager
def changed(settings: Settings) -> Iterator[Store]:
    """The same, for a change without a host. Its row of the record is there when the block is over."""
    with made(settings) as store, recorded(audit_trail(settings, store, clock=SystemClock())):
        yield store


@contextmanager
def recorded_in(settings: Settings) -> Iterator[Store | None]:
    """The same for a command without a host, where there is a database: what is changed before it has no record."""
    if settings.storage.url is None and not (settings.data / DATABASE).exists():
        yield None
        return
    with changed(settings) as store:
        yield store


def restored(settings: Settings, source: Path, *, action: str = "db restore", noun: str = "backup") -> None:
    """Tells the record that its database was put in the place of another one, and signs its end off anew."""
    clock = SystemClock()
    with closing(open_store(settings.storage, settings.data, check=False)) as store:
        trail = audit_trail(settings, store, clock=clock)
        trail.accept(**at_terminal(), action=action, target=f"{noun}:{source.name}")


def _given() -> dict[str, Any]:
    context = click.get_current_context(silent=True)
    return {key: value for key, value in context.params.items() if value not in (None, (), False)} if context else {}


def _kept(change: Change, named: Any, given: Mapping[str, Any]) -> dict[str, Any]:
    left_out = {*change.without, change.parameter}
    hidden = {"value"} if change.noun == "setting" and hides_setting(str(named)) else set()
    return {key: HIDDEN if key in hidden else _named(value) for key, value in given.items() if key not in left_out}


def _failed(trail: AuditTrail, entered: Entered, error: BaseException) -> None:
    """The outcome of a failed command. Errors of the caller changed nothing; others may have."""
    with suppress(StorageFailed):  # the intent stays, and becomes a row later
        if isinstance(error, (CallerError, click.ClickException, click.exceptions.Exit, click.Abort)):
            trail.drop(entered)
        else:
            after = {"error": error.code if isinstance(error, OmniError) else type(error).__name__}
            trail.finish(entered, "failed" if isinstance(error, Exception) else "unknown", after)


def _named(value: Any) -> Any:
    return value.stem if isinstance(value, Path) else value


@contextmanager
def opened(shell: Shell, output: Output) -> Iterator[BlockingHost]:
    """A host in this process, without a watcher, for what no operation does. Nothing may be changed in it.

    Raises: InvalidSetting; NotFound: there is no plugin folder.
    """
    with _entered(shell, output) as (_, host):
        yield host


@contextmanager
def asked(shell: Shell, output: Output, *, folder: bool = True) -> Iterator[Asgi]:
    """The application of such a host, which records changes itself.

    Args:
        folder: a plugin folder is needed and read.

    Raises: as `opened`.
    """
    with _entered(shell, output, folder=folder) as (host, entered):
        yield Asgi(host, entered)


class _WithoutPlugins(Host):
    """A host for users, tokens and the record of changes, which exist without a plugin folder: it reads none."""

    def _assemble(self) -> tuple[Part, ...]:
        return tuple(part for part in super()._assemble() if part is not self.plugins)


@contextmanager
def _entered(shell: Shell, output: Output, *, folder: bool = True) -> Iterator[tuple[Host, BlockingHost]]:
    found = loaded(shell)
    if folder:
        checked_folder(found.settings)
    log_to_stderr("warn")
    logging.getLogger("omnicore.extensions").setLevel(logging.CRITICAL)  # `plugins ls` says why one is not used
    with output.waiting("Reading the plugins"):
        host = (Host if folder else _WithoutPlugins)(settings=found, watch=False, work=False)
        entered = host.__enter__()
    try:
        yield host, entered
    finally:
        if not folder:
            entered.host.plugins.close()  # it was not started, so nothing stops it
        host.__exit__(None, None, None)
