"""`omnicore workflows`: the table of its commands."""

from __future__ import annotations

from collections.abc import Mapping

import click

from omnicore.cli.lazy import Lazy, LazyGroup
from omnicore.cli.options import common

_AT = "omnicore.cli.commands.workflows_"
TABLE: Mapping[str, Lazy] = {
    "ls": Lazy(_AT + "show", "ls", "List the workflows."),
    "show": Lazy(_AT + "show", "show", "Show one workflow and its text."),
    "validate": Lazy(_AT + "validate", "validate", "Say what is wrong in files, with line and column."),
    "diff": Lazy(_AT + "diff", "diff", "Show what differs between versions, or from a file."),
    "apply": Lazy(_AT + "change", "apply", "Keep the workflows of files, after showing what changes."),
    "versions": Lazy(_AT + "show", "versions", "List the versions of a workflow."),
    "export": Lazy(_AT + "move", "export", "Write workflows to standard output or into a folder."),
    "import": Lazy(_AT + "move", "import_", "Take in workflows of files that are not there yet."),
    "enable": Lazy(_AT + "change", "enable", "Let a workflow be started."),
    "disable": Lazy(_AT + "change", "disable", "Let nothing and nobody start a workflow."),
    "rm": Lazy(_AT + "change", "rm", "Remove a workflow; its runs stay."),
    "run": Lazy(_AT + "run", "run", "Run a workflow and show it live."),
    "runs": Lazy(_AT + "runs", "runs", "List runs, newest first."),
    "logs": Lazy(_AT + "runs", "logs", "Show what a run did, step by step."),
    "cancel": Lazy(_AT + "runs", "cancel", "Cancel runs."),
    "suspend": Lazy(_AT + "runs", "suspend", "Let a run rest."),
    "resume": Lazy(_AT + "run", "resume", "Go on with a run that rests or was left."),
    "retry": Lazy(_AT + "run", "retry", "Go on where a run failed or was cancelled, as a new run."),
    "fork": Lazy(_AT + "run", "fork", "Go on behind one of a run's rows, as a new run."),
    "approvals": Lazy(_AT + "people", "approvals", "List the decisions that runs wait for."),
    "approve": Lazy(_AT + "people", "approve", "Say yes to what a run asks."),
    "reject": Lazy(_AT + "people", "reject", "Say no to what a run asks."),
    "emit": Lazy(_AT + "emit", "emit", "Publish an event to workflows."),
    "examples": Lazy(_AT + "examples", "examples", "Show workflows to begin from."),
    "verify": Lazy(_AT + "runs", "verify", "Check that a run's record is as it was written."),
}


@click.command(cls=LazyGroup, table=TABLE)
@common
def workflows() -> None:
    """Keep, check, run and watch workflows.

    What is started here is run by a server on the same data, where there is one (`omnicore run`), and else by the
    command that started it, for as long as it goes on.
    """
