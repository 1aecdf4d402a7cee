"""Output of commands: documents and tables to standard output, everything else to standard error.

Rich draws on terminals and is loaded for them only: most commands of scripts print lines and documents.
"""

from __future__ import annotations

import json
import os
import shlex
import sys
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal

import click

from omnicore.optional import optional

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from rich.console import Console


Format = Literal["table", "text", "json"]


@dataclass(slots=True)
class Shell:
    """The options of a command, filled while click reads the line.

    `file` holds settings, `out` is what a command writes that makes a file, `told` that notes on settings were shown.
    """

    format: Format | None = None
    file: Path | None = None
    out: Path | None = None
    overrides: dict[str, Any] = field(default_factory=dict)
    told: bool = False


_BAR_AFTER_S = 0.4  # a progress bar that flashes by says nothing
_TAB = 8
_EIGHTHS = " ▏▎▍▌▋▊▉█"


class Cell(str):
    """A text of a table with a style, such as `bold red`; a plain string is a cell as well."""

    __slots__ = ("style",)
    style: str


def styled(text: str, style: str) -> Cell:
    """A cell in a style."""
    cell = Cell(text)
    cell.style = style
    return cell


def printable(text: str) -> str:
    """The text with what could steer a terminal shown as escapes; line ends and tabs are kept."""
    return "".join(
        char if char in "\n\t" or char.isprintable() else f"\\x{ord(char):02x}" for char in text.replace("\r\n", "\n")
    )


class Output:
    """Prints in the form that was asked for; colours only on a terminal and without `NO_COLOR`."""

    def __init__(self, shell: Shell) -> None:
        self.to_terminal, self.errors_to_terminal = _is_terminal(sys.stdout), _is_terminal(sys.stderr)
        self.format: Format = shell.format or ("table" if self.to_terminal else "text")

    @cached_property
    def out(self) -> Console:
        """Standard output as Rich writes to it."""
        console: Console = optional("rich.console").Console(highlight=False, soft_wrap=False)
        return console

    @cached_property
    def err(self) -> Console:
        """Standard error as Rich writes to it."""
        console: Console = optional("rich.console").Console(stderr=True, highlight=False)
        return console

    @property
    def is_json(self) -> bool:
        """True if documents are JSON."""
        return self.format == "json"

    def document(self, value: Any) -> None:
        """Prints a JSON document, indented on a terminal."""
        indent = 2 if self.to_terminal else None
        text = json.dumps(value, indent=indent, ensure_ascii=False, default=str)
        if any("\ud800" <= char <= "\udfff" for char in text):  # halves of characters, which no terminal takes
            text = json.dumps(value, indent=indent, default=str)
        click.echo(text)

    def rows(self, heads: Sequence[str], rows: Iterable[Sequence[str]], *, title: str = "") -> None:
        """Prints rows: a table, or lines of cells with tabs between them."""
        if self.format == "table":
            self._table(heads, rows, title)
            return
        for row in (heads, *rows):
            click.echo("\t".join(_flat(cell) for cell in row))

    def _table(self, heads: Sequence[str], rows: Iterable[Sequence[str]], title: str) -> None:
        box, text = optional("rich.box").SIMPLE_HEAD, optional("rich.text").Text
        table = optional("rich.table").Table(box=box, title=title or None, title_justify="left", pad_edge=False)
        for head in heads:
            table.add_column(head, overflow="fold")
        for row in rows:
            table.add_row(*(text(printable(cell), getattr(cell, "style", "")) for cell in row))
        self.out.print(table)

    def line(self, text: str, *, style: str = "") -> None:
        """Prints a line for people to standard output."""
        self._print(text, style, err=False)

    def say(self, text: str, style: str = "") -> None:
        """Prints a sentence for people to standard error, and nothing with `-o json`: the document holds it."""
        if not self.is_json:
            self._print(text, style, err=True)

    def _print(self, text: str, style: str, *, err: bool) -> None:
        if not (self.errors_to_terminal if err else self.to_terminal):
            click.echo(printable(text).expandtabs(_TAB), err=err)
            return
        console = self.err if err else self.out
        console.print(optional("rich.text").Text(printable(text), style=style), soft_wrap=True)

    def done(self, text: str, document: Any) -> None:
        """Ends a command that changed something: a sentence, or the document with `-o json`."""
        if self.is_json:
            self.document(document)
        else:
            self.line(text)

    @contextmanager
    def waiting(self, text: str) -> Iterator[None]:
        """Shows a progress bar on a terminal while the block runs."""
        if self.errors_to_terminal and not self.is_json:
            with _progress(self.err, printable(text)):
                yield
        else:
            yield

    @contextmanager
    def working(self, text: str) -> Iterator[Callable[[str], None]]:
        """Yields a function that shows the current step: in a bar on a terminal, as lines in a pipe."""
        if self.errors_to_terminal and not self.is_json:
            with _progress(self.err, printable(text)) as show:
                yield lambda line: show(printable(f"{text}: {line}"))
        else:
            yield self.say

    def raw(self, data: bytes) -> None:
        """Writes bytes as they are."""
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()


