"""`omnicore plugins install|enable|disable|remove|grant|revoke`: changes, which a running server notices."""

from __future__ import annotations

from pathlib import Path

import click

from omnicore.cli.exits import Exit
from omnicore.cli.hosting import opened
from omnicore.cli.options import Shell, host_folders, pass_shell
from omnicore.cli.output import Output
from omnicore.cli.session import loaded, who
from omnicore.errors import NotFound

_ENDINGS = (".wasm", ".wat")


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@host_folders
@pass_shell
def install(shell: Shell, file: Path) -> None:
    """Copy a .wasm or .wat file, and the manifest beside it, into the plugin folder."""
    if file.suffix not in _ENDINGS:
        raise click.BadParameter(f"{file} is no .wasm or .wat file", param_hint="FILE")
    output = Output(shell)
    data, manifest = _read(file), file.with_suffix(".toml")
    loaded(shell).settings.plugins.mkdir(parents=True, exist_ok=True)
    with opened(shell, output) as host, output.waiting(f"Installing {file.name}"):
        sidecar = _read(manifest) if manifest.is_file() else None
        view = host.plugins.install(file.name, data, manifest=sidecar)
    words = f"Installed {view.name} ({view.state}{': ' + view.reason if view.reason else ''})"
    output.done(words, view.to_json())
    if view.state == "needs-grant":
        output.say(f"See what it asks for with `omnicore plugins diff {view.name}`.")


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as cause:
        raise NotFound(f"{file} cannot be read ({cause.strerror})", remedy="check the path") from cause


@click.command()
@click.argument("name")
@host_folders
@pass_shell
def enable(shell: Shell, name: str) -> None:
    """Let a plugin take calls; one in quarantine is tried again."""
    output = Output(shell)
    with opened(shell, output) as host:
        view = host.plugins.enable(name)
    output.done(f"{name} is {view.state}{': ' + view.reason if view.reason else ''}", view.to_json())


@click.command()
@click.argument("name")
@host_folders
@pass_shell
def disable(shell: Shell, name: str) -> None:
    """Let a plugin take no calls; running ones finish."""
    output = Output(shell)
    with opened(shell, output) as host:
        view = host.plugins.disable(name)
    output.done(f"{name} is {view.state}", view.to_json())


@click.command()
@click.argument("name")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@host_folders
@click.pass_context
@pass_shell
def remove(shell: Shell, ctx: click.Context, name: str, *, yes: bool) -> None:
    """Delete a plugin's file, its grants and its data."""
    output = Output(shell)
    if not yes and not output.err.is_terminal:
        raise click.UsageError("Nobody is there to ask; add --yes to remove it")
    with opened(shell, output) as host:
        view = host.plugins.get(name)
        if not yes and not click.confirm(f"Remove {name} ({view.path}), its grants and its data?", err=True):
            output.say("Nothing was removed.")
            ctx.exit(Exit.FAILURE)
        host.plugins.remove(name)
    output.done(f"Removed {name}", {"removed": name, "path": view.path})


@click.command()
@click.argument("name")
@click.argument("capability", required=False)
@host_folders
@pass_shell
def grant(shell: Shell, name: str, capability: str | None) -> None:
    """Give a plugin what it asks for: one CAPABILITY, or all of them."""
    output = Output(shell)
    with opened(shell, output) as host:
        changes = [change for change in host.plugins.diff(name) if capability in (None, change.capability)]
        view = host.plugins.grant(name, capability, who=who())
    given = ", ".join(change.capability for change in changes) or "nothing new"
    output.done(f"Granted {name}: {given}. It is {view.state}.", view.to_json())


@click.command()
@click.argument("name")
@click.argument("capability")
@host_folders
@pass_shell
def revoke(shell: Shell, name: str, capability: str) -> None:
    """Take a grant back; the plugin waits until it is granted again."""
    output = Output(shell)
    with opened(shell, output) as host:
        view = host.plugins.revoke(name, capability, who=who())
    output.done(f"Revoked {capability} of {name}. It is {view.state}.", view.to_json())
