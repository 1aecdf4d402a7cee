"""`omnicore loops` and `omnicore intelligences`: the seven lanes, and named sets of capabilities with a budget."""

from __future__ import annotations

import json
from typing import Any

import click

from omnicore.cli.client import connected
from omnicore.cli.nouns import Document, Noun, listing, removal, showing
from omnicore.cli.options import FiniteRange, Group, Shell, common, host_folders, json_object, pass_shell, read_input
from omnicore.cli.output import Output, date
from omnicore.cli.workflow_files import read_document


def _lane_row(lane: Document) -> tuple[str, ...]:
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


_LANE = Noun(
    path="loops",
    heads=("lane", "scheduled", "cycles", "failures", "last run", "next run", "on average", "handlers"),
    row=_lane_row,
)


@click.group(cls=Group)
@common
def loops() -> None:
    """List the seven lanes and run a cycle of one now.

    A server on the same data runs them by themselves (`omnicore run`).
    """


loops.add_command(listing(_LANE, words="List the lanes with their last and next runs."))
loops.add_command(showing(_LANE))


@loops.command()
@click.argument("lane")
@click.argument("given", required=False, metavar="[DATA]")
@click.option("--context", default="", help="A text for the handlers.")
@click.option("--objective", "objectives", multiple=True, help="An objective; repeatable.")
@host_folders
@pass_shell
def run(shell: Shell, lane: str, given: str | None, *, context: str, objectives: tuple[str, ...]) -> None:
    """Run a cycle of a lane now. DATA is a JSON object, @FILE, or - for standard input."""
    output = Output(shell)
    data = json_object(read_input(given) or b"{}", "DATA", example='{"tasks": []}')
    order = {"data": data, "context": context or "command line", "objectives": list(objectives)}
    with connected(shell, output) as client, output.waiting(f"Running the {lane} lane"):
        done = client.ask("POST", "loops", lane, "cycles", body=order)
    if output.is_json:
        output.document(done)
        return
    output.rows(("what", "value"), _details(done))


def _details(done: dict[str, Any]) -> list[tuple[str, str]]:
    rows = [("cycle", done["cycle_id"]), ("success", "yes" if done["success"] else "no")]
    rows += [("took", f"{done['duration_s']:.3f} s")]
    rows += [(name, json.dumps(value, ensure_ascii=False, default=str)) for name, value in done["results"].items()]
    rows += [("insight", str(one.get("description", ""))) for one in done["insights"]]
    rows += [("action", f"{one['verb']} by {one['by']}: {one['status']}") for one in done["actions"]]
    return rows + [("next", text) for text in done["next_objectives"]]


def _intelligence_row(one: Document) -> tuple[str, ...]:
    can, lacks = ", ".join(one["capabilities"]), ", ".join(one["missing"])
    return one["id"], one["name"], str(one["version"]), one["status"], can, lacks, one["spec"]["architecture"]


_INTELLIGENCE = Noun(
    path="intelligences",
    heads=("id", "name", "version", "status", "can", "lacks", "architecture"),
    row=_intelligence_row,
    extent="all",
    none="No intelligences: `omnicore intelligences create NAME --needs CAPABILITY`.",
    gone="retired",
)


@click.group(cls=Group)
@common
def intelligences() -> None:
    """Manage intelligences: named sets of capabilities that plugins provide, with a budget."""


intelligences.add_command(listing(_INTELLIGENCE, words="List intelligences, oldest first."))
intelligences.add_command(showing(_INTELLIGENCE))
intelligences.add_command(removal(_INTELLIGENCE, words="Retire an intelligence: it accepts no more calls."))


@intelligences.command()
@click.argument("name")
@click.option(
    "--needs", "needs", multiple=True, metavar="CAPABILITY", help="A capability that plugins must provide; repeatable."
)
@click.option("--min", "least", type=FiniteRange(0, 1), default=0.0, help="Least score of an evaluation.")
@click.option("--max-ms", type=FiniteRange(0, min_open=True), help="Longest time of one call, in milliseconds.")
@click.option("--architecture", default="single", show_default=True)
@click.option("--calls", type=click.IntRange(1), help="Most calls in a day.")
@click.option("--strict", is_flag=True, help="Refuse it if a capability has no plugin.")
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
    """Create an intelligence. An existing name gets another version."""
    output = Output(shell)
    order = {
        "name": name,
        "min_capability": least,
        "required_capabilities": needs,
        "max_inference_time": max_ms,
        "architecture": architecture,
        "budget": {} if calls is None else {"calls": calls},
        "strict": strict,
    }
    with connected(shell, output) as client:
        made = client.ask("POST", "intelligences", body=order)
    lacks = f"; it lacks {', '.join(made['missing'])}" if made["missing"] else ""
    output.done(f"{made['name']} {made['version']} is {made['status']} ({made['id']}){lacks}", made)


@intelligences.command()
@click.argument("intelligence")
@click.argument("file")
@host_folders
@pass_shell
def practise(shell: Shell, intelligence: str, file: str) -> None:
    """Test an intelligence on the cases of FILE (YAML or JSON, `-` for standard input), which gives it its score.

    FILE holds `cases`, each with `capability`, `input` and `expect`. A case is a call that its budget pays.
    """
    output = Output(shell)
    order = read_document(file, "specs/omega.md shows the form")
    with connected(shell, output) as client:
        one = client.ask("POST", "intelligences", intelligence, "practices", body=order)
    output.done(f"{one['name']} gets {100 * one['score']:.0f} % of the cases right and is {one['status']}", one)
