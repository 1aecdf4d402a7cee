"""Snapshots of modules: a guest runs its start-up once, and its memory becomes part of a new module.

Sections are taken apart and put together again; nothing inside a function's body changes.

Source: Wasm core specification, section 5.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import cast

from omnicore.errors import GuestFailed
from omnicore.sandbox.abi import LOG_LEVELS, Doors, HostCall, HostFunction, Limits, LogLevel, ValueType
from omnicore.sandbox.engine import Instance, SandboxEngine, Template
from omnicore.sandbox.inspect import FuncType, ModuleInfo, inspect
from omnicore.sandbox.wasm import Reader, write_u32

FUNCTION = 0
"""The kind of an import or export that is a function."""

_VALUES = {"i32": 0x7F, "i64": 0x7E, "f32": 0x7D, "f64": 0x7C}


def sized(content: bytes) -> bytes:
    """Bytes behind their length."""
    return write_u32(len(content)) + content


def name(text: str) -> bytes:
    """A name."""
    return sized(text.encode())


def vector(items: Iterable[bytes]) -> bytes:
    """Things behind their number."""
    found = list(items)
    return write_u32(len(found)) + b"".join(found)


def function_type(kind: FuncType) -> bytes:
    """A function's type."""
    values = [vector(bytes((_VALUES[one],)) for one in side) for side in (kind.params, kind.results)]
    return b"\x60" + b"".join(values)


def sleb(number: int) -> bytes:
    """A signed number in the shortest form."""
    out = bytearray()
    while True:
        part = number & 0x7F
        number >>= 7
        if number in (0, -1) and (number == 0) == (not part & 0x40):
            out.append(part)
            return bytes(out)
        out.append(part | 0x80)


_TYPE, _IMPORT, _FUNCTION, _MEMORY, _EXPORT, _COUNT, _CODE, _DATA = 1, 2, 3, 5, 7, 12, 10, 11
_END = b"\x0b"
_UNREACHABLE = sized(b"\x00\x00" + _END)
_PAGE = 65_536
# A gap of zeros that is cheaper to store than to begin another segment.
_RUN = re.compile(rb"[^\0](?:[^\0]|\0{1,15}(?=[^\0]))*")
_MOST_SEGMENTS = 50_000
_LONG_RUN = re.compile(rb"[^\0](?:[^\0]|\0{1,255}(?=[^\0]))*")


@dataclass(frozen=True, slots=True)
class HostImport:
    """A host function to import, and the number by which the guest calls it."""

    slot: int
    module: str
    name: str
    type: FuncType


@dataclass(frozen=True, slots=True)
class ModuleChanges:
    """Changes to a module.

    Args:
        first_slot: the import from which on all are room for host functions; the later ones become traps.
        imports: what fills that room.
        dispatch: the exported function whose body is replaced; it calls an import by its slot.
        call, functions: functions to export; each calls `call` with its place in the list. None keeps all exports.
        memory: what memory holds when the module starts; None keeps its own data.
    """

    first_slot: int
    imports: Sequence[HostImport]
    dispatch: str
    call: str = ""
    functions: Sequence[str] | None = None
    memory: bytes | None = None


def rewritten(wasm: bytes, changes: ModuleChanges) -> bytes:
    """The module with the changes made and without custom sections. The same input gives the same bytes."""
    info = inspect(wasm)
    job = _Job(wasm, info, changes)
    made = {
        _TYPE: job.types,
        _IMPORT: job.imports,
        _FUNCTION: job.function_types,
        _MEMORY: job.memories,
        _EXPORT: job.exports,
        _COUNT: job.data_count,
        _CODE: job.code,
        _DATA: job.data,
    }
    out = bytearray(wasm[:8])
    for section in info.sections:
        content = wasm[section.start : section.end]
        if section.identifier in made:
            content = made[section.identifier](content)
        out.append(section.identifier)
        out += sized(content)
    return bytes(out)


