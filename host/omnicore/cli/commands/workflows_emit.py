"""`omnicore workflows emit`: an event for workflows that want it."""

from __future__ import annotations

import click

from omnicore.cli.hosting import opened
from omnicore.cli.inputs import task_input
from omnicore.cli.options import Shell, host_folders, pass_shell
from omnicore.cli.output import Output
from omnicore.cli.session import who
from omnicore.ids import new_id


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
    made = {"id": event or new_id("evt"), "source": source or who(), "type": kind, "subject": subject}
    data = {} if given is None else {"data": task_input(given)}
    with opened(shell, output) as host:
        new = host.wait(host.workflows.publish({**made, **data}))
    words = f"Published {kind} as {made['id']}" if new else f"{made['id']} of {made['source']} was published before"
    output.done(words, {"id": made["id"], "source": made["source"], "type": kind, "new": bool(new)})
