"""The table by which the conformance plugin in Python calls the kit: `sdk/python/conformance/dispatch.py`."""

from __future__ import annotations

from sdk.generate.contract import Contract, Door, Field, Verb
from sdk.generate.python import KIT, fitting
from sdk.generate.text import MADE, pascal

__all__ = ["files"]

_HEAD = f'''# {MADE}
"""Calls of the kit's own functions for requests as they stand in specs/abi.md."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

from omnicore_sdk import DOORS
from omnicore_sdk._core import to_bytes, to_wire

__all__ = ["dispatch"]

Wire = dict[str, Any]


def dispatch(door: str, verb: str, request: Wire) -> Wire:
    """The reply of a door. Raises: DoorError; KeyError for a verb that is none, or a field that is missing."""
    return _CALLS[f"{{door}}.{{verb}}"](request)


def _bytes(value: Any) -> bytes | None:
    return None if value is None else to_bytes(value)


def _wire(value: Any) -> Any:
    if isinstance(value, bytes):
        return to_wire(value)
    if dataclasses.is_dataclass(value):
        return {{field.name: _wire(getattr(value, field.name)) for field in dataclasses.fields(value)}}
    return [_wire(one) for one in value] if isinstance(value, list | tuple) else value


def _record(value: Any, names: Sequence[str]) -> Wire:
    return dict.fromkeys(names) if value is None else dict(_wire(value))'''


def files(contract: Contract) -> dict[str, str]:
    """The one module."""
    head = _HEAD.replace("DOORS", ", ".join(sorted(door.name for door in contract.doors)))
    verbs = [(door, verb) for door in contract.doors for verb in door.verbs]
    parts = [head, *(_function(door, verb) for door, verb in verbs)]
    table = "\n".join(f'    "{door.name}.{verb.name}": _{door.name}_{verb.name},' for door, verb in verbs)
    parts.append("_CALLS: dict[str, Callable[[Wire], Wire]] = {\n" + table + "\n}")
    return {f"{KIT}/conformance/dispatch.py": "\n\n\n".join(parts) + "\n"}


def _function(door: Door, verb: Verb) -> str:
    given = [_required(door, field) for field in verb.request if not field.optional]
    given += [f"{field.name}={_optional(field)}" for field in verb.request if field.optional]
    call = f"{door.name}.{verb.name}("
    lines = [f"def _{door.name}_{verb.name}({'request' if verb.request else '_'}: Wire) -> Wire:"]
    if not verb.reply:
        return "\n".join([*lines, fitting(call, given, ")", "    "), "    return {}"])
    lines.append(fitting(f"reply = {call}", given, ")", "    "))
    if verb.record:
        names = fitting("return _record(reply, [", [f'"{field.name}"' for field in verb.reply], "])", "    ")
        return "\n".join([*lines, names])
    return "\n".join([*lines, f'    return {{"{verb.reply[0].name}": _wire(reply)}}'])


def _required(door: Door, field: Field) -> str:
    value = f'request["{field.name}"]'
    if field.type.kind == "bytes":
        return f"to_bytes({value})"
    if field.type.item and field.type.item.kind == "record":
        return f"[{door.name}.{pascal(field.type.item.name)}(**one) for one in {value}]"
    return value


def _optional(field: Field) -> str:
    value = f'request.get("{field.name}")'
    return f"_bytes({value})" if field.type.kind == "bytes" else value
