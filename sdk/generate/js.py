"""The doors in JavaScript: an object for each noun, their types, and the dispatch of the conformance plugin."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator

from sdk.generate.contract import Contract, Door, Field, Type, Verb
from sdk.generate.text import MADE, pascal, words, wrapped

__all__ = ["RESERVED", "application", "files"]

_ROOT = "sdk/js"
RESERVED = words(
    "await break case catch class const continue debugger default delete do else enum export extends "
    "false finally for function if implements import in instanceof interface let new null "
    "package private protected public return static super switch this throw true try typeof var void "
    "while with yield"
)
"""Words that no parameter of JavaScript or TypeScript may have as its name."""
_TAKEN = RESERVED | words("kit options")
_PLAIN = {
    "text": "string",
    "bytes": "Bytes",
    "integer": "number",
    "signed": "number",
    "number": "number",
    "boolean": "boolean",
}


def files(contract: Contract) -> dict[str, str]:
    """All made files of the kit, by their path."""
    doors = contract.doors
    nouns = {door.name: list(dict.fromkeys(verb.function for verb in door.verbs)) for door in doors}
    return {
        **{f"{_ROOT}/src/nouns/{door.name}.js": _noun(door) for door in doors},
        f"{_ROOT}/src/nouns.json": json.dumps({"made": MADE, "nouns": nouns}, indent=2) + "\n",
        f"{_ROOT}/src/omnicore.mjs": _module(doors),
        f"{_ROOT}/omnicore.d.ts": _types(contract),
        f"{_ROOT}/conformance/dispatch.js": _dispatch(doors),
    }


_ASK = """// Asks a door: the request as JSON, the reply as an object. Throws: DoorError for a refusal.
const kit = {
  ask(name, request) {
    const given = Memory.fromString(JSON.stringify(request));
    const answer = Memory.find(Host.getFunctions()[name](given.offset));
    given.free();
    const reply = answer.readJsonObject();
    answer.free();
    if (reply.error) throw new DoorError(reply.error);
    return reply;
  },
};
"""


def application(doors: tuple[Door, ...], made: str) -> dict[str, str]:
    """A file for each door of an application with its types, and the declaration of their imports."""
    found = {}
    for door in doors:
        verbs = "".join(_verb(door, verb) for verb in door.verbs)
        body = f"// {door.purpose}.\nexport const {door.name} = {{\n{verbs}}};\n"
        found[f"{door.name}.js"] = f'// {made}\nimport {{ DoorError }} from "omnicore";\n\n{_ASK}\n{body}'
        types = re.sub(r"^  ", "", _door_types(door), flags=re.MULTILINE)
        found[f"{door.name}.d.ts"] = f"// {made}\n\n{types}"
        found |= _fake(door, made)
    lines = "".join(f"    {verb.function}(request: PTR): PTR;\n" for door in doors for verb in door.verbs)
    found["index.d.ts"] = (
        f"// {made}\n// Beside the plugin's source, or joined with the one that is there: what it imports.\n"
        f'declare module "extism:host" {{\n  interface user {{\n{lines}  }}\n}}\n'
    )
    return found


def _fake(door: Door, made: str) -> dict[str, str]:
    """What answers for a door in unit tests under Node."""
    name = pascal(door.name)
    lines = "".join(
        f"  if (door.{verb.name} !== undefined) host.answers.{verb.function} = {_fake_answer(verb)};\n"
        for verb in door.verbs
    )
    about = f"/** Makes the host of a test answer as `{door.name}`; what the fake leaves out is `unavailable`. */\n"
    return {
        f"{door.name}.fake.js": f'// {made}\nimport {{ host }} from "omnicore/testing";\n\n'
        f"export function fake{name}(door) {{\n{lines}}}\n",
        f"{door.name}.fake.d.ts": f'// {made}\nimport type {{ {door.name} }} from "./{door.name}.js";\n\n'
        f"{about}export function fake{name}(door: Partial<typeof {door.name}>): void;\n",
    }


def _fake_answer(verb: Verb) -> str:
    required, optional = _split(verb)
    taken = [one.name if (name := _parameter(one)) == one.name else f"{one.name}: {name}" for one in required]
    taken += ["...options"] if optional else []
    call = f"door.{verb.name}({', '.join([*map(_parameter, required), *(['options'] if optional else [])])})"
    given = f"({{ {', '.join(taken)} }})" if taken else "()"
    return f"{given} => ({{ {verb.reply[0].name}: {call} }})" if verb.reply else f"{given} => ({call}, {{}})"


def _split(verb: Verb) -> tuple[list[Field], list[Field]]:
    """What has to be given, in order, and the options."""
    return [one for one in verb.request if not one.optional], [one for one in verb.request if one.optional]


def _parameter(field: Field) -> str:
    return f"{field.name}_" if field.name in _TAKEN else field.name


def _noun(door: Door) -> str:
    verbs = "".join(_verb(door, verb) for verb in door.verbs)
    return f"// {MADE}\n// {door.purpose}.\nnouns.{door.name} = {{\n{verbs}}};\n"


def _verb(door: Door, verb: Verb) -> str:
    required, optional = _split(verb)
    parameters = [_parameter(one) for one in required] + (["options = {}"] if optional else [])
    fields = [_sent(one) for one in required] + (["...options"] if optional else [])
    lines = [f"{wrapped(verb.doc, '  // ')}\n  {verb.name}({', '.join(parameters)}) {{\n"]
    if optional and any(one.type.kind == "bytes" for one in optional):
        lines += [
            f"    if (options.{one.name} !== undefined) options = {{ ...options, {one.name}: "
            f"kit.toWire(options.{one.name}) }};\n"
            for one in optional
            if one.type.kind == "bytes"
        ]
    request = f"{{ {', '.join(fields)} }}" if fields else "{}"
    call = f'kit.ask("{verb.function}", {request})'
    lines += _returned(verb, call)
    return "".join((*lines, "  },\n"))


def _sent(field: Field) -> str:
    name = _parameter(field)
    if field.type.kind == "bytes":
        return f"{field.name}: kit.toWire({name})"
    return name if name == field.name else f"{field.name}: {name}"


def _returned(verb: Verb, call: str) -> Iterator[str]:
    if not verb.reply:
        yield f"    {call};\n"
        return
    blobs = [one.name for one in verb.reply if one.type.kind == "bytes"]
    if verb.record is None:
        value = f"{call}.{verb.reply[0].name}"
        yield f"    return {f'kit.fromWire({value})' if blobs else value};\n"
        return
    yield f"    const reply = {call};\n"
    if verb.maybe:
        yield "    if (Object.values(reply).every((value) => value === null)) return null;\n"
    changed = "".join(f", {name}: kit.fromWire(reply.{name})" for name in blobs)
    yield f"    return {{ ...reply{changed} }};\n" if blobs else "    return reply;\n"


def _module(doors: Iterable[Door]) -> str:
    names = ", ".join(["Bytes", "DoorError", "describe", *(door.name for door in doors)])
    return (
        f'// {MADE}\n// What `import ... from "omnicore"` finds; the plugin is being built when it does.\n'
        f'export const {{ {names} }} = globalThis[Symbol.for("omnicore:kit")].nouns;\n'
    )


def _types(contract: Contract) -> str:
    codes = " | ".join(f'"{code}"' for code in contract.codes)
    error = "".join(_member(one, "    ") for one in contract.error if one.name != "message")
    doors = "\n".join(_door_types(door) for door in contract.doors)
    return f"""// {MADE}

