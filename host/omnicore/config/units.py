"""Sizes and durations as people write them: `64 MiB`, `500ms`."""

from __future__ import annotations

import re

_NUMBER = re.compile(r"\s*([0-9][0-9_]*(?:\.[0-9]+)?)\s*([A-Za-z]*)\s*")
_SIZES = {"": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "kib": 2**10, "mib": 2**20, "gib": 2**30}
_TIMES = {"": 1.0, "ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}


def parse_size(text: str) -> int | None:
    """Bytes in a text such as `64 MiB`, `1.5GB` or `4096`; None when it is no whole number of bytes."""
    amount = _scaled(text, _SIZES)
    return int(amount) if amount is not None and amount == int(amount) else None


def parse_duration(text: str) -> float | None:
    """Seconds in a text such as `500ms`, `2 s`, `1.5h` or `30`; None when it is no duration."""
    return _scaled(text, _TIMES)


def _scaled(text: str, units: dict[str, int] | dict[str, float]) -> float | None:
    match = _NUMBER.fullmatch(text)
    if match is None or match[2].lower() not in units:
        return None
    number = match[1].replace("_", "")
    return (float(number) if "." in number else int(number)) * units[match[2].lower()]
