"""An exported function: bytes to arguments, its value to bytes."""

from __future__ import annotations

import base64
import json
from typing import Any, NoReturn

from omnicore.errors import GuestFailed, InvalidInput, LimitExceeded
from omnicore.sandbox.capi.components import ExportIndex
from omnicore.sandbox.capi.memory import copy_bytes
from omnicore.sandbox.capi.value_layout import VALUE_BYTES
from omnicore.sandbox.capi.value_reading import Meter, TooLargeError, decoder
from omnicore.sandbox.capi.value_writing import Arena, UnfitValueError, encoder
from omnicore.sandbox.nesting import too_deep
from omnicore.sandbox.wit_calls import input_way, output_way
from omnicore.sandbox.wit_types import WitFunction

__all__ = ["Entry"]

_DEPTH = 128
_TEXT = 8_192  # characters of an error: it goes into logs and answers


class Entry:
    """One export of a component, with everything about its types worked out."""

    __slots__ = ("_decode", "_encoders", "_fallible", "_in", "_name", "_names", "_out", "index", "params", "results")

    def __init__(self, function: WitFunction, index: ExportIndex) -> None:
        signature = function.signature
        self.index = index
        self.params = len(signature.params)
        self.results = int(signature.result is not None)
        self._name = function.name
        self._names = [name.replace("-", "_") for name, _ in signature.params]
        self._encoders = [encoder(kind) for _, kind in signature.params]
        self._decode = None if signature.result is None else decoder(signature.result)
        self._fallible = signature.result is not None and signature.result.kind == "result"
        self._in, self._out = input_way(signature), output_way(signature)

    def arguments(self, data: bytes, arena: Arena) -> int:
        """The address of the arguments that an input makes. Raises: InvalidInput."""
        if self._in == "nothing":
            if data not in (b"", b"null"):
                self._refuse("it takes none")
            return 0
        values = self._values(data)
        try:
            written = [encode(value, arena) for encode, value in zip(self._encoders, values, strict=True)]
        except UnfitValueError as error:
            self._refuse(str(error), error)
        return arena.place(b"".join(written))

    def output(self, address: int, most: int) -> bytes:
        """The bytes of a result that stands at an address.

        Raises:
            LimitExceeded: it has more than `most` bytes.
            GuestFailed: the function returned an error, or a number that JSON does not have.
        """
        if self._decode is None:
            return b""
        try:
            value = self._decode(copy_bytes(address, VALUE_BYTES), 0, Meter(2 * most))
        except TooLargeError as error:
            raise _too_much(most) from error
        if self._fallible:
            if "err" in value:
                raise GuestFailed(_told(value["err"]))
            value = value["ok"]
        output = self._bytes(value)
        if len(output) > most:
            raise _too_much(most)
        return output

    def _bytes(self, value: Any) -> bytes:
        if self._out == "nothing":
            return b""
        if self._out == "text":
            return str(value).encode()
        return bytes(value) if self._out == "bytes" else _to_json(value).encode()

    def _values(self, data: bytes) -> list[Any]:
        if self._in == "bytes":
            return [data]
        try:
            text = data.decode()
            if self._in == "text":
                return [text]
            if too_deep(data, _DEPTH):
                self._refuse(f"it is nested deeper than {_DEPTH}")
            value = json.loads(text, parse_constant=_no_constant)
        except UnicodeDecodeError as error:
            self._refuse("it is not UTF-8", error)
        except (ValueError, RecursionError) as error:
            self._refuse(f"it is no JSON: {error}", error)
        return [value] if self.params == 1 else self._named(value)

    def _named(self, value: Any) -> list[Any]:
        if not isinstance(value, dict) or value.keys() - set(self._names):
            self._refuse(f"it must be an object of {', '.join(self._names)}")
        return [value.get(name) for name in self._names]

    def _refuse(self, problem: str, cause: Exception | None = None) -> NoReturn:
        raise InvalidInput(
            f"the input of {self._name} is not valid: {problem}", remedy="see `omnicore plugins inspect`"
        ) from cause


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def _told(error: Any) -> str:
    if error is None:
        return "the function returned an error without a text"
    text = error if isinstance(error, str) else _to_json(error)
    return text[:_TEXT] or "the function returned an empty error"


def _to_json(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_blob)
    except ValueError as error:
        raise GuestFailed(
            "the result holds a number that JSON does not have", remedy="return finite numbers"
        ) from error


def _blob(value: Any) -> Any:
    """Bytes inside a JSON value: text when they are UTF-8, else base64."""
    data = bytes(value)
    try:
        return data.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode()}


def _too_much(most: int) -> LimitExceeded:
    return LimitExceeded(
        f"the output has more than {most} bytes",
        remedy="return less, or raise limits.output_bytes",
        limit="output_bytes",
        allowed=most,
    )
