"""Versions and the difference between two of them, as rows and lines for people."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from omnicore.cli.output import Cell, Output
from omnicore.cli.plugin_text import CHANGE_HEADS, change_rows, in_words, size_text
from omnicore.plugins.upgrade import Upgrade, VersionView

__all__ = ["VERSION_HEADS", "say_next", "show_upgrade", "version_rows"]

VERSION_HEADS = ("hash", "version", "size", "seen", "is", "functions")


def version_rows(versions: Sequence[VersionView]) -> Iterator[tuple[Cell, ...]]:
    """One row for each version."""
    for one in versions:
        marks = (("serving", one.serving), ("in the folder", one.newest), ("turned away", one.turned_away))
        yield (
            one.hash[:12],
            one.version or "-",
            size_text(one.size_bytes),
            time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(one.seen_at)),
            ", ".join(word for word, true in marks if true) or "-",
            ", ".join(one.functions[:6]) or "-",
        )


def show_upgrade(output: Output, upgrade: Upgrade) -> None:
    """Prints all that differs: capabilities first, for they are what is decided over."""
    output.rows(CHANGE_HEADS, change_rows(upgrade.changes))
    rows = list(_rows(upgrade))
    if rows:
        output.rows(("what", "before", "after"), rows)


def say_next(output: Output, name: str, upgrade: Upgrade) -> None:
    """Says what can be done about it."""
    missing = any(one.command for one in upgrade.changes)
    if upgrade.kept is not None:
        output.say(
            f"It was turned away by {upgrade.kept['who']}; `omnicore plugins upgrade {name} --approve` takes it."
        )
    elif missing and upgrade.before is not None and upgrade.before != upgrade.after:
        output.say(
            f"Take it with `omnicore plugins upgrade {name} --approve`, or stay with the version that serves with"
            f" `--keep`. `omnicore plugins grant {name}` grants as well."
        )
    elif missing:
        output.say(f"Grant it with `omnicore plugins grant {name}`, or one of it with its name after that.")
    else:
        output.say(f"{name} asks for nothing that it has not been granted.")


def _rows(upgrade: Upgrade) -> Iterator[tuple[Cell, ...]]:
    before, after = upgrade.before, upgrade.after
    if before is not None and after is not None and before != after:
        yield "version", f"{before.version or '-'} ({before.hash[:8]})", f"{after.version or '-'} ({after.hash[:8]})"
        if before.size_bytes != after.size_bytes:
            yield "size", size_text(before.size_bytes), size_text(after.size_bytes)
    for name in upgrade.added:
        yield "function", "-", name
    for name in upgrade.removed:
        yield "function", name, "-"
    for change in upgrade.changed:
        yield "function", in_words(change.before), in_words(change.after)
    for name, (old, new) in upgrade.limits.items():
        yield f"limit {name}", str(old), str(new)
