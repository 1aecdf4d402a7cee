"""What commands print: documents to standard output, everything else to standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import click
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from omnicore.cli.options import Format, Shell
from omnicore.cli.progress import progress

__all__ = ["Cell", "Output", "printable"]

Cell = str | Text


def printable(text: str) -> str:
    """The text with what could steer a terminal shown as escapes; line ends and tabs are kept."""
    return "".join(
        char if char in "\n\t" or char.isprintable() else f"\\x{ord(char):02x}" for char in text.replace("\r\n", "\n")
    )


class Output:
    """Prints in the form that was asked for; colours only on a terminal and without `NO_COLOR`."""

    def __init__(self, shell: Shell) -> None:
        self.out = Console(highlight=False, soft_wrap=False)
        self.err = Console(stderr=True, highlight=False)
        self.format: Format = shell.format or ("table" if self.out.is_terminal else "text")

    @property
    def is_json(self) -> bool:
        """Whether documents are JSON."""
        return self.format == "json"

    def document(self, value: Any) -> None:
        """Prints a JSON document, indented on a terminal."""
        indent = 2 if self.out.is_terminal else None
        text = json.dumps(value, indent=indent, ensure_ascii=False, default=str)
        if any("\ud800" <= char <= "\udfff" for char in text):  # halves of characters, which no terminal takes
            text = json.dumps(value, indent=indent, default=str)
        click.echo(text)

    def rows(self, heads: Sequence[str], rows: Iterable[Sequence[Cell]], *, title: str = "") -> None:
        """Prints rows: a table, or lines of cells with tabs between them."""
        if self.format == "table":
            self._table(heads, rows, title)
            return
        for row in (heads, *rows):
            click.echo("\t".join(_flat(cell) for cell in row))

    def _table(self, heads: Sequence[str], rows: Iterable[Sequence[Cell]], title: str) -> None:
        table = Table(box=box.SIMPLE_HEAD, title=title or None, title_justify="left", pad_edge=False)
        for head in heads:
            table.add_column(head, overflow="fold")
        for row in rows:
            table.add_row(*(cell if isinstance(cell, Text) else Text(printable(cell)) for cell in row))
        self.out.print(table)

    def line(self, text: str, *, style: str = "") -> None:
        """Prints a line for people to standard output."""
        self.out.print(Text(printable(text), style=style), soft_wrap=True)

    def say(self, text: str, style: str = "") -> None:
        """Prints a sentence for people to standard error; with `-o json` nothing, the document says it."""
        if not self.is_json:
            self.err.print(Text(printable(text), style=style), soft_wrap=True)

    def done(self, text: str, document: Any) -> None:
        """The end of a command that changed something: a sentence, or the document with `-o json`."""
        if self.is_json:
            self.document(document)
        else:
            self.line(text)

    @contextmanager
    def waiting(self, text: str) -> Iterator[None]:
        """Shows that something takes a while, on a terminal only."""
        if self.err.is_terminal and not self.is_json:
            with progress(self.err, printable(text)):
                yield
        else:
            yield

    @contextmanager
    def working(self, text: str) -> Iterator[Callable[[str], None]]:
        """Shows what is done now, as lines come in: in a bar on a terminal, one after the other in a pipe."""
        if self.err.is_terminal and not self.is_json:
            with progress(self.err, printable(text)) as show:
                yield lambda line: show(printable(f"{text}: {line}"))
        else:
            yield self.say

    def raw(self, data: bytes) -> None:
        """Writes bytes as they are."""
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()


def _flat(cell: Cell) -> str:
    """A cell on one line, without a tab of its own."""
    return printable(str(cell)).replace("\n", "\\n").replace("\t", "\\t")
