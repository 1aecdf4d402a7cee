"""A bar for what takes longer than a moment; what is quick shows none."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

__all__ = ["progress"]

AFTER_S = 0.4  # a bar that flashes by says nothing


@contextmanager
def progress(console: Console, text: str) -> Iterator[Callable[[str], None]]:
    """Shows a bar with the time that has passed from `AFTER_S` on, and takes it away at the end.

    What it yields changes the text.
    """
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TimeElapsedColumn(),
        console=console,
        transient=True,
    )
    task = bar.add_task(escape(text), total=None)
    lock, over = threading.Lock(), False

    def show() -> None:
        with lock:
            if not over:
                bar.start()

    timer = threading.Timer(AFTER_S, show)
    timer.daemon = True
    timer.start()
    try:
        yield lambda now: bar.update(task, description=escape(now))
    finally:
        timer.cancel()
        with lock:
            over = True
            bar.stop()
