"""`omnicore audit`: who changed what, whether the record is whole, and the record as a file."""

from __future__ import annotations

import json
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from omnicore.access.audit import Verdict, verify
from omnicore.api.audit import find_rows
from omnicore.audit import audit_trail
from omnicore.cli.client import command_name, loaded
from omnicore.cli.local import at_terminal, stored
from omnicore.cli.options import Exit, Group, Shell, common, host_folders, pass_shell
from omnicore.cli.output import Output
from omnicore.clock import SystemClock
from omnicore.storage.store import storage_failed
from omnicore.storage.tables.audit import Anchor, AuditRow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from omnicore.access.audit import AuditTrail

__all__ = ["audit"]


_HEADS = ("seq", "at", "actor", "via", "from", "action", "target", "outcome")
_BATCH = 1000


@click.group(cls=Group)
@common
def audit() -> None:
    """Look at the record of changes: who did what, when, from where, and whether a row is missing."""


@audit.command()
@click.option("-n", "--limit", type=click.IntRange(1, 500), default=50, show_default=True)
@click.option("--cursor", type=click.IntRange(1), help="Go on where the page before ended.")
@click.option("--actor", help="Only what this one did.")
@click.option("--action", help="Only this operation or command, such as `giveGrant` or `plugins grant`.")
@click.option("--target", help="Only what was about this, such as plugin:text.")
@host_folders
@pass_shell
def ls(shell: Shell, /, *, limit: int, cursor: int | None, **filters: str | None) -> None:
    """List changes, newest first."""
    output = Output(shell)
    wanted = {name: text for name, text in filters.items() if text is not None}
    with _trail(shell) as trail:
        rows, following = find_rows(trail, wanted, cursor, limit)
    if output.is_json:
        output.document({"items": [row.to_json() for row in rows], "next": following})
        return
    output.rows(_HEADS, [_cells(row) for row in rows])
    if following is not None:
        output.say(f"There are more: add --cursor {following}")


@audit.command(name="verify")
@click.option("--noted", metavar="SEQ:HASH", help="A row that was noted elsewhere; it must be there.")
@click.option("--accept", is_flag=True, help="Sign the end of the chain off as it is, which leaves a row.")
@host_folders
@click.pass_context
@pass_shell
def verify_(shell: Shell, ctx: click.Context, *, noted: str | None, accept: bool) -> None:
    """Recompute the chain from its first row to its last. Exit code 1 when a row is altered or missing.

    Note the row that it ends with somewhere else: who can write both the database and the data folder could make a
    whole new chain, but not one that holds that row.
    """
    output = Output(shell)
    anchor = _noted(noted)
    with _trail(shell) as trail, _counting(output, "Checking the record", trail) as told:
        if accept:
            trail.accept(**at_terminal(), action=command_name())
        verdict = verify(trail, noted=anchor, go_on=told)
    if output.is_json:
        output.document(verdict.to_json())
    else:
        output.line(_said(verdict))
    if not verdict.ok:
        ctx.exit(Exit.FAILURE)


@audit.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True), default="-")
@click.option("--after", type=click.IntRange(0), default=0, show_default=True, help="Only rows after this one.")
@host_folders
@pass_shell
def export(shell: Shell, file: Path, *, after: int) -> None:
    """Write the record to FILE, or to standard output: a JSON object on each line, oldest first."""
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
    settings = loaded(shell).settings
    with stored(settings) as store:
        yield audit_trail(settings, store, clock=SystemClock())


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


def _cells(row: AuditRow) -> list[str]:
    shown: dict[str, Any] = row.to_json()
    shown["at"] = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(row.at))
    return [str(shown[head]) for head in _HEADS]


def _said(verdict: Verdict) -> str:
    if verdict.ok:
        return f"{verdict.rows} rows are whole; the last one is {verdict.last.seq}:{verdict.last.hash}"
    return f"The record is broken: {verdict.reason}."


def _noted(text: str | None) -> Anchor | None:
    if text is None:
        return None
    seq, colon, digest = text.partition(":")
    if not colon or not seq.isascii() or not seq.isdigit() or len(seq) > 15:
        raise click.BadParameter(f"{text} is no SEQ:HASH", param_hint="--noted")
    return Anchor(int(seq), digest)
