"""The doors in C: a header for each, and the dispatch of the conformance plugin."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from sdk.generate.contract import DOORS, Contract, Door, Enum, Field, Record, Type, Verb
from sdk.generate.text import MADE, words, wrapped

__all__ = ["application", "files"]

_PLACE = "sdk/c/omnicore"
_WIDTH = 118
_PLAIN = {
    "text": "oc_text",
    "bytes": "oc_bytes",
    "integer": "int64_t",
    "number": "double",
    "boolean": "bool",
    "json": "oc_json",
}
_MAYBE = {"integer": "oc_maybe_integer", "number": "oc_maybe_number", "boolean": "oc_maybe_boolean"}
_WORDS = words(  # of C and C++, and macros of compilers and of a libc
    "alignas alignof and asm assert auto bool break case catch char class compl concept const consteval constexpr "
    "constinit continue decltype default delete do double else enum errno explicit export extern false float for "
    "friend goto i386 if inline int linux long mutable namespace new noexcept not nullptr operator or private "
    "protected public register reinterpret_cast requires restrict return short signed sizeof static stderr stdin "
    "stdout struct switch template this throw true try typedef typeid typename typeof union unix unsigned using "
    "virtual void volatile while xor"
)
_LOCAL = words("error options reply request result")  # of the functions that ask


def files(contract: Contract) -> dict[str, str]:
    """`sdk/c/omnicore/<door>.h`, `doors.h` that includes them all, and `sdk/c/conformance/doors.h`."""
    made = {f"{_PLACE}/{door.name}.h": _header(door) for door in contract.doors}
    lines = [f"/* {MADE} */", "#pragma once", "", *(f'#include "{door.name}.h"' for door in contract.doors)]
    made[f"{_PLACE}/doors.h"] = "\n".join(lines) + "\n"
    made["sdk/c/conformance/doors.h"] = _conformance(contract)
    return made


def application(doors: tuple[Door, ...], made: str) -> dict[str, str]:
    """A header for each door of an application. It stands beside the kit, and its names begin with the door's.

    C++ warns of `{0}`, which is right in C; the kit's own headers are a system's and give no warnings.
    """
    quiet = "#pragma once\n#ifdef __cplusplus\n#pragma GCC system_header\n#endif\n"
    found = {f"{door.name}.h": _header(door, made, "omnicore.h") for door in doors}
    return {path: text.replace("#pragma once\n", quiet, 1) for path, text in found.items()}


def _header(door: Door, made: str = MADE, kit: str = "call.h") -> str:
    asked, given = _asked(door), _given_back(door)
    parts = [
        f'/* {made} */\n#pragma once\n\n#include "{kit}"',
        *(_enum(door, enum) for enum in door.enums),
    ]
    for record in door.records:
        parts.append(_record(door, record))
        parts += [_write_record(door, record)] if record.name in asked else []
        parts += [_read_record(door, record)] if record.name in given else []
    parts += [f"OC_DOOR({function});" for function in dict.fromkeys(verb.function for verb in door.verbs)]
    parts += [part for verb in door.verbs for part in _verb(door, verb)]
    return "\n\n".join(parts) + "\n"


def _records(kind: Type) -> Iterator[str]:
    """The record that a type is, or is a list of."""
    if kind.kind == "record":
        yield kind.name
    elif kind.item is not None:
        yield from _records(kind.item)


def _asked(door: Door) -> set[str]:
    """The records that requests hold: they are written."""
    return _within(door, (field for verb in door.verbs for field in verb.request))


def _given_back(door: Door) -> set[str]:
    """The records that replies hold: they are read."""
    whole = {verb.record.name for verb in door.verbs if verb.record is not None}
    return whole | _within(door, (field for verb in door.verbs for field in verb.reply))


def _within(door: Door, fields: Iterable[Field]) -> set[str]:
    found: set[str] = set()
    left = [name for field in fields for name in _records(field.type)]
    named = {record.name: record for record in door.records}
    while left:
        name = left.pop()
        if name not in found:
            found.add(name)
            left += [one for field in named[name].fields for one in _records(field.type)]
    return found


def _all_fields(door: Door) -> list[Field]:
    own = [field for record in door.records for field in record.fields]
    return own + [field for verb in door.verbs for field in (*verb.request, *verb.reply)]


def _listed(door: Door, record: Record) -> bool:
    return any(field.type.kind == "list" and record.name in _records(field.type) for field in _all_fields(door))


def _start(door: Door) -> str:
    """What the names of a door begin with; those of an application are not to be taken for the kit's."""
    return f"oc_{door.name}" if door.name in DOORS else door.name


def _id(name: str) -> str:
    """A name as a field of a struct."""
    return f"{name}_" if name in _WORDS else name


