"""`omnicore db`: the database of a data folder, without a host.

`omnicore db backup|restore`: one file that holds all, and back.

`omnicore db info|check`: looking, without changing anything.

`omnicore import`: the state of another data folder, taken over once.
"""

from __future__ import annotations

import os
import time
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from omnicore.cli.client import loaded
from omnicore.cli.local import restored, stored
from omnicore.cli.options import Exit, Group, Lazy, Shell, common, host_folders, pass_shell
from omnicore.cli.output import Output
from omnicore.clock import SystemClock
from omnicore.errors import Conflict
from omnicore.files import check_own, own_folder, write_whole
from omnicore.restore import put_back
from omnicore.storage.archive import describe
from omnicore.storage.backup import COUNTED, OldState, holds_data, opened_state, refuse_filled, take_modules
from omnicore.storage.backup import backup as make_backup
from omnicore.storage.database import DATABASE, open_store

if TYPE_CHECKING:
    from collections.abc import Mapping

    from omnicore.config.settings import Settings


_AT = "omnicore.cli.db"
COMMANDS: Mapping[str, Lazy] = {
    "info": Lazy(_AT, "info", "Show where the database is, how large, and what it holds."),
    "check": Lazy(_AT, "check", "Read the whole database and look for damage."),
    "backup": Lazy(_AT, "backup", "Write all that the host keeps to a file."),
    "restore": Lazy(_AT, "restore", "Put a backup in the place of the database."),
}


@click.command(cls=Group, table=COMMANDS)
@common
def db() -> None:
    """Look at the database, check it, back it up and restore it."""


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), required=False)
@host_folders
@pass_shell
def backup(shell: Shell, file: Path | None) -> None:
    """Write all that the host keeps to FILE, while a server may run.

    It holds the database and the modules that it serves, and can be restored into SQLite and PostgreSQL alike. The
    plugin folder, the settings and the vault's master key are not in it: keep them too.
    """
    output = Output(shell)
    settings = loaded(shell).settings
    target = file or Path(time.strftime("omnicore-%Y%m%d-%H%M%S.backup"))
    with stored(settings) as store:
        contents = make_backup(store, settings.data, target, clock=SystemClock())
    document = {"file": str(target), "bytes": target.stat().st_size, "files": len(contents.files)}
    output.done(f"{target} holds the database and {len(contents.files) - 1} modules.", document)


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@host_folders
@pass_shell
def restore(shell: Shell, file: Path) -> None:
    """Put a backup in the place of the database. Stop the server first; what was there is kept.

    The backup is checked before anything is changed.
    """
    output = Output(shell)
    settings = loaded(shell).settings
    contents, kept = put_back(file, settings, clock=SystemClock())
    restored(settings, file)
    made = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(contents.made_at))
    document: dict[str, Any] = {"file": str(file), "made_at": contents.made_at, "kept": kept and str(kept)}
    output.done(f"The database is that of {made}." + (f" What it was before is in {kept}." if kept else ""), document)
    if settings.storage.url is not None:
        output.say(
            "On other machines that use it, remove `memory` and `vectors` from the data folder before they start."
        )


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


@click.command(name="import")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@host_folders
@click.pass_context
@pass_shell
def import_(shell: Shell, ctx: click.Context, folder: Path, *, yes: bool) -> None:
    """Take over the state in FOLDER, such as ./.omnicore of an earlier version.

    Copies the database, the kept versions of plugins, the vault's master key and what the console has set; compiled
    code and its key stay behind. Everything in it counts from then on: its grants let plugins in, its users log in. Do
    it with your own state only, never with what came with a clone.
    """
    output = Output(shell)
    settings = loaded(shell).settings
    if not yes and not output.errors_to_terminal:
        raise click.UsageError("Nobody is there to ask; add --yes to take it over")
    _refuse_same(folder, settings.data)
    own_folder(settings.data)
    with opened_state(folder, clock=SystemClock(), beside=settings.data) as found:
        _refuse_used(settings, found)
        _show(output, folder, found)
        if not yes and not click.confirm(f"Take it over into {settings.data}?", err=True):
            output.say("Nothing was taken over.")
            ctx.exit(Exit.FAILURE)
        _take_over(settings, found, folder)
    document: dict[str, Any] = {"folder": str(folder), "data": str(settings.data), "rows": _counts(found)}
    output.done(f"{settings.data} holds the state of {folder}; remove that folder once all is well.", document)


def _refuse_same(folder: Path, data: Path) -> None:
    if os.path.realpath(folder) == os.path.realpath(data):
        raise Conflict(f"{folder} is the data folder in use", remedy="name another one")


def _refuse_used(settings: Settings, found: OldState) -> None:
    """Raises: Conflict: what would be replaced is somebody's."""
    if found.backup is not None and settings.storage.url is not None:
        raise Conflict(
            "the settings name PostgreSQL, and the folder holds a SQLite database",
            remedy="make a backup with the settings it was used with, and put it back with `omnicore db restore`",
        )
    if found.backup is not None and (settings.data / DATABASE).exists():
        with closing(open_store(settings.storage, settings.data, check=False)) as store:
            refuse_filled(holds_data(store), settings.data)
    for name, data in found.files.items():
        place = settings.data / name
        if check_own(place) and place.read_bytes() != data:
            refuse_filled([name], settings.data)


def _take_over(settings: Settings, found: OldState, folder: Path) -> None:
    for name, data in found.files.items():
        write_whole(settings.data / name, data)
    take_modules(found, settings.data)
    if found.backup is not None:
        put_back(found.backup, settings, clock=SystemClock())
        restored(settings, folder, action="import", noun="folder")


def _counts(found: OldState) -> dict[str, int]:
    return {name: found.rows[name] for name in COUNTED if found.rows.get(name)}


def _show(output: Output, folder: Path, found: OldState) -> None:
    output.say(f"{folder} holds:")
    for name, count in _counts(found).items():
        output.say(f"  {count:,} {name}")
    for name in found.files:
        output.say(f"  {name}")
