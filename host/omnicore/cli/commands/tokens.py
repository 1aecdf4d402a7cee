"""`omnicore tokens`: API tokens, for programs. One is shown when it is made, and never again."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import click

from omnicore.access.principal import Role
from omnicore.access.tokens import token_json
from omnicore.api.table import OPERATIONS
from omnicore.cli.accessing import opened_access, plugin_roles, role_named
from omnicore.cli.options import Shell, common, host_folders, pass_shell
from omnicore.cli.output import Output

_SCOPES = click.Choice(sorted({operation.tag for operation in OPERATIONS}))
_DAY_S = 86_400.0


@click.group()
@common
def tokens() -> None:
    """Make, list and revoke API tokens: `Authorization: Bearer TOKEN`."""


@tokens.command()
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
def add(
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


@tokens.command()
@click.option("--after", default="", help="Go on after this id.")
@click.option("-n", "--limit", type=click.IntRange(1, 500), default=100, show_default=True)
@host_folders
@pass_shell
def ls(shell: Shell, *, after: str, limit: int) -> None:
    """List tokens."""
    output = Output(shell)
    with opened_access(shell) as access:
        found = access.tokens.page(after, limit)
    if output.is_json:
        output.document(found)
        return
    output.rows(("id", "name", "owner", "role", "scopes", "expires", "last used"), [_cells(one) for one in found])


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


def _cells(one: dict[str, Any]) -> tuple[str, ...]:
    scopes = "all" if one["scopes"] is None else " ".join(one["scopes"])
    return (
        *(one["id"], one["name"], one["owner"] or "the host", one["role"], scopes),
        *(_time(one["expires_at"], "never"), _time(one["last_used_at"], "never")),
    )


def _time(at: float | None, without: str) -> str:
    return without if at is None else time.strftime("%Y-%m-%d %H:%M", time.localtime(at))
