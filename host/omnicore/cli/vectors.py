"""`omnicore vectors`: collections of vectors, their indexes, and searches in them."""

from __future__ import annotations

import json
import sys
from typing import Any

import click

from omnicore.cli.client import connected
from omnicore.cli.nouns import Document, Noun, field_rows, listing, removal, showing
from omnicore.cli.options import Group, Shell, common, host_folders, pass_shell
from omnicore.cli.output import Output
from omnicore.errors import InvalidInput

_OWNER = click.option("--owner", help="A plugin, or @host for the host's own; default: @host.")


def _row(one: Document) -> tuple[str, ...]:
    return tuple(str(one[key]) for key in ("owner", "name", "count", "dimensions", "metric"))


_COLLECTION = Noun(
    path="vectors/collections",
    heads=("owner", "collection", "vectors", "dimensions", "metric"),
    row=_row,
    extent="all",
    none="No collections: a plugin makes one through its vectors door, or POST /api/v1/vectors/collections.",
    gone="dropped",
)


@click.group(cls=Group)
@common
def vectors() -> None:
    """List vector collections, search, rebuild and remove them."""


vectors.add_command(listing(_COLLECTION, words="List vector collections."))
vectors.add_command(showing(_COLLECTION))
vectors.add_command(removal(_COLLECTION, words="Remove a collection and all vectors in it."))


@vectors.command()
@click.argument("collection")
@click.argument("values")
@click.option("-n", "--limit", type=click.IntRange(1, 1000), default=10, show_default=True, help="Most matches.")
@click.option(
    "--filter",
    "filters",
    multiple=True,
    metavar="KEY=JSON",
    help='What metadata must be: year=2020, or year={"$gte": 2020}; repeatable.',
)
@_OWNER
@host_folders
@pass_shell
def search(
    shell: Shell, collection: str, values: str, *, limit: int, filters: tuple[str, ...], owner: str | None
) -> None:
    """Find the vectors nearest to VALUES, a JSON list of numbers, or `-` to read it from standard input."""
    output = Output(shell)
    query = _numbers(sys.stdin.read() if values == "-" else values)
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
def stats(shell: Shell, collection: str, owner: str | None) -> None:
    """Show the size of a collection, its index in memory and the copy on disk."""
    output = Output(shell)
    with connected(shell, output) as client:
        found = client.get("vectors", "collections", collection, "index", owner=owner)
    if output.is_json:
        output.document(found)
    else:
        output.rows(("field", "value"), list(field_rows(found)))


@vectors.command()
@click.argument("collection")
@_OWNER
@host_folders
@pass_shell
def rebuild(shell: Shell, collection: str, owner: str | None) -> None:
    """Rebuild the index of a collection and its copy on disk."""
    output = Output(shell)
    with connected(shell, output) as client, output.waiting(f"Building the index of {collection}"):
        found = client.ask("POST", "vectors", "collections", collection, "index", owner=owner)
    words = (
        f"The index of {collection} holds {found['indexed']} vectors"
        if found["indexed"]
        else f"{collection} is searched without an index: it has {found['count']} vectors"
    )
    output.done(words, found)


def _filter(text: str) -> tuple[str, Any]:
    key, equal, value = text.partition("=")
    if not equal:
        raise click.BadParameter(f"{text} is not KEY=JSON", param_hint="--filter")
    try:
        return key, json.loads(value)
    except (ValueError, RecursionError):
        return key, value  # a word without quotes is meant as text


def _numbers(text: str) -> list[Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"VALUES is not JSON: {error}", remedy="give a list such as [0.1, 0.2]") from error
    if not isinstance(found, list):
        raise InvalidInput("VALUES is not a JSON list", remedy="give a list such as [0.1, 0.2]")
    return found
