"""What commands change leaves a row of the record: who is at the terminal, on which machine, what they asked for."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from omnicore.access.audit import AuditTrail, Entered
from omnicore.access.audit_values import HIDDEN
from omnicore.api.audit_policy import PLUGIN_MEMBERS, hides_setting
from omnicore.cli.session import who
from omnicore.clock import SystemClock
from omnicore.config.settings import Settings
from omnicore.errors import CallerError, NotFound, OmniError, StorageFailed
from omnicore.plugins.host import PluginHost
from omnicore.storage.opening import FILE, open_store
from omnicore.wiring.audit import audit_trail

__all__ = [
    "CHANGES",
    "Change",
    "at_terminal",
    "command_name",
    "enter",
    "plugin_look",
    "recorded",
    "recorded_in",
    "restored",
]

_ROOT = "omnicore "


@dataclass(frozen=True, slots=True)
class Change:
    """What a command changes: a noun, the parameter that names it, and what the row does not keep of the others.

    With `when` it changes something only where that parameter is given, and else only shows.
    """

    noun: str
    parameter: str = ""
    without: tuple[str, ...] = ()
    when: str = ""


CHANGES: Mapping[str, Change] = {
    "plugins install": Change("plugin", "file"),
    "plugins enable": Change("plugin", "name"),
    "plugins disable": Change("plugin", "name"),
    "plugins remove": Change("plugin", "name"),
    "plugins grant": Change("plugin", "name"),
    "plugins revoke": Change("plugin", "name"),
    "plugins rollback": Change("plugin", "name"),
    "plugins upgrade": Change("plugin", "name", when="decision"),
    "plugins config": Change("plugin", "name", ("value",), when="action"),
    "tasks submit": Change("task", "function"),
    "tasks cancel": Change("task", "task"),
    "tasks retry": Change("task", "task"),
    "tasks schedules add": Change("schedule", "name"),
    "tasks schedules rm": Change("schedule", "name"),
    "tasks schedules on": Change("schedule", "name"),
    "tasks schedules off": Change("schedule", "name"),
    "workflows apply": Change("workflow", "workflows"),
    "workflows import": Change("workflow", "workflows"),
    "workflows enable": Change("workflow", "workflow"),
    "workflows disable": Change("workflow", "workflow"),
    "workflows rm": Change("workflow", "workflow"),
    # What runs were given goes with them, and the record cannot.
    "workflows run": Change("workflow", "name", ("given",)),
    "workflows retry": Change("run", "run_id"),
    "workflows fork": Change("run", "run_id", ("given",)),
    "workflows cancel": Change("run"),
    "workflows suspend": Change("run", "run"),
    "workflows resume": Change("run", "run_id"),
    "workflows emit": Change("event", "kind", ("given",)),
    "workflows approve": Change("run", "run", ("form",)),
    "workflows reject": Change("run", "run", ("form",)),
    "vectors rm": Change("collection", "collection"),
    "vectors rebuild": Change("collection", "collection"),
    "intelligences create": Change("intelligence", "name"),
    "intelligences rm": Change("intelligence", "intelligence"),
    # What is remembered can be erased, and the record cannot.
    "memory store": Change("memory", "", ("text", "metadata", "source")),
    "memory forget": Change("memory", "memory_id"),
    "memory approve": Change("memory", "memory_id"),
    "memory import": Change("memory", "file"),
    "memory consolidate": Change("memory"),
    "connectors add": Change("connector", "name"),
    "connectors rm": Change("connector", "name"),
    "connectors hooks add": Change("webhook", "name", ("reference",)),
    "connectors hooks rm": Change("webhook", "name"),
    "config set": Change("setting", "name"),
    "config unset": Change("setting", "name"),
    "secrets set": Change("secret", "name"),
    "secrets rm": Change("secret", "name"),
    "secrets rotate": Change("secret"),
    "users add": Change("user", "name"),
    "users set": Change("user", "name"),
    "users password": Change("user", "name"),
    "users disable": Change("user", "name"),
    "users remove": Change("user", "name"),
    "tokens add": Change("token", "name"),
    "tokens revoke": Change("token", "token"),
}
"""The commands that change what a host keeps, by their words."""


def command_name() -> str:
    """The words of the command that runs, such as `plugins enable`; empty outside of one."""
    context = click.get_current_context(silent=True)
    return context.command_path.removeprefix(_ROOT) if context is not None else ""


def enter(**parameters: Any) -> None:
    """Has the row of the command know what shows only when files were read. Call it before `recorded`."""
    click.get_current_context().params.update(parameters)


def at_terminal() -> dict[str, str]:
    """Who runs the command, and where."""
    return {"actor": who().removeprefix("cli:"), "via": "cli", "origin": platform.node()}


@contextmanager
def recorded(trail: AuditTrail, look: Callable[[str, str], Any] = lambda _noun, _name: None) -> Iterator[None]:
    """The block of a command; where it changes something, its row is there when the block is over.

    Args:
        look: shows a thing of a noun and a name, for `before` and `after`; None where it cannot.

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
        before=look(change.noun, named),
    )
    try:
        with trail.making(entered):
            yield
    except BaseException as error:
        _failed(trail, entered, error)
        raise
    after = look(change.noun, named)
    trail.finish(entered, "done", after if after is not None else _kept(change, named, given) or None)


def plugin_look(plugins: PluginHost) -> Callable[[str, str], Any]:
    """Shows plugins; nothing else is looked at."""

    def look(noun: str, name: str) -> Any:
        if noun != "plugin":
            return None
        try:
            shown = plugins.get(name).to_json()
        except NotFound:
            return None
        return {key: value for key, value in shown.items() if key in PLUGIN_MEMBERS}

    return look


@contextmanager
def recorded_in(settings: Settings) -> Iterator[None]:
    """The same for a command without a host, where there is a database: what is changed before it has no record."""
    if settings.storage.url is None and not (settings.data / FILE).exists():
        yield
        return
    with (
        closing(open_store(settings.storage, settings.data, check=False)) as store,
        recorded(audit_trail(settings, store, clock=SystemClock())),
    ):
        yield


def restored(settings: Settings, file: Path) -> None:
    """Tells the record that its database was put in the place of another one, and signs its end off anew."""
    clock = SystemClock()
    with closing(open_store(settings.storage, settings.data, check=False)) as store:
        trail = audit_trail(settings, store, clock=clock)
        trail.accept(**at_terminal(), action=command_name() or "db restore", target=f"backup:{file.name}")


def _given() -> dict[str, Any]:
    context = click.get_current_context(silent=True)
    return {key: value for key, value in context.params.items() if value not in (None, (), False)} if context else {}


def _kept(change: Change, named: Any, given: Mapping[str, Any]) -> dict[str, Any]:
    left_out = {*change.without, change.parameter}
    hidden = {"value"} if change.noun == "setting" and hides_setting(str(named)) else set()
    return {key: HIDDEN if key in hidden else _named(value) for key, value in given.items() if key not in left_out}


def _failed(trail: AuditTrail, entered: Entered, error: BaseException) -> None:
    """What a person got wrong changed nothing; all else may have."""
    with suppress(StorageFailed):  # the intent stays, and becomes a row later
        if isinstance(error, (CallerError, click.ClickException, click.exceptions.Exit, click.Abort)):
            trail.drop(entered)
        else:
            after = {"error": error.code if isinstance(error, OmniError) else type(error).__name__}
            trail.finish(entered, "failed" if isinstance(error, Exception) else "unknown", after)


def _named(value: Any) -> Any:
    return value.stem if isinstance(value, Path) else value
