"""`omnicore completion`: a script that makes a shell complete commands, options and plugins."""

from __future__ import annotations

import os
from pathlib import Path

import click
from click.shell_completion import get_completion_class

from omnicore.cli.options import Shell, common, pass_shell
from omnicore.cli.output import Output

_HOW = {
    "bash": 'eval "$(omnicore completion bash)"',
    "zsh": 'eval "$(omnicore completion zsh)"',
    "fish": "omnicore completion fish | source",
}


@click.command()
@click.argument("shell_name", metavar="[bash|zsh|fish]", type=click.Choice(list(_HOW)), required=False)
@common
@click.pass_context
@pass_shell
def completion(shell: Shell, ctx: click.Context, shell_name: str | None) -> None:
    """Print a script that completes commands; put its line into the shell's start-up file.

    \b
    bash: eval "$(omnicore completion bash)"
    zsh:  eval "$(omnicore completion zsh)"
    fish: omnicore completion fish | source
    """
    name = shell_name or Path(os.environ.get("SHELL", "")).name
    kind = get_completion_class(name) if name in _HOW else None
    if kind is None:
        raise click.UsageError("which shell? Name bash, zsh or fish", ctx)
    script = kind(ctx.find_root().command, {}, "omnicore", "_OMNICORE_COMPLETE").source()
    output = Output(shell)
    if output.is_json:
        output.document({"shell": name, "script": script, "line": _HOW[name]})
    else:
        click.echo(script)
