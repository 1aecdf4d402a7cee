"""`omnicore workflows runs`, `logs`, `cancel`, `suspend` and `verify`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import click

from omnicore.assembly import BlockingHost
from omnicore.cli.exits import Exit
from omnicore.cli.hosting import opened
from omnicore.cli.options import Shell, host_folders, pass_shell
from omnicore.cli.output import Cell, Output
from omnicore.cli.session import who
from omnicore.cli.workflow_live import following, settle, step_line
from omnicore.cli.workflow_text import RUN_HEADS, STEP_HEADS, run_rows, step_row
from omnicore.workflows.entries import ENDED
from omnicore.workflows.view import StepView

_STATES = ("pending", "running", "waiting", "suspended", "completed", "faulted", "cancelled")
_SETTLE_S = 10.0
_PAGE = 500


@click.command()
@click.argument("workflow", required=False)
@click.option("--workflow", "named", metavar="WORKFLOW", help="The same as naming it.")
@click.option("--status", type=click.Choice(_STATES), help="Only runs in this state.")
@click.option("--dead", is_flag=True, help="Only dead letters: runs that faulted. `workflows retry RUN` goes on.")
@click.option("-n", "--limit", type=click.IntRange(1, 500), default=50, show_default=True)
@click.option("--cursor", default="", help="Go on where the page before ended.")
@host_folders
@pass_shell
def runs(
    shell: Shell, workflow: str | None, *, named: str | None, status: str | None, dead: bool, limit: int, cursor: str
) -> None:
    """List runs, newest first, with WORKFLOW only those of one."""
    if None not in (workflow, named) and workflow != named:
        raise click.UsageError(f"{workflow} and --workflow {named} are two: name one.")
    workflow = named if workflow is None else workflow
    if dead and status not in (None, "faulted"):
        raise click.UsageError("--dead are the faulted ones: leave --status out.")
    output = Output(shell)
    wanted = "faulted" if dead else status
    with opened(shell, output) as host:
        page = host.wait(host.workflows.page_runs(workflow=workflow, status=wanted, limit=limit, cursor=cursor))
    if output.is_json:
        output.document(page.to_json())
        return
    output.rows(RUN_HEADS, run_rows(page.items))
    if page.next is not None:
        output.say(f"There are more: add --cursor {page.next}")


@click.command()
@click.argument("run")
@click.option("-f", "--follow", is_flag=True, help="Go on until the run is over.")
@click.option("--values", is_flag=True, help="Show what went into each step and what came out, in full.")
@click.option("--after", type=click.IntRange(0), default=0, metavar="SEQ", help="Only rows behind this one.")
@click.option("-n", "--limit", type=click.IntRange(1, 10_000), default=1000, show_default=True)
@host_folders
@pass_shell
def logs(shell: Shell, run: str, *, follow: bool, values: bool, after: int, limit: int) -> None:
    """Show the journal of a run: a row for each step, attempt and wait, in the order in which they were recorded."""
    output = Output(shell)
    with opened(shell, output) as host:
        if follow:
            for step in _followed(host, run, after):
                _print(output, _full(host, run, step) if values else step, values=values)
            return
        found, more = _read(host, run, after, limit)
        steps = [_full(host, run, one) for one in found] if values else found
    if output.is_json:
        output.document({"run": run, "items": [one.to_json() for one in steps], "next": more})
        return
    heads = (*STEP_HEADS, *(("input", "output") if values else ()))
    output.rows(heads, [_cells(one, values=values) for one in steps])
    if more is not None:
        output.say(f"There are more: add --after {more}")


@click.command()
@click.argument("run", nargs=-1, required=True, metavar="RUN...")
@host_folders
@pass_shell
def cancel(shell: Shell, run: tuple[str, ...]) -> None:
    """Cancel runs with those that they began; what undoes their steps is still done."""
    output = Output(shell)
    found = []
    with opened(shell, output) as host:
        for one in run:
            host.wait(host.workflows.cancel(one, by=who()))
            found.append(_settled(host, one, frozenset(ENDED)))
    for view in found:
        words = (
            f"Cancelled {view.id}" if view.status == "cancelled" else f"{view.id} is asked to stop, and {view.status}"
        )
        if not output.is_json:
            output.line(words)
    if output.is_json:
        output.document({"items": [view.to_json() for view in found]})


@click.command()
@click.argument("run")
@host_folders
@pass_shell
def suspend(shell: Shell, run: str) -> None:
    """Let a run rest until `workflows resume`: what is under way ends, nothing new begins."""
    output = Output(shell)
    with opened(shell, output) as host:
        host.wait(host.workflows.suspend(run, by=who()))
        view = _settled(host, run, frozenset({"suspended"}))
    words = (
        f"{run} is {view.status}" if view.status in ("suspended", *ENDED) else f"{run} rests once its steps have ended"
    )
    output.done(words, view.to_json())


@click.command()
@click.argument("run")
@host_folders
@click.pass_context
@pass_shell
def verify(shell: Shell, ctx: click.Context, run: str) -> None:
    """Recompute the hashes of a run's rows and values. Exit code 1 when one was altered or is missing."""
    output = Output(shell)
    with opened(shell, output) as host:
        found = host.wait(host.workflows.audit(run))
    if output.is_json:
        output.document(dict(found))
    elif found["ok"]:
        record = f"; row {found['record_seq']} of the record holds it" if found["record_seq"] is not None else ""
        output.line(f"{run} is whole: {found['rows']} rows, the last hash is {found['hash']}{record}")
    else:
        output.line(f"{run} is not as it was written: {found['fact']} (row {found['seq']})", style="red")
    if not found["ok"]:
        ctx.exit(Exit.FAILURE)


def _settled(host: BlockingHost, run: str, until: frozenset[Any]) -> Any:
    """What became of what a run was told, which this process does where nobody else is there."""
    host.wait(host.workflows.carry(run))
    return settle(host, run, until=until, seconds=_SETTLE_S)


def _read(host: BlockingHost, run: str, after: int, limit: int) -> tuple[list[StepView], str | None]:
    found: list[StepView] = []
    more: str | None = str(after)
    while more is not None and len(found) < limit:
        page = host.wait(host.workflows.steps(run, after=int(more), limit=min(_PAGE, limit - len(found))))
        found += page.items
        more = page.next
    return found, more


def _followed(host: BlockingHost, run: str, after: int) -> Iterator[StepView]:
    with following(host, run, after=after) as looks:
        while True:
            look = host.wait(looks.next())
            yield from look.steps
            if look.over:
                return


def _full(host: BlockingHost, run: str, step: StepView) -> StepView:
    return host.wait(host.workflows.step(run, step.seq)) if step.cut else step


def _print(output: Output, step: StepView, *, values: bool) -> None:
    if output.is_json:
        click.echo(json.dumps(step.to_json(), default=str))
        return
    output.line(f"{step.seq:>5}  {step_line(step)}")
    if values:
        output.line(f"       input {_json(step.input)}")
        if "given" in step.meta:
            output.line(f"       given {_json(step.meta['given'])}")
        output.line(f"       output {_json(step.output)}")


def _cells(step: StepView, *, values: bool) -> tuple[Cell, ...]:
    given = _json(step.input) + (f"; it was given {_json(step.meta['given'])}" if "given" in step.meta else "")
    return (*step_row(step), *((given, _json(step.output)) if values else ()))


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
