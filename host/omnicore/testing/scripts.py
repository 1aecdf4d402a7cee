"""Scripted answers of doors."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

from omnicore import errors
from omnicore.capabilities.doors import DOORS
from omnicore.capabilities.request import error_reply, to_value
from omnicore.errors import InvalidInput, InvalidSetting, OmniError

__all__ = ["Answer", "Scripts", "error_of"]

Answer = Mapping[str, Any] | OmniError | str | Callable[[Any], Any]
"""The fields of a reply, an error or its code, or a function from the request to one of these."""

_REFS = {f"{door.name}.{verb}" for door in DOORS for verb in door.verbs}
_CODES = {cls.code: cls for cls in map(errors.__dict__.get, errors.__all__) if cls is not None}


class Script:
    """The answers of one verb, one after the other or always the same."""

    def __init__(self, ref: str, when: Any, answers: list[Answer], *, always: bool) -> None:
        self._ref = ref
        self._when = when
        self._answers = answers
        self._always = always
        self._next = 0

    def matches(self, request: Any) -> bool:
        """Whether the script is about this request."""
        if callable(self._when):
            return bool(self._when(request))
        fields = request if isinstance(request, Mapping) else {}
        return all(name in fields and fields[name] == value for name, value in (self._when or {}).items())

    def answer(self, request: Any) -> dict[str, Any]:
        """The reply as it goes over the wire. Raises: AssertionError once every answer was given."""
        if self._next >= len(self._answers):
            raise AssertionError(
                f"{self._ref} was asked {self._next + 1} times and has {self._next} scripted answers; now: {request!r}"
            )
        answer = self._answers[self._next]
        self._next += 0 if self._always else 1
        return _reply(self._ref, answer(request) if callable(answer) else answer)


class Scripts:
    """The scripts of a host, by verb; usable from any thread."""

    def __init__(self) -> None:
        self._scripts: dict[str, list[Script]] = {}
        self._lock = threading.Lock()

    def add(self, ref: str, *, reply: Any, replies: Any, error: Any, when: Any) -> None:
        """Adds a script, which is looked at before older ones. Raises: InvalidSetting."""
        if ref not in _REFS:
            raise InvalidSetting(f"there is no door {ref!r}", remedy=f"use one of {', '.join(sorted(_REFS))}")
        if replies is None and isinstance(reply, (list, tuple)):
            reply, replies = None, reply
        if sum(one is not None for one in (reply, replies, error)) != 1:
            raise InvalidSetting(f"the script of {ref} needs one answer", remedy="give reply, replies or error")
        answers: list[Any] = [reply if error is None else _failure(error)] if replies is None else list(replies)
        with self._lock:
            script = Script(ref, when, answers, always=replies is None)
            self._scripts.setdefault(ref, []).insert(0, script)

    def find(self, ref: str, request: Any) -> Script | None:
        """The script that answers a request, if there is one."""
        with self._lock:
            return next((script for script in self._scripts.get(ref, ()) if script.matches(request)), None)


def error_of(values: Mapping[str, Any]) -> OmniError:
    """The error that was shown as these values."""
    details = {key: value for key, value in values.items() if key not in ("code", "message", "remedy")}
    code = values.get("code", "error")
    cls = InvalidInput if code == "malformed-request" else _CODES.get(code, OmniError)
    return cls(str(values.get("message", code)), remedy=str(values.get("remedy", "")), **details)


def _failure(error: Any) -> OmniError:
    if isinstance(error, OmniError):
        return error
    if isinstance(error, str):
        return error_of({"code": error, "message": f"scripted: {error}"})
    if isinstance(error, Mapping):
        return error_of(error)
    raise InvalidSetting(f"{error!r:.80} is no error of a door", remedy="give a code, its fields or an OmniError")


def _reply(ref: str, answer: Any) -> dict[str, Any]:
    if isinstance(answer, str):
        answer = _failure(answer)
    if isinstance(answer, OmniError):
        return error_reply(answer, ref.partition(".")[0], ref)
    if not isinstance(answer, Mapping):
        raise InvalidSetting(f"{answer!r:.80} is no reply of {ref}", remedy="give the fields of the reply as a dict")
    return {str(key): _on_wire(value) for key, value in answer.items()}


def _on_wire(value: Any) -> Any:
    if isinstance(value, bytes):
        return to_value(value)
    if isinstance(value, Mapping):
        return {str(key): _on_wire(one) for key, one in value.items()}
    return [_on_wire(one) for one in value] if isinstance(value, (list, tuple)) else value