def _argument(name: str) -> str:
    return f"{name}_" if name in _WORDS or name in _LOCAL else name


def _pointed(field: Field) -> bool:
    """True for a record that may be missing: it is a pointer, NULL for none."""
    return (field.optional or field.null) and field.type.kind == "record"


def _comment(text: str) -> str:
    lines = wrapped(text, " * ").removeprefix(" * ").replace("`", "'")
    return f"/* {lines} */"


def _c_type(door: Door, field: Field) -> str:
    kind = field.type.kind
    if (field.optional or field.null) and kind in _MAYBE:
        return _MAYBE[kind]
    return _type(door, field.type)


def _member(door: Door, field: Field, name: str) -> str:
    """A field or parameter with its type."""
    kind = _c_type(door, field)
    return f"const {kind} *{name}" if _pointed(field) else f"{kind} {name}"


def _type(door: Door, kind: Type) -> str:
    if kind.kind in ("record", "enum"):
        return f"{_start(door)}_{kind.name}"
    if kind.kind == "map":
        return "oc_pairs" if kind.item == Type("text") else "oc_json"
    if kind.item is None:
        return _PLAIN[kind.kind]
    if kind.item.kind == "record":
        return f"{_start(door)}_{kind.item.name}_list"
    return f"oc_{kind.item.kind}s"


def _declared(door: Door, fields: Iterable[Field]) -> str:
    """The fields of a struct."""
    notes = ((field, field.doc.replace("`", "'")) for field in fields)
    return "".join(f"    {_member(door, field, _id(field.name))}; /* {note} */\n" for field, note in notes)


def _enum(door: Door, enum: Enum) -> str:
    start = _start(door) if door.name in DOORS else f"{door.name}_{enum.name}"
    none = "none" if "none" not in enum.values else "no_value"
    own = f"{_start(door)}_{enum.name}_{none}".upper()
    names = "".join(f"    {one},\n" for one in [own, *(f"{start}_{value}".upper() for value in enum.values)])
    texts = ", ".join(f'"{value}"' for value in enum.values)
    name = f"{_start(door)}_{enum.name}"
    return f"""{_comment(f"{enum.doc} The first one stands for none.")}
typedef enum {{
{names}}} {name};

static inline oc_text {name}_text({name} value) {{
    static const char *const texts[] = {{"", {texts}}};
    return (unsigned)value < sizeof texts / sizeof *texts ? oc_string(texts[value]) : OC("");
}}

static inline {name} {name}_of(oc_text text) {{
    for (int value = 1; value <= {len(enum.values)}; value++)
        if (oc_equal({name}_text(({name})value), text)) return ({name})value;
    return {own};
}}"""


def _record(door: Door, record: Record) -> str:
    name = f"{_start(door)}_{record.name}"
    one = f"{_comment(record.doc)}\ntypedef struct {{\n{_declared(door, record.fields)}}} {name};"
    if not _listed(door, record):
        return one
    return f"{one}\n\ntypedef struct {{\n    const {name} *at;\n    size_t size;\n}} {name}_list;"


def _read_record(door: Door, record: Record) -> str:
    name = f"{_start(door)}_{record.name}"
    one = f"""OC_ONCE {name} {name}_read(oc_json from) {{
    {name} to;
{_read_fields(door, record.fields, "to.")}    return to;
}}"""
    if any(_pointed(field) and field.type.name == record.name for held in door.records for field in held.fields):
        one += f"""

/* NULL where there is none. */
static inline const {name} *{name}_read_maybe(oc_json from) {{
    if (oc_json_is_null(from)) return NULL;
    {name} *to = ({name} *)oc_alloc(sizeof *to);
    *to = {name}_read(from);
    return to;
}}"""
    if not _listed(door, record):
        return one
    return f"""{one}

static inline {name}_list {name}_list_read(oc_json array) {{
    {name} *to = ({name} *)oc_alloc(oc_json_count(array) * sizeof *to);
    size_t used = 0;
    for (oc_each it = oc_json_each(array); oc_next(&it);) to[used++] = {name}_read(it.value);
    return ({name}_list){{to, used}};
}}"""


def _write_record(door: Door, record: Record) -> str:
    name = f"{_start(door)}_{record.name}"
    one = f"""OC_ONCE void {name}_write(oc_writer *to, const {name} *from) {{
    oc_write_object(to);
{_write_fields(door, record.fields, "from->", "to")}    oc_write_end(to);
}}"""
    if not _listed(door, record):
        return one
    return f"""{one}

static inline void {name}_list_write(oc_writer *to, {name}_list list) {{
    oc_write_array(to);
    for (size_t i = 0; i < list.size; i++) {name}_write(to, &list.at[i]);
    oc_write_end(to);
}}"""


