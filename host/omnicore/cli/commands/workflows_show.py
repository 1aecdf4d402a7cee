"""`omnicore workflows ls`, `show` and `versions`."""

from __future__ import annotations

import click

from omnicore.cli.hosting import opened
from omnicore.cli.options import Shell, host_folders, pass_shell
from omnicore.cli.output import Output
from omnicore.cli.workflow_text import VERSION_HEADS, WORKFLOW_HEADS, version_rows, workflow_details, workflow_rows


@click.command()
@click.argument("text", metavar="[TEXT]", default="")
@click.option("-n", "--limit", type=click.IntRange(1, 200), default=100, show_default=True)
@click.option("--cursor", default="", help="Go on where the page before ended.")
@host_folders
@pass_shell
def ls(shell: Shell, text: str, limit: int, cursor: str) -> None:
    """List the workflows by name, with TEXT only those whose name has it."""
    output = Output(shell)
    with opened(shell, output) as host:
        page = host.wait(host.workflows.page(limit=limit, cursor=cursor, q=text))
    if output.is_json:
        output.document({"items": [one.to_json(brief=True) for one in page.items], "next": page.next})
        return
    output.rows(WORKFLOW_HEADS, workflow_rows(page.items))
    if page.next is not None:
        output.say(f"There are more: add --cursor {page.next}")


@click.command()
@click.argument("workflow")
@click.option("--number", type=click.IntRange(1), help="An earlier version; see `workflows versions`.")
@host_folders
@pass_shell
def show(shell: Shell, workflow: str, number: int | None) -> None:
    """Show a workflow: what begins it, who changed it when, and its text."""
    output = Output(shell)
    with opened(shell, output) as host:
        found = host.wait(host.workflows.get(workflow, number))
    if output.is_json:
        output.document(found.to_json())
        return
    output.rows(("field", "value"), workflow_details(found))
    output.line("")
    for line in found.text.splitlines():
        output.line(line)


@click.command()
@click.argument("workflow")
@host_folders
@pass_shell
def versions(shell: Shell, workflow: str) -> None:
    """List the versions of a workflow, the newest first."""
    output = Output(shell)
    with opened(shell, output) as host:
        found = host.wait(host.workflows.versions(workflow))
    if output.is_json:
        output.document({"items": [one.to_json() for one in found]})
    else:
        output.rows(VERSION_HEADS, version_rows(found))
