"""Source maps, made small: only the author's own files, as plain numbers. Source: ECMA-426."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

__all__ = ["stretches"]

_DIGITS = {sign: at for at, sign in enumerate("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")}
_ELSEWHERE = -1


def stretches(mappings: str, sources: Sequence[str]) -> dict[str, Any]:
    """Where each stretch of a bundle comes from.

    Returns: `sources`, and `stretches`: for each `line, column, source, line, column`, lines and columns from 1;
    a source of -1 is a package's, whose lines stay those of the bundle.
    """
    own = [name for name in sources if "node_modules/" not in name]
    places = {at: own.index(name) for at, name in enumerate(sources) if name in own}
    found: list[int] = []
    last = (0, _ELSEWHERE)
    for line, column, source, source_line, source_column in _decoded(mappings):
        place = places.get(source, _ELSEWHERE)
        if place == _ELSEWHERE and (last[0] != line or last[1] == _ELSEWHERE):
            continue  # a line without any stretch is nobody's
        last = line, place
        found += (line, column, place, source_line, source_column)
    return {"sources": own, "stretches": found}


def _decoded(mappings: str) -> Iterator[tuple[int, int, int, int, int]]:
    source = line = column = 0
    for number, text in enumerate(mappings.split(";"), 1):
        made = 0
        for segment in filter(None, text.split(",")):
            values = list(_numbers(segment))
            made += values[0]
            if len(values) < 4:
                continue
            source, line, column = source + values[1], line + values[2], column + values[3]
            yield number, made + 1, source, line + 1, column + 1


def _numbers(segment: str) -> Iterator[int]:
    value = shift = 0
    for sign in segment:
        digit = _DIGITS[sign]
        value |= (digit & 31) << shift
        shift += 5
        if not digit & 32:
            yield -(value >> 1) if value & 1 else value >> 1
            value = shift = 0
