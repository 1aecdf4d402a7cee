"""`omnicore connectors hooks`: addresses that services deliver to."""

from __future__ import annotations

import click

from omnicore.cli.hosting import opened
from omnicore.cli.options import Shell, common, host_folders, pass_shell
from omnicore.cli.output import Output
from omnicore.cli.secret_input import read_secret
from omnicore.connectors.hooks.rules import RULES
from omnicore.connectors.vault.references import is_reference
from omnicore.errors import InvalidInput, NotFound


@click.group()
@common
def hooks() -> None:
    """Take deliveries of services in: verified, kept, and told as events `webhook.NAME`."""


@hooks.command()
@host_folders
@pass_shell
def ls(shell: Shell) -> None:
    """List the webhooks and their paths."""
    output = Output(shell)
    with opened(shell, output) as host:
        found = [row.to_json() for row in host.connectors.hooks.table.all()]
    if output.is_json:
        output.document(found)
        return
    output.rows(
        ("name", "rule", "path", "connector"),
        [(one["name"], one["rule"], one["path"], one["connector"] or "") for one in found],
    )


@hooks.command()
@click.argument("name")
@click.argument("rule", type=click.Choice(list(RULES)))
@click.option("--connector", help="Also tell of deliveries as events of this connector.")
@click.option("--window", type=click.FloatRange(1, 86400), default=300.0, show_default=True, help="In seconds.")
@click.option("--secret", "reference", help="A reference, such as env:CONNECTOR_HOOK; else it is asked for.")
@host_folders
@pass_shell
def add(shell: Shell, name: str, rule: str, *, connector: str | None, window: float, reference: str | None) -> None:
    """Add a webhook. Its secret is asked for, or read from a pipe; the answer is the path to give the service."""
    output = Output(shell)
    if reference is not None and not is_reference(reference):
        raise InvalidInput(
            "the secret stands on the command line, where others can read it",
            remedy="leave --secret out and give it when asked, or name where it is, such as env:CONNECTOR_HOOK",
        )
    secret = reference or read_secret("secret")
    with opened(shell, output) as host:
        row = host.connectors.hooks.add(name, rule, secret, connector=connector, window_s=window)
    if output.is_json:
        output.document(row.to_json())
        return
    output.line(f"/hooks/{row.id}")


@hooks.command()
@click.argument("name")
@click.option("-n", "--limit", type=click.IntRange(1, 500), default=50, show_default=True)
@host_folders
@pass_shell
def deliveries(shell: Shell, name: str, *, limit: int) -> None:
    """Show what was delivered, newest first."""
    output = Output(shell)
    with opened(shell, output) as host:
        table = host.connectors.hooks.table
        found = [row.to_json() for row in table.page(host.connectors.hooks.named(name).id, limit=limit)]
    if output.is_json:
        output.document(found)
        return
    heads = ("id", "event", "state", "attempts", "received_at")
    output.rows(heads, [[str(one[head]) for head in heads] for one in found])


@hooks.command()
@click.argument("name")
@host_folders
@pass_shell
def rm(shell: Shell, name: str) -> None:
    """Remove a webhook, its secret and its deliveries."""
    output = Output(shell)
    with opened(shell, output) as host:
        if not host.connectors.hooks.remove(name):
            raise NotFound(f"there is no webhook {name}", remedy="see `omnicore connectors hooks ls`")
    output.say(f"{name} is removed.")
