"""`omnicore tasks`: order, look at, cancel and repeat background work."""

from __future__ import annotations

from typing import Any

import click

from omnicore.assembly import BlockingHost
from omnicore.cli.commands.schedules import schedules
from omnicore.cli.hosting import opened
from omnicore.cli.inputs import Duration, task_input
from omnicore.cli.options import Shell, common, host_folders, pass_shell
from omnicore.cli.output import Output
from omnicore.cli.task_text import TASK_HEADS, task_details, task_rows
from omnicore.errors import Unavailable
from omnicore.runtime.desk import TaskDesk
from omnicore.runtime.task import STATES, TaskOrder

_LIMIT = click.option("-n", "--limit", type=click.IntRange(1, 500), default=50, show_default=True)
_CURSOR = click.option("--cursor", help="Go on where the page before ended.")


@click.group()
@common
def tasks() -> None:
    """Order, look at, cancel and repeat tasks: calls that run later, on whichever host is there.

    A server on the same data runs them (`omnicore run`).
    """


tasks.add_command(schedules)


@tasks.command()
@click.option("--state", type=click.Choice(STATES), help="Only tasks in this state.")
@click.option("--owner", help="Only those of a plugin, @host or @schedules.")
@_LIMIT
@_CURSOR
@host_folders
@pass_shell
def ls(shell: Shell, state: str | None, owner: str | None, limit: int, cursor: str | None) -> None:
    """List tasks, newest first."""
    _list(shell, state=state, owner=owner, limit=limit, cursor=cursor)


@tasks.command()
@_LIMIT
@_CURSOR
@host_folders
@pass_shell
def dead(shell: Shell, limit: int, cursor: str | None) -> None:
    """List dead letters: tasks that failed for good. `omnicore tasks retry ID` begins one again."""
    _list(shell, state="failed", owner=None, limit=limit, cursor=cursor)


def _list(shell: Shell, **wanted: Any) -> None:
    output = Output(shell)
    with opened(shell, output) as host:
        views, following = desk_of(host).list(**wanted)
    if output.is_json:
        output.document({"items": [view.to_json() for view in views], "next": following})
        return
    output.rows(TASK_HEADS, task_rows(views))
    if following is not None:
        output.say(f"There are more: add --cursor {following}")


@tasks.command()
@click.argument("task")
@host_folders
@pass_shell
def show(shell: Shell, task: str) -> None:
    """Show one task."""
    output = Output(shell)
    with opened(shell, output) as host:
        view = desk_of(host).get(task)
    if output.is_json:
        output.document(view.to_json())
    else:
        output.rows(("field", "value"), task_details(view))


@tasks.command()
@click.argument("function", metavar="PLUGIN.FUNCTION")
@click.argument("given", metavar="[INPUT]", required=False)
@click.option("--queue", default="default", show_default=True)
@click.option("--delay", type=Duration(), help="Begin after this time, such as 10m.")
@click.option("--priority", type=click.IntRange(0, 9), default=5, show_default=True, help="Higher ones first.")
@click.option("--attempts", type=click.IntRange(1, 20), default=3, show_default=True)
@click.option("--timeout", type=Duration(), help="Longest time for each attempt.")
@click.option("--expires", type=Duration(), help="Give up after this time.")
@click.option("--key", help="Order it only once: a second task with this key is the first one.")
@host_folders
@pass_shell
def submit(shell: Shell, /, function: str, given: str | None, **wishes: Any) -> None:
    """Order a task. INPUT is JSON, or else text; `-` reads standard input, `@FILE` a file."""
    output = Output(shell)
    order = TaskOrder(
        function=function,
        input=task_input(given),
        queue=wishes["queue"],
        delay_s=wishes["delay"] or 0.0,
        priority=wishes["priority"],
        attempts=wishes["attempts"],
        timeout_s=wishes["timeout"],
        key=wishes["key"],
        expires_s=wishes["expires"],
    )
    with opened(shell, output) as host:
        desk = desk_of(host)
        task = desk.submit(order)
        view = desk.get(task)
    output.done(task, view.to_json())


@tasks.command()
@click.argument("task")
@host_folders
@pass_shell
def cancel(shell: Shell, task: str) -> None:
    """Cancel a task that waits or runs."""
    output = Output(shell)
    with opened(shell, output) as host:
        desk = desk_of(host)
        cancelled = desk.cancel(task)
        state = desk.get(task).state
    words = f"Cancelled {task}" if cancelled else f"{task} was {state} already"
    output.done(words, {"id": task, "cancelled": cancelled, "state": state})


@tasks.command()
@click.argument("task")
@host_folders
@pass_shell
def retry(shell: Shell, task: str) -> None:
    """Let a failed or cancelled task begin again, with all its attempts."""
    output = Output(shell)
    with opened(shell, output) as host:
        view = desk_of(host).retry(task)
    output.done(f"{task} is {view.state}", view.to_json())


@tasks.command()
@host_folders
@pass_shell
def queues(shell: Shell) -> None:
    """Show queues: limits, and what waits and runs in them."""
    output = Output(shell)
    with opened(shell, output) as host:
        found = desk_of(host).queues()
    if output.is_json:
        output.document(found)
        return
    heads = ("queue", "limit", "waiting", "running")
    output.rows(heads, [tuple("-" if one[head] is None else str(one[head]) for head in heads) for one in found])


def desk_of(host: BlockingHost) -> TaskDesk:
    """The host's desk. Raises: Unavailable: it stores no tasks."""
    if host.tasks.desk is None:
        raise Unavailable("this host stores no tasks", remedy="give it a data folder")
    return host.tasks.desk
