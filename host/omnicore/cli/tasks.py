"""`omnicore tasks` and `omnicore tasks schedules`: background work, and functions that are called at set times."""

from __future__ import annotations

import json
from typing import Any

import click

from omnicore.cli.client import connected
from omnicore.cli.nouns import Document, Noun, listing, removal, showing, switches
from omnicore.cli.options import Duration, Group, Shell, common, host_folders, pass_shell, task_input
from omnicore.cli.output import Output, date, printable, styled

_COLOURS = {"done": "green", "running": "cyan", "failed": "red", "cancelled": "dim"}
_ABOUT = 80
_QUEUE = click.option("--queue", default="default", show_default=True, help="The queue.")
_PRIORITY = click.option(
    "--priority", type=click.IntRange(0, 9), default=5, show_default=True, help="Higher ones first."
)
_ATTEMPTS = click.option(
    "--attempts", type=click.IntRange(1, 20), default=3, show_default=True, help="Attempts before it fails for good."
)
_TIMEOUT = click.option("--timeout", type=Duration(), help="Longest time for each attempt.")


def _task_row(task: Document) -> tuple[str, ...]:
    """A task; the last cell is its output, or the reason of its last failure."""
    return (
        task["id"],
        task["function"],
        _coloured(task["state"]),
        f"{task['attempts']}/{task['most_attempts']}",
        task["queue"],
        task["label"] or "-",
        date(task["created_at"]),
        _about(task),
    )


def _schedule_row(schedule: Document) -> tuple[str, ...]:
    zone = "" if schedule["timezone"] == "UTC" else f" {schedule['timezone']}"
    return (
        schedule["name"],
        schedule["function"],
        f"{schedule['kind']} {schedule['spec']}{zone}",
        "on" if schedule["enabled"] else "off",
        date(schedule["next_at"]),
        date(schedule["last_at"]),
    )


def _about(view: dict[str, Any]) -> str:
    if view["state"] != "done":
        return (view["error"] or "")[:_ABOUT]
    return "" if view["output"] is None else json.dumps(view["output"], ensure_ascii=False)[:_ABOUT]


def _coloured(state: str) -> str:
    return styled(printable(state), style=_COLOURS.get(state, ""))


_TASK = Noun(
    path="tasks",
    heads=("task", "function", "state", "attempts", "queue", "label", "ordered", "about"),
    row=_task_row,
    extent="page",
    page=50,
)
_QUEUES = Noun(
    path="queues",
    heads=("queue", "limit", "waiting", "running"),
    row=lambda one: ["-" if one[head] is None else str(one[head]) for head in ("queue", "limit", "waiting", "running")],
)
_SCHEDULE = Noun(
    path="schedules",
    heads=("schedule", "function", "when", "state", "next", "last"),
    row=_schedule_row,
    extent="page",
    switch=lambda on: ("PUT", (), {"enabled": on}),
    state=lambda schedule: "on" if schedule["enabled"] else "off",
)


@click.group(cls=Group)
@common
def schedules() -> None:
    """Call functions at set times: by cron, at intervals, or once."""


schedules.add_command(listing(_SCHEDULE))
schedules.add_command(showing(_SCHEDULE))
schedules.add_command(removal(_SCHEDULE, words="Remove a schedule. Tasks that it has submitted stay."))
for _switch in switches(
    _SCHEDULE, enable="Switch a schedule on, from its next time.", disable="Switch a schedule off."
):
    schedules.add_command(_switch)


