"""`omnicore fleet`: the hosts that share a database, seen and steered from any of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from omnicore.cli.client import connected, loaded, posted
from omnicore.cli.nouns import Document, Noun, field_rows, listing, removal, showing
from omnicore.cli.options import Group, Shell, common, host_folders, pass_shell
from omnicore.cli.output import Output, clock, date
from omnicore.config.overrides import join_settings
from omnicore.config.settings import Settings
from omnicore.errors import Conflict
from omnicore.optional import optional
from omnicore.plugins.placement import labels_text
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
        if one["elsewhere"]:
            state = f"placed on hosts with {labels_text(one['placement'])}"
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


@fleet.command()
@host_folders
@pass_shell
def token(shell: Shell) -> None:
    """Print a token by which one new host may join within 15 minutes."""
    output = Output(shell)
    with connected(shell, output, folder=False) as client:
        made = client.ask("POST", "fleet", "tokens")
    if output.is_json:
        output.document(made)
        return
    output.line(made["secret"])
    output.say("Run `omnicore fleet join URL TOKEN` on the new host, with the URL of this one, before it expires.")


@fleet.command()
@click.argument("url")
@click.argument("token")
@host_folders
@pass_shell
def join(shell: Shell, url: str, token: str) -> None:
    """Join the fleet of the host at URL, and keep what this host then needs in its data folder.

    The vault's key is never handed over: set the same `connectors.master_key` as on the other hosts.
    """
    output = Output(shell)
    settings = loaded(shell).settings
    if settings.storage.url is not None:
        raise Conflict(
            "this host has a database of hosts already", remedy="start it, or take storage.url out of its settings"
        )
    if (settings.data / "server.json").exists():
        raise Conflict(f"a host runs on {settings.data}", remedy="stop it first")
    found = _joined(settings, url, token)
    file = join_settings(settings.data, {name: str(value) for name, value in found.items() if value is not None})
    output.done(f"Joined: {file} has the settings. `omnicore run` starts the host.", {"file": str(file)})


def _joined(settings: Settings, url: str, token: str) -> dict[str, Any]:
    """The settings that the host at a URL hands over. Raises: OmniError."""
    keys = optional("omnicore.fleet.keys")
    name, key = keys.token_parts(token)
    own, exchange = keys.host_key("", settings.data), keys.JoinExchange()
    own.close()
    body = {
        "token": name,
        "public_key": own.public,
        "exchange_key": exchange.public,
        "proof": keys.join_proof(key, own.public, exchange.public),
    }
    answer = posted(url.rstrip("/") + "/api/v1/fleet/join", body)
    found: dict[str, Any] = exchange.opened(answer["sealed"], answer["exchange_key"], key)
    return found
