"""The house as a picture: `python -m tests.architecture.picture > docs/house.svg` draws floors, rooms and sizes."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from tests.architecture.floors import FLOORS
from tests.architecture.source import Source, read

__all__ = ["drawn"]

_PACKAGE = Path(__file__).parents[2] / "host" / "omnicore"
_WIDTH, _HEIGHT, _GAP, _LEAST = 1000, 54, 6, 74
_STYLE = """
  svg { font: 13px system-ui, sans-serif; background: #fff; color: #1d2733 }
  rect { fill: #e8eef6; stroke: #8fa3bd } text { fill: #1d2733; text-anchor: middle }
  .small { font-size: 11px; fill: #51627a }
"""


@dataclass(frozen=True, slots=True)
class _Room:
    name: str
    modules: int
    lines: int


def drawn(sources: Sequence[Source]) -> str:
    """An SVG picture with one row for each floor, the highest first; a room is as wide as its share of the lines."""
    floors = _floors(sources)
    rows = [_row(rooms, number * (_HEIGHT + _GAP)) for number, rooms in enumerate(floors)]
    height = len(floors) * (_HEIGHT + _GAP)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img">'
    title = "<title>The rooms of OmniCore: each imports only rooms below it</title>"
    return "\n".join([head, title, f"<style>{_STYLE}</style>", *(line for row in rows for line in row), "</svg>", ""])


def _floors(sources: Sequence[Source]) -> list[list[_Room]]:
    files: dict[str, list[Source]] = defaultdict(list)
    for source in sources:
        files[source.module.split(".")[1] if "." in source.module else "omnicore"].append(source)
    floors: dict[float, list[_Room]] = defaultdict(list)
    for name, found in files.items():
        if name in FLOORS:
            lines = sum(source.text.count("\n") for source in found)
            floors[FLOORS[name]].append(_Room(name, len(found), lines))
    return [sorted(floors[floor], key=lambda room: -room.lines) for floor in sorted(floors, reverse=True)]


def _row(rooms: Sequence[_Room], top: int) -> Iterator[str]:
    left, free = 0.0, _WIDTH - _LEAST * len(rooms)
    for room in rooms:
        width = _LEAST + free * room.lines / (sum(each.lines for each in rooms) or 1)
        middle = left + width / 2
        size = f"{room.modules} files, {room.lines / 1000:.1f} k lines" if width > 1.7 * _LEAST else f"{room.modules}"
        yield f'<rect x="{left:.0f}" y="{top}" width="{width - _GAP:.0f}" height="{_HEIGHT}" rx="4"/>'
        yield f'<text x="{middle - _GAP / 2:.0f}" y="{top + 23}">{escape(room.name)}</text>'
        yield f'<text class="small" x="{middle - _GAP / 2:.0f}" y="{top + 41}">{size}</text>'
        left += width


if __name__ == "__main__":
    sys.stdout.write(drawn(read(_PACKAGE)))
