"""`omnicore db backup|restore`: one file that holds all, and back."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click

from omnicore.cli.options import Shell, host_folders, pass_shell
from omnicore.cli.output import Output
from omnicore.cli.recording import restored
from omnicore.cli.session import loaded
from omnicore.cli.stored import stored
from omnicore.clock import SystemClock
from omnicore.storage.backup import backup as make_backup
from omnicore.wiring.restoring import put_back

__all__ = ["backup", "restore"]


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
        output.say("On other machines that use it, remove the folder `vectors` of the data folder before they start.")