class _Job:
    """One rewriting. Each method makes the content of one section from its old content."""

    def __init__(self, wasm: bytes, info: ModuleInfo, changes: ModuleChanges) -> None:
        self._info = info
        self._changes = changes
        self._room = len(info.imports) - changes.first_slot
        if len(changes.imports) > self._room:
            raise ValueError(f"{len(changes.imports)} host functions, there is room for {self._room}")
        self._stubs = self._room - len(changes.imports)
        self._exports = {export.name: export.index for export in info.exports if export.kind == "function"}
        self._added = list(changes.functions or ())
        self._segments = list(_segments(changes.memory)) if changes.memory is not None else None

    def types(self, content: bytes) -> bytes:
        """The old types, one for each import and those of stubs and exports."""
        reader = Reader(content, 0, len(content))
        count = reader.u32()
        self._first_type = count
        more = [function_type(one.type) for one in self._changes.imports]
        more += [function_type(FuncType((), ())), function_type(FuncType((), ("i32",)))]
        return write_u32(count + len(more)) + content[reader.position :] + b"".join(more)

    def imports(self, content: bytes) -> bytes:
        """The fixed imports as they are, then what fills the room."""
        reader = Reader(content, 0, len(content))
        reader.u32()
        start = reader.position
        for _ in range(self._changes.first_slot):
            reader.name()
            reader.name()
            if reader.byte() != FUNCTION:
                raise ValueError("the engine imports something other than functions")
            reader.u32()
        entries = [
            name(one.module) + name(one.name) + bytes((FUNCTION,)) + write_u32(self._first_type + place)
            for place, one in enumerate(self._changes.imports)
        ]
        count = self._changes.first_slot + len(entries)
        return write_u32(count) + content[start : reader.position] + b"".join(entries)

    def function_types(self, content: bytes) -> bytes:
        """Stubs stand where imports stood, so that no function gets another number."""
        reader = Reader(content, 0, len(content))
        count = reader.u32()
        stub = self._first_type + len(self._changes.imports)
        front, back = write_u32(stub) * self._stubs, write_u32(stub + 1) * len(self._added)
        return write_u32(self._stubs + count + len(self._added)) + front + content[reader.position :] + back

    def memories(self, content: bytes) -> bytes:
        """The memory as large as it has become."""
        if self._changes.memory is None:
            return content
        return b"\x01\x00" + write_u32(len(self._changes.memory) // _PAGE)

    def exports(self, content: bytes) -> bytes:
        """The plugin's functions in place of the engine's."""
        if self._changes.functions is None:
            return content
        first = len(self._info.imports) + self._info.functions
        return vector(
            name(one) + bytes((FUNCTION,)) + write_u32(first + place) for place, one in enumerate(self._added)
        )

    def code(self, content: bytes) -> bytes:
        """Stubs, the old bodies with a new dispatch, and a body for each function of the plugin."""
        reader = Reader(content, 0, len(content))
        count = reader.u32()
        start = reader.position
        for _ in range(self._exports[self._changes.dispatch] - len(self._info.imports)):
            reader.take(reader.u32())
        before = content[start : reader.position]
        reader.take(reader.u32())
        bodies = [_calls(self._exports[self._changes.call], place) for place in range(len(self._added))]
        return b"".join(
            (
                write_u32(self._stubs + count + len(self._added)),
                _UNREACHABLE * self._stubs,
                before,
                self._dispatch(),
                content[reader.position :],
                *bodies,
            )
        )

    def _dispatch(self) -> bytes:
        first = self._changes.first_slot
        steps = [_step(one, first + place) for place, one in enumerate(self._changes.imports)]
        return sized(b"\x00" + b"".join(steps) + b"\x00" + _END)

    def data_count(self, content: bytes) -> bytes:
        """The number of data segments."""
        return content if self._segments is None else write_u32(len(self._segments))

    def data(self, content: bytes) -> bytes:
        """The memory, without its zeros."""
        if self._segments is None:
            return content
        return vector(b"\x00\x41" + sleb(at) + _END + sized(held) for at, held in self._segments)


_LOADS = {"i32": b"\x28\x02", "i64": b"\x29\x03", "f32": b"\x2a\x02", "f64": b"\x2b\x03"}
_STORES = {"i32": b"\x36\x02", "i64": b"\x37\x03", "f32": b"\x38\x02", "f64": b"\x39\x03"}


def _step(one: HostImport, index: int) -> bytes:
    """`if (slot == N) { frame[0] = import(frame[0], frame[1], ...); return; }`"""
    body = [b"\x20\x00\x41", sleb(one.slot), b"\x46\x04\x40"]
    if one.type.results:
        body.append(b"\x20\x01")
    for place, kind in enumerate(one.type.params):
        body += [b"\x20\x01", _LOADS[kind], write_u32(8 * place)]
    body += [b"\x10", write_u32(index)]
    if one.type.results:
        body += [_STORES[one.type.results[0]], b"\x00"]
    return b"".join((*body, b"\x0f", _END))


def _calls(target: int, number: int) -> bytes:
    return sized(b"\x00\x41" + sleb(number) + b"\x10" + write_u32(target) + _END)


def _segments(memory: bytes) -> Iterator[tuple[int, bytes]]:
    found = [(match.start(), match.group()) for match in _RUN.finditer(memory)]
    if len(found) > _MOST_SEGMENTS:  # a module may have 100,000: store longer gaps
        found = [(match.start(), match.group()) for match in _LONG_RUN.finditer(memory)]
    yield from found


_BUILD = "omnicore:build"
_READ, _DUMP, _CLOCK, _RANDOM, _LOG = range(5)
FIRST_DOOR = 16
"""The first slot that the engine's own C code leaves free."""

_HANDLE = FuncType(("i64",), ("i64",))
_OWN = (
    HostImport(_READ, _BUILD, "read", _HANDLE),
    HostImport(_DUMP, _BUILD, "dump", FuncType(("i64", "i64"), ())),
    *(HostImport(_LOG + at, _BUILD, f"log_{level}", FuncType(("i64",), ())) for at, level in enumerate(LOG_LEVELS)),
)
_DISPATCH, _CALL = "omnicore_slot", "omnicore_call"


@dataclass(slots=True)
class Evaluation:
    """One run: what the guest may read, what it logged, and its memory once it is done.

    `read` is given what the guest asks for and returns the answer.
    """

    read: Callable[[bytes], bytes]
    lines: list[str] = field(default_factory=list)
    memory: bytes = b""


class LanguageEngine:
    """An engine for a language, compiled; safe to use from several threads.

    Its C side is `sdk/js/engine`: exports `omnicore_prelude`, `omnicore_begin`, `omnicore_finish` and
    `omnicore_call`, and imports whose module is `omnicore:slot` behind all others.

    Args:
        first_slot: the number of its imports that are not slots.
    """

    def __init__(self, engine: SandboxEngine, wasm: bytes, *, first_slot: int, limits: Limits) -> None:
        self._wasm = wasm
        self._first_slot = first_slot
        base = rewritten(wasm, ModuleChanges(first_slot=first_slot, imports=_OWN, dispatch=_DISPATCH))
        self._template: Template = engine.load([("main", base)], limits, Doors(functions=_functions(), log_level=None))

    def evaluate(
        self, evaluation: Evaluation, *, prelude: bytes, plugin: bytes, bind: Callable[[bytes], bytes]
    ) -> bytes:
        """Runs a plugin's source and keeps the memory in `evaluation`. Returns: what the guest says of the plugin.

        Args:
            bind: is given what the guest says and returns the input of its last step.

        Raises: GuestError: the source fails, or takes too much time or memory.
        """
        instance = self._template.instance()
        try:
            _run(instance, "omnicore_prelude", prelude, evaluation)
            said = _run(instance, "omnicore_begin", plugin, evaluation)
            _run(instance, "omnicore_finish", bind(said), evaluation)
        finally:
            instance.close()
        return said

    def module(self, evaluation: Evaluation, *, functions: list[str], imports: list[HostImport]) -> bytes:
        """The plugin: the engine with the memory of an evaluation and an export for each function."""
        changes = ModuleChanges(
            first_slot=self._first_slot,
            imports=imports,
            dispatch=_DISPATCH,
            call=_CALL,
            functions=functions,
            memory=evaluation.memory,
        )
        return rewritten(self._wasm, changes)


def _run(instance: Instance, export: str, data: bytes, evaluation: Evaluation) -> bytes:
    return instance.call(export, data, host_context=evaluation)


def _functions() -> tuple[HostFunction, ...]:
    runs: list[Callable[..., int | None]] = [_read, _dump, *map(_logger, LOG_LEVELS)]
    return tuple(_function(one, run) for one, run in zip(_OWN, runs, strict=True))


def _function(one: HostImport, run: Callable[..., int | None]) -> HostFunction:
    params, results = (cast("tuple[ValueType, ...]", side) for side in (one.type.params, one.type.results))
    return HostFunction(one.module, one.name, params, results, run)


def _read(call: HostCall, handle: int) -> int:
    evaluation: Evaluation = call.host_context
    return call.write(evaluation.read(call.read(handle)))


def _dump(call: HostCall, length: int, stack_end: int) -> None:
    evaluation: Evaluation = call.host_context
    # The stack is unused now; the guest starts again at its upper end.
    evaluation.memory = bytes(stack_end) + call.load(stack_end, length - stack_end)


_MOST_LINES = 100


def _logger(level: LogLevel) -> Callable[[HostCall, int], None]:
    def log(call: HostCall, handle: int) -> None:
        evaluation: Evaluation = call.host_context
        try:
            text = call.read(handle).decode(errors="replace")
        except GuestFailed:
            return
        if len(evaluation.lines) < _MOST_LINES:
            evaluation.lines.append(f"{level}: {text[:1000]}")

    return log