def _read_fields(door: Door, fields: Iterable[Field], start: str) -> str:
    lines = []
    for field in fields:
        read = _read(door, field, _field("from", field.name), pointed=True)
        lines.append(f"    {start}{_id(field.name)} = {read};\n")
    return "".join(lines)


def _field(of: str, name: str) -> str:
    return f'oc_json_field({of}, OC("{name}"))'


def _read(door: Door, field: Field, value: str, *, pointed: bool = False) -> str:
    """The expression that reads a field's value."""
    kind = field.type.kind
    if pointed and _pointed(field):
        return f"{_type(door, field.type)}_read_maybe({value})"
    if kind == "enum":
        return f"{_type(door, field.type)}_of(oc_json_text({value}))"
    if kind == "record" or (field.type.item is not None and field.type.item.kind == "record"):
        return f"{_type(door, field.type)}_read({value})"
    made = _c_type(door, field).removeprefix("oc_")
    if made == "json":
        return value
    return f"oc_json_{ {'int64_t': 'integer', 'double': 'number', 'bool': 'boolean'}.get(made, made) }({value})"


def _write_fields(door: Door, fields: Iterable[Field], start: str, to: str) -> str:
    name = _id if start else _argument
    return "".join(_write_field(door, field, f"{start}{name(field.name)}", to) for field in fields)


def _write_field(door: Door, field: Field, value: str, to: str) -> str:
    key = f'oc_write_key({to}, OC("{field.name}"));'
    given = _given(field, value)
    inner = f"{value}.value" if given.endswith(".given") else value
    write = _write(door, field, inner, to)
    if field.optional:
        return f"    if ({given}) {{\n        {key}\n        {write}\n    }}\n"
    if field.null and field.type.kind != "json":
        return f"    {key}\n    if ({given}) {write}\n    else oc_write_null({to});\n"
    return f"    {key}\n    {write}\n"


def _given(field: Field, value: str) -> str:
    """What tells that a field has a value."""
    if not (field.optional or field.null):
        return ""
    if field.type.kind in _MAYBE:
        return f"{value}.given"
    return value if _pointed(field) or field.type.kind == "enum" else f"{value}.at"


def _write(door: Door, field: Field, value: str, to: str) -> str:
    kind = field.type.kind
    if kind == "enum":
        return f"oc_write_text({to}, {_type(door, field.type)}_text({value}));"
    if kind == "record":
        return f"{_type(door, field.type)}_write({to}, {'' if _pointed(field) else '&'}{value});"
    if field.type.item is not None and field.type.item.kind == "record":
        return f"{_type(door, field.type)}_write({to}, {value});"
    made = _type(door, field.type).removeprefix("oc_")
    return f"oc_write_{ {'int64_t': 'integer', 'double': 'number', 'bool': 'boolean'}.get(made, made) }({to}, {value});"


def _verb(door: Door, verb: Verb) -> Iterator[str]:
    name = f"{_start(door)}_{verb.name}"
    options = [field for field in verb.request if field.optional]
    if options:
        about = "/* What may be left out; {0} leaves out all. */"
        yield f"{about}\ntypedef struct {{\n{_declared(door, options)}}} {name}_options;"
    if verb.reply:
        members = f"    const oc_error *error; /* NULL when it went well */\n{_result(door, verb)}"
        yield f"typedef struct {{\n{members}}} {name}_result;"
    takes = [_member(door, field, _argument(field.name)) for field in verb.request if not field.optional]
    takes += [f"const {name}_options *options"] if options else []
    gives = f"{name}_result " if verb.reply else "const oc_error *"
    notes = [f"{_argument(field.name)}: {field.doc}." for field in verb.request if not field.optional]
    notes += ["NULL for options leaves out all."] if options else []
    notes += [] if verb.reply else ["Returns: NULL when it went well."]
    yield (
        f"{_comment(' '.join([verb.doc, *notes]))}\n"
        f"{_signature(f'static inline {gives}', name, takes)} {{\n{_body(door, verb, name)}}}"
    )


def _signature(start: str, name: str, takes: list[str], none: str = "void") -> str:
    """A function with its parameters, or a call, in lines that are not too long."""
    whole = f"{start}{name}({', '.join(takes) or none})"
    return whole if len(whole) <= _WIDTH else f"{start}{name}(\n        {(',' + chr(10) + ' ' * 8).join(takes)})"


def _result(door: Door, verb: Verb) -> str:
    found = "    bool found; /* false where there is nothing */\n"
    if verb.record is not None:
        own = f"    {_start(door)}_{verb.record.name} {verb.record.name};\n"
        return (found if verb.maybe else "") + own
    if _null_record(verb):
        plain = replace(verb.reply[0], null=False)
        return found + _declared(door, [plain])
    return _declared(door, verb.reply)


