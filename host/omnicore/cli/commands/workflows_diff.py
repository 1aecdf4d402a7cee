"""`omnicore workflows diff`."""

from __future__ import annotations

from pathlib import Path

import click

from omnicore.assembly import BlockingHost
from omnicore.cli.hosting import opened
from omnicore.cli.options import Shell, host_folders, pass_shell
from omnicore.cli.output import Output
from omnicore.cli.workflow_changes import changes_document, show_changes
from omnicore.cli.workflow_files import check_source, graph_of, read_source
from omnicore.errors import InvalidInput
from omnicore.workflows.editing import diff as differences
from omnicore.workflows.graph import Graph

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


def _of_files(host: BlockingHost, file: str, other: str | None) -> tuple[Graph, Graph]:
    first = _graph(file)
    if other is not None:
        return first[1], _graph(other)[1]
    return host.wait(host.workflows.definitions.present(first[0])).graph, first[1]


def _of_versions(host: BlockingHost, workflow: str, a: int | None, b: int | None) -> tuple[Graph, Graph]:
    newest = [one.number for one in host.wait(host.workflows.versions(workflow))]
    before = a if a is not None else newest[min(1, len(newest) - 1)]
    after = b if b is not None else newest[0]
    find = host.workflows.definitions.numbered
    return host.wait(find(workflow, before)).graph, host.wait(find(workflow, after)).graph


def _graph(file: str) -> tuple[str, Graph]:
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
