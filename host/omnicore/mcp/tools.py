"""Functions as tools: their names, how they are listed, what their arguments mean, and who may see them."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import re
from bisect import bisect_right
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from omnicore.access.principal import Principal, Role
from omnicore.errors import InvalidInput, NotFound
from omnicore.plugins.schemas import FunctionSpec, embedded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from omnicore.events.bus import EventBus
    from omnicore.plugins.host import PluginHost
    from omnicore.plugins.view import PluginView


LONGEST = 128
"""Characters of a name. Source: Model Context Protocol, 2025-11-25, tool names."""

_VALID = re.compile(rf"[A-Za-z0-9._-]{{1,{LONGEST}}}")
_STRANGE = re.compile(r"[^A-Za-z0-9._-]")
_DIGITS = 8


def tool_names(references: Iterable[str]) -> dict[str, str]:
    """The name of each `plugin.function`, by reference.

    A valid one stays as it is. In others each invalid character becomes `_`, and a digest of the whole reference is
    added, so that the name does not depend on other tools.
    """
    known = sorted(set(references))
    names = {reference: reference for reference in known if _VALID.fullmatch(reference)}
    taken = set(names)
    for reference in known:
        if reference not in names:
            names[reference] = _made(reference, taken)
            taken.add(names[reference])
    return names


def _made(reference: str, taken: set[str]) -> str:
    digest, digits = hashlib.sha256(reference.encode()).hexdigest(), _DIGITS
    while (name := _with(reference, digest[:digits])) in taken:  # a chosen name looks like a generated one
        digits += 1
    return name


def _with(reference: str, digest: str) -> str:
    return f"{_STRANGE.sub('_', reference)[: LONGEST - len(digest) - 1]}-{digest}"


_JSON, _TEXT = "application/json", "text/plain"
_HINTS = {
    "read_only": "readOnlyHint",
    "destructive": "destructiveHint",
    "idempotent": "idempotentHint",
    "open_world": "openWorldHint",
}
_PLAIN = {"input": {"type": "string", "description": "Text for the function"}}
_BYTES = {
    "input": {"type": "string", "description": "Text for the function, which gets it as UTF-8"},
    "base64": {"type": "string", "contentEncoding": "base64", "description": "Bytes for the function, instead of text"},
}


@dataclass(frozen=True, slots=True)
class Tool:
    """One function of a plugin that answers calls. Units: `timeout_s` the plugin's own limit of a call."""

    name: str
    plugin: str
    function: FunctionSpec
    about: str
    timeout_s: float

    @property
    def reference(self) -> str:
        """The function's reference in the host."""
        return f"{self.plugin}.{self.function.name}"

    def listed(self) -> dict[str, Any]:
        """The tool as `tools/list` shows it."""
        spec = self.function
        hints = {_HINTS[name]: value for name, value in spec.hints.items() if name in _HINTS}
        return {
            "name": self.name,
            "description": spec.description or f"The function {spec.name} of {self.plugin}. {self.about}".strip(),
            "inputSchema": _input_schema(spec),
            **({} if spec.output is None else {"outputSchema": _output_schema(spec.output)}),
            **({"annotations": hints} if hints else {}),
        }

    def value(self, arguments: Mapping[str, Any]) -> Any:
        """The input of the function. Raises: InvalidInput: invalid arguments."""
        spec = self.function
        if spec.input is not None and is_object(spec.input):
            return dict(arguments)
        known = _BYTES if _takes_bytes(spec) else _PLAIN
        if strange := sorted(arguments.keys() - known.keys()):
            raise _wrong(f"has no argument {strange[0][:80]!r}", self.name)
        if "base64" in arguments:
            return _decoded(arguments, self.name)
        if "input" not in arguments:
            if spec.input is not None:
                raise _wrong("needs the argument input", self.name)
            return b""
        value = arguments["input"]
        if spec.input is None and spec.input_media != _JSON and not isinstance(value, str):
            raise _wrong("takes text as its argument input", self.name)
        return value


def tools_of(plugins: Mapping[str, tuple[PluginView, tuple[FunctionSpec, ...]]]) -> Iterator[Tool]:
    """The tools of plugins, given as their view and the functions that answer calls."""
    names = tool_names(f"{name}.{spec.name}" for name, (_, specs) in plugins.items() for spec in specs)
    for name, (view, specs) in plugins.items():
        for spec in specs:
            yield Tool(names[f"{name}.{spec.name}"], name, spec, view.description, float(view.limits["timeout_s"]))


def is_object(schema: Mapping[str, Any]) -> bool:
    """True if a schema accepts only objects, as the protocol requires of a tool's."""
    return schema.get("type") == "object"


def _takes_bytes(spec: FunctionSpec) -> bool:
    return spec.input is None and spec.input_media not in (_JSON, _TEXT)


