"""The doors in Go: a package for each noun, their imports, and the dispatch of the conformance plugin."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from sdk.generate.contract import Contract, Door, Enum, Field, Record, Type, Verb
from sdk.generate.text import MADE, camel, wrapped

__all__ = ["files"]

_ROOT = "sdk/go"
_HEAD = f"// {MADE}\n// Code generated from specs/doors. DO NOT EDIT.\n"  # the words by which Go's tools know it
_INITIALS = {"Id": "ID", "Ids": "IDs", "Url": "URL", "Ttl": "TTL", "Cas": "CAS", "S": "Seconds"} | {
    "Http": "HTTP",
    "Kv": "KV",
}
_PLAIN = {"text": "string", "bytes": "door.Bytes", "integer": "int64", "number": "float64", "boolean": "bool"}


def files(contract: Contract) -> dict[str, str]:
    """All made files of the kit, by their path."""
    doors = contract.doors
    return {
        **{f"{_ROOT}/{door.name}/{door.name}.go": _noun(door) for door in doors},
        f"{_ROOT}/door/imports_wasip1.go": _imports(doors),
        f"{_ROOT}/door/imports_native.go": _native(doors),
        f"{_ROOT}/conformance/dispatch.go": _dispatch(doors),
    }


def _name(text: str) -> str:
    """`ttl_s` as `TTLSeconds`, as Go writes it."""
    parts = [part.capitalize() for part in text.split("_")]
    return "".join(_INITIALS.get(part, part) for part in parts)


def _argument(text: str) -> str:
    return camel(text)


def _type(kind: Type, package: str = "") -> str:
    """A type as records and requests have it, seen from another package when `package` is named."""
    if kind.kind == "list" and kind.item:
        return f"[]{_type(kind.item, package)}"
    if kind.kind == "map" and kind.item:
        return "map[string]" + ("any" if kind.item.kind == "json" else _type(kind.item, package))
    if kind.name:
        return f"{package}{_name(kind.name)}"
    return _PLAIN.get(kind.kind, "door.Value")


def _field_type(field: Field, package: str = "") -> str:
    """The same for a field: what may be null, and a number or truth that may be left out, is a pointer."""
    scalar = field.type.kind in ("integer", "number", "boolean")
    pointer = (field.null and field.type.kind != "json") or (field.optional and scalar)
    return ("*" if pointer else "") + _type(field.type, package)


def _given(field: Field) -> str:
    """The type of an argument: any value for JSON, plain bytes for bytes."""
    if field.type.kind in ("json", "bytes"):
        return "any" if field.type.kind == "json" else "[]byte"
    return _field_type(field)


def _tag(field: Field) -> str:
    return f'`json:"{field.name}{",omitempty" if field.optional else ""}"`'


def _aligned(rows: Iterable[Sequence[str]], start: str) -> str:
    """Rows of a struct in columns, as gofmt wants them."""
    cells = [list(row) for row in rows]
    widths = [max((len(row[i]) for row in cells if len(row) > i + 1), default=0) for i in range(2)]
    for row in cells:
        for i in range(len(row) - 1):
            row[i] = row[i].ljust(widths[i])
    return "".join(f"{start}{' '.join(row)}\n" for row in cells)


def _documented(fields: Iterable[Field], start: str = "\t") -> str:
    """Fields of a public struct, each under its comment, which also ends a column for gofmt."""
    parts = []
    for field in fields:
        kind = "any" if field.optional and field.type.kind == "json" else _field_type(field)
        parts.append(f"{wrapped(field.doc, f'{start}// ')}\n{start}{_name(field.name)} {kind} {_tag(field)}\n")
    return "".join(parts)


def _noun(door: Door) -> str:
    parts = [
        f"{_HEAD}\n// Package {door.name}: {door.purpose.lower()}.\npackage {door.name}\n",
        'import "omnicore/sdk/door"\n',
        *map(_enum, door.enums),
        *map(_record, door.records),
        *(part for verb in door.verbs for part in _verb(door, verb)),
    ]
    return "\n".join(parts)


def _enum(enum: Enum) -> str:
    name = _name(enum.name)
    rows = [(f"{name}{_name(value)}", name, f'= "{value}"') for value in enum.values]
    return (
        f"// {name}: {enum.doc}\ntype {name} string\n\n// {name} is one of these.\nconst (\n{_aligned(rows, chr(9))})\n"
    )


def _record(record: Record) -> str:
    return (
        f"{wrapped(f'{_name(record.name)}: {record.doc}', '// ')}\n"
        f"type {_name(record.name)} struct {{\n{_documented(record.fields)}}}\n"
    )


def _verb(door: Door, verb: Verb) -> Iterator[str]:
    name = _name(verb.name)
    needed = [field for field in verb.request if not field.optional]
    optional = [field for field in verb.request if field.optional]
    if optional:
        yield (
            f"// {name}Options is what may be left out of {name}.\n"
            f"type {name}Options struct {{\n{_documented(optional)}}}\n"
        )
    arguments = [f"{_argument(field.name)} {_given(field)}" for field in needed]
    arguments += [f"options *{name}Options"] * bool(optional)
    rows: list[tuple[str, ...]] = [(_name(field.name), _given_field(field), _tag(field)) for field in needed]
    values = [_argument(field.name) for field in needed]
    if optional:
        rows.append((f"*{name}Options",))
        values.append("options")
    request = "struct{}{}"
    if rows:
        request = f"struct {{\n{_aligned(rows, chr(9) * 2)}\t}}{{{', '.join(values)}}}"
    result, body = _reply(door, verb)
    yield (
        f"{wrapped(f'{name}: {verb.doc}', '// ')}\nfunc {name}({', '.join(arguments)}) {result} {{\n"
        f"\trequest := {request}\n{body}}}\n"
    )


def _given_field(field: Field) -> str:
    return "any" if field.type.kind == "json" else _field_type(field)


def _reply(door: Door, verb: Verb) -> tuple[str, str]:
    """What a function returns, and the lines that make it."""
    asked = f"(door.{_import(door, verb)}, request)"
    if verb.record:
        name = _name(verb.record.name)
        if verb.maybe:
            return f"(*{name}, error)", f"\treturn door.CallMaybe[{name}]{asked}\n"
        return f"({name}, error)", f"\treturn door.Call[{name}]{asked}\n"
    if not verb.reply:
        return "error", f"\t_, err := door.Call[struct{{}}]{asked}\n\treturn err\n"
    field = verb.reply[0]
    shape = f"struct {{\n\t\t{_name(field.name)} {_field_type(field)} {_tag(field)}\n\t}}"
    return (
        f"({_field_type(field)}, error)",
        f"\treply, err := door.Call[{shape}]{asked}\n\treturn reply.{_name(field.name)}, err\n",
    )


def _import(door: Door, verb: Verb) -> str:
    return f"{_name(door.name)}{_name(verb.name)}"


def _verbs(doors: Iterable[Door]) -> list[tuple[Door, Verb]]:
    return [(door, verb) for door in doors for verb in door.verbs]


def _imports(doors: Iterable[Door]) -> str:
    functions = dict.fromkeys(verb.function for _, verb in _verbs(doors))
    imports = [
        f"//go:wasmimport extism:host/user {name}\nfunc {camel(name)}(request uint64) uint64\n" for name in functions
    ]
    rows = [
        (_import(*each), f'= Verb{{"{each[0].name}.{each[1].name}", {camel(each[1].function)}}}')
        for each in _verbs(doors)
    ]
    return "\n".join([f"{_HEAD}\npackage door\n", *imports, _variables(rows)])


def _native(doors: Iterable[Door]) -> str:
    rows = [(_import(*each), f'= Verb{{Name: "{each[0].name}.{each[1].name}"}}') for each in _verbs(doors)]
    return "\n".join([f"{_HEAD}\n//go:build !wasip1\n\npackage door\n", _variables(rows)])


def _variables(rows: Sequence[tuple[str, str]]) -> str:
    return f"// One for each verb; the linker drops those that are not used.\nvar (\n{_aligned(rows, chr(9))})\n"


def _dispatch(doors: Sequence[Door]) -> str:
    imports = "".join(f'\t"omnicore/sdk/{name}"\n' for name in sorted(["door", *(door.name for door in doors)]))
    cases = "".join(_case(*each) for each in _verbs(doors))
    return (
        f'{_HEAD}\npackage main\n\nimport (\n\t"fmt"\n\n{imports})\n\n'
        "func dispatch(verb string, request door.Value) (any, error) {\n\tswitch verb {\n"
        f'{cases}\t}}\n\treturn nil, fmt.Errorf("there is no verb %s", verb)\n}}\n'
    )


def _case(door: Door, verb: Verb) -> str:
    package = f"{door.name}."
    needed = [field for field in verb.request if not field.optional]
    values = [f"in.{_name(field.name)}" for field in needed]
    rows: list[tuple[str, ...]] = [(_name(field.name), _field_type(field, package), _tag(field)) for field in needed]
    if len(needed) < len(verb.request):
        rows.append((f"{package}{_name(verb.name)}Options",))
        values.append(f"&in.{_name(verb.name)}Options")
    shape = f"struct {{\n{_aligned(rows, chr(9) * 3)}\t\t}}" if rows else "struct{}"
    call = f"{package}{_name(verb.name)}({', '.join(values)})"
    if verb.maybe:
        names = "".join(f', "{field.name}"' for field in verb.reply)
        lines = f"\t\t\treply, err := {call}\n\t\t\treturn whole(reply{names}), err\n"
    elif verb.record:
        lines = f"\t\t\treturn {call}\n"
    elif not verb.reply:
        lines = f"\t\t\treturn struct{{}}{{}}, {call}\n"
    else:
        field = verb.reply[0].name
        lines = f'\t\t\treply, err := {call}\n\t\t\treturn map[string]any{{"{field}": reply}}, err\n'
    argument = f"in {shape}" if rows else f"_ {shape}"
    head = f'\tcase "{door.name}.{verb.name}":\n\t\treturn with(request, func({argument}) (any, error) {{\n'
    return f"{head}{lines}\t\t}})\n"
