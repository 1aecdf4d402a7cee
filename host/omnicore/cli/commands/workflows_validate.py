"""`omnicore workflows validate`: apart from the others, for it needs no host and answers sooner without one."""

from __future__ import annotations

from collections.abc import Sequence

import click

from omnicore.cli.exits import Exit
from omnicore.cli.options import Shell, common, pass_shell
from omnicore.cli.output import Output
from omnicore.cli.workflow_files import Checked, check_all
from omnicore.cli.workflow_problems import checked_document, show_problems


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@common
@click.pass_context
@pass_shell
def validate(shell: Shell, ctx: click.Context, paths: tuple[str, ...]) -> None:
    """Say what is wrong in workflows: `file:line:column: fact (remedy)`. Exit code 2 when anything is.

    PATH is a file, a folder with YAML and JSON files, or `-` for standard input. No host is needed.
    """
    output = Output(shell)
    checked = [one for one in check_all(paths) if not one.foreign]
    if output.is_json:
        files = [checked_document(one) for one in checked]
        output.document({"valid": all(one["valid"] for one in files), "files": files})
    else:
        show_problems(output, checked)
        _count(output, checked)
    if any(one.graph is None for one in checked):
        ctx.exit(Exit.USAGE)


def _count(output: Output, checked: Sequence[Checked]) -> None:
    wrong = sum(one.graph is None for one in checked)
    right = len(checked) - wrong
    words = "1 workflow is valid" if right == 1 else f"{right} workflows are valid"
    output.say(words + (f", {wrong} not." if wrong else "."))
