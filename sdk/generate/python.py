"""The nouns of the kit for Python: `sdk/python/omnicore_sdk/<noun>.py`."""

from __future__ import annotations

import keyword
import re
import textwrap
from collections.abc import Iterable, Iterator

from sdk.generate.contract import Contract, Door, Enum, Field, Record, Type, Verb
from sdk.generate.text import MADE, pascal

__all__ = ["KIT", "application", "files", "fitting"]

KIT = "sdk/python"
_WIDTH = 120
_PLAIN = {"text": "str", "bytes": "bytes", "integer": "int", "number": "float", "boolean": "bool", "json": "Any"}


def files(contract: Contract) -> dict[str, str]:
    """One module for each door."""
    return {f"{KIT}/omnicore_sdk/{door.name}.py": _module(door) for door in contract.doors}


def application(doors: tuple[Door, ...], made: str) -> dict[str, str]:
    """A module for each door of an application, and one of its fake. Both use the package `omnicore_sdk`."""
    found = {f"{door.name}.py": _of_application(_module(door, made)) for door in doors}
    return found | {f"{door.name}_fake.py": _fake(door, made) for door in doors}


def _of_application(text: str) -> str:
    imports = "from omnicore_sdk import _core"
    return text.replace(imports, f"{imports}\nfrom omnicore_sdk import application as _application", 1).replace(
        "_core.call(", "_application.call("
    )


def _id(name: str) -> str:
    return f"{name}_" if keyword.iskeyword(name) else name


def _argument(name: str) -> str:
    return f"{name}_" if name in ("reply", "request") else _id(name)


def fitting(head: str, parts: Iterable[str], tail: str, indent: str = "") -> str:
    """A call or signature on one line, or with a line for each part where it is too long."""
    parts = list(parts)
    line = f"{indent}{head}{', '.join(parts)}{tail}"
    if len(line) <= _WIDTH or not parts:
        return line
    inner = ", ".join(part for part in parts)
    if len(inner) + len(indent) + 4 <= _WIDTH and parts[-1].startswith("**"):
        return f"{indent}{head}\n{indent}    {inner}\n{indent}{tail}"
    return "\n".join([f"{indent}{head}", *(f"{indent}    {part}," for part in parts), f"{indent}{tail}"])


def _module(door: Door, made: str = MADE) -> str:
    parts = [_head(door, made), *(_enum(one) for one in door.enums)]
    parts += [_record(one) for one in door.records]
    parts += [_reader(one) for one in door.records if one in _read(door)]
    parts += [_writer(one) for one in door.records if one in _written(door)]
    parts += [_verb(verb) for verb in door.verbs]
    parts += [_level(value) for value in door.enums[0].values] if door.name == "log" else []
    return "\n\n\n".join(parts) + "\n"


def _head(door: Door, made: str) -> str:
    body = "\n".join(_uses(door))
    names = sorted(
        [pascal(one.name) for one in door.enums]
        + [pascal(one.name) for one in door.records]
        + [_id(verb.name) for verb in door.verbs]
        + (list(door.enums[0].values) if door.name == "log" else []),
    )
    listed = fitting("__all__ = [", [f'"{name}"' for name in names], "]")
    return f'# {made}\n"""{_sentence(door.purpose)}."""\n\nfrom __future__ import annotations\n\n{body}\n\n{listed}'


def _uses(door: Door) -> Iterator[str]:
    fields = [*_all_fields(door)]
    kinds = {kind.kind for field in fields for kind in _nested(field.type)}
    abstract = {"list": "Sequence", "map": "Mapping"}
    found = sorted(abstract[kind] for kind in kinds & {"list", "map"})
    if found:
        yield f"from collections.abc import {', '.join(found)}"
    if door.records:
        yield "from dataclasses import dataclass"
    typing = (["Any"] if "json" in kinds or door.name == "log" else []) + (["Literal"] if door.enums else [])
    if typing:
        yield f"from typing import {', '.join(typing)}"
    if found or door.records or typing:
        yield ""
    yield "from omnicore_sdk import _core"


