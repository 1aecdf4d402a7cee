"""`omnicore workflows export` and `import`: definitions as files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from omnicore.assembly import BlockingHost
from omnicore.cli.hosting import opened
from omnicore.cli.options import Shell, host_folders, pass_shell
from omnicore.cli.output import Output
from omnicore.cli.recording import enter
from omnicore.cli.session import who
from omnicore.cli.workflow_files import Checked, check_all, graph_of, refuse_invalid
from omnicore.cli.workflow_problems import show_problems
from omnicore.errors import Conflict, NotFound
from omnicore.storage.faults import storage_failed
from omnicore.workflows.view import Definition

_PAGE = 200


@click.command()
@click.argument("names", nargs=-1, metavar="[WORKFLOW]...")
@click.option("--number", type=click.IntRange(1), help="An earlier version, of one workflow.")
@click.option(
    "--to",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Write a file for each into this folder; all workflows when none is named.",
)
@host_folders
@pass_shell
def export(shell: Shell, names: tuple[str, ...], *, number: int | None, to: Path | None) -> None:
    """Write the text of a workflow to standard output, as it was applied; with `-o json` its document.

    With --to each goes into a file of its own, from which `omnicore workflows import DIR` brings them back.
    """
    output = Output(shell)
    if to is None and len(names) != 1:
        raise click.UsageError("Name one workflow, or a folder with --to.")
    if number is not None and len(names) != 1:
        raise click.UsageError("--number goes with one workflow.")
    with opened(shell, output) as host:
        found = [host.wait(host.workflows.get(name, number)) for name in names or _all(host)]
    if to is None:
        _print(output, found[0])
        return
    files = [_write(to, one) for one in found]
    output.done(f"Wrote {len(files)} workflows into {to}", {"files": [str(file) for file in files]})


@click.command(name="import")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option("--replace", is_flag=True, help="Also bring what is there already up to what the files have.")
@host_folders
@pass_shell
def import_(shell: Shell, paths: tuple[str, ...], *, replace: bool) -> None:
    """Take in workflows of files and folders that are not there yet, also those in OmniFlow's node form.

    One that is there with other contents is refused, before any is taken in. `apply` shows what would change.
    """
    output = Output(shell)
    checked = [one for one in check_all(paths) if not one.foreign]
    show_problems(output, checked, err=True)
    refuse_invalid(checked)
    enter(workflows=", ".join(one.workflow for one in checked))
    with opened(shell, output) as host:
        kinds = {one.source.name: _kind(host, one) for one in checked}
        _refuse(checked, kinds, replace=replace)
        found = [_taken(host, one, kinds[one.source.name]) for one in checked]
    if output.is_json:
        output.document({"items": found})
        return
    for one in found:
        output.line(f"{one['workflow']}: {one['kind']}")


def _all(host: BlockingHost) -> list[str]:
    names: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = host.wait(host.workflows.page(limit=_PAGE, cursor=cursor))
        names += [one.id for one in page.items]
        cursor = page.next
    return names


def _print(output: Output, found: Definition) -> None:
    if output.is_json:
        output.document(found.document)
    elif output.out.is_terminal:
        for line in found.text.splitlines():
            output.line(line)
    else:
        output.raw(found.text.encode("utf-8", "surrogatepass"))


def _write(folder: Path, found: Definition) -> Path:
    ending = "json" if found.text.lstrip()[:1] == "{" else "yaml"
    file = folder / f"{found.id}.{ending}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file.write_text(found.text, "utf-8")
    except OSError as error:
        raise storage_failed(error, str(file)) from error
    return file


def _kind(host: BlockingHost, checked: Checked) -> str:
    digest = graph_of(checked).digest
    try:
        there = host.wait(host.workflows.get(checked.workflow))
    except NotFound:
        return "new"
    return "unchanged" if there.digest == digest else "replaced"


def _refuse(checked: list[Checked], kinds: dict[str, str], *, replace: bool) -> None:
    others = [one.workflow for one in checked if kinds[one.source.name] == "replaced"]
    if others and not replace:
        raise Conflict(
            f"there is {', '.join(others[:5])} already, and it is another",
            remedy="add --replace, or look with `omnicore workflows diff FILE`",
        )


def _taken(host: BlockingHost, checked: Checked, kind: str) -> dict[str, Any]:
    number = None
    if kind != "unchanged":
        number = host.wait(host.workflows.apply(checked.given, by=who())).number
    return {"file": checked.source.name, "workflow": checked.workflow, "kind": kind, "number": number}
