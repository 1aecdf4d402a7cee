"""`omnicore plugins test`: the calls of `expected.json`, each with what came of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import click
from rich.text import Text

from omnicore.cli.build_text import short_path
from omnicore.cli.exits import Exit
from omnicore.cli.options import Shell, host_folders, pass_shell
from omnicore.cli.output import Cell, Output, printable
from omnicore.cli.subjects import cases_of, code_cache, find_subject
from omnicore.plugins.install import write_whole
from omnicore.testing.expected import Result, read_cases, run_cases, updated, written

_SHOWN = 40


@click.command()
@click.argument("plugin", metavar="PLUGIN|FOLDER|FILE", default=".")
@click.option("--cases", type=click.Path(path_type=Path), metavar="FILE", help="The cases, instead of expected.json.")
@click.option("--update", is_flag=True, help="Write what came of the calls, and fuel budgets, into the file.")
@host_folders
@click.pass_context
@pass_shell
def test(shell: Shell, ctx: click.Context, plugin: str, *, cases: Path | None, update: bool) -> None:
    """Make the calls of a plugin's expected.json and compare; exit code 1 when one differs.

    They run in order on a host of their own, with an empty store and all granted that the plugin asks for.

    \b
    Each case: {"function", "input"} and one of
      "output"         what comes back
      "output_schema"  a JSON Schema that it fits
      "error"          a part of the error's text
    and if you like "fuel" (the most it may use), "timeout_s", "settings" (a host of its own with these).
    """
    output = Output(shell)
    subject = find_subject(shell, output, plugin)
    file = cases or cases_of(subject)
    wanted = read_cases(file)
    with output.waiting(f"Testing {subject.manifest.name}"):
        results = list(run_cases(subject, wanted, cache=code_cache(shell)))
    if update:
        _write(output, file, results)
    else:
        _show(output, subject.manifest.name, results)
        ctx.exit(Exit.OK if all(result.passed for result in results) else Exit.FAILURE)


def _write(output: Output, file: Path, results: Sequence[Result]) -> None:
    cases = updated(results)
    changed = sum(not result.passed for result in results)
    write_whole(file.absolute().parent, file.name, written(cases).encode())
    words = f"Wrote {short_path(file)}: {len(cases)} cases, {changed} of them changed; fuel budgets for all"
    output.done(words, {"file": str(file), "cases": len(cases), "changed": changed})


def _show(output: Output, name: str, results: Sequence[Result]) -> None:
    failed = [result for result in results if not result.passed]
    if output.is_json:
        output.document({"plugin": name, "passed": not failed, "cases": [result.to_json() for result in results]})
    elif output.format == "table":
        output.rows(("", "call", "ms", "fuel", "found"), map(_row, results))
        _tell(output, failed)
        output.line(_summary(name, results, failed), style="red" if failed else "green")
    else:
        _lines(results)
        output.say(_summary(name, results, failed))


def _row(result: Result) -> tuple[Cell, ...]:
    mark = Text("ok", "green") if result.passed else Text("FAIL", "bold red")
    fuel = "-" if result.fuel is None else f"{result.fuel:,}"
    if result.case.fuel is not None:
        fuel += f" of {result.case.fuel:,}"
    return mark, _called(result), f"{result.took_s * 1000:.1f}", fuel, result.problem


def _tell(output: Output, failed: Sequence[Result]) -> None:
    styles = {"-": "red", "+": "green"}
    for result in failed:
        if result.diff:
            output.line(_called(result), style="bold")
        for line in result.diff.splitlines():
            output.line(f"  {line}", style=styles.get(line[:1], ""))


def _lines(results: Sequence[Result]) -> None:
    """Source: the Test Anything Protocol, version 14."""
    click.echo(f"TAP version 14\n1..{len(results)}")
    for number, result in enumerate(results, 1):
        fuel = "" if result.fuel is None else f" # fuel {result.fuel}"
        click.echo(printable(f"{'ok' if result.passed else 'not ok'} {number} - {_called(result)}{fuel}"))
        for line in f"{result.problem}\n{result.diff}".strip().splitlines():
            click.echo(printable(f"# {line}"))


def _called(result: Result) -> str:
    """The call in short: `greet {"name": "Ada"}`."""
    given = result.case.values.get("input", "")
    shown = " ".join((given if isinstance(given, str) else json.dumps(given, ensure_ascii=False)).split())
    return f"{result.case.function} {shown[:_SHOWN]}{'...' if len(shown) > _SHOWN else ''}".strip()


def _summary(name: str, results: Sequence[Result], failed: Sequence[Result]) -> str:
    return f"{name}: {len(results) - len(failed)} of {len(results)} cases are well"
