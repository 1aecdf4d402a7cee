"""`omnicore workflows validate`: apart from the others, for it needs no host and answers sooner where there is none."""

from __future__ import annotations

from collections.abc import Sequence

import click

from omnicore.cli.exits import Exit
from omnicore.cli.hosting import opened
from omnicore.cli.options import Shell, host_folders, pass_shell
from omnicore.cli.output import Output
from omnicore.cli.session import loaded
from omnicore.cli.workflow_files import Checked, check_all, check_known
from omnicore.cli.workflow_problems import checked_document, show_problems
from omnicore.errors import OmniError
from omnicore.storage.opening import FILE
from omnicore.workflows.knowing import Known, names_others


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
    if settings.storage.url is None and not (settings.data / FILE).exists():
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
