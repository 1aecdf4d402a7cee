"""Problems of workflows as compilers show them: file, line and column, the line itself and a mark below it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any

from rich.text import Text

from omnicore.cli.output import Output, printable
from omnicore.cli.workflow_files import Checked, place_of
from omnicore.workflows.document import Problem

__all__ = ["checked_document", "problem_line", "show_problems"]

_WIDTH = 100


def problem_line(checked: Checked, problem: Problem) -> str:
    """`file:line:column: fact (remedy)`."""
    remedy = f" ({problem.remedy})" if problem.remedy else ""
    severity = "" if problem.severity == "error" else f"{problem.severity}: "
    words = " ".join(f"{severity}{problem.fact}{remedy}".split())
    return f"{place_of(checked, problem)}: {words}"


def show_problems(output: Output, checked: Iterable[Checked], *, err: bool = False) -> None:
    """Prints what is wrong: on a terminal with the lines that are meant."""
    console = output.err if err else output.out
    for one in checked:
        for problem in one.problems:
            line = problem_line(one, problem)
            style = "red" if problem.severity == "error" else "yellow"
            console.print(Text(printable(line), style=style if console.is_terminal else ""), soft_wrap=True)
            if console.is_terminal:
                for shown in _excerpt(one.source.text, problem):
                    console.print(shown, soft_wrap=True)


def checked_document(checked: Checked) -> dict[str, Any]:
    """The same as JSON."""
    valid = checked.graph is not None
    problems = [asdict(one) for one in checked.problems]
    return {"file": checked.source.name, "valid": valid, "workflow": checked.workflow or None, "problems": problems}


def _excerpt(text: str, problem: Problem) -> Iterator[Text]:
    lines = text.splitlines()
    if not 0 < problem.line <= len(lines):
        return
    line, column = lines[problem.line - 1], max(problem.column, 1)
    first = max(0, column - _WIDTH // 2) if len(line) > _WIDTH else 0
    number = f"{problem.line:>5} | "
    shown = printable(line[first : first + _WIDTH].replace("\t", " "))
    before = printable(line[first : column - 1].replace("\t", " "))
    yield Text(number, style="dim").append(shown, style="default")
    yield Text(" " * (len(number) + len(before))).append("^", style="bold red")
