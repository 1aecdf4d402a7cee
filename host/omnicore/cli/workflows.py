"""`omnicore workflows`: definitions of workflows, and workflow files. Its commands for runs are in `runs.py`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from omnicore.cli.client import Client, connected, loaded
from omnicore.cli.nouns import Document, Noun, listing, removal, switches
from omnicore.cli.options import Exit, Group, Lazy, Shell, common, host_folders, pass_shell
from omnicore.cli.output import Output, date
from omnicore.cli.run_view import coloured
from omnicore.cli.workflow_files import (
    Checked,
    Source,
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
from omnicore.workflows.language.palette import Known, known_of, names_others
from omnicore.workflows.language.sources import shipped_examples

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from omnicore.workflows.language.graph import WorkflowGraph

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
    "timeline": Lazy(_RUNS, "timeline", "Show what took the time in a run, down to calls of the host."),
    "compare": Lazy(_RUNS, "compare", "Compare two runs, step by step."),
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
@click.argument("workflow")
@click.option("--number", type=click.IntRange(1), help="An earlier version; see `workflows versions`.")
@host_folders
@pass_shell
def show(shell: Shell, workflow: str, number: int | None) -> None:
    """Show a workflow: what begins it, who changed it when, and its text."""
    output = Output(shell)
    with connected(shell, output) as client:
        found = _version(client, workflow, number)
    if output.is_json:
        output.document(found)
        return
    output.rows(("field", "value"), _details(found))
    output.line("")
    for line in found["text"].splitlines():
        output.line(line)


@dataclass(frozen=True, slots=True)
class _Plan:
    """The effect of applying a file. `before` is None for a new workflow."""

    checked: Checked
    before: Document | None
    changes: Sequence[Difference]

    @property
    def kind(self) -> str:
        if self.before is None:
            return "new"
        return "changed" if self.changes else "unchanged"

    @property
    def same_version(self) -> str:
        """The `version` of both texts, where they differ and it does not; else empty."""
        before = "" if self.before is None else str(self.before["version"])
        return before if self.changes and before == graph_of(self.checked).version else ""


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
    with connected(shell, output) as client:
        show_problems(output, _lacking(client, checked), err=True)
        plans = [_planned(client, one) for one in checked]
        _show(output, plans)
        if dry_run or not (yes or _agreed(output, plans)):
            found = [_shown(plan, None) for plan in plans]
        else:
            found = [_shown(plan, _applied(client, plan)) for plan in plans]
    if output.is_json:
        output.document({"items": found})


def _version(client: Client, workflow: str, number: int | None = None) -> Document:
    """A workflow as it stands, or as an earlier version."""
    found: Document = client.get("workflows", workflow, number=number)
    return found


def _known(client: Client) -> Known | None:
    """The names that the host has and workflows may use."""

    def there(noun: str) -> Callable[[str], bool]:
        def asked(name: str) -> bool:
            try:
                client.get(noun, name)
            except NotFound:
                return False
            return True

        return asked

    return known_of(client.get("workflows", "palette"), webhook=there("webhooks"), workflow=there("workflows"))


def _lacking(client: Client, checked: Sequence[Checked]) -> list[Checked]:
    """The files with the host's warnings alone: their other problems were shown before."""
    known = _known(client) if any(one.graph is not None and names_others(one.graph) for one in checked) else None
    now = checked if known is None else check_known(checked, known)
    return [
        replace(after, problems=[one for one in after.problems if one not in before.problems])
        for before, after in zip(checked, now, strict=True)
    ]


def _planned(client: Client, checked: Checked) -> _Plan:
    graph = graph_of(checked)
    try:
        before = client.get("workflows", checked.workflow)
    except NotFound:
        return _Plan(checked, None, ())
    return _Plan(checked, before, differences(_graph_of_text(before["text"]), graph))


def _graph_of_text(text: str) -> WorkflowGraph:
    return graph_of(check_source(Source("-", text)))


def _show(output: Output, plans: Sequence[_Plan]) -> None:
    if output.is_json:
        return
    for plan in plans:
        more = f": {counted(plan.changes)}" if plan.changes else ""
        output.line(f"{plan.checked.workflow} ({plan.checked.source.name}) is {plan.kind}{more}")
        show_changes(output, plan.changes)
        if plan.same_version:
            version = plan.same_version
            output.line(f"  its version stays {version}; raise it, or runs that ask for {version} begin the new text")


def _agreed(output: Output, plans: Sequence[_Plan]) -> bool:
    """True if the user agrees. Asks only on a terminal."""
    asks = sys.stdin.isatty() and output.to_terminal and not output.is_json
    if not asks or all(plan.kind == "unchanged" for plan in plans):
        return True
    return click.confirm("Apply this?", default=True, err=True)


def _applied(client: Client, plan: _Plan) -> Document:
    """The workflow as applied. The host refuses it if somebody changed it after the plan was shown."""
    order = {"text": plan.checked.given}
    if plan.before is None:
        kept: Document = client.ask("POST", "workflows", body=order)
    else:
        kept = client.ask("PUT", "workflows", plan.checked.workflow, body={**order, "digest": plan.before["digest"]})
    return kept


def _shown(plan: _Plan, kept: Document | None) -> dict[str, Any]:
    about = {"file": plan.checked.source.name, "workflow": plan.checked.workflow, "kind": plan.kind}
    applied = {"applied": kept is not None, "number": None if kept is None else kept["number"]}
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
    if _is_file(what) and a is not None:
        before, after = _graph(what)[1], _graph(a)[1]
    else:
        with connected(shell, output) as client:
            before, after = _of_file(client, what) if _is_file(what) else _of_versions(client, what, a, b)
    changes = differences(before, after)
    if output.is_json:
        output.document(changes_document(changes))
        return
    show_changes(output, changes)
    if not changes:
        output.say("Nothing differs.")