def _is_terminal(stream: IO[str]) -> bool:
    """True for a terminal, and where variables say so, as Rich reads them."""
    if os.environ.get("FORCE_COLOR") or os.environ.get("TTY_COMPATIBLE") == "1":
        return True
    return os.environ.get("TTY_COMPATIBLE") != "0" and stream.isatty()


def _flat(cell: str) -> str:
    """A cell on one line, without a tab of its own."""
    return printable(str(cell)).replace("\n", "\\n").replace("\t", "\\t")


@contextmanager
def _progress(console: Console, text: str) -> Iterator[Callable[[str], None]]:
    """Shows a bar with the time that has passed, from `_BAR_AFTER_S` on. What it yields changes the text."""
    rich, escape = optional("rich.progress"), optional("rich.markup").escape
    bar = rich.Progress(
        rich.TextColumn("{task.description}"),
        rich.BarColumn(bar_width=24),
        rich.TimeElapsedColumn(),
        console=console,
        transient=True,
    )
    task = bar.add_task(escape(text), total=None)
    lock, over = threading.Lock(), False

    def show() -> None:
        with lock:
            if not over:
                bar.start()

    timer = threading.Timer(_BAR_AFTER_S, show)
    timer.daemon = True
    timer.start()
    try:
        yield lambda now: bar.update(task, description=escape(now))
    finally:
        timer.cancel()
        with lock:
            over = True
            bar.stop()


def bar(value: float, most: float, width: int = 24) -> str:
    """A bar of at most `width` cells, to an eighth of one; what is there at all shows."""
    if value <= 0 or most <= 0:
        return ""
    eighths = max(1, round(min(value / most, 1.0) * width * 8))
    return "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()


def short_path(file: Path) -> str:
    """The path from here, where that is shorter."""
    absolute = str(file)
    with suppress(ValueError):
        return min(os.path.relpath(file), absolute, key=len)
    return absolute


def quoted(file: Path) -> str:
    """The path as a shell takes it."""
    return shlex.quote(short_path(file))


def size_text(count: int) -> str:
    """Bytes as people read them: `826 B`, `58.3 KB`, `4.9 MB`."""
    if count < 1_000:
        return f"{count} B"
    return f"{count / 1_000:.1f} KB" if count < 1_000_000 else f"{count / 1_000_000:.1f} MB"


_HALF_A_DAY_S = 43_200.0


def date(seconds: float | None) -> str:
    """A day and time of this place."""
    return "-" if seconds is None else time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))


def clock(seconds: float) -> str:
    """A time of the day."""
    return time.strftime("%H:%M:%S", time.localtime(seconds))


def moment(seconds: float, now: float) -> str:
    """A time of the day where that says enough."""
    return date(seconds) if abs(seconds - now) > _HALF_A_DAY_S else clock(seconds)


def span(seconds: float) -> str:
    """A duration in words.

    >>> span(0.0042), span(1.25), span(75), span(7_400)
    ('4 ms', '1.2 s', '1 min 15 s', '2 h 3 min')
    """
    if seconds < 1:
        return f"{max(0.0, seconds) * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    if seconds < 3600:
        return f"{seconds // 60:.0f} min {seconds % 60:.0f} s"
    return f"{seconds // 3600:.0f} h {seconds % 3600 // 60:.0f} min"
