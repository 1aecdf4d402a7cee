"""`omnicore memory`: recall, store and forget what plugins remember, and move it as files."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from omnicore.cli.client import connected
from omnicore.cli.local import opened
from omnicore.cli.options import Group, Shell, common, host_folders, pass_shell
from omnicore.cli.output import Output
from omnicore.errors import InvalidInput
from omnicore.memory.memories import HOST
from omnicore.memory.service import export_pack, import_pack
from omnicore.memory.tiers import TIER_POLICIES, TIERS, MemoryTier

if TYPE_CHECKING:
    pass

_TIER = click.Choice(TIERS)
_OWNER = click.option("--owner", default=HOST, show_default=True, help="A plugin, or @host for the host's own.")
_TEXT_SHOWN = 200


@click.group(cls=Group)
@common
def memory() -> None:
    """Recall, store and forget what plugins and the host remember."""


@memory.command()
@click.argument("text")
@click.option("--tier", "tiers", type=_TIER, multiple=True, help="Only these; repeatable.")
@click.option("-n", "--limit", type=click.IntRange(1, 100), default=10, show_default=True)
@click.option("--explain", is_flag=True, help="Show what each score is made of.")
@_OWNER
@host_folders
@pass_shell
def recall(shell: Shell, text: str, *, tiers: tuple[str, ...], limit: int, explain: bool, owner: str) -> None:
    """Find what fits TEXT best, by meaning and by words. It does not count as a use."""
    output = Output(shell)
    asked = {"text": text, "tiers": list(tiers) or None, "limit": limit, "touch": False}
    with connected(shell, output) as client:
        found = client.ask("POST", "memory", "recall", body=asked, owner=owner)
    if output.is_json:
        output.document(found)
        return
    heads = ("score", "tier", "id", "text", *(("explain",) if explain else ()))
    output.rows(heads, [(*_row(item), *((_parts(item),) if explain else ())) for item in found["items"]])
    for note in found["notes"]:
        output.say(note)


@memory.command()
@click.argument("text")
@click.option("--tier", type=_TIER, default=MemoryTier.Episodic.value, show_default=True)
@click.option("--importance", type=click.FloatRange(0, 1), help="Judged by the text when left out.")
@click.option("--metadata", default="{}", metavar="JSON", help="An object; `session` and `speaker` help recall.")
@click.option("--source", help="Where it comes from.")
@click.option("--pin", is_flag=True, help="Keep it for ever.")
@_OWNER
@host_folders
@pass_shell
def store(
    shell: Shell,
    text: str,
    *,
    tier: str,
    importance: float | None,
    metadata: str,
    source: str | None,
    pin: bool,
    owner: str,
) -> None:
    """Remember TEXT, or standard input when it is `-`."""
    output = Output(shell)
    words = sys.stdin.read() if text == "-" else text
    about = _object(metadata)
    order = {"text": words, "tier": tier, "importance": importance, "metadata": about, "pinned": pin}
    with connected(shell, output) as client:
        item = client.ask("POST", "memory", body={**order, "source": source or ""}, owner=owner)["id"]
    output.done(f"Remembered as {item}", {"id": item, "tier": tier, "owner": owner})


@memory.command()
@click.argument("memory_id", metavar="ID")
@host_folders
@pass_shell
def show(shell: Shell, memory_id: str) -> None:
    """Show one memory, where it comes from and what was made of it."""
    output = Output(shell)
    with connected(shell, output) as client:
        found = client.get("memory", memory_id)
    edges = [[edge["from"], edge["relation"], edge["to"], edge["note"]] for edge in found.pop("edges")]
    if output.is_json:
        output.document({**found, "edges": edges})
        return
    rows = [(key, value if isinstance(value, str) else json.dumps(value)) for key, value in found.items()]
    output.rows(("memory", memory_id), [*rows, *((relation, f"{one} -> {two}") for one, relation, two, _ in edges)])


@memory.command()
@click.argument("memory_id", metavar="ID")
@host_folders
@pass_shell
def forget(shell: Shell, memory_id: str) -> None:
    """Erase a memory."""
    output = Output(shell)
    with connected(shell, output) as client:
        client.ask("DELETE", "memory", memory_id)
    output.done(f"Forgot {memory_id}", {"forgotten": memory_id})


@memory.command()
@click.argument("memory_id", metavar="ID")
@host_folders
@pass_shell
def approve(shell: Shell, memory_id: str) -> None:
    """Let a memory that waits in quarantine be recalled."""
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
    """Show how much is remembered, by tier and by owner."""
    output = Output(shell)
    with connected(shell, output) as client:
        found = client.get("memory", "stats", owner=owner)
    if output.is_json:
        output.document(found)
        return
    output.rows(("tier", "memories"), [(tier, f"{count:,}") for tier, count in found["by_tier"].items() if count])
    output.rows(("owner", "memories"), [(name, f"{count:,}") for name, count in found["by_owner"].items()])
    output.say(f"{found['items']:,} memories, {found['bytes']:,} bytes, {found['quarantined']} in quarantine.")
    for problem in found["problems"]:
        output.say(problem)


@memory.command()
@common
@pass_shell
def tiers(shell: Shell) -> None:
    """List the twelve tiers: what they are for, who writes them, how long they keep."""
    output = Output(shell)
    policies = list(TIER_POLICIES.values())
    if output.is_json:
        output.document([asdict(policy) for policy in policies])
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
@click.option("--name", help="Of the pack; the owner's when left out.")
@click.option("--version", "version_", default="1", show_default=True, help="Of the pack.")
@click.option("--tier", "tiers", type=_TIER, multiple=True, help="Only these; repeatable.")
@_OWNER
@host_folders
@pass_shell
def export(shell: Shell, file: Path, *, name: str | None, version_: str, tiers: tuple[str, ...], owner: str) -> None:
    """Write an owner's memories to FILE, JSON lines with a hash at the end."""
    output = Output(shell)
    with opened(shell, output) as host, file.open("wb") as pack:
        count = export_pack(
            host.memory.memories, pack, owner=owner, name=name or owner, version=version_, tiers=tiers or None
        )
    output.done(f"Wrote {count} memories to {file}", {"file": str(file), "memories": count})


