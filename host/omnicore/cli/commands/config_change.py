"""`omnicore config set|unset`: what the console's page of settings does."""

from __future__ import annotations

from typing import Any

import click

from omnicore.cli.commands.config_show import shown
from omnicore.cli.options import Shell, host_folders, pass_shell
from omnicore.cli.output import Output
from omnicore.cli.recording import recorded_in
from omnicore.cli.session import loaded
from omnicore.config.desk import SettingsDesk, is_live, take_back
from omnicore.config.entry import Entry, Origin
from omnicore.config.loader import SCHEMA, no_setting
from omnicore.config.overrides import changing
from omnicore.config.problems import Problem, invalid
from omnicore.config.schema import Misfit

__all__ = ["set_", "unset"]


@click.command(name="set")
@click.argument("name")
@click.argument("value")
@host_folders
@pass_shell
def set_(shell: Shell, name: str, value: str) -> None:
    """Set NAME to VALUE for the host of the data folder, over its settings file.

    Variables and options win over it. It is what the console's page of settings does.
    """
    output = Output(shell)
    base = loaded(shell, console=False)
    read = _read(name, value)
    with recorded_in(base.settings):
        item = SettingsDesk(base).set(name, read)
    when = "a host that runs takes it up" if is_live(name) else "it holds when the host is started the next time"
    output.done(f"{name} is {shown(item.next)}; {when}.", {"name": name, "value": item.next, "restart": item.restart})


@click.command()
@click.argument("name")
@host_folders
@pass_shell
def unset(shell: Shell, name: str) -> None:
    """Take back what `set` or the console has set, so that the settings file and the defaults hold again."""
    output = Output(shell)
    settings = loaded(shell, console=False).settings
    with recorded_in(settings), changing(settings.data) as change:
        take_back(change.values, name)
        change.write()
    when = "a host that runs takes that up" if is_live(name) else "that holds when the host is started the next time"
    output.done(f"{name} is not set here any more; {when}.", {"name": name, "restart": not is_live(name)})


def _read(name: str, text: str) -> Any:
    """The value that a text is for a setting, as JSON has it: texts are read as those of variables are."""
    leaf = SCHEMA.get(tuple(name.split(".")))
    if leaf is None or leaf.free:
        raise no_setting(name)
    try:
        value = leaf.read(Entry(text, Origin("override", name), text=True))
    except Misfit as misfit:
        shown = "" if leaf.secret else f" {text!r:.80}"
        raise invalid([Problem(name, "VALUE", f"cannot be{shown}", f"it takes {misfit.expected}")]) from misfit
    return list(value) if isinstance(value, tuple) else value
