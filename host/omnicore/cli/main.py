"""The entry point: the table of commands, and every failure turned into a line and an exit code.

`omnicore completion`: a script that makes a shell complete commands, options and plugins.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.shell_completion import get_completion_class

from omnicore.cli.options import Exit, Group, Lazy, Shell, common, exit_for, pass_shell
from omnicore.cli.output import Output
from omnicore.errors import OmniError
from omnicore.version import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


_AT = "omnicore.cli."
COMMANDS: Mapping[str, Lazy] = {
    "new": Lazy(_AT + "new", "new", "Make a folder with a first plugin that runs at once."),
    "build": Lazy(_AT + "build", "build", "Build a plugin from its source, in any of seven languages."),
    "kit": Lazy(_AT + "build", "kit", "Write typed kits for the doors of an application."),
    "pack": Lazy(_AT + "packages", "pack_command", "Pack a plugin into one file that travels."),
    "publish": Lazy(_AT + "packages", "publish", "Publish a plugin to a registry."),
    "install": Lazy(_AT + "packages", "install_locked", "Install the plugins of omnicore.lock."),
    "outdated": Lazy(_AT + "packages", "outdated", "Show plugins whose source has a newer version."),
    "update": Lazy(_AT + "packages", "update", "Update plugins from where they came."),
    "dev": Lazy(_AT + "build", "dev", "Serve a plugin and build it again whenever it is saved."),
    "run": Lazy(_AT + "run", "run", "Run the application of this folder, or serve its plugins until Ctrl-C."),
    "mcp": Lazy(_AT + "run", "mcp", "Serve functions as MCP tools on standard input and output."),
    "call": Lazy(_AT + "plugins", "call", "Call one function of a plugin."),
    "plugins": Lazy(_AT + "plugins", "plugins", "List, install, grant, inspect and remove plugins."),
    "alarms": Lazy(_AT + "alarms", "alarms", "Be told when a figure of functions, workflows or queues is wrong."),
    "tasks": Lazy(_AT + "tasks", "tasks", "Order, look at, cancel and repeat background work."),
    "workflows": Lazy(_AT + "workflows", "workflows", "Keep, check, run and watch workflows."),
    "evolve": Lazy(_AT + "evolve", "evolve", "Search for better workflows by cases, and promote what is better."),
    "fleet": Lazy(_AT + "fleet", "fleet", "Show, cordon, drain and throw out the hosts of a fleet."),
    "vectors": Lazy(_AT + "vectors", "vectors", "Look at vector collections, search, rebuild and remove them."),
    "loops": Lazy(_AT + "loops", "loops", "Look at the seven lanes and run a cycle of one now."),
    "intelligences": Lazy(_AT + "loops", "intelligences", "List, create and retire intelligences."),
    "memory": Lazy(_AT + "memory", "memory", "Recall, store and forget what plugins remember."),
    "connectors": Lazy(_AT + "connectors", "connectors", "Connect services, so that plugins can use them."),
    "secrets": Lazy(_AT + "connectors", "secrets", "Keep credentials where no plugin sees them."),
    "users": Lazy(_AT + "users", "users", "Say who may log in, and what they may do."),
    "auth": Lazy(_AT + "users", "auth", "Print the header by which REST knows the owner of this host."),
    "tokens": Lazy(_AT + "users", "tokens", "Make API tokens for programs, and revoke them."),
    "keys": Lazy(_AT + "keys", "keys", "Manage keys of publishers: your own, and those of others."),
    "sign": Lazy(_AT + "keys", "sign_", "Sign a module or a package."),
    "verify": Lazy(_AT + "keys", "verify", "Tell who made a module or a package."),
    "search": Lazy(_AT + "index", "search", "Search the indexes for plugins."),
    "index": Lazy(_AT + "index", "index", "Make a signed index of plugins that any web server serves."),
    "trust": Lazy(_AT + "config", "trust", "Trust a folder: its settings count in full, its own code may run."),
    "import": Lazy(_AT + "db", "import_", "Take over the state of another data folder."),
    "config": Lazy(_AT + "config", "config", "Show the settings and where they come from."),
    "db": Lazy(_AT + "db", "db", "Look at the database, check it, back it up and restore it."),
    "audit": Lazy(_AT + "audit", "audit", "Show who changed what, and check that nothing was taken out."),
    "health": Lazy(_AT + "doctor", "health", "Show how every part of the host is, and why."),
    "doctor": Lazy(_AT + "doctor", "doctor", "Check that this machine can run plugins."),
    "completion": Lazy(_AT + "main", "completion", "Print a script that completes commands."),
}


@click.command(cls=Group, table=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "--version", prog_name="omnicore", message="%(prog)s %(version)s")
@common
def cli() -> None:
    """A host for WebAssembly plugins: drop a .wasm file into a folder and call it.

    `omnicore new demo` makes a folder to start from; `omnicore run` in it serves its plugins.

    Exit codes: 0 ok, 1 failure, 2 usage, 3 denied, 4 timed out, 5 not found.
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs one command line and exits. Exit codes: `omnicore.cli.options`."""
    shell = Shell()
    code = _run(list(sys.argv[1:] if arguments is None else arguments), shell)
    sys.exit(int(_flushed(code)))


def _run(arguments: list[str], shell: Shell) -> int:
    try:
        return cli.main(arguments, prog_name="omnicore", standalone_mode=False, obj=shell) or Exit.OK
    except (click.Abort, KeyboardInterrupt):
        return Exit.INTERRUPTED
    except (BrokenPipeError, SystemExit):  # click makes the second of the first
        return _reader_left()
    except Exception as error:  # the last line of defence: people get a sentence, not a traceback
        if os.environ.get("OMNICORE_DEBUG"):
            traceback.print_exc()
        return _failed(error, shell, arguments)


def _failed(error: Exception, shell: Shell, arguments: list[str]) -> int:
    """Tells a failure and returns its exit code."""
    if isinstance(error, click.UsageError):
        return _usage(error, shell, arguments)
    if isinstance(error, click.ClickException):
        return _report(shell, {"code": "failure", "message": error.format_message()}, Exit.FAILURE)
    if isinstance(error, OmniError):
        return _report(shell, error.to_json(), exit_for(error), str(error))
    text = f"unexpected {type(error).__name__}: {error}"
    remedy = "run again with OMNICORE_DEBUG=1 for the traceback, and report it"
    return _report(shell, {"code": "internal", "message": text, "remedy": remedy}, Exit.FAILURE)


def _usage(error: click.UsageError, shell: Shell, arguments: list[str]) -> int:
    message = error.format_message()
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        click.echo(message)
        return Exit.USAGE
    if shell.format is None and {"json", "-ojson", "--output=json"} & set(arguments):
        shell.format = "json"  # click stopped before it reached the option
    remedy = f"see `{error.ctx.command_path if error.ctx else 'omnicore'} --help`"
    fact = message.rstrip(".")
    text = f"{fact} ({remedy})" if fact.endswith("?") else f"{fact}; {remedy}"
    return _report(shell, {"code": "usage", "message": message, "remedy": remedy}, Exit.USAGE, text)


def _report(shell: Shell, problem: dict[str, object], code: Exit, text: str = "") -> int:
    """Writes a failure to standard error: one or two lines, or a document with `-o json`."""
    if shell.format == "json":
        click.echo(json.dumps({"error": {**problem, "exit": int(code)}}, default=str), err=True)
    else:
        words = text or "; ".join(str(problem[key]) for key in ("message", "remedy") if problem.get(key))
        click.echo(click.style("error: ", fg="red", bold=True) + _harmless(words), err=True, color=_coloured())
    return code


def _harmless(text: str) -> str:
    """Without what could steer a terminal: messages quote guests and file names."""
    return "".join(char if char in "\n\t" or char.isprintable() else f"\\x{ord(char):02x}" for char in text)


def _coloured() -> bool | None:
    return False if os.environ.get("NO_COLOR") else None


def _reader_left() -> int:
    """The reader of a pipe (`| head`) went away: no failure, but nothing more may be written."""
    _drop_output()
    return Exit.OK


def _drop_output() -> None:
    """Sends what is still buffered nowhere: the interpreter would fail on it once more, with code 120."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _flushed(code: int) -> int:
    """Flushes before the interpreter does, whose own failure would print a traceback."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        return _reader_left()
    except OSError:  # a full disk behind standard output
        _drop_output()
        click.echo("error: the output cannot be written", err=True)
        return Exit.FAILURE
    return code


if __name__ == "__main__":
    main()


_HOW = {
    "bash": 'eval "$(omnicore completion bash)"',
    "zsh": 'eval "$(omnicore completion zsh)"',
    "fish": "omnicore completion fish | source",
}


@click.command()
@click.argument("shell_name", metavar="[bash|zsh|fish]", type=click.Choice(list(_HOW)), required=False)
@common
@click.pass_context
@pass_shell
def completion(shell: Shell, ctx: click.Context, shell_name: str | None) -> None:
    """Print a script that completes commands; put its line into the shell's start-up file.

    \b
    bash: eval "$(omnicore completion bash)"
    zsh:  eval "$(omnicore completion zsh)"
    fish: omnicore completion fish | source
    """
    name = shell_name or Path(os.environ.get("SHELL", "")).name
    kind = get_completion_class(name) if name in _HOW else None
    if kind is None:
        raise click.UsageError("which shell? Name bash, zsh or fish", ctx)
    script = kind(ctx.find_root().command, {}, "omnicore", "_OMNICORE_COMPLETE").source()
    output = Output(shell)
    if output.is_json:
        output.document({"shell": name, "script": script, "line": _HOW[name]})
    else:
        click.echo(script)
