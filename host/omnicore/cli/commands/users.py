"""`omnicore users`: who may log in, and what they may do. Passwords come from a prompt or a pipe."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

import click

from omnicore.access.principal import Role
from omnicore.access.users import user_json
from omnicore.cli.accessing import opened_access, plugin_roles, role_named
from omnicore.cli.options import Shell, common, host_folders, pass_shell
from omnicore.cli.output import Output
from omnicore.cli.secret_input import read_secret
from omnicore.storage.tables.users import UserRow

_ROLES = click.Choice(list(Role.__members__))
_PLUGIN = click.option(
    "--plugin", "raised", multiple=True, metavar="PLUGIN=ROLE", help="A higher role for one plugin; may come often."
)


@click.group()
@common
def users() -> None:
    """Make users and say what they may do. As long as there is none, whoever is on this machine may do everything."""


@users.command()
@click.argument("name")
@click.option("--role", type=_ROLES, default="viewer", show_default=True, help="What the user may do.")
@_PLUGIN
@host_folders
@pass_shell
def add(shell: Shell, name: str, *, role: str, raised: Sequence[str]) -> None:
    """Make a user; the password is asked for, or read as one line from a pipe."""
    output, password = Output(shell), read_secret("password")
    with opened_access(shell) as access:
        row = asyncio.run(access.add_user(name, role_named(role), password=password, plugins=plugin_roles(raised)))
    output.done(f"{row.name} may log in, as {row.role}.", user_json(row))


@users.command()
@click.option("--after", default="", help="Go on after this name.")
@click.option("-n", "--limit", type=click.IntRange(1, 500), default=100, show_default=True)
@host_folders
@pass_shell
def ls(shell: Shell, *, after: str, limit: int) -> None:
    """List users."""
    output = Output(shell)
    with opened_access(shell) as access:
        rows = access.users.page(after, limit)
    if output.is_json:
        output.document([user_json(row) for row in rows])
        return
    output.rows(("name", "role", "plugins", "state", "last login"), [_cells(row) for row in rows])


@users.command(name="set")
@click.argument("name")
@click.option("--role", type=_ROLES, help="What the user may do.")
@_PLUGIN
@click.option("--no-plugins", is_flag=True, help="Take all roles for single plugins away.")
@click.option("--enable", is_flag=True, help="Let somebody log in again who was disabled.")
@host_folders
@pass_shell
def set_(shell: Shell, name: str, *, role: str | None, raised: Sequence[str], no_plugins: bool, enable: bool) -> None:
    """Change what a user may do, which ends the user's sessions. Roles for plugins replace those from before."""
    if role is None and not raised and not no_plugins and not enable:
        raise click.UsageError("nothing is to be changed: give --role, --plugin, --no-plugins or --enable")
    output = Output(shell)
    with opened_access(shell) as access:
        _, row = access.users.change(
            name,
            role=None if role is None else role_named(role),
            plugins=plugin_roles(raised) if raised or no_plugins else None,
            disabled=False if enable else None,
        )
    output.done(f"{row.name} is {row.role} now.", user_json(row))


@users.command()
@click.argument("name")
@host_folders
@pass_shell
def password(shell: Shell, name: str) -> None:
    """Set a password, which ends the user's sessions and lets a locked name try again."""
    output, new = Output(shell), read_secret("password")
    with opened_access(shell) as access:
        row = asyncio.run(access.change_user(name, password=new))
    output.done(f"{row.name} has a new password.", user_json(row))


@users.command()
@click.argument("name")
@host_folders
@pass_shell
def disable(shell: Shell, name: str) -> None:
    """Keep somebody out, whose sessions end and whose tokens are worth nothing meanwhile."""
    output = Output(shell)
    with opened_access(shell) as access:
        _, row = access.users.change(name, disabled=True)
    output.done(f"{row.name} is disabled; `omnicore users set {row.name} --enable` lets in again.", user_json(row))


@users.command()
@click.argument("name")
@host_folders
@pass_shell
def remove(shell: Shell, name: str) -> None:
    """Remove a user with sessions and tokens."""
    output = Output(shell)
    with opened_access(shell) as access:
        row = access.users.remove(name)
    output.done(f"{row.name} is removed.", {"removed": row.name})


def _cells(row: UserRow) -> tuple[str, ...]:
    login = "never" if row.last_login_at is None else time.strftime("%Y-%m-%d %H:%M", time.localtime(row.last_login_at))
    plugins = " ".join(f"{plugin}={role}" for plugin, role in row.plugins.items())
    return row.name, row.role, plugins, "disabled" if row.disabled else "enabled", login
