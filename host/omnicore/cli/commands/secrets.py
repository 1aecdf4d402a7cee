"""`omnicore secrets`: the vault. Values go in, from a prompt or a pipe, and never come out."""

from __future__ import annotations

import time

import click

from omnicore.cli.hosting import opened
from omnicore.cli.options import Shell, common, host_folders, pass_shell
from omnicore.cli.output import Output
from omnicore.cli.secret_input import read_secret
from omnicore.errors import NotFound


@click.group()
@common
def secrets() -> None:
    """Keep credentials in the vault, for connectors that name them as vault:NAME."""


@secrets.command()
@click.option("--after", default="", help="Go on after this name.")
@click.option("-n", "--limit", type=click.IntRange(1, 500), default=100, show_default=True)
@host_folders
@pass_shell
def ls(shell: Shell, *, after: str, limit: int) -> None:
    """List the names of secrets."""
    output = Output(shell)
    with opened(shell, output) as host:
        found = host.connectors.vault.list(after, limit)
    if output.is_json:
        output.document([{"name": one.name, "version": one.version, "changed_at": one.changed_at} for one in found])
        return
    output.rows(
        ("name", "version", "changed"),
        [
            (one.name, str(one.version), time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(one.changed_at)))
            for one in found
        ],
    )


@secrets.command(name="set")
@click.argument("name")
@host_folders
@pass_shell
def set_(shell: Shell, name: str) -> None:
    """Keep a secret; its value is asked for, or read as one line from a pipe."""
    output = Output(shell)
    value = read_secret(name)
    with opened(shell, output) as host:
        info = host.connectors.vault.set(name, value)
    if output.is_json:
        output.document({"name": info.name, "version": info.version})
    output.say(f"{name} is kept, as version {info.version}.")


@secrets.command()
@click.argument("name")
@host_folders
@pass_shell
def rm(shell: Shell, name: str) -> None:
    """Remove a secret."""
    output = Output(shell)
    with opened(shell, output) as host:
        if not host.connectors.vault.remove(name):
            raise NotFound(f"the vault holds no {name}", remedy="see `omnicore secrets ls`")
    output.say(f"{name} is removed.")


@secrets.command()
@click.option("--master", is_flag=True, help="Change the master key instead, which wraps the data keys.")
@host_folders
@pass_shell
def rotate(shell: Shell, *, master: bool) -> None:
    """Seal all secrets by a new data key. It may be interrupted at any time and run again."""
    output = Output(shell)
    with opened(shell, output) as host:
        vault = host.connectors.vault
        count = vault.rotate_master_key() if master else vault.rotate_data_key()
    if output.is_json:
        output.document({"rotated": "master key" if master else "data key", "count": count})
    output.say(f"{count} data keys are wrapped by a new master key." if master else f"{count} secrets are sealed anew.")
