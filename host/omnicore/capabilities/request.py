"""Requests of guests, read with suspicion, and the replies they get."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn, TypeVar

import msgspec

from omnicore.errors import GuestFailed, InvalidInput, OmniError
from omnicore.sandbox.abi import HostCall
from omnicore.texts import MOST_PARTS, MOST_VALUES, too_deep, too_many

_DEPTH = 32
_RESOURCE_CHARACTERS = 200
_LARGEST_FLOAT = 3.4028234663852886e38  # vectors are kept in 32 bits, where more would be infinite
_Default = TypeVar("_Default")
_NONE: Any = object()
_NUMBERS = {int, float}
_ENCODE = msgspec.json.Encoder().encode
_DECODE = msgspec.json.Decoder().decode  # 1.2 ms for 640 KB of vectors, where `json.loads` takes 16


class Request:
    """The fields of a request. Each is read by its type; `done` refuses fields that were not read.

    Raises: InvalidInput, from every method, with a text for the plugin's author.
    """

    def __init__(self, values: dict[str, Any], where: str = "the request") -> None:
        self._values = values
        self._left = set(values)
        self._where = where

    def shown(self, name: str) -> str | None:
        """A text field, short, for an error."""
        value = self._values.get(name)
        return value[:_RESOURCE_CHARACTERS] if isinstance(value, str) else None

    def any(self, name: str, default: Any = _NONE) -> Any:
        """A field of any type."""
        self._left.discard(name)
        value = self._values.get(name, default)
        return self._wrong(name, "be there") if value is _NONE else value

    def json(self, name: str, default: Any = _NONE, *, most: int) -> Any:
        """A field of any type, of at most `most` bytes as JSON."""
        value = self.any(name, default)
        return value if value is default else self._bounded(name, value, most)

    def text(self, name: str, default: _Default = _NONE, *, least: int = 0, most: int | None = None) -> str | _Default:
        """A text of `least` to `most` bytes; null is the default, where there is one."""
        value = self._optional(name, default)
        return default if value is default else self._text(name, value, least, most)

    def texts(self, name: str, default: _Default = _NONE, *, most: int, bytes_each: int) -> tuple[str, ...] | _Default:
        """1 to `most` texts of 1 to `bytes_each` bytes; null is the default, where there is one."""
        value = self._optional(name, default)
        if value is default:
            return default
        found = self._list(name, value, most, "texts")
        return tuple(self._text(f"{name}[{place}]", one, 1, bytes_each) for place, one in enumerate(found))

    def choice(self, name: str, values: Sequence[str], default: _Default = _NONE) -> str | _Default:
        """One of several texts; null is the default, where there is one."""
        value = self._optional(name, default)
        if value is default:
            return default
        if not isinstance(value, str) or value not in values:
            self._wrong(name, f"be one of {', '.join(values)}")
        return value

    def number(self, name: str, default: _Default = _NONE, *, least: float, most: float) -> float | _Default:
        """A number in a range; null is the default, where there is one."""
        value = self._optional(name, default)
        if value is default:
            return default
        if not _is_number(value) or not least <= value <= most:
            self._wrong(name, f"be a number from {least:g} to {most:g}")
        return float(value)

    def numbers(self, name: str, default: _Default = _NONE, *, most: int) -> tuple[float, ...] | _Default:
        """1 to `most` numbers that fit 32-bit floats; null is the default, where there is one."""
        value = self._optional(name, default)
        if value is default:
            return default
        found = self._list(name, value, most, "numbers")
        # By builtins over the whole list: 1.8 ms for 61,000 numbers, where a loop takes 5.
        if not _NUMBERS.issuperset(map(type, found)) or min(found) < -_LARGEST_FLOAT or max(found) > _LARGEST_FLOAT:
            self._wrong(name, "hold finite numbers only, none beyond 3.4e38")
        return tuple(map(float, found))

    def rows(self, name: str, *, most: int) -> list[Request]:
        """1 to `most` objects, each to be read like a request; call `done` on each."""
        found = self._list(name, self._optional(name, _NONE), most, "objects")
        if not all(isinstance(one, dict) for one in found):
            self._wrong(name, "hold objects only")
        return [Request(one, f"`{name}[{place}]`") for place, one in enumerate(found)]

    def whole(self, name: str, default: _Default = _NONE, *, least: int, most: int) -> int | _Default:
        """A whole number in a range; null is the default, where there is one."""
        value = self._optional(name, default)
        if value is default:
            return default
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            self._wrong(name, f"be a whole number from {least} to {most}")
        return value

    def seconds(self, name: str, *, most: float) -> float | None:
        """A time above 0 and at most `most`, or None."""
        value = self._optional(name, None)
        if value is None:
            return None
        if not _is_number(value) or not 0 < value <= most:
            self._wrong(name, f"be a number of seconds above 0 and at most {most:g}")
        return float(value)

    def blob(self, name: str, default: bytes = _NONE, *, most: int) -> bytes:
        """Bytes, sent as text or as `{"base64": "..."}`."""
        value = self._optional(name, default)
        if value is default:
            return default
        if isinstance(value, dict) and set(value) == {"base64"} and isinstance(value["base64"], str):
            try:
                data = base64.b64decode(value["base64"], validate=True)
            except (binascii.Error, ValueError):
                self._wrong(name, "hold standard base64 with padding")
        elif isinstance(value, str):
            data = value.encode()
        else:
            self._wrong(name, 'be text or {"base64": "..."}')
        if len(data) > most:
            self._wrong(name, f"have at most {most} bytes")
        return data

    def table(self, name: str, *, most: int | None = None) -> dict[str, Any]:
        """An object of at most `most` bytes as JSON, empty when it is absent or null."""
        value = self._optional(name, None)
        if value is None:
            return {}
        if not isinstance(value, dict):
            self._wrong(name, "be an object")
        return value if most is None else self._bounded(name, value, most)

    def done(self) -> None:
        """Refuses fields that no verb knows, so that a misspelled one is not passed over."""
        if self._left:
            raise _malformed(f"{self._where} has an unknown field {min(self._left)[:80]!r}")

    def _optional(self, name: str, default: Any) -> Any:
        self._left.discard(name)
        value = self._values.get(name)
        if value is None and default is _NONE:
            self._wrong(name, "be there")
        return default if value is None else value

    def _text(self, name: str, value: Any, least: int, most: int | None) -> str:
        if not isinstance(value, str):
            self._wrong(name, "be text")
        size = len(value.encode())
        if size < least:
            self._wrong(name, "not be empty")
        return self._wrong(name, f"have at most {most} bytes") if most is not None and size > most else value

    def _list(self, name: str, value: Any, most: int, what: str) -> list[Any]:
        if isinstance(value, list) and 1 <= len(value) <= most:
            return value
        self._wrong(name, f"be a list of 1 to {most} {what}")

    def _bounded(self, name: str, value: Any, most: int) -> Any:
        size = len(value_bytes(value))
        return value if size <= most else self._wrong(name, f"have at most {most} bytes as JSON")

    def _wrong(self, name: str, rule: str) -> NoReturn:
        raise _malformed(f"`{name}` of {self._where} must {rule}")


def read_request(call: HostCall, handle: int, most: int) -> Request:
    """The request in a block. Raises: InvalidInput for all but a JSON object of bounded size, depth and number."""
    return parse_request(read_block(call, handle, most), most)


def read_block(call: HostCall, handle: int, most: int) -> bytes:
    """The bytes of a block, measured before they are copied. Raises: InvalidInput."""
    try:
        if (size := call.size(handle)) > most:
            raise _too_large(size, most)
        return call.read(handle)
    except GuestFailed as error:
        raise _malformed(f"the request is not a live block: {error.fact}") from error


def plain_request(values: Mapping[str, Any], most: int) -> Request:
    """A request that came as values, held to what one in a block is held to. Raises: InvalidInput."""
    try:
        data = json.dumps(values).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise _malformed(f"the request is not JSON: {error}") from error
    return parse_request(data, most)


def parse_request(data: bytes, most: int) -> Request:
    """The request in a text, whose structure is measured before it is parsed. Raises: InvalidInput."""
    check_structure(data, most)
    try:
        values = _DECODE(data)
    except (ValueError, RecursionError) as error:  # msgspec's own are ValueErrors, as are halves of characters
        raise _malformed(f"the request is not JSON: {error}") from error
    if not isinstance(values, dict):
        raise _malformed("the request is not a JSON object")
    return Request(values)


def check_structure(data: bytes, most: int) -> None:
    """Measures a text before it is parsed. Raises: InvalidInput: too long, too deep or of too many parts."""
    if len(data) > most:
        raise _too_large(len(data), most)
    if len(data) > MOST_PARTS and too_many(data):  # fewer bytes cannot hold too many
        raise _malformed(f"the request holds more than {MOST_PARTS} objects, lists and texts or {MOST_VALUES} values")
    if len(data) > _DEPTH and too_deep(data, _DEPTH):
        raise _malformed(f"the request is nested deeper than {_DEPTH}")


def weighs(value: Any, most: int) -> bool:
    """True when a reply surely or probably has more than `most` bytes as JSON. Looks at its first parts only."""
    left, waiting = most, [value]
    while waiting:
        one = waiting.pop()
        left -= 8
        if isinstance(one, (str, bytes)):
            left -= len(one)
        elif isinstance(one, dict):
            waiting += [*one, *one.values()]
        elif isinstance(one, (list, tuple)):
            waiting += one
        if left < 8 * len(waiting):
            return True
    return False


def write_reply(call: HostCall, reply: Mapping[str, Any] | bytes) -> int:
    """A new block with the reply. Raises: MemoryExceeded."""
    return call.write(reply if type(reply) is bytes else value_bytes(reply))


def reply_bytes(reply: Mapping[str, Any] | bytes) -> bytes:
    """A reply as JSON; one that a verb has written itself as it is."""
    return reply if isinstance(reply, bytes) else value_bytes(reply)


def value_bytes(value: Any) -> bytes:
    """A JSON value in UTF-8; what guests gave can hold halves of characters, which then stay escapes."""
    try:
        return _ENCODE(value)  # 1.4 ms for 640 KB of vectors, where `json.dumps` takes 43
    except UnicodeEncodeError:
        return json_bytes(value)


def json_bytes(value: Any, default: Callable[[Any], Any] | None = None) -> bytes:
    """The same for values that are made JSON by `default`."""
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=default).encode()
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":"), default=default).encode()


def error_reply(error: OmniError, capability: str, resource: str) -> dict[str, Any]:
    """The error as a value that the guest can read."""
    shown = {"capability": capability, "resource": resource, **error.to_json()}
    if isinstance(error, InvalidInput):
        shown["code"] = "malformed-request"
    return {"error": shown}


def to_value(data: bytes) -> str | dict[str, str]:
    """Bytes as they travel in a reply: text when they are UTF-8, else base64."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode()}


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _malformed(fact: str) -> InvalidInput:
    return InvalidInput(fact, remedy="see specs/abi.md")


def _too_large(size: int, most: int) -> InvalidInput:
    return _malformed(f"the request has {size} bytes, {most} are allowed")
