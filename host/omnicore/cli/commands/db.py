"""`omnicore db`: the database of a data folder, without a host."""

from __future__ import annotations

from collections.abc import Mapping

import click

from omnicore.cli.lazy import Lazy, LazyGroup
from omnicore.cli.options import common

__all__ = ["COMMANDS", "db"]

_AT = "omnicore.cli.commands."
COMMANDS: Mapping[str, Lazy] = {
    "info": Lazy(_AT + "db_look", "info", "Show where the database is, how large, and what it holds."),
    "check": Lazy(_AT + "db_look", "check", "Read the whole database and look for damage."),
    "backup": Lazy(_AT + "db_backup", "backup", "Write all that the host keeps to a file."),
    "restore": Lazy(_AT + "db_backup", "restore", "Put a backup in the place of the database."),
}


@click.command(cls=LazyGroup, table=COMMANDS)
@common
def db() -> None:
    """Look at the database, check it, back it up and restore it."""
