"""`omnicore db info|check`: looking, without changing anything."""

from __future__ import annotations

from dataclasses import asdict

import click

from omnicore.cli.options import Shell, host_folders, pass_shell
from omnicore.cli.output import Output
from omnicore.cli.session import loaded
from omnicore.cli.stored import stored
from omnicore.storage.inspection import describe

__all__ = ["check", "info"]


@click.command()
@host_folders
@pass_shell
def info(shell: Shell) -> None:
    """Show where the database is, how large, and what it holds."""
    output = Output(shell)
    with stored(loaded(shell).settings) as store:
        found = describe(store)
    if output.is_json:
        output.document(asdict(found))
        return
    output.rows(
        ("database", found.place),
        [("dialect", found.dialect), ("bytes", f"{found.size:,}"), ("migrations", str(found.step))],
    )
    output.rows(("table", "rows"), [(name, f"{count:,}") for name, count in found.rows.items()])


@click.command()
@host_folders
@pass_shell
def check(shell: Shell) -> None:
    """Read the whole database and say whether anything in it is damaged. A server may run meanwhile."""
    output = Output(shell)
    with stored(loaded(shell).settings) as store:
        store.check()
        place = store.place
    output.done(f"{place} has no damage.", {"place": place, "damaged": False})
