"""The one way through every door: a request goes out, a reply or an error comes back.

In a plugin the host answers, in a test an `omnicore_sdk.testing.FakeHost`.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["OF_APPLICATIONS", "Answer", "DoorError", "Wire", "answer_with", "call", "present", "to_bytes", "to_wire"]

Wire = dict[str, Any]
"""A request or reply as specs/abi.md has it: JSON values, and bytes as text or `{"base64": ...}`."""

Answer = Callable[[str, Wire], Wire]
"""Takes the name of a function such as `kv_get_v1` and a request, and returns the reply or raises DoorError."""


class DoorError(Exception):
    """A door refused or failed; `str(error)` is the fact, then the remedy.

    Attributes:
        code: such as `permission-denied`; treat one you do not know as a failure.
        message: the fact, for people.
        remedy: what to do about it, for people.
        capability: the door.
        resource: what was to be reached.
        limit: which limit was met.
    """

    def __init__(
        self,
        code: str,
        message: str,
        remedy: str | None = None,
        capability: str | None = None,
        resource: str | None = None,
        limit: str | None = None,
    ) -> None:
        super().__init__(f"{message}; {remedy}" if remedy else message)
        self.code = code
        self.message = message
        self.remedy = remedy
        self.capability = capability
        self.resource = resource
        self.limit = limit


def _nobody(function: str, request: Wire) -> Wire:
    raise RuntimeError(
        f"{function} has no host to ask: doors answer while a function of a plugin runs, "
        "and in tests inside `with omnicore_sdk.testing.FakeHost():`"
    )


_answer: Answer = _nobody

OF_APPLICATIONS: set[str] = set()
"""The functions of applications that were called, for fakes: all others are those of doors."""


def answer_with(answer: Answer | None) -> Answer | None:
    """Puts something in place that answers, None for nobody, and returns what was there."""
    global _answer  # a plugin is a process, and it has one host
    before, _answer = _answer, answer or _nobody
    return None if before is _nobody else before


def call(function: str, request: Wire) -> Wire:
    """Asks the host. Raises: DoorError: it refused or failed."""
    return _answer(function, request)


def to_wire(value: bytes | bytearray | memoryview | str) -> str | dict[str, str]:
    """Bytes for a request; text is sent as its UTF-8."""
    if isinstance(value, str):
        return value
    data = bytes(value)
    try:
        return data.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode()}


def to_bytes(value: str | Mapping[str, str]) -> bytes:
    """Bytes of a reply."""
    return value.encode() if isinstance(value, str) else base64.b64decode(value["base64"])


def present(**fields: Any) -> Wire:
    """The optional fields of a request that were given."""
    return {name: value for name, value in fields.items() if value is not None}
