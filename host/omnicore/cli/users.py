"""`omnicore users`, `omnicore tokens` and `omnicore auth`: people, programs and the owner of a host."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import click

from omnicore.access.keys import OwnerKey
from omnicore.access.principal import Role
from omnicore.api.operations import OPERATIONS
from omnicore.cli.client import connected, loaded
from omnicore.cli.nouns import Document, Noun, listing, removal, showing, switches
from omnicore.cli.options import FiniteRange, Group, Shell, common, host_folders, pass_shell, read_secret
from omnicore.cli.output import Output, date
from omnicore.clock import SystemClock
from omnicore.errors import InvalidInput
from omnicore.optional import optional

_ROLES = click.Choice(list(Role.__members__))
_PLUGIN = click.option(
    "--plugin", "raised", multiple=True, metavar="PLUGIN=ROLE", help="A higher role for one plugin; repeatable."
)
_DAY_S = 86_400.0


def _plugin_roles(texts: Sequence[str]) -> dict[str, str]:
    """Roles by plugin, from `PLUGIN=ROLE`. Raises: InvalidInput."""
    found = {}
    for text in texts:
        plugin, sign, role = text.partition("=")
        if not sign:
            raise InvalidInput(f"{text[:80]!r} is not PLUGIN=ROLE", remedy="write it as `--plugin text=operator`")
        if role not in Role.__members__:
            raise InvalidInput(f"there is no role {role[:80]!r}", remedy=f"use one of {', '.join(Role.__members__)}")
        found[plugin] = role
    return found


def _user_row(user: Document) -> tuple[str, ...]:
    plugins = " ".join(f"{plugin}={role}" for plugin, role in user["plugins"].items())
    state = "disabled" if user["disabled"] else "enabled"
    return user["name"], user["role"], plugins, state, _moment(user["last_login_at"])


def _token_row(token: Document) -> tuple[str, ...]:
    scopes = "all" if token["scopes"] is None else " ".join(token["scopes"])
    times = (_moment(token["expires_at"]), _moment(token["last_used_at"]))
    return token["id"], token["name"], token["owner"] or "the host", token["role"], scopes, *times


def _moment(at: float | None) -> str:
    return "never" if at is None else date(at)


_USER = Noun(
    path="users",
    heads=("name", "role", "plugins", "state", "last login"),
    row=_user_row,
    switch=lambda on: ("PUT", (), {"disabled": not on}),
    folder=False,
)
_TOKEN = Noun(
    path="tokens",
    heads=("id", "name", "owner", "role", "scopes", "expires", "last used"),
    row=_token_row,
    gone="revoked",
    folder=False,
)


@click.group(cls=Group)
@common
def users() -> None:
    """Manage users: who may log in, and what they may do. The owner of the host needs no user: see `omnicore auth`."""


users.add_command(listing(_USER))
users.add_command(showing(_USER))
users.add_command(removal(_USER))
for _switch in switches(
    _USER,
    enable="Let a disabled user log in again.",
    disable="Lock a user out: sessions end, and tokens stop working until the user is enabled again.",
):
    users.add_command(_switch)


@users.command()
@click.argument("name")
@click.option("--role", type=_ROLES, default="viewer", show_default=True, help="The user's role.")
@_PLUGIN
@host_folders
@pass_shell
def add(shell: Shell, name: str, *, role: str, raised: Sequence[str]) -> None:
    """Add a user. The password is asked for, or read as one line from a pipe."""
    output, password = Output(shell), read_secret("password")
    order = {"name": name, "role": role, "password": password, "plugins": _plugin_roles(raised)}
    with connected(shell, output, folder=False) as client:
        user = client.ask("POST", "users", body=order)
    output.done(f"{user['name']} may log in, as {user['role']}.", user)


@users.command(name="set")
@click.argument("name")
@click.option("--role", type=_ROLES, help="The user's new role.")
@_PLUGIN
@click.option("--no-plugins", is_flag=True, help="Remove all roles for single plugins.")
@click.option("--enable", is_flag=True, hidden=True)
@host_folders
@pass_shell
def set_(shell: Shell, name: str, *, role: str | None, raised: Sequence[str], no_plugins: bool, enable: bool) -> None:
    """Change a user's roles, which ends the user's sessions. New roles for plugins replace the old ones."""
    change: dict[str, Any] = {} if role is None else {"role": role}
    if raised or no_plugins:
        change["plugins"] = _plugin_roles(raised)
    if enable:
        change["disabled"] = False
    if not change:
        raise click.UsageError("nothing is to be changed: give --role, --plugin or --no-plugins")
    _change(shell, name, change, "is {role} now.")


@users.command()
@click.argument("name")
@host_folders
@pass_shell
def password(shell: Shell, name: str) -> None:
    """Set a user's password, which ends the user's sessions and unlocks the name."""
    _change(shell, name, {"password": read_secret("password")}, "has a new password.")


@users.command()
@click.argument("name")
@host_folders
@pass_shell
def unlock(shell: Shell, name: str) -> None:
    """Unlock a name after too many failed logins."""
    output = Output(shell)
    with connected(shell, output, folder=False) as client:
        user = client.ask("POST", "users", name, "unlock")
    output.done(f"{user['name']} may try again.", user)


def _change(shell: Shell, name: str, change: dict[str, Any], words: str) -> None:
    output = Output(shell)
    with connected(shell, output, folder=False) as client:
        user = client.ask("PUT", "users", name, body=change)
    output.done(f"{user['name']} {words.format(**user)}", user)


@click.group(cls=Group, aliases={"revoke": "rm"})
@common
def tokens() -> None:
    """Manage API tokens for programs: `Authorization: Bearer TOKEN`."""


tokens.add_command(listing(_TOKEN))
tokens.add_command(removal(_TOKEN, words="Revoke a token by its id. A running server refuses it within seconds."))


@tokens.command(name="add")
@click.argument("name")
@click.option("--owner", metavar="USER", help="The user whose token it is; default: the host itself.")
@click.option("--role", type=_ROLES, default="viewer", show_default=True, help="The token's role.")
@_PLUGIN
@click.option(
    "--scope",
    "scopes",
    type=click.Choice(sorted({operation.tag for operation in OPERATIONS})),
    multiple=True,
    help="Only operations with these tags; repeatable.",
)
@click.option("--days", type=FiniteRange(min=0.001, max=36_500), help="Days until it expires; default: the setting.")
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
    """Add a token and print it. A token never has more rights than its owner."""
    output = Output(shell)
    order: dict[str, Any] = {
        "name": name,
        "role": role,
        "plugins": _plugin_roles(raised),
        "scopes": list(scopes) or None,
    }
    if days is not None:
        order["expires_at"] = time.time() + days * _DAY_S
    if owner is not None:
        order["owner"] = owner
    with connected(shell, output, folder=False) as client:
        token = client.ask("POST", "tokens", body=order)
    if output.is_json:
        output.document(token)
        return
    output.line(token["secret"])
    output.say(f"This is the token {token['id']}. It is shown only now.")


@click.command()
@click.option("--rotate", is_flag=True, help="Make a new key; the old one stops working.")
@host_folders
@pass_shell
def auth(shell: Shell, *, rotate: bool) -> None:
    """Print the header that identifies you as the owner of this host: `curl -H "$(omnicore auth)" URL`.

    The key is kept in the data folder, where only you can read it.
    """
    output = Output(shell)
    # The key is a file that proves who owns the data folder: it is never sent to anybody, so no operation handles it.
    settings, clock = loaded(shell).settings, SystemClock()
    owner = OwnerKey(settings.data, clock)
    if rotate:
        with optional("omnicore.cli.local").changed(settings):
            key = owner.rotated()
    else:
        key = owner.made()
    value = f"Bearer {key}"
    if output.is_json:
        output.document({"authorization": value})
    else:
        click.echo(f"Authorization: {value}")
