"""Users and tokens for commands, on the data of a server that may run beside them.

`omnicore users`: who may log in, and what they may do. Passwords come from a prompt or a pipe.

`omnicore tokens`: API tokens, for programs. One is shown when it is made, and never again.

`omnicore auth`: the header by which the owner calls REST.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import ExitStack, closing, contextmanager
from typing import TYPE_CHECKING, Any

import click

from omnicore.access.keys import OwnerKey
from omnicore.access.principal import Role
from omnicore.access.service import Access
from omnicore.access.tokens import token_json
from omnicore.access.users import checked_plugins, checked_role
from omnicore.api.operations import OPERATIONS
from omnicore.audit import audit_trail
from omnicore.cli.client import loaded
from omnicore.cli.local import recorded
from omnicore.cli.options import Group, Shell, common, host_folders, pass_shell, read_secret
from omnicore.cli.output import Output
from omnicore.clock import SystemClock
from omnicore.errors import InvalidInput
from omnicore.storage.database import open_store

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from omnicore.storage.tables.access import UserRow

__all__ = ["opened_access", "plugin_roles", "role_named"]


@contextmanager
def opened_access(shell: Shell) -> Iterator[Access]:
    """The users of the data folder, which is made where there is none; changes leave a row of the record."""
    settings, clock = loaded(shell).settings, SystemClock()
    with ExitStack() as stack:
        store = stack.enter_context(closing(open_store(settings.storage, settings.data, check=False)))
        access = stack.enter_context(
            closing(Access(store, settings.access, clock, owner=OwnerKey(settings.data, clock)))
        )

        def look(noun: str, name: str) -> Any:
            user = access.users.find(name) if noun == "user" else None
            return None if user is None else user.to_json()

        stack.enter_context(recorded(audit_trail(settings, store, clock=clock), look))
        yield access


def role_named(text: str) -> Role:
    """The role of a name. Raises: InvalidInput."""
    return checked_role(text)


def plugin_roles(texts: Sequence[str]) -> dict[str, Role]:
    """Roles by plugin, from `PLUGIN=ROLE`. Raises: InvalidInput."""
    found = {}
    for text in texts:
        plugin, sign, role = text.partition("=")
        if not sign:
            raise InvalidInput(f"{text[:80]!r} is no PLUGIN=ROLE", remedy="write it as `--plugin text=operator`")
        found[plugin] = role
    return checked_plugins(found)


_ROLES = click.Choice(list(Role.__members__))
_PLUGIN = click.option(
    "--plugin", "raised", multiple=True, metavar="PLUGIN=ROLE", help="A higher role for one plugin; may come often."
)


@click.group(cls=Group)
@common
def users() -> None:
    """Make users and say what they may do. The owner of the host needs none: see `omnicore auth`."""


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
    output.done(f"{row.name} may log in, as {row.role}.", row.to_json())


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
        output.document([row.to_json() for row in rows])
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
    output.done(f"{row.name} is {row.role} now.", row.to_json())


@users.command()
@click.argument("name")
@host_folders
@pass_shell
def password(shell: Shell, name: str) -> None:
    """Set a password, which ends the user's sessions and lets a locked name try again."""
    output, new = Output(shell), read_secret("password")
    with opened_access(shell) as access:
        row = asyncio.run(access.change_user(name, password=new))
    output.done(f"{row.name} has a new password.", row.to_json())


@users.command()
@click.argument("name")
@host_folders
@pass_shell
def unlock(shell: Shell, name: str) -> None:
    """Let a name log in again that failed logins have locked."""
    output = Output(shell)
    with opened_access(shell) as access:
        row = access.users.get(name)
        access.lockout.forget(row.name)
    output.done(f"{row.name} may try again.", row.to_json())


@users.command()
@click.argument("name")
@host_folders
@pass_shell
def disable(shell: Shell, name: str) -> None:
    """Keep somebody out, whose sessions end and whose tokens are worth nothing meanwhile."""
    output = Output(shell)
    with opened_access(shell) as access:
        _, row = access.users.change(name, disabled=True)
    output.done(f"{row.name} is disabled; `omnicore users set {row.name} --enable` lets in again.", row.to_json())


@users.command()
@click.argument("name")
@host_folders
@pass_shell
def rm(shell: Shell, name: str) -> None:
    """Remove a user with sessions and tokens."""
    output = Output(shell)
    with opened_access(shell) as access:
        row = access.users.remove(name)
    output.done(f"{row.name} is removed.", {"removed": row.name})


