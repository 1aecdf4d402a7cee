"""Takes known secrets out of texts and JSON values, in the forms that services and libraries write them.

A text is searched as it is, and up to three times with its escapes undone, each byte of which remembers where it stood:
so a secret is found percent-encoded, in JSON, in HTML, in any mixture of these, in part or one within the other.
"""

from __future__ import annotations

import base64
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from functools import reduce
from html.entities import html5
from typing import Any

HIDDEN = "[redacted]"
_LEAST = 4  # shorter ones stand in too many places by chance
_LEAST_CODED = 8
_LEVELS = 3
_PERCENT, _UNIT, _BYTE = rb"%[0-9A-Fa-f]{2}", rb"\\u[0-9A-Fa-f]{4}", rb"\\x[0-9A-Fa-f]{2}"
_PAIR = rb"\\u[dD][89abAB][0-9A-Fa-f]{2}\\u[dD][c-fC-F][0-9A-Fa-f]{2}"
_SIGN = rb"\\[\"'\\/bfnrt]"
_ENTITY = rb"&(?:#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|amp|lt|gt|quot|apos);"
_ESCAPE = re.compile(b"|".join((_PERCENT, _PAIR, _UNIT, _BYTE, _SIGN, _ENTITY)))
_RUN = re.compile(b"|".join((*(b"(?:%b)+" % one for one in (_PERCENT, _UNIT, _BYTE, _SIGN)), _ENTITY)))
"""The same, as many of a kind as stand together: one step for all of them."""

_MARKS = (b"%", b"\\", b"&")
_SIGNS = bytes.maketrans(b"bfnrt", b"\b\f\n\r\t")
_SPACES = bytes.maketrans(b" ", b"+")  # forms write a space as a plus
_URL_SAFE = bytes.maketrans(b"+/", b"-_")
_Span = tuple[int, int]


class Redactor:
    """Hides the secrets it was told of. Its cost grows with the text times the number of secrets, in C."""

    __slots__ = ("_exact", "_hex", "_least")

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._exact: tuple[bytes, ...] = ()
        self._hex: tuple[bytes, ...] = ()
        self._least = 0
        self.hide(*secrets)

    def hide(self, *secrets: str) -> None:
        """Hides these from now on as well."""
        exact, coded = set(self._exact), set(self._hex)
        for secret in {form for one in secrets for form in (one, one.strip())}:
            if len(secret) >= _LEAST and secret not in HIDDEN:
                data = secret.encode("utf-8", "surrogatepass")
                exact |= {data.translate(_SPACES), *_within_base64(data)}
                coded.add(data.hex().encode())
        self._exact, self._hex = tuple(exact), tuple(coded)
        self._least = min(map(len, exact), default=0)

    def text(self, text: str) -> str:
        """The text without secrets."""
        if len(text) * 4 < self._least or not self._exact:
            return text
        data = text.encode("utf-8", "surrogatepass")
        parts, at = [], 0
        for start, end in self._spans(data):
            parts += [data[at:start].decode("utf-8", "surrogatepass"), HIDDEN]
            at = end
        if not parts:
            return text
        return "".join((*parts, data[at:].decode("utf-8", "surrogatepass")))

    def value(self, value: Any) -> Any:
        """A JSON value without secrets, in keys neither."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {self.text(str(key)): self.value(one) for key, one in value.items()}
        return [self.value(one) for one in value] if isinstance(value, (list, tuple)) else value

    def holds(self, text: str) -> bool:
        """True if the text contains a secret."""
        return bool(self._exact) and bool(self._spans(text.encode("utf-8", "surrogatepass")))

    def __repr__(self) -> str:
        return f"Redactor({len(self._exact) + len(self._hex)} forms)"

    def _spans(self, data: bytes) -> list[_Span]:
        """The places of secrets, in order, none of them touching."""
        found = list(self._found(data))
        level, maps = data, list[_Undone]()
        while len(maps) < _LEVELS and any(mark in level for mark in _MARKS):
            undone = _Undone(level)
            if undone.data == level:
                break
            maps.append(undone)
            level = undone.data
            found += (reduce(lambda at, one: one.origin(at), reversed(maps), span) for span in self._found(level))
        return _joined(found)

    def _found(self, data: bytes) -> Iterator[_Span]:
        plain = data.translate(_SPACES)
        for needle in self._exact:
            yield from _places(plain, needle)
        lower = data.lower()
        for needle in self._hex:
            yield from _places(lower, needle)


class _Undone:
    """A text with one level of escapes undone, and the way back from its bytes."""

    __slots__ = ("_before", "_ends", "_places", "_starts", "data")

    def __init__(self, before: bytes) -> None:
        self._before = before
        self._places: list[int] = []
        self.data = _RUN.sub(lambda run: _meaning(run[0]), before)

    def _map(self) -> None:
        # Of each stretch: where it begins now and where it began; the end before only of what was an escape.
        self._places, self._starts, self._ends = [0], [0], [0]
        at = length = 0
        for found in _ESCAPE.finditer(self._before):
            start, end = found.span()
            length += start - at
            after = length + len(_meaning(found[0]))
            self._places += [length, after]
            self._starts += [start, end]
            self._ends += [end, 0]
            length, at = after, end

    def origin(self, span: _Span) -> _Span:
        """The place of a stretch in the original text."""
        if not self._places:
            self._map()
        return self._place(span[0])[0], self._place(span[1] - 1)[1]

    def _place(self, place: int) -> _Span:
        """The first byte and the end of what has become one byte."""
        at = bisect_right(self._places, place) - 1
        if self._ends[at]:
            return self._starts[at], self._ends[at]
        start = self._starts[at] + place - self._places[at]
        return start, start + 1


def _meaning(run: bytes) -> bytes:
    """The bytes that escapes of one kind stand for."""
    kind = run[:2]
    if kind[:1] == b"%":
        return bytes.fromhex(run.replace(b"%", b"").decode())
    if kind == b"\\x":
        return bytes.fromhex(run.replace(kind, b"").decode())
    if kind == b"\\u":
        units = bytes.fromhex(run.replace(kind, b"").decode())
        return units.decode("utf-16-be", "surrogatepass").encode("utf-8", "surrogatepass")
    if kind[:1] == b"\\":
        return run[1::2].translate(_SIGNS)
    name = run[1:-1].decode()
    if name[0] != "#":
        return html5[f"{name};"].encode()
    number = int(name[2:], 16) if name[1] in "xX" else int(name[1:])
    return chr(number).encode("utf-8", "surrogatepass") if number <= 0x10FFFF else run


def _places(data: bytes, needle: bytes) -> Iterator[_Span]:
    at = data.find(needle)
    while at >= 0:
        yield at, at + len(needle)
        at = data.find(needle, at + 1)  # they may overlap


def _joined(spans: list[_Span]) -> list[_Span]:
    joined: list[_Span] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def _within_base64(data: bytes) -> Iterator[bytes]:
    """The parts that a text's base64, of both alphabets, must hold when these bytes stand in it after 0, 1 or 2 others.

    So `user:password` of HTTP's basic scheme is found by the password alone.
    """
    for before in range(3):
        coded = base64.b64encode(b"\0" * before + data).rstrip(b"=")
        found = coded[(0, 2, 3)[before] : len(coded) - (1 if (before + len(data)) % 3 else 0)]
        if len(found) >= _LEAST_CODED:
            yield found
            yield found.translate(_URL_SAFE)
