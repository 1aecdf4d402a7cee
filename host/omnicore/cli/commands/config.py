"""`omnicore config`: the settings, where each comes from, and changes of them."""

from __future__ import annotations

from collections.abc import Mapping

import click

from omnicore.cli.lazy import Lazy, LazyGroup
from omnicore.cli.options import common

__all__ = ["COMMANDS", "config"]

_AT = "omnicore.cli.commands."
COMMANDS: Mapping[str, Lazy] = {
    "show": Lazy(_AT + "config_show", "show", "Show the settings, or those under NAME; secrets are masked."),
    "set": Lazy(_AT + "config_change", "set_", "Set NAME to VALUE, over the settings file."),
    "unset": Lazy(_AT + "config_change", "unset", "Take back what was set, here or in the console."),
}


@click.command(cls=LazyGroup, table=COMMANDS)
@common
def config() -> None:
    """Show the settings and where they come from, and change them."""
