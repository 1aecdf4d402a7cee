"""Calls with JSON values in and out; `{"base64": ...}` alone stands for bytes, as it does in the doors."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from omnicore.errors import InvalidInput
from omnicore.plugins.calls import Calls

__all__ = ["JsonCalls", "from_json", "to_json"]


class JsonCalls:
    """Calls a host's functions with JSON values, for those who have stored or received them."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    async def __call__(self, ref: str, value: Any, *, timeout_s: float | None = None, host_context: Any = None) -> Any:
        """The output as a JSON value. Raises: what `Calls.call` does."""
        output = await self._calls.call(ref, from_json(value), timeout_s=timeout_s, host_context=host_context)
        return to_json(output)


def from_json(given: Any) -> Any:
    """What a function is called with. Raises: InvalidInput: no base64."""
    if not isinstance(given, dict) or given.keys() != {"base64"} or not isinstance(given["base64"], str):
        return given
    try:
        return base64.b64decode(given["base64"], validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidInput("input.base64 is no base64", remedy="correct it", path="input.base64") from error


def to_json(output: Any) -> Any:
    """What a function returned: a JSON value, text, or bytes as `{"base64": ...}`."""
    if not isinstance(output, bytes):
        return output
    try:
        return output.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(output).decode()}
