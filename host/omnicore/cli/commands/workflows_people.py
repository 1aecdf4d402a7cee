"""`omnicore workflows approvals`, `approve` and `reject`: decisions that runs wait for."""

from __future__ import annotations

import click

from omnicore.assembly import BlockingHost
from omnicore.cli.hosting import opened
from omnicore.cli.inputs import task_input
from omnicore.cli.options import Shell, host_folders, pass_shell
from omnicore.cli.output import Output
from omnicore.cli.session import who
from omnicore.cli.workflow_text import APPROVAL_HEADS, approval_rows
from omnicore.errors import InvalidInput, NotFound

_ROLE = "admin"
"""Who is at the terminal can write the database: no decision is kept from them."""
_FORM = click.option("--form", metavar="JSON", help="What the form asks for; `-` or `@FILE` as with inputs.")


@click.command()
@click.option("-n", "--limit", type=click.IntRange(1, 200), default=50, show_default=True)
@click.option("--cursor", default="", help="Go on where the page before ended.")
@host_folders
@pass_shell
def approvals(shell: Shell, limit: int, cursor: str) -> None:
    """List the decisions that runs wait for, of the newest runs first."""
    output = Output(shell)
    with opened(shell, output) as host:
        page = host.wait(host.workflows.approvals(role=_ROLE, limit=limit, cursor=cursor))
    if output.is_json:
        output.document(page.to_json())
        return
    output.rows(APPROVAL_HEADS, approval_rows(page.items))
    if page.next is not None:
        output.say(f"There are more: add --cursor {page.next}")


@click.command()
@click.argument("run")
@click.argument("place", required=False)
@_FORM
@host_folders
@pass_shell
def approve(shell: Shell, run: str, place: str | None, form: str | None) -> None:
    """Say yes to what a run asks. PLACE may be left out where it asks for one thing only."""
    _decide(shell, run, place, form, approve=True)


@click.command()
@click.argument("run")
@click.argument("place", required=False)
@_FORM
@host_folders
@pass_shell
def reject(shell: Shell, run: str, place: str | None, form: str | None) -> None:
    """Say no to what a run asks. PLACE may be left out where it asks for one thing only."""
    _decide(shell, run, place, form, approve=False)


def _decide(shell: Shell, run: str, place: str | None, form: str | None, *, approve: bool) -> None:
    output = Output(shell)
    given = task_input(form)
    with opened(shell, output) as host:
        at = place or _asked(host, run)
        host.wait(host.workflows.decide(run, at, approve=approve, form=given, by=who(), role=_ROLE))
    words = f"{'Approved' if approve else 'Rejected'} {at} of {run}"
    output.done(words, {"run": run, "place": at, "approve": approve})
    output.say(f"A server goes on with it, or `omnicore workflows resume {run}`.")


def _asked(host: BlockingHost, run: str) -> str:
    places = [one.place for one in host.wait(host.workflows.open(run)) if one.kind == "approval"]
    if not places:
        raise NotFound(f"{run} asks for no decision", remedy="see `omnicore workflows approvals`", run=run)
    if len(places) > 1:
        raise InvalidInput(f"{run} asks at {', '.join(places[:5])}", remedy="say which of them", run=run)
    return places[0]
