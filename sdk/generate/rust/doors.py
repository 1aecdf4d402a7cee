"""A file of the Rust kit for each door."""

from __future__ import annotations

import re

from sdk.generate.contract import Door, Enum, Field, Record, Type, Verb
from sdk.generate.rust.spelling import borrowed, literal, name, owned, sentence
from sdk.generate.text import MADE, pascal, wrapped

__all__ = ["application", "module"]

_LENT = "'a"
_ORDER = ("use std", "use serde", "use crate")
_OPTIONAL = '#[serde(skip_serializing_if = "Option::is_none")]'


def module(door: Door) -> str:
    """The text of `src/<door>.rs`."""
    head = f"// {MADE}\n\n//! {sentence(door.purpose)}"
    requested = {_named(field.type) for verb in door.verbs for field in verb.request}
    parts = [
        *(_enum(one) for one in door.enums),
        *(_record(one, requested=one.name in requested) for one in door.records),
        *(part for verb in door.verbs for part in (_options(verb), _function(verb)) if part),
    ]
    return "\n\n".join([head, _uses("\n\n".join(parts)), *parts]) + "\n"


def application(doors: tuple[Door, ...], made: str) -> dict[str, str]:
    """A module for each door of an application. It uses the kit as the crate `omnicore`."""
    return {f"{door.name}.rs": f"{_outside(module(door), made)}\n{_fake(door)}" for door in doors}


_NATIVE = """/// A fake of this door for tests, which have no host.
#[cfg(not(target_arch = "wasm32"))]
#[allow(dead_code, unused_variables, clippy::too_many_arguments)]
pub mod fake {{
    use super::*;

    /// What the door answers: write the functions that the plugin calls. Any other is `unavailable`.
    pub trait Door {{
{functions}
    }}

    /// The answer to a request, for `omnicore::testing::host`; `None` where the function is another door's.
    pub fn answer(door: &mut impl Door, function: &str, request: &omnicore::Json) -> Option<omnicore::Json> {{
        use omnicore::testing::{{given, told}};
        Some(match function {{
{answers}
            _ => return None,
        }})
    }}
}}
"""


def _fake(door: Door) -> str:
    """A trait whose functions a test writes, and the way from requests to them."""
    functions, answers = [], []
    for verb in door.verbs:
        typed = [f"{name(field)}: {_whole(field)}" for field in verb.request]
        result = _whole(verb.reply[0]) if verb.reply else "()"
        functions.append(
            f"{_doc(verb.doc, ' ' * 8)}\n        fn {verb.name}({', '.join(['&mut self', *typed])}) -> "
            f"Result<{result}, DoorError> {{\n"
            f'            Err(omnicore::testing::unsaid("{door.name}.{verb.name}"))\n        }}'
        )
        values = ", ".join(f'given(request, "{field.name}")' for field in verb.request)
        answers.append(f'            "{verb.function}" => told(door.{verb.name}({values})),')
    return _NATIVE.format(functions="\n\n".join(functions), answers="\n".join(answers))


def _outside(text: str, made: str) -> str:
    """A module of the kit as one of another crate, which need not depend on serde itself."""
    text = text.replace(MADE, made, 1).replace("use serde::", "use omnicore::serde::")
    text = re.sub(r"\bcrate::", "omnicore::", text).replace("door!(", "omnicore::door!(")
    text = re.sub(r"(PartialEq, |Debug, )Default, ", r"\1", text)  # an enum has none
    derive = re.compile(r"^( *)(#\[derive\([^)]*\b(?:S|Des)erialize\b[^)]*\)\])$", re.MULTILINE)
    return derive.sub(r'\1\2\n\1#[serde(crate = "omnicore::serde")]', text)


def _whole(field: Field) -> str:
    """The type of what is kept, with the path of what the door itself may not use."""
    paths = {"BTreeMap": "std::collections::BTreeMap", "Json": "omnicore::Json", "Map": "omnicore::Map"}
    kind = _may_be_none(field, owned(field.type))
    return re.sub(r"\b(BTreeMap|Json|Map)\b", lambda found: paths[found[1]], kind)


def _named(kind: Type) -> str:
    return _named(kind.item) if kind.item else kind.name


def _uses(text: str) -> str:
    words = set(re.findall(r"\w+", re.sub(r"^ *//.*", "", text, flags=re.MULTILINE)))
    groups = [
        ("std::collections", sorted(words & {"BTreeMap"})),
        ("serde::de", sorted(words & {"DeserializeOwned"})),
        ("serde", sorted(words & {"Deserialize", "Serialize"})),
        ("crate::bytes", sorted(words & {"Borrowed", "Bytes"})),
        ("crate", sorted(words & {"DoorError", "Json", "Map"})),
    ]
    lines = [f"use {path}::{_several(names)};" for path, names in groups if names]
    heads = {line.split("::")[0] for line in lines}
    return "\n\n".join(
        "\n".join(line for line in lines if line.startswith(f"{head}::")) for head in _ORDER if head in heads
    )


