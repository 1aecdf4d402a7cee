"""`omnicore loops`: how the lanes stand, and cycles on demand."""

from __future__ import annotations

import json
from typing import Any

import click

from omnicore.cli.client import connected
from omnicore.cli.options import Group, Shell, common, host_folders, pass_shell, read_input
from omnicore.cli.output import Output, date
from omnicore.errors import InvalidInput

_LANES = ("reflexive", "reactive", "adaptive", "deliberative", "evolutionary", "transformative", "transcendent")
_HEADS = ("lane", "by itself", "cycles", "failures", "last run", "next run", "on average", "handlers")


@click.group(cls=Group)
@common
def loops() -> None:
    """Look at the seven lanes and run a cycle of one now.

    A server on the same data runs them by themselves (`omnicore run`).
    """


@loops.command()
@host_folders
@pass_shell
def ls(shell: Shell) -> None:
    """Show when each lane ran, when it runs next, and what came of it."""
    output = Output(shell)
    with connected(shell, output) as client:
        lanes = client.get("loops")["items"]
    if output.is_json:
        output.document(lanes)
        return
    output.rows(_HEADS, [_row(lane) for lane in lanes])


@loops.command()
@click.argument("lane", type=click.Choice(_LANES))
@click.argument("given", required=False, metavar="[DATA]")
@click.option("--context", default="", help="A text for the handlers.")
@click.option("--objective", "objectives", multiple=True, help="What to work towards; may be repeated.")
@host_folders
@pass_shell
def run(shell: Shell, lane: str, given: str | None, *, context: str, objectives: tuple[str, ...]) -> None:
    """Run a cycle of a lane now. DATA is a JSON object, @FILE, or - for standard input."""
    output = Output(shell)
    order = {"data": _object(given), "context": context or "command line", "objectives": list(objectives)}
    with connected(shell, output) as client, output.waiting(f"Running the {lane} lane"):
        done = client.ask("POST", "loops", lane, "cycles", body=order)
    if output.is_json:
        output.document(done)
        return
    output.rows(("what", "value"), _details(done))


def _object(text: str | None) -> dict[str, object]:
    try:
        value = json.loads(read_input(text) or b"{}")
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"DATA is no JSON: {error}", remedy="write it like '{\"tasks\": []}'") from error
    if not isinstance(value, dict):
        raise InvalidInput("DATA is no JSON object", remedy="write it like '{\"tasks\": []}'")
    return value


def _row(lane: dict[str, Any]) -> tuple[str, ...]:
    return (
        lane["lane"] or "",
        "yes" if lane["scheduled"] else "no",
        str(lane["cycles_completed"]),
        str(lane["failures"]),
        _at(lane["last_run_at"]),
        _at(lane["next_run_at"]),
        f"{lane['avg_duration_s']:.3f} s" if lane["cycles_completed"] else "",
        ", ".join(lane["handlers"]),
    )


def _at(seconds: float | None) -> str:
    return "" if seconds is None else date(seconds)


def _details(done: dict[str, Any]) -> list[tuple[str, str]]:
    rows = [("cycle", done["cycle_id"]), ("success", "yes" if done["success"] else "no")]
    rows += [("took", f"{done['duration_s']:.3f} s")]
    rows += [(name, json.dumps(value, ensure_ascii=False, default=str)) for name, value in done["results"].items()]
    rows += [("insight", str(one.get("description", ""))) for one in done["insights"]]
    rows += [("action", f"{one['verb']} by {one['by']}: {one['status']}") for one in done["actions"]]
    return rows + [("next", text) for text in done["next_objectives"]]
