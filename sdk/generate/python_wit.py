"""What joins the kit for Python to the bindings of a component: `sdk/python/omnicore_sdk/_wit.py`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from sdk.generate.contract import Contract, Door, Field, Record, Type, Verb
from sdk.generate.python import KIT, fitting
from sdk.generate.text import MADE, pascal

__all__ = ["files"]

_HEAD = f'''# {MADE}
"""The doors by the bindings of a component, which exist only inside of one."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from typing import Any

from componentize_py_types import Err  # type: ignore[import-not-found]

from omnicore_sdk._core import DoorError, Wire

__all__ = ["answer"]


class _Missing:
    """A door that the component does not import."""

    def __init__(self, door: str) -> None:
        self._door = door

    def __getattr__(self, name: str) -> Any:
        fact = f"the component was built without {{self._door}}"
        raise DoorError("unavailable", fact, f"write `from omnicore_sdk import {{self._door}}`", self._door)


def _bindings(door: str) -> Any:
    try:
        return importlib.import_module(f"wit_world.imports.{{door}}")
    except ModuleNotFoundError:
        return _Missing(door)


DOORS


def answer(function: str, request: Wire) -> Wire:
    """Asks the host. Raises: DoorError."""
    known = _FUNCTIONS.get(function)
    try:
        return known(request) if known else _of_application(function, request)
    except Err as error:
        said = error.value
        raise DoorError(said.code, said.message, said.remedy, said.capability, said.resource, said.limit) from None


def _of_application(function: str, request: Wire) -> Wire:
    reply: Wire = json.loads(_application.call(function, _to_json(request)))
    return reply


def _to_choice(choices: Any, value: Any) -> Any:
    found = choices.__members__.get(str(value).upper())
    if found is None:
        raise DoorError("malformed-request", f"{{value!r}} is none of {{', '.join(choices.__members__).lower()}}")
    return found


def _to_blob(value: Any) -> Any:
    return _types.Blob_Text(value) if isinstance(value, str) else _types.Blob_Base64(value["base64"])


def _from_blob(value: Any) -> Any:
    return value.value if isinstance(value, _types.Blob_Text) else {{"base64": value.value}}


def _to_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _to_pairs(value: Any) -> list[tuple[str, str]]:
    return [(key, _to_json(one)) for key, one in value.items()]


def _from_pairs(value: Any) -> Wire:
    return {{key: json.loads(one) for key, one in value}}
