"""A typed Python client for a plugin, from the schemas of its functions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from omnicore.plugins.manifest import FunctionSpec
from omnicore.toolchains.client_types import TypeBook, identifier, pascal, quoted

__all__ = ["client_file", "client_source"]

_RESERVED = frozenset({"Any", "bytes", "float", "str", "__init__", "_host"})
_JSON, _TEXT = "application/json", "text/plain"


@dataclass(frozen=True, slots=True)
class _Method:
    """A function as a method: `gives` is its input's type with a default where it may be left out."""

    name: str
    function: str
    about: str
    gives: str
    passes: str
    returns: str


def client_file(plugin: str) -> str:
    """The file's name: `my-plugin` has `my_plugin_client.py`."""
    return f"{identifier(plugin)}_client.py"


def client_source(plugin: str, version: str, functions: Sequence[FunctionSpec]) -> str:
    """The client's source: a class for programs without an event loop, and one to await."""
    book = TypeBook()
    classes = [book.free(pascal(plugin)), book.free(f"Async{pascal(plugin)}")]
    methods = list(_methods(book, functions))
    body = "\n\n\n".join([*book.definitions, *(["\n".join(book.aliases)] if book.aliases else [])])
    blocks = [
        _head(plugin, version, body, methods),
        *([body] if body else []),
        _class(classes[0], plugin, methods, waits=False),
        _class(classes[1], plugin, methods, waits=True),
    ]
    return "\n\n\n".join(blocks) + "\n"


def _methods(book: TypeBook, functions: Sequence[FunctionSpec]) -> Iterator[_Method]:
    kinds = [(one, _input(book, one), _output(book, one)) for one in functions]
    taken = set(_RESERVED | book.taken)
    for function, (gives, passes), returns in kinds:
        name = _free(identifier(function.name), taken)
        yield _Method(name, function.name, function.description, gives, passes, returns)


def _free(wanted: str, taken: set[str]) -> str:
    # `list` and its like may be methods: no signature says `list`, it has the name of an alias.
    name = wanted
    while name in taken and name not in ("list", "dict", "int", "bool"):
        name += "_"
    taken.add(name)
    return name


def _input(book: TypeBook, function: FunctionSpec) -> tuple[str, str]:
    """The parameter, and what is passed on."""
    if function.input_media == _JSON:
        kind = "Any" if function.input is None else book.named(function.input, f"{pascal(function.name)}Input")
        if kind == "None":
            return "data: None = None", "data"
        schema = function.input or {}
        if schema.get("type") == "object" and not schema.get("required") and "allOf" not in schema:
            return f"data: {kind} | None = None", "{} if data is None else data"
        return f"data: {kind}", "data"
    if function.input_media == _TEXT:
        return f"data: {_text(book, function.input, f'{pascal(function.name)}Input')}", "data"
    return 'data: bytes = b""', "data"


def _output(book: TypeBook, function: FunctionSpec) -> str:
    name = f"{pascal(function.name)}Output"
    if function.output_media == _JSON:
        return "Any" if function.output is None else book.named(function.output, name)
    return _text(book, function.output, name) if function.output_media == _TEXT else "bytes"


def _text(book: TypeBook, schema: object, name: str) -> str:
    return book.named(schema, name) if isinstance(schema, dict) and {"enum", "const"} & set(schema) else "str"


def _head(plugin: str, version: str, body: str, methods: Sequence[_Method]) -> str:
    signatures = " ".join(f"{one.gives} {one.returns}" for one in methods)
    used = [
        name
        for name in ("Any", "Literal", "NotRequired", "TypeAlias", "TypedDict")
        if re.search(rf"\b{name}\b", f"{body} {signatures}")
    ]
    if any(one.returns not in ("Any", "None") for one in methods):
        used.append("cast")
    typing = [f"from typing import {', '.join(used)}", ""] if used else []
    of = f"{plugin} {version}".strip()
    return "\n".join(
        [
            f'"""A typed client for the plugin {of}, made by `omnicore plugins stub {plugin}`."""',
            "",
            "from __future__ import annotations",
            "",
            *typing,
            "from omnicore import BlockingHost, Host",
        ]
    )


def _class(name: str, plugin: str, methods: Sequence[_Method], *, waits: bool) -> str:
    host, use = ("Host", "`async with Host(...) as host`") if waits else ("BlockingHost", "`with Host(...) as host`")
    lines = [
        f"class {name}:",
        f'    """The functions of {plugin}, called on the host of {use}."""',
        "",
        f"    def __init__(self, host: {host}) -> None:",
        "        self._host = host",
    ]
    for method in methods:
        lines += ["", *_method(plugin, method, waits=waits)]
    return "\n".join(lines)


def _method(plugin: str, method: _Method, *, waits: bool) -> Iterator[str]:
    head, call = ("async def", "await self._host.call") if waits else ("def", "self._host.call")
    yield f"    {head} {method.name}(self, {method.gives}, *, timeout_s: float | None = None) -> {method.returns}:"
    if method.about:
        yield f'        """{_docstring(method.about)}"""'
    made = f"{call}({quoted(f'{plugin}.{method.function}')}, {method.passes}, timeout_s=timeout_s)"
    if method.returns == "None":
        yield f"        {made}"
    elif method.returns == "Any":
        yield f"        return {made}"
    else:
        yield f"        return cast({method.returns}, {made})"


def _docstring(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\n        ")
