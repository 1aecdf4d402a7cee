"""The WIT package of the doors, and the table by which the component engine converts their values."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from sdk.generate.contract import Contract, Door, Field, Type, Verb
from sdk.generate.text import MADE, kebab, wrapped

__all__ = ["application", "files"]

VERSION = "1.0.0"
_FOLDER = f"specs/wit/omnicore-{VERSION}"
_TABLE = "host/omnicore/sandbox/component/doors.json"
_PLAIN = {
    "text": "string",
    "bytes": "blob",
    "integer": "s64",
    "number": "f64",
    "boolean": "bool",
    "json": "json",
}
_KEYWORDS = frozenset(
    (
        *("as", "async", "bool", "borrow", "char", "constructor", "enum", "export", "f32", "f64", "flags", "from"),
        *("func", "future", "import", "include", "interface", "list", "map", "option", "own", "package", "record"),
        *("resource", "result", "s16", "s32", "s64", "s8", "static", "stream", "string", "tuple", "type", "u16"),
        *("u32", "u64", "u8", "use", "variant", "with", "world"),
    )
)
_TYPES = f"""// {MADE}
package omnicore:plugin@{VERSION};

/// What several doors speak of.
interface types {{
    /// A JSON text, such as `{{"name": "Ada"}}`.
    type json = string;

    /// Bytes: as they are where they are UTF-8, else in standard base64 with padding.
    variant blob {{
        text(string),
        base64(string),
    }}

    /// What a door answers when it refuses or fails. Codes you do not know are failures.
{{codes}}
    record door-error {{
{{error}}
    }}
}}
"""


_APPLICATION = f"""// {MADE}

/// The functions of an application that embeds the host. They are asked for and granted as doors are.
interface application {{
    use types.{{door-error, json}};

    /// Calls one, and returns the reply: an object with the result as `value`, where there is one.
    ///
    /// - `function`: the name by which core modules import it, such as `orders_get_order_v1`
    /// - `request`: an object with a field for each parameter
    call: func(function: string, request: json) -> result<json, door-error>;
}}
"""


def files(contract: Contract) -> dict[str, str]:
    """One file for each door, the shared types, the world, and the engine's table.

    Only one of them names the package: its readers take what stands before `package` for its documentation, and
    refuse a second one.
    """
    found = {f"{_FOLDER}/{door.name}.wit": _door(door) for door in contract.doors}
    found[f"{_FOLDER}/application.wit"] = _APPLICATION
    found[f"{_FOLDER}/types.wit"] = _types(contract)
    found[f"{_FOLDER}/world.wit"] = _world(contract)
    found[_TABLE] = json.dumps(_table(contract), indent=1) + "\n"
    return found


_SPELLED = re.compile(r"[a-z][a-z0-9]*(-[a-z][a-z0-9]*)*")
_VERSIONED = re.compile(r".+_v[1-9][0-9]{0,8}")
_PACKAGE = """/// The doors of the application. A plugin's own world says `include omnicore:application/imports@1.0.0;`.
package omnicore:application@1.0.0;
"""
_JSON = """    /// Any JSON value, as its text.
    variant json {
        json(string),
    }"""


def application(doors: tuple[Door, ...], made: str) -> dict[str, str]:
    """One file with an interface for each door of an application, for the folder `wit/deps` of a component."""
    spelled = [_spelled(door) for door in doors if _can(door.name)]
    here = {verb.function for door in spelled for verb in door.verbs}
    left = [verb.function for door in doors for verb in door.verbs if verb.function not in here]
    note = (
        f"// Not here, for their names; `omnicore:plugin/application` calls them: {', '.join(left)}\n" if left else ""
    )
    parts = [f"// {made}\n{note}\n{_PACKAGE}", *map(_of_application, spelled)]
    imports = "".join(f"    import {_name(door.name)};\n" for door in spelled)
    return {"application.wit": "\n".join([*parts, f"/// All of them.\nworld imports {{\n{imports}}}\n"])}


def _reached(door: Door, verb: Verb) -> bool:
    """True where a component's import leads to the function: the first version of `send_v2` has the name of another."""
    return verb.function == f"{door.name}_{verb.name}" + ("" if _VERSIONED.fullmatch(verb.name) else "_v1")


def _can(name: str) -> bool:
    return _SPELLED.fullmatch(kebab(name)) is not None


def _spelled(door: Door) -> Door:
    """A door as WIT can spell it: functions whose names it cannot have are left out, and such types are JSON.

    A field that is always there and may be null is JSON as well: an option that is none is left out of a request.
    """
    bare = {one.name for one in door.records if not all(_can(field.name) for field in one.fields) or not _can(one.name)}
    bare |= {one.name for one in door.enums if not all(map(_can, (one.name, *one.values)))}

    def kind(one: Type) -> Type:
        if one.item is not None:
            return replace(one, item=kind(one.item))
        return Type("json") if one.name in bare else Type("integer") if one.kind == "signed" else one

    def field(one: Field) -> Field:
        needed = one.null and not one.optional
        return replace(one, type=Type("json") if needed else kind(one.type), null=one.null and not needed)

    return replace(
        door,
        enums=tuple(one for one in door.enums if one.name not in bare),
        records=tuple(
            replace(one, fields=tuple(map(field, one.fields))) for one in door.records if one.name not in bare
        ),
        verbs=tuple(
            replace(
                verb,
                request=tuple(map(field, verb.request)),
                reply=tuple(replace(one, type=kind(one.type)) for one in verb.reply),
            )
            for verb in door.verbs
            if all(_can(name) for name in (verb.name, *(one.name for one in verb.request))) and _reached(door, verb)
        ),
    )