def _several(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{{{', '.join(names)}}}"


def _enum(enum: Enum) -> str:
    values = [f'    #[serde(rename = "{value}")]\n    {pascal(value)},' for value in enum.values]
    derives = "#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]"
    return "\n".join([_doc(enum.doc), derives, f"pub enum {pascal(enum.name)} {{", *values, "}"])


def _record(record: Record, *, requested: bool) -> str:
    default = ", Default" if requested else ""
    lines = [_doc(record.doc), f"#[derive(Clone, Debug{default}, PartialEq, Deserialize, Serialize)]"]
    lines.append(f"pub struct {pascal(record.name)} {{")
    for field in record.fields:
        lines.append(_doc(field.doc, "    "))
        if field.type.kind == "bytes":
            lines.append('    #[serde(with = "crate::bytes")]')
        if field.optional:
            lines.append(f"    {_OPTIONAL}")
        lines.append(f"    pub {name(field)}: {_may_be_none(field, owned(field.type))},")
    return "\n".join([*lines, "}"])


def _options(verb: Verb) -> str:
    found = [field for field in verb.request if field.optional]
    if not found:
        return ""
    title = _options_type(verb)
    lines = [f"/// What can be said to [`{verb.name}`] beside what must.", "#[derive(Clone, Debug, Default)]"]
    lines.append(f"pub struct {title} {{")
    for field in found:
        lines += [_doc(field.doc, "    "), f"    pub {name(field)}: Option<{borrowed(field.type, _LENT)}>,"]
    return "\n".join([*lines, "}"])


def _options_type(verb: Verb) -> str:
    types = (borrowed(field.type, _LENT) for field in verb.request if field.optional)
    return f"{pascal(verb.name)}Options" + (f"<{_LENT}>" if any(_LENT in one for one in types) else "")


def _function(verb: Verb) -> str:
    needed = [field for field in verb.request if not field.optional]
    optional = [field for field in verb.request if field.optional]
    arguments = [f"{name(field)}: {_argument(field)}" for field in needed]
    if optional:
        arguments.append(f"options: impl Into<Option<{_options_type(verb)}>>")
    generic = "<'a>" if any(_LENT in one for one in arguments) else ""
    kind = "<T: DeserializeOwned>" if _is_json(verb) else generic
    kind = "<'a, T: DeserializeOwned>" if _is_json(verb) and generic else kind
    lines = [_doc(verb.doc), *_signature(f"pub fn {verb.name}{kind}", arguments, _returned(verb))]
    lines += [f"    {line}" for line in _request(verb)]
    if optional:
        lines.append("    let options = options.into().unwrap_or_default();")
    values = [f"{name(one)}: {_given(one)}" if _given(one) != name(one) else name(one) for one in needed]
    values += [f"{name(one)}: {_wire(one, f'options.{name(one)}')}" for one in optional]
    lines += literal("request", "Request", values)
    return "\n".join([*lines, *_answer(verb), "}"])


def _signature(start: str, arguments: list[str], returned: str) -> list[str]:
    line = f"{start}({', '.join(arguments)}) -> {returned} {{"
    if len(line) <= 120:
        return [line]
    return [f"{start}(", *(f"    {one}," for one in arguments), f") -> {returned} {{"]


def _request(verb: Verb) -> list[str]:
    fields = []
    for field in verb.request:
        kind = _wire_type(field)
        if field.optional:
            fields.append(f"    {_OPTIONAL}")
        fields.append(f"    {name(field)}: {kind},")
    if not fields:
        return ["#[derive(Serialize)]", "struct Request {}"]
    lifetime = "<'a>" if any(_LENT in one for one in fields) else ""
    if any(_generic(field) for field in verb.request):
        lifetime = "<'a, D>" if lifetime else "<D>"
    return ["#[derive(Serialize)]", f"struct Request{lifetime} {{", *fields, "}"]


def _wire_type(field: Field) -> str:
    if _generic(field):
        return "D"
    kind = "Borrowed<'a>" if field.type.kind == "bytes" else borrowed(field.type, _LENT)
    return f"Option<{kind}>" if field.optional or field.null else kind


def _generic(field: Field) -> bool:
    return field.type.kind == "json" and not field.optional


def _argument(field: Field) -> str:
    if field.type.kind == "bytes":
        return "impl AsRef<[u8]>"
    if field.type.kind == "json":
        return "impl Serialize"
    return _may_be_none(field, borrowed(field.type, "").replace("& ", "&"))


def _given(field: Field) -> str:
    return f"Borrowed({name(field)}.as_ref())" if field.type.kind == "bytes" else name(field)


def _wire(field: Field, value: str) -> str:
    return f"{value}.map(Borrowed)" if field.type.kind == "bytes" else value


def _is_json(verb: Verb) -> bool:
    return verb.record is None and any(field.type.kind == "json" for field in verb.reply)


def _returned(verb: Verb) -> str:
    if verb.record:
        kind = pascal(verb.record.name)
        kind = f"Option<{kind}>" if verb.maybe else kind
    else:
        kind = "()"
        for field in verb.reply:
            kind = "T" if field.type.kind == "json" else owned(field.type)
            kind = _may_be_none(field, kind)
    return f"Result<{kind}, DoorError>"


def _answer(verb: Verb) -> list[str]:
    call = f"door!({verb.function}, &request)"
    if verb.record:
        return [f'    crate::call::{"maybe" if verb.maybe else "record"}("{verb.record.name}", {call}?)']
    if not verb.reply:
        return [f"    {call}.map(|_| ())"]
    if verb.reply[0].type.kind == "bytes":
        return [f'    crate::call::field::<Bytes>("{verb.reply[0].name}", {call}?).map(|bytes| bytes.0)']
    return [f'    crate::call::field("{verb.reply[0].name}", {call}?)']


def _may_be_none(field: Field, kind: str) -> str:
    return f"Option<{kind}>" if field.null or field.optional else kind


def _doc(text: str, indent: str = "") -> str:
    return wrapped(sentence(text), f"{indent}/// ")
