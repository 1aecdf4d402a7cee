"""`omnicore alarms`: rules about figures, and who is told when one fires."""

from __future__ import annotations

from typing import Any

import click

from omnicore.cli.client import connected
from omnicore.cli.nouns import Document, Noun, listing, removal, showing
from omnicore.cli.options import Duration, FiniteRange, Group, Shell, common, host_folders, pass_shell, task_input
from omnicore.cli.output import Output, date

_FIGURES = ("calls", "failures", "error_rate", "p95_ms", "length")


def _row(one: Document) -> tuple[str, ...]:
    sign = ">" if one["side"] == "above" else "<"
    rule = f"{one['figure']} of {one['kind']} {one['target']} {sign} {one['threshold']:g}"
    value = "-" if one["value"] is None else f"{one['value']:.4g}"
    state = one["state"] if one["enabled"] else "disabled"
    return one["name"], state, value, rule, date(one["since"]), one["connector"] or one["workflow"] or ""


_ALARM = Noun(
    path="alarms",
    heads=("alarm", "state", "value", "fires when", "since", "tells"),
    row=_row,
    none="There are no alarms: add one with `omnicore alarms set`.",
    asks="Remove the alarm {name}?",
)


@click.group(cls=Group)
@common
def alarms() -> None:
    """List, set and remove alarms: rules about figures, checked every 10 seconds by a server.

    An alarm that fires is the event alarm.fired, one that ends alarm.ended; workflows and plugins can listen to both.
    """


alarms.add_command(listing(_ALARM))
alarms.add_command(showing(_ALARM))
alarms.add_command(removal(_ALARM))


@alarms.command("set")
@click.argument("name")
@click.argument("figure", type=click.Choice(_FIGURES))
@click.option("--function", "function", metavar="PLUGIN[.FUNCTION]", help="Of calls of a function, a plugin, or `*`.")
@click.option("--runs", metavar="WORKFLOW", help="Of the runs of a workflow that ended.")
@click.option("--queue", metavar="QUEUE", help="Of the tasks that wait in a queue: its length.")
@click.option("--above", type=FiniteRange(), help="It fires when the figure is above this.")
@click.option("--below", type=FiniteRange(), help="It fires when the figure is below this.")
@click.option("--clear", type=FiniteRange(), help="It ends when the figure is back on the other side of this.")
@click.option("--window", "window_s", type=Duration(), default=300.0, show_default="5m", help="The time it is about.")
@click.option("--least", "least_calls", type=click.IntRange(0), default=1, help="Fewer calls say nothing.")
@click.option("--connector", metavar="NAME.ACTION", help="The action of a connector that is done.")
@click.option("--workflow", metavar="WORKFLOW", help="The workflow that is run.")
@click.option("--input", "given", help="Its input, where `{alarm}`, `{value}` and others stand for what holds.")
@click.option("--off", is_flag=True, help="Keep the alarm, and check nothing.")
@host_folders
@pass_shell
def set_alarm(shell: Shell, /, name: str, figure: str, **wishes: Any) -> None:
    """Set the alarm NAME on a figure: calls, failures, error_rate (0 to 1), p95_ms, or the length of a queue."""
    output = Output(shell)
    sides = [(side, wishes[side]) for side in ("above", "below") if wishes[side] is not None]
    kinds = {"function": wishes["function"], "workflow": wishes["runs"], "queue": wishes["queue"]}
    named = [(kind, target) for kind, target in kinds.items() if target is not None]
    if len(sides) != 1:
        raise click.UsageError("Give one of --above and --below")
    if len(named) != 1:
        raise click.UsageError("Give one of --function, --runs and --queue")
    order = {
        **{"kind": named[0][0], "target": named[0][1], "figure": figure, "side": sides[0][0], "threshold": sides[0][1]},
        **{wish: wishes[wish] for wish in ("clear", "window_s", "least_calls", "connector", "workflow")},
        **{"input": None if wishes["given"] is None else task_input(wishes["given"]), "enabled": not wishes["off"]},
    }
    with connected(shell, output) as client:
        view = client.ask("PUT", "alarms", name, body=order)
    output.done(f"Set {name}", view)
