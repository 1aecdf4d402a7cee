"""JSON values whose texts can be written as UTF-8: an escape such as `\\ud800` is half of a character, which cannot."""

from __future__ import annotations

import json
from typing import Any, NoReturn

__all__ = ["is_whole", "made_whole", "read_json"]


def read_json(text: str) -> Any:
    """The value of a JSON document, strictly: NaN and Infinity are no JSON, and all of its texts are whole.

    Raises: ValueError, RecursionError.
    """
    value = json.loads(text, parse_constant=_no_constant)
    if "\\u" in text and not is_whole(value):
        raise ValueError("an escape holds half of a character")
    return value


def is_whole(value: Any) -> bool:
    """Whether a JSON value holds no half of a character.

    >>> is_whole({"a": ["\\U0001f600"]}), is_whole({"a": ["\\ud83d"]})
    (True, False)
    """
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def made_whole(value: Any) -> Any:
    """A JSON value with a question mark for each half of a character.

    >>> made_whole({"a": "cut \\ud83d"})
    {'a': 'cut ?'}
    """
    return json.loads(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")
