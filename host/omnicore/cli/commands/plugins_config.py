"""`omnicore plugins config`: a plugin's settings, where each comes from, and changes of them."""

from __future__ import annotations

import json
from typing import Any

import click

from omnicore.cli.hosting import opened
from omnicore.cli.inputs import read_input
from omnicore.cli.options import Shell, host_folders, pass_shell
from omnicore.cli.output import Output
from omnicore.cli.session import who
from omnicore.errors import InvalidInput, NotFound
from omnicore.plugins.configuring import PluginConfig


@click.command()
@click.argument("name")
@click.argument("action", metavar="[set|unset]", type=click.Choice(["set", "unset"]), required=False)
@click.argument("key", required=False)
@click.argument("value", required=False)
@host_folders
@pass_shell
def config(shell: Shell, name: str, action: str | None, *, key: str | None, value: str | None) -> None:
    """Show the settings of a plugin, or `set KEY VALUE` and `unset KEY` one of them.

    VALUE is JSON or text; `-` reads it from standard input and `@FILE` from a file, which keeps secrets off the
    command line. A running server follows at once.
    """
    output = Output(shell)
    if action is not None and (key is None or (value is None) == (action == "set")):
        raise click.UsageError("`set` wants KEY and VALUE, `unset` wants KEY alone")
    with opened(shell, output) as host:
        found = host.plugins.config(name)
        if action is not None and key is not None:
            values = {one: found.values[one] for one, origin in found.origins.items() if origin == "stored"}
            if action == "set":
                values[key] = _value(found, key, value)
            elif values.pop(key, None) is None:
                raise NotFound(f"{key} of {name} was not set here", remedy=f"see `omnicore plugins config {name}`")
            found = host.plugins.configure(name, values, who=who())
    if output.is_json:
        output.document(found.to_json())
        return
    output.rows(
        ("setting", "value", "from"),
        [(one, json.dumps(value, ensure_ascii=False), found.origins[one]) for one, value in found.values.items()],
    )
    if not found.values:
        output.say(f"{name} has no settings.")


def _value(config: PluginConfig, key: str, text: str | None) -> Any:
    """The value that is meant: text where the schema wants text, else JSON where it is some."""
    try:
        words = read_input(text).decode().removesuffix("\n")
    except UnicodeDecodeError as cause:
        raise InvalidInput("the value is no text", remedy="write it in UTF-8") from cause
    about = (config.schema or {}).get("properties", {}).get(key, {})
    if isinstance(about, dict) and about.get("type") == "string":
        return words
    try:
        return json.loads(words)
    except (ValueError, RecursionError):
        return words