declare module "omnicore" {{
  /** Bytes that a door returned. */
  export class Bytes extends Uint8Array {{
    /** The bytes as text. */
    text(): string;
    /** The bytes as JSON. */
    json(): any;
  }}

  /** What a door takes as bytes. */
  export type BytesLike = string | ArrayBuffer | ArrayBufferView;

  /** A JSON Schema. */
  export type Schema = Record<string, unknown>;

  /** What callers are told of a function; `"text"` and `"bytes"` stand for plain text and bytes. */
  export interface Description {{
    description?: string;
    input?: "text" | "bytes" | Schema;
    output?: "text" | "bytes" | Schema;
    input_media?: string;
    output_media?: string;
  }}

  /** Says what a function takes and gives, for its manifest. Returns: the function. */
  export function describe<F extends (...given: any[]) => any>(fn: F, description: Description): F;

  export type ErrorCode = {codes} | (string & {{}});

  /** What a door threw: a refusal or an expected failure. */
  export class DoorError extends Error {{
{error}    /** The message without the remedy. */
    fact: string;
  }}

{doors}}}
"""


def _door_types(door: Door) -> str:
    parts = [
        f"{wrapped(f'{one.doc}', '  // ')}\n  export type {pascal(door.name)}{pascal(one.name)} = "
        f"{' | '.join(json.dumps(value) for value in one.values)};\n"
        for one in door.enums
    ]
    for one in door.records:
        members = "".join(_member(field, "    ", door) for field in one.fields)
        parts.append(f"  /** {one.doc} */\n  export interface {_record(door, one.name)} {{\n{members}  }}\n")
    verbs = "".join(_signature(door, verb) for verb in door.verbs)
    parts.append(f"  /** {door.purpose}. */\n  export const {door.name}: {{\n{verbs}  }};\n")
    return "\n".join(parts)


def _record(door: Door, name: str) -> str:
    return pascal(name) if name.startswith(f"{door.name}_") else f"{pascal(door.name)}{pascal(name)}"


def _member(field: Field, start: str, door: Door | None = None) -> str:
    kind = "ErrorCode" if door is None and field.name == "code" else _type(field.type, door)
    kind += " | null" if field.null and field.type.kind != "json" else ""
    return f"{start}/** {field.doc} */\n{start}{field.name}{'?' if field.optional else ''}: {kind};\n"


def _type(kind: Type, door: Door | None, *, given: bool = False) -> str:
    if kind.kind == "list" and kind.item:
        return f"{_type(kind.item, door, given=given)}[]"
    if kind.kind == "map" and kind.item:
        return f"Record<string, {_type(kind.item, door, given=given)}>"
    if kind.name and door:
        return f"{pascal(door.name)}{pascal(kind.name)}" if kind.kind == "enum" else _record(door, kind.name)
    if kind.kind == "bytes" and given:
        return "BytesLike"
    return _PLAIN.get(kind.kind, "any")


def _signature(door: Door, verb: Verb) -> str:
    required, optional = _split(verb)
    parameters = [f"{_parameter(one)}: {_given(one, door)}" for one in required]
    if optional:
        inner = "; ".join(f"{one.name}?: {_given(one, door)}" for one in optional)
        parameters.append(f"options?: {{ {inner} }}")
    notes = "".join(f"\n     * - `{one.name}`: {one.doc}" for one in verb.request)
    head = f"    /**\n     * {verb.doc}{notes}\n     */\n"
    return f"{head}    {verb.name}({', '.join(parameters)}): {_result(door, verb)};\n"


def _given(field: Field, door: Door) -> str:
    kind = _type(field.type, door, given=True)
    return f"{kind} | null" if field.null and field.type.kind != "json" else kind


def _result(door: Door, verb: Verb) -> str:
    if not verb.reply:
        return "void"
    if verb.record is not None:
        return _record(door, verb.record.name) + (" | null" if verb.maybe else "")
    one = verb.reply[0]
    return _type(one.type, door) + (" | null" if one.null and one.type.kind != "json" else "")


def _dispatch(doors: Iterable[Door]) -> str:
    found = list(doors)
    names = ", ".join(door.name for door in found)
    tables = "".join(f"  {door.name}: {{\n{''.join(_case(door, verb) for verb in door.verbs)}  }},\n" for door in found)
    return (
        f'// {MADE}\nimport {{ {names} }} from "omnicore";\n'
        'import { bytes, options, record, wire } from "./shapes.js";\n\n'
        "// For each verb: the request as the kit's arguments, and what it returns as a reply.\n"
        f"export const VERBS = {{\n{tables}}};\n"
    )


def _case(door: Door, verb: Verb) -> str:
    required, optional = _split(verb)
    arguments = [_argument(one) for one in required]
    if optional:
        blobs = [one.name for one in optional if one.type.kind == "bytes"]
        names = json.dumps([one.name for one in optional])
        arguments.append(f"options(request, {names}, {json.dumps(blobs)})" if blobs else f"options(request, {names})")
    call = f"{door.name}.{verb.name}({', '.join(arguments)})"
    if not verb.reply:
        body = f"({call}, {{}})"
    elif verb.record is not None:
        body = f"record({call}, {json.dumps([one.name for one in verb.reply])})"
    else:
        body = f"({{ {verb.reply[0].name}: wire({call}) }})"
    given = "request" if verb.request else ""
    return f"    {verb.name}: ({given}) => {body},\n"


def _argument(field: Field) -> str:
    return f"bytes(request.{field.name})" if field.type.kind == "bytes" else f"request.{field.name}"