def _all_fields(door: Door) -> Iterator[Field]:
    for verb in door.verbs:
        yield from (*verb.request, *verb.reply)
    for record in door.records:
        yield from record.fields


def _nested(kind: Type) -> Iterator[Type]:
    yield kind
    if kind.item:
        yield from _nested(kind.item)


def _records_in(fields: Iterable[Field], door: Door) -> Iterator[Record]:
    named = {one.name: one for one in door.records}
    for field in fields:
        for kind in _nested(field.type):
            if kind.kind == "record":
                yield named[kind.name]
                yield from _records_in(named[kind.name].fields, door)


def _read(door: Door) -> list[Record]:
    found = [verb.record for verb in door.verbs if verb.record]
    return found + list(_records_in((field for verb in door.verbs for field in verb.reply), door))


def _written(door: Door) -> list[Record]:
    return list(_records_in((field for verb in door.verbs for field in verb.request), door))


def _enum(one: Enum) -> str:
    values = fitting(f"{pascal(one.name)} = Literal[", [f'"{value}"' for value in one.values], "]")
    return f'{values}\n"""{_sentence(one.doc)}"""'


def _record(one: Record) -> str:
    lines = ["@dataclass(frozen=True, slots=True)", f"class {pascal(one.name)}:", f'    """{_sentence(one.doc)}"""', ""]
    for field in sorted(one.fields, key=lambda field: field.optional):
        default = " = None" if field.optional else ""
        lines += [f"    {_id(field.name)}: {_field_type(field)}{default}", f'    """{_sentence(field.doc)}."""']
    return "\n".join(lines)


def _field_type(field: Field) -> str:
    null = (field.null or field.optional) and field.type.kind != "json"
    return _type(field.type) + (" | None" if null else "")


def _type(kind: Type, *, given: bool = False) -> str:
    if kind.kind == "list" and kind.item:
        return f"Sequence[{_type(kind.item)}]"
    if kind.kind == "map" and kind.item:
        return f"Mapping[str, {_type(kind.item)}]"
    if kind.kind == "bytes" and given:
        return "bytes | str"
    return _PLAIN.get(kind.kind) or pascal(kind.name)


def _reader(one: Record) -> str:
    fields = [f"{_id(field.name)}={_read_value(field)}" for field in one.fields]
    body = fitting(f"return {pascal(one.name)}(", fields, ")", "    ")
    return f"def _read_{one.name}(reply: _core.Wire) -> {pascal(one.name)}:\n{body}"


def _read_value(field: Field) -> str:
    value = f'reply.get("{field.name}")' if field.optional else _item(field)
    plain = _from_wire(field.type, value)
    return f"None if {value} is None else {plain}" if plain != value and (field.null or field.optional) else plain


def _item(field: Field) -> str:
    return f'reply["{field.name}"]'


def _from_wire(kind: Type, value: str) -> str:
    if kind.kind == "bytes":
        return f"_core.to_bytes({value})"
    if kind.kind == "record":
        return f"_read_{kind.name}({value})"
    if kind.item and kind.item.kind in ("bytes", "record"):
        return f"[{_from_wire(kind.item, 'one')} for one in {value}]"
    return value


def _writer(one: Record) -> str:
    pairs = [_pair(field, f"value.{_id(field.name)}") for field in one.fields if not field.optional]
    optional = [_keyword(field, f"value.{_id(field.name)}") for field in one.fields if field.optional]
    pairs += [f"**_core.present({', '.join(optional)})"] if optional else []
    body = fitting("return {", pairs, "}", "    ")
    return f"def _write_{one.name}(value: {pascal(one.name)}) -> _core.Wire:\n{body}"


def _to_wire(kind: Type, value: str) -> str:
    if kind.kind == "bytes":
        return f"_core.to_wire({value})"
    if kind.kind == "record":
        return f"_write_{kind.name}({value})"
    if kind.kind == "list" and kind.item:
        inner = _to_wire(kind.item, "one")
        return f"[{inner} for one in {value}]" if inner != "one" else f"[*{value}]"  # a noun may have a `list`
    return f"{{**{value}}}" if kind.kind == "map" else value


