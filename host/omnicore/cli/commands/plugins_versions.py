"""`omnicore plugins versions|rollback|upgrade|diff`: what a plugin was, and what it would become."""

from __future__ import annotations

import click

from omnicore.cli.hosting import opened
from omnicore.cli.options import Shell, host_folders, pass_shell
from omnicore.cli.output import Output
from omnicore.cli.session import who
from omnicore.cli.upgrade_text import VERSION_HEADS, say_next, show_upgrade, version_rows


@click.command()
@click.argument("name")
@host_folders
@pass_shell
def versions(shell: Shell, name: str) -> None:
    """List the versions of a plugin that are kept, the one seen last first."""
    output = Output(shell)
    with opened(shell, output) as host:
        found = host.plugins.versions(name)
    if output.is_json:
        output.document([version.to_json() for version in found])
        return
    output.rows(VERSION_HEADS, version_rows(found))
    if len(found) > 1:
        output.say(f"Go back to one with `omnicore plugins rollback {name} HASH`.")


@click.command()
@click.argument("name")
@click.argument("digest", metavar="[HASH]", required=False)
@host_folders
@pass_shell
def rollback(shell: Shell, name: str, digest: str | None) -> None:
    """Put an earlier version back: the one of HASH, or without it the one seen last before.

    Its file and manifest replace those in the folder. Grants stay as they are.
    """
    output = Output(shell)
    with opened(shell, output) as host:
        if digest is None:
            earlier = [one.hash for one in host.plugins.versions(name) if not one.newest]
            digest = earlier[0] if earlier else "none-kept"
        view = host.plugins.rollback(name, digest, who=who())
    words = f"{name} is {view.state}{': ' + view.reason if view.reason else ''}, version {view.version or '-'}"
    output.done(f"{words} ({(view.hash or '')[:8]})", view.to_json())


@click.command()
@click.argument("name")
@click.option("--approve", "decision", flag_value="approve", help="Grant all that is new, and switch to it.")
@click.option("--keep", "decision", flag_value="keep", help="Turn the newer version away; the old one serves on.")
@host_folders
@pass_shell
def upgrade(shell: Shell, name: str, decision: str | None) -> None:
    """Show what a changed plugin brings, and with --approve or --keep decide over it."""
    output = Output(shell)
    with opened(shell, output) as host:
        if decision is not None:
            decide = host.plugins.approve if decision == "approve" else host.plugins.keep
            view = decide(name, who=who())
            output.done(f"{name} is {view.state}{': ' + view.reason if view.reason else ''}", view.to_json())
            return
        found = host.plugins.upgrade(name)
    if output.is_json:
        output.document(found.to_json())
        return
    show_upgrade(output, found)
    say_next(output, name, found)


@click.command()
@click.argument("name")
@host_folders
@pass_shell
def diff(shell: Shell, name: str) -> None:
    """Show what the newest version of a plugin asks for beyond what it was granted, and all else it changes.

    With `-o json` only the former; `omnicore plugins upgrade NAME -o json` is the whole difference.
    """
    output = Output(shell)
    with opened(shell, output) as host:
        if output.is_json:
            output.document([change.to_json() for change in host.plugins.diff(name)])
            return
        found = host.plugins.upgrade(name)
    show_upgrade(output, found)
    say_next(output, name, found)
