"""`omnicore plugins ls|inspect|logs`: looking, without changing anything."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from omnicore.cli.anatomy import SECTION_HEADS, Anatomy, anatomy_rows, dissected, section_rows
from omnicore.cli.hosting import opened
from omnicore.cli.options import Shell, host_folders, pass_shell
from omnicore.cli.output import Output
from omnicore.cli.plugin_text import HEADS, detail_rows, manifest_rows, plugin_rows
from omnicore.cli.server import server_logs
from omnicore.cli.session import loaded
from omnicore.cli.subjects import is_file
from omnicore.errors import ModuleRejected
from omnicore.sandbox.wat import wat_to_wasm
from omnicore.testing.trial import read_subject

_FOLLOW_S = 0.5
_MOST_LINES = 1_000


@click.command()
@click.option("--state", help="Only plugins in this state, such as needs-grant.")
@host_folders
@pass_shell
def ls(shell: Shell, state: str | None) -> None:
    """List the plugins and their states."""
    output = Output(shell)
    with opened(shell, output) as host:
        views = [view for view in host.plugins.list() if state in (None, view.state)]
    if output.is_json:
        output.document([view.to_json() for view in views])
        return
    output.rows(HEADS, plugin_rows(views))
    if not views:
        output.say("No plugins: copy a .wasm file into the folder, or `omnicore plugins install FILE`.")


@click.command()
@click.argument("name", metavar="PLUGIN|FILE")
@host_folders
@pass_shell
def inspect(shell: Shell, name: str) -> None:
    """Show one plugin: functions with their schemas, what it asks for and was granted, limits, and its file.

    A .wasm or .wat file need not be installed.
    """
    output = Output(shell)
    anatomy: Anatomy | None
    if is_file(name):
        subject = read_subject(Path(name))
        anatomy = dissected(subject.module)
        document = {**json.loads(subject.manifest.to_json()), "path": name}
        rows, title = manifest_rows(subject.manifest), subject.manifest.name
    else:
        with opened(shell, output) as host:
            view = host.plugins.get(name)
            anatomy = _anatomy(host.settings.plugins / view.path)
        document, rows, title = view.to_json(), detail_rows(view), view.name
    if output.is_json:
        output.document({**document, "module": anatomy.to_json() if anatomy else None})
        return
    output.rows(("plugin", title), [*rows, *(anatomy_rows(anatomy) if anatomy else ())])
    if anatomy is not None:
        output.rows(SECTION_HEADS, section_rows(anatomy))


def _anatomy(file: Path) -> Anatomy | None:
    """What is in an installed file; nothing where it is no module, which its state then says."""
    try:
        data = file.read_bytes()
        return dissected(wat_to_wasm(data) if file.suffix == ".wat" else data)
    except (OSError, ModuleRejected):
        return None


@click.command()
@click.argument("name")
@click.option("-n", "--lines", type=click.IntRange(1, 10_000), default=50, show_default=True)
@click.option("--level", type=click.Choice(["trace", "debug", "info", "warn", "error"]), default="trace")
@click.option("-f", "--follow", is_flag=True, help="Go on with the lines that come, until Ctrl-C.")
@host_folders
@pass_shell
def logs(shell: Shell, name: str, *, lines: int, level: str, follow: bool) -> None:
    """Show the last lines a plugin logged. They live in the server that runs on this data folder."""
    output, settings = Output(shell), loaded(shell).settings
    found = server_logs(settings, name, lines=lines, level=level)
    if follow:
        _print_lines(output, found["items"])
        while True:
            time.sleep(_FOLLOW_S)
            found = server_logs(settings, name, lines=_MOST_LINES, level=level, after=found["next"])
            if found["dropped"]:
                output.say(f"{found['dropped']} lines came too fast to be kept.")
            _print_lines(output, found["items"])
    if output.is_json:
        output.document(found["items"])
        return
    output.rows(("time", "level", "message"), map(_line_row, found["items"]))


def _print_lines(output: Output, lines: Sequence[Mapping[str, Any]]) -> None:
    for line in lines:
        if output.is_json:
            click.echo(json.dumps(line))
        else:
            output.line("  ".join(_line_row(line)))


def _line_row(line: Mapping[str, Any]) -> tuple[str, str, str]:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(line["at"])), line["level"], line["message"]
