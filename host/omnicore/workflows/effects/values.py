"""Values on the border: JSON that comes from outside, and outputs that go into the journal."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Mapping
from typing import Any, NoReturn

from omnicore.errors import InvalidInput, LimitExceeded
from omnicore.sandbox.nesting import too_deep

__all__ = ["checked_output", "parse_json", "text_or_bytes"]

_DEEPEST = 64


def parse_json(data: bytes, what: str) -> Any:
    """A JSON value of strangers. Raises: InvalidInput: it is none, or nested too deep."""
    if too_deep(data, _DEEPEST):
        raise InvalidInput(f"{what} is nested deeper than {_DEEPEST}", remedy="send flatter JSON")
    try:
        return json.loads(data, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"{what} is no JSON: {str(error)[:200]}", remedy="send JSON") from error


def text_or_bytes(data: bytes) -> Any:
    """Text where it is UTF-8, else `{"base64": ...}`."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode()}


def checked_output(value: Any, most: int) -> Any:
    """A value as plain JSON, if it is some, whole, and of `most` bytes. Raises: InvalidInput, LimitExceeded."""
    left = [most]
    plain = _plain(value, left, 0)
    if left[0] < 0:
        raise LimitExceeded(
            f"the output of this step is over {most} bytes",
            remedy="hand on less of it, or raise workflows.value_bytes",
            limit="value_bytes",
            allowed=most,
        )
    return plain


def _plain(value: Any, left: list[int], depth: int) -> Any:
    """Counts on the way, at most a few bytes wrong, and goes no further once it is too much."""
    if depth > _DEEPEST:
        raise InvalidInput(f"the output is nested deeper than {_DEEPEST}", remedy="hand on flatter values")
    if value is None or isinstance(value, bool):
        left[0] -= 5
        return value
    if isinstance(value, str):
        left[0] -= _size(value)
        return value
    if isinstance(value, (int, float)):
        left[0] -= 8
        return _number(value)
    if left[0] < 0:
        return None
    if isinstance(value, Mapping):
        left[0] -= 2 * len(value)
        return {_key(name, left): _plain(one, left, depth + 1) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        left[0] -= len(value)
        return [_plain(one, left, depth + 1) for one in value]
    raise InvalidInput(f"a step gave {type(value).__name__}, which is no JSON value", remedy="hand on JSON")


def _key(name: Any, left: list[int]) -> str:
    if not isinstance(name, str):
        raise InvalidInput("a step gave an object whose names are no texts", remedy="hand on JSON")
    left[0] -= _size(name)
    return name


def _size(text: str) -> int:
    if text.isascii():
        return len(text)
    try:
        return len(text.encode())
    except UnicodeEncodeError as error:
        raise InvalidInput("a step gave half of a character", remedy="hand on whole texts") from error


def _number(value: float) -> float:
    if isinstance(value, float) and not math.isfinite(value):
        raise InvalidInput("a step gave a number that JSON has not", remedy="hand on finite numbers")
    return value


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number of JSON")
