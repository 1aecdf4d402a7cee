"""JSON texts: read strictly, written fast, and their values without halves of characters.

An escape such as `\\ud800` is half of a character, which cannot be written as UTF-8. `json.dumps` builds an encoder
each time it is called; `json_writer` builds one.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from json import encoder as _standard
from typing import Any, NoReturn

__all__ = ["is_whole", "json_writer", "made_whole", "read_json"]


def read_json(text: str) -> Any:
    """The value of a JSON document, strictly: NaN and Infinity are no JSON, and all of its texts are whole.

    Raises: ValueError, RecursionError.
    """
    value = json.loads(text, parse_constant=_no_constant)
    if "\\u" in text and not is_whole(value):
        raise ValueError("an escape holds half of a character")
    return value


def is_whole(value: Any) -> bool:
    """True when a JSON value holds no half of a character.

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


def json_writer(*, ascii: bool = True, sort_keys: bool = False, spaces: bool = False) -> Callable[[Any], str]:
    """A function that writes what `json.dumps(value, separators=(",", ":"), allow_nan=False)` does.

    Args: spaces: with those that `json.dumps` puts between members.

    It raises TypeError and ValueError as that does, and RecursionError for a value that holds itself.

    >>> json_writer()({"a": [1, None]})
    '{"a":[1,null]}'
    """
    marks = (", ", ": ") if spaces else (",", ":")
    made = json.JSONEncoder(
        ensure_ascii=ascii, sort_keys=sort_keys, separators=marks, allow_nan=False, check_circular=False
    )
    compiled = getattr(_standard, "c_make_encoder", None)
    if compiled is None:  # an interpreter without the C part
        return made.encode
    text = _standard.encode_basestring_ascii if ascii else _standard.encode_basestring
    write = compiled(None, made.default, text, None, marks[1], marks[0], sort_keys, False, False)
    join = "".join
    return lambda value: join(write(value, 0))
