"""`omnicore fleet`: the hosts that share a database, seen and steered from any of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from omnicore.cli.client import connected
from omnicore.cli.nouns import Document, Noun, field_rows, listing, removal, showing
from omnicore.cli.options import Group, Shell, common, host_folders, pass_shell
from omnicore.cli.output import Output, clock, date
from omnicore.telemetry.logs import LEVELS


def _row(host: Document) -> tuple[str, ...]:
    load, labels = host["load"], " ".join(f"{name}={value}" for name, value in host["labels"].items())
    work = f"{load['calls']} calls, {load['tasks']} tasks, {load['runs']} runs"
    return host["name"], host["state"], host["version"], host["address"] or "", labels, work, date(host["seen_at"])


def _details(host: Document) -> list[Sequence[str]]:
    """A row for each field, and one for each plugin."""
    rows: list[Sequence[str]] = list(field_rows({name: value for name, value in host.items() if name != "plugins"}))
    for one in host["plugins"]:
        state = one["lags"] or one["state"] or "loads at its first call"
        rows.append((f"plugin {one['plugin']}", f"{(one['loaded'] or one['wanted'])[:8]} {state}"))
    return rows


_HOST = Noun(
    path="fleet",
    heads=("name", "state", "version", "address", "labels", "work", "last seen"),
    row=_row,
    details=_details,
    asks="Throw {name} out of the fleet? Its key never lets it in again.",
    also=("name",),
    folder=False,
)


@click.group(cls=Group)
@common
def fleet() -> None:
    """Manage the hosts that share a PostgreSQL database. A host is named by its name or its id."""


fleet.add_command(listing(_HOST))
fleet.add_command(showing(_HOST))
fleet.add_command(
    removal(_HOST, words="Throw a host out: within a second it takes no calls and no work, and cannot come back.")
)


def _order(name: str, state: str, words: str, said: str) -> click.Command:
    def run(shell: Shell, host: str) -> None:
        output = Output(shell)
        with connected(shell, output, folder=False) as client:
            view = client.ask("PUT", "fleet", host, "state", body={"state": state})
        output.done(said.format(**view), view)

    command: Any = click.argument("host")(host_folders(pass_shell(run)))
    made: click.Command = click.command(name, help=words)(command)
    return made


for _command in (
    _order(
        "cordon", "cordoned", "Have a host take no new tasks and runs. It answers calls.", "{name} takes no new work."
    ),
    _order(
        "drain",
        "drained",
        "Have a host finish its calls, give back its tasks and runs, and refuse calls. It stays up.",
        "{name} is drained; `omnicore fleet ls` tells when it is done.",
    ),
    _order("uncordon", "ready", "Have a host work again that was cordoned or drained.", "{name} works again."),
):
    fleet.add_command(_command)


@fleet.command()
@click.argument("host")
@click.option("--plugin", help="The lines of this plugin, instead of those of the host itself.")
@click.option("-n", "--limit", type=click.IntRange(1, 1000), default=100, show_default=True, help="How many lines.")
@click.option("--level", type=click.Choice(list(LEVELS)), default="trace", help="The lowest level shown.")
@host_folders
@pass_shell
def logs(shell: Shell, host: str, *, plugin: str | None, limit: int, level: str) -> None:
    """Print the last log lines of a host, from wherever you are."""
    output = Output(shell)
    with connected(shell, output, folder=False) as client:
        found = client.get("fleet", host, "logs", plugin=plugin, limit=limit, level=level)
    if output.is_json:
        output.document(found["items"])
        return
    for line in found["items"]:
        output.line(f"{clock(line['at'])} {line['level']:<5}  {line['message']}")
