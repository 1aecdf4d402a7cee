"""`omnicore workflows`: the table of its commands.

`omnicore workflows ls`, `show` and `versions`.

`omnicore workflows apply`, `enable`, `disable` and `rm`.

`omnicore workflows diff`.

`omnicore workflows export` and `import`: definitions as files.

`omnicore workflows validate`: apart from the others, for it needs no host and answers sooner where there is none.

`omnicore workflows examples`.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from omnicore.cli.client import connected, loaded, who
from omnicore.cli.local import enter, opened
from omnicore.cli.options import Exit, Group, Lazy, Shell, common, host_folders, pass_shell
from omnicore.cli.output import Output, date
from omnicore.cli.run_view import coloured
from omnicore.cli.workflow_files import (
    Checked,
    changes_document,
    check_all,
    check_known,
    check_source,
    checked_document,
    counted,
    graph_of,
    read_source,
    refuse_invalid,
    show_changes,
    show_problems,
)
from omnicore.errors import Conflict, InvalidInput, NotFound, OmniError
from omnicore.storage.database import DATABASE
from omnicore.storage.store import storage_failed
from omnicore.workflows.language.edits import Difference
from omnicore.workflows.language.edits import diff as differences
from omnicore.workflows.language.palette import Known, names_others
from omnicore.workflows.language.sources import shipped_examples

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from omnicore.portal import BlockingHost
    from omnicore.workflows.language.graph import WorkflowGraph
    from omnicore.workflows.view import Definition

_HERE = "omnicore.cli.workflows"
_RUNS = "omnicore.cli.runs"
TABLE: Mapping[str, Lazy] = {
    "ls": Lazy(_HERE, "ls", "List the workflows."),
    "show": Lazy(_HERE, "show", "Show one workflow and its text."),
    "validate": Lazy(_HERE, "validate", "Say what is wrong in files, with line and column."),
    "diff": Lazy(_HERE, "diff", "Show what differs between versions, or from a file."),
    "apply": Lazy(_HERE, "apply", "Keep the workflows of files, after showing what changes."),
    "versions": Lazy(_HERE, "versions", "List the versions of a workflow."),
    "export": Lazy(_HERE, "export", "Write workflows to standard output or into a folder."),
    "import": Lazy(_HERE, "import_", "Take in workflows of files that are not there yet."),
    "enable": Lazy(_HERE, "enable", "Let a workflow be started."),
    "disable": Lazy(_HERE, "disable", "Let nothing and nobody start a workflow."),
    "rm": Lazy(_HERE, "rm", "Remove a workflow; its runs stay."),
    "run": Lazy(_RUNS, "run", "Run a workflow and show it live."),
    "runs": Lazy(_RUNS, "runs", "List runs, newest first."),
    "logs": Lazy(_RUNS, "logs", "Show what a run did, step by step."),
    "cancel": Lazy(_RUNS, "cancel", "Cancel runs."),
    "suspend": Lazy(_RUNS, "suspend", "Let a run rest."),
    "resume": Lazy(_RUNS, "resume", "Go on with a run that rests or was left."),
    "retry": Lazy(_RUNS, "retry", "Go on where a run failed or was cancelled, as a new run."),
    "fork": Lazy(_RUNS, "fork", "Go on behind one of a run's rows, as a new run."),
    "approvals": Lazy(_RUNS, "approvals", "List the decisions that runs wait for."),
    "approve": Lazy(_RUNS, "approve", "Say yes to what a run asks."),
    "reject": Lazy(_RUNS, "reject", "Say no to what a run asks."),
    "emit": Lazy(_RUNS, "emit", "Publish an event to workflows."),
    "examples": Lazy(_HERE, "examples", "Show workflows to begin from."),
    "verify": Lazy(_RUNS, "verify", "Check that a run's record is as it was written."),
}


@click.command(cls=Group, table=TABLE)
@common
def workflows() -> None:
    """Keep, check, run and watch workflows.

    What is started here is run by a server on the same data, where there is one (`omnicore run`), and else by the
    command that started it, for as long as it goes on.
    """


@click.command()
@click.argument("text", metavar="[TEXT]", default="")
@click.option("-n", "--limit", type=click.IntRange(1, 200), default=100, show_default=True)
@click.option("--cursor", default="", help="Go on where the page before ended.")
@host_folders
@pass_shell
def ls(shell: Shell, text: str, limit: int, cursor: str) -> None:
    """List the workflows by name, with TEXT only those whose name has it."""
    output = Output(shell)
    with connected(shell, output) as client:
        page = client.get("workflows", limit=limit, cursor=cursor or None, q=text or None)
    if output.is_json:
        output.document(page)
        return
    output.rows(_HEADS, [_row(one) for one in page["items"]])
    if page["next"] is not None:
        output.say(f"There are more: add --cursor {page['next']}")


@click.command()
@click.argument("workflow")
@click.option("--number", type=click.IntRange(1), help="An earlier version; see `workflows versions`.")
@host_folders
@pass_shell
def show(shell: Shell, workflow: str, number: int | None) -> None:
    """Show a workflow: what begins it, who changed it when, and its text."""
    output = Output(shell)
    if number is None:
        with connected(shell, output) as client:
            found = client.get("workflows", workflow)
    else:
        with opened(shell, output) as host:
            found = host.wait(host.workflows.get(workflow, number)).to_json()
    if output.is_json:
        output.document(found)
        return
    output.rows(("field", "value"), _details(found))
    output.line("")
    for line in found["text"].splitlines():
        output.line(line)


@click.command()
@click.argument("workflow")
@host_folders
@pass_shell
def versions(shell: Shell, workflow: str) -> None:
    """List the versions of a workflow, the newest first."""
    output = Output(shell)
    with connected(shell, output) as client:
        found = client.get("workflows", workflow, "versions")["items"]
    if output.is_json:
        output.document({"items": found})
    else:
        output.rows(_VERSION_HEADS, [_version_row(one) for one in found])


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
    with connected(shell, output) as client:
        client.ask("DELETE", "workflows", workflow)
    output.done(f"Removed {workflow}", {"removed": workflow})


def _switch(shell: Shell, workflow: str, *, on: bool) -> None:
    output = Output(shell)
    with connected(shell, output) as client:
        found = client.ask("POST", "workflows", workflow, "enable" if on else "disable")
    brief = {name: value for name, value in found.items() if name not in ("text", "document")}
    output.done(f"{found['id']} is {'on' if on else 'off'}", brief)


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
    return _Plan(checked, before, differences(present, graph))


def _show(output: Output, plans: Sequence[_Plan]) -> None:
    if output.is_json:
        return
    for plan in plans:
        more = f": {counted(plan.changes)}" if plan.changes else ""
        output.line(f"{plan.checked.workflow} ({plan.checked.source.name}) is {plan.kind}{more}")
        show_changes(output, plan.changes)


def _agreed(output: Output, plans: Sequence[_Plan]) -> bool:
    """Whether it may be done; asked only of somebody who can answer."""
    asks = sys.stdin.isatty() and output.to_terminal and not output.is_json
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


_ENDINGS = (".yaml", ".yml", ".json")


@click.command()
@click.argument("what", metavar="WORKFLOW|FILE")
@click.argument("a", required=False)
@click.argument("b", required=False)
@host_folders
@pass_shell
def diff(shell: Shell, what: str, a: str | None, b: str | None) -> None:
    """Show what differs: told by tasks and not by lines.

    `diff FILE` compares a workflow as it is kept with the file, `diff FILE FILE` two files, `diff WORKFLOW` the last
    two versions, and `diff WORKFLOW A B` two of its versions by number; without B, A with the present one.
    """
    output = Output(shell)
    if _is_file(what) and b is not None:
        raise InvalidInput("two files at most can be compared", remedy="leave the last one out")
    with opened(shell, output) as host:
        if _is_file(what):
            before, after = _of_files(host, what, a)
        else:
            before, after = _of_versions(host, what, _number(a), _number(b))
    changes = differences(before, after)
    if output.is_json:
        output.document(changes_document(changes))
        return
    show_changes(output, changes)
    if not changes:
        output.say("Nothing differs.")


def _of_files(host: BlockingHost, file: str, other: str | None) -> tuple[WorkflowGraph, WorkflowGraph]:
    first = _graph(file)
    if other is not None:
        return first[1], _graph(other)[1]
    return host.wait(host.workflows.definitions.present(first[0])).graph, first[1]


def _of_versions(
    host: BlockingHost, workflow: str, a: int | None, b: int | None
) -> tuple[WorkflowGraph, WorkflowGraph]:
    newest = [one.number for one in host.wait(host.workflows.versions(workflow))]
    before = a if a is not None else newest[min(1, len(newest) - 1)]
    after = b if b is not None else newest[0]
    find = host.workflows.definitions.numbered
    return host.wait(find(workflow, before)).graph, host.wait(find(workflow, after)).graph


def _graph(file: str) -> tuple[str, WorkflowGraph]:
    checked = check_source(read_source(file))
    return checked.workflow, graph_of(checked)


def _is_file(word: str) -> bool:
    return word == "-" or "/" in word or word.endswith(_ENDINGS) or Path(word).is_file()


def _number(text: str | None) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and 0 < len(text) < 10):
        raise InvalidInput(f"{text!r} is no number of a version", remedy="see `omnicore workflows versions`")
    return int(text)


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
    elif output.to_terminal:
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


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option("--no-host", is_flag=True, help="Do not look whether a host here has what they name.")
@host_folders
@click.pass_context
@pass_shell
def validate(shell: Shell, ctx: click.Context, paths: tuple[str, ...], *, no_host: bool) -> None:
    """Say what is wrong in workflows: `file:line:column: fact (remedy)`. Exit code 2 when anything is.

    PATH is a file, a folder with YAML and JSON files, or `-` for standard input. No host is needed; where one
    was run on these folders, what they name and it does not have now is warned of.
    """
    output = Output(shell)
    checked = [one for one in check_all(paths) if not one.foreign]
    asked = not no_host and any(one.graph is not None and names_others(one.graph) for one in checked)
    known = _known(shell, output) if asked else None
    if known is not None:
        checked = check_known(checked, known)
    if output.is_json:
        files = [checked_document(one) for one in checked]
        output.document({"valid": all(one["valid"] for one in files), "files": files})
    else:
        show_problems(output, checked)
        _count(output, checked)
    if any(one.graph is None for one in checked):
        ctx.exit(Exit.USAGE)


def _known(shell: Shell, output: Output) -> Known | None:
    """What the host of these folders has; None: none was run here, or it cannot be asked."""
    settings = loaded(shell).settings
    if settings.storage.url is None and not (settings.data / DATABASE).exists():
        return None
    try:
        with opened(shell, output) as host:
            return host.workflows.known()
    except OmniError as error:
        output.say(f"Whether a host has what they name was not looked at: {error}")
        return None


def _count(output: Output, checked: Sequence[Checked]) -> None:
    wrong = sum(one.graph is None for one in checked)
    right = len(checked) - wrong
    words = "1 workflow is valid" if right == 1 else f"{right} workflows are valid"
    output.say(words + (f", {wrong} not." if wrong else "."))


@click.command()
@click.argument("name", required=False)
@common
@pass_shell
def examples(shell: Shell, name: str | None) -> None:
    """List workflows to begin from, or write the text of one: `examples order > order.yaml`."""
    output = Output(shell)
    found = {one.name: one for one in shipped_examples()}
    if name is not None and name not in found:
        raise NotFound(f"there is no example {name[:80]!r}", remedy="see `omnicore workflows examples`")
    if output.is_json:
        output.document(found[name].to_json() if name else [one.to_json() for one in found.values()])
    elif name:
        output.line(found[name].text.rstrip("\n"))
    else:
        output.rows(("name", "what it does"), [(one.name, one.summary) for one in found.values()])


_HEADS = ("workflow", "title", "version", "state", "begins", "last run", "changed")
_VERSION_HEADS = ("number", "digest", "changed", "by")


def _row(one: dict[str, Any]) -> tuple[str, ...]:
    return (
        one["id"],
        one["title"],
        f"{one['version']} #{one['number']}",
        "on" if one["enabled"] else "off",
        ", ".join(dict.fromkeys(trigger["kind"] for trigger in one["triggers"])) or "-",
        coloured(str(one["last_run"]["status"])) if one["last_run"] else "-",
        date(one["changed_at"]),
    )


def _details(found: dict[str, Any]) -> list[tuple[str, ...]]:
    """What is known of a workflow beside its text."""
    begins = [
        f"{one['kind']} {one['about']}" + ("" if one["next_at"] is None else f", next at {date(one['next_at'])}")
        for one in found["triggers"]
    ]
    values = (
        ("workflow", found["id"]),
        ("title", found["title"]),
        ("summary", found["summary"]),
        ("version", f"{found['version']} #{found['number']}"),
        ("digest", found["digest"]),
        ("state", "on" if found["enabled"] else "off"),
        ("begins", "\n".join(begins)),
        ("changed", f"{date(found['changed_at'])} by {found['changed_by']}"),
    )
    return [(name, value) for name, value in values if value]


def _version_row(one: dict[str, Any]) -> tuple[str, ...]:
    return (str(one["number"]), one["digest"][:12], date(one["created_at"]), one["created_by"])
