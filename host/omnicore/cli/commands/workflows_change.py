"""`omnicore workflows apply`, `enable`, `disable` and `rm`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import click

from omnicore.assembly import BlockingHost
from omnicore.cli.hosting import opened
from omnicore.cli.options import Shell, host_folders, pass_shell
from omnicore.cli.output import Output
from omnicore.cli.recording import enter
from omnicore.cli.session import who
from omnicore.cli.workflow_changes import changes_document, counted, show_changes
from omnicore.cli.workflow_files import Checked, check_all, check_known, graph_of, refuse_invalid
from omnicore.cli.workflow_problems import show_problems
from omnicore.errors import NotFound
from omnicore.workflows.editing import Difference, diff
from omnicore.workflows.view import Definition


@dataclass(frozen=True, slots=True)
class _Plan:
    """What applying a file would do. `before` None: the workflow is new."""

    checked: Checked
    before: Definition | None
    changes: Sequence[Difference]

    @property
    def kind(self) -> str:
        if self.before is None:
            return "new"
        return "changed" if self.changes else "unchanged"


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")
@click.option("-y", "--yes", is_flag=True, help="Ask nothing.")
@host_folders
@pass_shell
def apply(shell: Shell, paths: tuple[str, ...], *, dry_run: bool, yes: bool) -> None:
    """Keep the workflows of files: all of them, or none when any is wrong.

    PATH is a file, a folder with YAML and JSON files, or `-` for standard input; OmniFlow's node form is converted.
    What changes is shown first; on a terminal a question follows, in a pipe none. Runs under way go on with the
    version that they began with.
    """
    output = Output(shell)
    checked = [one for one in check_all(paths) if not one.foreign]
    show_problems(output, checked, err=True)
    refuse_invalid(checked)
    enter(workflows=", ".join(one.workflow for one in checked))
    with opened(shell, output) as host:
        show_problems(output, _lacking(host, checked), err=True)
        plans = [_planned(host, one) for one in checked]
        _show(output, plans)
        if dry_run or not (yes or _agreed(output, plans)):
            found = [_shown(plan, None) for plan in plans]
        else:
            found = [_shown(plan, _applied(host, plan)) for plan in plans]
    if output.is_json:
        output.document({"items": found})


@click.command()
@click.argument("workflow")
@host_folders
@pass_shell
def enable(shell: Shell, workflow: str) -> None:
    """Let triggers and people start a workflow."""
    _switch(shell, workflow, on=True)


@click.command()
@click.argument("workflow")
@host_folders
@pass_shell
def disable(shell: Shell, workflow: str) -> None:
    """Let nothing and nobody start a workflow; runs under way go on."""
    _switch(shell, workflow, on=False)


@click.command()
@click.argument("workflow")
@host_folders
@pass_shell
def rm(shell: Shell, workflow: str) -> None:
    """Remove a workflow with its triggers. Its runs stay, and those under way go on."""
    output = Output(shell)
    with opened(shell, output) as host:
        host.wait(host.workflows.remove(workflow))
    output.done(f"Removed {workflow}", {"removed": workflow})


def _switch(shell: Shell, workflow: str, *, on: bool) -> None:
    output = Output(shell)
    with opened(shell, output) as host:
        found = host.wait(host.workflows.switch(workflow, on=on, by=who()))
    output.done(f"{found.id} is {'on' if on else 'off'}", found.to_json(brief=True))


def _lacking(host: BlockingHost, checked: Sequence[Checked]) -> list[Checked]:
    """With what this host has to say of them, and was not said before."""
    known = host.workflows.known()
    now = checked if known is None else check_known(checked, known)
    return [
        replace(after, problems=[one for one in after.problems if one not in before.problems])
        for before, after in zip(checked, now, strict=True)
    ]


def _planned(host: BlockingHost, checked: Checked) -> _Plan:
    graph = graph_of(checked)
    try:
        before = host.wait(host.workflows.get(checked.workflow))
    except NotFound:
        return _Plan(checked, None, ())
    present = host.wait(host.workflows.definitions.present(checked.workflow)).graph
    return _Plan(checked, before, diff(present, graph))


def _show(output: Output, plans: Sequence[_Plan]) -> None:
    if output.is_json:
        return
    for plan in plans:
        more = f": {counted(plan.changes)}" if plan.changes else ""
        output.line(f"{plan.checked.workflow} ({plan.checked.source.name}) is {plan.kind}{more}")
        show_changes(output, plan.changes)


def _agreed(output: Output, plans: Sequence[_Plan]) -> bool:
    """Whether it may be done; asked only of somebody who can answer."""
    asks = sys.stdin.isatty() and output.out.is_terminal and not output.is_json
    if not asks or all(plan.kind == "unchanged" for plan in plans):
        return True
    return click.confirm("Apply this?", default=True, err=True)


def _applied(host: BlockingHost, plan: _Plan) -> Definition:
    """Refused where somebody else was here since the plan was shown."""
    digest = None if plan.before is None else plan.before.digest
    return host.wait(
        host.workflows.apply(plan.checked.given, by=who(), new=True if plan.before is None else None, digest=digest)
    )


def _shown(plan: _Plan, kept: Definition | None) -> dict[str, Any]:
    about = {"file": plan.checked.source.name, "workflow": plan.checked.workflow, "kind": plan.kind}
    applied = {"applied": kept is not None, "number": None if kept is None else kept.number}
    return {**about, **applied, **changes_document(plan.changes)}
