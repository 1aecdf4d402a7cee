"""`omnicore workflows run`, `resume`, `retry` and `fork`: runs that are shown until they are over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from omnicore.assembly import BlockingHost
from omnicore.cli.exits import Exit
from omnicore.cli.hosting import opened
from omnicore.cli.inputs import Duration, task_input
from omnicore.cli.options import Shell, host_folders, pass_shell
from omnicore.cli.output import Output
from omnicore.cli.recording import enter
from omnicore.cli.session import who
from omnicore.cli.workflow_files import Checked, check_source, read_source, refuse_invalid
from omnicore.cli.workflow_following import output_of
from omnicore.cli.workflow_live import Watched, left, watch
from omnicore.cli.workflow_problems import show_problems
from omnicore.errors import InvalidInput
from omnicore.workflows.handles import RunHandle
from omnicore.workflows.view import RunView

_Decorated = TypeVar("_Decorated", bound=Callable[..., Any])
_Begin = Callable[[BlockingHost], RunHandle]


def _watching(command: _Decorated) -> _Decorated:
    """The options of commands that show a run."""
    for decorate in (
        click.option("--detach", is_flag=True, help="Print the run's id at once, and leave the run to a server."),
        click.option("--cancel", "cancels", is_flag=True, help="Ctrl-C cancels the run instead of leaving it."),
        click.option("--timeout", type=Duration(), help="Leave the run after this time, with exit code 4."),
    ):
        command = decorate(command)
    return command


@click.command()
@click.argument("name", required=False, metavar="[WORKFLOW]")
@click.argument("given", required=False, metavar="[INPUT]")
@click.option("--file", metavar="FILE", help="Run the workflow of a file that is not applied; `-` for standard input.")
@click.option("--number", type=click.IntRange(1), help="An earlier version; see `workflows versions`.")
@click.option("--priority", type=click.IntRange(0, 9), help="Higher ones first.")
@click.option("--key", help="Run it only once: a second start with this key is the first one.")
@_watching
@host_folders
@pass_shell
def run(shell: Shell, /, name: str | None, given: str | None, file: str | None, **wishes: Any) -> None:
    """Run a workflow, show it live, and print its output.

    INPUT is JSON, or else text; `-` reads standard input, `@FILE` a file. A server on the same data runs it where there
    is one; else this command does, with the runs that it begins and nothing else. Ctrl-C leaves the run: a server goes
    on with it, or `omnicore workflows resume RUN`; with --cancel it is cancelled. What is recorded is never done again.
    """
    output = Output(shell)
    if file is not None:
        if given is None:
            name, given = None, name
        checked = _of_file(output, file)
        # What is entered in the record of changes is the workflow, and not what it was given.
        enter(name=checked.workflow, given=given)
        if name not in (None, checked.workflow):
            raise InvalidInput(f"{file} is {checked.workflow}, not {name}", remedy="leave the name out")
        if wishes["key"] or wishes["number"] or wishes["priority"] is not None:
            raise click.UsageError(
                "--key, --number and --priority go with workflows that are applied, not with --file."
            )
    elif name is None:
        raise click.UsageError("Name a workflow, or a file with --file.")
    value = task_input(given)

    def begin(host: BlockingHost) -> RunHandle:
        service = host.workflows
        if file is not None:
            return host.wait(service.trial(checked.workflow, checked.given, value, by=who()))
        chosen = {key: wishes[key] for key in ("key", "number", "priority")}
        return host.wait(service.start(str(name), value, by=who(), **chosen))

    _shown(shell, output, begin, wishes)


@click.command()
@click.argument("run_id", metavar="RUN")
@_watching
@host_folders
@pass_shell
def resume(shell: Shell, /, run_id: str, **wishes: Any) -> None:
    """Go on with a run that was suspended, or that was left by a command that ended or was killed; and show it."""

    def begin(host: BlockingHost) -> RunHandle:
        if host.wait(host.workflows.run_view(run_id)).status not in ("pending", "running", "waiting"):
            host.wait(host.workflows.resume(run_id, by=who()))
        return RunHandle(host.workflows, run_id)

    _shown(shell, Output(shell), begin, wishes)


@click.command()
@click.argument("run_id", metavar="RUN")
@click.option("--from", "place", metavar="PLACE", help="Begin again before this step; see `workflows logs`.")
@_watching
@host_folders
@pass_shell
def retry(shell: Shell, /, run_id: str, place: str | None, **wishes: Any) -> None:
    """Go on where a run failed or was cancelled, as a new run that has what was recorded until then."""
    _shown(shell, Output(shell), lambda host: host.wait(host.workflows.retry(run_id, place, by=who())), wishes)


@click.command()
@click.argument("run_id", metavar="RUN")
@click.option("--after", type=click.IntRange(0), required=True, metavar="SEQ", help="The last row that it has too.")
@click.option("--input", "given", metavar="INPUT", help="Begin anew with another input; then --after is 0.")
@_watching
@host_folders
@pass_shell
def fork(shell: Shell, /, run_id: str, after: int, given: str | None, **wishes: Any) -> None:
    """Go on behind one of a run's rows, as a new run of the same version."""
    if given is not None and after:
        raise click.UsageError("A run with another input begins anew: give --after 0.")
    more = {} if given is None else {"input": task_input(given)}
    _shown(shell, Output(shell), lambda host: host.wait(host.workflows.fork(run_id, after, by=who(), **more)), wishes)


def _shown(shell: Shell, output: Output, begin: _Begin, wishes: dict[str, Any]) -> None:
    """Begins, shows and prints what came of it. Raises: WorkflowFailed, CallCancelled, DeadlineExceeded."""
    timeout_s, detach = wishes["timeout"], wishes["detach"]
    with opened(shell, output) as host:
        handle = begin(host)
        if handle.duplicate:
            output.say(_before(host.wait(handle.view())))
        if detach:
            output.done(handle.id, host.wait(handle.view()).to_json())
            return
        host.wait(host.workflows.carry(handle.id))
        watched = watch(host, output, handle.id, timeout_s=timeout_s, cancels=wishes["cancels"])
    _told(output, watched, timeout_s)


def _before(run: RunView) -> str:
    """What is said of a start whose key an earlier run has."""
    mend = f"; `omnicore workflows retry {run.id}` goes on with it" if run.status in ("faulted", "cancelled") else ""
    return f"{run.id} began with this key before, and is {run.status}{mend}."


def _told(output: Output, watched: Watched, timeout_s: float | None) -> None:
    if watched.why == "interrupted":
        how = f"`omnicore workflows resume {watched.run.id}` goes on with it, `cancel` ends it"
        output.say(f"Left {watched.run.id}: a server on the same data goes on with it; else {how}.")
        if output.is_json:  # who reads that has nothing else to find the run by
            output.document(watched.run.to_json())
        click.get_current_context().exit(Exit.INTERRUPTED)
    if watched.why == "late":
        raise left(watched, timeout_s)
    value = output_of(watched.run)
    output.document(watched.run.to_json() if output.is_json else value)


def _of_file(output: Output, file: str) -> Checked:
    checked = check_source(read_source(file))
    show_problems(output, [checked], err=True)
    refuse_invalid([checked])
    return checked
