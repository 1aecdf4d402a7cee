"""`omnicore doctor`: whether this machine can run plugins, and what to do where it cannot."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click
from rich.text import Text

from omnicore.cli.checks import Check, all_checks
from omnicore.cli.exits import Exit
from omnicore.cli.hosting import opened
from omnicore.cli.options import Shell, host_folders, pass_shell
from omnicore.cli.output import Output
from omnicore.cli.session import loaded
from omnicore.errors import Conflict, OmniError
from omnicore.files import write_whole
from omnicore.wiring.operations import without_host

_STYLES = {"ok": "green", "warn": "yellow", "fail": "bold red"}


@click.command()
@click.option(
    "--bundle",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write a ZIP for somebody who helps: checks, health, versions, logs, without secrets.",
)
@host_folders
@click.pass_context
@pass_shell
def doctor(shell: Shell, ctx: click.Context, bundle: Path | None) -> None:
    """Check engines, folders, port and a real call; exit code 1 when one of them fails."""
    output = Output(shell)
    settings = loaded(shell).settings
    with output.waiting("Checking"):
        checks = all_checks(settings)
    failed = any(check.verdict == "fail" for check in checks)
    if bundle is not None:
        _write(bundle, _bundled(shell, output, checks))
        output.say(f"{bundle} holds what is known of this host, without secrets.")
    if output.is_json:
        output.document({"ok": not failed, "checks": [check.to_json() for check in checks]})
    else:
        _print(output, checks)
    ctx.exit(Exit.FAILURE if failed else Exit.OK)


def _bundled(shell: Shell, output: Output, checks: Sequence[Check]) -> bytes:
    """The file's bytes; where no host can be opened it holds the checks, the versions and why."""
    also = {"checks.json": [check.to_json() for check in checks]}
    try:
        with opened(shell, output) as host:
            return host.operations.diagnostics(also)
    except OmniError as error:
        found = loaded(shell)
        return without_host(found, {**also, "error.json": error.to_json()})


def _write(file: Path, data: bytes) -> None:
    """Raises: Conflict: the file is there; StorageFailed: it cannot be written."""
    if file.exists():
        raise Conflict(f"{file} is there already", remedy="name another file, or move it away")
    write_whole(file, data)


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
