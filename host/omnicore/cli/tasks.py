"""`omnicore tasks` and `omnicore tasks schedules`: background work, and functions that are called at set times."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from omnicore.cli.client import connected
from omnicore.cli.options import Duration, Group, Shell, common, host_folders, pass_shell, task_input
from omnicore.cli.output import Output, date, printable, styled

if TYPE_CHECKING:
    from collections.abc import Sequence


__all__ = ["tasks"]


_TASK_HEADS = ("task", "function", "state", "attempts", "queue", "label", "ordered", "about")
_SCHEDULE_HEADS = ("schedule", "function", "when", "state", "next", "last")
_STATES = ("waiting", "running", "done", "failed", "cancelled")
_COLOURS = {"done": "green", "running": "cyan", "failed": "red", "cancelled": "dim"}
_ABOUT = 80


def _task_rows(views: Sequence[dict[str, Any]]) -> list[tuple[str, ...]]:
    """One row for each task; `about` is its output or why it failed last."""
    return [
        (
            view["id"],
            view["function"],
            _coloured(view["state"]),
            f"{view['attempts']}/{view['most_attempts']}",
            view["queue"],
            view["label"] or "-",
            date(view["created_at"]),
            _about(view),
        )
        for view in views
    ]


def _task_details(view: dict[str, Any]) -> list[tuple[str, ...]]:
    """Every field of a task that has a value."""
    return [(name, _shown(name, value)) for name, value in view.items() if value is not None]


def _schedule_rows(views: Sequence[dict[str, Any]]) -> list[tuple[str, ...]]:
    """One row for each schedule."""
    return [
        (
            view["name"],
            view["function"],
            f"{view['kind']} {view['spec']}" + ("" if view["timezone"] == "UTC" else f" {view['timezone']}"),
            "on" if view["enabled"] else "off",
            date(view["next_at"]),
            date(view["last_at"]),
        )
        for view in views
    ]


def _shown(name: str, value: Any) -> str:
    if name.endswith("_at"):
        return date(value)
    if name == "state":
        return _coloured(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _about(view: dict[str, Any]) -> str:
    if view["state"] != "done":
        return (view["error"] or "")[:_ABOUT]
    return "" if view["output"] is None else json.dumps(view["output"], ensure_ascii=False)[:_ABOUT]


def _coloured(state: str) -> str:
    return styled(printable(state), style=_COLOURS.get(state, ""))


@click.group(cls=Group)
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
    with connected(shell, output) as client:
        page = client.get("schedules", limit=limit, cursor=cursor)
    if output.is_json:
        output.document(page)
        return
    output.rows(_SCHEDULE_HEADS, _schedule_rows(page["items"]))
    if page["next"] is not None:
        output.say(f"There are more: add --cursor {page['next']}")


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


@schedules.command()
@click.argument("name")
@host_folders
@pass_shell
def rm(shell: Shell, name: str) -> None:
    """Remove a schedule; tasks it has ordered stay."""
    output = Output(shell)
    with connected(shell, output) as client:
        client.ask("DELETE", "schedules", name)
    output.done(f"Removed {name}", {"removed": name})


@schedules.command()
@click.argument("name")
@host_folders
@pass_shell
def enable(shell: Shell, name: str) -> None:
    """Switch a schedule on, from its next time."""
    _switch(shell, name, on=True)


@schedules.command()
@click.argument("name")
@host_folders
@pass_shell
def disable(shell: Shell, name: str) -> None:
    """Switch a schedule off."""
    _switch(shell, name, on=False)


def _switch(shell: Shell, name: str, *, on: bool) -> None:
    output = Output(shell)
    with connected(shell, output) as client:
        view = client.ask("PUT", "schedules", name, body={"enabled": on})
    output.done(f"{name} is {'on' if on else 'off'}", view)


def _kind(wishes: dict[str, Any]) -> tuple[str, str]:
    given = {kind: wishes[option] for kind, option in (("cron", "cron"), ("interval", "every"), ("once", "at"))}
    named = [(kind, str(value)) for kind, value in given.items() if value is not None]
    if len(named) != 1:
        raise click.UsageError("Give one of --cron, --every and --at")
    return named[0]


_LIMIT = click.option("-n", "--limit", type=click.IntRange(1, 500), default=50, show_default=True)
_CURSOR = click.option("--cursor", help="Go on where the page before ended.")


@click.group(cls=Group)
@common
def tasks() -> None:
    """Order, look at, cancel and repeat tasks: calls that run later, on whichever host is there.

    A server on the same data runs them (`omnicore run`).
    """


tasks.add_command(schedules)


@tasks.command(name="ls")
@click.option("--state", type=click.Choice(_STATES), help="Only tasks in this state.")
@click.option("--owner", help="Only those of a plugin, @host or @schedules.")
@click.option("--label", help="Only those with this label.")
@_LIMIT
@_CURSOR
@host_folders
@pass_shell
def ls_tasks(shell: Shell, /, **wanted: Any) -> None:
    """List tasks, newest first."""
    _list(shell, **wanted)


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
    with connected(shell, output) as client:
        page = client.get("tasks", **wanted)
    if output.is_json:
        output.document(page)
        return
    output.rows(_TASK_HEADS, _task_rows(page["items"]))
    if page["next"] is not None:
        output.say(f"There are more: add --cursor {page['next']}")


@tasks.command()
@click.argument("task")
@host_folders
@pass_shell
def show(shell: Shell, task: str) -> None:
    """Show one task."""
    output = Output(shell)
    with connected(shell, output) as client:
        view = client.get("tasks", task)
    if output.is_json:
        output.document(view)
    else:
        output.rows(("field", "value"), _task_details(view))


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
@click.option("--label", help="Free text to find tasks by.")
@host_folders
@pass_shell
def submit(shell: Shell, /, function: str, given: str | None, **wishes: Any) -> None:
    """Order a task. INPUT is JSON, or else text; `-` reads standard input, `@FILE` a file."""
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


@tasks.command()
@host_folders
@pass_shell
def queues(shell: Shell) -> None:
    """Show queues: limits, and what waits and runs in them."""
    output = Output(shell)
    with connected(shell, output) as client:
        found = client.get("queues")["items"]
    if output.is_json:
        output.document(found)
        return
    heads = ("queue", "limit", "waiting", "running")
    output.rows(heads, [tuple("-" if one[head] is None else str(one[head]) for head in heads) for one in found])
