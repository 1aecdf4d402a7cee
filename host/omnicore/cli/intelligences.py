"""`omnicore intelligences`: list, create and retire them."""

from __future__ import annotations

import click

from omnicore.cli.local import opened
from omnicore.cli.options import Group, Shell, common, host_folders, pass_shell
from omnicore.cli.output import Output
from omnicore.intelligences.intelligence import BUILT_IN, Budget, Intelligence, IntelligenceSpec, IntelligenceStatus

_HEADS = ("id", "name", "version", "status", "can", "lacks", "architecture")


@click.group(cls=Group)
@common
def intelligences() -> None:
    """List, create and retire intelligences: named sets of what plugins must provide, with a budget."""


@intelligences.command()
@click.option("--status", type=click.Choice([one.value for one in IntelligenceStatus]), help="Only these.")
@click.option("--retired", is_flag=True, help="Those that are retired instead.")
@host_folders
@pass_shell
def ls(shell: Shell, status: str | None, *, retired: bool) -> None:
    """List intelligences, oldest first."""
    output = Output(shell)
    wanted = IntelligenceStatus(status) if status else None
    with opened(shell, output) as host:
        found = host.intelligences.list(status=wanted, retired=retired)
    if output.is_json:
        output.document([one.to_json() for one in found])
        return
    output.rows(_HEADS, [_row(one) for one in found])
    if not found:
        output.say("There are none: `omnicore intelligences create NAME --needs CAPABILITY`.")


@intelligences.command()
@click.argument("name")
@click.option("--needs", "needs", multiple=True, metavar="CAPABILITY", help="What plugins must provide; repeat it.")
@click.option("--min", "least", type=click.FloatRange(0, 1), default=0.0, help="Score that an evaluation has to show.")
@click.option("--max-ms", type=click.FloatRange(0, min_open=True), help="Longest time of one call, in milliseconds.")
@click.option("--architecture", type=click.Choice(list(BUILT_IN)), default="single", show_default=True)
@click.option("--calls", type=click.IntRange(1), help="Calls that it may make in a day.")
@click.option("--strict", is_flag=True, help="Refuse it when no plugin provides what it needs.")
@host_folders
@pass_shell
def create(
    shell: Shell,
    name: str,
    *,
    needs: tuple[str, ...],
    least: float,
    max_ms: float | None,
    architecture: str,
    calls: int | None,
    strict: bool,
) -> None:
    """Create an intelligence; a name that is there already gets another version."""
    output = Output(shell)
    spec = IntelligenceSpec(
        name=name,
        min_capability=least,
        required_capabilities=needs,
        max_inference_time=max_ms,
        architecture=architecture,
        budget=Budget(calls=calls),
        strict=strict,
    )
    with opened(shell, output) as host:
        made = host.intelligences.create(spec)
    lacks = f"; it lacks {', '.join(made.missing)}" if made.missing else ""
    output.done(f"{made.name} {made.version} is {made.status} ({made.id}){lacks}", made.to_json())


@intelligences.command()
@click.argument("intelligence", metavar="ID")
@host_folders
@pass_shell
def rm(shell: Shell, intelligence: str) -> None:
    """Retire an intelligence: it takes no more calls."""
    output = Output(shell)
    with opened(shell, output) as host:
        host.intelligences.retire(intelligence)
    output.done(f"{intelligence} is retired", {"id": intelligence, "retired": True})


def _row(one: Intelligence) -> tuple[str, ...]:
    can = ", ".join(one.capabilities)
    return (one.id, one.name, str(one.version), one.status.value, can, ", ".join(one.missing), one.spec.architecture)