def _input_schema(spec: FunctionSpec) -> dict[str, Any]:
    if spec.input is not None:
        if is_object(spec.input):
            return dict(spec.input)
        return _wrapped("input", spec.input)
    if spec.input_media == _JSON:
        return _closed({"input": {"description": "Any JSON value"}})
    return _closed(_BYTES if _takes_bytes(spec) else _PLAIN)


def _output_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    return dict(schema) if is_object(schema) else _wrapped("result", schema)


def _wrapped(member: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    """An object with the schema's value as its only member. References are adjusted."""
    return {**_closed({member: embedded(schema, f"#/properties/{member}")}), "required": [member]}


def _closed(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": dict(properties), "additionalProperties": False}


def _decoded(arguments: Mapping[str, Any], name: str) -> bytes:
    text = arguments["base64"]
    if len(arguments) > 1:
        raise _wrong("takes input or base64, not both", name)
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError, TypeError) as error:
        raise _wrong("takes base64 as its argument base64", name) from error


def _wrong(problem: str, name: str) -> InvalidInput:
    return InvalidInput(f"the tool {name} {problem}", remedy="see its schema in `tools/list`")


TOPIC = "plugin.*"
"""Events after which there may be other tools."""

TAG = "calls"
"""Scope that a token needs to call functions."""

PAGE = 100
"""Tools of one answer."""


@dataclass(frozen=True, slots=True)
class _Known:
    """All tools by name, and the names in order."""

    tools: Mapping[str, Tool] = field(default_factory=dict)
    names: Sequence[str] = ()


class ToolCatalogue:
    """The functions of plugins that answer calls, read again when the bus or the database reports a change.

    Owns: a subscription of the bus until `close`.

    Args:
        version: changes when another process wrote to the database; grants are given there too.
    """

    def __init__(self, host: PluginHost, bus: EventBus, version: Callable[[], int], *, page: int = PAGE) -> None:
        self._host, self._version, self._page = host, version, page
        self.callers = host.callers
        self._news = bus.subscribe(TOPIC, queue=1)
        self._known = _Known()
        self._seen: int | None = None
        self._stale = True
        self.edition = 0
        """Grows whenever there are other tools than before."""
        self._reading = asyncio.Lock()

    def close(self) -> None:
        """Ends the subscription."""
        self._news.close()

    async def find(self, name: str) -> Tool | None:
        """A tool by its name."""
        await self.refresh()
        return self._known.tools.get(name)

    def schema(self, name: str) -> Mapping[str, object] | None:
        """The input schema of a tool that was listed."""
        tool = self._known.tools.get(name)
        return None if tool is None else tool.listed()["inputSchema"]

    async def page(self, principal: Principal, cursor: str | None) -> tuple[list[Tool], str | None]:
        """Tools that the principal may call, by name, and the cursor of the next page. Raises: InvalidInput."""
        after = _after(cursor)
        await self.refresh()
        known, chosen = self._known, list[Tool]()
        for name in known.names[bisect_right(known.names, after) :] if after else known.names:
            if not may_call(principal, known.tools[name]):
                continue
            if len(chosen) == self._page:
                return chosen, _cursor(chosen[-1].name)
            chosen.append(known.tools[name])
        return chosen, None

    async def refresh(self, *, look: bool = False) -> None:
        """Reads the plugins again if necessary.

        Args:
            look: also asks the database for changes.
        """
        async with self._reading:
            self._stale = bool(self._news.drain()) or self._stale
            if self._stale or look:
                version = await asyncio.to_thread(self._version)
                self._stale, self._seen = self._stale or version != self._seen, version
            if not self._stale:
                return
            before, self._known = self._known, await asyncio.to_thread(self._read)
            self._stale = False
            self.edition += before.tools != self._known.tools

    def _read(self) -> _Known:
        found = {}
        for view in self._host.list():
            if view.serving is not None:
                with suppress(NotFound):  # it was removed in between
                    found[view.name] = (view, tuple(self._host.functions(view.name)))
        tools = {tool.name: tool for tool in tools_of(found)}
        return _Known(tools, sorted(tools))


def may_call(principal: Principal, tool: Tool) -> bool:
    """True if the principal may call a tool. To others it does not exist."""
    return principal.may(Role.operator, tag=TAG, plugin=tool.plugin)


def _cursor(name: str) -> str:
    return base64.urlsafe_b64encode(name.encode()).decode()


def _after(cursor: str | None) -> str:
    try:
        return base64.b64decode(cursor or "", altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise InvalidInput("the cursor is not one of ours", remedy="pass `nextCursor` of the page before") from error


def _to_nobody(_plugin: str, _function: str, _outcome: str) -> None:
    """The default: calls on standard input and output are not recorded."""


@dataclass(frozen=True, slots=True)
class Caller:
    """An admitted caller. `note` receives plugin, function and outcome of a call: done, failed or refused."""

    principal: Principal
    note: Callable[[str, str, str], None] = _to_nobody
