"""`omnicore vectors`: look at collections, search, rebuild and remove them."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import click

from omnicore.cli.client import connected
from omnicore.cli.local import opened
from omnicore.cli.options import Group, Shell, common, host_folders, pass_shell
from omnicore.cli.output import Output
from omnicore.errors import InvalidInput
from omnicore.vectors.vector import HOST

if TYPE_CHECKING:
    pass

_HEADS = ("owner", "collection", "vectors", "dimensions", "metric")
_PAGE = 500
_OWNER = click.option("--owner", default=HOST, show_default=True, help="A plugin, or @host for the host's own.")


@click.group(cls=Group)
@common
def vectors() -> None:
    """Look at vector collections, search, rebuild and remove them."""


@vectors.command()
@click.option("--owner", help="Only those of a plugin, or of @host.")
@host_folders
@pass_shell
def ls(shell: Shell, owner: str | None) -> None:
    """List the collections."""
    output = Output(shell)
    with connected(shell, output) as client:
        found = list(client.pages("vectors", "collections", owner=owner))
    if output.is_json:
        output.document(found)
        return
    output.rows(_HEADS, [_row(one) for one in found])
    if not found:
        output.say("No collections: a plugin makes one through its vectors door, or POST /api/v1/vectors/collections.")


@vectors.command()
@click.argument("collection")
@click.argument("values")
@click.option("-n", "--limit", type=click.IntRange(1, 1000), default=10, show_default=True)
@click.option("--filter", "filters", multiple=True, metavar="KEY=JSON", help="Metadata that must be equal; repeatable.")
@_OWNER
@host_folders
@pass_shell
def search(shell: Shell, collection: str, values: str, *, limit: int, filters: tuple[str, ...], owner: str) -> None:
    """Find the vectors nearest to VALUES, a JSON list of numbers, or `-` to read it from standard input."""
    output = Output(shell)
    query = _json(sys.stdin.read() if values == "-" else values, "VALUES")
    if not isinstance(query, list):
        raise click.BadParameter("is no JSON list", param_hint="VALUES")
    wanted = dict(_filter(text) for text in filters)
    order = {"values": query, "limit": limit, "filter": wanted}
    with connected(shell, output) as client:
        found = client.ask("POST", "vectors", "collections", collection, "search", body=order, owner=owner)
    if output.is_json:
        output.document(found)
        return
    rows = [
        (one["id"], f"{one['distance']:.6g}", json.dumps(one["metadata"], ensure_ascii=False))
        for one in found["matches"]
    ]
    output.rows(("id", "distance", "metadata"), rows)


@vectors.command()
@click.argument("collection")
@_OWNER
@host_folders
@pass_shell
def stats(shell: Shell, collection: str, owner: str) -> None:
    """Show how large a collection is, and the copy of its index on disk."""
    output = Output(shell)
    with opened(shell, output) as host:
        found = host.vectors.stats(owner, collection)
    if output.is_json:
        output.document(found)
        return
    output.rows(("collection", collection), [(key, _flat(value)) for key, value in found.items()])


@vectors.command()
@click.argument("collection")
@_OWNER
@host_folders
@pass_shell
def rebuild(shell: Shell, collection: str, owner: str) -> None:
    """Build the index of a collection anew and write its copy, which a server takes when it starts."""
    output = Output(shell)
    with opened(shell, output) as host, output.waiting(f"Building the index of {collection}"):
        found = host.vectors.rebuild(owner, collection)
    words = (
        f"The index of {collection} holds {found['indexed']} vectors"
        if found["indexed"]
        else f"{collection} is searched without an index: it has {found['count']} vectors"
    )
    output.done(words, found)


@vectors.command()
@click.argument("collection")
@_OWNER
@host_folders
@pass_shell
def rm(shell: Shell, collection: str, owner: str) -> None:
    """Drop a collection and all that is in it."""
    output = Output(shell)
    with connected(shell, output) as client:
        client.ask("DELETE", "vectors", "collections", collection, owner=owner)
    output.done(f"Dropped {collection}", {"owner": owner, "dropped": collection})


def _row(one: dict[str, Any]) -> tuple[str, ...]:
    return tuple(str(one[key]) for key in ("owner", "name", "count", "dimensions", "metric"))


def _filter(text: str) -> tuple[str, Any]:
    key, equal, value = text.partition("=")
    if not equal:
        raise click.BadParameter(f"{text} is no KEY=JSON", param_hint="--filter")
    try:
        return key, json.loads(value)
    except (ValueError, RecursionError):
        return key, value  # a word without quotes is meant as text


def _json(text: str, name: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"{name} are no JSON: {error}", remedy="give a list such as [0.1, 0.2]") from error


def _flat(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
