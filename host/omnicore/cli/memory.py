"""`omnicore memory`: memories of plugins and of the host, and packs of them as files."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from omnicore.cli.client import connected
from omnicore.cli.nouns import Document, Noun, field_rows, listing, removal, showing
from omnicore.cli.options import FiniteRange, Group, Shell, common, host_folders, json_object, moment, pass_shell
from omnicore.cli.output import Output, date
from omnicore.memory.tiers import TIER_POLICIES, TIERS, MemoryTier
from omnicore.optional import optional
from omnicore.storage.store import storage_failed

_HOST = "@host"
_PACK_BYTES = 8 * 1024 * 1024
_TIER = click.Choice(TIERS)
_OWNER = click.option("--owner", default=_HOST, show_default=True, help="A plugin, or @host for the host's own.")
_TEXT_SHOWN = 200
_SCOPE = ("user", "agent", "session", "app")


def _scoped(command: Callable[..., Any]) -> Callable[..., Any]:
    """A command with the options of a scope."""
    for name in reversed(_SCOPE):
        command = click.option(f"--{name}", metavar="NAME", help=f"Only of this {name}.")(command)
    return command


_FILTER = click.option(
    "--filter", "filter_", metavar="JSON", help='On metadata, such as {"year": {"$gte": 2020}}; see docs/memory.md.'
)


def _filter(text: str | None) -> Document:
    """The member of a request with the filter, if there is one."""
    example = '{"year": {"$gte": 2020}}'
    return {} if text is None else {"filter": json_object(text, "--filter", example=example)}


def _names(scope: Document) -> Document:
    return {name: value for name, value in scope.items() if value is not None}


def _details(found: Document) -> list[tuple[str, str]]:
    edges = [(edge["relation"], f"{edge['from']} -> {edge['to']}") for edge in found.get("edges", ())]
    return [*((name, cell) for name, cell in field_rows(found) if name != "edges"), *edges]


_MEMORY = Noun(
    path="memory",
    heads=("tier", "id", "text"),
    row=lambda one: _row(one)[1:],
    extent="page",
    details=_details,
    gone="forgotten",
    tells=lambda answer: _others(len(answer["forgotten"]) - 1),
)


@click.group(cls=Group)
@common
def memory() -> None:
    """Store, recall and forget memories of plugins and of the host."""


@memory.group(cls=Group)
@common
def blocks() -> None:
    """Core blocks: short texts that every recall gives, with their history."""


_BLOCK = Noun(
    path="memory/blocks",
    heads=("name", "scope", "version", "changed", "text"),
    row=lambda one: (one["name"], _scope_of(one), str(one["version"]), date(one["changed_at"]), _cut(one["text"])),
    extent="page",
    none="There are no core blocks; make one with `omnicore memory blocks set NAME TEXT`.",
)
_BLOCK_VERSION = Noun(
    path="memory/blocks/{block}/versions",
    heads=("version", "changed", "by", "text"),
    row=lambda one: (str(one["version"]), date(one["changed_at"]), one["changed_by"], _cut(one["text"])),
)
blocks.add_command(listing(_BLOCK))
blocks.add_command(showing(_BLOCK))
blocks.add_command(removal(_BLOCK, words="Remove a core block and its history."))
blocks.add_command(listing(_BLOCK_VERSION, "versions", words="List the texts of a core block, the newest first."))


@blocks.command(name="set")
@click.argument("name")
@click.argument("text")
@click.option("--version", "version_", type=click.IntRange(0), default=0, help="The version that you change.")
@_scoped
@_OWNER
@host_folders
@pass_shell
def set_block(shell: Shell, /, name: str, text: str, *, version_: int, owner: str, **scope: str | None) -> None:
    """Make the block NAME say TEXT, or standard input if it is `-`. To change one, name the version that you read."""
    words = sys.stdin.read() if text == "-" else text
    _write_block(shell, name, {"text": words, "version": version_}, owner, scope)


@blocks.command()
@click.argument("name")
@click.argument("earlier", metavar="EARLIER", type=click.IntRange(1))
@click.option("--version", "version_", type=click.IntRange(1), required=True, help="The version that you change.")
@_scoped
@_OWNER
@host_folders
@pass_shell
def restore(shell: Shell, /, name: str, earlier: int, *, version_: int, owner: str, **scope: str | None) -> None:
    """Give the block NAME the text of its version EARLIER again, as a new version."""
    _write_block(shell, name, {"restore": earlier, "version": version_}, owner, scope)


def _write_block(shell: Shell, name: str, order: Document, owner: str, scope: Document) -> None:
    output = Output(shell)
    with connected(shell, output) as client:
        block = client.ask("PUT", "memory", "blocks", name, body=order, owner=owner, **scope)
    output.done(f"{name} is at version {block['version']}", block)


memory.add_command(listing(_MEMORY))
memory.add_command(showing(_MEMORY))
memory.add_command(removal(_MEMORY))


@memory.command()
@click.argument("text")
@click.option("--tier", "tiers", type=_TIER, multiple=True, help="Only these; repeatable.")
@click.option("-n", "--limit", type=click.IntRange(1, 100), default=10, show_default=True, help="Most memories.")
@click.option(
    "--min-score", type=FiniteRange(0, 1), default=0.0, help="Only memories that answer with this probability."
)
@click.option("--budget", type=click.IntRange(1), help="Most characters of all texts, core blocks first.")
@click.option("--explain", is_flag=True, help="Show the signals behind each score and rank.")
@click.option("--as-of", metavar="TIME", help="As if nothing had been said since, such as 2026-05-03.")
@_FILTER
@_scoped
@_OWNER
@host_folders
@pass_shell
def recall(
    shell: Shell,
    /,
    text: str,
    *,
    tiers: tuple[str, ...],
    limit: int,
    min_score: float,
    budget: int | None,
    explain: bool,
    as_of: str | None,
    filter_: str | None,
    owner: str,
    **scope: str | None,
) -> None:
    """Find the memories that fit TEXT best, by meaning and by words. It does not count as a use."""
    output = Output(shell)
    asked: Document = {
        "text": text,
        "tiers": list(tiers) or None,
        "limit": limit,
        "touch": False,
        "min_score": min_score,
        "budget": budget,
    }
    asked |= {} if as_of is None else {"as_of": moment(as_of, "--as-of")}
    asked |= _filter(filter_) | _names(scope)
    with connected(shell, output) as client:
        found = client.ask("POST", "memory", "recall", body=asked, owner=owner)
    if output.is_json:
        output.document(found)
        return
    heads = ("score", "tier", "id", "text", *(("explain",) if explain else ()))
    output.rows(heads, [(*_row(item), *((_parts(item),) if explain else ())) for item in found["items"]])
    for block in found["blocks"]:
        output.say(f"{block['name']}: {block['text']}")
    for fact in found["facts"]:
        output.say(f"{fact['attribute']} of {fact['subject']}: {fact['value']}, since {date(fact['since'])}")
    for note in found["notes"]:
        output.say(note)


@memory.command()
@click.argument("text")
@click.option("--tier", type=_TIER, default=MemoryTier.Episodic.value, show_default=True)
@click.option("--importance", type=FiniteRange(0, 1), help="Default: judged by the text.")
@click.option("--metadata", default="{}", metavar="JSON", help="An object; `session` and `speaker` help recall.")
@click.option("--source", help="The origin of the text.")
@click.option("--pin", is_flag=True, help="Keep it forever.")
@click.option("--said-at", metavar="TIME", help="When it was said, such as 2026-05-03 or 2026-05-03T14:00+02:00.")
@_scoped
@_OWNER
@host_folders
@pass_shell
def store(
    shell: Shell,
    /,
    text: str,
    *,
    tier: str,
    importance: float | None,
    metadata: str,
    source: str | None,
    pin: bool,
    said_at: str | None,
    owner: str,
    **scope: str | None,
) -> None:
    """Store TEXT, or standard input if it is `-`."""
    output = Output(shell)
    words = sys.stdin.read() if text == "-" else text
    about = json_object(metadata, "--metadata", example='{"speaker": "Ann"}')
    order = {"text": words, "tier": tier, "importance": importance, "metadata": about, "pinned": pin}
    order |= {} if said_at is None else {"said_at": moment(said_at, "--said-at")}
    order |= _names(scope)
    with connected(shell, output) as client:
        item = client.ask("POST", "memory", body={**order, "source": source or ""}, owner=owner)["id"]
    output.done(f"Remembered as {item}", {"id": item, "tier": tier, "owner": owner})


@memory.command()
@click.argument("memory_id", metavar="[ID]", required=False)
@_FILTER
@_scoped
@_OWNER
@host_folders
@pass_shell
def forget(shell: Shell, /, memory_id: str | None, *, filter_: str | None, owner: str, **scope: str | None) -> None:
    """Erase a memory, or all of a user, an agent, a session or an app, with all that was made of them."""
    output = Output(shell)
    if memory_id is not None:
        with connected(shell, output) as client:
            gone = client.ask("DELETE", "memory", memory_id)
        others = _others(len(gone["forgotten"]) - 1)
        output.done(f"{memory_id} is forgotten{others}", {"memory": memory_id, **gone})
        return
    order = _filter(filter_) | _names(scope)
    if not order:
        raise click.UsageError("Name a memory, or whose memories go: --user, --agent, --session, --app or --filter")
    with connected(shell, output) as client:
        found = client.ask("POST", "memory", "forget", body=order, owner=owner)
    words = f"{found['memories']} memories, {found['facts']} other facts and {found['blocks']} core blocks"
    output.done(f"Erased {words}", found)


@memory.command()
@click.argument("about", required=False)
@_scoped
@_OWNER
@host_folders
@pass_shell
def facts(shell: Shell, /, about: str | None, *, owner: str, **scope: str | None) -> None:
    """List what is known of ABOUT, such as `Ada`, as it came about; `@me` is whoever spoke."""
    output = Output(shell)
    with connected(shell, output) as client:
        found = client.get("memory", "facts", owner=owner, about=about, **scope)
    if output.is_json:
        output.document(found)
        return
    output.rows(
        ("about", "attribute", "value", "since", "until", "id"),
        [
            (
                *(fact[name] for name in ("subject", "attribute", "value")),
                date(fact["since"]),
                date(fact["until"]),
                fact["id"],
            )
            for fact in found["items"]
        ],
    )


@memory.command()
@click.argument("name")
@_scoped
@_OWNER
@host_folders
@pass_shell
def about(shell: Shell, /, name: str, *, owner: str, **scope: str | None) -> None:
    """Show all that is known of NAME, such as `Ada`: facts and memories that mention it, the oldest first."""
    output = Output(shell)
    with connected(shell, output) as client:
        found = client.get("memory", "entities", name, owner=owner, **scope)
    if output.is_json:
        output.document(found)
        return
    told = [
        (fact["since"], f"{fact['attribute']}: {fact['value']}{_until(fact)}", fact["id"]) for fact in found["facts"]
    ]
    told += [(item["created_at"], _row(item)[-1], item["id"]) for item in found["memories"]]
    output.rows(("since", "known", "id"), [(date(at), words, one) for at, words, one in sorted(told)])


def _until(fact: Document) -> str:
    return "" if fact["until"] is None else f" (until {date(fact['until'])})"


@memory.command()
@click.argument("about")
@click.argument("attribute")
@click.argument("value")
@click.option("--since", metavar="TIME", help="From when on it holds, such as 2026-05-03; default: now.")
@click.option("--ends", is_flag=True, help="The value holds no more since then.")
@_scoped
@_OWNER
@host_folders
@pass_shell
def fact(
    shell: Shell,
    /,
    *,
    about: str,
    attribute: str,
    value: str,
    since: str | None,
    ends: bool,
    owner: str,
    **scope: str | None,
) -> None:
    """State a fact: `omnicore memory fact Ada home Paris --since 2024-03-01`."""
    output = Output(shell)
    order = {"about": about, "attribute": attribute, "value": value, "ends": ends}
    order |= {} if since is None else {"since": moment(since, "--since")}
    order |= _names(scope)
    with connected(shell, output) as client:
        found = client.ask("POST", "memory", "facts", body=order, owner=owner)
    output.done(f"Stated as {found['id']}", found)


@memory.command()
@click.argument("memory_id", metavar="ID")
@host_folders
@pass_shell
def approve(shell: Shell, memory_id: str) -> None:
    """Release a memory from quarantine, so that it is recalled."""
    output = Output(shell)
    with connected(shell, output) as client:
        found = client.ask("POST", "memory", memory_id, body={"approved": True})
    found.pop("edges", None)
    output.done(f"{memory_id} is recalled from now on", found)


@memory.command()
@click.option("--owner", help="Only a plugin's, or those of @host or @shared.")
@host_folders
@pass_shell
def stats(shell: Shell, owner: str | None) -> None:
    """Count memories by tier and by owner."""
    output = Output(shell)
    with connected(shell, output) as client:
        found = client.get("memory", "stats", owner=owner)
    if output.is_json:
        output.document(found)
        return
    output.rows(("tier", "memories"), [(tier, f"{count:,}") for tier, count in found["by_tier"].items() if count])
    output.rows(("owner", "memories"), [(name, f"{count:,}") for name, count in found["by_owner"].items()])
    output.say(f"{found['items']:,} memories, {found['bytes']:,} bytes, {found['quarantined']} in quarantine.")
    if found["unread"]:
        output.say(f"{found['unread']:,} memories are still to be read for facts; the host does so while it runs.")
    for problem in found["problems"]:
        output.say(problem)


@memory.command()
@common
@pass_shell
def tiers(shell: Shell) -> None:
    """List the twelve tiers with their purposes, writers and lifetimes."""
    output = Output(shell)
    policies = list(TIER_POLICIES.values())
    if output.is_json:
        output.document([policy.to_json() for policy in policies])
        return
    output.rows(
        ("group", "tier", "purpose", "writer", "keeps", "moves on to"),
        [
            (policy.group, policy.tier, policy.purpose, policy.writer, _span(policy.ttl_s), policy.promote_to or "")
            for policy in policies
        ],
    )


@memory.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--name", help="Name of the pack; default: the owner's.")
@click.option("--version", "version_", default="1", show_default=True, help="Version of the pack.")
@click.option("--tier", "tiers", type=_TIER, multiple=True, help="Only these; repeatable.")
@_scoped
@_OWNER
@host_folders
@pass_shell
def export(
    shell: Shell,
    /,
    file: Path,
    *,
    name: str | None,
    version_: str,
    tiers: tuple[str, ...],
    owner: str,
    **scope: str | None,
) -> None:
    """Write an owner's memories to FILE, JSON lines with a hash at the end."""
    output = Output(shell)
    asked: dict[str, Any] = {"owner": owner, "name": name, "version": version_, "tier": tiers or None, **scope}
    with connected(shell, output) as client:
        pack = client.send("GET", "memory", "pack", **asked).body
    try:
        file.write_bytes(pack)
    except OSError as error:
        raise storage_failed(error, str(file)) from error
    count = pack.count(b"\n") - 2  # without head and foot
    output.done(f"Wrote {count} memories to {file}", {"file": str(file), "memories": count})


