"""The doors in AssemblyScript: a file for each noun, and the dispatch of the conformance plugin."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from sdk.generate.contract import Contract, Door, Enum, Field, Record, Type, Verb
from sdk.generate.text import MADE, camel, pascal, words, wrapped

__all__ = ["application", "files"]

_ROOT = "sdk/assemblyscript"
_NAMES = {"delete": "remove", "function": "functionName"}  # words that the language keeps for itself
_TYPES = {"text": "string", "bytes": "Uint8Array", "integer": "i64", "number": "f64", "boolean": "bool"}
_WRITE = {"text": "Json.text", "integer": "Json.integer", "number": "Json.number", "boolean": "Json.boolean"} | {
    "bytes": "writeBytes"
}
_READ = {"text": "text", "integer": "integer", "number": "number", "boolean": "isTrue"}
_NOTHING = {"integer": "NONE", "number": "NaN", "boolean": "Flag.None"}
_WORDS = words(
    "bool break case catch class const continue debugger default delete do else enum export extends f32 f64 false "
    "finally for i16 i32 i64 i8 if implements import in instanceof interface isize let new null package private "
    "protected public return static super switch this throw true try typeof u16 u32 u64 u8 usize v128 var void while "
    "with yield"
)
_LOCAL = words("block error json made options received refusal reply request sent")  # of the functions that ask
_LISTS = {"text": "Strings", "number": "Numbers"}


def files(contract: Contract) -> dict[str, str]:
    """All made files of the kit, by their path."""
    return {
        **{f"{_ROOT}/{door.name}.ts": _noun(door) for door in contract.doors},
        f"{_ROOT}/conformance/assembly/dispatch.ts": _dispatch(contract.doors),
    }


def application(doors: tuple[Door, ...], made: str) -> dict[str, str]:
    """A file for each door of an application, for the folder `assembly` of a plugin, with the kit in `sdk`."""
    return {f"{door.name}.ts": _noun(door, made, "../sdk/") for door in doors}


def _name(text: str) -> str:
    return _NAMES.get(text, f"{text}_" if text in _WORDS else camel(text))


def _member(text: str) -> str:
    name = _name(text)
    return f"{name}_" if name in ("toJson", "write") else name  # methods of the classes


def _argument(text: str) -> str:
    name = _name(text)
    return f"{name}_" if name in _LOCAL else name


def _type(kind: Type, package: str = "") -> str:
    if kind.kind == "list" and kind.item:
        return f"{_type(kind.item, package)}[]"
    if kind.kind == "map" and kind.item:
        return "Map<string, string>" if kind.item.kind == "text" else "Json"
    if kind.kind == "record":
        return f"{package}{pascal(kind.name)}"
    return "string" if kind.kind == "enum" else _TYPES.get(kind.kind, "Json")


def _kind(field: Field) -> str:
    return "text" if field.type.kind == "enum" else field.type.kind


def _absent(field: Field) -> bool:
    """Whether a field may be without a value; a JSON value that is null has one."""
    return field.optional or (field.null and field.type.kind != "json")


def _nullable(field: Field, package: str = "") -> str:
    text = _type(field.type, package)
    if _absent(field) and _kind(field) == "boolean":  # the language's own cannot be null
        return "Flag"
    return text if _kind(field) in ("integer", "number") or not _absent(field) else f"{text} | null"


def _nothing(field: Field) -> str:
    return _NOTHING.get(_kind(field), "null")


def _is_there(field: Field, value: str) -> str:
    kind = _kind(field)
    if kind == "number":
        return f"!isNaN({value})"
    return f"{value} != {_NOTHING[kind]}" if kind in _NOTHING else f"{value} !== null"


def _write(kind: Type, value: str) -> str:
    """The expression that makes JSON of a value."""
    plain = "text" if kind.kind == "enum" else kind.kind
    if plain in _WRITE:
        return f"{_WRITE[plain]}({value})"
    if plain == "record":
        return f"{value}.toJson()"
    return _write_many(kind.item, plain, value) if kind.item else value


def _write_many(item: Type, plain: str, value: str) -> str:
    if plain == "map":
        return f"writeTexts({value})" if item.kind == "text" else value
    if item.kind in _LISTS:
        return f"write{_LISTS[item.kind]}({value})"
    return f"Json.list({value}.map<Json>((one: {_type(item)}): Json => {_write(item, 'one')}))"


def _read(kind: Type, json: str, package: str = "") -> str:
    """The expression that makes a value of JSON."""
    plain = "text" if kind.kind == "enum" else kind.kind
    if plain in _READ:
        return f"{json}.{_READ[plain]}"
    if plain == "bytes":
        return f"readBytes({json})"
    if plain == "record":
        return f"{_type(kind, package)}.from({json})"
    return _read_many(kind.item, plain, json, package) if kind.item else json


def _read_many(item: Type, plain: str, json: str, package: str) -> str:
    if plain == "map":
        return f"readTexts({json})" if item.kind == "text" else json
    if item.kind in _LISTS:
        return f"read{_LISTS[item.kind]}({json})"
    one = _type(item, package)
    return f"{json}.items.map<{one}>((one: Json): {one} => {_read(item, 'one', package)})"


def _read_field(field: Field, json: str, package: str = "") -> str:
    value = f'{json}.get("{field.name}")'
    if _kind(field) == "boolean" and _absent(field):
        return f"readFlag({value})"
    if (field.null and field.type.kind != "json") or (field.optional and _type(field.type) != "Json"):
        return f"{value}.isNull ? {_nothing(field)} : {_read(field.type, value, package)}"
    return _read(field.type, value, package)


def _set_field(field: Field, target: str, value: str, indent: str) -> str:
    """The lines that put a field into a request or object."""
    made = f'{target}.set("{field.name}", '
    if _absent(field) and _kind(field) == "boolean":
        nothing = "" if field.optional else f"{indent}else {made}Json.none());\n"
        return f"{indent}if ({value} != Flag.None) {made}Json.boolean({value} == Flag.Yes));\n{nothing}"
    if not _absent(field):
        return f"{indent}{made}{_write(field.type, value)});\n"
    absent = "" if field.optional else f"{indent}else {made}Json.none());\n"
    if _kind(field) in _NOTHING:
        return f"{indent}if ({_is_there(field, value)}) {made}{_write(field.type, value)});\n{absent}"
    local = f"{_name(field.name)}Value"  # the compiler knows of a local variable that it is not null
    there = f"{indent}const {local} = {value};\n"
    return there + f"{indent}if ({_is_there(field, local)}) {made}{_write(field.type, local)});\n{absent}"


def _doc(text: str, indent: str = "") -> str:
    line = f"{indent}/** {text} */"
    if len(line) <= 120:
        return line + "\n"
    return f"{indent}/**\n{wrapped(text, f'{indent} * ')}\n{indent} */\n"


def _default(field: Field) -> str:
    if _absent(field):
        return _nothing(field)
    kind = _kind(field)
    if field.type.kind == "list":
        return "[]"
    if field.type.kind == "record":
        return f"new {_type(field.type)}()"
    if field.type.kind == "map" and _type(field.type).startswith("Map"):
        return "new Map()"
    return {"text": '""', "bytes": "new Uint8Array(0)", "boolean": "false"}.get(
        kind, "0" if kind in ("integer", "number") else "Json.none()"
    )


def _members(fields: Iterable[Field]) -> str:
    return "".join(
        f"{_doc(_with_absence(field), '  ')}  {_member(field.name)}: {_nullable(field)} = {_default(field)};\n"
        for field in fields
    )


def _with_absence(field: Field) -> str:
    if not _absent(field) or _kind(field) not in _NOTHING:
        return field.doc
    nothing = _NOTHING[_kind(field)]
    return f"{field.doc}; {nothing} leaves it out" if field.optional else f"{field.doc} ({nothing})"


def _noun(door: Door, made: str = MADE, kit: str = "./") -> str:
    functions = dict.fromkeys(verb.function for verb in door.verbs)
    imports = "".join(
        f'@external("extism:host/user", "{name}")\ndeclare function {name}(request: u64): u64;\n' for name in functions
    )
    parts = [
        imports,
        *map(_enum, door.enums),
        *map(_record, door.records),
        *(part for verb in door.verbs for part in _verb(verb)),
    ]
    body = "\n".join(parts)
    return f"// {made}\n// {door.purpose}.\n\n{_imports(body, kit)}\n{body}"


_FROM = {
    "./bytes": ("readBytes", "writeBytes"),
    "./door": (
        *("DoorError", "Flag", "NONE", "Result", "received", "refusal", "sent"),
        *("readFlag", "readNumbers", "readStrings", "readTexts", "writeNumbers", "writeStrings", "writeTexts"),
    ),
    "./json": ("Json",),
}


def _imports(body: str, start: str = "./") -> str:
    """Imports of what a file uses."""
    lines = []
    for module, names in _FROM.items():
        used = sorted(name for name in names if re.search(rf"\b{name}\b", body))
        if used:
            lines.append(f'import {{ {", ".join(used)} }} from "{module.replace("./", start)}";\n')
    return "".join(lines)


def _enum(enum: Enum) -> str:
    values = "".join(f'  static readonly {pascal(value)}: string = "{value}";\n' for value in enum.values)
    return f"{_doc(enum.doc)}export abstract class {pascal(enum.name)} {{\n{values}}}\n"


def _record(record: Record) -> str:
    name = pascal(record.name)
    reads = "".join(f"    made.{_member(field.name)} = {_read_field(field, 'json')};\n" for field in record.fields)
    writes = "".join(_set_field(field, "json", f"this.{_member(field.name)}", "    ") for field in record.fields)
    return (
        f"{_doc(record.doc)}export class {name} {{\n{_members(record.fields)}\n"
        f"  static from(json: Json): {name} {{\n    const made = new {name}();\n{reads}    return made;\n  }}\n\n"
        f"  toJson(): Json {{\n    const json = Json.object();\n{writes}    return json;\n  }}\n}}\n"
    )


def _verb(verb: Verb) -> Iterator[str]:
    needed, optional = _split(verb)
    options = f"{pascal(_NAMES.get(verb.name, verb.name))}Options"
    if optional:
        writes = "".join(_set_field(field, "request", f"this.{_member(field.name)}", "    ") for field in optional)
        yield (
            f"{_doc(f'What may be left out of {_name(verb.name)}.')}export class {options} {{\n{_members(optional)}\n"
            f"  write(request: Json): void {{\n{writes}  }}\n}}\n"
        )
    arguments = [f"{_argument(field.name)}: {_nullable(field)}" for field in needed]
    arguments += [f"options: {options} | null = null"] * bool(optional)
    sets = "".join(_set_field(field, "request", _argument(field.name), "  ") for field in needed)
    sets += "  if (options !== null) options.write(request);\n" if optional else ""
    result, lines = _result(verb)
    yield (
        f"{_doc(verb.doc)}export function {_name(verb.name)}({', '.join(arguments)}): {result} {{\n"
        f"  const request = Json.object();\n{sets}  const block = sent(request);\n"
        f"  const reply = received({verb.function}(block), block);\n{lines}}}\n"
    )


def _split(verb: Verb) -> tuple[list[Field], list[Field]]:
    needed = [field for field in verb.request if not field.optional]
    return needed, [field for field in verb.request if field.optional]


def _result(verb: Verb) -> tuple[str, str]:
    """What a function returns, and the lines that make it of `reply`."""
    if not verb.reply:
        return "DoorError | null", "  return DoorError.in(reply);\n"
    if verb.record:
        kind = pascal(verb.record.name) + (" | null" if verb.maybe else "")
        value = f"{pascal(verb.record.name)}.from(reply)"
    else:
        kind, value = _nullable(verb.reply[0]), _read_field(verb.reply[0], "reply")
    lines = f"  const error = DoorError.in(reply);\n  if (error !== null) return refusal<{kind}>(error);\n"
    if verb.maybe:
        nothing = " && ".join(f'reply.get("{field.name}").isNull' for field in verb.reply)
        lines += f"  if ({nothing}) return new Result<{kind}>(null, null);\n"
    return f"Result<{kind}>", f"{lines}  return new Result<{kind}>({value}, null);\n"


def _dispatch(doors: Iterable[Door]) -> str:
    doors = tuple(doors)
    verbs = [(door, verb) for door in doors for verb in door.verbs]
    cases = "".join(
        f'  if (verb == "{door.name}.{verb.name}") return {_case_name(door, verb)}(request);\n' for door, verb in verbs
    )
    body = "\n".join(_case(door, verb) for door, verb in verbs)
    body = (
        f"/** The answer of a verb, or null for one that is not known. */\n"
        f"export function dispatch(verb: string, request: Json): Json | null {{\n{cases}  return null;\n}}\n\n{body}"
    )
    nouns = "".join(f'import * as {door.name} from "../../{door.name}";\n' for door in doors)
    return f'// {MADE}\n\n{_imports(body, "../../")}import {{ refused, replied }} from "./answer";\n{nouns}\n{body}'


def _case_name(door: Door, verb: Verb) -> str:
    return camel(f"{door.name}_{verb.name}")


def _case(door: Door, verb: Verb) -> str:
    package = f"{door.name}."
    needed, optional = _split(verb)
    values = [_read_field(field, "request", package) for field in needed]
    lines = ""
    if optional:
        lines = f"  const options = new {package}{pascal(_NAMES.get(verb.name, verb.name))}Options();\n"
        for field in optional:
            value = f'request.get("{field.name}")'
            read = _read(field.type, value, package)
            lines += f"  if (!{value}.isNull) options.{_name(field.name)} = {read};\n"
        values.append("options")
    call = f"{package}{_name(verb.name)}({', '.join(values)})"
    head = f"function {_case_name(door, verb)}(request: Json): Json {{\n{lines}"
    if not verb.reply:
        return (
            f"{head}  const error = {call};\n  return error === null ? replied(Json.object()) : refused(error);\n}}\n"
        )
    return (
        f"{head}  const result = {call};\n  const error = result.error;\n"
        f"  if (error !== null) return refused(error);\n{_shown(verb, package)}}}\n"
    )


def _shown(verb: Verb, package: str) -> str:
    """The lines that make the reply of a result again."""
    if verb.maybe:
        empty = "".join(f'.set("{field.name}", Json.none())' for field in verb.reply)
        return (
            "  const value = result.value;\n"
            f"  return replied(value === null ? Json.object(){empty} : value.toJson());\n"
        )
    if verb.record:
        return "  return replied(result.value.toJson());\n"
    field = verb.reply[0]
    item = field.type.item
    if item and item.kind == "record":
        write = f"Json.list(result.value.map<Json>((one: {package}{pascal(item.name)}): Json => one.toJson()))"
        return f'  return replied(Json.object().set("{field.name}", {write}));\n'
    return (
        f"  const reply = Json.object();\n{_set_field(field, 'reply', 'result.value', '  ')}  return replied(reply);\n"
    )
