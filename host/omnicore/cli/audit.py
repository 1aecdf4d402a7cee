"""`omnicore audit`: the record of changes, its check, and the record as a file; known faults of installed plugins."""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from omnicore.cli.client import Client, command_name, connected, loaded
from omnicore.cli.nouns import Document, Noun, listing
from omnicore.cli.options import Exit, Group, Shell, common, host_folders, pass_shell
from omnicore.cli.output import Output, date
from omnicore.optional import optional
from omnicore.storage.store import storage_failed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from omnicore.access.audit import AuditTrail
    from omnicore.packages.trust import Publishers


_HEADS = ("seq", "at", "actor", "via", "from", "action", "target", "outcome")
_BATCH = 1000


def _row(row: Document) -> tuple[str, ...]:
    shown = {**row, "at": date(row["at"])}
    return tuple(str(shown[head]) for head in _HEADS)


_ROW = Noun(path="audit", heads=_HEADS, row=_row, extent="page", page=50, folder=False)


@click.group(cls=Group)
@common
def audit() -> None:
    """Read and verify the record of changes: who did what, when and from where; and look at what is installed."""


audit.add_command(listing(_ROW, words="List changes, newest first."))


@audit.command(name="verify")
@click.option("--noted", metavar="SEQ:HASH", help="A row that was noted elsewhere and must be there.")
@click.option("--accept", is_flag=True, help="Sign the end of the chain as it is, which leaves a row.")
@host_folders
@click.pass_context
@pass_shell
def verify_(shell: Shell, ctx: click.Context, *, noted: str | None, accept: bool) -> None:
    """Recompute the chain from its first row to its last. Exit code 1 if a row was altered or is missing.

    Note the last row in another place: whoever can write both the database and the data folder could make a whole
    new chain, but not one that holds that row.
    """
    output = Output(shell)
    row = _noted(noted)
    if accept:
        # The signature is that of whoever owns the data folder, so no request can ask for it.
        local = optional("omnicore.cli.local")
        with _trail(shell) as trail:
            trail.accept(**local.at_terminal(), action=command_name())
    with connected(shell, output, folder=False) as client, output.waiting("Checking the record"):
        verdict = _verdict(client, row)
    if output.is_json:
        output.document(verdict)
    elif verdict["ok"]:
        last = verdict["last"]
        output.line(f"{verdict['rows']} rows are intact; the last one is {last['seq']}:{last['hash']}")
    else:
        output.line(f"The record is broken: {verdict['reason']}.")
    if not verdict["ok"]:
        ctx.exit(Exit.FAILURE)


def _verdict(client: Client, noted: Document | None) -> Document:
    """The verdict on the whole chain, which is checked in parts: each request has a limited time."""
    rows, after = 0, 0
    while True:
        part: Document = client.ask("POST", "audit", "verify", body={"after": after, "noted": noted})
        rows += part["rows"]
        if part["complete"] or not part["ok"]:
            return {**part, "rows": rows}
        after = part["last"]["seq"]


@audit.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True), default="-")
@click.option("--after", type=click.IntRange(0), default=0, show_default=True, help="Only rows after this one.")
@host_folders
@pass_shell
def export(shell: Shell, file: Path, *, after: int) -> None:
    """Write the record to FILE, or to standard output: a JSON object on each line, oldest first."""
    # It is read as `db backup` reads: whole, oldest first and for as long as it takes, which no request may.
    output = Output(shell)
    with _trail(shell) as trail, _counting(output, "Writing the record", trail) as told:
        if str(file) == "-":
            _write(trail, sys.stdout, after, told)
            return
        try:
            with file.open("w", encoding="utf-8") as stream:
                count = _write(trail, stream, after, told)
        except OSError as error:
            raise storage_failed(error, str(file)) from error
    output.done(f"Wrote {count} rows to {file}", {"file": str(file), "rows": count})


@audit.command(name="plugins")
@click.option("--offline", is_flag=True, help="Ask no index for advisories.")
@host_folders
@click.pass_context
@pass_shell
def plugins_(shell: Shell, ctx: click.Context, *, offline: bool) -> None:
    """Tell which installed versions are revoked or vulnerable. Exit code 1 if there are any.

    A version is revoked when its publisher's key was, or when an index of trust.indexes has taken it back; an index
    tells of known faults too. `omnicore doctor` tells of those of the engines.
    """
    output, signing, index = Output(shell), optional("omnicore.cli.keys"), optional("omnicore.cli.index")
    with connected(shell, output) as client:
        installed = list(client.pages("plugins"))
    with signing.publishers(shell) as known:
        found = list(_revoked(installed, known))
    notes: list[str] = []
    if not offline:
        with output.waiting("Reading the indexes"):
            advised, notes = asyncio.run(index.advised(shell, {one["name"]: one["version"] for one in installed}))
        found += advised
    if output.is_json:
        output.document({"plugins": len(installed), "findings": found, "problems": notes})
    else:
        heads = ("plugin", "version", "finding", "severity", "summary")
        output.rows(heads, [tuple(one[head] for head in heads) for one in found])
        for note in notes:
            output.say(f"warning: {note}", "yellow")
        if not found:
            output.say(f"Nothing is known against any installed plugin ({len(installed)} looked at).")
    if found or notes:
        ctx.exit(Exit.FAILURE)


def _revoked(installed: list[Document], known: Publishers | None) -> Iterator[Document]:
    """The installed versions whose signatures no longer count."""
    here = {(one["name"], digest): one for one in installed for digest in (one["hash"], one["serving"]) if digest}
    for row in known.table.versions() if known is not None else ():
        if (row.plugin, row.hash) in here and (lost := known.lost(row) if known is not None else ""):
            yield {
                "plugin": row.plugin,
                "version": row.version,
                "finding": "revoked",
                "severity": "high",
                "summary": lost,
            }


@contextmanager
def _trail(shell: Shell) -> Iterator[AuditTrail]:
    local = optional("omnicore.cli.local")
    settings = loaded(shell).settings
    with local.stored(settings) as store:
        yield local.audit_trail(settings, store, clock=local.SystemClock())


@contextmanager
def _counting(output: Output, text: str, trail: AuditTrail) -> Iterator[Callable[[int], bool]]:
    """Shows how far it is, on a terminal only."""
    if not output.errors_to_terminal or output.is_json:
        yield lambda _rows: True
        return
    total = trail.table.anchor("head").seq - trail.table.anchor("base").seq
    with output.working(text) as show:

        def told(rows: int) -> bool:
            show(f"{rows:,} of {total:,} rows")
            return True

        yield told


def _write(trail: AuditTrail, stream: IO[str], after: int, told: Callable[[int], bool]) -> int:
    count = 0
    while rows := trail.table.after(after, _BATCH):
        for row in rows:
            stream.write(json.dumps(row.to_json(), sort_keys=True) + "\n")
        after, count = rows[-1].seq, count + len(rows)
        told(count)
    return count


def _noted(text: str | None) -> Document | None:
    if text is None:
        return None
    seq, colon, digest = text.partition(":")
    if not colon or not seq.isascii() or not seq.isdigit() or len(seq) > 15:
        raise click.BadParameter(f"{text} is not SEQ:HASH", param_hint="--noted")
    return {"seq": int(seq), "hash": digest}
