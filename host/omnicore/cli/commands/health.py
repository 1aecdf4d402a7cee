"""`omnicore health`: how every part is, asked of the server that runs, or of the parts themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import click

from omnicore.assembly import BlockingHost
from omnicore.cli.exits import Exit
from omnicore.cli.hosting import opened
from omnicore.cli.options import Shell, host_folders, pass_shell
from omnicore.cli.output import Output
from omnicore.cli.server import server_health
from omnicore.cli.session import loaded
from omnicore.errors import Unavailable
from omnicore.resilience.status import HealthStatus

_HEADS = ("part", "health", "reason")


@click.command()
@click.option("--here", is_flag=True, help="Ask the parts in this process, though a server runs.")
@host_folders
@pass_shell
def health(shell: Shell, *, here: bool) -> None:
    """Show how every part of the host is, and why.

    Without a server on the data folder the parts are asked here and now. The exit code is 0 for a host that is
    healthy or degraded, 1 for an unhealthy one.
    """
    output = Output(shell)
    document = _asked(shell, output) if here else _served(shell, output)
    if output.is_json:
        output.document(document)
    else:
        output.rows(_HEADS, _rows(document))
        output.say(f"The host is {document['overall'].lower()}.")
    if document["overall"] == HealthStatus.Unhealthy:
        raise click.exceptions.Exit(Exit.FAILURE)


def _served(shell: Shell, output: Output) -> dict[str, Any]:
    try:
        return server_health(loaded(shell).settings)
    except Unavailable:
        return _asked(shell, output)


def _asked(shell: Shell, output: Output) -> dict[str, Any]:
    with opened(shell, output) as host:
        host.check_health()
        return _document(host)


def _document(host: BlockingHost) -> dict[str, Any]:
    report = host.health.report()
    seen = {one.name: asdict(one) for one in host.health.subsystems()}
    for one in seen.values():
        del one["name"]
    features = [asdict(one) for one in host.degradation.features()]
    return {"overall": str(report.overall), "at": report.at, "subsystems": seen, "features": features}


def _rows(document: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    parts = [(name, str(one["status"]), str(one["reason"])) for name, one in document["subsystems"].items()]
    off = [(one["name"], "off", one["reason"]) for one in document["features"] if not one["enabled"]]
    return parts + off