@memory.command(name="import")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option("--tier", type=_TIER, help="The tier for all of them, such as planetary; default: the tier of each.")
@_OWNER
@host_folders
@pass_shell
def import_(shell: Shell, file: Path, *, tier: str | None, owner: str) -> None:
    """Import FILE, whose hash is checked first. In the planetary tier a new version replaces the old one."""
    output = Output(shell)
    media = {"content-type": "application/jsonl"}
    found: Document = {"memories": 0, "replaced": 0}
    with file.open("rb") as pack, connected(shell, output) as client:
        # A request has a largest body, a pack has none: it goes in as smaller packs of the same name and version.
        for part in optional("omnicore.memory.service").parts_of(pack, most_bytes=_PACK_BYTES):
            came = json.loads(
                client.send("POST", "memory", "pack", data=part, headers=media, owner=owner, tier=tier).body
            )
            found = {**came, **{count: came[count] + found[count] for count in ("memories", "replaced")}}
    gone = f", {found['replaced']} of older versions are gone" if found["replaced"] else ""
    output.done(f"{found['pack']} {found['version']}: {found['memories']} memories{gone}", found)


@memory.command()
@host_folders
@pass_shell
def consolidate(shell: Shell) -> None:
    """Promote useful memories, merge related ones and remove expired ones."""
    output = Output(shell)
    with connected(shell, output) as client:
        done = client.ask("POST", "memory", "consolidate")
    moved = ", ".join(f"{one['count']} from {one['from_tier']} to {one['to_tier']}" for one in done["moved"])
    output.done(f"Moved {moved or 'nothing'}; {done['expired']} expired", done)


def _others(count: int) -> str:
    return f", and {count} that said the same or were made of it" if count else ""


def _row(item: Document) -> tuple[str, ...]:
    return (f"{item.get('score') or 0:.3f}", item["tier"], item["id"], _cut(item["text"]))


def _cut(text: str) -> str:
    return text if len(text) <= _TEXT_SHOWN else f"{text[:_TEXT_SHOWN]}..."


def _scope_of(block: Document) -> str:
    return " ".join(f"{name}={block[name]}" for name in _SCOPE if block[name] is not None)


def _parts(item: dict[str, Any]) -> str:
    return " ".join(f"{name}={value:.3f}" for name, value in item["explain"].items())


def _span(seconds: float | None) -> str:
    if seconds is None:
        return "for ever"
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds > size:
            return f"{seconds / size:g} {unit}"
    return f"{seconds:g} s"
