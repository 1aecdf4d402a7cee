"""Runs of workflows: begun, shown until they are over, listed, cancelled, decided and verified; and events for them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TypeVar

import click

from omnicore.cli.client import Client, connected, who
from omnicore.cli.nouns import Noun, listing, show_page
from omnicore.cli.options import Duration, Exit, Moment, Shell, host_folders, pass_shell, task_input
from omnicore.cli.output import Output, date
from omnicore.cli.run_view import (
    STEP_HEADS,
    Following,
    Watched,
    left,
    output_of,
    run_of,
    run_row,
    settle,
    step_line,
    step_row,
    steps_of,
    watch,
)
from omnicore.cli.workflow_files import Checked, check_source, read_source, refuse_invalid, show_problems
from omnicore.errors import InvalidInput, NotFound
from omnicore.ids import new_id
from omnicore.jobs.engine import ENDED, RunView, StepView


class _Begun(NamedTuple):
    """A run, and true for one that had begun before with the same key."""

    id: str
    duplicate: bool = False


_Decorated = TypeVar("_Decorated", bound=Callable[..., Any])
_Begin = Callable[[Client], _Begun]


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
@click.option("--label", "labels", multiple=True, metavar="TEXT", help="Text to find the run by; may be repeated.")
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
        if name not in (None, checked.workflow):
            raise InvalidInput(f"{file} is {checked.workflow}, not {name}", remedy="leave the name out")
        if wishes["key"] or wishes["number"] or wishes["priority"] is not None or wishes["labels"]:
            raise click.UsageError(
                "--key, --number, --priority and --label go with workflows that are applied, not with --file."
            )
    elif name is None:
        raise click.UsageError("Name a workflow, or a file with --file.")
    value = task_input(given)

    def begin(client: Client) -> _Begun:
        if file is not None:
            return _ordered(client, "workflows", checked.workflow, "trial", text=checked.given, input=value)
        chosen = {key: wishes[key] for key in ("key", "number", "priority")}
        chosen |= {"labels": list(wishes["labels"])} if wishes["labels"] else {}
        return _ordered(client, "workflows", str(name), "runs", input=value, **chosen)

    _shown(shell, output, begin, wishes)


@click.command()
@click.argument("run_id", metavar="RUN")
@_watching
@host_folders
@pass_shell
def resume(shell: Shell, /, run_id: str, **wishes: Any) -> None:
    """Go on with a run that was suspended, or that was left by a command that ended or was killed; and show it."""

    def begin(client: Client) -> _Begun:
        if run_of(client, run_id).status not in ("pending", "running", "waiting"):
            client.ask("POST", "runs", run_id, "resume")
        return _Begun(run_id)

    _shown(shell, Output(shell), begin, wishes)


@click.command()
@click.argument("run_id", metavar="RUN")
@click.option("--from", "place", metavar="PLACE", help="Begin again before this step; see `workflows logs`.")
@click.option("--version", type=click.IntRange(1), metavar="NUMBER", help="Go on with this version of the workflow.")
@click.option("--dry-run", is_flag=True, help="Only print which steps would be kept and which would run again.")
@_watching
@host_folders
@pass_shell
def retry(
    shell: Shell, /, run_id: str, place: str | None, version: int | None, *, dry_run: bool, **wishes: Any
) -> None:
    """Go on where a run failed or was cancelled, as a new run that has what was recorded until then.

    With --version, recorded steps that are the same in that version are kept; what changed runs again.
    """
    order = {name: value for name, value in (("place", place), ("version", version)) if value is not None}
    if dry_run:
        output = Output(shell)
        with connected(shell, output) as client:
            plan = client.get("runs", run_id, "retry", **order)
        if output.is_json:
            output.document(plan)
            return
        lines = [(words, one["name"], one["place"], one["why"]) for words in ("kept", "again") for one in plan[words]]
        output.rows(("", "step", "place", "reason"), lines)
        return
    _shown(shell, Output(shell), lambda client: _ordered(client, "runs", run_id, "retry", **order), wishes)


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
    _shown(shell, Output(shell), lambda client: _ordered(client, "runs", run_id, "fork", seq=after, **more), wishes)


def _ordered(client: Client, *path: str, **order: Any) -> _Begun:
    """The run that an operation begins."""
    media = {"content-type": "application/json"}
    answer = client.send("POST", *path, data=json.dumps(order).encode(), headers=media)
    return _Begun(json.loads(answer.body)["id"], "idempotency-replayed" in answer.headers)


def _shown(shell: Shell, output: Output, begin: _Begin, wishes: dict[str, Any]) -> None:
    """Begins, shows and prints what came of it. Raises: WorkflowFailed, CallCancelled, DeadlineExceeded."""
    timeout_s, detach = wishes["timeout"], wishes["detach"]
    with connected(shell, output) as client:
        begun = begin(client)
        if begun.duplicate:
            output.say(_before(run_of(client, begun.id)))
        if detach:
            output.done(begun.id, client.get("runs", begun.id))
            return
        client.carry(begun.id)
        watched = watch(client, output, begun.id, timeout_s=timeout_s, cancels=wishes["cancels"])
    _told(output, watched, timeout_s)


def _before(run: RunView) -> str:
    """The message for a start whose key an earlier run has."""
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


_STATES = ("pending", "running", "waiting", "suspended", "completed", "faulted", "cancelled")
_SETTLE_S = 10.0
_PAGE = 500


@click.command()
@click.argument("workflow", required=False)
@click.option("--workflow", "named", metavar="WORKFLOW", help="The same as naming it.")
@click.option("--status", type=click.Choice(_STATES), help="Only runs in this state.")
@click.option("--dead", is_flag=True, help="Only dead letters: runs that faulted. `workflows retry RUN` goes on.")
@click.option("--label", metavar="TEXT", help="Only runs with this label, such as env=prod.")
@click.option("--owner", metavar="NAME", help="Only runs begun by this user.")
@click.option("--since", type=Moment(), help="Only runs begun since then: 2h, or 2026-11-23T08:00.")
@click.option("--until", type=Moment(), help="Only runs begun before then.")
@click.option("--search", metavar="TEXT", help="Only runs with this text in their input.")
@click.option("-n", "--limit", type=click.IntRange(1, 500), default=50, show_default=True)
@click.option("--cursor", help="Continue where the previous page ended.")
@host_folders
@pass_shell
def runs(
    shell: Shell,
    /,
    workflow: str | None,
    *,
    named: str | None,
    status: str | None,
    dead: bool,
    limit: int,
    cursor: str | None,
    search: str | None,
    **more: Any,
) -> None:
    """List runs, newest first, with WORKFLOW only those of one.

    A search looks at 5,000 runs; where there are more, the cursor of the last line goes on.
    """
    if None not in (workflow, named) and workflow != named:
        raise click.UsageError(f"{workflow} and --workflow {named} are two: name one.")
    workflow = named if workflow is None else workflow
    if dead and status not in (None, "faulted"):
        raise click.UsageError("--dead are the faulted ones: leave --status out.")
    output = Output(shell)
    wanted = "faulted" if dead else status
    with connected(shell, output) as client:
        page = client.get("runs", workflow=workflow, status=wanted, limit=limit, cursor=cursor, q=search, **more)
    show_page(output, _RUN, page)


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
    with connected(shell, output) as client:
        if follow:
            for step in _followed(client, run, after):
                _print(output, _full(client, run, step) if values else step, values=values)
            return
        found, more = _read(client, run, after, limit)
        steps = [_full(client, run, one) for one in found] if values else found
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
    with connected(shell, output) as client:
        for one in run:
            client.ask("POST", "runs", one, "cancel")
            found.append(_settled(client, one, frozenset(ENDED)))
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
    with connected(shell, output) as client:
        client.ask("POST", "runs", run, "suspend")
        view = _settled(client, run, frozenset({"suspended"}))
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
    with connected(shell, output) as client:
        found = client.get("runs", run, "audit")
    if output.is_json:
        output.document(found)
    elif found["ok"]:
        record = f"; row {found['record_seq']} of the record holds it" if found["record_seq"] is not None else ""
        output.line(f"{run} is whole: {found['rows']} rows, the last hash is {found['hash']}{record}")
    else:
        output.line(f"{run} is not as it was written: {found['fact']} (row {found['seq']})", style="red")
    if not found["ok"]:
        ctx.exit(Exit.FAILURE)


def _settled(client: Client, run: str, until: frozenset[Any]) -> Any:
    """The run after an order to it, which this process executes if no host runs."""
    client.carry(run)
    return settle(client, run, until=until, seconds=_SETTLE_S)


def _read(client: Client, run: str, after: int, limit: int) -> tuple[list[StepView], str | None]:
    found: list[StepView] = []
    more = True
    while more and len(found) < limit:
        steps, more = steps_of(client, run, after=after, limit=min(_PAGE, limit - len(found)))
        found += steps
        after = found[-1].seq if found else after
    return found, str(after) if more else None


def _followed(client: Client, run: str, after: int) -> Iterator[StepView]:
    news = Following(client, run, after=after)
    while True:
        look = news.next()
        yield from look.steps
        if look.over:
            return


def _full(client: Client, run: str, step: StepView) -> StepView:
    return StepView(**client.get("runs", run, "steps", step.seq)) if step.cut else step


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


def _cells(step: StepView, *, values: bool) -> tuple[str, ...]:
    given = _json(step.input) + (f"; it was given {_json(step.meta['given'])}" if "given" in step.meta else "")
    return (*step_row(step), *((given, _json(step.output)) if values else ()))


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


_FORM = click.option("--form", metavar="JSON", help="What the form asks for; `-` or `@FILE` as with inputs.")


_RUN = Noun(
    path="runs", heads=("run", "workflow", "status", "began", "took", "about"), row=run_row, extent="page", page=50
)
_APPROVAL = Noun(
    path="approvals",
    heads=("run", "place", "workflow", "title", "role", "until"),
    row=lambda one: (
        *(one["run"], one["place"], one["workflow"], one["title"], one["role"]),
        date(one["deadline_at"]),
    ),
    extent="page",
    page=50,
)
approvals = listing(_APPROVAL, "approvals", words="List the decisions that runs wait for, newest runs first.")


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
    with connected(shell, output) as client:
        at = place or _asked(client, run)
        client.ask("POST", "runs", run, "approvals", body={"place": at, "approve": approve, "form": given})
    words = f"{'Approved' if approve else 'Rejected'} {at} of {run}"
    output.done(words, {"run": run, "place": at, "approve": approve})
    output.say(f"A server goes on with it, or `omnicore workflows resume {run}`.")


def _asked(client: Client, run: str) -> str:
    places: list[str] = [one["place"] for one in client.get("runs", run, "open")["items"] if one["kind"] == "approval"]
    if not places:
        raise NotFound(f"{run} asks for no decision", remedy="see `omnicore workflows approvals`", run=run)
    if len(places) > 1:
        raise InvalidInput(f"{run} asks at {', '.join(places[:5])}", remedy="say which of them", run=run)
    return places[0]


@click.command()
@click.argument("kind", metavar="TYPE")
@click.argument("given", required=False, metavar="[DATA]")
@click.option("--source", help="Where it comes from, as a URI; you at this machine.")
@click.option("--id", "event", help="With the source: an event of the same two has no second effect.")
@click.option("--subject", help="What it is about.")
@host_folders
@pass_shell
def emit(
    shell: Shell, kind: str, given: str | None, *, source: str | None, event: str | None, subject: str | None
) -> None:
    """Publish an event of a TYPE: runs that listen for it go on, and workflows with a trigger for it begin.

    DATA is JSON, or else text; `-` reads standard input, `@FILE` a file. The event is kept, and a server on the same
    data hands it on.
    """
    output = Output(shell)
    made = {"specversion": "1.0", "id": event or new_id("evt"), "source": source or who(), "type": kind}
    more = {name: value for name, value in (("subject", subject), ("data", task_input(given))) if value is not None}
    body, media = json.dumps({**made, **more}).encode(), {"content-type": "application/cloudevents+json"}
    with connected(shell, output) as client:
        new = json.loads(client.send("POST", "events", data=body, headers=media).body)["new"]
    words = f"Published {kind} as {made['id']}" if new else f"{made['id']} of {made['source']} was published before"
    output.done(words, {"id": made["id"], "source": made["source"], "type": kind, "new": bool(new)})


_SPAN_HEADS = ("after", "took", "what", "state", "about")


@click.command()
@click.argument("run")
@click.option("--after", type=click.IntRange(0), default=0, help="Only of rows behind this one.")
@click.option("-n", "--limit", type=click.IntRange(1, 500), default=100, show_default=True, help="Rows.")
@host_folders
@pass_shell
def timeline(shell: Shell, run: str, after: int, limit: int) -> None:
    """Show what took the time in a run: what began it, its steps, calls of plugins, and their calls of the host."""
    output = Output(shell)
    with connected(shell, output) as client:
        found = client.get("runs", run, "timeline", after=after, limit=limit)
    if output.is_json:
        output.document(found)
        return
    output.rows(_SPAN_HEADS, [_span_row(one) for one in found["spans"]])
    if found["next"] is not None:
        output.say(f"There are more: add --after {found['next']}")


def _span_row(one: dict[str, Any]) -> tuple[str, ...]:
    name = "  " * one["depth"] + (one["name"] or one["kind"])
    took = "" if one["time_ms"] is None else _milliseconds(one["time_ms"])
    return f"+{_milliseconds(one['begin_ms'])}", took, name, one["state"], one["place"] or one["about"]


def _milliseconds(value: float) -> str:
    return f"{value:,.1f} ms" if value < 10_000 else f"{value / 1000:,.1f} s"


@click.command()
@click.argument("run")
@click.argument("other")
@click.option("--all", "whole", is_flag=True, help="Show steps that are the same in both, too.")
@host_folders
@pass_shell
def compare(shell: Shell, run: str, other: str, *, whole: bool) -> None:
    """Compare two runs of one workflow: times, states and outputs of their steps."""
    output = Output(shell)
    with connected(shell, output) as client:
        found = client.get("runs", run, "comparison", other=other)
    if output.is_json:
        output.document(found)
        return
    rows = [row for step in found["steps"] if whole or step["differs"] for row in _compared_rows(step)]
    output.rows(("step", "differs", run[-12:], other[-12:]), rows)
    same = sum(not step["differs"] for step in found["steps"])
    if same and not whole:
        output.say(f"{same} steps are the same but for their times: --all shows them.")


def _compared_rows(step: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    sides = [
        "-" if one is None else f"{one['status']}, {_milliseconds(one['time_ms'])}"
        for one in (step["first"], step["second"])
    ]
    yield step["place"], ", ".join(step["differs"]), *sides
    for one in step["outputs"]:
        yield f"  {one['path'] or '/'}", "", *(_json(one[side])[:80] for side in ("first", "second"))