def _pair(field: Field, value: str) -> str:
    return f'"{field.name}": {_given(field, value) if field.null else _to_wire(field.type, value)}'


def _keyword(field: Field, value: str) -> str:
    given = _given(field, value)
    return f'**{{"{field.name}": {given}}}' if keyword.iskeyword(field.name) else f"{field.name}={given}"


def _given(field: Field, value: str) -> str:
    """The wire's form of an optional value, None where it was left out."""
    plain = _to_wire(field.type, value)
    return plain if plain == value else f"None if {value} is None else {plain}"


def _verb(verb: Verb) -> str:
    required = [field for field in verb.request if not field.optional]
    optional = [field for field in verb.request if field.optional]
    parameters = [f"{_argument(field.name)}: {_taken(field)}" for field in required]
    parameters += ["*"] if optional else []
    parameters += [f"{_argument(field.name)}: {_taken(field)} = None" for field in optional]
    lines = [fitting(f"def {_id(verb.name)}(", parameters, f") -> {_returns(verb)}:"), *_verb_doc(verb)]
    pairs = [_pair(field, _argument(field.name)) for field in required]
    asked = [_keyword(field, _argument(field.name)) for field in optional]
    request = fitting("request: _core.Wire = {", pairs, "}", "    ")
    if asked:
        request = fitting("request = _core.present(", asked, ")", "    ")
        if pairs:
            request += "\n" + fitting("request |= {", pairs, "}", "    ")
    if not verb.request:
        return "\n".join([*lines, *_answered(verb, f'_core.call("{verb.function}", {{}})')])
    return "\n".join([*lines, request, *_answered(verb, f'_core.call("{verb.function}", request)')])


def _taken(field: Field) -> str:
    null = (field.null or field.optional) and field.type.kind != "json"
    return _type(field.type, given=True) + (" | None" if null else "")


def _returns(verb: Verb) -> str:
    if verb.record:
        return pascal(verb.record.name) + (" | None" if verb.maybe else "")
    return _field_type(verb.reply[0]) if verb.reply else "None"


def _answered(verb: Verb, call: str) -> Iterator[str]:
    if verb.record:
        if not verb.maybe:
            yield f"    return _read_{verb.record.name}({call})"
            return
        yield f"    reply = {call}"
        yield "    if all(value is None for value in reply.values()):"
        yield "        return None"
        yield f"    return _read_{verb.record.name}(reply)"
    elif verb.reply:
        (field,) = verb.reply
        read = _read_value(field)
        local = f"{field.name}_" if any(one.name == field.name for one in verb.request) else field.name
        yield f"    reply = {call}"
        if read == _item(field):
            yield f"    {local}: {_field_type(field)} = {read}"
            yield f"    return {local}"
        else:
            yield f"    return {read}"
    else:
        yield f"    {call}"


def _verb_doc(verb: Verb) -> Iterator[str]:
    yield f'    """{_sentence(verb.doc)}'
    yield ""
    if verb.request:
        yield "    Args:"
        for field in verb.request:
            yield textwrap.fill(
                f"{_argument(field.name)}: {_python(field.doc)}.",
                _WIDTH - 10,
                initial_indent=" " * 8,
                subsequent_indent=" " * 12,
            )
        yield ""
    if len(verb.reply) == 1 and "returns" not in verb.doc:
        yield f"    Returns: {_python(verb.reply[0].doc)}."
    yield "    Raises: DoorError: the door refused or failed."
    yield '    """'


