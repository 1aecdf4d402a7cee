"""The doors in Zig: a file for each, and the dispatch of the conformance plugin."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from sdk.generate.contract import Contract, Door, Enum, Field, Record, Type, Verb
from sdk.generate.text import MADE, pascal, words, wrapped

__all__ = ["application", "files"]

_PLAIN = {
    "text": "[]const u8",
    "bytes": "core.Bytes",
    "integer": "i64",
    "number": "f64",
    "boolean": "bool",
    "json": "std.json.Value",
}
_WIDTH = 70
_WORDS = words(
    "addrspace align allowzero and anyerror anyframe anyopaque anytype asm async await bool break callconv catch "
    "comptime const continue defer else enum errdefer error export extern false fn for if inline isize linksection "
    "noalias noinline noreturn nosuspend null opaque or orelse packed pub resume return struct suspend switch test "
    "threadlocal true try type undefined union unreachable usize usingnamespace var void volatile while"
)
_LOCAL = words("core options reply request std")


def files(contract: Contract) -> dict[str, str]:
    """`sdk/zig/omnicore/<door>.zig`, `doors.zig` that names them, and `sdk/zig/conformance/doors.zig`."""
    made = {f"sdk/zig/omnicore/{door.name}.zig": _file(door) for door in contract.doors}
    names = "\n".join(f'pub const {door.name} = @import("{door.name}.zig");' for door in contract.doors)
    made["sdk/zig/omnicore/doors.zig"] = f"// {MADE}\n\n{names}\n"
    made["sdk/zig/conformance/doors.zig"] = _conformance(contract)
    return made


def application(doors: tuple[Door, ...], made: str) -> dict[str, str]:
    """A file for each door of an application, which takes the kit as the module `omnicore`."""
    return {f"{door.name}.zig": _file(door, made, "omnicore") for door in doors}


def _file(door: Door, made: str = MADE, kit: str = "core.zig") -> str:
    asked = set(_asked(door))
    parts = [
        *(_enum(enum) for enum in door.enums),
        *(_record(record, written=record.name in asked) for record in door.records),
        *(part for verb in door.verbs for part in _verb(verb, {one.name for one in door.verbs})),
    ]
    body = "\n\n".join(parts)
    imports = 'const std = @import("std");\n' if "std." in body else ""
    return f'//! {door.purpose}.\n// {made}\n\n{imports}const core = @import("{kit}");\n\n{body}\n'


def _asked(door: Door) -> Iterator[str]:
    """The records that requests hold."""
    held = {record.name: record.fields for record in door.records}
    left = [field.type for verb in door.verbs for field in verb.request]
    seen: set[str] = set()
    while left:
        kind = left.pop()
        left += [kind.item] if kind.item is not None else []
        if kind.kind == "record" and kind.name not in seen:
            seen.add(kind.name)
            yield kind.name
            left += [field.type for field in held[kind.name]]


def _name(name: str) -> str:
    number = name[:1] in ("i", "u", "f") and name[1:].isdigit()  # `i32`, which is a type
    return f'@"{name}"' if name in _WORDS or number else name


def _function(name: str) -> str:
    """A function's name, which may not be that of an import."""
    return f"{name}_" if name in ("core", "std") else _name(name)


def _argument(name: str, taken: Collection[str]) -> str:
    """A parameter's name: it may not be that of anything else in the file."""
    return f"{name}_" if name in taken or name in _LOCAL else _name(name)


def _comment(text: str, indent: str = "") -> str:
    return wrapped(text, f"{indent}/// ")


def _enum(enum: Enum) -> str:
    values = ", ".join(map(_name, enum.values))
    return f"{_comment(enum.doc)}\npub const {pascal(enum.name)} = enum {{ {values} }};"


def _record(record: Record, *, written: bool) -> str:
    own = _writer(record) if written and any(field.null and not field.optional for field in record.fields) else ""
    return f"{_comment(record.doc)}\npub const {pascal(record.name)} = struct {{\n{_members(record.fields)}{own}}};"


def _writer(record: Record) -> str:
    """Writes a record some of whose fields are null where they are not given, while others are left out."""
    lines = []
    for field in record.fields:
        name = _name(field.name)
        write = 'try json.objectField("{0}");\n{1}        try json.write({2});\n'
        if field.optional:
            given = write.format(field.name, "    ", "given")
            lines.append(f"        if (self.{name}) |given| {{\n            {given}        }}\n")
        else:
            lines.append("        " + write.format(field.name, "", f"self.{name}"))
    return (
        f"\n    pub fn jsonStringify(self: {pascal(record.name)}, json: anytype) !void {{\n"
        f"        try json.beginObject();\n{''.join(lines)}        try json.endObject();\n    }}\n"
    )


def _members(fields: Iterable[Field]) -> str:
    return "".join(f"{_comment(field.doc, '    ')}\n    {_member(field)},\n" for field in fields)


def _member(field: Field, module: str = "") -> str:
    """A field of a struct; what may be missing is null unless it is given."""
    kind = _type(field.type, module)
    if field.type.kind == "json" and field.null:
        return f"{_name(field.name)}: {kind} = .null"
    return f"{_name(field.name)}: ?{kind} = null" if field.optional or field.null else f"{_name(field.name)}: {kind}"


def _type(kind: Type, module: str = "") -> str:
    if kind.kind in ("record", "enum"):
        return module + pascal(kind.name)
    if kind.kind == "map":
        return "core.Texts" if kind.item == Type("text") else _PLAIN["json"]
    return f"[]const {_type(kind.item, module)}" if kind.item is not None else _PLAIN[kind.kind]


