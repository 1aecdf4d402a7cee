"""The dispatch of the Rust kit's conformance plugin: from a request in JSON to the kit's own function and back."""

from __future__ import annotations

from sdk.generate.contract import Contract, Door, Field, Type, Verb
from sdk.generate.rust.spelling import literal, name, owned
from sdk.generate.text import MADE, pascal

__all__ = ["dispatch"]

_HEAD = f"""// {MADE}

//! Calls the kit's function for a verb of a door.

use std::collections::BTreeMap;

use omnicore::bytes::Bytes;
use omnicore::serde_json::from_value;
use omnicore::{{config, connectors, events, http, kv, log, memory, tasks, vectors}};
use omnicore::{{json, Deserialize, Error, Json, Map}};

/// The reply as it was on the wire. The error is the door's, or about a verb that is not there.
pub fn call(door: &str, verb: &str, request: Json) -> Result<Json, Error> {{
    match (door, verb) {{"""

_PAIRS = """fn pairs(map: &BTreeMap<String, String>) -> BTreeMap<&str, &str> {
    map.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect()
}"""


def dispatch(contract: Contract) -> str:
    """`conformance/src/dispatch.rs`."""
    verbs = [(door, verb) for door in contract.doors for verb in door.verbs]
    arms = [f'        ("{door.name}", "{verb.name}") => {_name(door, verb)}(request),' for door, verb in verbs]
    end = '        _ => Err(Error::msg(format!("there is no {door}.{verb}"))),\n    }\n}'
    functions = [_function(door, verb) for door, verb in verbs]
    return "\n".join([_HEAD, *arms, end]) + "\n\n" + "\n\n".join([*functions, _PAIRS]) + "\n"


def _name(door: Door, verb: Verb) -> str:
    return f"{door.name}_{verb.name}"


def _function(door: Door, verb: Verb) -> str:
    lines = [f"fn {_name(door, verb)}(request: Json) -> Result<Json, Error> {{", "    #[derive(Deserialize)]"]
    lines.append('    #[serde(crate = "omnicore::serde", deny_unknown_fields)]')
    lines.append("    struct Request {" if verb.request else "    struct Request {}")
    lines += [f"        {name(field)}: {_type(door, field)}," for field in verb.request]
    lines += ["    }"] if verb.request else []
    lines.append(f"    let {'request' if verb.request else '_request'}: Request = from_value(request)?;")
    arguments = []
    for field in verb.request:
        text, before = _argument(field)
        lines += before
        if not field.optional:
            arguments.append(text)
    if any(field.optional for field in verb.request):
        lines += _options(door, verb)
        arguments.append("options")
    kind = "::<Json>" if verb.record is None and any(one.type.kind == "json" for one in verb.reply) else ""
    call = f"{door.name}::{verb.name}{kind}({', '.join(arguments)})?"
    return "\n".join([*lines, *_reply(verb, call), "}"])


def _type(door: Door, field: Field) -> str:
    kind = "Bytes" if field.type.kind == "bytes" else _qualified(door, field.type)
    return f"Option<{kind}>" if field.optional or field.null else kind


def _qualified(door: Door, kind: Type) -> str:
    if kind.item:
        inner = _qualified(door, kind.item)
        return owned(kind) if kind.kind == "map" else f"Vec<{inner}>"
    return f"{door.name}::{pascal(kind.name)}" if kind.name else owned(kind)


def _argument(field: Field) -> tuple[str, list[str]]:
    """The expression that lends a field to the kit, and lines that stand before it."""
    value, kind = f"request.{name(field)}", field.type
    if kind.kind == "list" and kind.item and kind.item.kind == "text":
        owner = f"{value}.iter().flatten()" if field.optional else f"{value}.iter()"
        return f"&{name(field)}", [f"    let {name(field)}: Vec<&str> = {owner}.map(String::as_str).collect();"]
    if field.optional:
        return "", []
    if kind.kind == "bytes":
        return f"{value}.0", []
    return (f"&{value}" if kind.kind in ("text", "list") else value), []


def _options(door: Door, verb: Verb) -> list[str]:
    values = [f"{name(field)}: {_lent(field)}" for field in verb.request if field.optional]
    return literal("options", f"{door.name}::{pascal(verb.name)}Options", values)


def _lent(field: Field) -> str:
    value, kind = f"request.{name(field)}", field.type
    if kind.kind == "text":
        return f"{value}.as_deref()"
    if kind.kind == "bytes":
        return f"{value}.as_ref().map(|bytes| bytes.0.as_slice())"
    if kind.kind == "list" and kind.item and kind.item.kind == "text":
        return f"{value}.is_some().then_some(&{name(field)}[..])"
    if kind.kind == "list":
        return f"{value}.as_deref()"
    if kind.kind == "map" and kind.item and kind.item.kind == "text":
        return f"{value}.as_ref().map(pairs)"
    return value


def _reply(verb: Verb, call: str) -> list[str]:
    if verb.record is None:
        if not verb.reply:
            return [f"    {call};", "    Ok(json!({}))"]
        return [f'    Ok(json!({{"{verb.reply[0].name}": {call}}}))']
    if not verb.maybe:
        return [f"    Ok(json!({call}))"]
    nulls = ", ".join(f'"{field.name}": null' for field in verb.reply)
    return [f"    let reply = {call};", f"    Ok(reply.map_or(json!({{{nulls}}}), |reply| json!(reply)))"]
