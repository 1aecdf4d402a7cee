"""`omnicore audit`: the record of changes, its check, and the record as a file."""

from __future__ import annotations

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


_HEADS = ("seq", "at", "actor", "via", "from", "action", "target", "outcome")
_BATCH = 1000


def _row(row: Document) -> tuple[str, ...]:
    shown = {**row, "at": date(row["at"])}
    return tuple(str(shown[head]) for head in _HEADS)


_ROW = Noun(path="audit", heads=_HEADS, row=_row, extent="page", page=50, folder=False)


@click.group(cls=Group)
@common
def audit() -> None:
    """Read and verify the record of changes: who did what, when and from where."""


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