@memory.command(name="import")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option("--tier", type=_TIER, help="Where all of it goes, such as planetary; each memory's own when left out.")
@_OWNER
@host_folders
@pass_shell
def import_(shell: Shell, file: Path, *, tier: str | None, owner: str) -> None:
    """Take in FILE, whose hash is checked first. In the planetary tier a new version takes the old one's place."""
    output = Output(shell)
    with opened(shell, output) as host, file.open("rb") as pack:
        found = import_pack(host.memory.memories, pack, owner=owner, tier=tier)
    gone = f", {found.replaced} of older versions are gone" if found.replaced else ""
    output.done(f"{found.pack} {found.version}: {found.memories} memories{gone}", asdict(found))


@memory.command()
@host_folders
@pass_shell
def consolidate(shell: Shell) -> None:
    """Move on what proved worth it, make knowledge of what belongs together, and sweep what is over."""
    output = Output(shell)
    with connected(shell, output) as client:
        done = client.ask("POST", "memory", "consolidate")
    moved = ", ".join(f"{one['count']} from {one['from_tier']} to {one['to_tier']}" for one in done["moved"])
    output.done(f"Moved {moved or 'nothing'}; {done['expired']} expired", done)


def _row(item: dict[str, Any]) -> tuple[str, ...]:
    text = item["text"] if len(item["text"]) <= _TEXT_SHOWN else f"{item['text'][:_TEXT_SHOWN]}..."
    return (f"{item['score'] or 0:.3f}", item["tier"], item["id"], text)


def _parts(item: dict[str, Any]) -> str:
    return " ".join(f"{name}={value:.3f}" for name, value in item["explain"].items())


def _span(seconds: float | None) -> str:
    if seconds is None:
        return "for ever"
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds > size:
            return f"{seconds / size:g} {unit}"
    return f"{seconds:g} s"


def _object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(
            f"--metadata is no JSON: {error}", remedy='give an object, such as {"speaker": "Ann"}'
        ) from error
    if not isinstance(found, dict):
        raise InvalidInput("--metadata is no object", remedy='give one, such as {"speaker": "Ann"}')
    return found
