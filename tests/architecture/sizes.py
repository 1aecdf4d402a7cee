"""Sizes: where a file or a function must be split. `python -m tests.architecture.sizes` reports the aims.

An aim is what most of the code keeps to; a limit is what all of it does.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.architecture.source import Source, at, read

__all__ = ["FILE_AIM", "FILE_LIMIT", "FUNCTION_AIM", "FUNCTION_LIMIT", "check_sizes", "over"]

FILE_AIM, FILE_LIMIT = 400, 800
FUNCTION_AIM, FUNCTION_LIMIT = 10, 40


def check_sizes(sources: Sequence[Source]) -> list[str]:
    """Files and functions over the limits."""
    return over(sources, file_lines=FILE_LIMIT, function_lines=FUNCTION_LIMIT)


def over(sources: Sequence[Source], *, file_lines: int, function_lines: int) -> list[str]:
    """Files with more than `file_lines` and functions with more than `function_lines`, docstrings counted."""
    return [finding for source in sources for finding in _of_file(source, file_lines, function_lines)]


def _of_file(source: Source, file_lines: int, function_lines: int) -> Iterator[str]:
    count = len(source.text.splitlines())
    if count > file_lines:
        yield at(source, 1, f"{count} lines; split it: {file_lines} is the most")
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            size = (node.end_lineno or node.lineno) - node.lineno + 1
            if size > function_lines:
                yield at(
                    source,
                    node.lineno,
                    f"{node.name} has {size} lines; split it: {function_lines} is the most",
                )


def report(root: Path) -> str:
    """How far the package keeps to the aims, longest offenders first."""
    sources = read(root)
    files = [len(source.text.splitlines()) for source in sources]
    missed = over(sources, file_lines=FILE_AIM, function_lines=FUNCTION_AIM)
    longest = sorted(missed, key=lambda finding: -int(next(w for w in finding.split() if w.isdigit())))
    head = f"{len(files)} files, {sum(files)} lines; over {FILE_AIM} a file or {FUNCTION_AIM} a function:"
    return "\n".join([head, *longest, f"{len(missed)} in all"])


if __name__ == "__main__":
    sys.stdout.write(report(Path(*sys.argv[1:]) if sys.argv[1:] else Path("host/omnicore")) + "\n")
