"""The client for Go: its records and its operations; `client.go` and `events.go` beside them are written by hand."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sdk.generate.contract import Contract
from sdk.generate.rest import MADE, Document, Member, Operation, Parameter, Record, Shape, document, words
from sdk.generate.text import wrapped

__all__ = ["files"]

_ROOT = "sdk/clients/go"
_HEAD = f"// Code generated from specs/openapi.json. DO NOT EDIT.\n// {MADE}\n\npackage omnicore\n"
_INITIALS = {
    one.lower(): one
    for one in (
        "ID",
        "URL",
        "HTTP",
        "JSON",
        "API",
        "IP",
        "CPU",
        "CSRF",
        "OIDC",
        "TTL",
        "MCP",
        "WASI",
        "ABI",
        "SHA256",
        "SQL",
    )
}
_PLAIN = {"text": "string", "whole": "int64", "number": "float64", "boolean": "bool", "any": "any", "bytes": "[]byte"}
_DOC = "\t// "
_KEYWORDS = frozenset(
    {"type", "range", "func", "map", "package", "default", "select", "go", "var", "import", "interface"}
)
_POINTERLESS = frozenset({"list", "map", "any", "bytes"})
"""Kinds that have a nil of their own."""


def files(_contract: Contract) -> dict[str, str]:
    """All made files of the client, by their path."""
    whole = document()
    return {f"{_ROOT}/types.go": _types(whole), f"{_ROOT}/operations.go": _operations(whole)}


def _name(text: str) -> str:
    """`plugin_id` and `pluginId` as `PluginID`, as Go writes it."""
    parts = re.findall(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])", text)
    made = "".join(_INITIALS.get(part.lower(), part[:1].upper() + part[1:]) for part in parts)
    return made if made[:1].isalpha() else f"N{made}"


def _argument(text: str) -> str:
    made = _name(text)
    made = made.lower() if made.isupper() else made[:1].lower() + made[1:]
    return f"{made}_" if made in _KEYWORDS else made


def _type(shape: Shape, *, optional: bool = False) -> str:
    """The type; a pointer where it may be null or left out and its own zero would not tell."""
    made = _bare(shape)
    return f"*{made}" if (shape.null or optional) and shape.kind not in _POINTERLESS and made != "any" else made


def _bare(shape: Shape) -> str:
    if shape.kind == "record":
        return _name(shape.name)
    if shape.kind == "list" and shape.item is not None:
        return f"[]{_type(shape.item)}"
    if shape.kind == "map" and shape.item is not None:
        return f"map[string]{_type(shape.item)}"
    if shape.kind == "enum":
        kinds = {type(one) for one in shape.values}
        return {frozenset({str}): "string", frozenset({bool}): "bool", frozenset({int}): "int64"}.get(
            frozenset(kinds), "any"
        )
    return _PLAIN[shape.kind]


def _types(whole: Document) -> str:
    version = "// MadeFrom is the version of the host whose document this client was made from."
    head = f'{_HEAD}\n{version}\nconst MadeFrom = "{whole.version}"\n'
    return "\n".join([head, *(_record(record) for record in whole.records)])


def _record(record: Record) -> str:
    name = _name(record.name)
    fields = [_field(member) for member in record.members]
    about = wrapped(f"{name} is a JSON object. {record.words}".strip(), "// ")
    # With an empty line between two of them, gofmt has nothing to align.
    return f"{about}\ntype {name} struct {{\n" + "\n\n".join(fields) + "\n}\n"


def _field(member: Member) -> str:
    about = _about(member.words, member.shape)
    tag = member.name if member.required else f"{member.name},omitempty"
    line = f'\t{_name(member.name)} {_type(member.shape, optional=not member.required)} `json:"{tag}"`'
    return f"{wrapped(about, _DOC)}\n{line}" if about else line


def _about(text: str, shape: Shape) -> str:
    values = ", ".join(str(one) for one in shape.values)
    ended = text if not text or text[-1] in ".:;!?" else f"{text}."
    return " ".join(part for part in (ended, f"One of {values}." if shape.kind == "enum" else "") if part)


def _operations(whole: Document) -> str:
    head = f'{_HEAD}\nimport (\n\t"context"\n\t"iter"\n\t"net/http"\n)\n'
    return "\n".join([head, *(part for one in whole.operations for part in _operation(one))])


def _operation(one: Operation) -> Iterator[str]:
    name = _name(one.name)
    if one.query:
        yield _query(name, one.query)
    given = ["ctx context.Context", *(f"{_argument(part.name)} string" for part in one.parts)]
    if one.body is not None:
        given.append(f"body {_type(one.body)}")
    if one.query:
        given.append(f"query {name}Query")
    yield f"{_doc(name, one)}\nfunc (c *Client) {name}({', '.join(given)}) {_results(one)} {{\n{_call(name, one)}}}\n"
    if one.paged:
        yield _pages(name, one, given)


def _doc(name: str, one: Operation) -> str:
    keyed = " It is repeated safely: the client sends an Idempotency-Key." if one.keyed and one.method == "POST" else ""
    about = words(one.words)
    return wrapped(f"{name}: {about[:1].lower()}{about[1:]}: {one.method} {one.path}.{keyed}", "// ")


def _query(name: str, query: tuple[Parameter, ...]) -> str:
    fields = []
    for one in query:
        about = _about(words(one.words), one.shape)
        line = f"\t{_name(one.name)} {_type(one.shape, optional=True)}"
        fields.append(f"{wrapped(about, _DOC)}\n{line}" if about else line)
    head = f"// {name}Query has the options of {name}; what is nil is left out.\ntype {name}Query struct {{\n"
    values = "".join(f'\tadd("{one.name}", q.{_name(one.name)})\n' for one in query)
    visit = f"func (q {name}Query) visit(add func(string, any)) {{\n{values}}}\n"
    return head + "\n\n".join(fields) + f"\n}}\n\n{visit}"


def _results(one: Operation) -> str:
    if one.answer.kind == "none":
        return "error"
    return f"({_result(one.answer)}, error)"


def _result(answer: Shape) -> str:
    made = _type(answer)
    return f"*{made}" if answer.kind == "record" and not answer.null else made


def _call(name: str, one: Operation) -> str:
    path = re.sub(r"\{(\w+)\}", lambda found: f'" + escaped({_argument(found[1])}) + "', one.path)
    path = f'"{path}"'.replace(' + ""', "")
    fields = [f"method: http.Method{one.method.capitalize()}", f"path: {path}"]
    if one.query:
        fields.append("query: query")
    if one.body is not None:
        fields += ["body: body", f'media: "{one.media if one.media != "*/*" else "application/octet-stream"}"']
    if one.keyed:
        fields.append("keyed: true")
    asked = f"request{{{', '.join(fields)}}}"
    if one.answer.kind == "none":
        return f"\treturn c.do(ctx, {asked}, nil)\n"
    if one.answer.kind == "record":
        made = f"\tanswer := new({_bare(one.answer)})\n\tif err := c.do(ctx, {asked}, answer); err != nil {{\n"
        return f"{made}\t\treturn nil, err\n\t}}\n\treturn answer, nil\n"
    return f"\tvar answer {_result(one.answer)}\n\terr := c.do(ctx, {asked}, &answer)\n\treturn answer, err\n"


def _pages(name: str, one: Operation, given: list[str]) -> str:
    items = next(record for record in document().records if record.name == one.answer.name)
    shape = next(member.shape for member in items.members if member.name == "items")
    item = _type(shape.item) if shape.item is not None else "any"
    every = f"All{name.removeprefix('List')}"
    passed = ", ".join(["ctx", *(_argument(part.name) for part in one.parts), "query"])
    about = f"{every} goes through all pages of {name}, asking for each as it is reached; the first error ends it."
    return f"""{wrapped(about, "// ")}
func (c *Client) {every}({", ".join(given)}) iter.Seq2[{item}, error] {{
	return func(yield func({item}, error) bool) {{
		for {{
			page, err := c.{name}({passed})
			if err != nil {{
				var none {item}
				yield(none, err)
				return
			}}
			for _, one := range page.Items {{
				if !yield(one, nil) {{
					return
				}}
			}}
			if page.Next == nil {{
				return
			}}
			query.Cursor = page.Next
		}}
	}}
}}
"""