def _null_record(verb: Verb) -> bool:
    """Whether the one thing it gives is a record that may be null."""
    return len(verb.reply) == 1 and verb.reply[0].null and verb.reply[0].type.kind == "record"


def _body(door: Door, verb: Verb, name: str) -> str:
    required = [field for field in verb.request if not field.optional]
    options = [field for field in verb.request if field.optional]
    lines = ["    oc_writer request = {0};\n    oc_write_object(&request);\n"]
    lines.append(_write_fields(door, required, "", "&request"))
    if options:
        inner = _write_fields(door, options, "options->", "&request")
        lines.append("    if (options) {\n" + "".join(f"    {line}\n" for line in inner.splitlines()) + "    }\n")
    lines.append("    oc_write_end(&request);\n")
    ask = f"oc_ask(oc_door_{verb.function}, &request, "
    if not verb.reply:
        return "".join([*lines, f"    const oc_error *error;\n    {ask}&error);\n    return error;\n"])
    lines.append(f"    {name}_result result = {{0}};\n    oc_json reply = {ask}&result.error);\n")
    lines.append("    if (result.error) return result;\n")
    if verb.record is not None:
        if verb.maybe:
            lines.append(f"    result.found = {_found(verb.reply)};\n")
        lines.append(f"    result.{verb.record.name} = {_start(door)}_{verb.record.name}_read(reply);\n")
    else:
        if _null_record(verb):
            lines.append(f"    result.found = !oc_json_is_null({_field('reply', verb.reply[0].name)});\n")
        values = ((field.name, _read(door, field, _field("reply", field.name))) for field in verb.reply)
        lines += [f"    result.{name} = {value};\n" for name, value in values]
    return "".join([*lines, "    return result;\n"])


def _found(fields: Iterable[Field]) -> str:
    return " ||\n                   ".join(f"!oc_json_is_null({_field('reply', field.name)})" for field in fields)


def _conformance(contract: Contract) -> str:
    parts = [f'/* {MADE} */\n#pragma once\n\n#include "omnicore.h"']
    rows = []
    for door in contract.doors:
        asked = _asked(door)
        parts += [(_read_record if one.name in asked else _write_record)(door, one) for one in door.records]
        parts += [_case(door, verb) for verb in door.verbs]
        rows += [f'    {{"{door.name}", "{verb.name}", case_{door.name}_{verb.name}}},' for verb in door.verbs]
    table = "\n".join(rows)
    parts.append(
        "typedef const oc_error *(*doors_case)(oc_json from, oc_writer *to);\n\n"
        "/* Every verb, by its door. */\nstatic const struct {\n    const char *door, *verb;\n    doors_case run;\n"
        f"}} cases[] = {{\n{table}\n}};"
    )
    return "\n\n".join(parts) + "\n"


def _case(door: Door, verb: Verb) -> str:
    name = f"{_start(door)}_{verb.name}"
    required = [field for field in verb.request if not field.optional]
    options = [field for field in verb.request if field.optional]
    lines = [f"    {name}_options options;\n" if options else ""]
    lines.append(_read_fields(door, options, "options."))
    values = [_read(door, field, _field("from", field.name)) for field in required] + (["&options"] if options else [])
    unused = "" if verb.request else "    (void)from;\n"
    if not verb.reply:
        body = f"    (void)to;\n    {_signature('return ', name, values)};\n"
    else:
        body = f"    {_signature(f'{name}_result result = ', name, values, none='')};\n"
        body += "    if (result.error) return result.error;\n"
        body += _case_reply(door, verb) + "    return NULL;\n"
    return (
        f"static const oc_error *case_{door.name}_{verb.name}(oc_json from, oc_writer *to) {{\n"
        f"{unused}{''.join(lines)}{body}}}"
    )


def _case_reply(door: Door, verb: Verb) -> str:
    if verb.record is None and not _null_record(verb):
        return _write_fields(door, verb.reply, "result.", "to")
    if verb.record is None:
        field = replace(verb.reply[0], null=False)
        write = _write(door, field, f"result.{field.name}", "to")
        key = f'oc_write_key(to, OC("{field.name}"));'
        return f"    {key}\n    if (result.found) {write}\n    else oc_write_null(to);\n"
    whole = _write_fields(door, verb.reply, f"result.{verb.record.name}.", "to")
    if not verb.maybe:
        return whole
    keys = (f'oc_write_key(to, OC("{field.name}"));' for field in verb.reply)
    nothing = "".join(f"        {key}\n        oc_write_null(to);\n" for key in keys)
    return f"    if (!result.found) {{\n{nothing}        return NULL;\n    }}\n{whole}"