def _verb(verb: Verb, taken: Collection[str]) -> Iterator[str]:
    options = [field for field in verb.request if field.optional]
    required = [field for field in verb.request if not field.optional]
    if options:
        about = f"What may be left out of `{verb.name}`; `.{{}}` leaves out all."
        yield f"{_comment(about)}\npub const {pascal(verb.name)}Options = struct {{\n{_members(options)}}};"
    takes = [f"{_argument(field.name, taken)}: {_parameter(field)}" for field in required]
    takes += [f"options: {pascal(verb.name)}Options"] if options else []
    notes = " ".join([verb.doc, *(f"`{_argument(field.name, taken)}`: {field.doc}." for field in required)])
    yield (
        f"{_comment(notes)}\npub fn {_function(verb.name)}({', '.join(takes)}) core.Failure!{_gives(verb)} {{\n"
        f"    var request: core.Request = try .begin();\n"
        f"{''.join(_sent(field, _argument(field.name, taken)) for field in required)}"
        f"{''.join(_sent_option(field, _argument(field.name, taken)) for field in options)}"
        f"{_answer(verb)}}}"
    )


def _parameter(field: Field) -> str:
    if field.type.kind == "json":
        return "anytype"
    kind = "[]const u8" if field.type.kind == "bytes" else _type(field.type)
    return f"?{kind}" if field.null else kind


def _sent(field: Field, name: str) -> str:
    value = f"core.Bytes{{ .data = {name} }}" if field.type.kind == "bytes" else name
    return f'    try request.field("{field.name}", {value});\n'


def _sent_option(field: Field, name: str) -> str:
    return f'    if (options.{_name(field.name)}) |{name}| try request.field("{field.name}", {name});\n'


def _gives(verb: Verb) -> str:
    if not verb.reply:
        return "void"
    if verb.record is not None:
        return f"?{pascal(verb.record.name)}" if verb.maybe else pascal(verb.record.name)
    field = verb.reply[0]
    return f"?{_type(field.type)}" if field.null and field.type.kind != "json" else _type(field.type)


def _answer(verb: Verb) -> str:
    ask = f'"{verb.function}"'
    if not verb.reply:
        return f"    _ = try request.ask(struct {{}}, {ask});\n"
    if verb.record is None:
        field = verb.reply[0]
        return f"    return (try request.ask(struct {{ {_member(field)} }}, {ask})).{_name(field.name)};\n"
    if not verb.maybe:
        return f"    return request.ask({pascal(verb.record.name)}, {ask});\n"
    members = ", ".join(f"{_name(field.name)}: ?{_type(field.type)} = null" for field in verb.reply)
    values = ", ".join(f".{_name(field.name)} = reply.{_name(field.name)} orelse return null" for field in verb.reply)
    return f"    const reply = try request.ask(struct {{ {members} }}, {ask});\n    return .{{ {values} }};\n"


def _conformance(contract: Contract) -> str:
    cases = "\n".join(_case(door, verb) for door in contract.doors for verb in door.verbs)
    return f"""// {MADE}

const std = @import("std");
const omnicore = @import("omnicore");
const core = omnicore;

/// Does what a case asks for. Returns: the reply, as the door itself would write it.
pub fn run(door: []const u8, verb: []const u8, request: []const u8) ![]const u8 {{
    const eql = std.mem.eql;
{cases}
    return omnicore.fail("there is no {{s}}.{{s}}", .{{ door, verb }});
}}

fn read(comptime T: type, text: []const u8) !T {{
    return omnicore.parse(T, text);
}}

fn written(from: anytype) ![]const u8 {{
    return std.json.Stringify.valueAlloc(omnicore.allocator(), from, .{{}});
}}
"""


def _inner(verb: Verb, module: str) -> str:
    members = [_member(field, module) for field in verb.request]
    whole = ", ".join(members)
    if len(whole) <= _WIDTH:
        return f" {whole} "
    return "\n" + "".join(f"            {member},\n" for member in members) + "        "


def _case(door: Door, verb: Verb) -> str:
    module = f"omnicore.{door.name}."
    data = {field.name: ".data" for field in verb.request if field.type.kind == "bytes"}
    required = [f"in.{field.name}{data.get(field.name, '')}" for field in verb.request if not field.optional]
    given = [f".{field.name} = in.{field.name}" for field in verb.request if field.optional]
    options = f" {', '.join(given)} " if given else ""
    if len(options) > _WIDTH:
        options = "\n" + "".join(f"                {one},\n" for one in given) + "            "
    values = [*required, *([f".{{{options}}}"] if options else [])]
    lines = [f"        const in = try read(struct {{{_inner(verb, module)}}}, request);"] if verb.request else []
    call = f"try {module}{verb.name}({', '.join(values)})"
    if len(call) > _WIDTH:
        call = f"try {module}{verb.name}(\n{''.join(f'            {value},{chr(10)}' for value in values)}        )"
    if not verb.reply:
        lines += [f"        {call};", '        return "{}";']
    elif verb.record is None:
        lines.append(f"        return written(.{{ .{_name(verb.reply[0].name)} = {call} }});")
    elif verb.maybe:
        nulls = ", ".join(f".{_name(field.name)} = null" for field in verb.reply)
        lines.append(f"        return written({call} orelse return written(.{{ {nulls} }}));")
    else:
        lines.append(f"        return written({call});")
    body = "\n".join(lines)
    return f'    if (eql(u8, door, "{door.name}") and eql(u8, verb, "{verb.name}")) {{\n{body}\n    }}'
