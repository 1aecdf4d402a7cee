"""`omnicore evolve`: searches for better workflows, their candidates, promotion and its reversal."""

from __future__ import annotations

import time
from typing import Any

import click

from omnicore.cli.client import Client, connected
from omnicore.cli.nouns import Document, Noun, listing, showing
from omnicore.cli.options import Group, Shell, common, host_folders, pass_shell
from omnicore.cli.output import Output, date, styled
from omnicore.cli.workflow_files import read_document
from omnicore.errors import InvalidInput

_LOOK_S = 0.5
_COLOURS = {"running": "cyan", "done": "green", "stopped": "dim"}


def _row(one: Document) -> tuple[str, ...]:
    gain = "-" if one["gain"] is None else f"{100 * one['gain']:+.0f} %"
    return (
        *(one["id"], one["workflow"], styled(one["state"], style=_COLOURS[one["state"]])),
        f"{one['count']}/{one['wanted']}",
        "-" if one["best"] is None else str(one["best"]),
        gain,
        "-" if one["promoted"] is None else "yes" if one["share"] is None else f"{one['share']} %",
        date(one["created_at"]),
        one["reason"],
    )


def _candidate_row(one: Document) -> tuple[str, ...]:
    held = one["held"]
    return (
        *(str(one["number"]), "-" if one["parent"] < 0 else str(one["parent"]), one["proposer"], one["state"]),
        *(f"{one['quality']:.2f}", f"{one['fitness']:.2f}", f"{one['cost']:.1f}"),
        "-" if held is None else f"{sum(held) / len(held):.2f}",
        one["reason"] or _shown(one["genes"]),
    )


def _shown(genes: Document) -> str:
    values = [f"{name}={value}" for name, value in genes["values"].items()]
    return "; ".join([*values, *(f"{one['kind']} {one['at']}" for one in genes["edits"])])


_SEARCH = Noun(
    path="evolutions",
    heads=("search", "workflow", "state", "candidates", "best", "gain", "promoted", "began", "about"),
    row=_row,
    extent="page",
    none="No searches: `omnicore evolve run FILE`.",
)


@click.group(cls=Group)
@common
def evolve() -> None:
    """Search for a better workflow: change its knobs and its graph, judge each candidate on cases, and keep the best.

    A search needs a host that goes on running (`omnicore run`), and goes on after a restart of it.
    """


evolve.add_command(listing(_SEARCH, words="List searches, the newest first."))
evolve.add_command(showing(_SEARCH))


@evolve.command()
@click.argument("file")
@click.option("--wait/--no-wait", default=True, show_default=True, help="Wait for its end.")
@host_folders
@pass_shell
def run(shell: Shell, file: str, *, wait: bool) -> None:
    """Begin a search that FILE describes (YAML or JSON, `-` for standard input): workflow, knobs, cases, judge."""
    output = Output(shell)
    order = read_document(file, "docs/evolution.md shows the form")
    with connected(shell, output) as client:
        made = client.ask("POST", "evolutions", body=order)
        if wait:
            output.say(f"{made['id']} searches for a better {made['workflow']}; Ctrl-C leaves it to the host")
            with output.waiting("Searching"):
                made = _ended(client, made["id"])
    _tell(output, made)


def _ended(client: Client, search: str) -> Any:
    while True:
        one = client.get("evolutions", search)
        if one["state"] != "running":
            return one
        time.sleep(_LOOK_S)


def _tell(output: Output, one: Any) -> None:
    if one["state"] == "running":
        text = f"{one['id']} goes on: `omnicore evolve show {one['id']}`"
    elif one["best"] is None:
        text = f"{one['id']} ended after {one['count']} candidates: {one['reason']}"
    else:
        text = (
            f"{one['id']}: candidate {one['best']} of {one['count']} gets {100 * one['gain']:.0f} % more of the cases"
            f" held out; take it with `omnicore evolve promote {one['id']}`"
        )
    output.done(text, one)


@evolve.command()
@click.argument("search")
@click.option("-n", "--limit", type=click.IntRange(1, 1000), default=100, show_default=True)
@host_folders
@pass_shell
def candidates(shell: Shell, search: str, *, limit: int) -> None:
    """List the candidates of a search: parent, proposer, scores, and what was changed."""
    output = Output(shell)
    with connected(shell, output) as client:
        page = client.get("evolutions", search, "candidates", limit=limit)
    if output.is_json:
        output.document(page)
        return
    heads = ("number", "parent", "by", "state", "right", "score", "cost", "held out", "genes")
    output.rows(heads, [_candidate_row(one) for one in page["items"]])
    if page["next"] is not None:
        output.say("There are more: add -n")


@evolve.command()
@click.argument("search")
@host_folders
@pass_shell
def stop(shell: Shell, search: str) -> None:
    """Stop a search; nothing of it is proposed."""
    _act(shell, search, "stop", "{id} is stopped")


@evolve.command()
@click.argument("search")
@click.option("--share", type=click.IntRange(1, 99), help="Try it on this share of the runs first, in per cent.")
@click.option("--runs", type=click.IntRange(1, 1_000), help="Runs of it that end before it serves all; 50.")
@host_folders
@pass_shell
def promote(shell: Shell, search: str, *, share: int | None, runs: int | None) -> None:
    """Make the best candidate the next version of its workflow, at once or after a trial.

    A trial gives it a share of the runs. It is taken back by itself when it fails more often than the version before.
    """
    if runs is not None and share is None:
        raise InvalidInput("--runs is of a trial", remedy="add --share")
    body = {} if share is None else {"share": share, **({} if runs is None else {"runs": runs})}
    words = "{workflow} has candidate {promoted} of {id} as its new version"
    _act(shell, search, "promote", words if share is None else f"{words}, for {share} % of its runs", body=body)


@evolve.command()
@click.argument("search")
@host_folders
@pass_shell
def rollback(shell: Shell, search: str) -> None:
    """Take a promotion back: the workflow as it was before becomes its next version."""
    _act(shell, search, "rollback", "{workflow} is as it was before {id}")


def _act(shell: Shell, search: str, verb: str, words: str, body: Document | None = None) -> None:
    output = Output(shell)
    with connected(shell, output) as client:
        one = client.ask("POST", "evolutions", search, verb, body=body or {})
    output.done(words.format(**one), one)