def _cells(row: UserRow) -> tuple[str, ...]:
    login = "never" if row.last_login_at is None else time.strftime("%Y-%m-%d %H:%M", time.localtime(row.last_login_at))
    plugins = " ".join(f"{plugin}={role}" for plugin, role in row.plugins.items())
    return row.name, row.role, plugins, "disabled" if row.disabled else "enabled", login


_SCOPES = click.Choice(sorted({operation.tag for operation in OPERATIONS}))
_DAY_S = 86_400.0


@click.group(cls=Group)
@common
def tokens() -> None:
    """Make, list and revoke API tokens: `Authorization: Bearer TOKEN`."""


@tokens.command(name="add")
@click.argument("name")
@click.option("--owner", metavar="USER", help="Whose token it is; without, the host's own.")
@click.option("--role", type=click.Choice(list(Role.__members__)), default="viewer", show_default=True)
@click.option("--plugin", "raised", multiple=True, metavar="PLUGIN=ROLE", help="A higher role for one plugin.")
@click.option("--scope", "scopes", type=_SCOPES, multiple=True, help="Only operations of these tags; may come often.")
@click.option(
    "--days", type=click.FloatRange(min=0.001, max=36_500), help="How long it lasts; default: as the settings say."
)
@host_folders
@pass_shell
def add_token(
    shell: Shell,
    name: str,
    *,
    owner: str | None,
    role: str,
    raised: Sequence[str],
    scopes: Sequence[str],
    days: float | None,
) -> None:
    """Make a token and print it. It may never do more than its owner."""
    output = Output(shell)
    with opened_access(shell) as access:
        user = None if owner is None else access.users.get(owner)
        row, key = access.tokens.add(
            name,
            owner=None if user is None else user.id,
            role=role_named(role),
            plugins=plugin_roles(raised),
            scopes=tuple(scopes) or None,
            expires_at=None if days is None else time.time() + days * _DAY_S,
        )
    if output.is_json:
        output.document({**token_json(row, owner), "secret": key})
        return
    output.line(key)
    output.say(f"The token {row.id} is made. It is shown only now.")


@tokens.command(name="ls")
@click.option("--after", default="", help="Go on after this id.")
@click.option("-n", "--limit", type=click.IntRange(1, 500), default=100, show_default=True)
@host_folders
@pass_shell
def ls_tokens(shell: Shell, *, after: str, limit: int) -> None:
    """List tokens."""
    output = Output(shell)
    with opened_access(shell) as access:
        found = access.tokens.page(after, limit)
    if output.is_json:
        output.document(found)
        return
    output.rows(
        ("id", "name", "owner", "role", "scopes", "expires", "last used"), [_tokens_cells(one) for one in found]
    )


@tokens.command()
@click.argument("token")
@host_folders
@pass_shell
def revoke(shell: Shell, token: str) -> None:
    """Revoke a token by its id; a running server knows it within seconds."""
    output = Output(shell)
    with opened_access(shell) as access:
        access.tokens.remove(token)
    output.done(f"{token} is revoked.", {"revoked": token})


def _tokens_cells(one: dict[str, Any]) -> tuple[str, ...]:
    scopes = "all" if one["scopes"] is None else " ".join(one["scopes"])
    return (
        *(one["id"], one["name"], one["owner"] or "the host", one["role"], scopes),
        *(_time(one["expires_at"], "never"), _time(one["last_used_at"], "never")),
    )


def _time(at: float | None, without: str) -> str:
    return without if at is None else time.strftime("%Y-%m-%d %H:%M", time.localtime(at))


@click.command()
@click.option("--rotate", is_flag=True, help="Make a new key; the one before is worth nothing any more.")
@host_folders
@pass_shell
def auth(shell: Shell, *, rotate: bool) -> None:
    """Print the header by which REST knows you as the owner of this host: `curl -H "$(omnicore auth)" URL`.

    The key is in the data folder, where only you can read it, and lasts over restarts.
    """
    output = Output(shell)
    if rotate:
        with opened_access(shell) as access:
            key = access.owner.rotated()
    else:
        key = OwnerKey(loaded(shell).settings.data, SystemClock()).made()
    value = f"Bearer {key}"
    if output.is_json:
        output.document({"authorization": value})
    else:
        click.echo(f"Authorization: {value}")