def _of_application(door: Door) -> str:
    head = f"    use omnicore:plugin/types@{VERSION}.{{door-error}};"
    if "json" in _shared(door):
        head += f"\n\n{_JSON}"
    return _interface(door, head)


def _types(contract: Contract) -> str:
    codes = [wrapped(f"- `{code}`: {meaning}", "    /// ") for code, meaning in contract.codes.items()]
    page = _TYPES.replace("{{", "{").replace("}}", "}")
    return page.replace("{codes}", "\n".join(["    ///", *codes])).replace("{error}", _fields(contract.error))


def _world(contract: Contract) -> str:
    imports = "".join(f"    import {_name(door.name)};\n" for door in contract.doors)
    return (
        f"// {MADE}\n\n"
        "/// All doors. A plugin's own world says `include omnicore:plugin/imports@1.0.0;` and what it exports.\n"
        f"world imports {{\n{imports}}}\n"
    )


def _door(door: Door) -> str:
    shared = ", ".join(["door-error", *sorted(set(_shared(door)))])
    return f"// {MADE}\n\n{_interface(door, f'    use types.{{{shared}}};')}"


def _interface(door: Door, head: str) -> str:
    parts = [head]
    for one in door.enums:
        cases = "".join(f"        {_name(value)},\n" for value in one.values)
        parts.append(f"    /// {one.doc}\n    enum {_name(one.name)} {{\n{cases}    }}")
    for record in door.records:
        fields = _fields(record.fields)
        parts.append(f"    /// {record.doc}\n    record {_name(record.name)} {{\n{fields}\n    }}")
    parts += [_verb(verb) for verb in door.verbs]
    body = "\n\n".join(parts)
    return f"/// {door.purpose}.\ninterface {_name(door.name)} {{\n{body}\n}}\n"


def _shared(door: Door) -> Iterator[str]:
    for fields in (*(verb.request for verb in door.verbs), *(verb.reply for verb in door.verbs)):
        for field in fields:
            yield from _shared_in(field.type)
    for record in door.records:
        for field in record.fields:
            yield from _shared_in(field.type)


def _shared_in(kind: Type) -> Iterator[str]:
    if kind.kind in ("bytes", "json"):
        yield _PLAIN[kind.kind]
    if kind.item is not None:
        yield from _shared_in(kind.item)


def _fields(fields: Iterable[Field]) -> str:
    return "\n".join(f"        /// {one.doc}\n        {_name(one.name)}: {_field_type(one)}," for one in fields)


def _verb(verb: Verb) -> str:
    lines = [wrapped(verb.doc, "    /// "), "    ///"] if verb.request else [wrapped(verb.doc, "    /// ")]
    lines += [wrapped(f"- `{kebab(field.name)}`: {field.doc}", "    /// ") for field in verb.request]
    given = ", ".join(f"{_name(field.name)}: {_field_type(field)}" for field in verb.request)
    return "\n".join([*lines, f"    {_name(verb.name)}: func({given}) -> result<{_reply(verb)}, door-error>;"])


def _reply(verb: Verb) -> str:
    if not verb.reply:
        return "_"
    inner = _name(verb.record.name) if verb.record else _field_type(verb.reply[0])
    return f"option<{inner}>" if verb.maybe else inner


def _field_type(field: Field) -> str:
    inner = _type(field.type)
    return f"option<{inner}>" if field.optional or field.null else inner


def _type(kind: Type) -> str:
    if kind.item is not None:
        inner = _type(kind.item)
        return f"list<{inner}>" if kind.kind == "list" else f"list<tuple<string, {inner}>>"
    return _name(kind.name) if kind.name else _PLAIN[kind.kind]


def _name(name: str) -> str:
    name = kebab(name)
    return f"%{name}" if name in _KEYWORDS else name


def _table(contract: Contract) -> dict[str, Any]:
    doors = {door.name: {kebab(verb.name): _row(door, verb) for verb in door.verbs} for door in contract.doors}
    return {"comment": MADE, "version": VERSION, "error": [kebab(one.name) for one in contract.error], "doors": doors}


def _row(door: Door, verb: Verb) -> dict[str, Any]:
    return {
        "function": verb.function,
        "request": [
            [kebab(one.name), _row_field(door, one), "optional" if one.optional else ""] for one in verb.request
        ],
        "reply": [[kebab(one.name), _row_field(door, one)] for one in verb.reply],
        "record": verb.record is not None,
        "maybe": verb.maybe,
    }


def _row_field(door: Door, field: Field) -> Any:
    inner = _row_type(door, field.type)
    return ["option", inner] if field.optional or field.null else inner


def _row_type(door: Door, kind: Type) -> Any:
    if kind.item is not None:
        return [kind.kind, _row_type(door, kind.item)]
    if kind.kind == "enum":
        return ["enum", [kebab(value) for one in door.enums if one.name == kind.name for value in one.values]]
    if kind.kind == "record":
        record = next(one for one in door.records if one.name == kind.name)
        return ["record", [[kebab(one.name), _row_field(door, one)] for one in record.fields]]
    return _PLAIN[kind.kind]
