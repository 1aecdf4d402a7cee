"""`omnicore tasks schedules`: functions that are called again and again."""

from __future__ import annotations

from typing import Any

import click

from omnicore.assembly import BlockingHost
from omnicore.cli.hosting import opened
from omnicore.cli.inputs import Duration, task_input
from omnicore.cli.options import Shell, common, host_folders, pass_shell
from omnicore.cli.output import Output
from omnicore.cli.task_text import SCHEDULE_HEADS, schedule_rows
from omnicore.errors import Unavailable
from omnicore.runtime.schedule import ScheduleDesk, ScheduleOrder


@click.group()
@common
def schedules() -> None:
    """Call functions at set times: by cron, at intervals, or once."""


@schedules.command()
@click.option("-n", "--limit", type=click.IntRange(1, 500), default=100, show_default=True)
@click.option("--cursor", help="Go on where the page before ended.")
@host_folders
@pass_shell
def ls(shell: Shell, limit: int, cursor: str | None) -> None:
    """List schedules, by name."""
    output = Output(shell)
    with opened(shell, output) as host:
        views, following = _desk(host).list(limit, cursor)
    if output.is_json:
        output.document({"items": [view.to_json() for view in views], "next": following})
        return
    output.rows(SCHEDULE_HEADS, schedule_rows(views))
    if following is not None:
        output.say(f"There are more: add --cursor {following}")


@schedules.command()
@click.argument("name")
@click.argument("function", metavar="PLUGIN.FUNCTION")
@click.argument("given", metavar="[INPUT]", required=False)
@click.option("--cron", help="Minute, hour, day, month and weekday, such as '30 8 * * MON-FRI'.")
@click.option("--every", type=Duration(), help="An interval, such as 15m; at least 1s.")
@click.option("--at", help="A date, such as 2030-01-31T08:00.")
@click.option("--timezone", default="UTC", show_default=True, help="Such as Europe/Berlin.")
@click.option("--missed", type=click.Choice(["skip", "one", "all"]), default="one", show_default=True)
@click.option("--queue", default="default", show_default=True)
@click.option("--priority", type=click.IntRange(0, 9), default=5, show_default=True)
@click.option("--attempts", type=click.IntRange(1, 20), default=3, show_default=True)
@click.option("--timeout", type=Duration(), help="Longest time for each attempt.")
@host_folders
@pass_shell
def add(shell: Shell, /, name: str, function: str, given: str | None, **wishes: Any) -> None:
    """Call PLUGIN.FUNCTION with INPUT at set times: give one of --cron, --every and --at.

    --missed says what becomes of runs while no host was there: skip them, run the last one, or all of them.
    """
    output = Output(shell)
    kind, spec = _kind(wishes)
    order = ScheduleOrder(
        name=name,
        function=function,
        kind=kind,
        spec=spec,
        input=task_input(given),
        timeout_s=wishes["timeout"],
        **{wish: wishes[wish] for wish in ("timezone", "missed", "queue", "priority", "attempts")},
    )
    with opened(shell, output) as host:
        view = _desk(host).add(order)
    output.done(f"Added {name}", view.to_json())


@schedules.command()
@click.argument("name")
@host_folders
@pass_shell
def rm(shell: Shell, name: str) -> None:
    """Remove a schedule; tasks it has ordered stay."""
    output = Output(shell)
    with opened(shell, output) as host:
        _desk(host).remove(name)
    output.done(f"Removed {name}", {"removed": name})


@schedules.command()
@click.argument("name")
@host_folders
@pass_shell
def on(shell: Shell, name: str) -> None:
    """Switch a schedule on, from its next time."""
    _switch(shell, name, on=True)


@schedules.command()
@click.argument("name")
@host_folders
@pass_shell
def off(shell: Shell, name: str) -> None:
    """Switch a schedule off."""
    _switch(shell, name, on=False)


def _switch(shell: Shell, name: str, *, on: bool) -> None:
    output = Output(shell)
    with opened(shell, output) as host:
        view = _desk(host).switch(name, on=on)
    output.done(f"{name} is {'on' if on else 'off'}", view.to_json())


def _kind(wishes: dict[str, Any]) -> tuple[str, str]:
    given = {kind: wishes[option] for kind, option in (("cron", "cron"), ("interval", "every"), ("once", "at"))}
    named = [(kind, str(value)) for kind, value in given.items() if value is not None]
    if len(named) != 1:
        raise click.UsageError("Give one of --cron, --every and --at")
    return named[0]


def _desk(host: BlockingHost) -> ScheduleDesk:
    if host.tasks.schedules is None:
        raise Unavailable("this host keeps no schedules", remedy="give it a data folder")
    return host.tasks.schedules