def _of_file(client: Client, file: str) -> tuple[WorkflowGraph, WorkflowGraph]:
    workflow, graph = _graph(file)
    return _graph_of_text(_version(client, workflow)["text"]), graph


def _of_versions(
    client: Client, workflow: str, first: str | None, last: str | None
) -> tuple[WorkflowGraph, WorkflowGraph]:
    a, b = _number(first), _number(last)
    newest = [one["number"] for one in client.get("workflows", workflow, "versions")["items"]]
    before = a if a is not None else newest[min(1, len(newest) - 1)]
    after = b if b is not None else newest[0]
    first_text, last_text = (_version(client, workflow, number)["text"] for number in (before, after))
    return _graph_of_text(first_text), _graph_of_text(last_text)


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
    with connected(shell, output) as client:
        every = names or [one["id"] for one in client.pages("workflows")]
        found = [_version(client, name, number) for name in every]
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
    with connected(shell, output) as client:
        kinds = {one.source.name: _kind(client, one) for one in checked}
        _refuse(checked, kinds, replace=replace)
        found = [_imported(client, one, kinds[one.source.name]) for one in checked]
    if output.is_json:
        output.document({"items": found})
        return
    for one in found:
        output.line(f"{one['workflow']}: {one['kind']}")


def _print(output: Output, found: Document) -> None:
    text: str = found["text"]
    if output.is_json:
        output.document(found["document"])
    elif output.to_terminal:
        for line in text.splitlines():
            output.line(line)
    else:
        output.raw(text.encode("utf-8", "surrogatepass"))


def _write(folder: Path, found: Document) -> Path:
    ending = "json" if found["text"].lstrip()[:1] == "{" else "yaml"
    file = folder / f"{found['id']}.{ending}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file.write_text(found["text"], "utf-8")
    except OSError as error:
        raise storage_failed(error, str(file)) from error
    return file


def _kind(client: Client, checked: Checked) -> str:
    digest = graph_of(checked).digest
    try:
        there = client.get("workflows", checked.workflow)
    except NotFound:
        return "new"
    return "unchanged" if there["digest"] == digest else "replaced"


def _refuse(checked: list[Checked], kinds: dict[str, str], *, replace: bool) -> None:
    others = [one.workflow for one in checked if kinds[one.source.name] == "replaced"]
    if others and not replace:
        raise Conflict(
            f"there is {', '.join(others[:5])} already, and it is another",
            remedy="add --replace, or look with `omnicore workflows diff FILE`",
        )


def _imported(client: Client, checked: Checked, kind: str) -> Document:
    number = None
    if kind != "unchanged":
        number = client.ask("PUT", "workflows", checked.workflow, body={"text": checked.given})["number"]
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
    if not no_host and any(one.graph is not None and names_others(one.graph) for one in checked):
        checked = _compared(shell, output, checked)
    if output.is_json:
        files = [checked_document(one) for one in checked]
        output.document({"valid": all(one["valid"] for one in files), "files": files})
    else:
        show_problems(output, checked)
        _count(output, checked)
    if any(one.graph is None for one in checked):
        ctx.exit(Exit.USAGE)


def _compared(shell: Shell, output: Output, checked: list[Checked]) -> list[Checked]:
    """The files with the warnings of the host of these folders, if one has run here and can be asked."""
    settings = loaded(shell).settings
    if settings.storage.url is None and not (settings.data / DATABASE).exists():
        return checked
    try:
        with connected(shell, output) as client:
            known = _known(client)
            return checked if known is None else check_known(checked, known)
    except OmniError as error:
        output.say(f"The names that they use were not checked against the host: {error}")
        return checked


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


def _row(one: Document) -> tuple[str, ...]:
    return (
        one["id"],
        one["title"],
        f"{one['version']} #{one['number']}",
        "on" if one["enabled"] else "off",
        ", ".join(dict.fromkeys(trigger["kind"] for trigger in one["triggers"])) or "-",
        coloured(str(one["last_run"]["status"])) if one["last_run"] else "-",
        date(one["changed_at"]),
    )


def _details(found: Document) -> list[tuple[str, ...]]:
    """The details of a workflow beside its text."""
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


_WORKFLOW = Noun(
    path="workflows",
    heads=("workflow", "title", "version", "state", "begins", "last run", "changed"),
    row=_row,
    extent="page",
    state=lambda found: "on" if found["enabled"] else "off",
    brief=frozenset({"text", "document"}),
)
_VERSION = Noun(
    path="workflows/{workflow}/versions",
    heads=("number", "digest", "changed", "by"),
    row=lambda one: (str(one["number"]), one["digest"][:12], date(one["created_at"]), one["created_by"]),
    extent="page",
)
ls = listing(_WORKFLOW, words="List workflows by name; with TEXT only those with it in their name or title.")
rm = removal(_WORKFLOW, words="Remove a workflow with its triggers. Its runs stay, and running ones continue.")
versions = listing(_VERSION, "versions", words="List the versions of a workflow, the newest first.")
enable, disable = switches(
    _WORKFLOW,
    enable="Let triggers and people start a workflow.",
    disable="Keep triggers and people from starting a workflow. Running ones continue.",
)