@schedules.command()
@click.argument("name")
@click.argument("function", metavar="PLUGIN.FUNCTION")
@click.argument("given", metavar="[INPUT]", required=False)
@click.option("--cron", help="Minute, hour, day, month and weekday, such as '30 8 * * MON-FRI'.")
@click.option("--every", type=Duration(), help="An interval, such as 15m; at least 1s.")
@click.option("--at", help="A date, such as 2030-01-31T08:00.")
@click.option("--timezone", default="UTC", show_default=True, help="Such as Europe/Berlin.")
@click.option(
    "--missed",
    type=click.Choice(["skip", "one", "all"]),
    default="one",
    show_default=True,
    help="Runs that were missed while no host ran: skip them, run the last one, or all.",
)
@_QUEUE
@_PRIORITY
@_ATTEMPTS
@_TIMEOUT
@host_folders
@pass_shell
def add(shell: Shell, /, name: str, function: str, given: str | None, **wishes: Any) -> None:
    """Call PLUGIN.FUNCTION with INPUT at set times: give one of --cron, --every and --at."""
    output = Output(shell)
    kind, spec = _kind(wishes)
    order = {
        "name": name,
        "function": function,
        "kind": kind,
        "spec": spec,
        "input": task_input(given),
        "timeout_s": wishes["timeout"],
        **{wish: wishes[wish] for wish in ("timezone", "missed", "queue", "priority", "attempts")},
    }
    with connected(shell, output) as client:
        view = client.ask("POST", "schedules", body=order)
    output.done(f"Added {name}", view)


def _kind(wishes: dict[str, Any]) -> tuple[str, str]:
    given = {kind: wishes[option] for kind, option in (("cron", "cron"), ("interval", "every"), ("once", "at"))}
    named = [(kind, str(value)) for kind, value in given.items() if value is not None]
    if len(named) != 1:
        raise click.UsageError("Give one of --cron, --every and --at")
    return named[0]


@click.group(cls=Group)
@common
def tasks() -> None:
    """Submit, list, cancel and retry tasks: calls that run later.

    A server on the same data runs them (`omnicore run`).
    """


tasks.add_command(schedules)
tasks.add_command(listing(_TASK))
tasks.add_command(
    listing(
        _TASK,
        "dead",
        words="List dead letters: tasks that failed for good. `omnicore tasks retry ID` begins one again.",
        keep={"state": "failed"},
    )
)
tasks.add_command(showing(_TASK))
tasks.add_command(listing(_QUEUES, "queues", words="List queues: their limits, and how many tasks wait and run."))


@tasks.command()
@click.argument("function", metavar="PLUGIN.FUNCTION")
@click.argument("given", metavar="[INPUT]", required=False)
@_QUEUE
@click.option("--delay", type=Duration(), help="Begin after this time, such as 10m.")
@_PRIORITY
@_ATTEMPTS
@_TIMEOUT
@click.option("--expires", type=Duration(), help="Give up after this time.")
@click.option("--key", help="Submit it only once: a second task with this key is the first one.")
@click.option("--label", help="Free text to find tasks by.")
@host_folders
@pass_shell
def submit(shell: Shell, /, function: str, given: str | None, **wishes: Any) -> None:
    """Submit a task. INPUT is JSON or text; `-` reads standard input, `@FILE` a file."""
    output = Output(shell)
    order = {
        "function": function,
        "input": task_input(given),
        "delay_s": wishes["delay"] or 0.0,
        "timeout_s": wishes["timeout"],
        "expires_s": wishes["expires"],
        **{wish: wishes[wish] for wish in ("queue", "priority", "attempts", "key", "label")},
    }
    with connected(shell, output) as client:
        view = client.ask("POST", "tasks", body=order)
    output.done(view["id"], view)


@tasks.command()
@click.argument("task")
@host_folders
@pass_shell
def cancel(shell: Shell, task: str) -> None:
    """Cancel a task that waits or runs."""
    output = Output(shell)
    with connected(shell, output) as client:
        cancelled = client.ask("POST", "tasks", task, "cancel")["cancelled"]
        state = client.get("tasks", task)["state"]
    words = f"Cancelled {task}" if cancelled else f"{task} was {state} already"
    output.done(words, {"id": task, "cancelled": cancelled, "state": state})


@tasks.command()
@click.argument("task")
@host_folders
@pass_shell
def retry(shell: Shell, task: str) -> None:
    """Let a failed or cancelled task begin again, with all its attempts."""
    output = Output(shell)
    with connected(shell, output) as client:
        view = client.ask("POST", "tasks", task, "retry")
    output.done(f"{task} is {view['state']}", view)
