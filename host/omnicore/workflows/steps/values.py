"""Values at the border: JSON that comes from outside, outputs that go into the journal, and URI templates. Pure.

Source: RFC 6570 (URI templates).
"""

from __future__ import annotations

import base64
import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn
from urllib.parse import quote

from omnicore.errors import InvalidInput, LimitExceeded
from omnicore.sandbox.nesting import too_deep

__all__ = ["checked_output", "expanded", "parse_json", "text_or_bytes"]


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
            remedy="hand on less of it",
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
        left[0] -= len(value) if value.isascii() else _size(value)
        return value
    if isinstance(value, (int, float)):
        left[0] -= 8
        return value if type(value) is int else _number(value)
    if left[0] < 0:
        return None
    if isinstance(value, Mapping):
        left[0] -= 2 * len(value)
        plain = {}
        for name, one in value.items():
            if not isinstance(name, str):
                raise InvalidInput("a step gave an object whose names are no texts", remedy="hand on JSON")
            left[0] -= len(name) if name.isascii() else _size(name)
            plain[name] = _plain(one, left, depth + 1)
        return plain
    if isinstance(value, (list, tuple)):
        left[0] -= len(value)
        return [_plain(one, left, depth + 1) for one in value]
    raise InvalidInput(f"a step gave {type(value).__name__}, which is no JSON value", remedy="hand on JSON")


def _size(text: str) -> int:
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


_EXPRESSION = re.compile(r"\{([+#./;?&]?)([^{}]*)\}")
_VARIABLE = re.compile(r"([A-Za-z0-9_.%-]+?)(?::([1-9][0-9]{0,3})|(\*))?")
_RESERVED = ":/?#[]@!$&'()*+,;="
_DOTS = frozenset({".", ".."})
_LONGEST = 8192


@dataclass(frozen=True, slots=True)
class _Operator:
    """The notation of an expression's values."""

    first: str
    between: str
    named: bool = False
    empty: str = ""
    kept: str = ""
    needed: bool = True


_OPERATORS: Mapping[str, _Operator] = {
    "": _Operator("", ","),
    "+": _Operator("", ",", kept=_RESERVED),
    "#": _Operator("#", ",", kept=_RESERVED, needed=False),
    ".": _Operator(".", "."),
    "/": _Operator("/", "/"),
    ";": _Operator(";", ";", named=True, needed=False),
    "?": _Operator("?", "&", named=True, empty="=", needed=False),
    "&": _Operator("&", "&", named=True, empty="=", needed=False),
}


def expanded(template: str, variables: Any) -> str:
    """The URI of a template.

    Unlike in the standard a part of the path must have a value: `/pets/{id}` without an `id` is another resource. And
    a value that is `.` or `..` is refused, for it would lead to another one too.

    Args: variables: the task's input; other values than objects have no variables.
    Raises: InvalidInput: a variable has no value, or none that a URI can hold.

    >>> expanded("/pets/{id}{?tags*}", {"id": "a/b", "tags": ["x", "y"]})
    '/pets/a%2Fb?tags=x&tags=y'
    """
    if "{" not in template:
        return template
    known = variables if isinstance(variables, Mapping) else {}
    found = _EXPRESSION.sub(lambda match: _expression(match, known), template)
    if _dots(found) > _dots(template):
        raise InvalidInput("a value makes a part of the path `.` or `..`, which leads elsewhere", remedy="correct it")
    if len(found) > _LONGEST:
        raise InvalidInput(f"the URI is over {_LONGEST} characters", remedy="send less in it, and more in the body")
    return found


def _dots(uri: str) -> int:
    """The number of path segments that are `.` or `..`."""
    return sum(part in _DOTS for part in re.split(r"[/\\]", re.split("[?#]", uri, maxsplit=1)[0]))


def _expression(match: re.Match[str], known: Mapping[str, Any]) -> str:
    operator = _OPERATORS[match[1]]
    parts = [part for text in match[2].split(",") for part in _variable(text, operator, known)]
    return operator.first + operator.between.join(parts) if parts else ""


def _variable(text: str, operator: _Operator, known: Mapping[str, Any]) -> Iterator[str]:
    found = _VARIABLE.fullmatch(text.strip())
    if found is None:
        raise InvalidInput(f"{{{text[:80]}}} is no variable of a URI template", remedy="write {name}")
    name, most, explode = found[1], int(found[2] or 0), bool(found[3])
    value = known.get(name)
    if value is None or value in ([], {}):
        if operator.needed:
            raise InvalidInput(f"the URI needs {name[:80]!r}, which the task's input has not", remedy="add it to it")
        return
    if isinstance(value, Mapping):
        pairs = [(str(key), _text(one, name)) for key, one in value.items() if one is not None]
        yield from _pairs(name, pairs, operator, explode=explode)
    elif isinstance(value, (list, tuple)):
        yield from _list(name, [_text(one, name) for one in value if one is not None], operator, explode=explode)
    else:
        plain = _text(value, name)
        yield _named(name, _encoded(plain[:most] if most else plain, operator), operator)


def _list(name: str, items: list[str], operator: _Operator, *, explode: bool) -> Iterator[str]:
    written = [_encoded(item, operator) for item in items]
    if explode:
        yield from (_named(name, item, operator) for item in written)
    else:
        yield _named(name, ",".join(written), operator)


def _pairs(name: str, pairs: list[tuple[str, str]], operator: _Operator, *, explode: bool) -> Iterator[str]:
    written = [(_encoded(key, operator), _encoded(value, operator)) for key, value in pairs]
    if explode:
        yield from (f"{key}={value}" for key, value in written)
    else:
        yield _named(name, ",".join(part for pair in written for part in pair), operator)


def _named(name: str, value: str, operator: _Operator) -> str:
    if not operator.named:
        return value
    return f"{name}={value}" if value else f"{name}{operator.empty}"


def _encoded(text: str, operator: _Operator) -> str:
    try:
        return quote(text, safe=operator.kept)
    except UnicodeEncodeError as error:
        raise InvalidInput("a value of the URI holds half of a character", remedy="give whole texts") from error


def _text(value: Any, name: str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, int, float)):
        return str(value)
    raise InvalidInput(f"{name[:80]!r} is nested too deep for a URI", remedy="give a text, a number or a flat list")
