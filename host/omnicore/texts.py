"""JSON texts: measured, read strictly, written fast, and their values without halves of characters.

An escape such as `\\ud800` is half of a character, which cannot be written as UTF-8. `json.dumps` builds an encoder
each time it is called; `json_writer` builds one.

The parser recurses in C: where an application has raised Python's recursion limit, a few hundred kilobytes of
brackets crash the process, first on the small stack of a suspended call. Three bytes of brackets also become sixty
bytes of Python objects. So what comes from a guest is measured first; each step of that is one pass in C, and never
slower than parsing.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from json import encoder as _standard
from typing import Any, NoReturn


def read_json(text: str) -> Any:
    """The value of a JSON document, strictly: NaN and Infinity are not JSON, and all of its texts are whole.

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
    raise ValueError(f"{name} is not a JSON number")


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


MOST_PARTS = 200_000
"""Objects, arrays and texts that one document may hold together."""

MOST_VALUES = 1_000_000
"""Values that one document may hold in its arrays and objects."""

_SQUARE = bytes.maketrans(b"{}", b"[]")
_ELSE = bytes(set(range(256)) - set(b"[]{}"))


def too_deep(data: bytes, most: int) -> bool:
    """True when more than `most` brackets stand open at once.

    >>> too_deep(b'{"a": [1, "[["]}', 2), too_deep(b"[[[]]]", 2)
    (False, True)
    """
    if data.count(b"[") + data.count(b"{") <= most:
        return False
    brackets = _without_texts(data).translate(_SQUARE, _ELSE)
    for _ in range(most):  # each round takes the innermost level away
        brackets, before = brackets.replace(b"[]", b""), brackets
        if brackets == before:
            break
    return b"[]" in brackets or brackets.count(b"[") > most


def too_many(data: bytes) -> bool:
    """True when there are more than `MOST_PARTS` or `MOST_VALUES`.

    >>> too_many(b"[" + b"{}," * 1000 + b"1]"), too_many(b"[" + b"{}," * 200_000 + b"1]")
    (False, True)
    """
    # Each part and each value takes at least two bytes, and what stands in texts can only make the count too high.
    if len(data) <= MOST_PARTS or (_parts(data) <= MOST_PARTS and data.count(b",") < MOST_VALUES):
        return False
    whole = _unescaped(data)
    texts = whole.count(b'"') // 2
    if texts > MOST_PARTS:
        return True
    bare = b"".join(whole.split(b'"')[::2])
    return bare.count(b"[") + bare.count(b"{") + texts > MOST_PARTS or bare.count(b",") >= MOST_VALUES


def _parts(data: bytes) -> int:
    return data.count(b"[") + data.count(b"{") + data.count(b'"') // 2


def _without_texts(data: bytes) -> bytes:
    """The bytes outside of texts; an open text goes to the end."""
    return b"".join(_unescaped(data).split(b'"')[::2])


def _unescaped(data: bytes) -> bytes:
    """Without escaped quotes: pairs of backslashes go first, from the left, as a parser reads them."""
    return data.replace(b"\\\\", b"").replace(b'\\"', b"") if b"\\" in data else data


def with_more(remedy: str, more: int) -> str:
    """A remedy for the first of several problems, which says how many follow it."""
    return f"{remedy}; {more} more {'problem follows' if more == 1 else 'problems follow'}" if more else remedy
