"""`omnicore doctor`: whether this machine can run plugins, and what to do where it cannot."""

from __future__ import annotations

from collections.abc import Sequence

import click
from rich.text import Text

from omnicore.cli.checks import Check, all_checks
from omnicore.cli.exits import Exit
from omnicore.cli.options import Shell, host_folders, pass_shell
from omnicore.cli.output import Output
from omnicore.cli.session import loaded

_STYLES = {"ok": "green", "warn": "yellow", "fail": "bold red"}


@click.command()
@host_folders
@click.pass_context
@pass_shell
def doctor(shell: Shell, ctx: click.Context) -> None:
    """Check engines, folders, port and a real call; exit code 1 when one of them fails."""
    output = Output(shell)
    settings = loaded(shell).settings
    with output.waiting("Checking"):
        checks = all_checks(settings)
    failed = any(check.verdict == "fail" for check in checks)
    if output.is_json:
        output.document({"ok": not failed, "checks": [check.to_json() for check in checks]})
    else:
        _print(output, checks)
    ctx.exit(Exit.FAILURE if failed else Exit.OK)


def _print(output: Output, checks: Sequence[Check]) -> None:
    rows = [
        (
            Text(check.verdict, _STYLES[check.verdict]),
            check.name,
            "; ".join(filter(None, (check.fact, check.remedy))),
        )
        for check in checks
    ]
    output.rows(("", "check", "found"), rows)
