"""JSON texts, by the C encoder alone: `json.dumps` builds an encoder each time it is called."""

from __future__ import annotations

import json
from collections.abc import Callable
from json import encoder as _standard
from typing import Any

__all__ = ["json_writer"]


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