def _fake(door: Door, made: str) -> str:
    """A class whose functions a test overrides, and the way from requests to it."""
    fields = [field for verb in door.verbs for field in (*verb.request, *verb.reply)]
    kinds = [kind for field in fields for kind in _nested(field.type)]
    asked, told = (dict.fromkeys(_records_in(found, door)) for found in _sides(door))
    abstract = sorted({"list": "Sequence", "map": "Mapping"}[kind] for kind in {one.kind for one in kinds} & _ABSTRACT)
    names = sorted({pascal(one.name) for one in (*kinds, *asked, *told) if one.name})
    name = f"{pascal(door.name)}Fake"
    head = [
        f"# {made}",
        f'"""A fake of the door `{door.name}`, for tests."""',
        "",
        "from __future__ import annotations",
        "",
    ]
    head += [f"from collections.abc import {', '.join(abstract)}"] if abstract else []
    head += ["from typing import Any"] if any(one.kind == "json" for one in kinds) else []
    head += [""] if len(head) > 5 else []
    head += [f"from omnicore_sdk import _core\nfrom omnicore_sdk.testing import FakeHost{_imported(door, names)}", ""]
    head += [f'__all__ = ["{name}", "answer"]']
    parts = ["\n".join(head), _fake_class(door, name), _fake_answer(door, name)]
    return "\n\n\n".join([*parts, *map(_reader, asked), *map(_writer, told)]) + "\n"


_ABSTRACT = {"list", "map"}


def _sides(door: Door) -> tuple[list[Field], list[Field]]:
    """The fields of all requests, and those of all replies."""
    requests = [field for verb in door.verbs for field in verb.request]
    return requests, [field for verb in door.verbs for field in verb.reply]


def _imported(door: Door, names: list[str]) -> str:
    line = f"\nfrom {door.name} import {', '.join(names)}"
    return (line if len(line) <= _WIDTH else "\n" + fitting(f"from {door.name} import (", names, ")")) if names else ""


def _fake_class(door: Door, name: str) -> str:
    lines = [
        f"class {name}:",
        f'    """What `{door.name}` answers in a test: override what the plugin calls. Any other fails it."""',
    ]
    for verb in door.verbs:
        required = [field for field in verb.request if not field.optional]
        optional = [field for field in verb.request if field.optional]
        parameters = ["self", *(f"{_argument(field.name)}: {_field_type(field)}" for field in required)]
        parameters += ["*"] if optional else []
        parameters += [f"{_argument(field.name)}: {_field_type(field)} = None" for field in optional]
        lines += [
            "",
            fitting(f"def {_id(verb.name)}(", parameters, f") -> {_returns(verb)}:", "    "),
            f'        """{_sentence(verb.doc)}"""',
            f'        raise AssertionError("the test does not say what {door.name}.{verb.name} answers")',
        ]
    return "\n".join(lines)


def _fake_answer(door: Door, name: str) -> str:
    lines = [
        f"def answer(host: FakeHost, door: {name}) -> None:",
        '    """Makes the host of a test answer with a fake."""',
    ]
    for verb in door.verbs:
        required = [field for field in verb.request if not field.optional]
        optional = [field for field in verb.request if field.optional]
        given = [_read_value(field).replace("reply", "request") for field in required]
        given += [f"{_argument(one.name)}={_read_value(one).replace('reply', 'request')}" for one in optional]
        call = fitting(f"door.{_id(verb.name)}(", given, ")", "        ").lstrip()
        lines += ["", f"    def _{verb.name}(request: _core.Wire) -> _core.Wire:"]
        if verb.reply:
            value = (_given if verb.reply[0].null else _told)(verb.reply[0], "value")
            lines += [f"        value = {call}", f'        return {{"{verb.reply[0].name}": {value}}}']
        else:
            lines += [f"        {call}", "        return {}"]
    lines += ["", *(f'    host.answer_with("{verb.function}", _{verb.name})' for verb in door.verbs)]
    return "\n".join(lines)


def _told(field: Field, value: str) -> str:
    return _to_wire(field.type, value)


def _level(value: str) -> str:
    return (
        f"def {value}(message: str, **fields: Any) -> None:\n"
        f'    """Writes a line that matters as much as `{value}` says; the keywords are facts about it."""\n'
        f'    write("{value}", message, fields=fields or None)'
    )


def _sentence(text: str) -> str:
    text = _python(text)
    return text[:1].upper() + text[1:]


def _python(text: str) -> str:
    """A description in the words of the language."""
    text = text.replace("\\", "\\\\").replace('"' * 3, "'" * 3)
    return re.sub(r"\bnull\b", "None", text)
