"""The client for TypeScript: its records and its operations. What carries them, `client.ts`, is written by hand."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from sdk.generate.contract import Contract
from sdk.generate.js import RESERVED
from sdk.generate.rest import MADE, Document, Operation, Record, Shape, document, words

__all__ = ["files"]

_ROOT = "sdk/clients/ts/src"
_HEAD = f"// {MADE}\n"
_PLAIN = {"text": "string", "whole": "number", "number": "number", "boolean": "boolean", "any": "Json", "none": "void"}


def files(_contract: Contract) -> dict[str, str]:
    """All made files of the client, by their path."""
    whole = document()
    return {f"{_ROOT}/types.ts": _types(whole), f"{_ROOT}/operations.ts": _operations(whole)}


def _type(shape: Shape) -> str:
    made = _bare(shape)
    return f"{made} | null" if shape.null and made != "Json" else made


def _bare(shape: Shape) -> str:
    if shape.kind == "record":
        return shape.name
    if shape.kind == "list" and shape.item is not None:
        inner = _type(shape.item)
        return f"({inner})[]" if "|" in inner else f"{inner}[]"
    if shape.kind == "map" and shape.item is not None:
        return f"Record<string, {_type(shape.item)}>"
    if shape.kind == "enum":
        return " | ".join(json.dumps(one) for one in shape.values)
    return "Uint8Array" if shape.kind == "bytes" else _PLAIN[shape.kind]


def _types(whole: Document) -> str:
    json_type = "export type Json = string | number | boolean | null | Json[] | { [name: string]: Json };"
    version = f'/** The host whose document this client was made from. */\nexport const VERSION = "{whole.version}";\n'
    head = f"{_HEAD}\n{version}"
    return "\n".join([head, f"/** Any JSON value. */\n{json_type}\n", *(_record(record) for record in whole.records)])


def _record(record: Record) -> str:
    lines = [f"/** {record.words} */"] if record.words else []
    lines.append(f"export interface {record.name} {{")
    for member in record.members:
        if member.words:
            lines.append(f"  /** {member.words} */")
        lines.append(f"  {_key(member.name)}{'' if member.required else '?'}: {_type(member.shape)};")
    return "\n".join([*lines, "}\n"])


def _argument(name: str) -> str:
    return f"{name}_" if name in RESERVED else name


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z_]\w*", name) else json.dumps(name)


def _operations(whole: Document) -> str:
    methods = "\n".join(part for one in whole.operations for part in _operation(one))
    named = sorted({name for one in whole.operations for name in _named(one)} | {"Json"})
    used = [name for name in named if re.search(rf"\b{name}\b", methods)]
    carrier = 'import { Carrier, type CallOptions, pages } from "./client.js";'
    imports = f'{carrier}\nimport type {{ {", ".join(used)} }} from "./types.js";\n'
    about = "/** Every operation of a host. Each resolves to the answer, or rejects with an `OmniCoreError`. */"
    return f"{_HEAD}\n{imports}\n{about}\nexport class Operations extends Carrier {{\n{methods}}}\n"


def _named(one: Operation) -> Iterator[str]:
    shapes = [one.answer, *([one.body] if one.body else []), *(part.shape for part in one.query)]
    for shape in shapes:
        inner: Shape | None = shape
        while inner is not None:
            if inner.kind == "record":
                yield inner.name
            inner = inner.item
    if one.paged:
        items = _items(one)
        if items.kind == "record":
            yield items.name


def _items(one: Operation) -> Shape:
    record = next(record for record in document().records if record.name == one.answer.name)
    shape = next(member.shape for member in record.members if member.name == "items")
    return shape.item or Shape("any")


def _given(one: Operation) -> list[str]:
    made = [f"{_argument(part.name)}: string" for part in one.parts]
    if one.body is not None:
        made.append(f"body: {_type(one.body)}")
    if one.query:
        options = "; ".join(f"{_key(part.name)}?: {_type(part.shape)}" for part in one.query)
        made.append(f"query: {{ {options} }} = {{}}")
    return [*made, "options: CallOptions = {}"]


def _operation(one: Operation) -> Iterator[str]:
    path = re.sub(r"\{(\w+)\}", lambda found: f"${{encodeURIComponent({_argument(found[1])})}}", one.path)
    quoted = f"`{path}`" if "${" in path else json.dumps(path)
    fields = ["options"]
    if one.query:
        fields.append("query")
    if one.body is not None:
        fields += ["body", f"media: {json.dumps(one.media if one.media != '*/*' else 'application/octet-stream')}"]
    if one.keyed:
        fields.append("keyed: true")
    kind = {"bytes": "bytes", "none": "none"}.get(one.answer.kind, "json")
    answer = _type(one.answer)
    asked = f'{{ method: "{one.method}", path: {quoted}, answer: "{kind}", {", ".join(fields)} }}'
    about = f"  /** {words(one.words)}: `{one.method} {one.path}`. */"
    head = f"{one.name}({', '.join(_given(one))}): Promise<{answer}>"
    yield f"{about}\n  {head} {{\n    return this.send<{answer}>({asked});\n  }}\n"
    if one.paged:
        every = f"all{one.name.removeprefix('list')}"
        passed = ", ".join([*(_argument(part.name) for part in one.parts), "{ ...query, cursor }", "options"])
        yield (
            f"  /** All pages of `{one.name}`, each asked for when it is reached. */\n"
            f"  {every}({', '.join(_given(one))}): AsyncGenerator<{_type(_items(one))}, void, undefined> {{\n"
            f"    return pages((cursor) => this.{one.name}({passed}), query.cursor);\n  }}\n"
        )
