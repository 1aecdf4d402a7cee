"""`omnicore workflows examples`."""

from __future__ import annotations

from dataclasses import asdict

import click

from omnicore.cli.options import Shell, common, pass_shell
from omnicore.cli.output import Output
from omnicore.errors import NotFound
from omnicore.workflows.shipped import shipped_examples


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
        output.document(asdict(found[name]) if name else [asdict(one) for one in found.values()])
    elif name:
        output.line(found[name].text.rstrip("\n"))
    else:
        output.rows(("name", "what it does"), [(one.name, one.summary) for one in found.values()])
