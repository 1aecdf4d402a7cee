"""Values to bytes and back, by a function's media types, checked against its schemas."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from omnicore.compact import json_writer
from omnicore.errors import DeadlineExceeded, GuestFailed, InvalidInput, OmniError
from omnicore.plugins.manifest import FunctionSpec
from omnicore.plugins.schemas import Schema, SchemaTooSlowError
from omnicore.sandbox.nesting import too_deep

__all__ = ["Media"]

_JSON, _TEXT = "application/json", "text/plain"
_MOST_DEPTH = 512

_write = json_writer(ascii=False)
_Wrong = Callable[[str], OmniError]


class Media:
    """How one function's input and output travel. Immutable, safe to use from several threads.

    `plain_input` and `plain_output` are true where bytes pass as they are.

    Args:
        check_s: how long a check against a schema may take.
    """

    __slots__ = ("_check_s", "_input", "_name", "_output", "_spec", "plain_input", "plain_output")

    def __init__(self, plugin: str, spec: FunctionSpec, *, check_s: float) -> None:
        self._name = f"{plugin}.{spec.name}"
        self._spec = spec
        self._check_s = check_s
        self._input = None if spec.input is None else Schema(spec.input)
        self._output = None if spec.output is None else Schema(spec.output)
        self.plain_input = self._input is None
        self.plain_output = self._output is None and spec.output_media not in (_JSON, _TEXT)

    def encode(self, value: Any) -> bytes:
        """The input as bytes: bytes as they are, text and JSON values as the media type wants them.

        Raises: InvalidInput: no such value in this media type, or one that breaks the schema.
        """
        if isinstance(value, bytes | bytearray | memoryview):
            data = bytes(value)
            self.check_input(data)
            return data
        if self._spec.input_media == _JSON:
            data = _dumps(value, self._name)
            if self._input is not None:
                self._check(self._input, value, self._bad_input)
            return data
        text = value if isinstance(value, str) else "" if value is None else None
        if text is None and self._spec.input_media == _TEXT:
            raise self._bad_input(f"takes text, not {type(value).__name__}")
        data = _dumps(value, self._name) if text is None else _utf8(text, self._name)
        self.check_input(data)
        return data

    def check_input(self, data: bytes) -> None:
        """Checks bytes that come as they are. Raises: InvalidInput."""
        if self._input is not None:
            self._check(self._input, _parsed(data, self._spec.input_media, self._bad_input), self._bad_input)

    def decode(self, data: bytes) -> Any:
        """The output as the media type says: a JSON value, text or bytes.

        Raises: GuestFailed: the plugin answered with something else.
        """
        value = _parsed(data, self._spec.output_media, self._bad_output)
        if self._output is not None:
            self._check(self._output, value, self._bad_output)
        return value

    def check_output(self, data: bytes) -> None:
        """Checks bytes that go out as they are. Raises: GuestFailed."""
        if self._output is not None:
            self.decode(data)

    def _check(self, schema: Schema, value: Any, wrong: _Wrong) -> None:
        try:
            problem = schema.problem(value, timeout_s=self._check_s)
        except SchemaTooSlowError as error:
            raise DeadlineExceeded(
                f"{self._name}: {error}",
                remedy="make the schema or the value smaller",
                limit="timeout_s",
                allowed=self._check_s,
            ) from error
        if problem is not None:
            raise wrong(problem)

    def _bad_input(self, problem: str) -> OmniError:
        remedy = f"see `omnicore plugins inspect {self._name.partition('.')[0]}`"
        return InvalidInput(f"the input of {self._name} is not valid: {problem}", remedy=remedy)

    def _bad_output(self, problem: str) -> OmniError:
        return GuestFailed(
            f"the output of {self._name} is not what it promises: {problem}",
            remedy="correct the plugin, or the output schema in its manifest",
        )


def _dumps(value: Any, name: str) -> bytes:
    try:
        return _write(value).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInput(
            f"the input of {name} is no JSON value: {error}", remedy="pass bytes, text or a JSON value"
        ) from error


def _utf8(text: str, name: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise InvalidInput(f"the input of {name} is no valid Unicode text", remedy="pass bytes") from error


def _parsed(data: bytes, media: str, wrong: _Wrong) -> Any:
    try:
        if media == _JSON:
            if too_deep(data, _MOST_DEPTH):
                raise wrong(f"it is nested deeper than {_MOST_DEPTH}")
            return _READ(data.decode())
        return data.decode() if media == _TEXT else data
    except UnicodeDecodeError as error:
        raise wrong("it is not UTF-8") from error
    except (ValueError, RecursionError) as error:
        raise wrong(f"it is no JSON: {error}") from error


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")


_READ = json.JSONDecoder(parse_constant=_refuse_constant).decode