'''


def files(contract: Contract) -> dict[str, str]:
    """The one module."""
    functions: dict[str, list[tuple[Door, Verb]]] = {}
    for door in contract.doors:
        for verb in door.verbs:
            functions.setdefault(verb.function, []).append((door, verb))
    names = sorted(["application", "types", *(door.name for door in contract.doors)])
    head = _HEAD.replace("DOORS", "\n".join(f'_{name} = _bindings("{name}")' for name in names))
    parts = [head.rstrip("\n"), *_records(contract)]
    parts += [_function(door, verb) for found in functions.values() for door, verb in found]
    parts += [_either(name, found) for name, found in functions.items() if len(found) > 1]
    parts.append("_FUNCTIONS: dict[str, Callable[[Wire], Wire]] = {\n" + _table(functions) + "\n}")
    return {f"{KIT}/omnicore_sdk/_wit.py": "\n\n\n".join(parts) + "\n"}


def _table(functions: Mapping[str, list[tuple[Door, Verb]]]) -> str:
    return "\n".join(
        f'    "{name}": {_name(*found[0]) if len(found) == 1 else f"_{name}"},' for name, found in functions.items()
    )


def _name(door: Door, verb: Verb) -> str:
    return f"_{door.name}_{verb.name}"


def _either(name: str, found: Iterable[tuple[Door, Verb]]) -> str:
    """One function for two verbs: the one whose required fields are all there, the longest list of them first."""
    ordered = sorted(found, key=lambda one: -len(one[1].request))
    lines = [f"def _{name}(request: Wire) -> Wire:"]
    for door, verb in ordered:
        fields = " and ".join(f'"{field.name}" in request' for field in verb.request if not field.optional)
        lines += (
            [f"    if {fields}:", f"        return {_name(door, verb)}(request)"]
            if fields
            else [f"    return {_name(door, verb)}(request)"]
        )
    return "\n".join(lines)


def _function(door: Door, verb: Verb) -> str:
    arguments = [_to(door, field.type, f'request["{field.name}"]', _absent(field)) for field in verb.request]
    call = f"_{door.name}.{verb.name}("
    lines = [f"def {_name(door, verb)}(request: Wire) -> Wire:"]
    if not verb.reply:
        return "\n".join([*lines, fitting(call, arguments, ")", "    "), "    return {}"])
    lines.append(fitting(f"reply = {call}", arguments, ")", "    "))
    if verb.record and verb.maybe:
        nothing = ", ".join(f'"{field.name}": None' for field in verb.reply)
        lines += ["    if reply is None:", f"        return {{{nothing}}}"]
    if verb.record:
        return "\n".join([*lines, f"    return {_reader(door, verb.record)}(reply)"])
    (field,) = verb.reply
    return "\n".join([*lines, f'    return {{"{field.name}": {_from(door, field, "reply")}}}'])


def _absent(field: Field) -> str | None:
    """The condition under which a field of a request is none."""
    if field.optional:
        return f'request.get("{field.name}") is None'
    return f'request["{field.name}"] is None' if field.null else None


def _to(door: Door, kind: Type, value: str, absent: str | None = None) -> str:
    plain = _to_plain(door, kind, value)
    if absent is None:
        return plain
    if plain == value:
        return value.replace("[", ".get(", 1)[:-1] + ")" if ".get(" in absent else value
    return f"None if {absent} else {plain}"


def _to_plain(door: Door, kind: Type, value: str) -> str:
    if kind.kind == "list" and kind.item:
        inner = _to_plain(door, kind.item, "one")
        return value if inner == "one" else f"[{inner} for one in {value}]"
    if kind.kind == "map" and kind.item:
        return f"_to_pairs({value})" if kind.item.kind == "json" else f"list({value}.items())"
    shapes = {
        "bytes": f"_to_blob({value})",
        "json": f"_to_json({value})",
        "number": f"float({value})",
        "enum": f"_to_choice(_{door.name}.{pascal(kind.name)}, {value})",
        "record": f"_{door.name}_to_{kind.name}({value})",
    }
    return shapes.get(kind.kind, value)


def _from(door: Door, field: Field, value: str) -> str:
    plain = _from_plain(door, field.type, value)
    return f"None if {value} is None else {plain}" if field.null and plain != value else plain


def _from_plain(door: Door, kind: Type, value: str) -> str:
    if kind.kind == "list" and kind.item:
        inner = _from_plain(door, kind.item, "one")
        return value if inner == "one" else f"[{inner} for one in {value}]"
    if kind.kind == "map" and kind.item:
        return f"_from_pairs({value})" if kind.item.kind == "json" else f"dict({value})"
    shapes = {
        "bytes": f"_from_blob({value})",
        "json": f"json.loads({value})",
        "enum": f"{value}.name.lower()",
        "record": f"_{door.name}_from_{kind.name}({value})",
    }
    return shapes.get(kind.kind, value)


def _records(contract: Contract) -> Iterator[str]:
    for door in contract.doors:
        for record in door.records:
            if _held(record.name, (field for verb in door.verbs for field in verb.request)):
                yield _to_record(door, record)
            else:
                yield _from_record(door, record)


def _held(name: str, fields: Iterable[Field]) -> bool:
    return any(name in (field.type.name, field.type.item.name if field.type.item else "") for field in fields)


def _reader(door: Door, record: Record) -> str:
    return f"_{door.name}_from_{record.name}"


def _from_record(door: Door, record: Record) -> str:
    pairs = [f'"{field.name}": {_from(door, field, f"value.{field.name}")}' for field in record.fields]
    body = fitting("return {", pairs, "}", "    ")
    return f"def {_reader(door, record)}(value: Any) -> Wire:\n{body}"


def _to_record(door: Door, record: Record) -> str:
    fields = [f"{one.name}={_to_field(door, one)}" for one in record.fields]
    body = fitting(f"return _{door.name}.{pascal(record.name)}(", fields, ")", "    ")
    return f"def _{door.name}_to_{record.name}(request: Wire) -> Any:\n{body}"


def _to_field(door: Door, field: Field) -> str:
    return _to(door, field.type, f'request["{field.name}"]', _absent(field))
